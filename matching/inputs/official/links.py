"""The official links file: which school replaced which, so that lists and inspections under an old URN are found."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matching.errors import DataError, shown
from matching.inputs.official.cells import ENCODINGS, check_columns, urn_problems
from matching.tables.files import Source, read_sheet
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
    """

    after: Mapping[str, tuple[str, ...]]
    before: Mapping[str, tuple[str, ...]]
    notices: tuple[str, ...] = ()
    rows: int = 0

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


def read_links(source: Source) -> Links:
    """Read the links file.

    Parameters
    ----------
    source : Source
        The links extract as downloaded (cp1252) or saved again.

    Raises
    ------
    DataError
        A column is missing, there is no row, or a URN cannot be used.
    """
    sheet = read_sheet(source, encodings=ENCODINGS, wanted=set(LINK_COLUMNS).__contains__, recognise=link_columns)
    check_columns(sheet, LINK_COLUMNS, "links file", _DOWNLOAD_AGAIN)
    problems = list(sheet.problems)
    for name in LINK_COLUMNS[:2]:
        problems += urn_problems(sheet.name, name, sheet.numbers, _column(sheet, name))
    if problems:
        raise DataError(problems)
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    unknown: dict[str, int] = defaultdict(int)
    directions = _directions()
    for one, other, kind in zip(*(_column(sheet, name) for name in LINK_COLUMNS), strict=True):
        direction = directions.get(comparable(kind))
        if direction is None:
            unknown[kind] += 1
        elif direction:
            old, new = (one, other) if direction == "link" else (other, one)
            after[old].add(new)
            before[new].add(old)
    notices = list(sheet.notices)
    if unknown:
        kinds = ", ".join(f"{shown(kind)} ({count:,})" for kind, count in sorted(unknown.items())[:10])
        notices.append(f"{sheet.name}: links of a type that this version does not know are not followed: {kinds}.")
    return Links(_sorted(after), _sorted(before), tuple(notices), len(sheet.numbers))


def _column(sheet: Sheet, name: str) -> tuple[str, ...]:
    return sheet.columns[sheet.header.index(name)]


@cache
def _directions() -> Mapping[str, str]:
    """Return, for each type of link, which of the two schools is the successor: link, row or (blank) neither."""
    return {comparable(row["type"]): row["successor"] for row in reference_rows("link_types")}


def _sorted(steps: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {urn: tuple(sorted(others)) for urn, others in steps.items()}
