"""What the official files have in common: words for a blank, columns that must be there, and URNs."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import pandas as pd

from matching.errors import DataError, Problem, file_problem, shown
from matching.tables.cell_values import CellError, urn
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import comparable

ENCODINGS = ("utf-8-sig", "cp1252")
"""The official files come in the second; saved again, they are in the first."""


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


def spelt_as(words: pd.Series, known: Collection[str]) -> pd.Series:
    """Return each word as it is spelt among the known ones; blank where it is not there.

    Hyphens do not count: older extracts write 'All through'.
    """
    spelling = {comparable(word.replace("-", " ")): word for word in known}
    return words.map({word: spelling.get(comparable(word.replace("-", " ")), "") for word in words.unique()})
