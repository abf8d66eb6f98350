"""Made-up supporters and their accreditation: what is typical of each designation, as tables of chances."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.inputs.simulation.draws import Chance, Flags, Floats, Positions, between, drawn, favourites, shuffled
from matching.tables.reference import reference_rows
from matching.tables.vocabulary import Vocabulary, standard_vocabulary

AS_AT = np.datetime64("2026-09-01")
"""The day on which a made-up round begins, fixed so that the same seed gives the same bytes on any day."""


@dataclass(frozen=True)
class _Profile:
    """What is typical of the people of one designation: their share of all, the chances of one place, two and so on."""

    designation: str
    share: float
    is_head: bool
    home_grades: tuple[str, ...]
    chance_of_places: tuple[float, ...]
    days_a_year: tuple[int, int]


_PROFILES = (
    _Profile("NLE", 0.1, True, ("Outstanding",), (0.3, 0.4, 0.3), (15, 30)),
    _Profile("LLE", 0.2, True, ("Good", "Outstanding"), (0.4, 0.4, 0.2), (10, 30)),
    _Profile("SLE", 0.7, False, ("Good", "Outstanding"), (0.25, 0.35, 0.25, 0.15), (10, 20)),
)

# How much more often these are held and requested than another specialism.
_POPULARITY = {
    "maths": 6,
    "English": 6,
    "phonics": 5,
    "early years": 4,
    "special educational needs": 4,
    "behaviour and discipline": 4,
    "assessment": 3,
    "science": 3,
}
_FOR_YOUNG_CHILDREN = ("early years", "phonics")
_CHANCE_OF_SECOND_PHASE, _CHANCE_OF_OWN_LIMIT, _CHANCE_OF_CONFLICT = 0.3, 0.08, 0.03
_CHANCE_OF_SPECIALISMS = (0.35, 0.4, 0.25)
_OWN_LIMITS_KM = (10.0, 15.0, 20.0, 25.0, 30.0)

_CHANCE_NOT_MET, _CHANCE_NOT_EVIDENCED, _CHANCE_OF_OTHER_ANSWER = 0.005, 0.005, 0.01
_OLDEST_CHECK_DAYS = 800

_EVIDENCE = {"person": "Application, references and interview", "school": "Inspection report and published results"}


def made_up_names(count: int, chance: Chance) -> list[str]:
    """Return random pairs of given and family names, all different until every pair has been used."""
    rows = list(reference_rows("made_up_names"))
    given = [row["name"] for row in rows if row["kind"] == "given"]
    family = [row["name"] for row in rows if row["kind"] == "family"]
    drawn = np.resize(shuffled(chance, len(given) * len(family)), count)
    return [f"{given[pair % len(given)]} {family[pair // len(given)]}" for pair in drawn.tolist()]


def made_up_supporters(area: pd.DataFrame, count: int, chance: Chance, with_days: bool) -> pd.DataFrame:
    """Return `count` supporters at the schools of an area, in the columns of their table."""
    vocabulary = standard_vocabulary()
    profile = drawn(chance, [one.share for one in _PROFILES], count)
    home = _home_schools(area, profile, chance)
    school_phase = phase_positions(area, vocabulary)
    places = [drawn(chance, one.chance_of_places, count) for one in _PROFILES]
    days = [between(chance, *one.days_a_year, count) for one in _PROFILES]
    own_limit = np.array(_OWN_LIMITS_KM)[between(chance, 0, len(_OWN_LIMITS_KM) - 1, count)]
    return pd.DataFrame(
        {
            "supporter_id": identifiers("S", count),
            "name": made_up_names(count, chance),
            "designation": np.array([one.designation for one in _PROFILES])[profile],
            "school_urn": area["urn"].to_numpy()[home],
            "phases": _phases(school_phase, home, vocabulary, chance),
            "specialisms": _specialisms(school_phase[home], profile, vocabulary, chance),
            "max_deployments": 1 + np.choose(profile, places),
            "days_available": np.choose(profile, days) if with_days else np.nan,
            "max_distance_km": np.where(chance.random(count) < _CHANCE_OF_OWN_LIMIT, own_limit, np.nan),
            "alliance": _alliances(area["local_authority"].to_numpy()[home], profile),
            "conflicts": _conflicts(area, home, chance),
        }
    )


def _home_schools(area: pd.DataFrame, profile: Positions, chance: Chance) -> Positions:
    """Return the position of each supporter's home school; heads lead different schools while there are enough."""
    home = np.zeros(len(profile), dtype=np.intp)
    led = np.zeros(len(area), dtype=bool)
    for position, one in enumerate(_PROFILES):
        people = np.flatnonzero(profile == position)
        pool = _suitable_homes(area, one, len(people), led)
        if one.is_head:
            home[people] = np.resize(pool[shuffled(chance, len(pool))], len(people))
            led[home[people]] = True
        else:
            home[people] = pool[between(chance, 0, len(pool) - 1, len(people))]
    return home


def _suitable_homes(area: pd.DataFrame, profile: _Profile, people: int, led: Flags) -> Positions:
    """Return schools of the right grades; if they are too few also those of no grade, and if there are none, any."""
    free = ~led if profile.is_head else np.ones(len(area), dtype=bool)
    graded = free & area["ofsted"].isin(profile.home_grades).to_numpy()
    if graded.sum() >= people:
        return np.flatnonzero(graded)
    pool = np.flatnonzero(graded | (free & (area["ofsted"] == "").to_numpy()))
    return pool if len(pool) else np.arange(len(area))


def _phases(school_phase: Positions, home: Positions, vocabulary: Vocabulary, chance: Chance) -> list[str]:
    """Return the home school's phase, sometimes with a related one, which is likelier if many schools have it."""
    names = vocabulary.phases
    weights = np.where(vocabulary.related_phases(), np.bincount(school_phase, minlength=len(names)), 0.0)
    own = school_phase[home]
    second = favourites(chance, weights[own])[:, 0]
    has_second = (chance.random(len(home)) < _CHANCE_OF_SECOND_PHASE) & weights[own].any(axis=1)
    return [
        f"{names[one]};{names[other]}" if both else names[one]
        for one, other, both in zip(own, second, has_second, strict=True)
    ]


def _specialisms(phase: Positions, profile: Positions, vocabulary: Vocabulary, chance: Chance) -> list[str]:
    """Return one to three specialisms for each supporter who does not lead a school, and none for heads."""
    names = np.array(vocabulary.specialisms)
    by_preference = names[favourites(chance, specialism_weights(vocabulary)[phase])]
    counts = np.where(_leads_school(profile), 0, 1 + drawn(chance, _CHANCE_OF_SPECIALISMS, len(phase)))
    return [";".join(liked[:number]) for liked, number in zip(by_preference.tolist(), counts, strict=True)]


def specialism_weights(vocabulary: Vocabulary) -> Floats:
    """Return how often each specialism (column) is held and requested in schools of each phase (row)."""
    weights = np.array([_POPULARITY.get(name, 1.0) for name in vocabulary.specialisms])
    for_older_pupils = np.array([band == "secondary" for band in vocabulary.phase_bands.values()])
    for_young_children = np.isin(vocabulary.specialisms, _FOR_YOUNG_CHILDREN)
    return np.where(for_older_pupils[:, None] & for_young_children, 0.0, weights)


def _alliances(local_authorities: NDArray[np.object_], profile: Positions) -> list[str]:
    """Return the alliance of the teaching school that places each supporter; heads have none."""
    return [
        f"{authority} alliance" if authority and not is_head else ""
        for authority, is_head in zip(local_authorities, _leads_school(profile), strict=True)
    ]


def _leads_school(profile: Positions) -> Flags:
    return np.array([one.is_head for one in _PROFILES])[profile]


def _conflicts(area: pd.DataFrame, home: Positions, chance: Chance) -> NDArray[np.object_]:
    """Return the URN of another school of the home school's authority for a few supporters, and otherwise a blank."""
    authority = pd.factorize(area["local_authority"])[0]
    by_authority = np.argsort(authority, kind="stable")
    size = np.bincount(authority)
    first = np.cumsum(size) - size
    step = (chance.random(len(home)) * size[authority[home]]).astype(np.intp)
    other = by_authority[first[authority[home]] + step]
    has_conflict = (chance.random(len(home)) < _CHANCE_OF_CONFLICT) & (other != home)
    return np.where(has_conflict, area["urn"].to_numpy()[other], "")


def made_up_accreditation(area: pd.DataFrame, people: pd.DataFrame, chance: Chance) -> pd.DataFrame:
    """Return one row for each supporter and criterion; most supporters meet every one."""
    criteria = standard_vocabulary().criteria.values()
    wording = pd.DataFrame(
        [(one.designation, one.code, one.about, one.home_school_grades) for one in criteria],
        columns=["designation", "criterion", "about", "home_grades"],
    )
    grade_of = area.set_index("urn")["ofsted"]
    asked = people[["supporter_id", "designation"]].assign(
        ofsted=people["school_urn"].map(grade_of),
        checked_on=(AS_AT - between(chance, 1, _OLDEST_CHECK_DAYS, len(people)).astype("timedelta64[D]")).astype(str),
    )
    rows = asked.merge(wording, on="designation")
    rows["met"] = _answers(rows, chance)
    answered = rows["met"] != ""
    return rows.assign(
        evidence=rows["about"].map(_EVIDENCE).where(answered, ""), checked_on=rows["checked_on"].where(answered, "")
    )


def _answers(rows: pd.DataFrame, chance: Chance) -> NDArray[np.object_]:
    """Return yes, no or blank: as the home school's grade decides, with a few errors, or by chance."""
    decided = rows["home_grades"].map(bool).to_numpy() & (rows["ofsted"] != "").to_numpy()
    has_grade = np.array(
        [grade in grades for grade, grades in zip(rows["ofsted"].tolist(), rows["home_grades"], strict=True)]
    )
    errors = chance.random(len(rows)) < _CHANCE_OF_OTHER_ANSWER
    draw = chance.random(len(rows))
    stated = np.select(
        [draw < _CHANCE_NOT_MET, draw < _CHANCE_NOT_MET + _CHANCE_NOT_EVIDENCED], ["no", ""], default="yes"
    )
    return np.where(decided, np.where(has_grade != errors, "yes", "no"), stated)


def phase_positions(area: pd.DataFrame, vocabulary: Vocabulary) -> Positions:
    """Return the position of each school's phase in the vocabulary."""
    return pd.Index(vocabulary.phases).get_indexer(pd.Index(area["phase"]))


def identifiers(letter: str, count: int) -> list[str]:
    """Return identifiers of one length, so that they sort in the order of their numbers."""
    width = max(3, len(str(count)))
    return [f"{letter}{number:0{width}}" for number in range(1, count + 1)]
