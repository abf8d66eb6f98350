"""What one cell may hold: its text to a value, or what is wrong with it."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from matching.errors import Problem, closest, shown, which_of
from matching.tables.csv_out import FORMULA_STARTS
from matching.tables.vocabulary import (
    PLAIN_AMOUNT,
    SEPARATORS,
    Parts,
    Reword,
    as_found,
    comparable,
    comparable_letters,
    reworded_amount,
)

NONE_WORDS = frozenset(
    ("n/a", "n.a.", "n.a", "na", "#n/a", "not applicable", "null", "nan", "none", "nil", "-", "--", "---", "–", "—")
)
"""What people and programs write in a cell that has no value, in small letters."""
NOT_APPLICABLE = NONE_WORDS - {"none", "nil", "-", "--", "---", "–", "—"}
"""Those that never mean the number 0, as a dash does in a spreadsheet's accounts."""

_SIX_DIGITS = re.compile("[0-9]{6}")
# Between two days, one of which may be missing: a word or a dash, and only without one a slash. A slash within a day
# follows one or two digits alone.
_TO = re.compile(r"\s+(?:to|-|–)(?:\s+|$)|(?:(?<=/[0-9]{2})|(?<=/[0-9]{4}))[-–](?=[0-9]{1,2}/)")
_SLASH = re.compile(r"(?<=[0-9]{4})\s*/\s*|(?<=-[0-9]{2})\s*/\s*|^/\s*")


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
        raise _asked(message, (digits,), "", value)
    raise CellError(message, "A URN has six digits, such as 100000.", word=value)


def home_urn(value: str) -> str:
    """Return the URN of a person's home school; what to give for someone with several schools is in the problem."""
    urns = [word.strip() for word in re.split(r"[;,/&+\s]|\band\b", value) if word.strip()]
    if len(urns) > 1 and all(_SIX_DIGITS.fullmatch(one) for one in urns):
        fix = "Give the one that they mainly work at or start from, and list the others under conflicts."
        raise CellError(f"{shown(value)} holds {len(urns)} URNs, and a person has one home school.", fix, offers=urns)
    return urn(value)


def number(
    low: float, high: float, unit: str, decimals: int, units: Mapping[str, float] | None = None
) -> Callable[[str], float]:
    """Return a converter to a number between `low` and `high` with at most `decimals` decimals.

    `units` are those of the column, so that an amount with other words around it can be offered.
    """
    reword = reworded_amount(units or {})
    # A plain number may stand under a header in another unit.
    suffix = f" {unit}" if any(factor != 1 for factor in (units or {}).values()) else ""
    places = rf"(\.[0-9]{{1,{decimals}}}0*)?" if decimals else r"(\.0*)?"
    as_written = re.compile(rf"-?[0-9]{{1,12}}{places}")

    def convert(value: str) -> float:
        if not as_written.fullmatch(value):
            kind = "a whole number" if not decimals else f"a number with at most {decimals} decimals"
            offers = [one for one in _amounts_in(value, reword) if as_written.fullmatch(one)]
            offers = [f"{one}{suffix}" for one in dict.fromkeys(offers) if low <= float(one) <= high]
            otherwise = f"Give {unit} in digits, such as {low + 1:g}{suffix}."
            raise _asked(f"{shown(value)} is not {kind}{_why_no_amount(value)}.", offers, otherwise, value)
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


def whole(low: int, high: int, unit: str, units: Mapping[str, float] | None = None) -> Callable[[str], int]:
    """Return a converter to a whole number between `low` and `high`."""
    as_number = number(low, high, unit, 0, units)
    return lambda value: int(as_number(value))


def one_of(
    known: Sequence[str],
    what: str,
    synonyms: Mapping[str, str] | None = None,
    doubtful: Mapping[str, Sequence[str]] | None = None,
) -> Callable[[str], str]:
    """Return a converter to one of the known words; capital letters do not matter.

    `synonyms` and `doubtful` are as in `Vocabulary`: what an unknown word may mean is offered.
    """
    spelling = {word.casefold(): word for word in known}

    def meant_by(value: str) -> Sequence[str]:
        asked = [one for one in (doubtful or {}).get(comparable(value), ()) if set(one.split(";")) <= {*known}]
        other = {word: meaning for word, meaning in (synonyms or {}).items() if meaning in known}
        words = {**{word: word for word in known}, **other}
        whole_words = {word: f" {comparable_letters(word)} " for word in words if len(word) > 1}
        within = f" {comparable_letters(value)} "
        held = sorted((word for word, one in whole_words.items() if one in within), key=lambda one: (-len(one), one))
        # The longest words come first, and what they hold themselves is not offered again.
        longest = [
            word for at, word in enumerate(held) if not any(whole_words[word] in whole_words[one] for one in held[:at])
        ]
        close = closest(value, known) or closest(value, words)
        offers = asked or [words[word] for word in longest] or ([words[close]] if close else [])
        return list(dict.fromkeys(offers))[:_MOST_OFFERS]

    def convert(value: str) -> str:
        word = spelling.get(comparable(value))
        if word is None:
            message = f"{shown(value)} is not a known {what}."
            raise _asked(message, meant_by(value), f"Known are: {', '.join(known)}.", value)
        return word

    return convert


_RATE = re.compile(
    r"(?:\ba|\bper|\beach|\bevery|/)\s*(?:day|week|wk|fortnight|month|half[ -]?term|term)\b|\b(?:week|month|term)ly\b"
)
_TIME = re.compile(r"[0-9a-z]\s*(?:mins?|minutes?|h|hrs?|hours?)\b")
_NUMBER_WORDS = {"a couple of": 2, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50} | {
    word: at
    for at, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
    )
}


def _amounts_in(value: str, reword: Reword) -> list[str]:
    """Return the amounts in a text that may be meant, as plain numbers: '12' in 'up to 12 days'."""
    folded = comparable(value)
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", folded):
        return [folded.replace(",", "")]
    if not re.search(r"[a-z%+~–£-]", folded) or re.search(r"[0-9]e[0-9]|\bhalf\b", folded) or _why_no_amount(folded):
        return []
    words = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
    digits = re.sub(rf"\b(?:{words})\b", lambda word: str(_NUMBER_WORDS[word[0]]), folded)
    # Of a range both ends are offered, in the unit that follows it.
    apart = re.sub(r"([0-9.]+)\s?[-–]\s?([0-9.]+)(\s?[a-z]+\b)?", r"\1\3 \2\3", digits)
    found = re.findall(r"(?<![\w.,-])[0-9]+(?:\.[0-9]+)?(?![0-9.,])(?:\s?[a-z]+\b)?", apart)
    own = [reword(one.strip())[0][1] for one in found]
    return [one if PLAIN_AMOUNT.fullmatch(one) else one.split(" ")[0] for one in own]


def _why_no_amount(value: str) -> str:
    """Return why a text is no amount, as the end of a sentence; blank where its words do not show it."""
    folded = comparable(value)
    if _RATE.search(folded):
        return ": it is a rate, and the total is needed"
    if _TIME.search(folded):
        return ": it is a time"
    return ""


_MOST_OFFERS = 4


def _asked(message: str, offers: Sequence[str], otherwise: str, word: str) -> CellError:
    """Return a fault that offers what a word may mean; `otherwise` is the fix if nothing is offered."""
    fix = which_of(f"'{one}'" for one in offers) if offers else otherwise
    return CellError(message, fix, offers=offers, word=word)


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


_NUMERIC_DAY = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})([/.-])([0-9]{4}|[0-9]{2})")
_LETTERED_DAY = re.compile(
    r"(?:[a-z]{3,9},? )?([0-9]{1,2})(?:st|nd|rd|th)?(?: of)?[ -]([a-z]{3,9})\.?,?[ -](?:([0-9]{4})|([0-9]{2}))"
)
_YEAR_FIRST = re.compile(r"([0-9]{4})([/.-])([0-9]{1,2})\2([0-9]{1,2})(?:[ T]00:00(?::00)?)?")
_SHORT_YEAR = re.compile(
    r"(?<![0-9])[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2}(?![0-9])"
    r"|[0-9](?:st|nd|rd|th)?(?: of)?[ -][a-z]{3,9}\.?,?[ -][0-9]{2}(?![0-9])"
)
_DAY_FIX = "Write dates as 2026-01-31 or 31/01/2026."


def day(value: str) -> date:
    """Return a date written as 2026-01-31 or 31/01/2026, or with the month in letters.

    The day always comes before the month, so that no date can mean two days.
    """
    numeric, lettered = _NUMERIC_DAY.fullmatch(value), _LETTERED_DAY.fullmatch(comparable(value))
    year_first = _YEAR_FIRST.fullmatch(value)
    try:
        # '26-09-14' may begin with its year.
        if numeric and (len(numeric[5]) == 4 or "-" not in (numeric[2], numeric[4])):
            return date(_year(numeric[5]), int(numeric[3]), int(numeric[1]))
        if lettered:
            return date(_year(lettered[3] or lettered[4]), _month(lettered[2]), int(lettered[1]))
        if year_first:
            return date(int(year_first[1]), int(year_first[3]), int(year_first[4]))
        raise ValueError(value)
    except ValueError as error:
        raise _no_day(value, numeric) from error


# Two digits are a year of this century near today; others may be of the last one, or no year at all.
_SHORT_YEARS = range(19, 40)


def _year(digits: str) -> int:
    if len(digits) == 2 and int(digits) not in _SHORT_YEARS:
        raise ValueError(digits)
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _no_day(value: str, numeric: re.Match[str] | None) -> CellError:
    """Return why a cell is no date."""
    month_first = numeric and int(numeric[1]) <= 12 < int(numeric[3])
    if numeric and month_first:
        try:
            turned = date(_year(numeric[5]), int(numeric[1]), int(numeric[3])).isoformat()
        except ValueError:
            turned = ""
        message = f"{shown(value)} is not a date: the day comes before the month, and there is no month {numeric[3]}."
        return _asked(message, [turned] if turned else [], _DAY_FIX, value)
    folded = comparable(value)
    if offers := _full_years(value, folded):
        return _asked(f"{shown(value)} is not a date: its year has two digits.", offers, _DAY_FIX, value)
    without_year = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]{3,9})|[0-9]{1,2}[/.][0-9]{1,2}", folded)
    if without_year and (without_year[2] is None or _month(without_year[2])):
        return CellError(f"{shown(value)} is not a date: it lacks the year.", _DAY_FIX, word=value)
    without_day = re.fullmatch(r"([a-z]{3,9})[ -]([0-9]{4})", folded)
    if without_day and _month(without_day[1]):
        first = date(int(without_day[2]), _month(without_day[1]), 1).isoformat() if int(without_day[2]) else ""
        return _asked(f"{shown(value)} is not a date: it lacks the day.", [first] if first else [], _DAY_FIX, value)
    return CellError(f"{shown(value)} is not a date.", _DAY_FIX, word=value)


def _full_years(value: str, folded: str) -> list[str]:
    """Return the days that one with a year of two digits may be: of either century, or beginning with its year."""
    numeric, lettered = _NUMERIC_DAY.fullmatch(value), _LETTERED_DAY.fullmatch(folded)
    if numeric and len(numeric[5]) == 2:
        parts = (numeric[1], int(numeric[3]), numeric[5])
    elif lettered and lettered[4]:
        parts = (lettered[1], _month(lettered[2]), lettered[4])
    else:
        return []
    one, month, other = parts
    tried = [(2000 + int(other), int(one)), (1900 + int(other), int(one))]
    if numeric and int(one) in _SHORT_YEARS:
        tried[1:] = [(2000 + int(one), int(other))]
    found = []
    for year, on in tried:
        with suppress(ValueError):
            found.append(date(year, month, on).isoformat())
    return found


def reworded_days(convert: Callable[[str], object], *, several: bool = False) -> Reword:
    """Return what writes days with a year of two digits out in full; `several` is whether a cell may hold a list."""

    def reword(value: str) -> Parts:
        if not _SHORT_YEAR.search(value.casefold()):
            return as_found(value)
        words = SEPARATORS.split(value) if several else [value]
        return tuple((word.strip(), _written_out(convert, word.strip())) for word in words)

    return reword


def _written_out(convert: Callable[[str], object], word: str) -> str:
    try:
        return str(convert(word)) if _SHORT_YEAR.search(word.casefold()) else word
    except CellError:
        return word


# Spelt out, because the library's names depend on the machine's language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _month(word: str) -> int:
    """Return the number of a month from its English name or the usual short form; 0 if it is none."""
    names = enumerate(map(str.casefold, MONTHS), start=1)
    return 9 if word == "sept" else next((number for number, name in names if word in (name, name[:3])), 0)


@dataclass(frozen=True, order=True)
class DayRange:
    """Days from the first to the last, both included; its text is 2026-09-14/2026-09-28."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first.isoformat()}/{self.last.isoformat()}"


def day_range(value: str) -> DayRange:
    """Return a range written as 2026-09-14/2026-09-28, or as two dates with 'to' between them."""
    first, *more = (_TO if _TO.search(value) else _SLASH).split(value)
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
        raise _asked(message, (turned,), "", value)
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
