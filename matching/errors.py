"""What is wrong with an input, said so that a person can put it right.

Every other room raises `DataError`; the screens and the command line only show it.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

STOP, LEAVE_OUT = "stop", "leave out"


@dataclass(frozen=True)
class Problem:
    """One fault in one cell, row, table or file.

    Attributes
    ----------
    table : str
        Name of the file as the user knows it.
    row : int or None
        Row as a spreadsheet numbers it (the header is row 1); None where the fault is the whole file's.
    column : str
        Column name; empty where the fault is the whole row's or file's.
    value : str
        What was found.
    message : str
        What is wrong with it, as a sentence.
    fix : str
        What to do, as a sentence.
    severity : str
        `stop`: the run stops. `leave out`: it stops too, unless the user asks for the row to be left out. (What is
        only for information is a notice.)
    """

    table: str
    row: int | None
    column: str
    value: str
    message: str
    fix: str
    severity: str = STOP

    def __str__(self) -> str:
        """Where, what and the mend, on one line."""
        where = self.table + (f" row {self.row}" if self.row is not None else "")
        # A key or a survey's question may be a page long.
        column = self.column if len(self.column) <= 200 else self.column[:199] + "…"
        if column:
            where += f", {column}" if self.row is not None else f", column {column}"
        return f"{where}: {self.message} {self.fix}".strip()

    @property
    def place(self) -> tuple[str, int, str, str, str, str]:
        """Sort key: by table, row and column, then by all the rest, so that any order in gives one order out."""
        return (self.table, self.row or 0, self.column, self.message, self.value, self.fix)


class DataError(Exception):
    """The input cannot be used; `problems` holds every fault found, in table and row order.

    `notices` are what was read well enough and is worth knowing while the faults are put right.
    """

    def __init__(self, problems: Iterable[Problem], notices: Iterable[str] = ()) -> None:
        self.notices = tuple(notices)
        self.problems = tuple(sorted(set(problems), key=lambda problem: problem.place))
        super().__init__("\n".join(map(str, self.problems)))


MOST_PROBLEMS = 10_000
"""Of one kind in one table: beyond it a file is the wrong one, and listing them all would fill the memory."""


def at_most(problems: Iterable[Problem]) -> list[Problem]:
    """The problems, or the first of very many and one that counts the others."""
    rest = iter(problems)
    first = list(islice(rest, MOST_PROBLEMS))
    more = sum(1 for _ in rest)
    if more:
        message = f"There are {more:,} more problems of this kind."
        fix = "This may be the wrong file; mend what is the same in all of them first."
        first.append(Problem(first[0].table, None, first[0].column, "", message, fix))
    return first


def shown(value: str, longest: int = 60) -> str:
    """`value` in quotation marks, control characters made visible and long text cut."""
    text = value if len(value) <= longest else value[: longest - 1] + "…"
    return "'" + "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text) + "'"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: '1 row', '2 rows'."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def did_you_mean(value: str, known: Iterable[str], otherwise: str) -> str:
    """The fix for an unknown word: the closest known one, or `otherwise` where none is close."""
    by_folded = {_folded(word): word for word in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_folded(value), list(by_folded), n=1, cutoff=0.7)
    return f"Did you mean '{by_folded[close[0]]}'?" if close else otherwise


def _folded(word: str) -> str:
    """A word without what slips between hand and eye: capital letters, and O or I for 0 or 1."""
    return word.casefold().translate(_LOOK_ALIKES)


_LOOK_ALIKES = str.maketrans("oil", "011")
