"""The rules of a run over needs and supporters as arrays: the fits of each pair, and the rules it breaks.

Pairs are two arrays of equal length, positions of needs and of supporters in the inputs, so that one pair, one need or
five million pairs are the same call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from matching.inputs.groups import group_keys
from matching.inputs.inputs import Inputs
from matching.solve.problem import Flags, Floats, Integers, Positions
from matching.tables.formats import PRIORITIES, RULE_CODES
from matching.tables.grid import distance_km

SCHOOL_LIMIT, HOME_LIMIT = "school limit", "home school limit"
"""Codes of the rules that only several deployments together can break."""
RULES = tuple(code for code in RULE_CODES if code not in (SCHOOL_LIMIT, HOME_LIMIT))
"""Codes of the rules of single pairs, in the order in which a person would check: suitable, near enough, allowed."""

# More than the ordinal of any date, so that supporter and day fit into one number.
_DAYS = 4_000_000


@dataclass(frozen=True)
class Fits:
    """Fits of pairs: distance in km, the three fits from 0 to 1, and the score in whole thousandths."""

    distance_km: Floats
    specialism: Floats
    phase: Floats
    distance: Floats
    score_milli: Integers


@dataclass(frozen=True)
class Rulebook:
    """The inputs of a run as arrays, and the rules on them.

    Attributes
    ----------
    accredited : ndarray of bool
        By supporter.
    """

    inputs: Inputs
    accredited: Flags

    @cached_property
    def need_school(self) -> Positions:
        """Position of each need's school in the schools table."""
        return positions(self.inputs.schools["urn"], self.inputs.needs["school_urn"])

    @cached_property
    def home_school(self) -> Positions:
        """Position of each supporter's home school in the schools table."""
        return positions(self.inputs.schools["urn"], self.inputs.supporters["school_urn"])

    @cached_property
    def focus(self) -> Positions:
        """Each need's focus, as its position in the vocabulary."""
        return positions(pd.Series(list(self.inputs.vocabulary.focuses)), self.inputs.needs["focus"])

    @cached_property
    def designation(self) -> Positions:
        """Each supporter's designation, as its position in the vocabulary."""
        return positions(pd.Series(list(self.inputs.vocabulary.designations)), self.inputs.supporters["designation"])

    @cached_property
    def phase(self) -> Positions:
        """The phase of each need's school, as its position in the vocabulary."""
        phases = self.inputs.schools["phase"].to_numpy()[self.need_school]
        return positions(pd.Series(self.inputs.vocabulary.phases), pd.Series(phases))

    @cached_property
    def accepts(self) -> Flags:
        """Whether a need (row) accepts a designation (column)."""
        return _members(self.inputs.needs["designations"], tuple(self.inputs.vocabulary.designations))

    @cached_property
    def available(self) -> Flags:
        """Whether a supporter can be deployed at all: accredited, with a place."""
        return self.accredited & (self.places > 0)

    @cached_property
    def places(self) -> Integers:
        """Each supporter's max_deployments."""
        return np.asarray(self.inputs.supporters["max_deployments"], dtype=np.int64)

    @cached_property
    def days_asked(self) -> Integers:
        """Each need's days, in hundredths of a day, so that sums are exact."""
        days: Floats = np.asarray(self.inputs.needs["days"], dtype=np.float64)
        return np.rint(100 * days).astype(np.int64)

    @cached_property
    def days_offered(self) -> Floats:
        """Each supporter's days_available, in hundredths of a day; infinite without a limit."""
        days: Floats = np.asarray(self.inputs.supporters["days_available"], dtype=np.float64)
        return np.rint(100 * days)

    @cached_property
    def start_day(self) -> Integers:
        """The day on which each need's supporter must be available, as an ordinal: its start_by, or the as-at day."""
        as_at = self.inputs.as_at.toordinal()
        days = [as_at if day is None else day.toordinal() for day in self.inputs.needs["start_by"]]
        return np.array(days, dtype=np.int64)

    def day_of(self, need: int) -> date:
        """Return the day on which the supporter of a need must be available."""
        return date.fromordinal(int(self.start_day[need]))

    @cached_property
    def absences(self) -> tuple[Integers, Integers]:
        """When supporters are not available: the first and last day of each absence, as supporter × _DAYS + ordinal.

        The absences of one supporter are in order, and neither overlap nor follow one another without a day between.
        """
        people = self.inputs.supporters
        columns = (people["available_from"], people["available_until"], people["unavailable"])
        first, last = [], []
        for supporter, (begins, ends, ranges) in enumerate(zip(*columns, strict=True)):
            spans = [(one.first.toordinal(), one.last.toordinal()) for one in ranges]
            spans += [(0, begins.toordinal() - 1)] if begins else []
            spans += [(ends.toordinal() + 1, _DAYS - 1)] if ends else []
            merged: list[tuple[int, int]] = []
            for start, end in sorted(spans):
                if merged and start <= merged[-1][1] + 1:
                    merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
                else:
                    merged.append((start, end))
            first += [supporter * _DAYS + start for start, _ in merged]
            last += [supporter * _DAYS + end for _, end in merged]
        return np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)

    def absence_of(self, need: int, supporter: int) -> tuple[date | None, date | None] | None:
        """Return the last day before and the first day after a supporter's absence on the day of a need.

        A day is None where the absence has no such end; all is None where the supporter is available.
        """
        first, last = self.absences
        code = supporter * _DAYS + int(self.start_day[need])
        place = int(np.searchsorted(first, code, side="right")) - 1
        if place < 0 or last[place] < code:
            return None
        ends = int(first[place]) % _DAYS - 1, int(last[place]) % _DAYS + 1
        before, after = (date.fromordinal(end) if 0 < end <= date.max.toordinal() else None for end in ends)
        return before, after

    @cached_property
    def priority_level(self) -> Positions:
        """Each need's level: 0 critical, 1 high, 2 normal."""
        return positions(pd.Series(PRIORITIES), self.inputs.needs["priority"])

    @cached_property
    def package(self) -> Positions:
        """Each need's package as a number; -1 without one."""
        packages = self.inputs.needs["package"]
        return pd.factorize(packages.where(packages != ""), sort=True)[0].astype(np.intp)

    @cached_property
    def limit_km(self) -> Floats:
        """Each supporter's distance limit in km: the smaller of the policy's and their own."""
        by_designation = [self.inputs.policy.max_distance_km[code] for code in self.inputs.vocabulary.designations]
        own: Floats = np.asarray(self.inputs.supporters["max_distance_km"], dtype=np.float64)
        limits: Floats = np.minimum(np.array(by_designation)[self.designation], own)
        return limits

    @cached_property
    def specialism_fit(self) -> Floats:
        """Fit of a supporter (row) to a focus (column)."""
        vocabulary, policy = self.inputs.vocabulary, self.inputs.policy
        focuses = list(vocabulary.focuses.values())
        holds = _members(self.inputs.supporters["specialisms"], tuple(vocabulary.focuses))
        codes = np.array(list(vocabulary.designations))[self.designation]
        fit = np.zeros(holds.shape)
        for column, focus in enumerate(focuses):
            if focus.is_specialism:
                related = np.isin(list(vocabulary.focuses), policy.related_specialisms.get(focus.name, ()))
                fit[:, column] = np.where(
                    holds[:, column], 1.0, np.where(holds[:, related].any(axis=1), policy.specialism_fit.related, 0.0)
                )
            else:
                fit[:, column] = np.isin(codes, focus.fit_designations)
        return fit

    @cached_property
    def phase_fit(self) -> Floats:
        """Fit of a supporter (row) to a school's phase (column)."""
        vocabulary = self.inputs.vocabulary
        has = _members(self.inputs.supporters["phases"], vocabulary.phases)
        related = (has.astype(np.int64) @ vocabulary.related_phases().astype(np.int64)) > 0
        return np.where(has, 1.0, np.where(related, self.inputs.policy.phase_fit.related, 0.0))

    @cached_property
    def trust(self) -> tuple[Integers, Integers]:
        """Each school's trust as a number, by its code and by its name; -1 for none."""
        schools = self.inputs.schools
        return _numbered(schools["trust_code"]), _numbered(group_keys(schools["trust"]))

    @cached_property
    def federation(self) -> Integers:
        """Each school's federation as a number; -1 for none."""
        return _numbered(group_keys(self.inputs.schools["federation"]))

    @cached_property
    def conflicts(self) -> Integers:
        """Declared conflicts as `code`s of supporter and school, sorted."""
        conflicts = self.inputs.supporters["conflicts"]
        supporter = np.repeat(np.arange(len(conflicts)), conflicts.map(len))
        school = positions(
            self.inputs.schools["urn"], pd.Series([urn for urns in conflicts for urn in urns], dtype="object")
        )
        known = school >= 0
        return np.unique(supporter[known] * len(self.inputs.schools) + school[known])

    @cached_property
    def decided(self) -> Mapping[str, Integers]:
        """By kind of decision, the pairs that it is about: need × supporters + supporter, sorted."""
        decisions, needs, supporters = self.inputs.decisions, self.inputs.needs, self.inputs.supporters
        need = positions(needs["need_id"], decisions["need_id"])
        code = need * len(supporters) + positions(supporters["supporter_id"], decisions["supporter_id"])
        # Decisions may also be about needs that are not open.
        return {
            kind: np.unique(code[(decisions["kind"] == kind).to_numpy() & (need >= 0)])
            for kind in ("pin", "forbid", "declined")
        }

    @cached_property
    def has_side_constraints(self) -> bool:
        """Whether any side constraint applies."""
        rules = self.inputs.policy.rules
        limits = (rules.max_supporters_per_school, rules.max_per_home_school)
        return self.has_packages or any(limit is not None for limit in limits)

    @cached_property
    def has_packages(self) -> bool:
        """Whether any needs are met together or not at all."""
        return bool((self.package >= 0).any())

    @cached_property
    def pins(self) -> tuple[Positions, Positions]:
        """Needs and supporters that are pinned together."""
        return np.divmod(self.decided["pin"], max(len(self.inputs.supporters), 1))

    @cached_property
    def earlier(self) -> Integers:
        """The earlier plan's pairs that are still in the tables: need × supporters + supporter, sorted."""
        if self.inputs.baseline is None:
            return np.empty(0, dtype=np.int64)
        need = positions(self.inputs.needs["need_id"], self.inputs.baseline["need_id"])
        supporter = positions(self.inputs.supporters["supporter_id"], self.inputs.baseline["supporter_id"])
        known = (need >= 0) & (supporter >= 0)
        return np.unique(need[known] * len(self.inputs.supporters) + supporter[known])

    @cached_property
    def easting_m(self) -> Floats:
        """Each school's easting, in metres."""
        return self.inputs.schools["easting"].to_numpy(dtype=np.float64)

    @cached_property
    def northing_m(self) -> Floats:
        """Each school's northing, in metres."""
        return self.inputs.schools["northing"].to_numpy(dtype=np.float64)

    def distance_km(self, need: Positions, supporter: Positions) -> Floats:
        """Return the distance from the supporter's home school to the need's school."""
        to, home = self.need_school[need], self.home_school[supporter]
        return distance_km(self.easting_m[to], self.northing_m[to], self.easting_m[home], self.northing_m[home])

    def fits(self, need: Positions, supporter: Positions) -> Fits:
        """Return the fits and score of each pair, eligible or not; a fit is never negative."""
        weights = self.inputs.policy.weights
        km = self.distance_km(need, supporter)
        specialism = self.specialism_fit[supporter, self.focus[need]]
        phase = self.phase_fit[supporter, self.phase[need]]
        distance = np.maximum(1 - km / self.limit_km[supporter], 0.0)
        # The contract fixes this order: another could round the last thousandth differently.
        points = weights.specialism * specialism + weights.phase * phase + weights.distance * distance
        return Fits(km, specialism, phase, distance, np.rint(1000 * points / weights.total).astype(np.int64))

    def broken(self, need: Positions, supporter: Positions, km: Floats | None = None) -> dict[str, Flags]:
        """Return by rule, named as in `RULES`, which pairs break it; `km` are their distances, if known already."""
        km = self.distance_km(need, supporter) if km is None else km
        to, home = self.need_school[need], self.home_school[supporter]
        pair, nowhere = need.astype(np.int64) * len(self.inputs.supporters) + supporter, np.zeros(len(need), dtype=bool)
        rules = self.inputs.policy.rules
        return {
            "designation": ~self.accepts[need, self.designation[supporter]],
            "accreditation": ~self.accredited[supporter],
            "specialism": self.specialism_fit[supporter, self.focus[need]] <= 0,
            "phase": self.phase_fit[supporter, self.phase[need]] <= 0,
            "distance": km > self.limit_km[supporter],
            "own school": to == home,
            "same trust": self._is_in_same_trust(to, home) if rules.same_trust == "forbid" else nowhere,
            "same federation": (
                _is_same(self.federation, to, home) & (to != home) if rules.same_federation == "forbid" else nowhere
            ),
            "conflict": _among(supporter.astype(np.int64) * len(self.inputs.schools) + to, self.conflicts),
            "dates": self._is_away(need, supporter),
            "forbidden": _among(pair, self.decided["forbid"]),
            "declined": _among(pair, self.decided["declined"]),
            "places": self.places[supporter] < 1,
            "days": self.days_asked[need] > self.days_offered[supporter],
        }

    def _is_in_same_trust(self, to: Positions, home: Positions) -> Flags:
        """Return which pairs of schools are in one trust: by its code where both have one, otherwise by its name."""
        code, name = self.trust
        same = _is_same(name, to, home)
        if (code >= 0).any():
            same = np.where((code[to] >= 0) & (code[home] >= 0), code[to] == code[home], same)
        return np.asarray(same & (to != home))

    def broken_by_pins(self) -> dict[str, Flags]:
        """Return by rule which pins break it, in the order of `pins`: of the pair, or together with other pins."""
        rules, (need, supporter) = self.inputs.policy.rules, self.pins
        to, home, n_people = self.need_school[need], self.home_school[supporter], len(self.inputs.supporters)
        flags = self.broken(need, supporter)
        places, days = self.used_by_pins
        flags["places"] = (places > self.places)[supporter]
        flags["days"] = (days > self.days_offered)[supporter]
        n_schools = len(self.inputs.schools)
        coming = np.bincount(np.unique(to * n_people + supporter) // max(n_people, 1), minlength=n_schools)
        leaving = np.bincount(home, minlength=n_schools)
        for code, count, school, limit in (
            (SCHOOL_LIMIT, coming, to, rules.max_supporters_per_school),
            (HOME_LIMIT, leaving, home, rules.max_per_home_school),
        ):
            flags[code] = np.zeros(len(need), dtype=bool) if limit is None else count[school] > limit
        return flags

    @cached_property
    def used_by_pins(self) -> tuple[Integers, Integers]:
        """The places, and the days in hundredths, that the pins take of each supporter."""
        need, supporter = self.pins
        places = np.bincount(supporter, minlength=len(self.places))
        days = np.bincount(supporter, weights=self.days_asked[need], minlength=len(self.places))
        return places.astype(np.int64), np.rint(days).astype(np.int64)

    def _is_away(self, need: Positions, supporter: Positions) -> Flags:
        """Return whether each pair's supporter is not available on the day of the need."""
        first, last = self.absences
        if not len(first):
            return np.zeros(len(need), dtype=bool)
        code = supporter.astype(np.int64) * _DAYS + self.start_day[need]
        place = np.searchsorted(first, code, side="right") - 1
        return np.asarray((place >= 0) & (last[np.maximum(place, 0)] >= code))

    def eligible(self, need: Positions, supporter: Positions) -> Flags:
        """Return whether each pair breaks no rule."""
        broken = np.zeros(len(need), dtype=bool)
        for flags in self.broken(need, supporter).values():
            broken |= flags
        return ~broken


def positions(known: pd.Series, wanted: pd.Series) -> Positions:
    """Return the position of each wanted value among the known ones; -1 where it is not one of them."""
    return np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)), dtype=np.intp)


def _numbered(words: pd.Series) -> Integers:
    """Return each word as a number, equal words as the same one; -1 for a blank."""
    return pd.factorize(words.where(words != ""))[0].astype(np.int64)


def _is_same(number: Integers, to: Positions, home: Positions) -> Flags:
    return np.asarray((number[to] == number[home]) & (number[to] >= 0))


def _members(lists: pd.Series, words: tuple[str, ...]) -> Flags:
    """Return whether the tuple of each row (row) holds each word (column)."""
    column_of = {word: column for column, word in enumerate(words)}
    flags = np.zeros((len(lists), len(words)), dtype=bool)
    for row, held in enumerate(lists):
        for word in held:
            flags[row, column_of[word]] = True
    return flags


def _among(codes: Integers, barred: Integers) -> Flags:
    """Return whether each code is among the sorted `barred` ones."""
    if not len(barred):
        return np.zeros(len(codes), dtype=bool)
    place = np.minimum(np.searchsorted(barred, codes), len(barred) - 1)
    return np.asarray(barred[place] == codes)
