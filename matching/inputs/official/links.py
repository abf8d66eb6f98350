"""The official links file: which school replaced which, so that lists and inspections under an old URN are found."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import compress

import numpy as np
import pandas as pd

from matching.errors import DataError, shown
from matching.inputs.official.cells import check_columns, identified_rows, read_cells, unknown_problems, urn_problems
from matching.tables.files import ANYWHERE, Source, Where
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import comparable

LINK_COLUMNS = ("URN", "LinkURN", "LinkType")
_DOWNLOAD_AGAIN = "Download 'Links CSV' from Get Information about Schools again and keep its columns."

# A school is replaced every few years at most; a longer chain is a circle or an error.
_LONGEST_CHAIN = 20


@dataclass(frozen=True)
class Links:
    """Which school replaced which, one step at a time.

    Attributes
    ----------
    after, before : mapping of str to tuple of str
        By URN: the URNs of successors and of predecessors, sorted.
    rows : int
        The number of links in the file.
    unfollowed : mapping of str to tuple of (str, str)
        By URN: the URN at the other end of each link of an unknown type, and that type.
    """

    after: Mapping[str, tuple[str, ...]]
    before: Mapping[str, tuple[str, ...]]
    notices: tuple[str, ...] = ()
    rows: int = 0
    unfollowed: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def successors(self, urn: str, known: Collection[str]) -> tuple[str, ...]:
        """Return the first known school on every chain of successors, sorted; none where no chain reaches one."""
        found, seen, front = set(), {urn}, [urn]
        for _ in range(_LONGEST_CHAIN):
            nearby = {one for old in front for one in self.after.get(old, ())} - seen
            seen |= nearby
            found |= {one for one in nearby if one in known}
            front = [one for one in nearby if one not in known]
        return tuple(sorted(found))

    def predecessors(self, urn: str, known: Collection[str]) -> tuple[str, ...]:
        """Return the first known school on every chain of predecessors, sorted."""
        return Links(self.before, self.after).successors(urn, known)


NO_LINKS = Links({}, {})


def link_columns(header: Sequence[str]) -> int:
    """Return how many columns of the links file a header has."""
    return len(set(header).intersection(LINK_COLUMNS))


def read_links(source: Source, *, where: Where = ANYWHERE, of_earlier_format: bool = False) -> Links:
    """Read the links file.

    Parameters
    ----------
    source : Source
        The links extract as downloaded (cp1252) or saved again.
    where : Where, optional
        The sheet and the row of the header, where they are known.
    of_earlier_format : bool
        Whether this is a plan's copy of an earlier format.

    Raises
    ------
    DataError
        A column is missing, there is no row, a URN cannot be used, or the file does not hold a value.
    """
    wanted = set(LINK_COLUMNS).__contains__
    sheet = read_cells(source, wanted, link_columns, where, of_earlier_format=of_earlier_format)
    check_columns(sheet, LINK_COLUMNS, "links file", _DOWNLOAD_AGAIN)
    if not sheet.numbers:
        raise DataError(sheet.problems)
    notices, rows = list(sheet.notices), set(sheet.numbers)
    sheet = _between_schools(sheet, notices)
    problems = list(sheet.problems)
    problems += unknown_problems(sheet, LINK_COLUMNS, notices, rows.difference(sheet.numbers))
    for name in LINK_COLUMNS[:2]:
        problems += urn_problems(sheet, name, sheet.numbers, _column(sheet, name))
    if problems:
        raise DataError(problems)
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    unfollowed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    unknown: dict[str, int] = defaultdict(int)
    directions = _directions()
    for one, other, kind in zip(*(_column(sheet, name) for name in LINK_COLUMNS), strict=True):
        direction = directions.get(comparable(kind))
        if direction is None:
            unknown[kind] += 1
            unfollowed[one].append((other, kind))
            unfollowed[other].append((one, kind))
        elif direction:
            old, new = (one, other) if direction == "link" else (other, one)
            after[old].add(new)
            before[new].add(old)
    if unknown:
        kinds = ", ".join(f"{shown(kind)} ({count:,})" for kind, count in sorted(unknown.items())[:10])
        notices.append(f"{sheet.name}: links of a type that this version does not know are not followed: {kinds}.")
    by_urn = {urn: tuple(sorted(set(links))) for urn, links in unfollowed.items()}
    return Links(_sorted(after), _sorted(before), tuple(notices), len(sheet.numbers), by_urn)


def _between_schools(sheet: Sheet, notices: list[str]) -> Sheet:
    """Return the links between two URNs of six digits; others, such as a children's centre's, are of no school."""
    ends = {name: pd.Series(_column(sheet, name), dtype="object") for name in LINK_COLUMNS[:2]}
    counted_out: list[str] = []
    usable = np.logical_and.reduce([identified_rows(sheet, urns, name, counted_out) for name, urns in ends.items()])
    if usable.all() or not usable.any():
        return sheet
    notices += counted_out
    return replace(
        sheet,
        numbers=tuple(compress(sheet.numbers, usable)),
        columns=tuple(tuple(compress(cells, usable)) for cells in sheet.columns),
    )


def _column(sheet: Sheet, name: str) -> tuple[str, ...]:
    return sheet.columns[sheet.header.index(name)]


@cache
def _directions() -> Mapping[str, str]:
    """Return, for each type of link, which of the two schools is the successor: link, row or (blank) neither."""
    return {comparable(row["type"]): row["successor"] for row in reference_rows("link_types")}


def _sorted(steps: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {urn: tuple(sorted(others)) for urn, others in steps.items()}
