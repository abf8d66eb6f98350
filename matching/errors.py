"""Problems in the input: where each one is, what was found, what was expected and what to do.

Every package raises `DataError`; the command line and the screens show it.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

STOP, LEAVE_OUT = "stop", "leave out"


class RowLabel(int):
    """A row of a DataFrame: its position, which is written as its label in the index."""

    label: object

    def __new__(cls, position: int, label: object) -> "RowLabel":
        """Return the row at a position, from 0."""
        row = super().__new__(cls, position)
        row.label = label
        return row

    def __str__(self) -> str:
        """Return the label."""
        return str(self.label)


@dataclass(frozen=True)
class Problem:
    """One fault in one cell, row, table or file.

    Attributes
    ----------
    table : str
        Name of the file as the user knows it.
    row : int or None
        Row as a spreadsheet numbers it (the header is row 1), or the `RowLabel` of a DataFrame; None where the whole
        file is at fault.
    column : str
        Column name; empty where the whole row or file is at fault.
    value : str
        What was found.
    message : str
        What is wrong with it, as a sentence.
    fix : str
        What to do, as a sentence.
    severity : str
        `stop`: the run stops. `leave out`: it stops too, unless the user asks for the row to be left out.
    offers : tuple of str
        The values that `fix` suggests, for a screen that enters one of them at a click.
    word : str
        The faulty word of a cell that holds several; empty where the whole cell is at fault.
    """

    table: str
    row: int | None
    column: str
    value: str
    message: str
    fix: str
    severity: str = STOP
    offers: tuple[str, ...] = ()
    word: str = ""

    def __str__(self) -> str:
        """Return where it is, what is wrong and what to do, on one line."""
        where = self.table + (f" row {self.row}" if self.row is not None else "")
        # A policy key or a survey question may be a page long.
        column = self.column if len(self.column) <= 200 else self.column[:199] + "…"
        if column:
            where += f", {column}" if self.row is not None else f", column {column}"
        return f"{where}: {self.message} {self.fix}".strip()

    @property
    def place(self) -> tuple[str, int, str, str, str, str]:
        """Sort key: table, row and column, then the other texts, so that the order in does not matter."""
        return (self.table, self.row or 0, self.column, self.message, self.value, self.fix)


def file_problem(table: str, message: str, fix: str) -> Problem:
    """Return a problem of a whole file or table."""
    return Problem(table, None, "", "", message, fix)


class DataError(Exception):
    """The input cannot be used.

    Attributes
    ----------
    problems : tuple of Problem
        Every fault found, in order of table and row.
    notices : tuple of str
        What was read successfully but is worth knowing while the faults are corrected.
    """

    def __init__(self, problems: Iterable[Problem], notices: Iterable[str] = ()) -> None:
        self.notices = tuple(notices)
        self.problems = tuple(sorted(set(problems), key=lambda problem: problem.place))
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def table(self) -> "pd.DataFrame":
        """The problems as a DataFrame: table, row, column, value, message and fix."""
        import pandas as pd  # noqa: PLC0415 - slow to load, and the command line shows problems without it

        rows = [
            (one.table, getattr(one.row, "label", one.row), one.column, one.value, one.message, one.fix)
            for one in self.problems
        ]
        return pd.DataFrame(rows, columns=["table", "row", "column", "value", "message", "fix"], dtype="object")


MOST_PROBLEMS = 10_000
"""Listed of one kind in one table. A file with more is the wrong file, and listing them all would fill the memory."""


def at_most(problems: Iterable[Problem], most: int = MOST_PROBLEMS) -> list[Problem]:
    """Return the problems; where there are more than `most`, the first ones and a last one that counts the others."""
    remaining = iter(problems)
    first = list(islice(remaining, most))
    more = sum(1 for _ in remaining)
    if more:
        message = f"There are {more:,} more problems of this kind."
        fix = "This may be the wrong file; first correct what they have in common."
        first.append(Problem(first[0].table, None, first[0].column, "", message, fix))
    return first


def shown(value: str, longest: int = 60) -> str:
    """Return `value` in quotation marks, with control characters made visible and long text cut."""
    text = value if len(value) <= longest else value[: longest - 1] + "…"
    return "'" + "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text) + "'"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number and its noun: '1 row', '2 rows'."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def joined(phrases: Iterable[str], word: str = "and") -> str:
    """Return the phrases as one list: 'a, b and c'."""
    *most, last = phrases
    return f"{', '.join(most)} {word} {last}" if most else last


def listed(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """Return the first words as one list, and how many more there are: 'a, b and 3 more'."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return separator.join(words[:most]) + more


def first_ten(words: list[str]) -> str:
    """Return the first ten words, separated by commas, and an ellipsis where there are more."""
    return ", ".join(words[:10]) + (", …" if len(words) > 10 else "")


def closest(value: str, known: Iterable[str]) -> str:
    """Return the known word that is spelt most like `value`, or nothing where none is close."""
    by_key = {_look_alike_key(word): word for word in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_look_alike_key(value), list(by_key), n=1, cutoff=0.7)
    return by_key[close[0]] if close else ""


def did_you_mean(value: str, known: Iterable[str], otherwise: str) -> str:
    """Return the fix for an unknown word: the closest known one, or `otherwise` where none is close."""
    word = closest(value, known)
    return which_of([f"'{word}'"]) if word else otherwise


def which_of(offers: Iterable[str]) -> str:
    """Return the fix that asks which of these is meant."""
    return f"Did you mean {joined(offers, 'or')}?"


def _look_alike_key(word: str) -> str:
    """Return a word without the differences that typing errors make: capitals, and O, I or L for 0 or 1."""
    return word.casefold().translate(_LOOK_ALIKES)


_LOOK_ALIKES = str.maketrans("oil", "011")
