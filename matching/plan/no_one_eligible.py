"""Why nobody is eligible for a need, and who comes nearest; needs that ask for the same people are taken together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.errors import counted
from matching.pairs.market import Market
from matching.pairs.rules import RULES
from matching.plan.phrases import bar_phrase, joined, people_asked, person
from matching.solve.arrays import Positions
from matching.tables.grid import kilometres

Flags = NDArray[np.bool_]

# Of those who can be deployed and have the specialism. Each step adds rules; a need whose candidates all break one by a
# step is unmet for that step's reason.
_STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("no_phase", ("phase",)),
    ("too_far", ("distance",)),
    ("not_independent", ("own school", "same trust", "conflict")),
    ("decided_against", ("forbidden", "declined")),
    ("too_many_days", ("days",)),
)


# Needs times people that are looked at at once, so that memory does not grow with the nation.
_CELLS_AT_ONCE = 500_000
_PEOPLE_AT_ONCE = 250


@dataclass(frozen=True)
class Lacking:
    """Why nobody is eligible: the reason's code, the reason, and who comes nearest; the last two are sentences."""

    code: str
    reason: str
    nearest_option: str


def nobody_eligible(market: Market, needs: Positions) -> dict[int, Lacking]:
    """Why nobody is eligible for each of these needs, by the need's position."""
    found: dict[int, Lacking] = {}
    for asked, alike in _alike(market, needs):
        height = max(1, _CELLS_AT_ONCE // max(1, len(asked.accepted)))
        for start in range(0, len(alike), height):
            found.update(_lacking(market, alike[start : start + height], asked))
    return found


@dataclass(frozen=True)
class _Asked:
    """The people that needs of one kind ask for: of an accepted designation, able to go, and with the specialism."""

    accepted: Positions
    deployable: Positions
    fitting: Positions


def _asked(market: Market, need: int) -> _Asked:
    rulebook = market.rulebook
    accepted = np.flatnonzero(rulebook.accepts[need, rulebook.designation])
    deployable = accepted[rulebook.available[accepted]]
    fitting = deployable[rulebook.specialism_fit[deployable, rulebook.focus[need]] > 0]
    return _Asked(accepted, deployable, fitting)


def _alike(market: Market, needs: Positions) -> Iterator[tuple[_Asked, Positions]]:
    """Needs with the same focus and the same accepted designations, and the people that they ask for."""
    rulebook = market.rulebook
    kinds = np.column_stack([rulebook.focus[needs], rulebook.accepts[needs]])
    kind = np.unique(kinds, axis=0, return_inverse=True)[1].ravel()
    for one in np.unique(kind).tolist():
        same = needs[kind == one]
        yield _asked(market, int(same[0])), same


def _lacking(market: Market, needs: Positions, asked: _Asked) -> Iterator[tuple[int, Lacking]]:
    """Each of some needs that ask for the same people, and why nobody is eligible for it."""
    fitting = _Far.of(market, needs, asked.fitting)
    is_beyond: Flags = np.asarray(~fitting.in_reach.any(axis=1))
    # Most needs have somebody among the first that are looked at.
    for start in range(0, len(asked.deployable), _PEOPLE_AT_ONCE):
        doubtful = np.flatnonzero(is_beyond)
        some = _Far.of(market, needs[doubtful], asked.deployable[start : start + _PEOPLE_AT_ONCE])
        is_beyond[doubtful] = ~some.in_reach.any(axis=1)
    yield from _beyond_reach(market, needs[is_beyond], asked)
    near = fitting.of_needs(~is_beyond)
    yield from _by_steps(market, near) if len(asked.fitting) else _none_fits(market, near.needs, asked)


@dataclass(frozen=True)
class _Far:
    """How far some people (columns) are from some needs (rows), in km, and who is near enough."""

    needs: Positions
    people: Positions
    km: NDArray[np.float64]
    in_reach: Flags

    @classmethod
    def of(cls, market: Market, needs: Positions, people: Positions) -> "_Far":
        km = market.rulebook.distance_km(needs[:, np.newaxis], people[np.newaxis, :])
        return cls(needs, people, km, np.asarray(km <= market.rulebook.limit_km[people]))

    def of_needs(self, rows: Flags) -> "_Far":
        """The same of some of the needs."""
        return self if rows.all() else _Far(self.needs[rows], self.people, self.km[rows], self.in_reach[rows])


def _beyond_reach(market: Market, needs: Positions, asked: _Asked) -> Iterator[tuple[int, Lacking]]:
    far = _Far.of(market, needs, asked.deployable if len(asked.deployable) else asked.accepted)
    nearest = _nearest(market, far, np.ones_like(far.in_reach), _broken(market, far))
    for need, option in zip(needs.tolist(), nearest, strict=True):
        yield need, Lacking("none_in_reach", _none_in_reach(market, need, len(asked.deployable)), option)


def _none_fits(market: Market, needs: Positions, asked: _Asked) -> Iterator[tuple[int, Lacking]]:
    far = _Far.of(market, needs, asked.deployable)
    nearest = _nearest(market, far, far.in_reach, _broken(market, far))
    for need, option in zip(needs.tolist(), nearest, strict=True):
        yield need, Lacking("no_specialism", _step_sentence(market, need, "no_specialism", far.people), option)


def _by_steps(market: Market, far: _Far) -> Iterator[tuple[int, Lacking]]:
    """Who of those with the specialism is left after each step, until nobody is."""
    needs, fitting, broken = far.needs, far.people, _broken(market, far)
    left = np.ones((len(needs), len(fitting)), dtype=bool)
    pool, codes = left.copy(), np.full(len(needs), "", dtype=object)
    for code, rules in _STEPS:
        still = left & ~np.logical_or.reduce([broken[rule] for rule in rules])
        ends = left.any(axis=1) & ~still.any(axis=1)
        pool[ends], codes[ends] = left[ends], code
        left = still
    assert not left.any(), "a need that somebody is eligible for"
    nearest = _nearest(market, far, pool, broken)
    for row, (need, code) in enumerate(zip(needs.tolist(), codes.tolist(), strict=True)):
        yield need, Lacking(code, _step_sentence(market, need, code, fitting[pool[row]]), nearest[row])


def _broken(market: Market, far: _Far) -> Mapping[str, Flags]:
    """By rule: which of some people (columns) break it with which needs (rows)."""
    height, width = far.km.shape
    flags = market.rulebook.broken(np.repeat(far.needs, width), np.tile(far.people, height), far.km.ravel())
    return {rule: cells.reshape(height, width) for rule, cells in flags.items()}


def _none_in_reach(market: Market, need: int, deployable: int) -> str:
    words = " or ".join(market.needs[need]["designations"])
    if not deployable:
        return f"There is no {words} who is accredited and offers a place."
    people = counted(deployable, "person", "people")
    return f"No {words} is near enough: {people} could be deployed, each beyond their distance limit."


def _step_sentence(market: Market, need: int, code: str, pool: Positions) -> str:
    """The reason, given the people who are left before the step that leaves nobody."""
    row, rulebook = market.needs[need], market.rulebook
    focus, codes = row["focus"], row["designations"]
    one, several = people_asked(market, need, related=False)
    limits, offered = rulebook.limit_km[pool], rulebook.days_offered[pool].max() / 100
    is_alike = limits.min() == limits.max()
    # Whoever lacks the days too would not be eligible without the decision.
    lacks_days = rulebook.days_asked[need] / 100 > rulebook.days_offered[pool].min() / 100
    sentences = _THE_ONLY_ONE if len(pool) == 1 else _EVERYBODY
    return sentences[code].format(
        found=len(pool),
        focus=f"{focus} or a related specialism" if market.inputs.policy.related_specialisms.get(focus) else focus,
        phase=market.school_of(need)["phase"],
        one=one,
        several=several,
        codes=" or ".join(codes),
        people=" and ".join(f"{code}s" for code in codes),
        within=f"within {limits[0]:g} km of the school" if is_alike else "near enough to the school",
        asked_of="near enough" if lacks_days else "otherwise eligible",
        asked=f"{row['days']:g}",
        most=f"{offered:g}",
    )


# What leaves nobody, where one person was left before, and where several were.
_THE_ONLY_ONE: Mapping[str, str] = {
    "no_specialism": "The only {codes} who can be deployed does not have {focus}.",
    "no_phase": "The only person with {focus} does not support the phase {phase}.",
    "too_far": "No {one} for the phase {phase} is {within}: the only one is further away.",
    "not_independent": "The only {one} near enough is of this school or its trust, or has declared a conflict with it.",
    "decided_against": "The only person {asked_of} was forbidden or has declined.",
    "too_many_days": "The need asks {asked} days, and the only person otherwise eligible offers {most}.",
}
_EVERYBODY: Mapping[str, str] = {
    "no_specialism": "None of the {found:,} {people} who can be deployed has {focus}.",
    "no_phase": "None of the {found:,} people with {focus} supports the phase {phase}.",
    "too_far": "No {one} for the phase {phase} is {within}: all {found:,} are further away.",
    "not_independent": "All {found:,} {several} near enough are of this school or its trust, or have declared a "
    "conflict with it.",
    "decided_against": "All {found:,} people {asked_of} were forbidden or have declined.",
    "too_many_days": "The need asks {asked} days, and none of the {found:,} people otherwise eligible offers more than "
    "{most}.",
}


def _nearest(market: Market, far: _Far, among: Flags, broken: Mapping[str, Flags]) -> list[str]:
    """For each need, of those it looks among, the nearest who breaks the fewest rules, and what stands in the way."""
    needs, people, km = far.needs, far.people, far.km
    if not len(people):
        return ["Nobody in the supporters table holds an accepted designation."] * len(needs)
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
    away = "" if broken["distance"] else f", {kilometres(km)} away,"
    return f"{person(market, who)}{away} {joined(phrases)}."
