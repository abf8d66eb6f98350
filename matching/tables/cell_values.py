"""What one cell may hold: its text to a value, or what is wrong with it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from matching.errors import Problem, closest, shown
from matching.tables.csv_out import FORMULA_STARTS
from matching.tables.vocabulary import comparable

SEPARATORS = re.compile(r"[;,\n]")
"""Between the values of a cell that holds several."""

NONE_WORDS = frozenset(
    ("n/a", "n.a.", "n.a", "na", "#n/a", "not applicable", "null", "nan", "none", "nil", "-", "--", "---", "–", "—")
)
"""What people and programs write in a cell that has no value, in small letters."""
NOT_APPLICABLE = NONE_WORDS - {"none", "nil", "-", "--", "---", "–", "—"}
"""Those that cannot stand for the number 0, which a dash does in a spreadsheet's accounts."""

_SIX_DIGITS = re.compile("[0-9]{6}")
# Between two days, one of which may be missing. A slash within a day follows one or two digits alone.
_TO = re.compile(r"(?<=[0-9]{4})\s*/\s*|(?<=-[0-9]{2})\s*/\s*|^/\s*|\s+(?:to|-|–)(?:\s+|$)")


class CellError(ValueError):
    """What is wrong with one cell and how to fix it.

    `offers` are the words that `fix` suggests, `word` is the faulty one, and `others` are more faults of the same cell.
    """

    def __init__(
        self, message: str, fix: str, others: Sequence["CellError"] = (), *, offers: Sequence[str] = (), word: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.fix, self.others = message, fix, tuple(others)
        self.offers, self.word = tuple(offers), word

    def problem(self, table: str, row: int, column: str, value: str) -> Problem:
        """Return the fault as a problem of a cell; `value` is the cell as it is in the file."""
        return Problem(table, row, column, value, self.message, self.fix, offers=self.offers, word=self.word)


def text(value: str) -> str:
    """Return any text on one line."""
    if not value.isprintable():
        raise CellError(f"{shown(value)} holds a line break or a control character.", "Type it again on one line.")
    return value


def free_text(value: str) -> str:
    """Return any text, with its line breaks."""
    if not value.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        raise CellError(f"{shown(value)} holds a control character.", "Type it again.")
    return value


def identifier(value: str) -> str:
    """Return a short text that a spreadsheet would not run as a formula."""
    if value[0] in FORMULA_STARTS or len(value) > 64:
        fix = "Use up to 64 letters, digits, spaces and marks, and begin with a letter or a digit."
        raise CellError(f"{shown(value)} cannot be used as an identifier.", fix)
    return text(value)


def urn(value: str) -> str:
    """Return a school's unique reference number: six digits, kept as text."""
    if _SIX_DIGITS.fullmatch(value):
        return value
    digits = value.split(".", maxsplit=1)[0].strip()
    message = f"{shown(value)} is not a URN."
    if _SIX_DIGITS.fullmatch(digits):
        raise CellError(message, f"Did you mean '{digits}'?", offers=(digits,), word=value)
    raise CellError(message, "A URN has six digits, such as 100000.", word=value)


def home_urn(value: str) -> str:
    """Return the URN of a person's home school; what to give for someone with several schools is in the problem."""
    urns = [word.strip() for word in re.split(r"[;,/&+\s]|\band\b", value) if word.strip()]
    if len(urns) > 1 and all(_SIX_DIGITS.fullmatch(one) for one in urns):
        fix = "Give the one that they mainly work at or start from, and list the others under conflicts."
        raise CellError(f"{shown(value)} holds {len(urns)} URNs, and a person has one home school.", fix, offers=urns)
    return urn(value)


def number(low: float, high: float, unit: str, decimals: int) -> Callable[[str], float]:
    """Return a converter to a number between `low` and `high` with at most `decimals` decimals."""
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


def percentage(decimals: int) -> Callable[[str], float]:
    """Return a converter to a number from 0 to 100, which a per cent sign may follow."""
    as_number = number(0, 100, "a percentage", decimals)
    return lambda value: as_number(value.removesuffix("%").rstrip())


def whole(low: int, high: int, unit: str) -> Callable[[str], int]:
    """Return a converter to a whole number between `low` and `high`."""
    as_number = number(low, high, unit, 0)
    return lambda value: int(as_number(value))


def one_of(known: Sequence[str], what: str) -> Callable[[str], str]:
    """Return a converter to one of the known words; capital letters do not matter."""
    spelling = {word.casefold(): word for word in known}

    def convert(value: str) -> str:
        word = spelling.get(comparable(value))
        if word is None:
            close = closest(value, known)
            fix = f"Did you mean '{close}'?" if close else f"Known are: {', '.join(known)}."
            offers = (close,) if close else ()
            raise CellError(f"{shown(value)} is not a known {what}.", fix, offers=offers, word=value)
        return word

    return convert


def many(convert: Callable[[str], object]) -> Callable[[str], tuple[object, ...]]:
    """Return a converter to several values separated by ';', ',' or line breaks, sorted and without repeats."""

    def convert_all(value: str) -> tuple[object, ...]:
        converted, faults = set(), []
        for word in dict.fromkeys(word.strip() for word in SEPARATORS.split(value)):
            try:
                converted |= {convert(word)} if word else set()
            except CellError as fault:
                faults.append(fault)
        if not faults:
            return tuple(sorted(converted, key=str))
        first = faults[0]
        raise CellError(first.message, first.fix, faults[1:], offers=first.offers, word=first.word)

    return convert_all


def day(value: str) -> date:
    """Return a date written as 2026-01-31 or 31/01/2026, or with the month in letters.

    The day always comes before the month, so that no date can mean two days.
    """
    british = re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", value)
    lettered = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})[ -]([0-9]{4})", value.casefold())
    try:
        if british:
            return date(int(british[3]), int(british[2]), int(british[1]))
        if lettered:
            return date(int(lettered[3]), _month(lettered[2]), int(lettered[1]))
        # fromisoformat alone would also accept 20260131 and the weeks of a year.
        iso = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00)?)?", value)
        if iso:
            return date.fromisoformat(iso[1])
        raise ValueError(value)
    except ValueError as error:
        raise CellError(f"{shown(value)} is not a date.", "Write dates as 2026-01-31 or 31/01/2026.") from error


# Spelt out, because the library's names depend on the machine's language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _month(word: str) -> int:
    """Return the number of a month from its English name or the first three letters of it; 0 if it is none."""
    names = enumerate(map(str.casefold, MONTHS), start=1)
    return next((number for number, name in names if word in (name, name[:3])), 0)


@dataclass(frozen=True, order=True)
class DayRange:
    """Days from the first to the last, both included; its text is 2026-09-14/2026-09-28."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first.isoformat()}/{self.last.isoformat()}"


def day_range(value: str) -> DayRange:
    """Return a range written as 2026-09-14/2026-09-28, or as two dates with 'to' between them."""
    first, *more = _TO.split(value)
    fix = "Write the first and the last day, such as 2026-09-14/2026-09-28."
    if len(more) > 1 or not any(character.isdigit() for character in value):
        raise CellError(f"{shown(value)} is not a range of days.", fix, word=value)
    if not more or not (first and more[0]):
        missing = "its last day" if first else "its first day"
        raise CellError(f"{shown(value)} lacks {missing}.", f"{fix}{_for_one_day(first or more[0])}", word=value)
    found = DayRange(day(first), day(more[0]))
    if found.first > found.last:
        turned = str(DayRange(found.last, found.first))
        message = f"{shown(value)} ends before it begins."
        raise CellError(message, f"Did you mean '{turned}'?", offers=(turned,), word=value)
    return found


def _for_one_day(value: str) -> str:
    try:
        return f" For one day, write it twice: {DayRange(day(value), day(value))}."
    except CellError:
        return ""


def iso_day(value: str) -> str:
    """Return a date as the text 2026-01-31."""
    return day(value).isoformat()


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


# ---- whole columns ---------------------------------------------------------------------------------------------------
# Fast parsers of columns in which nearly every cell is different: the values of the cells if all of them are plainly
# sound, and otherwise None. The cells are then converted one by one, which finds what is wrong with a cell.

Cells = Sequence[str]
ColumnParser = Callable[[Cells], Sequence[object] | None]


def no_parser(_: Cells) -> None:
    """Return None: every cell is converted by itself."""


def parse_texts(cells: Cells) -> Cells | None:
    """Return the cells if each is text on one line."""
    return cells if "".join(cells).isprintable() else None


def parse_identifiers(cells: Cells) -> Cells | None:
    """Return the cells if each is a short text that begins with a letter or a digit."""
    plain = all(cells) and max(map(len, cells), default=0) <= 64 and "".join([cell[0] for cell in cells]).isalnum()
    return parse_texts(cells) if plain else None


def parse_urns(cells: Cells) -> Cells | None:
    """Return the cells if each has six digits."""
    return cells if _are_digits(cells) and set(map(len, cells)) == {6} else None


def whole_number_parser(low: float, high: float) -> ColumnParser:
    """Return a parser of numbers between `low` and `high` that are written in digits alone."""

    def parse(cells: Cells) -> Sequence[float] | None:
        # A float does not hold every number of more digits.
        if not _are_digits(cells) or max(map(len, cells)) > 12:
            return None
        values = list(map(float, cells))
        return values if low <= min(values) and max(values) <= high else None

    return parse


def _are_digits(cells: Cells) -> bool:
    text = "".join(cells)
    return all(cells) and text.isascii() and text.isdigit()
