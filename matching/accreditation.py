"""Accreditation: a verdict for each supporter and criterion, and which supporters may be deployed.

Where the schools table can decide a criterion, it takes precedence over the stated evidence, with a notice.
"""

import calendar
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.errors import counted, listed
from matching.inputs.inputs import Inputs

MET, NOT_MET, NOT_EVIDENCED = "met", "not met", "not evidenced"

# At national size thousands may disagree: a notice names the first ones and counts the others.
_MOST_NAMED = 5

_COLUMNS = ("supporter_id", "criterion", "verdict", "source", "evidence", "checked_on", "due_for_review", "disagrees")


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on all supporters.

    Attributes
    ----------
    criteria : DataFrame
        One row for each supporter and criterion of their designation, in their order: supporter_id, criterion,
        verdict, source (`schools`, `stated` or `none`), evidence, checked_on, due_for_review, disagrees (the
        stated answer differs from the schools table's). Empty without an accreditation table.
    accredited : ndarray of bool
        By supporter, in the order of the inputs; all True without an accreditation table.
    """

    criteria: pd.DataFrame
    accredited: NDArray[np.bool_]
    notices: tuple[str, ...]


def judge(inputs: Inputs) -> Verdicts:
    """Judge every supporter by the criteria of their designation."""
    if inputs.accreditation is None:
        return Verdicts(pd.DataFrame(columns=list(_COLUMNS)), np.ones(len(inputs.supporters), dtype=bool), ())
    rows = _each_criterion(inputs)
    stated = np.select([rows["met"] == "yes", rows["met"] == "no"], [MET, NOT_MET], NOT_EVIDENCED)
    by_table = rows["home_school_grades"].astype(bool).to_numpy() & (rows["ofsted"] != "").to_numpy()
    meets = np.array(
        [ofsted in grades for ofsted, grades in zip(rows["ofsted"], rows["home_school_grades"], strict=True)]
    )
    rows["verdict"] = np.where(by_table, np.where(meets, MET, NOT_MET), stated)
    rows["source"] = np.select([by_table, stated != NOT_EVIDENCED], ["schools", "stated"], "none")
    rows["disagrees"] = by_table & (stated != NOT_EVIDENCED) & (rows["verdict"] != stated)
    rows["due_for_review"] = ~by_table & (stated == MET) & _out_of_date(rows, inputs)
    failed = set(rows.loc[rows["verdict"] != MET, "supporter_id"])
    accredited = ~inputs.supporters["supporter_id"].isin(failed).to_numpy()
    return Verdicts(rows[list(_COLUMNS)], accredited, _notices(rows))


def failed_criteria(verdicts: Verdicts) -> pd.Series:
    """Return the failed criteria of each supporter who is not accredited, in words: 'NLE-5 not met, …'."""
    failed = verdicts.criteria[verdicts.criteria["verdict"] != MET]
    words = failed["criterion"] + " " + failed["verdict"]
    return words.groupby(failed["supporter_id"]).agg(", ".join)


def due_for_review(inputs: Inputs, verdicts: Verdicts) -> pd.DataFrame:
    """Return every check that is due for review.

    Returns
    -------
    DataFrame
        row (of the accreditation table), supporter_id, supporter_name, criterion and checked_on (an ISO date, or
        blank), by supporter_id and the order of the criteria.
    """
    due = verdicts.criteria[verdicts.criteria["due_for_review"].astype(bool)]
    columns = ["row", "supporter_id", "supporter_name", "criterion", "checked_on"]
    if due.empty or inputs.accreditation is None:
        return pd.DataFrame(columns=columns, dtype="object")
    rows = inputs.accreditation[["supporter_id", "criterion", "row"]]
    names = inputs.supporters.set_index("supporter_id")["name"]
    found = due.merge(rows, on=["supporter_id", "criterion"], how="left")
    days = [str(day)[:10] if pd.notna(day) else "" for day in found["checked_on"]]
    return found.assign(supporter_name=found["supporter_id"].map(names), checked_on=days)[columns]


CHANGES = {"lost": "no longer accredited", "gained": "newly accredited"}
"""Every kind of change of a supporter's accreditation, in words."""


def changes(inputs: Inputs, schools: pd.DataFrame) -> pd.DataFrame:
    """Return the supporters whose accreditation, or whose home school's grade, differs under newer grades.

    Parameters
    ----------
    inputs : Inputs
        The schools as they were, with supporters and their accreditation.
    schools : DataFrame
        The schools as they are now, as `matching.inputs.read.read_schools` returns them.

    Returns
    -------
    DataFrame
        supporter_id, designation, school_urn, school_name, grade_before, grade_after, change (of `CHANGES`, or
        blank if only the grade differs) and reason (the criteria that fail now, or blank).
        Sorted by supporter_id.

    Notes
    -----
    A home school that is no longer in the table has no grade, so that the stated evidence decides.
    """
    now = schools.set_index("urn")["ofsted"]
    after = inputs.schools.assign(ofsted=inputs.schools["urn"].map(now).fillna("").astype("object"))
    before, since = judge(inputs), judge(replace(inputs, schools=after))
    home = inputs.supporters["school_urn"]
    grades = [table.set_index("urn")["ofsted"].reindex(home) for table in (inputs.schools, after)]
    gone = ~home.isin(now.index)
    why = inputs.supporters["supporter_id"].map(failed_criteria(since)).fillna("").astype("object")
    compared = pd.DataFrame(
        {
            "supporter_id": inputs.supporters["supporter_id"],
            "designation": inputs.supporters["designation"],
            "school_urn": home,
            "school_name": inputs.schools.set_index("urn")["name"].reindex(home).to_numpy(),
            "grade_before": grades[0].to_numpy(),
            "grade_after": np.where(gone, GONE, grades[1].to_numpy()),
            "change": np.select(
                [before.accredited & ~since.accredited, ~before.accredited & since.accredited], ["lost", "gained"], ""
            ),
            "reason": why.where(~since.accredited, ""),
        }
    )
    differs = (compared["change"] != "") | (compared["grade_before"] != compared["grade_after"])
    return compared[differs].reset_index(drop=True)


GONE = "not in the new table"


def touched(changed: pd.DataFrame, deployments: pd.DataFrame, before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return the deployments of a plan that new grades touch: those of the supporter, the home school or the school.

    Parameters
    ----------
    changed : DataFrame
        As `changes` returns it.
    deployments : DataFrame
        Of a plan.
    before, now : DataFrame
        The schools as they were and as they are.

    Returns
    -------
    DataFrame
        need_id, supporter_id, school_urn, school_name, focus, priority, change ('lost' where the supporter is no longer
        accredited, else blank) and reason. Those with a loss come first; each part is sorted by need_id.
    """
    grades = [table.set_index("urn")["ofsted"] for table in (before, now)]
    urns = grades[0].index
    schools = pd.DataFrame({"before": grades[0], "after": grades[1].reindex(urns, fill_value=GONE)})
    graded = schools[schools["before"] != schools["after"]]
    of_school = {urn: _from_to(*pair) for urn, pair in zip(graded.index, graded.to_numpy().tolist(), strict=True)}
    of_home = {
        one["supporter_id"]: f"no longer accredited ({one['reason']})"
        if one["change"] == "lost"
        else f"home school {_from_to(one['grade_before'], one['grade_after'])}"
        for one in changed.to_dict("records")
        if one["change"] != "gained" or one["grade_before"] != one["grade_after"]
    }
    lost = set(changed.loc[changed["change"] == "lost", "supporter_id"])
    columns = ["need_id", "supporter_id", "school_urn", "school_name", "focus", "priority"]
    found = deployments[columns].assign(
        change=np.where(deployments["supporter_id"].isin(lost), "lost", ""),
        reason=[
            "; ".join(
                f"{whose}: {how}"
                for whose, how in ((supporter, of_home.get(supporter)), (school, of_school.get(urn)))
                if how
            )
            for supporter, school, urn in zip(
                deployments["supporter_id"], deployments["school_name"], deployments["school_urn"], strict=True
            )
        ],
    )
    found = found[found["reason"] != ""]
    return found.sort_values(["change", "need_id"], ascending=[False, True], ignore_index=True)


def _from_to(before: str, after: str) -> str:
    return f"'{before or 'no grade'}' before, '{after or 'no grade'}' now"


def _each_criterion(inputs: Inputs) -> pd.DataFrame:
    """Return one row for each supporter and criterion, with the stated evidence and the home school's grade."""
    criteria = pd.DataFrame(
        [
            (criterion.designation, criterion.code, criterion.home_school_grades, criterion.review_after_years, order)
            for order, criterion in enumerate(inputs.vocabulary.criteria.values())
        ],
        columns=["designation", "criterion", "home_school_grades", "review_after_years", "order"],
    )
    assert inputs.accreditation is not None
    grades = inputs.schools[["urn", "ofsted"]].rename(columns={"urn": "school_urn"})
    rows = (
        inputs.supporters[["supporter_id", "designation", "school_urn"]]
        .merge(criteria, on="designation")
        .merge(grades, on="school_urn")
        .merge(inputs.accreditation, on=["supporter_id", "criterion"], how="left")
        .sort_values(["supporter_id", "order"], ignore_index=True)
    )
    rows[["met", "evidence"]] = rows[["met", "evidence"]].fillna("")
    return rows


def _out_of_date(rows: pd.DataFrame, inputs: Inputs) -> NDArray[np.bool_]:
    """Return whether each check is older than its criterion allows; a check without a date counts as old."""
    oldest = {
        years: pd.Timestamp(_years_before(inputs.as_at, int(years))) for years in rows["review_after_years"].unique()
    }
    checked_on = pd.to_datetime(rows["checked_on"], errors="raise")
    return (~(checked_on >= rows["review_after_years"].map(oldest))).to_numpy()


def _years_before(day: date, years: int) -> date:
    """Return the same day `years` earlier, or 28 February for the 29th; at the earliest, the first day of year 1."""
    year = day.year - years
    if year < date.min.year:
        return date.min
    return day.replace(year=year, day=min(day.day, calendar.monthrange(year, day.month)[1]))


def _notices(rows: pd.DataFrame) -> tuple[str, ...]:
    disagreements = rows[rows["disagrees"]].groupby("order")
    notices = [_disagreement(of_one_criterion) for _, of_one_criterion in disagreements]
    due = rows[rows["due_for_review"]]
    if len(due):
        people = counted(due["supporter_id"].nunique(), "supporter")
        verb = "is" if len(due) == 1 else "are"
        notices.append(
            f"Accreditation: {counted(len(due), 'check')} of {people} {verb} older than two years or undated, "
            "and due for review."
        )
    return tuple(notices)


def _disagreement(rows: pd.DataFrame) -> str:
    """Return the notice of the supporters whose stated answer on one criterion differs from the schools table's."""
    people = [f"{row.supporter_id} {row.verdict} ('{row.ofsted}')" for row in rows.itertuples()]
    return (
        f"Accreditation: the schools table disagrees with the stated evidence on {rows['criterion'].iloc[0]} for "
        f"{counted(len(rows), 'supporter')}, and is used: {listed(people, _MOST_NAMED)}."
    )
