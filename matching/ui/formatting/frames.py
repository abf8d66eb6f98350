"""Tables for the screens: the needs, people and files of a round, under headings that people read.

What differs between two plans is in `comparisons`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from matching.accreditation import MET, NOT_EVIDENCED, NOT_MET
from matching.errors import LEAVE_OUT, STOP, Problem
from matching.pairs.market import Market
from matching.plan.equity import distances_km
from matching.plan.reasons import excluded_reasons
from matching.plan.write import Plan
from matching.rounds.history.events import STATUSES
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import spreadsheet_safe
from matching.tables.formats import PRIORITIES
from matching.tables.grid import rounded_km
from matching.ui.formatting.words import day

SEVERITIES = {STOP: "Stops the run", LEAVE_OUT: "Row can be left out"}
"""The words for the severity of a problem, the gravest first."""


def problems_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return every problem under the headings of the screens."""
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
    """Return the table as text in which no cell runs as a formula."""
    return frame.map(lambda cell: spreadsheet_safe(str(cell)))


def people(market: Market) -> pd.DataFrame:
    """Return every supporter: who they are, whether they can be deployed, and the state of their evidence.

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
    """Return one supporter's criteria with the evidence, under the headings of the screens."""
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
        columns=["Criterion", "Requirement", "Verdict", "Evidence", "Checked on", "Review"],
    )


def _shown_evidence(source: str, stated: str, disagrees: bool) -> str:
    if source != "schools":
        return stated or "None given"
    if disagrees:
        return "Ofsted grade in the schools table, which differs from the evidence given"
    return "Ofsted grade in the schools table"


def files_table(market: Market) -> pd.DataFrame:
    """Return the files of a round with the number of rows in each."""
    return pd.DataFrame(
        [
            (name.capitalize(), file.name, "" if file.rows is None else f"{file.rows:,}")
            for name, file in market.inputs.files.items()
        ],
        columns=["Table", "File", "Rows"],
    )


def needs(market: Market, plan: Plan) -> pd.DataFrame:
    """Return every need with its deployment in the plan; an unmet need has no supporter.

    Columns: need_id, school, local_authority, phase, focus, priority, days, met, supporter_id, supporter, designation,
    home_school, distance_km, score, origin, reason, nearest_option, and the grid metres easting, northing,
    home_easting, home_northing.
    """
    inputs, rulebook = market.inputs, market.rulebook
    school = inputs.schools.iloc[rulebook.need_school].reset_index(drop=True)
    requested = inputs.needs[["need_id", "focus", "priority", "days"]].assign(
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
    # The distances before they are rounded for plan.csv, so that each figure here is rounded once.
    exact = plan.deployments.assign(distance_km=distances_km(plan, inputs))
    outcome = pd.concat([exact, plan.unmet])[
        ["need_id", "supporter_id", "distance_km", "score", "origin", "reason", "nearest_option"]
    ]
    found = requested.merge(outcome, on="need_id", how="left").merge(people, on="supporter_id", how="left")
    return found.assign(
        met=found["supporter_id"].notna(),
        priority=pd.Categorical(found["priority"], PRIORITIES, ordered=True),
        distance_km=found["distance_km"].astype(float),
        score=pd.to_numeric(found["score"]),
    )


def with_status(needs: pd.DataFrame, state: RoundState) -> pd.DataFrame:
    """Return the needs with each deployment's `status`, `held` (how a person fixed it, or blank) and `days_used`."""
    pairs = list(zip(needs["need_id"], needs["supporter_id"], needs["met"], strict=True))
    return needs.assign(
        status=[state.status_of(need_id, who) if met else "" for need_id, who, met in pairs],
        held=[_held(state, need_id, who) if met else "" for need_id, who, met in pairs],
        days_used=[float(state.support.days_used((need_id, who))) if met else 0.0 for need_id, who, met in pairs],
    )


def _held(state: RoundState, need_id: str, supporter_id: str) -> str:
    placed = state.placements.get(need_id)
    return {"pin": "pinned", "swap": "by hand"}[placed.kind] if placed and placed.supporter_id == supporter_id else ""


def statuses_in(needs: pd.DataFrame) -> list[str]:
    """Return the statuses that some deployment has, in their order."""
    found = set(needs["status"])
    return [one for one in STATUSES if one in found]


def plan_grid(needs: pd.DataFrame) -> pd.DataFrame:
    """Return the needs of `with_status` under the headings of the plan's table."""
    fixed = needs["held"].map({"pinned": ", pinned", "by hand": ", by hand"}).fillna("")
    return pd.DataFrame(
        {
            "School": needs["school"],
            "Focus": needs["focus"],
            "Priority": needs["priority"].astype(str),
            "Supporter": needs["supporter"].fillna("Unmet"),
            "Status": needs["status"] + fixed,
            "Km": rounded_km(needs["distance_km"].to_numpy()),
            "Score": needs["score"],
            "Designation": needs["designation"].fillna(""),
            "Local authority": needs["local_authority"],
            "Phase": needs["phase"],
            "Home school": needs["home_school"].fillna(""),
            "Days": needs["days"],
            **({"Days used": needs["days_used"]} if needs["days_used"].any() else {}),
            "Need": needs["need_id"],
        }
    )


def with_words(table: pd.DataFrame, text: str, columns: Sequence[str]) -> pd.Series:
    """Return by row whether its cells in these columns together hold every word of a text."""
    keep = pd.Series(True, index=table.index)
    words = text.casefold().split()
    if words and len(table):
        line = table[list(columns)].fillna("").astype(str).agg(" ".join, axis=1).str.casefold()
        for word in words:
            keep &= line.str.contains(word, regex=False)
    return keep


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
    """Return the needs that fit every filter that is set; `text` is searched for in names and identifiers."""
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
    keep &= with_words(table, text, ["need_id", "school", "focus", "supporter_id", "supporter", "home_school"])
    return table[keep].reset_index(drop=True)


def unreachable(market: Market) -> pd.DataFrame:
    """Return the needs without an eligible supporter, under the headings of the screens."""
    unserved = np.flatnonzero(market.eligible_by_need == 0)
    rows = market.inputs.needs.iloc[unserved]
    school = market.inputs.schools.iloc[market.rulebook.need_school[unserved]]
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
    """Return the places and days that each supporter uses and offers, as numbers; the busiest first.

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


# ---- workload and equity -------------------------------------------------------------------------------------------


def workload_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `workload` under the headings of the screens."""
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
    """Return the supporters (of a designation) whose price is above 0, the highest price first."""
    rows = plan.workload[plan.workload["price"] != ""]
    if designation is not None:
        rows = rows[rows["designation"] == designation]
    rows = rows.assign(points=pd.to_numeric(rows["price"]))
    valued = rows[rows["points"] > 0].sort_values(["points", "supporter_id"], ascending=[False, True])
    return [str(one) for one in valued["supporter_id"]]


def equity_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `matching.plan.equity.equity` under the headings of the screens."""
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
    """Return the counts of `matching.plan.equity.workload_fairness` under the headings of the screens."""
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
