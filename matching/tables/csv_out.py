"""CSV files that people open in a spreadsheet."""

import math

import pandas as pd

FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
"""A spreadsheet runs a cell that begins with one of these as a formula."""


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV that Excel opens without asking: UTF-8 with a byte-order mark."""
    return b"\xef\xbb\xbf" + frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def spreadsheet_safe(text: str) -> str:
    """Return the text, with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text[:1] in FORMULA_STARTS else text


def number_text(value: float, decimals: int = 3) -> str:
    """Return a number with at most `decimals` decimals and no needless zeros; blank where it is nan or infinite."""
    return "" if not math.isfinite(value) else f"{value:.{decimals}f}".rstrip("0").rstrip(".")
