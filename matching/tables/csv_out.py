"""Tables that people open in a spreadsheet: CSV files and workbooks."""

import io
import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pandas as pd

FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
"""A spreadsheet runs a cell that begins with one of these as a formula."""


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV that Excel opens without asking: UTF-8 with a byte-order mark."""
    return b"\xef\xbb\xbf" + frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


_WIDEST_COLUMN = 60


def workbook_bytes(tables: Mapping[str, pd.DataFrame], numbers: Collection[str]) -> bytes:
    """Return tables of text as one workbook; no cell is a formula or a link, and equal tables give equal bytes.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the title of the sheet.
    numbers : collection of str
        The columns that are written as numbers.
    """
    import xlsxwriter  # noqa: PLC0415 - slow to load, and most tables leave as CSV

    packed = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(packed, options) as book:
        book.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        for title, table in tables.items():
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, list(table.columns), bold)
            for number, column in enumerate(table):
                cells = table[column].tolist()
                for row, cell in enumerate(cells, start=1):
                    if cell != "" and column in numbers:
                        sheet.write_number(row, number, float(cell))
                    else:
                        sheet.write_string(row, number, cell)
                width = max(len(str(column)), *(len(cell) for cell in cells)) if cells else len(str(column))
                sheet.set_column(number, number, min(width + 2, _WIDEST_COLUMN))
            if len(table):
                sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    return packed.getvalue()


def spreadsheet_safe(text: str) -> str:
    """Return the text, with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text[:1] in FORMULA_STARTS else text


def number_text(value: float, decimals: int = 3) -> str:
    """Return a number with at most `decimals` decimals and no needless zeros; blank where it is nan or infinite."""
    return "" if not math.isfinite(value) else f"{value:.{decimals}f}".rstrip("0").rstrip(".")
