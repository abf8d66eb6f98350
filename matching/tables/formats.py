"""Our tables: their columns, what each cell may hold, and every fault in them by row.

Rows are judged one table at a time here; what tables say of each other is the business of `inputs`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from matching.errors import LEAVE_OUT, DataError, Problem, at_most, counted, did_you_mean, shown
from matching.tables.column_parsers import AtOnce, identifiers, never, texts, urns, whole_numbers
from matching.tables.files import Sheet
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M, Metres, national_grid
from matching.tables.vocabulary import Vocabulary

_SIX_DIGITS = re.compile("[0-9]{6}")
_SEPARATORS = re.compile(r"[;,\n]")
_NEVER_EMPTY = ("schools", "supporters", "needs")
# A row of these may be left out on request; a decision protects somebody, and a baseline is an earlier plan's.
_ROWS_MAY_GO = ("schools", "supporters", "needs", "accreditation")
PRIORITIES = ("critical", "high", "normal")
INSPECTION_COLUMNS = ("ofsted_date", "ofsted_concern", "ofsted_areas", "inspected_on", "ofsted_found")
"""Columns of a schools table that only official files fill; nobody has to type them."""
DECISION_KINDS = ("pin", "forbid", "declined")


class CellError(ValueError):
    """What is wrong with one cell, and the fix; `others` are further faults of the same cell."""

    def __init__(self, message: str, fix: str, others: Sequence["CellError"] = ()) -> None:
        super().__init__(message)
        self.message, self.fix, self.others = message, fix, tuple(others)


@dataclass(frozen=True)
class Column:
    """One column: how its text becomes a value, and what a blank cell means.

    A required column must be in the header, and its cells must not be blank unless `may_be_blank`. `meaning` says to
    people what belongs in a cell, without a verb. `synonyms` are other words, in small letters, for those it takes.
    `at_once` reads a column in which nearly every cell is different; it gives what `convert` does, or None.
    """

    name: str
    convert: Callable[[str], object]
    meaning: str
    required: bool = False
    may_be_blank: bool = False
    blank: object = ""
    dtype: str = "object"
    synonyms: Mapping[str, str] = field(default_factory=dict)
    at_once: AtOnce = never


@dataclass(frozen=True)
class TableFormat:
    """The columns of one table and the columns that identify a row (none where rows may repeat)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names in their usual order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes
    ----------
    frame : DataFrame
        One row a record, in file order: `row` (number in the spreadsheet) and the format's columns. A cell that
        could not be read is None.
    problems : tuple of Problem
    notices : tuple of str
    misfit_cells : frozenset of str
        The texts in rows that do not fit under the header: what they were meant for is not known.
    """

    name: str
    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    misfit_cells: frozenset[str] = frozenset()


def text(value: str) -> str:
    """Any text on one line."""
    if not value.isprintable():
        raise CellError(f"{shown(value)} holds a line break or a control character.", "Type it again on one line.")
    return value


def free_text(value: str) -> str:
    """Any text; line breaks are kept."""
    if not value.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        raise CellError(f"{shown(value)} holds a control character.", "Type it again.")
    return value


def identifier(value: str) -> str:
    """A short text that a spreadsheet would not run as a formula."""
    if value[0] in "=+-@＝＋－＠" or len(value) > 64:
        fix = "Use up to 64 letters, digits, spaces and marks, and begin with a letter or a digit."
        raise CellError(f"{shown(value)} cannot be used as an identifier.", fix)
    return text(value)


def urn(value: str) -> str:
    """A school's unique reference number: six digits, kept as text."""
    if _SIX_DIGITS.fullmatch(value):
        return value
    digits = value.split(".", maxsplit=1)[0].strip()
    fix = f"Did you mean '{digits}'?" if _SIX_DIGITS.fullmatch(digits) else "A URN has six digits, such as 100000."
    raise CellError(f"{shown(value)} is not a URN.", fix)


def number(low: float, high: float, unit: str, decimals: int) -> Callable[[str], float]:
    """A converter to a number between `low` and `high` with at most so many decimals."""
    places = rf"(\.[0-9]{{1,{decimals}}}0*)?" if decimals else r"(\.0*)?"
    as_written = re.compile(rf"-?[0-9]{{1,12}}{places}")

    def convert(value: str) -> float:
        if not as_written.fullmatch(value):
            kind = "a whole number" if not decimals else f"a number with at most {decimals} decimals"
            raise CellError(f"{shown(value)} is not {kind}.", f"Give {unit} in digits, such as {low + 1:g}.")
        found = float(value)
        if not low <= found <= high:
            raise CellError(
                f"{shown(value)} is out of range.", f"Give {unit} between {_plain(low)} and {_plain(high)}."
            )
        return found + 0.0  # so that -0 becomes 0, without a sign

    return convert


def whole(low: int, high: int, unit: str) -> Callable[[str], int]:
    """A converter to a whole number between `low` and `high`."""
    as_number = number(low, high, unit, 0)
    return lambda value: int(as_number(value))


def one_of(known: Sequence[str], what: str) -> Callable[[str], str]:
    """A converter to one of the known words; capital letters do not matter."""
    by_folded = {word.casefold(): word for word in known}

    def convert(value: str) -> str:
        word = by_folded.get(" ".join(value.casefold().split()))
        if word is None:
            otherwise = f"Known are: {', '.join(known)}."
            raise CellError(f"{shown(value)} is not a known {what}.", did_you_mean(value, known, otherwise))
        return word

    return convert


def many(convert: Callable[[str], object]) -> Callable[[str], tuple[object, ...]]:
    """A converter to several values separated by ';', ',' or line breaks, without repeats and in order."""

    def convert_all(value: str) -> tuple[object, ...]:
        converted, faults = set(), []
        for word in dict.fromkeys(word.strip() for word in _SEPARATORS.split(value)):
            try:
                converted |= {convert(word)} if word else set()
            except CellError as fault:
                faults.append(fault)
        if not faults:
            return tuple(sorted(converted, key=str))
        raise CellError(faults[0].message, faults[0].fix, faults[1:])

    return convert_all


def day(value: str) -> date:
    """A date, as 2026-01-31 or 31/01/2026, or with the month in letters; what could be two days is not guessed."""
    british = re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", value)
    lettered = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})[ -]([0-9]{4})", value.casefold())
    try:
        if british:
            return date(int(british[3]), int(british[2]), int(british[1]))
        if lettered:
            return date(int(lettered[3]), _month(lettered[2]), int(lettered[1]))
        # By itself fromisoformat would take 20260131 too, and the weeks of a year.
        iso = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00)?)?", value)
        if iso:
            return date.fromisoformat(iso[1])
        raise ValueError(value)
    except ValueError as error:
        raise CellError(f"{shown(value)} is not a date.", "Write dates as 2026-01-31 or 31/01/2026.") from error


_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def _month(word: str) -> int:
    """The number of a month, by its English name or the first three letters of it."""
    return next((number for number, name in enumerate(_MONTHS, start=1) if word in (name, name[:3])), 0)


def iso_day(value: str) -> str:
    """A date, kept as the text 2026-01-31."""
    return day(value).isoformat()


def table_formats(vocabulary: Vocabulary) -> Mapping[str, TableFormat]:
    """The tables of a run, by name; the baseline is an earlier plan.csv, of which only the pairs are used."""
    other = vocabulary.synonyms
    designation = one_of(tuple(vocabulary.designations), "designation")
    phase = one_of(vocabulary.phases, "phase")
    formats = (
        TableFormat(
            "schools",
            (
                Column("urn", urn, "unique reference number, six digits", required=True, at_once=urns),
                Column("name", text, "name of the school", required=True, at_once=texts),
                Column("phase", phase, "phase of education, in GIAS words", required=True, synonyms=other["phase"]),
                Column(
                    "easting",
                    number(*ENGLAND_EASTING_M, "metres east", 3),
                    "metres",
                    blank=np.nan,
                    at_once=whole_numbers(*ENGLAND_EASTING_M),
                ),
                Column(
                    "northing",
                    number(*ENGLAND_NORTHING_M, "metres north", 3),
                    "metres",
                    blank=np.nan,
                    at_once=whole_numbers(*ENGLAND_NORTHING_M),
                ),
                Column("local_authority", text, "local authority"),
                Column("region", text, "region"),
                Column("trust", text, "multi-academy trust, blank for none"),
                Column("postcode", text, "postcode", at_once=texts),
                Column("ofsted", one_of(vocabulary.grades, "Ofsted grade"), "latest overall Ofsted grade"),
                Column("pupils", whole(0, 50_000, "the number of pupils"), "number of pupils", blank=np.nan),
                Column("fsm_percent", number(0, 100, "a percentage", 3), "% free school meals", blank=np.nan),
                Column("latitude", number(49, 61, "degrees north", 15), "degrees, WGS84", blank=np.nan),
                Column("longitude", number(-9, 3, "degrees east", 15), "degrees, WGS84", blank=np.nan),
                Column("ofsted_date", iso_day, "day of the inspection that gave the overall grade"),
                Column("ofsted_concern", text, "Ofsted's category of concern"),
                Column("ofsted_areas", text, "graded areas, such as 'Inclusion: Needs attention; …'"),
                Column("inspected_on", iso_day, "day of the last inspection of any kind"),
                Column("ofsted_found", text, "where the overall grade was found"),
            ),
            key=("urn",),
        ),
        TableFormat(
            "supporters",
            (
                Column("supporter_id", identifier, "your own identifier", required=True, at_once=identifiers),
                Column("name", text, "name of the person", required=True, at_once=texts),
                Column("designation", designation, "NLE, LLE or SLE", required=True, synonyms=other["designation"]),
                Column("school_urn", urn, "URN of the home school", required=True),
                Column("phases", many(phase), "phases they can support", required=True, synonyms=other["phase"]),
                Column(
                    "specialisms",
                    many(one_of(vocabulary.specialisms, "specialism")),
                    "specialisms, at least one for an SLE",
                    required=True,
                    may_be_blank=True,
                    blank=(),
                    synonyms=other["focus"],
                ),
                Column("max_deployments", whole(0, 1000, "a number of schools"), "blank: 1", blank=1, dtype="int64"),
                Column("days_available", number(0, 10_000, "days", 2), "blank: no limit", blank=np.inf),
                Column("max_distance_km", number(0.1, 1500, "km", 3), "blank: the policy's", blank=np.inf),
                Column("alliance", text, "teaching school that places them"),
                Column("conflicts", many(urn), "URNs they must not support", blank=()),
            ),
            key=("supporter_id",),
        ),
        TableFormat(
            "needs",
            (
                Column("need_id", identifier, "your own identifier", required=True, at_once=identifiers),
                Column("school_urn", urn, "URN of the school that asks", required=True, at_once=urns),
                Column(
                    "focus",
                    one_of(tuple(vocabulary.focuses), "focus"),
                    "what it is about",
                    required=True,
                    synonyms=other["focus"],
                ),
                Column("designations", many(designation), "who may serve it", blank=(), synonyms=other["designation"]),
                Column("days", number(0, 10_000, "days", 2), "blank: 0", blank=0.0),
                Column("priority", one_of(PRIORITIES, "priority"), "blank: normal", blank="normal"),
                Column("package", text, "needs of a school that are all met or none have the same word here"),
                Column("notes", free_text, "anything to remember"),
            ),
            key=("need_id",),
        ),
        TableFormat(
            "accreditation",
            (
                Column("supporter_id", identifier, "identifier as in supporters", required=True),
                Column(
                    "criterion", one_of(tuple(vocabulary.criteria), "criterion"), "a code such as SLE-1", required=True
                ),
                Column(
                    "met",
                    one_of(("yes", "no"), "answer"),
                    "yes, no or blank",
                    required=True,
                    may_be_blank=True,
                    synonyms=other["answer"],
                ),
                Column("evidence", free_text, "what shows it"),
                Column("checked_on", day, "day it was last checked", blank=None),
            ),
            key=("supporter_id", "criterion"),
        ),
        TableFormat(
            "decisions",
            (
                Column("kind", one_of(DECISION_KINDS, "kind of decision"), "pin, forbid or declined", required=True),
                Column("supporter_id", identifier, "identifier as in supporters", required=True),
                Column("need_id", identifier, "identifier as in needs, or blank for every need of the school"),
                Column("school_urn", urn, "where need_id is blank"),
                Column("reason", free_text, "why"),
                Column("by", text, "who decided"),
                Column("on", day, "when", blank=None),
            ),
        ),
        TableFormat(
            "baseline",
            (
                Column("need_id", identifier, "identifier of the need", required=True),
                Column("supporter_id", identifier, "identifier of the supporter", required=True),
            ),
            key=("need_id",),
        ),
    )
    return {one.name: one for one in formats}


def known_columns(form: TableFormat, mapping: Mapping[str, str] | None = None) -> Callable[[Sequence[str]], int]:
    """How many columns of a format a header has, some perhaps under names that a mapping gives; to find the header."""
    known = {*form.column_names, *(mapping or {})}
    return lambda header: len(known.intersection(header))


def read_table(
    sheet: Sheet, form: TableFormat, vocabulary: Vocabulary, mapping: Mapping[str, str] | None = None
) -> Table:
    """Convert a sheet's cells to the format's values.

    Parameters
    ----------
    sheet : Sheet
    form : TableFormat
    vocabulary : Vocabulary
        Used to say which other table a wrong file looks like.
    mapping : mapping of str to str, optional
        Names of the file's columns to the format's, where they differ.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The header lacks a required column, so that no row can be read, or there is no row.
    """
    sheet, notices = _renamed(sheet, form, mapping or {})
    _check_columns(sheet, form, vocabulary)
    problems = list(sheet.problems)
    cells = dict(zip(sheet.header, sheet.columns, strict=True))
    values: dict[str, Sequence[object]] = {"row": sheet.numbers}
    for column in form.columns:
        found = cells.get(column.name)
        values[column.name] = (
            [column.blank] * len(sheet.numbers)
            if found is None
            else _converted(sheet, column, _plain_words(sheet.name, column, found, notices), found, problems)
        )
    frame = pd.DataFrame(values, dtype="object")
    problems += at_most(_duplicates(sheet.name, frame, form.key))
    if form.name == "schools":
        frame = _with_places(sheet, frame, problems)
    if form.name != "baseline":
        notices += _unused(sheet, form)
    if form.name in _ROWS_MAY_GO:
        problems = [replace(one, severity=LEAVE_OUT) if one.row is not None else one for one in problems]
    return Table(sheet.name, frame, tuple(problems), tuple(notices), sheet.misfit_cells)


def _renamed(sheet: Sheet, form: TableFormat, mapping: Mapping[str, str]) -> tuple[Sheet, list[str]]:
    """The sheet under our column names, and what to tell of it."""
    used = {name: column for name, column in mapping.items() if name in sheet.header and name != column}
    notices = list(sheet.notices)
    taken = sorted(set(used.values()) & (set(sheet.header) - set(used)))
    if taken:
        fix = "Take it out of the columns file, or give the other column another name."
        raise DataError(
            Problem(sheet.name, None, name, name, f"Another column is said to be {name}, and there is one.", fix)
            for name in taken
        )
    if used:
        pairs = ", ".join(f"{shown(name)} as {column}" for name, column in used.items())
        notices.append(f"{sheet.name}: columns read under another name, as you said: {pairs}.")
    missing = [name for name in mapping if name not in sheet.header]
    if missing:
        notices.append(f"{sheet.name}: has none of these columns that were given a meaning: {_shown_all(missing)}.")
    return replace(sheet, header=tuple(used.get(name, name) for name in sheet.header)), notices


def _plain_words(name: str, column: Column, cells: Sequence[str], notices: list[str]) -> Sequence[str]:
    """The cells with every synonym put in the format's own words, which a notice tells."""
    if not column.synonyms:
        return cells
    used: dict[str, str] = {}
    plain: dict[str, str] = {}
    for cell in dict.fromkeys(cells):
        words = _SEPARATORS.split(cell)
        for place, word in enumerate(words):
            meaning = column.synonyms.get(" ".join(word.casefold().split()))
            if meaning is not None and not _is_known(column, word):
                used.setdefault(word.strip(), meaning)
                words[place] = meaning
        plain[cell] = ";".join(words) if words != _SEPARATORS.split(cell) else cell
    if used:
        pairs = ", ".join(f"{shown(word)} as '{meaning}'" for word, meaning in sorted(used.items())[:10])
        more = f" and {len(used) - 10:,} more" if len(used) > 10 else ""
        notices.append(f"{name}, {column.name}: other words were read as ours: {pairs}{more}.")
    return [plain[cell] for cell in cells] if used else cells


def _is_known(column: Column, word: str) -> bool:
    try:
        column.convert(word.strip())
    except CellError:
        return False
    return True


def _shown_all(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names))


def schools_as_text(schools: pd.DataFrame) -> pd.DataFrame:
    """A schools table as it is written: text, numbers without needless decimals.

    The contract's columns stand first; those of inspections follow where any school has something in them.
    """
    idle = {name for name in INSPECTION_COLUMNS if name in schools and (schools[name] == "").all()}
    columns = [name for name in schools.columns if name not in {"row", *idle}]
    numeric = ("easting", "northing", "pupils", "fsm_percent")

    def cell(value: float) -> str:
        return "" if np.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")

    written = {name: [cell(float(one)) for one in schools[name]] for name in numeric}
    return schools[columns].assign(**written)


def _check_columns(sheet: Sheet, form: TableFormat, vocabulary: Vocabulary) -> None:
    needed = [column.name for column in form.columns if column.required]
    if form.name == "schools" and not {"latitude", "longitude"} <= set(sheet.header):
        needed += ["easting", "northing"]
    missing = [name for name in needed if name not in sheet.header]
    if missing:
        raise DataError(_missing_columns(sheet, form, missing, vocabulary))
    if not sheet.numbers and not sheet.problems and form.name in _NEVER_EMPTY:
        message, fix = "There is a header and no row under it.", f"Add one row for each of the {form.name}."
        raise DataError([Problem(sheet.name, None, "", "", message, fix)])


def _unused(sheet: Sheet, form: TableFormat) -> Iterator[str]:
    unknown = [name for name in sheet.header if name and name not in form.column_names]
    if unknown:
        yield f"{sheet.name}: columns that are not used: {_shown_all(unknown)}."
    nameless = [cells for name, cells in zip(sheet.header, sheet.columns, strict=True) if not name]
    if not nameless:
        return
    filled = [number for number, *cells in zip(sheet.numbers, *nameless, strict=True) if any(cells)]
    if filled:
        rows = counted(len(filled), "row")
        yield f"{sheet.name}: cells in a column without a name are not used ({rows}, the first is row {filled[0]})."


def _missing_columns(sheet: Sheet, form: TableFormat, missing: list[str], vocabulary: Vocabulary) -> list[Problem]:
    known_here = len(set(sheet.header).intersection(form.column_names))
    for other in table_formats(vocabulary).values():
        needed = {column.name for column in other.columns if column.required}
        # Tables share columns: a header is another's only where that one knows more of it.
        known_there = len(set(sheet.header).intersection(other.column_names))
        if needed <= set(sheet.header) and known_there > known_here:
            message = f"This looks like the {other.name} table, and the {form.name} table was expected here."
            return [Problem(sheet.name, None, "", "", message, f"Give this file as {other.name} instead.")]
    problems = []
    for name in missing:
        otherwise = f"Add it; the {form.name} template shows every column."
        close = did_you_mean(name, [c for c in sheet.header if c and c not in form.column_names], otherwise)
        fix = f"Is it the column {close[13:-1]}? Then rename that to '{name}'." if close != otherwise else otherwise
        problems.append(Problem(sheet.name, 1, name, "", f"The column '{name}' is missing.", fix))
    return problems


def _converted(
    sheet: Sheet, column: Column, cells: Sequence[str], found: Sequence[str], problems: list[Problem]
) -> list[object]:
    """The cells' values; `found` are the cells as they stand in the file, for the problems."""
    must_be_filled, sound = column.required and not column.may_be_blank, True
    if (all(cells) or not must_be_filled) and (values := column.at_once(cells)) is not None:
        return list(values)
    outcome: dict[str, object] = {}
    for cell in dict.fromkeys(cells):
        try:
            # A list of nothing but separators is as blank as a blank cell.
            value = column.convert(cell) if cell else column.blank
            if must_be_filled and value in ("", ()):
                raise CellError("The cell is blank.", f"Fill it in: {column.meaning}.")
            outcome[cell] = value
        except CellError as fault:
            outcome[cell], sound = fault, False
    if sound:
        return [outcome[cell] for cell in cells]
    problems += at_most(
        Problem(sheet.name, row, column.name, stood, fault.message, fault.fix)
        for row, cell, stood in zip(sheet.numbers, cells, found, strict=True)
        for fault in _faults(outcome[cell])
    )
    return [None if isinstance(outcome[cell], CellError) else outcome[cell] for cell in cells]


def _faults(value: object) -> tuple[CellError, ...]:
    return (value, *value.others) if isinstance(value, CellError) else ()


def _duplicates(name: str, frame: pd.DataFrame, key: tuple[str, ...]) -> Iterator[Problem]:
    if not key or len(set(zip(*(frame[name] for name in key), strict=True))) == len(frame):
        return
    first: dict[tuple[str, ...], int] = {}
    repeated = frame[frame.duplicated(list(key), keep=False)]
    for row, *values in repeated[["row", *key]].itertuples(index=False):
        if None in values:
            continue
        earlier = first.setdefault(tuple(values), row)
        if earlier != row:
            value = ", ".join(values)
            message = f"{shown(value)} is already in row {earlier}."
            yield Problem(name, row, key[-1], value, message, "Keep one of the two rows.")


def _with_places(sheet: Sheet, frame: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """Fill easting and northing from latitude and longitude where only those are given."""
    grid = frame[["easting", "northing"]]
    degrees = frame[["latitude", "longitude"]]
    known, known_degrees = _all_given(grid), _all_given(degrees)
    for row, name in frame.loc[~known & ~known_degrees, ["row", "name"]].itertuples(index=False):
        message = f"{shown(name) if name else 'The school'} has no place: easting and northing are blank."
        fix = "Give easting and northing in metres (or latitude and longitude), as in the school's GIAS record."
        problems.append(Problem(sheet.name, row, "easting", "", message, fix))
    placed = frame.drop(columns=["latitude", "longitude"])
    degrees_only = (~known & known_degrees & degrees.notna().all(axis=1)).to_numpy()
    easting, northing = national_grid(
        degrees.loc[degrees_only, "latitude"].astype(float), degrees.loc[degrees_only, "longitude"].astype(float)
    )
    placed.loc[degrees_only, "easting"] = np.round(easting)
    placed.loc[degrees_only, "northing"] = np.round(northing)
    problems += _outside_england(sheet, frame[degrees_only], easting, northing)
    return placed


def _outside_england(sheet: Sheet, rows: pd.DataFrame, easting: Metres, northing: Metres) -> Iterator[Problem]:
    inside = pd.Series(easting).between(*ENGLAND_EASTING_M) & pd.Series(northing).between(*ENGLAND_NORTHING_M)
    outside = rows.loc[~inside.to_numpy(), ["row", "latitude", "longitude"]]
    for row, latitude, longitude in outside.itertuples(index=False):
        message = f"Latitude {latitude:g} and longitude {longitude:g} are no place in England."
        fix = "Check both, and that the longitude has its minus sign where it is west of Greenwich."
        yield Problem(sheet.name, row, "latitude", f"{latitude:g}", message, fix)


def _all_given(frame: pd.DataFrame) -> pd.Series:
    """By row: whether no cell is blank."""
    # None marks a cell that already has a problem of its own; nan, which is not equal to itself, marks a blank one.
    given = {name: frame[name].to_numpy() == frame[name].to_numpy() for name in frame}
    return pd.DataFrame(given, index=frame.index).all(axis=1)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"
