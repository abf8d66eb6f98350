"""The words of the field: designations, focuses, phases, grades and accreditation criteria.

They are data (`reference/*.csv`): to add a designation, edit a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matching.tables.reference import reference_rows


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

    `synonyms` are other words for them, in small letters, by kind (designation, focus, phase, answer, state).
    """

    designations: Mapping[str, Designation]
    focuses: Mapping[str, Focus]
    phase_bands: Mapping[str, str]
    grades: tuple[str, ...]
    criteria: Mapping[str, Criterion]
    synonyms: Mapping[str, Mapping[str, str]]

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
        synonyms=_synonyms(),
    )


def _synonyms() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in reference_rows("synonyms"):
        found.setdefault(row["kind"], {})[row["found"]] = row["meaning"]
    return found


def comparable(words: str) -> str:
    """Return words in the form in which they are compared: small letters, one space between words."""
    return " ".join(words.casefold().split())


def comparable_letters(words: str) -> str:
    """Return words as `comparable`, without punctuation."""
    return comparable("".join(character if character.isalnum() else " " for character in words.casefold()))
