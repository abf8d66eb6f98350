"""Ofsted's management information, of any year, to what inspectors last found at each school.

Until 2024 every inspection gave an overall grade; since September 2024 none does, and since November 2025 report cards
grade areas. So the last overall grade, the areas and the category of concern are kept apart.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import pandas as pd

from matching.errors import DataError, Problem, counted, file_problem, shown
from matching.inputs.official.cells import ENCODINGS, urn_problems
from matching.tables.files import Source, read_sheet
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import comparable

INSPECTION_COLUMNS = ("urn", "grade", "graded_on", "concern", "areas", "inspected_on", "urn_then")


@dataclass(frozen=True)
class Area:
    """An area that inspectors judge, its column in Ofsted's file, and the focuses that a low grade suggests."""

    name: str
    framework: str
    column: str
    focuses: tuple[str, ...]


@dataclass(frozen=True)
class Inspections:
    """What inspectors last found.

    Attributes
    ----------
    frame : DataFrame
        By urn, all text: grade (the last overall one, as the vocabulary spells it), graded_on (ISO date), concern
        (category of concern), areas (`area: grade` joined by `; `, of the last inspection that graded areas),
        inspected_on (the last inspection of any kind), urn_then (the earlier URN that the grade was given under).
        Blank where Ofsted gives nothing.
    """

    frame: pd.DataFrame
    notices: tuple[str, ...] = ()


@cache
def inspection_areas() -> tuple[Area, ...]:
    """Return the areas of every framework, in order."""
    return tuple(
        Area(row["area"], row["framework"], row["column"], tuple(row["focus"].split(";")))
        for row in reference_rows("inspection_areas")
    )


def ofsted_columns(header: Sequence[str]) -> int:
    """Return how many of the columns that are read from Ofsted's files a header has."""
    found = {comparable(name) for name in header}
    return len(found & {name for names in _columns().values() for name in names}) + len(found & _area_columns())


def read_ofsted(source: Source) -> Inspections:
    """Read Ofsted's management information of state-funded schools.

    Parameters
    ----------
    source : Source
        The file of 'most recent inspections' as downloaded (cp1252); lines before its header do no harm.

    Raises
    ------
    DataError
        A column is missing, there is no row, or a URN cannot be used or is repeated.

    Notes
    -----
    A cell that cannot be read is left blank and counted in a notice.
    """
    sheet = read_sheet(
        source, encodings=ENCODINGS, wanted=lambda name: ofsted_columns((name,)) > 0, recognise=ofsted_columns
    )
    folded = [comparable(name) for name in sheet.header]
    cells = pd.DataFrame(dict(enumerate(sheet.columns)), dtype="object").set_axis(folded, axis=1)
    found = {field: next((name for name in names if name in folded), "") for field, names in _columns().items()}
    _check(sheet, cells, found)
    notices = list(sheet.notices)

    def column(field: str) -> pd.Series:
        return cells[found[field]] if found[field] else pd.Series("", index=cells.index, dtype="object")

    def read(field: str, kind: str) -> pd.Series:
        return _read(sheet.name, cells["urn"], column(field), kind, notices)

    def graded_in(inspection: str) -> pd.DataFrame:
        # Whether the inspection was of an earlier school, according to Ofsted.
        is_other = column(f"{inspection}relates").str.casefold().isin(["no", "n"])
        return pd.DataFrame(
            {
                "grade": read(f"{inspection}grade", "grade"),
                "graded_on": read(f"{inspection}graded_on", "date"),
                "urn_then": column(f"{inspection}urn_then").where(is_other, ""),
            }
        )

    latest, previous = graded_in(""), graded_in("previous_")
    # Where the latest inspection gave no overall grade ('Not judged'), that of the one before it is the last.
    graded = latest.where(latest["grade"] != "", previous)
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


def _check(sheet: Sheet, cells: pd.DataFrame, found: Mapping[str, str]) -> None:
    fix = "Download the management information of state-funded schools from Ofsted's page again and keep its columns."
    problems = list(sheet.problems)
    if not found["urn"]:
        problems.append(Problem(sheet.name, 1, "URN", "", "The column is missing from this Ofsted file.", fix))
    if not found["grade"] and not _area_columns() & set(cells.columns):
        message = "There is no column with an overall grade or a graded area in this Ofsted file."
        problems.append(Problem(sheet.name, 1, "Overall effectiveness", "", message, fix))
    if problems:
        raise DataError(problems)
    if not len(cells):
        raise DataError([file_problem(sheet.name, "There is no row under the header.", fix)])
    problems += urn_problems(sheet.name, "URN", sheet.numbers, cells["urn"].tolist(), unique=True)
    if problems:
        raise DataError(problems)


def _read(name: str, urns: pd.Series, cells: pd.Series, kind: str, notices: list[str]) -> pd.Series:
    """Return each cell's meaning; blank, with a notice, where it cannot be read."""
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
    kinds = ("grade", "effective") if kind == "graded" else (kind,)
    for one in kinds:
        if folded in words[one]:
            return words[one][folded]
    return "" if folded in words["missing"] else None


def _iso(text: str) -> str | None:
    """Return a date as 2026-01-31, from that, 31/01/2026 or 31-01-2026, with or without a time of day."""
    found = re.fullmatch(
        r"(?:([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})|([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4}))([ t].*)?", text
    )
    if not found:
        return None
    year, month, day = (int(part) for part in (found.groups()[:3] if found[1] else found.groups()[5:2:-1]))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _areas(name: str, cells: pd.DataFrame, notices: list[str]) -> pd.Series:
    """Return `area: grade; …` of every school, from its report card or otherwise from the last graded inspection."""
    by_framework: dict[str, pd.Series] = {}
    for area in inspection_areas():
        column = next((one for one in _area_names(area) if one in cells.columns), "")
        if not column:
            continue
        grades = _read(name, cells["urn"], cells[column], area.framework, notices)
        pairs = (area.name + ": " + grades + "; ").where(grades != "", "")
        by_framework[area.framework] = by_framework.get(area.framework, "") + pairs
    blank = pd.Series("", index=cells.index, dtype="object")
    card, graded = by_framework.get("card", blank), by_framework.get("graded", blank)
    return card.where(card != "", graded).str.removesuffix("; ")


def _area_names(area: Area) -> tuple[str, ...]:
    return (area.column,) if area.framework == "card" else (f"latest oeif {area.column}", area.column)


@cache
def _area_columns() -> frozenset[str]:
    return frozenset(name for area in inspection_areas() for name in _area_names(area))


@cache
def _columns() -> Mapping[str, tuple[str, ...]]:
    """Return the columns that may hold each field, in small letters, the preferred one first."""
    found: dict[str, list[str]] = {}
    for row in reference_rows("ofsted_columns"):
        found.setdefault(row["field"], []).append(row["column"])
    return {field: tuple(columns) for field, columns in found.items()}


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in reference_rows("inspection_words"):
        found.setdefault(row["kind"], {})[row["found"]] = row["meaning"]
    return found
