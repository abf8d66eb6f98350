"""The words of the field: designations, focuses, phases, grades and accreditation criteria.

They are data (`reference/*.csv`): to add a designation, edit a table.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matching.tables.reference import reference_rows

SEPARATORS = re.compile(r"[;,\n]")
"""Between the values of a cell that holds several."""

Parts = tuple[tuple[str, str], ...]
"""The words of a cell as they are found, each with the form that its column accepts: the same where none is known."""
Reword = Callable[[str], Parts]


@dataclass(frozen=True)
class Designation:
    """A kind of accredited leader; `max_distance_km` is the limit if the policy has none."""

    code: str
    title: str
    what_they_do: str
    max_distance_km: float


@dataclass(frozen=True)
class Focus:
    """What a need can be about.

    `accepted_designations` may serve it if the need names none. Supporters with one of `fit_designations` fit it
    whatever their specialisms; a specialism has none of these and fits supporters who hold it.
    """

    name: str
    area: str
    accepted_designations: tuple[str, ...]
    fit_designations: tuple[str, ...]

    @property
    def is_specialism(self) -> bool:
        """Whether supporters can hold this focus as a specialism."""
        return not self.fit_designations


@dataclass(frozen=True)
class Criterion:
    """One accreditation criterion.

    If `home_school_grades` is not empty, the home school's Ofsted grade in the schools table must be one of them. A
    check older than `review_after_years` is due for review.
    """

    code: str
    designation: str
    about: str
    wording: str
    home_school_grades: tuple[str, ...]
    review_after_years: int


@dataclass(frozen=True)
class Vocabulary:
    """Every known word, by name and in the order of the reference tables.

    `synonyms` are other words for them, in small letters, by kind (designation, focus, phase, answer, state, priority,
    grade). `doubtful` are words that may mean one of several, or something narrower: a person is asked.
    """

    designations: Mapping[str, Designation]
    focuses: Mapping[str, Focus]
    phase_bands: Mapping[str, str]
    grades: tuple[str, ...]
    criteria: Mapping[str, Criterion]
    synonyms: Mapping[str, Mapping[str, str]]
    doubtful: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases of education, in GIAS words."""
        return tuple(self.phase_bands)

    @property
    def specialisms(self) -> tuple[str, ...]:
        """Focuses that a supporter can hold as a specialism."""
        return tuple(focus.name for focus in self.focuses.values() if focus.is_specialism)

    def related_phases(self) -> NDArray[np.bool_]:
        """Return which phases are related, as a symmetric matrix in the order of `phases`.

        Phases of one band are related, and an all-through school is related to every banded phase; a phase
        without a band is related to no other.
        """
        bands = list(self.phase_bands.values())
        related = [[bool(a and b) and (a == b or "all" in (a, b)) for b in bands] for a in bands]
        return np.array(related) & ~np.eye(len(bands), dtype=bool)


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(word for word in cell.split(";") if word)


@cache
def standard_vocabulary() -> Vocabulary:
    """Return the vocabulary that ships with the program."""
    return Vocabulary(
        designations={
            row["designation"]: Designation(
                row["designation"], row["title"], row["what_they_do"], float(row["max_distance_km"])
            )
            for row in reference_rows("designations")
        },
        focuses={
            row["focus"]: Focus(
                row["focus"], row["area"], _listed(row["accepted_designations"]), _listed(row["fit_designations"])
            )
            for row in reference_rows("focuses")
        },
        phase_bands={row["phase"]: row["band"] for row in reference_rows("phases")},
        grades=tuple(row["grade"] for row in reference_rows("ofsted_grades")),
        criteria={
            row["criterion"]: Criterion(
                row["criterion"],
                row["designation"],
                row["about"],
                row["wording"],
                _listed(row["home_school_grades"]),
                int(row["review_after_years"]),
            )
            for row in reference_rows("criteria")
        },
        synonyms=_by_kind("synonyms"),
        doubtful={
            kind: {word: tuple(meanings.split("|")) for word, meanings in words.items()}
            for kind, words in _by_kind("doubtful_words").items()
        },
    )


def _by_kind(name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in reference_rows(name):
        found.setdefault(row["kind"], {})[row["found"]] = row["meaning"]
    return found


# ---- year groups ---------------------------------------------------------------------------------------------------

_YEARS = re.compile(
    r"(?P<stage>ks|key stages?)\s?(?P<number>[1-5])|(?P<early>nursery)|(?P<first>reception|eyfs|(?:year |yr ?|y)?r)"
    r"|(?:years?|yrs?|y)\s?(?P<year>1[0-3]|[1-9])"
)
_THROUGH = re.compile(r"\s?(?:\bto\b|\band\b|[-–/&])\s?")
_KEY_STAGES = {"1": (1, 2), "2": (3, 6), "3": (7, 9), "4": (10, 11), "5": (12, 13)}

_PHASES_OF_YEARS = (("Primary", -1, 6), ("16 plus", 12, 13), ("Secondary", 7, 13))


def phases_of_years(words: str) -> tuple[str, ...]:
    """Return the phases that year groups or key stages belong to, such as R-Y6 or KS3; none where that is not plain.

    Middle years, such as Y5-Y8, belong to a phase that they do not name.
    """
    pieces = _THROUGH.split(comparable(words))
    if len(pieces) == 2 and pieces[1].isdigit():
        # 'Years 3 to 6' and 'KS1-2' name the kind once.
        pieces[1] = f"{pieces[0].rstrip('0123456789 ')}{pieces[1]}"
    found = [_YEARS.fullmatch(piece) for piece in pieces]
    spans = [_span(one) for one in found if one]
    # The early years by themselves may be those of a nursery school.
    if len(found) > 2 or len(spans) < len(found) or pieces in (["eyfs"], ["nursery"]):
        return ()
    (first, _), (_, last) = spans[0], spans[-1]
    within = [phase for phase, low, high in _PHASES_OF_YEARS if low <= first <= last <= high]
    return tuple(within[:1]) or (("Primary", "Secondary") if first <= 3 and last >= 9 else ())


def _span(found: re.Match[str]) -> tuple[int, int]:
    """Return the first and the last year group; reception is 0, and nursery comes before it."""
    if found["stage"]:
        return _KEY_STAGES[found["number"]]
    year = -1 if found["early"] else 0 if found["first"] else int(found["year"])
    return year, year


def comparable(words: str) -> str:
    """Return words in the form in which they are compared: small letters, one space between words."""
    return " ".join(words.casefold().split())


def comparable_letters(words: str) -> str:
    """Return words as `comparable`, without punctuation."""
    return comparable("".join(character if character.isalnum() else " " for character in words.casefold()))


# ---- other words for a value -----------------------------------------------------------------------------------------

_AMOUNT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[a-z]+)\.?")
# '2 and a half' and '2½' are 2.5, and '2 half days' are 1.
_OF_ONE = r"(?:\s+an?\b|\s+of an?\b)?[\s-]*"
_AND_A_HALF = re.compile(rf"(?<![0-9./])([0-9]+)(?:\s+and\s+(?:a\s+)?half\b|\s+(?:and\s+)?1/2(?![0-9])|\s*½){_OF_ONE}")
_HALVES = re.compile(rf"(?<![0-9./])(?:([0-9]+)\s+)?(?:(?:\ba\s+)?\bhalf\b|\b1/2(?![0-9])|½){_OF_ONE}")
PLAIN_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_JOINTS = tuple(map(re.compile, (r"\s*/\s*", r"\s*[&+]\s*", r"\s+and\s+")))
_WITH_BRACKETS = re.compile(r"(.*\S)\s*\((.*)\)")

DAYS = {"day": 1.0, "days": 1.0, "d": 1.0}
KILOMETRES = {
    **dict.fromkeys(("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), 1.0),
    **dict.fromkeys(("mile", "miles", "mi"), 1.609344),
}
COUNTS = {**dict.fromkeys(("school", "schools", "place", "places", "deployment", "deployments"), 1.0)}


def as_found(value: str) -> Parts:
    """Return a cell as it is, in one part."""
    return ((value, value),)


def reworded_amount(units: Mapping[str, float]) -> Reword:
    """Return what writes an amount with its unit, such as '20 miles', as a number in the column's own unit.

    `units` are the known ones, with what one of each is in the column's own.
    """

    def reword(value: str) -> Parts:
        folded = _AND_A_HALF.sub(lambda found: f"{found[1]}.5 ", comparable(value))
        folded = _HALVES.sub(lambda found: f"{int(found[1] or 1) / 2:g} ", folded).strip()
        amount = _AMOUNT.fullmatch(folded)
        if amount and (factor := units.get(amount["unit"])):
            return ((value, _in_own_unit(amount["number"], factor)),)
        return as_found(value)

    return reword


def _in_own_unit(number: str, factor: float) -> str:
    """Return a number in the column's own unit; one decimal is enough for what was converted."""
    return number if factor == 1 else f"{float(number) * factor:.1f}"


def unit_in(header: str, units: Mapping[str, float]) -> str:
    """Return the unit that a header names if it is not the column's own: 'miles' in 'Willing to travel (miles)'."""
    named = [word for word in comparable_letters(header).split() if word in units]
    return named[0] if named and all(units[word] != 1 for word in named) else ""


# Neither days nor distances are counted in these: half of a day is not a day, and days a term are not days in all.
_OTHER_UNITS = re.compile(
    r"\b(?:minutes?|mins?|hours?|hrs?|weeks?|months?|sessions?|half(?! term)|(?:weekly|monthly|termly)"
    r"|(?:per|a|each|every) (?:fortnight|half term|term))\b"
)


def other_unit_in(header: str, units: Mapping[str, float]) -> str:
    """Return the words of a header that show that its numbers are in none of a column's units, such as 'hours'."""
    found = _OTHER_UNITS.search(comparable_letters(header)) if units else None
    return found[0] if found else ""


def with_unit(cells: Sequence[str], unit: str) -> Sequence[str]:
    """Return the cells with a unit after each plain number."""
    return [f"{cell} {unit}" if PLAIN_AMOUNT.fullmatch(cell) else cell for cell in cells] if unit else cells


def reworded_words(
    known: Sequence[str],
    synonyms: Mapping[str, str],
    *,
    several: bool = False,
    parse: Callable[[str], Sequence[str]] = lambda _: (),
) -> Reword:
    """Return what puts the column's own words for others.

    Parameters
    ----------
    known : sequence of str
        The words that the column accepts.
    synonyms : mapping of str to str
    several : bool
        Whether a cell may hold several words.
    parse : callable
        The own words for a text that is in no list.
    """
    spelling = {word.casefold(): word for word in known}

    def own_word(word: str) -> str:
        """Return the own word for another one; nothing where there is none."""
        for form in (word, word.replace(".", ""), comparable_letters(word)):
            meaning = synonyms.get(comparable(form), form)
            if own := spelling.get(comparable(meaning)):
                return own
        return ""

    def own_words(word: str) -> tuple[str, ...]:
        """Return the own words for a text; none where a part of it is unknown."""
        if meaning := own_word(word):
            return (meaning,)
        if brackets := _WITH_BRACKETS.fullmatch(word):
            before, within = map(own_words, brackets.groups())
            return before if before == within else ()
        # A slash parts words that may hold an 'and' themselves.
        for joint in _JOINTS:
            pieces = joint.split(word)
            found = [own_words(piece) for piece in pieces] if len(pieces) > 1 else []
            if found and all(found):
                return tuple(dict.fromkeys(one for words in found for one in words))
        return tuple(parse(word))

    def own(word: str) -> str:
        if not word or comparable(word) in spelling:
            return word
        words = own_words(word)
        return ";".join(words) if len(words) == 1 or (several and words) else word

    def reword(value: str) -> Parts:
        words = SEPARATORS.split(value) if several else [value]
        return tuple((word.strip(), own(word.strip())) for word in words)

    return reword
