"""Excel workbooks: sheets to rows of cells, as text that reads as Excel shows it."""

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from matching.errors import DataError, file_problem
from matching.tables.limits import SHORTEN, ReadLimits

T = TypeVar("T")

_ROWS_AT_A_TIME = 100


def workbook_sheets(
    file: str, content: bytes, limits: ReadLimits
) -> list[tuple[str, Callable[[], Iterator[list[str]]]]]:
    """Return the title of every sheet of a workbook, in order, each with a function that yields its rows.

    Raises
    ------
    DataError
        The workbook is damaged, protected, of another kind, or too large when unpacked; the functions raise it too.
    """
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to load, and most tables are text

    with _damage_as_problem(file):
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            limits.check_bytes(file, sum(member.file_size for member in members.infolist()))
        book = without_warnings(lambda: load_workbook(io.BytesIO(content), read_only=True, data_only=True))
        if not book.worksheets:
            raise ValueError("a book without a sheet")
        return [
            (sheet.title, lambda sheet=sheet: _sheet_rows(file, sheet, limits))  # type: ignore[misc]
            for sheet in book.worksheets
        ]


def without_warnings(action: Callable[[], T]) -> T:
    """Return what `action` returns, without the library's warnings about styles and lists, which change no cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


@contextmanager
def _damage_as_problem(file: str) -> Iterator[None]:
    try:
        yield
    except (DataError, GeneratorExit):
        raise
    except Exception as error:  # a damaged book makes the library fail in any of dozens of ways
        message = "This Excel file is damaged, protected or of another kind and cannot be opened."
        raise DataError([file_problem(file, message, "Open it in Excel and save it again as .xlsx.")]) from error


def _sheet_rows(file: str, sheet: Any, limits: ReadLimits) -> Iterator[list[str]]:
    with _damage_as_problem(file):
        # A file may claim a million empty rows; only what is stored is read.
        sheet.reset_dimensions()
        stored = iter(sheet.iter_rows(values_only=True))
        cells = 0
        # A big book as a whole would fill the memory with columns that are not used.
        while rows := without_warnings(lambda: [list(map(_as_text, row)) for row in islice(stored, _ROWS_AT_A_TIME)]):
            cells += sum(map(len, rows))
            if cells > limits.cells:
                message = f"A sheet holds more than {limits.cells // 10**6} million cells."
                raise DataError([file_problem(file, message, SHORTEN)])
            yield from rows


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Excel shows 15 digits: the sum of 0.1 and 0.2 is stored with 17.
        return str(int(value)) if value.is_integer() else f"{Decimal(f'{value:.15g}'):f}"
    if isinstance(value, date):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    return str(value)
