"""What would happen if: a named person at a need, a small change that would meet one, and a rerun before it is kept.

Every answer is the solver's own, given the change and everything else as it is; nothing is judged from afar. Nothing is
kept here: the inputs and the plan stay what they were. The small changes are found in `repairs`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.errors import counted
from matching.inputs.read import Inputs
from matching.pairs.market import Market, Row
from matching.plan.compare import compare
from matching.plan.phrases import bar_phrases, person
from matching.plan.write import Plan, in_points
from matching.solve.problem import LEVELS, PRIORITY_LEVELS, UNMET, Reached
from matching.whatif.repairs import Repair, Step, repairs
from matching.whatif.resolve import (
    changed_market,
    changes_between,
    outcome_of,
    position_of,
    reached_by,
    solve_again,
    with_pins,
)

__all__ = ["Preview", "Repair", "Step", "WhyNot", "repairs", "rerun_preview", "why_not"]

COMPONENT_COLUMNS = ("component", "weight", "fit", "adds", "chosen_fit", "chosen_adds")
LEVEL_COLUMNS = ("level", "now", "forced", "difference")
PEOPLE_COLUMNS = ("supporter_id", "supporter_name", "had", "gets", "because")
_MOST_MOVES_TOLD = 3
# What is said of an answer that is not proved: its search was cut short, or it was not, and the rest of the plan, which
# was not asked about, may be made better.
_DOUBT_HERE = " (the best found in the time; a better answer may exist)"
_DOUBT_ELSEWHERE = " (the rest of the plan stays as it is, and may not be the best from here)"


@dataclass(frozen=True)
class WhyNot:
    """What the plan would be with a named person at a need.

    Attributes
    ----------
    need_id, supporter_id : str
    bars : tuple of str
        The rules that bar the pair, in words; empty where none does.
    distance_km, chosen_distance_km : float
        How far the person is, and the one chosen; nan where nobody is.
    components : DataFrame
        `COMPONENT_COLUMNS`, all text: a row each for specialism, phase and distance, and one for the score. `weight` is
        the share of the whole, `adds` is what the fit adds to the score; beside them those of the person chosen.
    levels : DataFrame
        `LEVEL_COLUMNS`; empty where nothing was solved.
    displaced : DataFrame
        `matching.compare.CHANGE_COLUMNS`: every need that another person or nobody would have. The need asked about
        comes first, and each of the others after the one that takes its person.
    proved : bool
        Whether no plan with the person here is better; always so where nothing had to be searched for.
    sentences : tuple of str
        Two sentences that sum it up.
    """

    need_id: str
    supporter_id: str
    bars: tuple[str, ...]
    distance_km: float
    chosen_distance_km: float
    components: pd.DataFrame
    levels: pd.DataFrame
    displaced: pd.DataFrame
    proved: bool
    sentences: tuple[str, str]

    @property
    def solved(self) -> bool:
        """Whether the plan was made again with the person here."""
        return len(self.levels) > 0


def why_not(
    market: Market, plan: Plan, need_id: str, supporter_id: str, *, force: bool = False, time_limit_s: float = 4.0
) -> WhyNot:
    """Tell what the plan would lose and gain with a named person at a need, and whom that would move.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    plan : Plan
    need_id, supporter_id : str
    force : bool
        Whether to solve even where rules bar the pair, as a pin would.
    time_limit_s : float
        How long to search where days bind, in seconds.

    Raises
    ------
    DataError
        The need or the supporter is not in the inputs.
    """
    need = position_of(market.inputs.needs["need_id"], need_id, "need")
    supporter = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    before = outcome_of(market, plan)
    chosen = int(before[need])
    bars = tuple(bar_phrases(market, need, supporter)) if chosen != supporter else ()
    who = person(market, supporter)
    levels, displaced, proved = _no_levels(), changes_between(market, before, before, [need]), True
    if chosen == supporter:
        sentences = (f"{who} supports it in this plan already.", "Nothing would change.")
    elif full := _no_room(market, need, supporter):
        why = "may not support it" if bars else "has no room for it"
        sentences = (f"{who} {why}, and could not even be pinned to it.", full)
    elif bars and not force:
        sentences = (
            f"{who} may not support it: {_listed(bars)}.",
            "Only a pin, which stands whatever the rules say, would put them here.",
        )
    else:
        now = reached_by(market, before)
        forced = changed_market(market, with_pins(market.inputs, {need_id: supporter_id}), same_pairs=True)
        is_best = plan.manifest["status"] == "optimal"
        # A pin may go where the plan may not: beyond a rule, another pin, or a tie with other needs and people.
        free_to_choose = not (bars or market.rulebook.has_side_constraints or need in market.rulebook.pins[0])
        answer = solve_again(
            market,
            before,
            forced,
            needs=[need],
            supporters=[supporter],
            time_limit_s=time_limit_s,
            at_most=now if is_best and free_to_choose else None,
        )
        levels = _levels(now, answer.reached)
        displaced = changes_between(market, before, answer.supporter_of, [need])
        proved = is_best and answer.proved
        doubt = "" if proved else _DOUBT_ELSEWHERE if answer.proved else _DOUBT_HERE
        sentences = (_consequence(market, who, now, answer.reached, doubt), _moves(displaced))
    return WhyNot(
        need_id,
        supporter_id,
        bars,
        *_distances(market, need, supporter, chosen),
        _components(market, need, supporter, chosen),
        levels,
        displaced,
        proved,
        sentences,
    )


# ---- the person and the one chosen ---------------------------------------------------------------------------------


def _components(market: Market, need: int, supporter: int, chosen: int) -> pd.DataFrame:
    weights = market.inputs.policy.weights
    both = np.array([supporter] if chosen == UNMET else [supporter, chosen])
    fits = market.rulebook.fits(np.full(len(both), need), both)
    rows = []
    for name in ("specialism", "phase", "distance"):
        share = getattr(weights, name) / weights.total
        cells = [(f"{fit:.3f}", f"{share * fit:.3f}") for fit in getattr(fits, name).tolist()]
        rows.append((name, f"{share:.3f}", *cells[0], *(cells[1] if len(cells) > 1 else ("", ""))))
    scores = [f"{milli / 1000:.3f}" for milli in fits.score_milli.tolist()]
    rows.append(("score", "", "", scores[0], "", scores[1] if len(scores) > 1 else ""))
    return pd.DataFrame(rows, columns=list(COMPONENT_COLUMNS), dtype="object")


def _distances(market: Market, need: int, supporter: int, chosen: int) -> tuple[float, float]:
    km = market.rulebook.distance_km(np.array([need, need]), np.array([supporter, max(chosen, 0)]))
    return float(km[0]), float(km[1]) if chosen != UNMET else float("nan")


def _no_room(market: Market, need: int, supporter: int) -> str:
    """Why the person could not be pinned here beside the needs that they hold for certain; empty where they could."""
    rulebook = market.rulebook
    pinned_need, pinned_supporter = rulebook.pins
    theirs = pinned_need[(pinned_supporter == supporter) & (pinned_need != need)]
    places, days = int(rulebook.places[supporter]), rulebook.days_offered[supporter] / 100
    asked = (rulebook.days_asked[theirs].sum() + rulebook.days_asked[need]) / 100
    beside = (
        f", and {counted(len(theirs), 'need is', 'needs are')} theirs already, pinned or agreed" if len(theirs) else ""
    )
    if len(theirs) + 1 > places:
        return f"They offer {counted(places, 'place')}{beside}."
    if asked > days:
        return f"They offer {days:g} days, and it would take {asked:g}{beside}."
    return ""


# ---- levels --------------------------------------------------------------------------------------------------------


def _no_levels() -> pd.DataFrame:
    return pd.DataFrame(columns=list(LEVEL_COLUMNS))


def _levels(now: Reached, then: Reached) -> pd.DataFrame:
    difference = [after - before for before, after in zip(now, then, strict=True)]
    columns = (LEVELS, in_points(now), in_points(then), in_points(difference))
    return pd.DataFrame(dict(zip(LEVEL_COLUMNS, columns, strict=True)))


def _consequence(market: Market, who: str, now: Reached, then: Reached, doubt: str) -> str:
    """What the plan would lose and gain, as one sentence."""
    score = "total score"
    if market.inputs.baseline is not None:
        score += ", counting what keeping the earlier plan is worth"
    if now == then:
        same = f"as many needs of each priority are met, with the same {score}"
        return f"It would be just as good with {who} here: {same}{doubt}."
    differences = "; ".join(_differences(now, then, score))
    verdict = "worse" if then < now else "better"
    return f"With {who} here the plan would be {verdict}: {differences}{doubt}."


def _differences(now: Reached, then: Reached, score: str) -> Iterator[str]:
    """Each level that differs, in words."""
    for level, before, after in zip(PRIORITY_LEVELS, now, then, strict=False):
        if after != before:
            more = "more" if after > before else "fewer"
            few = abs(after - before)
            yield f"{few:,} {level} {'need' if few == 1 else 'needs'} {more} met"
    if then[-1] != now[-1]:
        yield f"{abs(then[-1] - now[-1]) / 1000:.3f} {'more' if then[-1] > now[-1] else 'less'} in {score}"


# ---- who would move -------------------------------------------------------------------------------------------------


def _moves(displaced: pd.DataFrame) -> str:
    """Whom it would move, as one sentence; the need asked about is the first row."""
    others = displaced.iloc[1:].to_dict("records")
    if not others:
        return "No other deployment would change."
    if len(others) <= _MOST_MOVES_TOLD:
        return f"{'; '.join(map(_move, others))}."
    kinds = [row["change"] for row in others]
    told = [
        f"{counted(kinds.count(kind), 'other need')} {words}"
        for kind, words in (
            ("lost", "would be left unmet"),
            ("gained", "would be met"),
            ("moved", "would be met by somebody else"),
        )
        if kind in kinds
    ]
    return f"{_listed(told)}."


def _move(row: Row) -> str:
    need = f"{row['need_id']} ({row['focus']}, {row['school_name']}, {row['priority']})"
    before = f"{row['supporter_name_before']} ({row['supporter_id_before']})"
    after = f"{row['supporter_name_after']} ({row['supporter_id_after']})"
    return {
        "lost": f"{need} would be left unmet, and loses {before}",
        "gained": f"{need} would be met, by {after}",
        "moved": f"{need} would go from {before} to {after}",
    }[row["change"]]


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


# ---- a rerun before it is kept -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """Whom a rerun disturbs, and what for.

    Attributes
    ----------
    sentences : tuple of str
    levels : DataFrame
        level, before, after and difference, as `matching.compare.Comparison` has them.
    people : DataFrame
        `PEOPLE_COLUMNS`: everybody who loses or changes a deployment that they had, and everybody who gets one;
        `had` and `gets` are need_ids, separated by ';', and `because` names decisions against what they had.
    gained, lost : tuple of str
        The need_ids that are newly met, and newly unmet.
    """

    sentences: tuple[str, ...]
    levels: pd.DataFrame
    people: pd.DataFrame
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def rerun_preview(before: Plan, after: Plan, inputs: Inputs) -> Preview:
    """Tell whom a rerun disturbs before it is kept.

    Parameters
    ----------
    before, after : Plan
    inputs : Inputs
        Of the rerun: its decisions say why somebody cannot stay.
    """
    compared = compare(before, after)
    changes = compared.changes
    gained, lost = (tuple(changes.loc[changes["change"] == kind, "need_id"]) for kind in ("gained", "lost"))
    people = _people(before, after, inputs)
    # How many people that touches is said here in full, and once.
    had, gets = _held_by(before), _held_by(after)
    losing = sum(bool(held - gets.get(one, set())) for one, held in had.items())
    sentences = [*compared.sentences()[:1], *_about_people(len(people), losing)]
    for level in compared.levels.head(len(LEVELS)).to_dict("records"):
        if level["difference"] and level["level"] != "score":
            more = "more" if level["difference"] > 0 else "fewer"
            count = abs(int(level["difference"]))
            sentences.append(f"{count:,} {level['level']} {'need' if count == 1 else 'needs'} {more} met.")
    return Preview(tuple(sentences), compared.levels, people, gained, lost)


def _about_people(touched: int, losing: int) -> list[str]:
    lose = f"{'loses or changes' if losing == 1 else 'lose or change'} a deployment that they had"
    if not touched:
        return []
    if not losing:
        return [f"{counted(touched, 'person is', 'people are')} touched, and nobody loses a deployment that they had."]
    if losing == touched:
        return [f"{counted(losing, 'person', 'people')} {lose}."]
    return [f"{counted(touched, 'person is', 'people are')} touched; {losing:,} of them {lose}."]


def _people(before: Plan, after: Plan, inputs: Inputs) -> pd.DataFrame:
    had, gets = _held_by(before), _held_by(after)
    names = {
        **dict(zip(before.deployments["supporter_id"], before.deployments["supporter_name"], strict=True)),
        **dict(zip(after.deployments["supporter_id"], after.deployments["supporter_name"], strict=True)),
    }
    against = inputs.decisions[inputs.decisions["kind"] != "pin"]
    kind_of = {(n, s): kind for n, s, kind in against[["need_id", "supporter_id", "kind"]].itertuples(index=False)}
    rows = []
    for supporter_id in sorted({*had, *gets}):
        left, new = had.get(supporter_id, set()), gets.get(supporter_id, set())
        if left != new:
            because = [
                f"{'forbidden' if kind_of[need_id, supporter_id] == 'forbid' else 'declined'} {need_id}"
                for need_id in sorted(left - new)
                if (need_id, supporter_id) in kind_of
            ]
            rows.append(
                (supporter_id, names[supporter_id], ";".join(sorted(left)), ";".join(sorted(new)), "; ".join(because))
            )
    return pd.DataFrame(rows, columns=list(PEOPLE_COLUMNS), dtype="object")


def _held_by(plan: Plan) -> Mapping[str, set[str]]:
    held: dict[str, set[str]] = {}
    for need_id, supporter_id in plan.deployments[["need_id", "supporter_id"]].itertuples(index=False):
        held.setdefault(supporter_id, set()).add(need_id)
    return held
