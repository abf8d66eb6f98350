"""Tables for the screens: what the core knows, put side by side under headings that people read."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from matching.accreditation import MET, NOT_EVIDENCED, NOT_MET
from matching.errors import LEAVE_OUT, STOP, Problem
from matching.pairs.market import Market
from matching.plan.reasons import excluded_reasons
from matching.plan.write import Plan
from matching.rounds.events import STATUSES
from matching.rounds.state import RoundState
from matching.tables.csv_out import spreadsheet_safe
from matching.tables.formats import PRIORITIES
from matching.ui.formatting.words import day
from matching.whatif.why_not import WhyNot

NOT_MET_YET = "not met"
NOBODY = "Nobody"
SEVERITIES = {STOP: "Stops the run", LEAVE_OUT: "Row can be left out"}
"""What people read for the severity of a problem, the gravest first."""


def problems_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Every fault under the headings of the screens."""
    return pd.DataFrame(
        [
            (
                one.table,
                "" if one.row is None else str(one.row),
                one.column,
                one.value,
                one.message,
                one.fix,
                SEVERITIES[one.severity],
            )
            for one in problems
        ],
        columns=["File", "Row", "Column", "What was found", "What is wrong", "What to do", "Effect"],
    )


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as text in which no cell would run as a formula."""
    return frame.map(lambda cell: spreadsheet_safe(str(cell)))


def people(market: Market) -> pd.DataFrame:
    """Every supporter: who they are, whether they can be deployed, and the state of their evidence.

    Columns: supporter_id, name, designation, school, deployable, why_not, met, not_met, not_evidenced, criteria (how
    many there are), due, disagrees.
    """
    supporters, schools = market.inputs.supporters, market.inputs.schools
    criteria = market.verdicts.criteria
    grouped = criteria.assign(
        met=criteria["verdict"] == MET,
        not_met=criteria["verdict"] == NOT_MET,
        not_evidenced=criteria["verdict"] == NOT_EVIDENCED,
        criteria=1,
        due=criteria["due_for_review"],
    ).groupby("supporter_id")[["met", "not_met", "not_evidenced", "criteria", "due", "disagrees"]]
    counts = grouped.sum().reindex(supporters["supporter_id"]).fillna(0).astype(int).reset_index(drop=True)
    excluded = excluded_reasons(market)
    why_not = np.full(len(supporters), "", dtype=object)
    why_not[excluded["supporter"].to_numpy(dtype=np.intp)] = excluded["reason"].to_numpy()
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "supporter_id": supporters["supporter_id"],
                    "name": supporters["name"],
                    "designation": supporters["designation"],
                    "school": schools["name"].to_numpy()[market.rulebook.home_school],
                    "deployable": market.rulebook.available,
                    "why_not": why_not,
                }
            ),
            counts,
        ],
        axis=1,
    )


def evidence(market: Market, supporter_id: str) -> pd.DataFrame:
    """One supporter's criteria with the evidence, under the headings of the screens."""
    wording = market.inputs.vocabulary.criteria
    criteria = market.verdicts.criteria
    rows = criteria[criteria["supporter_id"] == supporter_id]
    return pd.DataFrame(
        [
            (
                row["criterion"],
                wording[row["criterion"]].wording,
                row["verdict"],
                _shown_evidence(row["source"], row["evidence"], row["disagrees"]),
                "" if pd.isna(row["checked_on"]) else day(row["checked_on"]).replace(" ", "\N{NO-BREAK SPACE}"),
                "due for review" if row["due_for_review"] else "",
            )
            for row in rows.to_dict("records")
        ],
        columns=["Criterion", "What it asks", "Verdict", "Evidence", "Checked on", "Review"],
    )


def _shown_evidence(source: str, stated: str, disagrees: bool) -> str:
    if source != "schools table":
        return stated or "None given"
    if disagrees:
        return "Ofsted grade in the schools table, which differs from the evidence given"
    return "Ofsted grade in the schools table"


def files_table(market: Market) -> pd.DataFrame:
    """The files of a round and how many rows each has."""
    return pd.DataFrame(
        [
            (name.capitalize(), file.name, "" if file.rows is None else f"{file.rows:,}")
            for name, file in market.inputs.files.items()
        ],
        columns=["Table", "File", "Rows"],
    )


def needs(market: Market, plan: Plan) -> pd.DataFrame:
    """Every need with what the plan does for it; an unmet need has no supporter.

    Columns: need_id, school, local_authority, phase, focus, priority, days, met, supporter_id, supporter, designation,
    home_school, distance_km, score, origin, reason, nearest_option, and the grid metres easting, northing,
    home_easting, home_northing.
    """
    inputs, rulebook = market.inputs, market.rulebook
    school = inputs.schools.iloc[rulebook.need_school].reset_index(drop=True)
    asked = inputs.needs[["need_id", "focus", "priority", "days"]].assign(
        school=school["name"],
        local_authority=school["local_authority"],
        phase=school["phase"],
        easting=school["easting"],
        northing=school["northing"],
    )
    home = inputs.schools.iloc[rulebook.home_school].reset_index(drop=True)
    people = pd.DataFrame(
        {
            "supporter_id": inputs.supporters["supporter_id"],
            "supporter": inputs.supporters["name"],
            "designation": inputs.supporters["designation"],
            "home_school": home["name"],
            "home_easting": home["easting"],
            "home_northing": home["northing"],
        }
    )
    told = pd.concat([plan.deployments, plan.unmet])[
        ["need_id", "supporter_id", "distance_km", "score", "origin", "reason", "nearest_option"]
    ]
    found = asked.merge(told, on="need_id", how="left").merge(people, on="supporter_id", how="left")
    return found.assign(
        met=found["supporter_id"].notna(),
        priority=pd.Categorical(found["priority"], PRIORITIES, ordered=True),
        distance_km=pd.to_numeric(found["distance_km"]),
        score=pd.to_numeric(found["score"]),
    )


def with_status(needs: pd.DataFrame, state: RoundState) -> pd.DataFrame:
    """The needs with `status`, where each deployment stands, and `held`: how a person fixed it, or blank."""
    pairs = list(zip(needs["need_id"], needs["supporter_id"], needs["met"], strict=True))
    return needs.assign(
        status=[state.status_of(need_id, who) if met else "" for need_id, who, met in pairs],
        held=[_held(state, need_id, who) if met else "" for need_id, who, met in pairs],
    )


def _held(state: RoundState, need_id: str, supporter_id: str) -> str:
    placed = state.placements.get(need_id)
    return {"pin": "pinned", "swap": "by hand"}[placed.kind] if placed and placed.supporter_id == supporter_id else ""


def statuses_in(needs: pd.DataFrame) -> list[str]:
    """The statuses that some deployment has, in their order."""
    found = set(needs["status"])
    return [one for one in STATUSES if one in found]


def plan_grid(needs: pd.DataFrame) -> pd.DataFrame:
    """The needs of `with_status` under the headings of the plan's table."""
    fixed = needs["held"].map({"pinned": ", pinned", "by hand": ", by hand"}).fillna("")
    return pd.DataFrame(
        {
            "Need": needs["need_id"],
            "Priority": needs["priority"].astype(str),
            "School": needs["school"],
            "Focus": needs["focus"],
            "Supporter": needs["supporter"].fillna("Unmet"),
            "Stands": needs["status"] + fixed,
            "Km": needs["distance_km"],
            "Score": needs["score"],
            "Designation": needs["designation"].fillna(""),
            "Local authority": needs["local_authority"],
            "Phase": needs["phase"],
            "Home school": needs["home_school"].fillna(""),
            "Days": needs["days"],
        }
    )


def chosen_needs(
    table: pd.DataFrame,
    *,
    text: str = "",
    local_authority: str | None = None,
    phase: str | None = None,
    focus: str | None = None,
    priority: str | None = None,
    designation: str | None = None,
    met: bool | None = None,
    status: str | None = None,
) -> pd.DataFrame:
    """The needs that fit every filter that is set; `text` is looked for in names and identifiers."""
    keep = pd.Series(True, index=table.index)
    wanted = {
        "local_authority": local_authority,
        "phase": phase,
        "focus": focus,
        "priority": priority,
        "designation": designation,
        "met": met,
        "status": status,
    }
    for column, value in wanted.items():
        if value is not None:
            keep &= table[column] == value
    if words := text.casefold().split():
        columns = ["need_id", "school", "focus", "supporter_id", "supporter", "home_school"]
        line = table[columns].fillna("").astype(str).agg(" ".join, axis=1).str.casefold()
        for word in words:
            keep &= line.str.contains(word, regex=False)
    return table[keep].reset_index(drop=True)


def unreachable(market: Market) -> pd.DataFrame:
    """The needs that nobody is eligible for, under the headings of the screens."""
    lonely = np.flatnonzero(market.eligible_by_need == 0)
    rows = market.inputs.needs.iloc[lonely]
    school = market.inputs.schools.iloc[market.rulebook.need_school[lonely]]
    return pd.DataFrame(
        {
            "Need": rows["need_id"].to_numpy(),
            "School": school["name"].to_numpy(),
            "Phase": school["phase"].to_numpy(),
            "Focus": rows["focus"].to_numpy(),
            "Priority": rows["priority"].to_numpy(),
        }
    )


def workload(plan: Plan) -> pd.DataFrame:
    """What each supporter holds and could still take, as numbers; the fullest first.

    Columns: supporter_id, supporter, designation, used, free (places), days_used, days_available (infinite without a
    limit).
    """
    found = plan.workload
    used, offered = found["deployments"].astype(int), found["max_deployments"].astype(int)
    table = pd.DataFrame(
        {
            "supporter_id": found["supporter_id"],
            "supporter": found["supporter_name"],
            "designation": found["designation"],
            "used": used,
            "free": (offered - used).clip(lower=0),
            "days_used": pd.to_numeric(found["days_used"]),
            "days_available": pd.to_numeric(found["days_available"]).fillna(np.inf),
        }
    )
    return table.sort_values(["used", "days_used", "supporter_id"], ascending=[False, False, True], ignore_index=True)


# ---- what would be, and what differs -------------------------------------------------------------------------------

_KINDS = {"gained": "Newly met", "lost": "Left unmet", "moved": "Somebody else", "added": "New need", "removed": "Gone"}


def components(answer: WhyNot, other: str) -> pd.DataFrame:
    """How a score is made, part by part; beside it that of the person chosen (`other`), where there is one."""
    parts = answer.components
    table = pd.DataFrame(
        {
            "Part": parts["component"].str.capitalize(),
            "Weight": parts["weight"],
            "Fit": parts["fit"],
            "Adds": parts["adds"],
        }
    )
    # Short headings: a phone shows them beside each figure, and the caption says whose they are.
    return table.assign(**{"Fit now": parts["chosen_fit"], "Adds now": parts["chosen_adds"]}) if other else table


def levels(table: pd.DataFrame, now: str, then: str) -> pd.DataFrame:
    """The four levels before and after, as people read them; `table` has level, two numbers and their difference."""
    _, first, second, difference = table.columns
    return pd.DataFrame(
        {
            "Level": [_level_words(one) for one in table["level"]],
            now: [_number(*one) for one in zip(table["level"], table[first], strict=True)],
            then: [_number(*one) for one in zip(table["level"], table[second], strict=True)],
            "Difference": [_signed(*one) for one in zip(table["level"], table[difference], strict=True)],
        }
    )


def compared_levels(table: pd.DataFrame, before: Plan, after: Plan) -> pd.DataFrame:
    """What two plans reach, as `matching.compare` has it, with the total score as the sum of the rows' scores.

    The manifest's own score counts what keeping an earlier plan is worth, and each plan may have another earlier one.
    """
    scores = [pd.to_numeric(plan.deployments["score"]).sum() for plan in (before, after)]
    rows = table.copy()
    rows[["before", "after", "difference"]] = rows[["before", "after", "difference"]].astype(float)
    rows.loc[rows["level"] == "score", ["before", "after", "difference"]] = [*scores, scores[1] - scores[0]]
    return levels(rows, "Before", "After")


def _level_words(level: str) -> str:
    words = {"score": "Total score", "mean distance in km": "Mean distance (km)"}
    return words.get(level, f"{level.capitalize()} needs met" if level in PRIORITIES else level.capitalize())


def _decimals(level: str) -> int:
    return {"score": 3, "mean score": 3, "mean distance in km": 2}.get(level, 0)


def _number(level: str, value: float) -> str:
    return f"{value:,.{_decimals(level)}f}"


def _signed(level: str, value: float) -> str:
    rounded = round(value, _decimals(level))
    return f"{rounded:+,.{_decimals(level)}f}".replace("-", "\N{MINUS SIGN}") if rounded else "0"


def moves(changes: pd.DataFrame) -> pd.DataFrame:
    """Changes from one plan to another (`matching.compare.CHANGE_COLUMNS`), under the headings of the screens."""
    return pd.DataFrame(
        {
            "Need": changes["need_id"],
            "Priority": changes["priority"],
            "School": changes["school_name"],
            "Focus": changes["focus"],
            "What": changes["change"].map(_KINDS),
            "Before": _side(changes, "before"),
            "After": _side(changes, "after"),
        }
    )


def _side(changes: pd.DataFrame, side: str) -> list[str]:
    columns = [f"supporter_name_{side}", f"supporter_id_{side}", f"distance_km_{side}"]
    return [
        f"{name} ({identifier}), {float(km):.1f} km" if identifier else NOBODY
        for name, identifier, km in changes[columns].itertuples(index=False, name=None)
    ]


def compared_workload(table: pd.DataFrame) -> pd.DataFrame:
    """Who has more or fewer deployments in another plan; `table` as `matching.compare.Comparison` has it."""
    return pd.DataFrame(
        {
            "Person": table["supporter_name"] + " (" + table["supporter_id"] + ")",
            "Before": table["before"],
            "After": table["after"],
        }
    )


def disturbed(people: pd.DataFrame) -> pd.DataFrame:
    """Whom a new plan concerns, those who lose something first; `people` as `matching.whatif.Preview` has them."""
    left, new = _not_in(people["had"], people["gets"]), _not_in(people["gets"], people["had"])
    told = pd.DataFrame(
        {
            "Person": people["supporter_name"] + " (" + people["supporter_id"] + ")",
            "Leaves": [one or "–" for one in left],
            "Takes": [one or "–" for one in new],
            "Because": people["because"],
        }
    )
    order = people.assign(has_lost=[not one for one in left]).sort_values(["has_lost", "supporter_id"], kind="stable")
    told = told.loc[order.index]
    return told if told["Because"].any() else told.drop(columns="Because")


def _not_in(these: pd.Series, those: pd.Series) -> list[str]:
    """The need_ids of each cell that the cell beside it does not have, as people read them."""
    cells = [(first.split(";"), set(second.split(";"))) for first, second in zip(these, those, strict=True)]
    return [", ".join(one for one in first if one and one not in second) for first, second in cells]


# ---- workload and equity -------------------------------------------------------------------------------------------


def workload_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `workload` under the headings of the screens."""
    return pd.DataFrame(
        {
            "Person": rows["supporter"] + " (" + rows["supporter_id"] + ")",
            "Designation": rows["designation"],
            "Places used": rows["used"],
            "Places left": rows["free"],
            "Days used": [f"{one:g}" for one in rows["days_used"]],
            "Days offered": [f"{one:g}" if np.isfinite(one) else "no limit" for one in rows["days_available"]],
        }
    )


def priced(plan: Plan, designation: str | None = None) -> list[str]:
    """The supporters (of a designation) with whom one more place would be worth something, the dearest first."""
    rows = plan.workload[plan.workload["price"] != ""]
    if designation is not None:
        rows = rows[rows["designation"] == designation]
    rows = rows.assign(points=pd.to_numeric(rows["price"]))
    dear = rows[rows["points"] > 0].sort_values(["points", "supporter_id"], ascending=[False, True])
    return [str(one) for one in dear["supporter_id"]]


def equity_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `matching.equity.equity` under the headings of the screens."""
    return pd.DataFrame(
        {
            "Group": rows["group"].str[:1].str.upper() + rows["group"].str[1:],
            "Needs": rows["needs"],
            "Met": rows["met"],
            "Met (%)": rows["met_percent"],
            "Mean score": rows["mean_score"],
            "Mean km": rows["mean_distance_km"],
        }
    )


def fairness_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What `matching.equity.workload_fairness` counts, under the headings of the screens."""
    return pd.DataFrame(
        {
            "Designation": rows["designation"].replace("all", "All"),
            "People": rows["people"],
            "Not deployed": rows["people_without_deployment"],
            "Places used": rows["places_used"] + " of " + rows["places_offered"],
            "Days used": rows["days_used"] + " of " + rows["days_offered"],
            "Unlimited days": rows["days_used_without_limit"],
        }
    )
