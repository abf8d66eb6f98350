"""The official links file: which school took the place of which.

A list made under an old URN, and an inspection made under one, are found through it. What is done with them is the
business of `official` and `inputs`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matching.errors import DataError, Problem, shown
from matching.tables.files import Source, read_sheet
from matching.tables.reference import reference_rows
from matching.tables.sheets import Sheet

LINK_COLUMNS = ("URN", "LinkURN", "LinkType")

# Schools are renewed every few years at most; a longer chain is a circle or a slip.
_LONGEST_CHAIN = 20


@dataclass(frozen=True)
class Links:
    """Who came after and before whom, one step at a time.

    Attributes
    ----------
    after, before : mapping of str to tuple of str
        By URN: the URNs of successors and of predecessors, sorted.
    notices : tuple of str
    rows : int
        How many links the file has.
    """

    after: Mapping[str, tuple[str, ...]]
    before: Mapping[str, tuple[str, ...]]
    notices: tuple[str, ...] = ()
    rows: int = 0

    def successors(self, urn: str, known: Collection[str]) -> tuple[str, ...]:
        """The first known schools on every chain of successors of a school, sorted; none where no chain ends in one."""
        found, seen, front = set(), {urn}, [urn]
        for _ in range(_LONGEST_CHAIN):
            nearby = {one for old in front for one in self.after.get(old, ())} - seen
            seen |= nearby
            found |= {one for one in nearby if one in known}
            front = [one for one in nearby if one not in known]
        return tuple(sorted(found))

    def predecessors(self, urn: str, known: Collection[str]) -> tuple[str, ...]:
        """The first known schools on every chain of predecessors of a school, sorted."""
        return Links(self.before, self.after).successors(urn, known)


NO_LINKS = Links({}, {})


def is_links(header: Sequence[str]) -> bool:
    """Whether a header is that of the links file."""
    return link_columns(header) >= len(LINK_COLUMNS)


def link_columns(header: Sequence[str]) -> int:
    """How many columns of the links file a header has."""
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
    sheet = read_sheet(
        source, encodings=("utf-8-sig", "cp1252"), wanted=set(LINK_COLUMNS).__contains__, recognise=link_columns
    )
    _check(sheet)
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    strange: dict[str, int] = defaultdict(int)
    directions = _directions()
    for one, other, kind in zip(*(_column(sheet, name) for name in LINK_COLUMNS), strict=True):
        direction = directions.get(_folded(kind))
        if direction is None:
            strange[kind] += 1
        elif direction:
            old, new = (one, other) if direction == "link" else (other, one)
            after[old].add(new)
            before[new].add(old)
    notices = list(sheet.notices)
    if strange:
        kinds = ", ".join(f"{shown(kind)} ({count:,})" for kind, count in sorted(strange.items())[:10])
        notices.append(f"{sheet.name}: links of a type that this version does not know are not followed: {kinds}.")
    return Links(_sorted(after), _sorted(before), tuple(notices), len(sheet.numbers))


def _check(sheet: Sheet) -> None:
    fix = "Download 'Links CSV' from Get Information about Schools again and keep its columns."
    problems = [
        Problem(sheet.name, 1, column, "", "The column is missing from this links file.", fix)
        for column in LINK_COLUMNS
        if column not in sheet.header
    ]
    if problems:
        raise DataError(problems)
    if not sheet.numbers and not sheet.problems:
        raise DataError([Problem(sheet.name, None, "", "", "There is no row under the header.", fix)])
    raise_for = [*sheet.problems, *_urn_problems(sheet)]
    if raise_for:
        raise DataError(raise_for)


def _urn_problems(sheet: Sheet) -> Iterator[Problem]:
    for column in LINK_COLUMNS[:2]:
        for row, value in zip(sheet.numbers, _column(sheet, column), strict=True):
            if not (len(value) == 6 and value.isascii() and value.isdigit()):
                yield Problem(
                    sheet.name,
                    row,
                    column,
                    value,
                    f"{shown(value)} is not a URN.",
                    "A URN has six digits, such as 100000.",
                )


def _column(sheet: Sheet, name: str) -> tuple[str, ...]:
    return sheet.columns[sheet.header.index(name)]


@cache
def _directions() -> Mapping[str, str]:
    """For each type of link, in small letters, which of the two is the successor: link, row or (blank) neither."""
    return {_folded(row["type"]): row["successor"] for row in reference_rows("link_types")}


def _folded(kind: str) -> str:
    return " ".join(kind.casefold().split())


def _sorted(steps: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {urn: tuple(sorted(others)) for urn, others in steps.items()}
