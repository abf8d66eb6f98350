"""Made-up supporters and needs at given schools, to try a run before there are real lists.

Nobody in them exists, and a likeness in a name is chance. What is typical of a round stands here as tables of chances;
what a round does with it is the business of the other rooms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from matching.errors import DataError, Problem, did_you_mean, shown
from matching.tables.formats import INSPECTION_COLUMNS, table_formats
from matching.tables.grid import distance_km
from matching.tables.reference import reference_rows
from matching.tables.vocabulary import Vocabulary, standard_vocabulary

Chance = np.random.Generator
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

AS_AT = np.datetime64("2026-09-01")
"""The day on which a made-up round begins: a fixed one, so that the same seed gives the same bytes on any day."""


@dataclass(frozen=True)
class _Profile:
    """What is typical of the people of one designation.

    Attributes
    ----------
    share : float
        Of all supporters.
    is_head : bool
        Whether they lead their home school, which has one head only.
    home_grades : tuple of str
        Ofsted grades of their home schools.
    chance_of_places : tuple of float
        Chances of having one place, two, and so on.
    days_a_year : tuple of int
        Fewest and most days available.
    """

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

# How much more often than another specialism these are held and asked for.
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
_WHOLE_SCHOOL_SHARE = {"headship": 0.12, "whole-school improvement": 0.08}

# How much more often than a school graded good a school asks for support; a school without a grade counts as good.
_ASKING = {
    "Inadequate": 12.0,
    "Special Measures": 12.0,
    "Serious Weaknesses": 12.0,
    "Requires improvement": 8.0,
    "Outstanding": 0.3,
}
_PRIORITY_SHARE = {"critical": 0.1, "high": 0.25, "normal": 0.65}
_DAYS_FOR_SPECIALISM, _DAYS_FOR_WHOLE_SCHOOL = (1, 8), (5, 10)

_CHANCE_OF_SECOND_PHASE, _CHANCE_OF_OWN_LIMIT, _CHANCE_OF_CONFLICT = 0.3, 0.08, 0.03
_CHANCE_OF_SPECIALISMS = (0.35, 0.4, 0.25)
_OWN_LIMITS_KM = (10.0, 15.0, 20.0, 25.0, 30.0)

_CHANCE_NOT_MET, _CHANCE_NOT_EVIDENCED, _CHANCE_OF_OTHER_ANSWER = 0.005, 0.005, 0.01
_OLDEST_CHECK_DAYS = 800

# Several times what all of England would have; their evidence still fits into one file that can be read.
_MOST = 100_000

_EVIDENCE = {"person": "Application, references and interview", "school": "Inspection report and published results"}
_DECISION_REASONS = {
    "pin": "Already at work there; both heads wish to go on.",
    "forbid": "Worked at the school until last year.",
    "declined": "Cannot travel there this year.",
}


def simulate(
    schools: pd.DataFrame, supporters: int, needs: int, seed: int, *, region: str | None = None, with_days: bool = True
) -> dict[str, pd.DataFrame]:
    """Make up a round at real or fictional schools.

    Parameters
    ----------
    schools : DataFrame
        As `read_table` gives it, in any order of rows.
    supporters, needs : int
        How many to make up.
    seed : int
        The same seed gives the same round.
    region : str, optional
        Only schools of this region take part.
    with_days : bool
        Whether supporters and needs have days; where not, days never bind.

    Returns
    -------
    dict of str to DataFrame
        `schools` (those that take part), `supporters`, `needs`, `accreditation` and `decisions`: all cells text, in the
        columns of the tables, ready for `to_csv(index=False)`.

    Raises
    ------
    DataError
        There is no school or no such region, or too few or too many supporters or needs are asked for.

    Notes
    -----
    Of a generator only `random` is used: its stream has stayed the same through all versions of numpy, and those of
    `choice` and `permutation` have not. Each table has a stream of its own, so that more needs do not change the
    supporters.
    """
    _check(schools, supporters, needs, seed, region)
    area = _area(schools, region)
    for_people, for_needs, for_evidence, for_decisions = np.random.default_rng(seed).spawn(4)
    people = _people(area, supporters, for_people, with_days)
    asked = _needs(area, needs, for_needs, with_days)
    frames = {
        "schools": area,
        "supporters": people,
        "needs": asked,
        "accreditation": _accreditation(area, people, for_evidence),
        "decisions": _decisions(area, people, asked, for_decisions),
    }
    return {name: _as_text(name, frame) for name, frame in frames.items()}


def made_up_names(count: int, chance: Chance) -> list[str]:
    """Given and family names put together by chance; no two alike until all have been used."""
    rows = list(reference_rows("made_up_names"))
    given = [row["name"] for row in rows if row["kind"] == "given"]
    family = [row["name"] for row in rows if row["kind"] == "family"]
    drawn = np.resize(_shuffled(chance, len(given) * len(family)), count)
    return [f"{given[pair % len(given)]} {family[pair // len(given)]}" for pair in drawn.tolist()]


def _check(schools: pd.DataFrame, supporters: int, needs: int, seed: int, region: str | None) -> None:
    problems = [
        Problem("simulate", None, "", str(count), f"{count} {noun} are asked for.", f"Ask for 1 to {_MOST:,}.")
        for count, noun in ((supporters, "supporters"), (needs, "needs"))
        if not 1 <= count <= _MOST
    ]
    if seed < 0:
        problems.append(Problem("simulate", None, "", str(seed), f"The seed is {seed}.", "Give 0 or a larger number."))
    known = sorted(set(schools["region"]) - {""})
    if schools.empty:
        problems.append(Problem("schools", None, "", "", "There is no school.", "Give a table with at least one."))
    elif region is not None and region not in known:
        otherwise = f"Known are: {', '.join(known)}." if known else "No school has a region: leave it out."
        fix = did_you_mean(region, known, otherwise)
        problems.append(Problem("schools", None, "region", region, f"No school is in {shown(region)}.", fix))
    if problems:
        raise DataError(problems)


def _area(schools: pd.DataFrame, region: str | None) -> pd.DataFrame:
    """The schools that take part, by urn, with numbers as numbers."""
    within = schools if region is None else schools[schools["region"] == region]
    numbers = dict.fromkeys(("easting", "northing", "pupils", "fsm_percent"), "float64")
    return within.sort_values("urn", ignore_index=True).astype(numbers)


def _people(area: pd.DataFrame, count: int, chance: Chance, with_days: bool) -> pd.DataFrame:
    vocabulary = standard_vocabulary()
    profile = _drawn(chance, [one.share for one in _PROFILES], count)
    home = _home_schools(area, profile, chance)
    school_phase = _phase_positions(area, vocabulary)
    places = [_drawn(chance, one.chance_of_places, count) for one in _PROFILES]
    days = [_between(chance, *one.days_a_year, count) for one in _PROFILES]
    own_limit = np.array(_OWN_LIMITS_KM)[_between(chance, 0, len(_OWN_LIMITS_KM) - 1, count)]
    return pd.DataFrame(
        {
            "supporter_id": _identifiers("S", count),
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
    """Position of each supporter's home school; heads of different schools as long as there are enough."""
    home = np.zeros(len(profile), dtype=np.intp)
    led = np.zeros(len(area), dtype=bool)
    for position, one in enumerate(_PROFILES):
        people = np.flatnonzero(profile == position)
        pool = _suitable_homes(area, one, len(people), led)
        if one.is_head:
            home[people] = np.resize(pool[_shuffled(chance, len(pool))], len(people))
            led[home[people]] = True
        else:
            home[people] = pool[_between(chance, 0, len(pool) - 1, len(people))]
    return home


def _suitable_homes(area: pd.DataFrame, profile: _Profile, people: int, led: Flags) -> Positions:
    """Schools of the right grades; with those of no grade where they do not suffice, and any where there is none."""
    free = ~led if profile.is_head else np.ones(len(area), dtype=bool)
    graded = free & area["ofsted"].isin(profile.home_grades).to_numpy()
    if graded.sum() >= people:
        return np.flatnonzero(graded)
    pool = np.flatnonzero(graded | (free & (area["ofsted"] == "").to_numpy()))
    return pool if len(pool) else np.arange(len(area))


def _phases(school_phase: Positions, home: Positions, vocabulary: Vocabulary, chance: Chance) -> list[str]:
    """The home school's phase, and sometimes a related one: the more schools have it, the more often."""
    names = vocabulary.phases
    weights = np.where(vocabulary.related_phases(), np.bincount(school_phase, minlength=len(names)), 0.0)
    own = school_phase[home]
    second = _favourites(chance, weights[own])[:, 0]
    has_second = (chance.random(len(home)) < _CHANCE_OF_SECOND_PHASE) & weights[own].any(axis=1)
    return [
        f"{names[one]};{names[other]}" if both else names[one]
        for one, other, both in zip(own, second, has_second, strict=True)
    ]


def _specialisms(phase: Positions, profile: Positions, vocabulary: Vocabulary, chance: Chance) -> list[str]:
    """One to three specialisms for those who do not lead a school, and none for heads."""
    names = np.array(vocabulary.specialisms)
    by_liking = names[_favourites(chance, _specialism_weights(vocabulary)[phase])]
    how_many = np.where(_leads_school(profile), 0, 1 + _drawn(chance, _CHANCE_OF_SPECIALISMS, len(phase)))
    return [";".join(liked[:number]) for liked, number in zip(by_liking.tolist(), how_many, strict=True)]


def _specialism_weights(vocabulary: Vocabulary) -> Floats:
    """How often each specialism (column) is held and asked for in schools of each phase (row)."""
    weights = np.array([_POPULARITY.get(name, 1.0) for name in vocabulary.specialisms])
    for_older_pupils = np.array([band == "secondary" for band in vocabulary.phase_bands.values()])
    for_young_children = np.isin(vocabulary.specialisms, _FOR_YOUNG_CHILDREN)
    return np.where(for_older_pupils[:, None] & for_young_children, 0.0, weights)


def _alliances(local_authorities: NDArray[np.object_], profile: Positions) -> list[str]:
    """A teaching school's alliance for those whom one places: everybody but heads."""
    return [
        f"{authority} alliance" if authority and not is_head else ""
        for authority, is_head in zip(local_authorities, _leads_school(profile), strict=True)
    ]


def _leads_school(profile: Positions) -> Flags:
    return np.array([one.is_head for one in _PROFILES])[profile]


def _conflicts(area: pd.DataFrame, home: Positions, chance: Chance) -> NDArray[np.object_]:
    """Now and then another school of the home school's authority."""
    authority = pd.factorize(area["local_authority"])[0]
    by_authority = np.argsort(authority, kind="stable")
    size = np.bincount(authority)
    first = np.cumsum(size) - size
    step = (chance.random(len(home)) * size[authority[home]]).astype(np.intp)
    other = by_authority[first[authority[home]] + step]
    has_conflict = (chance.random(len(home)) < _CHANCE_OF_CONFLICT) & (other != home)
    return np.where(has_conflict, area["urn"].to_numpy()[other], "")


def _needs(area: pd.DataFrame, count: int, chance: Chance, with_days: bool) -> pd.DataFrame:
    vocabulary = standard_vocabulary()
    focuses = list(vocabulary.focuses.values())
    school = _drawn(chance, [_ASKING.get(grade, 1.0) for grade in area["ofsted"]], count)
    focus = _focuses(school, _phase_positions(area, vocabulary), vocabulary, chance)
    is_specialism = np.array([one.is_specialism for one in focuses])[focus]
    days = np.where(
        is_specialism,
        _between(chance, *_DAYS_FOR_SPECIALISM, count),
        _between(chance, *_DAYS_FOR_WHOLE_SCHOOL, count),
    )
    return pd.DataFrame(
        {
            "need_id": _identifiers("N", count),
            "school_urn": area["urn"].to_numpy()[school],
            "focus": np.array([one.name for one in focuses])[focus],
            "designations": "",
            "days": days.astype(np.float64) if with_days else np.nan,
            "priority": np.array(list(_PRIORITY_SHARE))[_drawn(chance, list(_PRIORITY_SHARE.values()), count)],
            "package": "",
            "notes": "",
        }
    )


def _focuses(school: Positions, school_phase: Positions, vocabulary: Vocabulary, chance: Chance) -> Positions:
    """Focus of each need; a school's needs are about different things until it has named them all."""
    asking, which = np.unique(school, return_inverse=True)
    by_urgency = _favourites(chance, _focus_weights(vocabulary)[school_phase[asking]])
    earlier = pd.Series(school).groupby(school).cumcount().to_numpy(dtype=np.intp)
    focus: Positions = by_urgency[which, earlier % by_urgency.shape[1]]
    return focus


def _focus_weights(vocabulary: Vocabulary) -> Floats:
    """How often each focus (column) is asked for in schools of each phase (row)."""
    by_specialism = _specialism_weights(vocabulary)
    focuses = vocabulary.focuses.values()
    is_specialism = np.array([focus.is_specialism for focus in focuses])
    whole_school = [_WHOLE_SCHOOL_SHARE.get(focus.name, 0.0) for focus in focuses if not focus.is_specialism]
    weights = np.empty((len(by_specialism), len(focuses)))
    weights[:, ~is_specialism] = whole_school
    weights[:, is_specialism] = by_specialism / by_specialism.sum(axis=1, keepdims=True) * (1 - sum(whole_school))
    return weights


def _accreditation(area: pd.DataFrame, people: pd.DataFrame, chance: Chance) -> pd.DataFrame:
    """One row for each supporter and criterion; of most people, every criterion is met."""
    criteria = standard_vocabulary().criteria.values()
    wording = pd.DataFrame(
        [(one.designation, one.code, one.about, one.home_school_grades) for one in criteria],
        columns=["designation", "criterion", "about", "home_grades"],
    )
    grade_of = area.set_index("urn")["ofsted"]
    asked = people[["supporter_id", "designation"]].assign(
        ofsted=people["school_urn"].map(grade_of),
        checked_on=(AS_AT - _between(chance, 1, _OLDEST_CHECK_DAYS, len(people)).astype("timedelta64[D]")).astype(str),
    )
    rows = asked.merge(wording, on="designation")
    rows["met"] = _answers(rows, chance)
    answered = rows["met"] != ""
    return rows.assign(
        evidence=rows["about"].map(_EVIDENCE).where(answered, ""), checked_on=rows["checked_on"].where(answered, "")
    )


def _answers(rows: pd.DataFrame, chance: Chance) -> NDArray[np.object_]:
    """Yes, no or blank; as the home school's grade has it where that decides, with a slip now and then."""
    decided = rows["home_grades"].map(bool).to_numpy() & (rows["ofsted"] != "").to_numpy()
    has_grade = np.array(
        [grade in grades for grade, grades in zip(rows["ofsted"].tolist(), rows["home_grades"], strict=True)]
    )
    slips = chance.random(len(rows)) < _CHANCE_OF_OTHER_ANSWER
    draw = chance.random(len(rows))
    stated = np.select(
        [draw < _CHANCE_NOT_MET, draw < _CHANCE_NOT_MET + _CHANCE_NOT_EVIDENCED], ["no", ""], default="yes"
    )
    return np.where(decided, np.where(has_grade != slips, "yes", "no"), stated)


def _decisions(area: pd.DataFrame, people: pd.DataFrame, needs: pd.DataFrame, chance: Chance) -> pd.DataFrame:
    """A few decisions, of each kind in turn, each about another need and another supporter: so all pins can be kept."""
    count = min(len(people), len(needs), 5 + len(needs) // 1000)
    schools = area.set_index("urn")[["phase", "trust", "easting", "northing"]]
    people = people.join(schools[["trust", "easting", "northing"]], on="school_urn")
    needs = needs.iloc[_shuffled(chance, len(needs))[:count]].join(schools, on="school_urn")
    free = np.ones(len(people), dtype=bool)
    rows = []
    for (_, need), kind in zip(needs.iterrows(), cycle(_DECISION_REASONS)):
        suits = free & _suits(people, need)
        likely = np.where(suits if suits.any() else free, _distance_km(people, need), np.inf)
        nearest = int(np.argmin(likely))
        free[nearest] = False
        # Nobody is sent where they cannot serve.
        possible = "forbid" if kind == "pin" and not suits.any() else kind
        rows.append(_decision(possible, str(people["supporter_id"].iat[nearest]), need))
    return pd.DataFrame(rows)


def _decision(kind: str, supporter_id: str, need: pd.Series) -> dict[str, str]:
    """One row of the decisions table; who is forbidden is forbidden for every need of the school."""
    of_school = kind == "forbid"
    return {
        "kind": kind,
        "supporter_id": supporter_id,
        "need_id": "" if of_school else need["need_id"],
        "school_urn": need["school_urn"] if of_school else "",
        "reason": _DECISION_REASONS[kind],
        "by": "coordinator",
        "on": str(AS_AT),
    }


def _suits(people: pd.DataFrame, need: pd.Series) -> Flags:
    """Whether each supporter could serve the need, were it near enough."""
    focus = standard_vocabulary().focuses[need["focus"]]
    able = (
        people["designation"].isin(focus.accepted_designations)
        & _holds(people["phases"], need["phase"])
        & ~(people["days_available"] < need["days"])
        & (people["school_urn"] != need["school_urn"])
        & (people["conflicts"] != need["school_urn"])
        & ((people["trust"] != need["trust"]) | (people["trust"] == ""))
    )
    if focus.is_specialism:
        able &= _holds(people["specialisms"], focus.name)
    return np.asarray(able, dtype=np.bool_)


def _holds(cells: pd.Series, word: str) -> pd.Series:
    return (";" + cells + ";").str.contains(f";{word};", regex=False)


def _distance_km(people: pd.DataFrame, need: pd.Series) -> Floats:
    """From each supporter's home school to the need's school."""
    easting, northing = people["easting"].to_numpy(), people["northing"].to_numpy()
    return distance_km(easting, northing, need["easting"], need["northing"])


def _phase_positions(area: pd.DataFrame, vocabulary: Vocabulary) -> Positions:
    return pd.Index(vocabulary.phases).get_indexer(pd.Index(area["phase"]))


def _identifiers(letter: str, count: int) -> list[str]:
    """Identifiers of one length, so that they sort in the order of their numbers."""
    width = max(3, len(str(count)))
    return [f"{letter}{number:0{width}}" for number in range(1, count + 1)]


def _drawn(chance: Chance, weights: ArrayLike, count: int) -> Positions:
    """Positions drawn by weight, the same one as often as it comes."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn: Positions = np.searchsorted(cumulative[:-1], chance.random(count) * cumulative[-1], side="right")
    return drawn


def _between(chance: Chance, low: int, high: int, count: int) -> Positions:
    """Whole numbers from `low` to `high`, each as likely."""
    return low + (chance.random(count) * (high - low + 1)).astype(np.intp)


def _shuffled(chance: Chance, count: int) -> Positions:
    return np.argsort(chance.random(count), kind="stable")


def _favourites(chance: Chance, weights: Floats) -> Positions:
    """For each row, all columns in a random order in which heavy ones come early and those without weight last.

    Notes
    -----
    The order in which exponential waiting times of these rates end is that of drawing by weight without putting back:
    Efraimidis and Spirakis, *Weighted random sampling with a reservoir* (2006).
    """
    waiting = np.full(weights.shape, np.inf)
    np.divide(-np.log1p(-chance.random(weights.shape)), weights, out=waiting, where=weights > 0)
    return np.argsort(waiting, axis=1, kind="stable")


def _as_text(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of its table, all cells text."""
    stand_ins = {"latitude", "longitude", *INSPECTION_COLUMNS}
    names = [column for column in table_formats(standard_vocabulary())[name].column_names if column not in stand_ins]
    return pd.DataFrame({column: _cells(frame[column]) for column in names})


def _cells(values: pd.Series) -> Sequence[str]:
    if not pd.api.types.is_numeric_dtype(values):
        return values.tolist()
    return ["" if math.isnan(number) else f"{number:.3f}".rstrip("0").rstrip(".") for number in values.tolist()]
