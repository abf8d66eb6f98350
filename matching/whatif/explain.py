"""Why a need has its supporter or none, who else is eligible, and why not a named supporter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, counted
from matching.pairs.market import Market
from matching.plan.phrases import bar_phrases, counted_days, need_in_words, person
from matching.plan.write import Plan
from matching.tables.grid import kilometres, rounded_km
from matching.whatif.resolve import position_of, position_of_need
from matching.whatif.why_not import why_not

CANDIDATE_COLUMNS = (
    "supporter_id",
    "supporter_name",
    "designation",
    "distance_km",
    "score",
    "specialism_fit",
    "phase_fit",
    "distance_fit",
    "instead",
)


@dataclass(frozen=True)
class Explanation:
    """Why one need has its supporter or none.

    Attributes
    ----------
    headline : str
        The need: its identifier, focus, school, priority and days.
    sentences : tuple of str
        What the plan does for it, and why.
    candidates : DataFrame
        `CANDIDATE_COLUMNS`: every eligible supporter, best score first; `instead` is what each of them does.
    """

    headline: str
    sentences: tuple[str, ...]
    candidates: pd.DataFrame


def explain_need(market: Market, plan: Plan, need_id: str) -> Explanation:
    """Return why a need has its supporter or none, and who else is eligible.

    Raises
    ------
    DataError
        The need is not in the plan.
    """
    if market.inputs.state_of(need_id):
        return _not_open(market, need_id)
    need = position_of_need(market.inputs, need_id)
    candidates = _candidates(market, plan, need)
    return Explanation(_headline(market, need), tuple(_why(market, plan, need, len(candidates))), candidates)


def explain_pair(
    market: Market, plan: Plan, need_id: str, supporter_id: str, *, time_limit_s: float = 4.0
) -> Explanation:
    """Return why a supporter does or does not serve a need, what they do instead, and what placing them would change.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    time_limit_s : float
        How long to search for the plan with them here where days bind, in seconds.

    Raises
    ------
    DataError
        The need or the supporter is not in the plan.
    """
    if market.inputs.state_of(need_id):
        return _not_open(market, need_id)
    need = position_of_need(market.inputs, need_id)
    supporter = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    candidates = _candidates(market, plan, need)
    return Explanation(
        _headline(market, need), tuple(_why_not(market, plan, need, supporter, time_limit_s)), candidates
    )


def price_sentence(plan: Plan, supporter_id: str) -> str:
    """Return the value of one more place with a supporter, in words; empty where days bind, because it is not known.

    Notes
    -----
    A price is a multiple of the manifest's bonus (one for a normal need, two for a high and three for a critical one)
    and a remainder in score points.
    """
    rows = plan.workload[plan.workload["supporter_id"] == supporter_id].to_dict("records")
    if not rows or rows[0]["price"] == "":
        return ""
    if int(rows[0]["deployments"]) > int(rows[0]["max_deployments"]):
        # Pins take more than the supporter has: one more place would still leave none.
        return ""
    bonus_milli, price_milli = round(1000 * plan.manifest["proof"]["bonus"]), round(1000 * float(rows[0]["price"]))
    needs = round(price_milli / bonus_milli)
    remainder = (price_milli - needs * bonus_milli) / 1000
    start = f"One more place with {rows[0]['supporter_name']}"
    if price_milli == 0:
        return f"{start} would change nothing."
    if not needs:
        return f"{start} would add {remainder:.3f} to the total score."
    what = {
        1: "one more need of normal priority, or a more urgent need instead of another",
        2: "one more need of high priority, or a critical need instead of a normal one",
        3: "one more critical need",
    }[needs]
    change = f"add {remainder:.3f} to" if remainder >= 0 else f"take {-remainder:.3f} from"
    return f"{start} would meet {what}, and {change} the total score."


def _not_open(market: Market, need_id: str) -> Explanation:
    """Return that a need is paused or withdrawn."""
    inputs = market.inputs
    row = inputs.not_open[inputs.not_open["need_id"] == need_id].iloc[0]
    school = inputs.schools[inputs.schools["urn"] == row["school_urn"]].iloc[0]
    sentence = f"{need_id} is {row['state']}, so that no one is assigned to it and it does not count as unmet."
    return Explanation(_words(row, school), (sentence,), pd.DataFrame(columns=list(CANDIDATE_COLUMNS), dtype="object"))


def _headline(market: Market, need: int) -> str:
    school = market.inputs.schools.iloc[market.rulebook.need_school[need]]
    return _words(market.inputs.needs.iloc[need], school)


def _words(row: pd.Series, school: pd.Series) -> str:
    days = f", {counted_days(row['days'])}" if row["days"] else ""
    return f"{row['need_id']}: {row['focus']} at {school['name']} ({school['phase']}), {row['priority']} priority{days}"


def _why(market: Market, plan: Plan, need: int, eligible: int) -> list[str]:
    need_id = market.inputs.needs["need_id"].iat[need]
    met = plan.deployments[plan.deployments["need_id"] == need_id]
    if len(met):
        row = met.iloc[0]
        return [
            f"{row['supporter_name']} ({row['supporter_id']}, {row['designation']}) of {row['home_school_name']} "
            f"supports this need, with a score of {row['score']}.",
            row["reason"],
        ]
    unmet = plan.unmet[plan.unmet["need_id"] == need_id]
    if unmet.empty:
        message = f"Need {need_id} is in the plan's inputs, but in neither plan.csv nor unmet.csv."
        raise DataError([Problem("plan", None, "", "", message, "Make the plan again with 'allocate'.")])
    row = unmet.iloc[0]
    start = "No one is eligible." if not eligible else f"{counted(eligible, 'person is', 'people are')} eligible."
    return [f"This need is unmet. {start}", row["reason"], f"Nearest option: {row['nearest_option']}"]


def _why_not(market: Market, plan: Plan, need: int, supporter: int, time_limit_s: float) -> list[str]:
    need_id = market.inputs.needs["need_id"].iat[need]
    who = person(market, supporter)
    met = plan.deployments[plan.deployments["need_id"] == need_id].to_dict("records")
    supporter_id = market.inputs.supporters["supporter_id"].iat[supporter]
    if met and met[0]["supporter_id"] == supporter_id:
        return [f"{who} supports this need, with a score of {met[0]['score']}.", met[0]["reason"]]
    phrases = bar_phrases(market, need, supporter)
    if phrases:
        return [
            f"{who} is not eligible for this need:",
            *(f"- {phrase};" for phrase in phrases[:-1]),
            f"- {phrases[-1]}.",
            _does(market, plan, supporter, who),
        ]
    fits = market.rulebook.fits(np.array([need]), np.array([supporter]))
    score = f"{fits.score_milli[0] / 1000:.3f}"
    instead = f"{met[0]['supporter_name']} was chosen, with {met[0]['score']}" if met else "the need is unmet"
    sentences = [
        f"{who} is eligible, {kilometres(fits.distance_km[0])} away, with a score of {score}; {instead}.",
        _does(market, plan, supporter, who),
    ]
    if met and met[0]["origin"] == "pinned":
        sentences.append(f"The need is pinned to {met[0]['supporter_name']}, and a pin is kept whatever the scores.")
    sentences += why_not(market, plan, str(need_id), str(supporter_id), time_limit_s=time_limit_s).sentences
    return [*sentences, *filter(None, [price_sentence(plan, str(supporter_id))])]


def _does(market: Market, plan: Plan, supporter: int, who: str) -> str:
    """Return what a supporter does in the plan."""
    row = market.inputs.supporters.iloc[supporter]
    theirs = plan.deployments[plan.deployments["supporter_id"] == row["supporter_id"]]
    days = theirs["days"].astype(float).sum()
    places, has_limit = counted(int(row["max_deployments"]), "place"), np.isfinite(row["days_available"])
    if theirs.empty:
        offer = f"{places} and {counted_days(row['days_available'])}" if has_limit else places
        return f"{who} has no deployment in this plan, and offers {offer}."
    serves = "; ".join(
        f"{one.need_id} ({one.focus}, {one.school_name}, score {one.score})" for one in theirs.itertuples()
    )
    used = f"{len(theirs)} of {places}"
    if has_limit:
        used += f" and {days:g} of {counted_days(row['days_available'])}"
    elif days:
        used += f" and {counted_days(days)}"
    return f"{who} supports {serves}, using {used}."


def _candidates(market: Market, plan: Plan, need: int) -> pd.DataFrame:
    everyone = np.arange(len(market.inputs.supporters))
    eligible = np.flatnonzero(market.rulebook.eligible(np.full(len(everyone), need), everyone))
    fits = market.rulebook.fits(np.full(len(eligible), need), eligible)
    people = market.inputs.supporters.iloc[eligible]
    theirs = plan.deployments[plan.deployments["supporter_id"].isin(people["supporter_id"])]
    of_each, none = dict(list(theirs.groupby("supporter_id"))), theirs.iloc[:0]
    instead = [
        _instead(market, of_each.get(supporter_id, none), need, one)
        for supporter_id, one in zip(people["supporter_id"], eligible.tolist(), strict=True)
    ]
    frame = pd.DataFrame(
        {
            "supporter_id": people["supporter_id"].to_numpy(),
            "supporter_name": people["name"].to_numpy(),
            "designation": people["designation"].to_numpy(),
            "distance_km": [f"{value:.2f}" for value in rounded_km(fits.distance_km)],
            "score": [f"{value / 1000:.3f}" for value in fits.score_milli],
            "specialism_fit": [f"{value:.3f}" for value in fits.specialism],
            "phase_fit": [f"{value:.3f}" for value in fits.phase],
            "distance_fit": [f"{value:.3f}" for value in fits.distance],
            "instead": instead,
        },
        columns=list(CANDIDATE_COLUMNS),
    )
    order = np.lexsort((people["supporter_id"].to_numpy(dtype=str), fits.distance_km, -fits.score_milli))
    return frame.iloc[order].reset_index(drop=True)


def _instead(market: Market, theirs: pd.DataFrame, need: int, supporter: int) -> str:
    """Return what a supporter does instead of this need; `theirs` are their deployments."""
    row = market.inputs.supporters.iloc[supporter]
    need_id = market.inputs.needs["need_id"].iat[need]
    if (theirs["need_id"] == need_id).any():
        return "supports this need"
    columns = (theirs["focus"], theirs["school_name"], theirs["need_id"])
    serves = "; ".join(need_in_words(*row) for row in zip(*columns, strict=True))
    if len(theirs) >= row["max_deployments"]:
        return f"no place left; supports {serves}"
    # In hundredths, as everywhere: 0.3 less 0.1 must leave 0.2.
    days_left = np.rint(100 * (row["days_available"] - theirs["days"].astype(float).sum())) / 100
    asked = market.inputs.needs["days"].iat[need]
    left = counted(int(row["max_deployments"]) - len(theirs), "place")
    if asked > days_left:
        return f"has {counted_days(days_left)} left of the {asked:g} needed" + (
            f"; supports {serves}" if serves else ""
        )
    return f"has {left} left" + (f"; supports {serves}" if serves else "")
