"""The schools that a name may mean. They are only proposed: the user enters the URN, or accepts it."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from matching.errors import Problem, which_of

_MOST_CANDIDATES = 4
# Comparing more names letter by letter would be slow; names that agree are found whatever their number.
_MOST_COMPARED = 200
_LEAST_ALIKE = 62
# Among names that are as much alike, the nearer school is more likely: points for the reach of the round's area.
_PER_REACH = 4
_LEAST_RADIUS_M = 50_000
_FEWEST_FOR_AN_AREA = 3
# Of 1,200 real names with one or two slips, a third have such a school, and it is never another one; where the school
# itself is not in the table, it is another one for one name in fifty.
_LEAST_LIKELY = 0.9
_AHEAD_OF_OTHERS = 0.08
_PRIMARY_PHASES = ("Primary", "Middle deemed primary")


@dataclass(frozen=True)
class Candidate:
    """A school that a name may mean; `place` is its postcode, and `alike` how well the names agree, from 0 to 1."""

    urn: str
    name: str
    place: str
    authority: str
    alike: float

    def __str__(self) -> str:
        """Return the URN with what distinguishes the school from others of its name."""
        return f"'{self.urn}' ({', '.join(filter(None, (self.name, self.place, self.authority)))})"


@dataclass(frozen=True)
class NamedSchool:
    """What the name of a school means.

    Attributes
    ----------
    name : str
    proposed : Candidate or None
        The only school of that name: in the round's area, where several have it.
    candidates : tuple of Candidate
        Where none is proposed, or the proposal is questioned: the schools with the closest names, the closest first.
    question : str
        Why the proposal may be wrong; blank where nothing speaks against it.
    likely : Candidate or None
        Where none is proposed: the only school, in the round's area, whose name is nearly this one.
    """

    name: str
    proposed: Candidate | None
    candidates: tuple[Candidate, ...] = ()
    question: str = ""
    likely: Candidate | None = None


@dataclass(frozen=True)
class SchoolProposal:
    """The school that one cell names; `problem` is the cell's."""

    problem: Problem
    school: NamedSchool


def propose_schools(
    problems: Iterable[Problem], schools: pd.DataFrame, known: Collection[str] = ()
) -> tuple[SchoolProposal, ...]:
    """Return the school that is proposed for every cell with a school's name in the place of its URN.

    Parameters
    ----------
    problems : iterable of Problem
        Of any tables; those about other cells are left out.
    schools : DataFrame
        A schools table: urn, name, phase, easting, northing, and where it has them postcode and local_authority.
    known : collection of str
        The URNs that the round's people and needs have already; with the names that are plain they show its area.
    """
    named = [one for one in problems if is_school_name(one)]
    found = match_names([one.value for one in named], schools, known) if named else {}
    return tuple(SchoolProposal(one, found[one.value]) for one in named)


def is_school_name(problem: Problem) -> bool:
    """Return whether a problem is about a school's name in the place of its URN."""
    return problem.column == "school_urn" and any(map(str.isalpha, problem.value))


def match_names(names: Iterable[str], schools: pd.DataFrame, known: Collection[str] = ()) -> dict[str, NamedSchool]:
    """Return what each name means; the parameters are those of `propose_schools`."""
    names = sorted({*names})
    table = schools[schools["name"].notna() & schools["urn"].notna()]
    table = table.sort_values("urn", ignore_index=True)
    index = _Index(table)
    having = {name: index.having_name(name) for name in names}
    plain = {places[0] for places in having.values() if len(places) == 1}
    distance_m, radius_m = index.area(plain | index.places_of(known))
    proposed: dict[str, int] = {}
    for name, places in having.items():
        near = [place for place in places if distance_m[place] <= radius_m]
        if len(places) == 1 or len(near) == 1:
            proposed[name] = (near or places)[0]
    far = {name for name, place in proposed.items() if distance_m[place] > radius_m}
    open_names = [name for name in names if name in far or name not in proposed]
    closest = index.closest(open_names[:_MOST_COMPARED], np.minimum(distance_m / radius_m, 3))

    def likely(name: str) -> Candidate | None:
        first, *others = closest.get(name) or (None,)
        if name in proposed or first is None or first.alike < _LEAST_LIKELY:
            return None
        is_alone = all(first.alike - one.alike >= _AHEAD_OF_OTHERS for one in others if one)
        (place,) = index.places_of([first.urn])
        return first if is_alone and distance_m[place] <= radius_m else None

    return {
        name: NamedSchool(
            name,
            index.candidate(proposed[name], 1.0) if name in proposed else None,
            closest.get(name, ()),
            f"It is {distance_m[proposed[name]] / 1000:,.0f} km from the middle of the other schools."
            if name in far
            else "",
            likely(name),
        )
        for name in names
    }


def with_schools_offered(
    problems: Sequence[Problem], schools: pd.DataFrame | None, known: Collection[str]
) -> list[Problem]:
    """Return the problems; each school's name in the place of a URN gets the schools that may be meant as its fix."""
    if schools is None:
        return list(problems)
    offered = {one.problem: _offering(one) for one in propose_schools(problems, schools, known)}
    return [offered.get(one, one) for one in problems]


def _offering(proposal: SchoolProposal) -> Problem:
    school = proposal.school
    offers = [one for one in (school.proposed, *school.candidates) if one]
    offers = list({one.urn: one for one in offers}.values())
    if not offers:
        return proposal.problem
    fix = f"{which_of(map(str, offers))} {school.question}".strip()
    return replace(proposal.problem, fix=fix, offers=tuple(one.urn for one in offers))


class _Index:
    """The names of a schools table, in the forms in which they are compared."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table
        shown = ("urn", "name", "postcode", "local_authority")
        self._shown = [table[name].tolist() if name in table else [""] * len(table) for name in shown]
        self._keys = comparable_names(table["name"].tolist())
        self._place_of = {urn: place for place, urn in enumerate(table["urn"].tolist())}
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._short: dict[str, list[int]] = defaultdict(list)
        for place, key in enumerate(self._keys):
            self._whole[key].append(place)
            self._short[_shortened(key)].append(place)

    def having_name(self, name: str) -> list[int]:
        """Return the schools of a name: as it is or, where there is none, without the words that people leave out."""
        (key,) = comparable_names([name])
        if not key or key in self._whole:
            return self._whole.get(key, [])
        places = self._short.get(_shortened(key), [])
        if "primary" not in key.split():
            return places
        # 'Larkfield Primary' is not Larkfield School, which is a secondary school.
        phases = self._table["phase"]
        return [one for one in places if "primary" in self._keys[one].split() or phases.iat[one] in _PRIMARY_PHASES]

    def places_of(self, urns: Collection[str]) -> set[int]:
        """Return the positions of schools by URN; unknown ones are left out."""
        return {self._place_of[urn] for urn in urns if urn in self._place_of}

    def area(self, among: Collection[int]) -> tuple[NDArray[np.float64], float]:
        """Return the distance of each school from the middle of some schools, and how far the area reaches.

        In metres, by medians, so that a few wrong schools do not move it. Without enough schools the area is the whole
        table.
        """
        metres = self._table[["easting", "northing"]].astype(float).to_numpy()
        used = metres[sorted(among)]
        used = used[~np.isnan(used).any(axis=1)]
        if len(used) < _FEWEST_FOR_AN_AREA:
            return np.zeros(len(metres)), np.inf
        distance_m = np.nan_to_num(np.hypot(*(metres - np.median(used, axis=0)).T))
        spread_m = np.median(np.hypot(*(used - np.median(used, axis=0)).T))
        return distance_m, float(max(_LEAST_RADIUS_M, 4 * spread_m))

    def closest(self, names: Sequence[str], reach: NDArray[np.float64]) -> dict[str, tuple[Candidate, ...]]:
        """Return the schools with the closest names, by name; `reach` is how far each is from the round's area."""
        if not names or not self._keys:
            return {}
        wanted = comparable_names(names)
        # With and without the words that people leave out: 'Primay' is closest to the whole name.
        both = (
            process.cdist(_sorted_words(wanted, short), _sorted_words(self._keys, short), scorer=fuzz.ratio)
            for short in (True, False)
        )
        alike = np.maximum(*both)
        ranked = alike - _PER_REACH * reach
        found: dict[str, tuple[Candidate, ...]] = {}
        for row, name in enumerate(names):
            best = np.argsort(-ranked[row], kind="stable")[:_MOST_CANDIDATES].tolist()
            found[name] = tuple(
                self.candidate(place, round(float(alike[row, place]) / 100, 2))
                for place in best
                if alike[row, place] >= _LEAST_ALIKE
            )
        return found

    def candidate(self, place: int, alike: float) -> Candidate:
        """Return a school as it is offered."""
        urn, name, postcode, authority = (column[place] or "" for column in self._shown)
        return Candidate(urn, name, postcode, authority, alike)


def _sorted_words(keys: Iterable[str], short: bool) -> list[str]:
    return [" ".join(sorted((_shortened(key) if short else key).split())) for key in keys]


_PHRASES = (
    *((phrase, "ce") for phrase in ("church of england", "c of e", "cofe", "c e")),
    *((phrase, "catholic") for phrase in ("roman catholic", "r c", "rc")),
    *(("voluntary aided", "va"), ("v a", "va"), ("voluntary controlled", "vc"), ("v c", "vc")),
)
_WORDS = {
    **dict.fromkeys(("school", "schools", "sch", "schl", "the", "and"), ""),
    **dict.fromkeys(("saint", "saints"), "st"),
    **dict.fromkeys(("pri", "prim"), "primary"),
    **dict.fromkeys(("jnr", "jr", "jun", "juniors"), "junior"),
    **dict.fromkeys(("inf", "infants"), "infant"),
    **dict.fromkeys(("comm", "com"), "community"),
    **dict(zip(("sec", "acad", "nurs"), ("secondary", "academy", "nursery"), strict=True)),
}
_LEFT_OUT_BY_PEOPLE = frozenset(("primary", "va", "vc"))
_APOSTROPHES = str.maketrans("&", " ", "'’‘`´")
_PUNCTUATION = re.compile(r"[^\w\n]+|_")


def comparable_names(names: Sequence[str]) -> list[str]:
    """Return names for comparison: small letters, no punctuation, one form for common abbreviations, no 'school'."""
    # As one text: far faster than name by name.
    text = "\n".join(" ".join(name.split()) for name in names).casefold().translate(_APOSTROPHES)
    text = f" {_PUNCTUATION.sub(' ', text)} ".replace("\n", " \n ")
    for phrase, form in _PHRASES:
        text = text.replace(f" {phrase} ", f" {form} ")
    lines = text.split("\n") if names else []
    return [" ".join([word for one in line.split() if (word := _WORDS.get(one, one))]) for line in lines]


def _shortened(key: str) -> str:
    return " ".join(word for word in key.split() if word not in _LEFT_OUT_BY_PEOPLE)
