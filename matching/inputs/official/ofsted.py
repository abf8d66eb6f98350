"""Ofsted's management information, of any year, to what inspectors last found at each school.

Until 2024 every inspection gave an overall grade; since September 2024 none does, and since November 2025 report cards
grade areas. So the last overall grade, the areas and the category of concern are kept apart.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import pandas as pd

from matching.errors import DataError, Problem, counted, file_problem, shown
from matching.inputs.official.cells import (
    identified_rows,
    read_cells,
    undecoded_notices,
    unknown_problems,
    urn_problems,
)
from matching.inputs.official.ofsted_header import (
    OfstedHeader,
    area_columns,
    inspection_areas,
    is_read,
    ofsted_columns,
    read_header,
)
from matching.tables.cell_values import CellError, day
from matching.tables.files import ANYWHERE, Source, Where
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import comparable, comparable_letters

INSPECTION_COLUMNS = ("urn", "grade", "graded_on", "concern", "areas", "inspected_on", "urn_then", "confirmed")
# An ungraded inspection gives no grade, and may leave the one that the school has from before 2019.
_REMAINS = re.compile(r"\bremains (outstanding|good)\b")


@dataclass(frozen=True)
class Inspections:
    """What inspectors last found.

    Attributes
    ----------
    frame : DataFrame
        By urn, all text: grade (the last overall one, as the vocabulary spells it), graded_on (ISO date), concern
        (category of concern), areas (`area: grade` joined by `; `, of the last inspection that graded areas),
        inspected_on (the last inspection of any kind), urn_then (the earlier URN that the grade was given under),
        confirmed ('yes' where only an ungraded inspection states the grade: 'School remains Good'). Blank where Ofsted
        gives nothing.
    """

    frame: pd.DataFrame
    notices: tuple[str, ...] = ()


def read_ofsted(source: Source, *, where: Where = ANYWHERE, of_earlier_format: bool = False) -> Inspections:
    """Read Ofsted's management information of state-funded schools.

    Parameters
    ----------
    source : Source
        The file of 'most recent inspections' as downloaded (cp1252); lines before its header do no harm.
    where : Where, optional
        The sheet and the row of the header, where they are known.
    of_earlier_format : bool
        Whether this is a plan's copy of an earlier format. There a school without a grade does not have the one that it
        keeps according to an ungraded inspection.

    Raises
    ------
    DataError
        A column is missing, there is no row, or a URN is repeated or not in the file.

    Notes
    -----
    A cell that cannot be read, or whose value the file does not hold, is left blank and counted in a notice.
    """
    sheet = read_cells(source, is_read, ofsted_columns, where, of_earlier_format=of_earlier_format)
    header = read_header(sheet.name, sheet.header)
    cells = pd.DataFrame(dict(enumerate(sheet.columns)), dtype="object").set_axis(list(header.names), axis=1)
    notices = [*sheet.notices, *header.notices]
    cells = _identified(sheet, header, cells, notices)

    def column(field: str) -> pd.Series:
        name = header.fields[field]
        return cells[name] if name else pd.Series("", index=cells.index, dtype="object")

    def read(field: str, kind: str) -> pd.Series:
        return _read(sheet.name, cells["urn"], column(field), kind, notices)

    def urn_of(inspection: str) -> pd.Series:
        # Whether the inspection was of an earlier school, according to Ofsted.
        is_other = column(f"{inspection}relates").str.casefold().isin(["no", "n"])
        return column(f"{inspection}urn_then").where(is_other, "")

    def graded_in(inspection: str) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "grade": read(f"{inspection}grade", "grade"),
                "graded_on": read(f"{inspection}graded_on", "date"),
                "urn_then": urn_of(inspection),
                "confirmed": "",
            }
        )

    latest, previous = graded_in(""), graded_in("previous_")
    # Where the latest inspection gave no overall grade ('Not judged'), that of the one before it is the last.
    graded = latest.where(latest["grade"] != "", previous)
    if not of_earlier_format:
        kept = _kept_grades(column("outcome"))
        confirmed = pd.DataFrame(
            {"grade": kept, "graded_on": "", "urn_then": urn_of("outcome_"), "confirmed": kept.mask(kept != "", "yes")}
        )
        graded = graded.where(graded["grade"] != "", confirmed)
        notices += _ungraded_notices(sheet.name, graded, column("outcome"))
    dates = pd.DataFrame(
        {field: read(field, "date") for field in ("graded_on", "previous_graded_on", "visited_on", "reported_on")}
    )
    frame = graded.assign(
        urn=cells["urn"],
        graded_on=graded["graded_on"].where(graded["grade"] != "", ""),
        concern=read("concern", "concern"),
        areas=_areas(sheet.name, cells, notices),
        # Dates are ISO text here, so that the last one is the greatest.
        inspected_on=dates.max(axis=1) if len(dates) else "",
        urn_then=graded["urn_then"].where(graded["urn_then"].str.fullmatch("[0-9]{6}").fillna(False), ""),
    )
    ordered = frame[list(INSPECTION_COLUMNS)].sort_values("urn", ignore_index=True)
    return Inspections(ordered.set_index("urn", drop=False), tuple(dict.fromkeys(notices)))


def _kept_grades(outcomes: pd.Series) -> pd.Series:
    """Return the grade that each outcome of an ungraded inspection leaves: 'School remains Good (Concerns)'."""
    found = {outcome: _REMAINS.search(comparable(outcome)) for outcome in outcomes.unique()}
    return outcomes.map({one: match[1].capitalize() if match else "" for one, match in found.items()}).astype("object")


def _ungraded_notices(name: str, graded: pd.DataFrame, outcomes: pd.Series) -> list[str]:
    notices = []
    confirmed = int((graded["confirmed"] != "").sum())
    if confirmed:
        verb = "has" if confirmed == 1 else "have"
        notices.append(
            f"{name}: {counted(confirmed, 'school')} {verb} the grade that an ungraded inspection left, such as "
            "'School remains Good', because no graded inspection is listed; ofsted_found names the source."
        )
    missing = outcomes.map(lambda outcome: comparable(outcome) in _words()["missing"])
    unclear = outcomes[(graded["grade"] == "") & ~missing]
    if len(unclear):
        verb = "has" if len(unclear) == 1 else "have"
        notices.append(
            f"{name}: {counted(len(unclear), 'school')} {verb} only the outcome of an ungraded inspection, such as "
            f"{shown(unclear.iloc[0])}, which states no grade; this file gives them none."
        )
    return notices


def _identified(sheet: Sheet, header: OfstedHeader, cells: pd.DataFrame, notices: list[str]) -> pd.DataFrame:
    """Return the rows with a URN; those without one can be of no school of ours, and are counted in a notice."""
    fix = "Download the management information of state-funded schools from Ofsted's page again and keep its columns."
    problems = list(sheet.problems)
    if not header.fields["urn"]:
        problems.append(Problem(sheet.name, 1, "URN", "", "The column is missing from this Ofsted file.", fix))
    if not header.fields["grade"] and not area_columns() & set(cells.columns):
        message = "There is no column with an overall grade or a graded area in this Ofsted file."
        problems.append(Problem(sheet.name, 1, "Overall effectiveness", "", message, fix))
    if problems:
        raise DataError(problems)
    if not len(cells):
        raise DataError([file_problem(sheet.name, "There is no row under the header.", fix)])
    notices += undecoded_notices(sheet.name, {str(name): cells[name] for name in cells})
    named = dict(zip(sheet.header, header.names, strict=True))
    judged = {found for found, name in named.items() if name in {*header.fields.values(), *area_columns()}}
    sheet = replace(sheet, unknown_cells=tuple(one for one in sheet.unknown_cells if one.column in judged))
    urn_column = next(found for found, name in named.items() if name == header.fields["urn"])
    usable = identified_rows(sheet, cells["urn"], urn_column, notices)
    # With a blank in such a cell the school would have an older grade, or no concern.
    others = {row for row, is_usable in zip(sheet.numbers, usable, strict=True) if not is_usable}
    problems += unknown_problems(sheet, [urn_column], notices, others, optional=judged)
    kept = cells[usable].drop_duplicates()
    rows = [sheet.numbers[row] for row in kept.index]
    problems += urn_problems(sheet, urn_column, rows, list(kept["urn"]), unique=True)
    if problems:
        raise DataError(problems)
    return kept.reset_index(drop=True)


def _read(name: str, urns: pd.Series, cells: pd.Series, kind: str, notices: list[str]) -> pd.Series:
    """Return each cell's meaning; blank, with a notice, where it cannot be read."""
    if kind == "date" and is_month_first(cells):
        notices.append(
            f"{name}: dates are read month first, as in {shown(cells[cells.map(_month_first) != ''].iloc[0])}."
        )
        cells = cells.map({cell: _month_first(cell) or cell for cell in cells.unique()})
    meanings = {cell: meaning(cell, kind) for cell in cells.unique()}
    unread = cells[cells.map({cell: found is None for cell, found in meanings.items()}).astype(bool)]
    if len(unread):
        notices.append(
            f"{name}: {counted(len(unread), 'cell')} could not be read as {_KINDS[kind]}, such as "
            f"{shown(unread.iloc[0])} for URN {urns[unread.index[0]]}; left blank."
        )
    return cells.map({cell: found or "" for cell, found in meanings.items()}).astype("object")


_KINDS = {
    "grade": "an overall grade",
    "concern": "a category of concern",
    "card": "a grade of a report card",
    "graded": "a grade of an area",
    "date": "a date",
}


def meaning(cell: str, kind: str) -> str | None:
    """Return the meaning of a cell of an official file; None where it cannot be read.

    Parameters
    ----------
    kind : str
        What it should hold: grade, concern, card (a grade of a report card), graded (a grade of an area) or date.
    """
    folded = comparable(cell)
    words = _words()
    if kind == "date":
        return "" if folded in words["missing"] else _iso(folded)
    if kind == "grade":
        return _grade(folded)
    kinds = ("grade", "effective") if kind == "graded" else (kind,)
    for one in kinds:
        if folded in words[one]:
            return words[one][folded]
    return "" if folded in words["missing"] else None


def _grade(text: str) -> str | None:
    """Return an overall grade from its number, its words, or both where they agree: '2', 'Good', 'Grade 2: Good'."""
    words = _words()
    if text in words["grade"]:
        return words["grade"][text]
    if text in words["missing"]:
        return ""
    parts = comparable_letters(text).replace("grade", " ").split()
    numbers = [part for part in parts if part.isdigit()]
    letters = " ".join(part for part in parts if not part.isdigit())
    found = {words["grade"].get(part) for part in (*numbers, letters) if part}
    return found.pop() if len(found) == 1 and len(numbers) <= 1 else None


_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(.*)")


def is_month_first(cells: pd.Series) -> bool:
    """Return whether a column's dates are month first: all of them can be, and some cannot be day first."""
    found = [match for cell in cells.unique() if (match := _DAY_FIRST.fullmatch(cell))]
    return any(int(one[3]) > 12 for one in found) and all(int(one[1]) <= 12 for one in found)


def _month_first(cell: str) -> str:
    """Return a date that is written month first as day first; blank where it is no date of that form."""
    found = _DAY_FIRST.fullmatch(cell)
    return f"{found[3]}/{found[1]}/{found[4]}{found[5]}" if found else ""


def _iso(text: str) -> str | None:
    """Return a date as 2026-01-31, from any form in which it can be no other: 31/01/2026, 31 January 2026, 20260131."""
    found = re.fullmatch(
        r"(?:([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}))([ t].*)?", text
    )
    if found:
        year, month, of_month = (int(part) for part in (found.groups()[:3] if found[1] else found.groups()[5:2:-1]))
        return _day_text(year, month, of_month)
    if re.fullmatch("[0-9]{8}", text):
        either = _day_text(int(text[:4]), int(text[4:6]), int(text[6:])), _day_text(*_backwards(text))
        plausible = [one for one in either if one and "1980" < one < "2100"]
        return plausible[0] if len(plausible) == 1 else None
    plain = re.sub(r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b", "", text.replace(",", " "))
    plain = re.sub(r"^([a-z]{3,9}) ([0-9]{1,2})(?:st|nd|rd|th)? ([0-9]{4})$", r"\2 \1 \3", comparable(plain))
    # Ofsted has inspected schools since 1992.
    plain = re.sub(
        r"^([0-9]{1,2}[ -][a-z]{3,9}[ -])([0-9]{2})$",
        lambda two: f"{two[1]}{'19' if two[2] > '91' else '20'}{two[2]}",
        plain,
    )
    with suppress(CellError):
        return day(plain).isoformat()
    return None


def _backwards(text: str) -> tuple[int, int, int]:
    return int(text[4:]), int(text[2:4]), int(text[:2])


def _day_text(year: int, month: int, of_month: int) -> str | None:
    with suppress(ValueError):
        return date(year, month, of_month).isoformat()
    return None


def _areas(name: str, cells: pd.DataFrame, notices: list[str]) -> pd.Series:
    """Return `area: grade; …` of every school, from its report card or otherwise from the last graded inspection."""
    by_framework: dict[str, pd.Series] = {}
    for area in inspection_areas():
        column = next((one for one in area.columns if one in cells.columns), "")
        if not column:
            continue
        grades = _read(name, cells["urn"], cells[column], area.framework, notices)
        pairs = (area.name + ": " + grades + "; ").where(grades != "", "")
        by_framework[area.framework] = by_framework.get(area.framework, "") + pairs
    blank = pd.Series("", index=cells.index, dtype="object")
    card, graded = by_framework.get("card", blank), by_framework.get("graded", blank)
    return card.where(card != "", graded).str.removesuffix("; ")


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in reference_rows("inspection_words"):
        found.setdefault(row["kind"], {})[row["found"]] = row["meaning"]
    return found
