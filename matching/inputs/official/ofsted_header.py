"""The columns of Ofsted's files: which of them holds what, in every year, under its own name or one close to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matching.errors import shown
from matching.tables.reference import reference_rows
from matching.tables.vocabulary import comparable, comparable_letters

# Words that do not set one column of these files apart from another.
_IDLE_WORDS = frozenset(
    ["latest", "last", "most", "recent", "current", "the", "of", "at", "grade", "graded", "inspection", "inspections"]
)
_LIKE_A_GRADE = re.compile(r"overall|effectiveness|\bgrade\b")


@dataclass(frozen=True)
class Area:
    """An area that inspectors judge, its column in Ofsted's file, and the focuses that a low grade suggests."""

    name: str
    framework: str
    column: str
    focuses: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may hold its grade, in small letters, the preferred one first."""
        return (self.column,) if self.framework == "card" else (f"latest oeif {self.column}", self.column)


@dataclass(frozen=True)
class OfstedHeader:
    """A header of Ofsted's file as it is read.

    Attributes
    ----------
    names : tuple of str
        Of the columns, in small letters, each under its own name if it had one close to it.
    fields : mapping of str to str
        The column of each field of `ofsted_columns.csv`; blank where there is none.
    notices : tuple of str
    """

    names: tuple[str, ...]
    fields: Mapping[str, str]
    notices: tuple[str, ...]


@cache
def inspection_areas() -> tuple[Area, ...]:
    """Return the areas of every framework, in order."""
    return tuple(
        Area(row["area"], row["framework"], row["column"], tuple(row["focus"].split(";")))
        for row in reference_rows("inspection_areas")
    )


def ofsted_columns(header: Sequence[str]) -> int:
    """Return how many columns that are read from Ofsted's files a header has, under their names or close to it."""
    return len(set(_own_names(header)) & _known())


def is_read(name: str) -> bool:
    """Return whether a column of Ofsted's file is read, or could be one that is under another name."""
    return ofsted_columns((name,)) > 0 or bool(_LIKE_A_GRADE.search(name.casefold()))


def read_header(file: str, header: Sequence[str]) -> OfstedHeader:
    """Return which column of a header holds what.

    The overall grade decides where its date and school are looked for: since 2025 a report card has its own. An earlier
    grade is looked for only next to the latest one, so that it can never be taken for it.
    """
    names = _own_names(header)
    fields = {field: next((name for name in known if name in names), "") for field, known in _columns().items()}
    is_oeif = "oeif" in fields["grade"]
    for field in ("graded_on", "relates", "urn_then"):
        of_grade = [name for name in _columns()[field] if ("oeif" in name) == is_oeif]
        fields[field] = next((name for name in of_grade if name in names), "")
    renamed = {found: name for found, name in zip(header, names, strict=True) if name != comparable(found)}
    notices = []
    if renamed:
        pairs = ", ".join(f"{shown(found)} as {shown(name)}" for found, name in renamed.items())
        notices.append(f"{file}: columns read by the words of their names: {pairs}.")
    spare = [found for found, name in zip(header, names, strict=True) if name not in _known() and _is_close(name)]
    if spare:
        listed = ", ".join(map(shown, spare))
        notices.append(f"{file}: columns whose names are close to those of others, and that are not read: {listed}.")
    if not fields["grade"]:
        fields |= {field: "" for field in fields if field.startswith("previous_")}
        like_it = ", ".join(shown(name) for name in header if _LIKE_A_GRADE.search(name.casefold()))
        notices.append(
            f"{file}: there is no column with the latest overall grade (Overall effectiveness, or Latest OEIF overall "
            "effectiveness), so no overall grade is taken from this file"
            + (f"; columns like it: {like_it}." if like_it else ".")
        )
    return OfstedHeader(names, fields, tuple(notices))


def area_columns() -> frozenset[str]:
    """Return the columns of graded areas, in small letters."""
    return frozenset(name for area in inspection_areas() for name in area.columns)


def _own_names(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names in small letters; an unknown one becomes the known name that differs in idle words alone."""
    names = [comparable(name) for name in header]
    by_words: dict[frozenset[str], list[int]] = {}
    for place, name in enumerate(names):
        if name not in _known():
            by_words.setdefault(_words(name), []).append(place)
    for words, places in by_words.items():
        known = _known_by_words().get(words, ())
        if known and len(places) == 1 and not set(known) & set(names):
            names[places[0]] = known[0]
    return tuple(names)


def _is_close(name: str) -> bool:
    return _words(name) in _known_by_words()


def _words(name: str) -> frozenset[str]:
    return frozenset(comparable_letters(name).split()) - _IDLE_WORDS


@cache
def _known() -> frozenset[str]:
    return area_columns() | {name for names in _columns().values() for name in names}


@cache
def _known_by_words() -> Mapping[frozenset[str], tuple[str, ...]]:
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for name in sorted(_known(), key=len):
        found[_words(name)] = (*found.get(_words(name), ()), name)
    return found


@cache
def _columns() -> Mapping[str, tuple[str, ...]]:
    """Return the columns that may hold each field, in small letters, the preferred one first."""
    found: dict[str, list[str]] = {}
    for row in reference_rows("ofsted_columns"):
        found.setdefault(row["field"], []).append(row["column"])
    return {field: tuple(columns) for field, columns in found.items()}
