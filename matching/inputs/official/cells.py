"""What the official files have in common: cells without a value, columns that must be there, and URNs."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from matching.errors import DataError, Problem, at_most, counted, file_problem, first_ten, shown
from matching.tables.cell_values import CellError, urn
from matching.tables.files import ANYWHERE, Recognise, Source, Where, read_sheet
from matching.tables.sheets import Sheet
from matching.tables.table_reader import forget_unknown
from matching.tables.text_cells import ANY_BYTES, UNDECODED
from matching.tables.vocabulary import comparable

# The official files come in the second; saved again, they are in the first. An odd byte does not refuse them.
_ENCODINGS = ("utf-8-sig", "cp1252", ANY_BYTES)

_NOT_FOUND = "#N/A"


def read_cells(
    source: Source,
    wanted: Callable[[str], bool],
    recognise: Recognise,
    where: Where = ANYWHERE,
    *,
    of_earlier_format: bool = False,
) -> Sheet:
    """Read the cells of an official file, as `read_sheet`; those of its `unknown_cells` are blank.

    Parameters
    ----------
    of_earlier_format : bool
        Whether this is a plan's copy of an earlier format, which is taken at its word: no cell is unknown.

    Raises
    ------
    DataError
    """
    sheet = read_sheet(source, encodings=_ENCODINGS, wanted=wanted, recognise=recognise, where=where)
    if of_earlier_format:
        return replace(sheet, unknown_cells=())
    columns: dict[str, Sequence[str]] = dict(zip(sheet.header, sheet.columns, strict=True))
    forget_unknown(sheet, columns, "")
    return replace(sheet, columns=tuple(map(tuple, columns.values())))


def unknown_rows(sheet: Sheet, column: str) -> frozenset[int]:
    """Return the rows whose cell in a column has a value that the file does not hold."""
    return frozenset(one.row for one in sheet.unknown_cells if one.column == column and one.row is not None)


def unknown_problems(
    sheet: Sheet,
    needed: Collection[str],
    notices: list[str],
    left_out: Collection[int] = (),
    *,
    optional: Collection[str] = (),
) -> list[Problem]:
    """Return the problems of cells whose value the file does not hold; a notice names those that are read as blank.

    Parameters
    ----------
    needed : collection of str
        The columns without which a row cannot be judged.
    left_out : collection of int
        The rows that are left out for another reason: a blank does no harm there.
    optional : collection of str
        The columns that only the #N/A of a look-up may leave blank.
    """
    problems: list[Problem] = []
    blank: dict[str, list[int]] = {}
    for one in sheet.unknown_cells:
        # The last of very many counts the others, which were not listed.
        is_needed = one.column in needed or (one.column in optional and one.value != _NOT_FOUND)
        if one.row is None or (is_needed and one.row not in left_out):
            problems.append(one)
        else:
            blank.setdefault(one.column, []).append(one.row)
    if blank:
        columns = "; ".join(
            f"{name} ({len(blank[name]):,}: {first_ten([f'row {row}' for row in sorted(blank[name])])})"
            for name in sheet.header
            if name in blank
        )
        notices.append(
            f"{sheet.name}: cells that hold an error or a formula without its value, or are covered by a merged cell, "
            f"are read as blank: {columns}."
        )
    return at_most(problems)


def check_columns(sheet: Sheet, required: Iterable[str], kind: str, fix: str) -> None:
    """Refuse a file without one of the required columns, or without a row.

    Raises
    ------
    DataError
    """
    missing = [column for column in required if column not in sheet.header]
    if missing:
        message = f"The column is missing from this {kind}."
        raise DataError(Problem(sheet.name, 1, column, "", message, fix) for column in missing)
    if not sheet.numbers and not sheet.problems:
        raise DataError([file_problem(sheet.name, "There is no row under the header.", fix)])


def urn_problems(
    sheet: Sheet, column: str, rows: Sequence[int], urns: Sequence[str], *, unique: bool = False
) -> Iterator[Problem]:
    """Yield a problem for each cell that is no URN and, if URNs must be unique, for each that an earlier row has.

    A cell whose value the file does not hold has a problem of its own.
    """
    first: dict[str, int] = {}
    unknown = unknown_rows(sheet, column)
    for row, value in zip(rows, urns, strict=True):
        if row in unknown:
            continue
        try:
            urn(value)
        except CellError as fault:
            yield fault.problem(sheet.name, row, column, value)
            continue
        if unique and first.setdefault(value, row) != row:
            message = f"{shown(value)} is already in row {first[value]}."
            yield Problem(sheet.name, row, column, value, message, "Keep one of the two rows.")


def undecoded_notices(table: str, columns: Mapping[str, pd.Series]) -> Iterator[str]:
    """Yield the notice of cells with a character that could not be read, by the name of their column."""
    cells = {name: column[column.str.contains(UNDECODED, regex=False)] for name, column in columns.items()}
    found = {name: column for name, column in cells.items() if len(column)}
    if found:
        counts = ", ".join(f"{name} ({len(column):,})" for name, column in found.items())
        count = counted(sum(map(len, found.values())), "cell holds", "cells hold")
        example = shown(next(iter(found.values())).iloc[0])
        yield f"{table}: {count} a character that cannot be read, shown as {UNDECODED}, such as {example}: {counts}."


def identified_rows(sheet: Sheet, urns: pd.Series, column: str, notices: list[str]) -> pd.Series:
    """Return which rows have a URN, a mistyped one or one that the file does not hold; a notice counts the others.

    Those can be of no school of ours.

    Raises
    ------
    DataError
        No row has one.
    """
    could_be = urns.str.contains(r"(?<![0-9A-Za-z])[0-9]{6}(?![0-9A-Za-z])", regex=True)
    could_be |= pd.Series(sheet.numbers, dtype="object").isin(unknown_rows(sheet, column))
    if not could_be.any():
        raise DataError(urn_problems(sheet, column, sheet.numbers[:1], urns.iloc[:1].tolist()))
    if not could_be.all():
        place = int((~could_be).to_numpy().argmax())
        notices.append(
            f"{sheet.name}: {counted(int((~could_be).sum()), 'row')} without a URN of six digits left out, such as row "
            f"{sheet.numbers[place]} ({column}: {shown(urns.iloc[place])})."
        )
    return could_be


def spelt_as(words: pd.Series, known: Collection[str]) -> pd.Series:
    """Return each word as it is spelt among the known ones; blank where it is not there.

    Hyphens do not count: older extracts write 'All through'.
    """
    spelling = {comparable(word.replace("-", " ")): word for word in known}
    return words.map({word: spelling.get(comparable(word.replace("-", " ")), "") for word in words.unique()})
