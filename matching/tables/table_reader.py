"""Convert the cells of a sheet to the values of one of our tables, and report every fault by row.

Each table is judged by itself here; `inputs` checks the tables against each other.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from matching.errors import (
    LEAVE_OUT,
    DataError,
    Problem,
    at_most,
    closest,
    counted,
    file_problem,
    first_ten,
    joined,
    shown,
)
from matching.tables.cell_values import NONE_WORDS, CellError
from matching.tables.contacts import CONTACTS, UNREAD
from matching.tables.csv_out import number_text
from matching.tables.formats import INSPECTION_COLUMNS, Column, TableFormat, other_table
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M, Metres, national_grid
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import Vocabulary, comparable, other_unit_in, unit_in, with_unit

Value = TypeVar("Value")

_NONE_WORDS_BEGIN = frozenset("0" + "".join(word[0] + word[0].upper() for word in NONE_WORDS))
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-[0-9]{1,2}")
_NEVER_EMPTY = ("schools", "supporters", "needs")
# Rows of the other tables are never left out: a decision protects a person, and a baseline is a whole plan.
_ROWS_MAY_GO = ("schools", "supporters", "needs", "accreditation")


class UnusedColumns(str):
    """The notice of columns that are not used, for a screen that shows those columns in its own way."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes
    ----------
    frame : DataFrame
        One row a record, in file order: `row` (number in the spreadsheet) and the format's columns. A cell that
        could not be read is None.
    misfit_cells : frozenset of str
        The cells of rows that do not fit under the header, in no known column.
    """

    name: str
    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    misfit_cells: frozenset[str] = frozenset()


def read_table(
    sheet: Sheet,
    form: TableFormat,
    vocabulary: Vocabulary,
    mapping: Mapping[str, str] | None = None,
    *,
    columns: Collection[str] | None = None,
    may_be_empty: bool = False,
) -> Table:
    """Convert a sheet's cells to the format's values.

    Parameters
    ----------
    vocabulary : Vocabulary
        Used to recognise the table that a wrong file holds.
    mapping : mapping of str to str, optional
        Names of the file's columns to the format's, where they differ.
    columns : collection of str, optional
        The columns that are read; all unless given. Others count as unknown.
    may_be_empty : bool
        Whether a table of schools, supporters or needs without a row is read too.

    Raises
    ------
    DataError
        The header lacks a required column, so that no row can be read, or there is no row.
    """
    header_of = {column: name for name, column in form.columns_in(sheet.header, mapping).items()}
    sheet, notices = _renamed(sheet, form, mapping or {})
    sheet = replace(sheet, unknown_cells=() if columns is not None else tuple(_lost_values(sheet, form)))
    _check_columns(sheet, form, vocabulary, may_be_empty)
    read = set(form.column_names if columns is None else columns)
    problems = [*sheet.problems, *at_most(one for one in sheet.unknown_cells if one.column in read)]
    cells = {name: found for name, found in zip(sheet.header, sheet.columns, strict=True) if name in read}
    blanks: dict[str, Counter[str]] = {}
    values: dict[str, Sequence[object]] = {"row": sheet.numbers}
    for column in form.columns:
        found: Sequence[str] | None = cells.get(column.name)
        if found is None:
            values[column.name] = [column.blank] * len(sheet.numbers)
            continue
        given = found
        # Copies of earlier formats are not questioned.
        if columns is None:
            given = _without_none_words(column, given, blanks)
            if word := other_unit_in(header_of.get(column.name, ""), column.units):
                problems.append(_in_other_units(sheet.name, header_of[column.name], word, column))
            if unit := unit_in(header_of.get(column.name, ""), column.units):
                given = with_unit(given, unit)
                notices.append(f"{sheet.name}, {column.name}: {shown(header_of[column.name])} gives numbers in {unit}.")
        values[column.name] = _converted(
            sheet, column, _plain_words(sheet.name, column, given, notices), found, problems
        )
    forget_unknown(sheet, values, None)
    frame = pd.DataFrame(values, dtype="object")
    problems += at_most(_duplicates(sheet.name, frame, form.key))
    if form.name == "schools":
        frame = _with_places(sheet, frame, problems)
        notices += _fractions(sheet.name, frame["fsm_percent"])
    for key in form.key if form.name in ("supporters", "needs") else ():
        notices += _dates_as_identifiers(sheet, key)
    notices += _cleaned(sheet, read)
    if blanks:
        notices.append(_none_words_notice(sheet.name, blanks))
    if form.name != "baseline":
        notices += _unused(sheet, read)
    if form.name in _ROWS_MAY_GO:
        # No person and no need is left out because of how to reach them or who pays.
        stays = UNREAD.get(form.name, ())
        problems = [
            replace(one, severity=LEAVE_OUT) if one.row is not None and one.column not in stays else one
            for one in problems
        ]
    return Table(sheet.name, frame, tuple(problems), tuple(notices), sheet.misfit_cells)


def _renamed(sheet: Sheet, form: TableFormat, mapping: Mapping[str, str]) -> tuple[Sheet, list[str]]:
    """Return the sheet under our column names, and the notices of the change."""
    used = form.columns_in(sheet.header, mapping)
    notices = list(sheet.notices)
    chosen = {name: column for name, column in used.items() if name in mapping and name != column}
    twice = sorted(column for column, count in Counter(used.values()).items() if count > 1)
    if twice:
        raise DataError(_named_twice(sheet.name, column, used, chosen) for column in twice)
    if chosen:
        pairs = ", ".join(f"{shown(name)} as {column}" for name, column in chosen.items())
        notices.append(f"{sheet.name}: columns read under the names that you gave: {pairs}.")
    missing = [name for name in mapping if name not in sheet.header]
    if missing:
        notices.append(f"{sheet.name}: these columns of the columns file are not in the table: {_shown_all(missing)}.")
    return replace(
        sheet,
        header=tuple(used.get(name, name) for name in sheet.header),
        unknown_cells=tuple(replace(one, column=used.get(one.column, one.column)) for one in sheet.unknown_cells),
        cleaned={used.get(name, name): rows for name, rows in sheet.cleaned.items()},
    ), notices


def _named_twice(name: str, column: str, used: Mapping[str, str], chosen: Mapping[str, str]) -> Problem:
    """Return the problem of a column that two headers mean."""
    headers = [header for header, one in used.items() if one == column]
    given = next((header for header in headers if header in chosen), None)
    if given is not None:
        fix = "Take that line out of the columns file, or rename one of the two columns."
        message = "The columns file gives this name to another column, and the table has a column of this name already."
        return Problem(name, None, given, given, message, fix)
    fix = "Keep one of them, or give the other another name."
    return Problem(name, None, column, "", f"{joined(map(shown, headers))} are the same column.", fix)


def _plain_words(name: str, column: Column, cells: Sequence[str], notices: list[str]) -> Sequence[str]:
    """Return the cells in the forms that the column accepts, and add a notice of every word that was read as another.

    The notice does not depend on the order of the rows.
    """
    counts = Counter(cells)
    plain = {cell: cell for cell in counts}
    rows: Counter[tuple[str, str]] = Counter()
    spellings: dict[tuple[str, str], set[str]] = {}
    for cell, count in counts.items():
        parts = column.reword(cell)
        changed = {one for one in parts if one[0] != one[1]}
        if changed:
            plain[cell] = ";".join(own for _, own in parts)
            for word, own in changed:
                spellings.setdefault((comparable(word), own), set()).add(word)
            rows.update({(comparable(word), own): count for word, own in changed})
    if not rows:
        return cells
    read = [
        f"{shown(min(spellings[pair]))} read as '{pair[1]}' in {counted(count, 'row')}"
        for pair, count in sorted(rows.items())
    ]
    notices.append(f"{name}, {column.name}: {'; '.join(read)}.")
    return [plain[cell] for cell in cells]


def _in_other_units(name: str, header: str, word: str, column: Column) -> Problem:
    own = next(iter(column.units))
    message = f"This column seems to be in {shown(word)}, and {column.name} is in {own}."
    fix = f"Convert the numbers and rename the column, or say that it is not used: {shown(header)}."
    return Problem(name, None, header, header, message, fix)


def _lost_values(sheet: Sheet, form: TableFormat) -> Iterator[Problem]:
    """Yield the cells whose value is not in the file; the #N/A of a look-up is a blank where a blank is allowed."""
    words = {one.name: one.none_words for one in form.columns if not one.must_be_filled}
    for cell in sheet.unknown_cells:
        if comparable(cell.value) not in words.get(cell.column, ()):
            yield cell


def _without_none_words(column: Column, cells: Sequence[str], blanks: dict[str, Counter[str]]) -> Sequence[str]:
    """Return the cells, blank where they hold a word for no value; count those words where a cell may be blank."""
    words = {cell for cell in set(cells) if cell[:1] in _NONE_WORDS_BEGIN and comparable(cell) in column.none_words}
    if not words:
        return cells
    if not column.must_be_filled:
        blanks[column.name] = Counter(cell for cell in cells if cell in words)
    return ["" if cell in words else cell for cell in cells]


def _none_words_notice(name: str, blanks: Mapping[str, Counter[str]]) -> str:
    columns = [
        f"{column} ({words.total():,}: {', '.join(map(shown, sorted(words)[:5]))})" for column, words in blanks.items()
    ]
    return f"{name}: cells that hold a word for no value are read as blank: {', '.join(columns)}."


def _shown_all(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names))


def schools_as_text(schools: pd.DataFrame) -> pd.DataFrame:
    """Return a schools table as it is written: all text, with inspections and contacts only where there are any."""
    maybe = (*INSPECTION_COLUMNS, *CONTACTS["schools"])
    empty = {name for name in maybe if name in schools and (schools[name] == "").all()}
    columns = [name for name in schools.columns if name not in {"row", *empty}]
    numeric = ("easting", "northing", "pupils", "fsm_percent")
    written = {name: [number_text(float(one)) for one in schools[name]] for name in numeric}
    return schools[columns].assign(**written)


def _check_columns(sheet: Sheet, form: TableFormat, vocabulary: Vocabulary, may_be_empty: bool) -> None:
    missing = form.missing_from(sheet.header)
    if missing:
        raise DataError(_missing_columns(sheet, form, missing, vocabulary))
    if not (sheet.numbers or sheet.problems or may_be_empty) and form.name in _NEVER_EMPTY:
        message, fix = "There is no row under the header.", f"Add one row for each of the {form.name}."
        raise DataError([file_problem(sheet.name, message, fix)])


def _unused(sheet: Sheet, used: Collection[str]) -> Iterator[str]:
    """Yield the notices of what the run does not use."""
    unknown = [name for name in sheet.header if name and name not in used]
    if unknown:
        yield UnusedColumns(f"{sheet.name}: columns that are not used: {_shown_all(unknown)}.")
    nameless = [cells for name, cells in zip(sheet.header, sheet.columns, strict=True) if not name]
    if not nameless:
        return
    filled = [number for number, *cells in zip(sheet.numbers, *nameless, strict=True) if any(cells)]
    if filled:
        rows = counted(len(filled), "row")
        yield f"{sheet.name}: cells in a column without a name are not used ({rows}, the first is row {filled[0]})."


def _missing_columns(
    sheet: Sheet, form: TableFormat, missing: Sequence[str], vocabulary: Vocabulary
) -> Iterator[Problem]:
    if other := other_table(sheet.header, form, vocabulary):
        message = f"This looks like the {other} table, and the {form.name} table was expected here."
        yield file_problem(sheet.name, message, f"Give this file as {other} instead.")
        return
    unknown = [column for column in sheet.header if column and column not in form.column_names]
    for name in missing:
        fix = f"Add it; the {form.name} template shows every column."
        if close := closest(name, unknown):
            fix = f"Is it the column '{close}'? Then rename that to '{name}'."
        yield Problem(sheet.name, 1, name, "", f"The column '{name}' is missing.", fix)


def _converted(
    sheet: Sheet, column: Column, cells: Sequence[str], found: Sequence[str], problems: list[Problem]
) -> list[object]:
    """Return the values of the cells; `found` are the cells as they are in the file, for the problems."""
    sound = True
    if (all(cells) or not column.must_be_filled) and (values := column.parse_column(cells)) is not None:
        return list(values)
    outcome: dict[str, object] = {}
    for cell in dict.fromkeys(cells):
        try:
            # A list that holds only separators counts as a blank cell.
            value = column.convert(cell) if cell else column.blank
            if column.must_be_filled and value in ("", ()):
                raise CellError("The cell is blank.", f"Fill it in: {column.meaning}.")
            outcome[cell] = value
        except CellError as fault:
            outcome[cell], sound = fault, False
    if sound:
        return [outcome[cell] for cell in cells]
    # A cell whose value is not in the file has a problem already.
    unknown = {one.row for one in sheet.unknown_cells if one.column == column.name}
    problems += at_most(
        _with_none_word(fault, cell, as_found).problem(sheet.name, row, column.name, as_found)
        for row, cell, as_found in zip(sheet.numbers, cells, found, strict=True)
        if row not in unknown
        for fault in _faults(outcome[cell])
    )
    return [None if isinstance(outcome[cell], CellError) else outcome[cell] for cell in cells]


def _with_none_word(fault: CellError, cell: str, as_found: str) -> CellError:
    """Return a fault; that of a blank cell names the word for no value that it holds."""
    return CellError(f"{shown(as_found)} means no value.", fault.fix) if as_found and not cell else fault


def _faults(value: object) -> tuple[CellError, ...]:
    return (value, *value.others) if isinstance(value, CellError) else ()


def forget_unknown(sheet: Sheet, values: dict[str, Sequence[Value]], unknown: Value) -> None:
    """Put `unknown` in the place of the values that the file does not hold: blank there is not blank."""
    index = {row: nth for nth, row in enumerate(sheet.numbers)} if sheet.unknown_cells else {}
    changed: dict[str, list[Value]] = {}
    for one in sheet.unknown_cells:
        if one.column in values and one.row in index:
            changed.setdefault(one.column, list(values[one.column]))[index[one.row]] = unknown
    values.update(changed)


def _cleaned(sheet: Sheet, read: Collection[str]) -> Iterator[str]:
    """Yield the notices of identifiers and names that had characters that no one sees."""
    for column, rows in sheet.cleaned.items():
        if column in read and column.split("_")[-1] in ("id", "urn", "name", "conflicts"):
            listed = first_ten([f"row {row}" for row in rows])
            yield (
                f"{sheet.name}, {column}: invisible characters were left out, and no-break spaces are read as spaces "
                f"({counted(len(rows), 'cell')}: {listed})."
            )


def _fractions(name: str, percentages: pd.Series) -> Iterator[str]:
    """Yield a notice if percentages are all so low that they may be shares of 1."""
    given = percentages.dropna().astype(float)
    if len(given) > 1 and given.max() <= 1 and (given % 1 > 0).any():
        most = given.max()
        yield f"{name}, fsm_percent: every value is 1 or less; {most:g} is read as {most:g}%, not as {100 * most:g}%."


def _dates_as_identifiers(sheet: Sheet, column: str) -> Iterator[str]:
    found = [
        f"row {row} ({shown(cell)})"
        for row, cell in zip(sheet.numbers, sheet.columns[sheet.header.index(column)], strict=True)
        if _DATE.fullmatch(cell)
    ]
    if found:
        yield (
            f"{sheet.name}, {column}: a spreadsheet makes a date of an identifier such as 1-2. "
            f"These look like dates: {first_ten(found)}."
        )


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
    """Return the schools with easting and northing, computed from latitude and longitude where only those are given."""
    grid = frame[["easting", "northing"]]
    degrees = frame[["latitude", "longitude"]]
    known, known_degrees = _all_given(grid), _all_given(degrees)
    for row, name in frame.loc[~known & ~known_degrees, ["row", "name"]].itertuples(index=False):
        message = f"{shown(name) if name else 'The school'} has no location: easting and northing are blank."
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
        message = f"Latitude {latitude:g} and longitude {longitude:g} are not in England."
        fix = "Check both, and that the longitude has its minus sign where it is west of Greenwich."
        yield Problem(sheet.name, row, "latitude", f"{latitude:g}", message, fix)


def _all_given(frame: pd.DataFrame) -> pd.Series:
    """Return by row whether no cell is blank."""
    # Only nan, a blank cell, is not equal to itself; None is a cell that has a problem already.
    given = {name: frame[name].to_numpy() == frame[name].to_numpy() for name in frame}
    return pd.DataFrame(given, index=frame.index).all(axis=1)
