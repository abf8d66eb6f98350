"""What the official files have in common: words for a blank, columns that must be there, and URNs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd

from matching.errors import DataError, Problem, counted, file_problem, shown
from matching.tables.cell_values import CellError, urn
from matching.tables.sheets import Sheet
from matching.tables.text_cells import ANY_BYTES, UNDECODED
from matching.tables.vocabulary import comparable

ENCODINGS = ("utf-8-sig", "cp1252", ANY_BYTES)
"""The official files come in the second; saved again, they are in the first. An odd byte does not refuse them."""


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
    table: str, column: str, rows: Sequence[int], urns: Sequence[str], *, unique: bool = False
) -> Iterator[Problem]:
    """Yield a problem for each cell that is no URN and, if URNs must be unique, for each that an earlier row has."""
    first: dict[str, int] = {}
    for row, value in zip(rows, urns, strict=True):
        try:
            urn(value)
        except CellError as fault:
            yield fault.problem(table, row, column, value)
            continue
        if unique and first.setdefault(value, row) != row:
            message = f"{shown(value)} is already in row {first[value]}."
            yield Problem(table, row, column, value, message, "Keep one of the two rows.")


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
    """Return which rows have a URN, or a mistyped one; a notice counts the others, which can be of no school of ours.

    Raises
    ------
    DataError
        No row has one.
    """
    could_be = urns.str.contains(r"(?<![0-9A-Za-z])[0-9]{6}(?![0-9A-Za-z])", regex=True)
    if not could_be.any():
        raise DataError(urn_problems(sheet.name, column, sheet.numbers[:1], urns.iloc[:1].tolist()))
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
