"""Schools in challenging circumstances: a ranked list with the rule that found each, and the needs it suggests.

The rules, what a low grade suggests and the minimum standards are tables in `matching/tables/reference`. The list only
proposes: the user chooses and edits what becomes a table of needs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import count

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem
from matching.inputs.checks.areas import schools_in
from matching.inputs.official.cells import read_cells, unknown_problems
from matching.inputs.official.grades import INHERITED
from matching.inputs.official.ofsted_header import inspection_areas
from matching.tables.cell_values import CellError
from matching.tables.csv_out import number_text
from matching.tables.files import Source
from matching.tables.formats import NEED_STATES, table_formats
from matching.tables.reference import reference_rows
from matching.tables.vocabulary import SEPARATORS, comparable, standard_vocabulary

TRIAGE_COLUMNS = (
    "rank",
    "urn",
    "name",
    "local_authority",
    "region",
    "phase",
    "pupils",
    "fsm_percent",
    "rule",
    "reason",
    "other_reasons",
    "ofsted",
    "ofsted_date",
    "ofsted_found",
    "inspected_on",
    "suggested_focuses",
    "suggested_priority",
)
NEEDS_COLUMNS = ("need_id", "school_urn", "focus", "designations", "days", "priority", "notes")


@dataclass(frozen=True)
class Rule:
    """One rule: it finds schools whose `column` holds `finds`, or a day more than `older_than_years` ago."""

    name: str
    rank: int
    column: str
    finds: str
    older_than_years: int | None
    focus: str
    priority: str
    wording: str


@dataclass(frozen=True)
class Attainment:
    """Results below the minimum standards: by URN the standards, each with the focus that it suggests."""

    standards: Mapping[str, tuple[tuple[str, str], ...]]
    notices: tuple[str, ...] = ()


@cache
def triage_rules() -> tuple[Rule, ...]:
    """Return the rules, the most serious first."""
    return tuple(
        Rule(
            row["rule"],
            int(row["rank"]),
            row["column"],
            row["finds"],
            int(row["older_than_years"]) if row["older_than_years"] else None,
            row["focus"],
            row["priority"],
            row["wording"],
        )
        for row in reference_rows("triage_rules")
    )


def triage(
    schools: pd.DataFrame,
    *,
    as_at: date,
    attainment: Attainment | None = None,
    local_authority: str | Collection[str] = (),
    region: str | Collection[str] = (),
) -> pd.DataFrame:
    """List the schools that a rule finds, the most serious first.

    Parameters
    ----------
    schools : DataFrame
        As `matching.inputs.read.read_schools` returns them.
    as_at : date
        The day from which 'long since inspected' is counted.
    attainment : Attainment, optional
        As `read_attainment` returns it.
    local_authority, region : str or collection of str
        Only schools of one of these are listed; all unless given. Capital letters and spaces do not matter.

    Returns
    -------
    DataFrame
        TRIAGE_COLUMNS, all text but rank, pupils and fsm_percent. `reason` is that of the most serious rule, with what
        was found; `other_reasons` are those of the other rules; `suggested_focuses` are joined by ';'. Sorted by the
        most serious rule, then most pupils with free school meals, then most pupils (unknown ones last), then URN.
        `rank` is the place in this order, from 1; schools that only their URN sets apart share it.

    Raises
    ------
    DataError
        No school is in a local authority or region that was asked for.
    """
    places = {"local_authority": local_authority, "region": region}
    schools = schools_in(schools, {name: (one,) if isinstance(one, str) else one for name, one in places.items()})
    found = pd.concat([_found(rule, schools, as_at, attainment) for rule in triage_rules()], ignore_index=True)
    if found.empty:
        return pd.DataFrame(columns=list(TRIAGE_COLUMNS))
    # A category of concern may be in two columns; the reason is given once.
    found = found.drop_duplicates(["urn", "reason"]).sort_values(["urn", "rank"], kind="stable")
    grouped = found.groupby("urn", sort=True)
    listed = grouped.first()[["rank", "rule", "reason", "priority"]].rename(columns={"priority": "suggested_priority"})
    listed["other_reasons"] = grouped["reason"].agg(lambda reasons: " ".join(list(reasons)[1:]))
    listed["suggested_focuses"] = grouped["focuses"].agg(_joined)
    about = schools.set_index("urn").reindex(listed.index)
    columns = [name for name in TRIAGE_COLUMNS if name in about]
    whole = listed.join(about[columns]).reset_index()
    order = whole[["rank", "fsm_percent", "pupils"]].to_numpy(dtype="float64") * (1, -1, -1)
    place = np.lexsort((whole["urn"], *np.nan_to_num(order, nan=np.inf).T[::-1]))
    ordered, order = whole.iloc[place].reset_index(drop=True), np.nan_to_num(order[place], nan=np.inf)
    # The ranks of the rules become places in this list, which equals share.
    is_new = np.concatenate([[True], (order[1:] != order[:-1]).any(axis=1)])
    ordered["rank"] = np.maximum.accumulate(np.where(is_new, np.arange(1, len(ordered) + 1), 0))
    return ordered[list(TRIAGE_COLUMNS)]


def triage_as_text(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a triage list as it is written: all text."""
    return listed.assign(
        **{name: [number_text(float(one)) for one in listed[name]] for name in ("rank", "pupils", "fsm_percent")}
    )


def suggested_needs(rows: pd.DataFrame) -> pd.DataFrame:
    """Propose needs for rows of a triage list: one for each focus that it suggests.

    Parameters
    ----------
    rows : DataFrame
        Of a triage list; suggested_focuses and suggested_priority may have been edited.

    Returns
    -------
    DataFrame
        The columns of a needs table, all text; need_id is made of the URN and a number.

    Raises
    ------
    DataError
        A cell holds no known focus or priority.
    """
    form = {column.name: column for column in table_formats(standard_vocabulary())["needs"].columns}
    needs, problems = [], []
    for place, row in enumerate(rows.to_dict("records"), start=2):
        words = SEPARATORS.split(str(row["suggested_focuses"]))
        for number, focus in enumerate((word.strip() for word in words if word.strip()), start=1):
            cells = {"focus": focus, "priority": str(row["suggested_priority"]) or "normal"}
            for name, cell in cells.items():
                try:
                    cells[name] = str(form[name].convert(cell))
                except CellError as fault:
                    problems.append(fault.problem("triage", place, f"suggested_{name}", cell))
            note = f"Proposed: {row['reason']}"
            needs.append((f"{row['urn']}-{number}", row["urn"], cells["focus"], "", "", cells["priority"], note))
    if problems:
        raise DataError(problems)
    return pd.DataFrame(needs, columns=list(NEEDS_COLUMNS), dtype="object")


def read_attainment(source: Source) -> Attainment:
    """Read a performance table: a URN column and any columns of `reference/minimum_standards.csv`.

    Raises
    ------
    DataError
        There is no URN column, or no column of a standard.
    """
    standards = _standards()
    columns = {"urn", *(column.casefold() for conditions in standards.values() for column, _, _ in conditions)}

    def known(header: Sequence[str]) -> int:
        return len(columns.intersection(name.casefold() for name in header))

    sheet = read_cells(source, lambda name: name.casefold() in columns, known)
    header = [name.casefold() for name in sheet.header]
    if "urn" not in header or len(header) < 2:
        message = "The file needs a column URN and at least one measure of a minimum standard."
        fix = "Known measures are: " + ", ".join(sorted(columns - {"urn"})).upper() + "."
        raise DataError([Problem(sheet.name, 1, "URN", "", message, fix), *sheet.problems])
    notices = list(sheet.notices)
    unknown = unknown_problems(sheet, [sheet.header[header.index("urn")]], notices)
    if problems := [*sheet.problems, *unknown]:
        raise DataError(problems)
    cells = pd.DataFrame(dict(enumerate(sheet.columns)), dtype="object").set_axis(header, axis=1)
    numbers = cells.drop(columns="urn").apply(lambda one: pd.to_numeric(one.str.rstrip("%"), errors="coerce"))
    below: dict[str, list[tuple[str, str]]] = {}
    for standard, conditions in standards.items():
        if not all(column.casefold() in numbers for column, _, _ in conditions):
            continue
        under = np.logical_and.reduce([numbers[column.casefold()] < limit for column, limit, _ in conditions])
        for urn in cells.loc[under, "urn"]:
            below.setdefault(urn, []).append((standard, conditions[0][2]))
    unread = int((numbers.isna().any(axis=1)).sum())
    lacking = f"{sheet.name}: {unread:,} of {len(cells):,} rows lack a result, which counts as not below."
    notices += [lacking] if unread else []
    return Attainment({urn: tuple(found) for urn, found in below.items()}, tuple(notices))


def _found(rule: Rule, schools: pd.DataFrame, as_at: date, attainment: Attainment | None) -> pd.DataFrame:
    """Return the schools that a rule finds: urn, rank, rule, reason, priority and focuses (a tuple)."""
    if rule.column == "attainment":
        below = attainment.standards if attainment else {}
        here = schools[schools["urn"].isin(below)]
        details = [", ".join(standard for standard, _ in below[urn]) for urn in here["urn"]]
        focuses = [tuple(dict.fromkeys(focus for _, focus in below[urn])) for urn in here["urn"]]
    elif rule.column == "ofsted_areas":
        low = {cell: _low_areas(cell, rule.finds) for cell in schools["ofsted_areas"].unique()}
        here = schools[schools["ofsted_areas"].map(lambda cell: bool(low[cell])).astype(bool)]
        details = [", ".join(low[cell]) for cell in here["ofsted_areas"]]
        focuses = [_focuses_of(low[cell]) for cell in here["ofsted_areas"]]
    elif rule.older_than_years is not None:
        oldest = as_at.replace(year=as_at.year - rule.older_than_years, day=min(as_at.day, 28)).isoformat()
        here = schools[(schools[rule.column] != "") & (schools[rule.column] < oldest)]
        details = [f"on {day[8:10]}/{day[5:7]}/{day[:4]}" for day in here[rule.column]]
        focuses = [(rule.focus,) if rule.focus else ()] * len(here)
    else:
        here = schools[schools[rule.column] == rule.finds]
        details = list(here["ofsted_found"].where(here["ofsted_found"].str.contains(INHERITED), ""))
        focuses = [(rule.focus,) if rule.focus else ()] * len(here)
    reasons = [f"{rule.wording} ({detail})." if detail else f"{rule.wording}." for detail in details]
    return pd.DataFrame(
        {
            "urn": list(here["urn"]),
            "rank": rule.rank,
            "rule": rule.name,
            "reason": pd.Series(reasons, dtype="object"),
            "priority": rule.priority,
            "focuses": pd.Series(focuses, dtype="object"),
        }
    )


def _low_areas(cell: str, grade: str) -> tuple[str, ...]:
    pairs = (part.rpartition(": ") for part in cell.split("; "))
    return tuple(area for area, _, found in pairs if found == grade)


def _focuses_of(areas: Sequence[str]) -> tuple[str, ...]:
    by_name = {area.name: area.focuses for area in inspection_areas()}
    return tuple(dict.fromkeys(focus for area in areas for focus in by_name.get(area, ())))


def _joined(focuses: pd.Series) -> str:
    return ";".join(dict.fromkeys(focus for several in focuses for focus in several))


@cache
def _standards() -> Mapping[str, tuple[tuple[str, float, str], ...]]:
    """Return by standard the columns that must all be below their limits, each with the focus that it suggests."""
    found: dict[str, list[tuple[str, float, str]]] = {}
    for row in reference_rows("minimum_standards"):
        found.setdefault(row["standard"], []).append((row["column"], float(row["below"]), row["focus"]))
    return {standard: tuple(conditions) for standard, conditions in found.items()}


def new_needs(
    proposed: Iterable[Mapping[str, str]], known: Iterable[Mapping[str, str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """Return the proposed needs that are not in a needs table yet, each under a free identifier, and those that are.

    Parameters
    ----------
    proposed, known : iterable of mapping of str to str
        Cells as text, by column.

    Returns
    -------
    new : list of dict
    there : list of str
        The identifiers of the known needs of the same school and focus, unless they are withdrawn.
    """
    rows = list(known)
    taken = {row["need_id"] for row in rows}
    asked = {_asked(row): row["need_id"] for row in rows if row["state"].casefold() != NEED_STATES[-1]}
    new: list[dict[str, str]] = []
    there: list[str] = []
    for row in proposed:
        if _asked(row) in asked:
            there.append(asked[_asked(row)])
            continue
        free = (f"{row['school_urn']}-{number}" for number in count(1))
        need_id = row["need_id"] if row["need_id"] not in taken else next(one for one in free if one not in taken)
        taken.add(need_id)
        new.append({**row, "need_id": need_id})
    return new, there


def _asked(row: Mapping[str, str]) -> tuple[str, str]:
    focus = comparable(row["focus"])
    return row["school_urn"], comparable(standard_vocabulary().synonyms["focus"].get(focus, focus))
