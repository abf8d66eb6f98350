"""Numbers of a workbook as Excel shows them: dates, percentages, leading zeros."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from zipfile import ZipFile

from matching.tables.workbooks.parts import parse

AsText = Callable[[str], str]
_BUILT_IN = {
    9: "0%",
    10: "0.00%",
    46: "[h]:mm:ss",
    **dict.fromkeys([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)], "yyyy-mm-dd"),
}
# Of a number format: what is shown as it is, and conditions and colours.
_LITERAL = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!h+\]|m+\]|s+\])[^]]*\]', re.IGNORECASE)
_PADDED = re.compile(r'((?:"[^"]*"|\\.)*)(00+)')
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_DAY_S = 86_400


@dataclass(frozen=True)
class Styles:
    """By number of a style: how its numbers are shown, and whether the cell is struck through."""

    as_text: tuple[AsText, ...] = ()
    struck: frozenset[int] = frozenset()

    def shown(self, style: int, value: str) -> str:
        """Return a number as a cell of a style shows it."""
        return self.as_text[style](value) if style < len(self.as_text) else plain(value)


def read_styles(book: ZipFile, part: str, from_1904: bool) -> Styles:
    """Read the styles of a workbook; a book without them has none."""
    if part not in book.namelist():
        return Styles()
    formats = dict(_BUILT_IN)
    fonts: list[bool] = []
    cells: list[tuple[int, int]] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        above = inside[-1] if inside else ""
        inside.append(name)
        if name == "numFmt":
            formats[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "font" and above == "fonts":
            fonts.append(False)
        elif name == "strike" and above == "font" and inside[-3] == "fonts":
            fonts[-1] = is_on(attributes)
        elif name == "xf" and above == "cellXfs":
            cells.append((int(attributes.get("numFmtId", 0)), int(attributes.get("fontId", 0))))

    def end(_: str) -> None:
        inside.pop()

    parse(book, part, start, end, lambda text: None)
    as_text = tuple(_shown_as(formats.get(number, ""), from_1904) for number, _ in cells)
    struck = {place for place, (_, font) in enumerate(cells) if font < len(fonts) and fonts[font]}
    return Styles(as_text, frozenset(struck))


def is_on(attributes: dict[str, str]) -> bool:
    """Return whether an element such as <strike/> holds."""
    return attributes.get("val", "1") not in ("0", "false")


def plain(value: str) -> str:
    """Return a number in digits."""
    if value.isdigit() and (len(value) == 1 or (value[0] != "0" and len(value) < 16)):
        return value
    return _digits(_number(value))


def _number(value: str) -> float:
    found = float(value)
    if not isfinite(found):
        raise ValueError(value)
    return found


def _digits(number: float) -> str:
    # Excel shows 15 digits: the sum of 0.1 and 0.2 is stored with 17.
    return str(int(number)) if number.is_integer() else f"{Decimal(f'{number:.15g}'):f}"


def _shown_as(code: str, from_1904: bool) -> AsText:
    section = code.split(";", maxsplit=1)[0]
    bare = _LITERAL.sub("", section)
    if "%" in bare:
        # Three decimals are kept even where fewer are shown.
        decimals = max(3, len(bare.partition(".")[2].rstrip("% ")))
        return lambda value: f"{_digits(round(100 * _number(value), decimals))}%"
    if _ELAPSED.search(bare):
        return _elapsed
    if re.search("[dmyhs]", bare.casefold()):
        return lambda value: _moment(value, from_1904)
    if padded := _PADDED.fullmatch(section):
        prefix = re.sub(r'"|\\', "", padded[1])
        return lambda value: prefix + plain(value).zfill(len(padded[2]))
    return plain


def _moment(value: str, from_1904: bool) -> str:
    number = _number(value)
    seconds = round(number % 1 * _DAY_S)
    if 0 <= number < 1 and seconds < _DAY_S:
        return (datetime.min + timedelta(seconds=seconds)).time().isoformat()
    # Excel has a 29 February 1900 that never was.
    first = date(1904, 1, 1) if from_1904 else date(1899, 12, 31 if number < 60 else 30)
    try:
        return (first + timedelta(number // 1 + seconds // _DAY_S)).isoformat() if number > 0 else plain(value)
    except OverflowError:
        return plain(value)


def _elapsed(value: str) -> str:
    minutes, seconds = divmod(round(_number(value) * _DAY_S), 60)
    return f"{minutes // 60}:{time(0, minutes % 60, seconds):%M:%S}"
