"""The grade of each school: its own from Ofsted or GIAS, or that of the school that it replaced."""

from collections.abc import Mapping

import pandas as pd

from matching.errors import counted
from matching.inputs.official.links import Links
from matching.inputs.official.ofsted import Inspections

GIAS, OFSTED, INHERITED = "GIAS", "Ofsted", ", inherited from "
"""Where a grade was found; the third is followed by the earlier URN that it was given under."""
CONFIRMED = ", confirmed by an ungraded inspection"


def with_inspections(
    name: str, schools: pd.DataFrame, in_gias: Mapping[str, str], inspections: Inspections | None, links: Links | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the schools with what inspectors last found, and the notices.

    Parameters
    ----------
    name : str
        What notices call the schools table.
    schools : DataFrame
        With the grades of GIAS.
    in_gias : mapping of str to str
        The grade of every graded establishment in GIAS, open or closed, by URN.
    inspections, links : optional
        As in `matching.inputs.official.gias.read_gias`.
    """
    notices: list[str] = []
    graded: dict[str, tuple[str, str, str]] = {urn: (grade, "", GIAS) for urn, grade in in_gias.items()}
    if inspections is not None:
        notices += inspections.notices
        schools = _with_ofsted(schools, inspections.frame)
        notices += _ofsted_notices(name, schools, in_gias, inspections.frame)
        in_ofsted = inspections.frame[inspections.frame["grade"] != ""]
        graded |= {
            urn: (grade, day, OFSTED)
            for urn, grade, day in in_ofsted[["urn", "grade", "graded_on"]].itertuples(index=False)
        }
    if links is None:
        return schools, notices
    bare = schools.loc[schools["ofsted"] == "", "urn"]
    before = pd.Series([links.predecessors(urn, graded) for urn in bare], index=bare.index, dtype="object")
    if before.empty:
        return schools, notices
    single = before[before.map(len) == 1].map(lambda urns: urns[0])
    for place, column in enumerate(("ofsted", "ofsted_date")):
        schools.loc[single.index, column] = single.map(lambda urn, place=place: graded[urn][place])
    schools.loc[single.index, "ofsted_found"] = single.map(lambda urn: f"{graded[urn][2]}{INHERITED}{urn}")
    several = int((before.map(len) > 1).sum())
    if len(single):
        verb, pronoun = ("has", "it") if len(single) == 1 else ("have", "they")
        notices.append(
            f"{name}: {counted(len(single), 'school')} {verb} the grade of the school that {pronoun} replaced "
            "(ofsted_found names its URN)."
        )
    if several:
        verb = "has no grade of its own" if several == 1 else "have no grade of their own"
        notices.append(f"{name}: {counted(several, 'school')} {verb} and several graded predecessors; left blank.")
    return schools, notices


def _with_ofsted(schools: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    own = found.reindex(schools["urn"], fill_value="").set_axis(schools.index)
    graded = own["grade"] != ""
    inherited = OFSTED + INHERITED + own["urn_then"]
    source = inherited.where((own["urn_then"] != "") & (own["urn_then"] != schools["urn"]), OFSTED)
    source += own["confirmed"].map({"yes": CONFIRMED, "": ""})
    return schools.assign(
        ofsted=own["grade"].where(graded, schools["ofsted"]),
        ofsted_date=own["graded_on"],
        ofsted_concern=own["concern"].where(own["urn"] != "", schools["ofsted_concern"]),
        ofsted_areas=own["areas"],
        inspected_on=own["inspected_on"].where(own["inspected_on"] != "", schools["inspected_on"]),
        ofsted_found=source.where(graded, schools["ofsted_found"]),
    )


def _ofsted_notices(name: str, schools: pd.DataFrame, in_gias: Mapping[str, str], found: pd.DataFrame) -> list[str]:
    here = int(schools["urn"].isin(found.index).sum())
    notices = [
        f"{name}: {here:,} of {counted(len(schools), 'school')} are in the Ofsted file; {len(found) - here:,} of its "
        "rows are for schools that are not in the table."
    ]
    gias_grades = pd.Series([in_gias.get(urn, "") for urn in schools["urn"]], index=schools.index, dtype="object")
    others = int(((gias_grades != "") & (gias_grades != schools["ofsted"])).sum())
    if others:
        verb = "has" if others == 1 else "have"
        notices.append(
            f"{name}: {counted(others, 'school')} {verb} another grade in GIAS than in the Ofsted file, which is used."
        )
    return notices
