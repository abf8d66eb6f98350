"""Why no one is eligible for a need, and who comes nearest; needs for the same people are judged together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.pairs.market import Market
from matching.pairs.rules import RULES
from matching.plan.phrases import bar_phrase, person
from matching.plan.unmet import wording
from matching.plan.unmet.wording import Unmet
from matching.solve.problem import Flags, Positions

# Of the people who can be deployed and have the specialism: the rules by which each step may rule out the last ones.
_STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("no_phase", ("phase",)),
    ("too_far", ("distance",)),
    ("not_independent", ("own school", "same trust", "same federation", "conflict")),
    ("not_available", ("dates",)),
    ("decided_against", ("forbidden", "declined")),
    ("too_many_days", ("days",)),
)
# Needs times people judged together, so that memory does not grow with the number of needs.
_MOST_CELLS = 500_000
_MOST_PEOPLE = 250


def why_no_one_eligible(market: Market, needs: Positions) -> dict[int, Unmet]:
    """Return why no one is eligible for each of these needs, by the need's position."""
    found: dict[int, Unmet] = {}
    for pool, alike in _by_pool(market, needs):
        height = max(1, _MOST_CELLS // max(1, len(pool.accepted)))
        for start in range(0, len(alike), height):
            found.update(_why(market, alike[start : start + height], pool))
    return found


@dataclass(frozen=True)
class _Pool:
    """The supporters that some needs are for: of an accepted designation; able to go; with the specialism too."""

    accepted: Positions
    deployable: Positions
    fitting: Positions

    @classmethod
    def of(cls, market: Market, need: int) -> "_Pool":
        rulebook = market.rulebook
        accepted = np.flatnonzero(rulebook.accepts[need, rulebook.designation])
        deployable = accepted[rulebook.available[accepted]]
        fitting = deployable[rulebook.specialism_fit[deployable, rulebook.focus[need]] > 0]
        return cls(accepted, deployable, fitting)


def _by_pool(market: Market, needs: Positions) -> Iterator[tuple[_Pool, Positions]]:
    """Group needs with the same focus and accepted designations, with the supporters that they are for."""
    rulebook = market.rulebook
    kinds = np.column_stack([rulebook.focus[needs], rulebook.accepts[needs]])
    kind = np.unique(kinds, axis=0, return_inverse=True)[1].ravel()
    for one in np.unique(kind).tolist():
        same = needs[kind == one]
        yield _Pool.of(market, int(same[0])), same


@dataclass(frozen=True)
class _Distances:
    """Distances in km from some needs (rows) to some people (columns), and whether each is within the limit."""

    needs: Positions
    people: Positions
    km: NDArray[np.float64]
    in_reach: Flags

    @classmethod
    def of(cls, market: Market, needs: Positions, people: Positions) -> "_Distances":
        km = market.rulebook.distance_km(needs[:, np.newaxis], people[np.newaxis, :])
        return cls(needs, people, km, np.asarray(km <= market.rulebook.limit_km[people]))

    def of_needs(self, rows: Flags) -> "_Distances":
        """Return the distances of some of the needs."""
        return self if rows.all() else _Distances(self.needs[rows], self.people, self.km[rows], self.in_reach[rows])


def _why(market: Market, needs: Positions, pool: _Pool) -> Iterator[tuple[int, Unmet]]:
    """Yield why no one is eligible for each of some needs that are for the same people."""
    fitting = _Distances.of(market, needs, pool.fitting)
    is_beyond: Flags = np.asarray(~fitting.in_reach.any(axis=1))
    # A few people at a time, because most needs have one of the first within reach.
    for start in range(0, len(pool.deployable), _MOST_PEOPLE):
        doubtful = np.flatnonzero(is_beyond)
        some = _Distances.of(market, needs[doubtful], pool.deployable[start : start + _MOST_PEOPLE])
        is_beyond[doubtful] = ~some.in_reach.any(axis=1)
    yield from _none_in_reach(market, needs[is_beyond], pool)
    near = fitting.of_needs(~is_beyond)
    yield from _by_steps(market, near) if len(pool.fitting) else _none_fits(market, near.needs, pool)


def _none_in_reach(market: Market, needs: Positions, pool: _Pool) -> Iterator[tuple[int, Unmet]]:
    distances = _Distances.of(market, needs, pool.deployable if len(pool.deployable) else pool.accepted)
    nearest = _nearest(market, distances, np.ones_like(distances.in_reach), _broken(market, distances))
    for need, option in zip(needs.tolist(), nearest, strict=True):
        yield need, Unmet("none_in_reach", wording.none_in_reach(market, need, len(pool.deployable)), option)


def _none_fits(market: Market, needs: Positions, pool: _Pool) -> Iterator[tuple[int, Unmet]]:
    distances = _Distances.of(market, needs, pool.deployable)
    nearest = _nearest(market, distances, distances.in_reach, _broken(market, distances))
    for need, option in zip(needs.tolist(), nearest, strict=True):
        yield need, Unmet("no_specialism", wording.no_specialism(market, need, len(pool.deployable)), option)


def _by_steps(market: Market, distances: _Distances) -> Iterator[tuple[int, Unmet]]:
    """Rule out people with the specialism step by step; a need is unmet for the step that leaves no one."""
    needs, fitting, broken = distances.needs, distances.people, _broken(market, distances)
    left = np.ones((len(needs), len(fitting)), dtype=bool)
    last, codes = left.copy(), np.full(len(needs), "", dtype=object)
    for code, rules in _STEPS:
        still = left & ~np.logical_or.reduce([broken[rule] for rule in rules])
        ends = left.any(axis=1) & ~still.any(axis=1)
        last[ends], codes[ends] = left[ends], code
        left = still
    assert not left.any(), "a need for which someone is eligible"
    nearest = _nearest(market, distances, last, broken)
    for row, (need, code) in enumerate(zip(needs.tolist(), codes.tolist(), strict=True)):
        yield need, Unmet(code, wording.no_one_left(market, need, code, fitting[last[row]]), nearest[row])


def _broken(market: Market, distances: _Distances) -> Mapping[str, Flags]:
    """Return, by rule, which people (columns) break it with which needs (rows)."""
    height, width = distances.km.shape
    need, supporter = np.repeat(distances.needs, width), np.tile(distances.people, height)
    flags = market.rulebook.broken(need, supporter, distances.km.ravel())
    return {rule: cells.reshape(height, width) for rule, cells in flags.items()}


def _nearest(market: Market, distances: _Distances, among: Flags, broken: Mapping[str, Flags]) -> list[str]:
    """Return, for each need, the nearest of the people `among` those who break the fewest rules, and those rules."""
    needs, people, km = distances.needs, distances.people, distances.km
    if not len(people):
        return [wording.no_holder()] * len(needs)
    obstacles = np.where(among, np.sum([broken[rule] for rule in RULES], axis=0), len(RULES) + 1)
    fewest = obstacles == obstacles.min(axis=1, keepdims=True, initial=len(RULES) + 1)
    best = np.where(fewest, km, np.inf).argmin(axis=1)
    nearest = (needs, best, people[best], km[np.arange(len(needs)), best])
    return [
        _option(market, need, who, away_km, {rule: broken[rule][row, column] for rule in RULES})
        for row, (need, column, who, away_km) in enumerate(zip(*(one.tolist() for one in nearest), strict=True))
    ]


def _option(market: Market, need: int, who: int, km: float, broken: Mapping[str, bool]) -> str:
    phrases = [bar_phrase(market, need, who, rule, km) for rule in RULES if broken[rule]]
    return wording.nearest_person(person(market, who), None if broken["distance"] else km, phrases)
