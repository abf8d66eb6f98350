"""Days: a generalised assignment problem, one connected part at a time, as integer programmes for HiGHS."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from matching.task import (
    PRIORITY_LEVELS,
    UNMET,
    Flags,
    Positions,
    Reached,
    Task,
    Whole,
    as_reached,
    best_of_each_need,
    chosen_pairs,
    days_used,
)

# With days, what a need of each level counts in the first search: a supporter seldom has more than three places, so
# that a need seldom displaces more than three of the next level.
_LEVEL_FACTORS = (16, 4, 1)
# A part of many pairs is first searched level by level over each need's best few, for a good plan whatever comes; one
# of even more is then not searched as a whole, and so not proved.
_MANY_PAIRS = 50_000
_MOST_PAIRS_SEARCHED = 150_000
_BEST_PAIRS_SEARCHED = 6


@dataclass(frozen=True)
class _Programme:
    """The pairs of one connected part as columns, with the rows that any assignment of them keeps."""

    pair: Positions
    need: Positions
    level: Positions
    value_milli: Whole
    rows: csr_array
    row_limits: NDArray[np.float64]

    @property
    def worth(self) -> Whole:
        """By column: large bonuses for the need's level, plus the pair's value.

        One need more at the same level is worth more than any score, and one of a higher level as much as several of
        the next. (With days, one need can displace any number of others, so that no bonus keeps the levels apart by
        itself.)
        """
        bonus = max(int(self.value_milli.max(initial=0)), 1000) * (int(self.need.max(initial=-1)) + 1) + 1
        factors = np.asarray(_LEVEL_FACTORS, dtype=np.int64)[self.level]
        worth: Whole = bonus * factors + self.value_milli
        return worth

    def of(self, columns: Positions) -> "_Programme":
        """The same with some of the columns."""
        rows = csr_array(self.rows[:, columns])
        return _Programme(
            self.pair[columns],
            self.need[columns],
            self.level[columns],
            self.value_milli[columns],
            rows,
            self.row_limits,
        )

    def count(self, level: int) -> Whole:
        """By column: 1 where its need is of this level."""
        ones: Whole = (self.level == level).astype(np.int64)
        return ones


@dataclass(frozen=True)
class _Kept:
    """A sum over columns that an assignment keeps at least."""

    worth: Whole
    at_least: int


def best_with_days(
    task: Task,
    needs: Positions,
    supporters: Positions,
    supporter_of: Positions,
    price: Whole,
    relaxed: Reached,
    deadline: float,
) -> tuple[Positions, Reached]:
    """The best assignment of one connected part with days, and the bound of each level.

    `supporter_of` is the optimum without days, with its prices, and `relaxed` its levels in this part.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves two things of it:
    among plans as good in the first two levels, none is better in the others. That the first two cannot be better is
    proved by the answer without days, where the plan is as good as that; otherwise by a search for that level alone.
    """
    programme = _programme(task, needs, supporters)
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    within_days = _filled(task, nobody, np.intersect1d(chosen_pairs(task, supporter_of), programme.pair))
    fallback = np.isin(programme.pair, chosen_pairs(task, _filled(task, within_days, programme.pair)))
    if len(programme.pair) > _MANY_PAIRS:
        beyond = (task.weight - price[task.supporter])[programme.pair]
        too_many = len(programme.pair) > _MOST_PAIRS_SEARCHED
        share_s = (deadline - time.monotonic()) * (1 if too_many else 2 / 3)
        fallback = _by_levels(programme, beyond, fallback, time.monotonic() + share_s)
        if too_many:
            return _filled_up(task, programme, fallback)[needs], _bounds_without_days(programme, relaxed)
    chosen, most_worth = _best(programme, programme.worth, (), fallback, deadline)
    kept: tuple[_Kept, ...] = ()
    bounds: list[int] = []
    for level in range(len(PRIORITY_LEVELS) - 1):
        counted = programme.count(level)
        value, bound = int(counted[chosen].sum()), relaxed[level]
        # As long as the levels before it are as good as without days, that answer bounds this one.
        if bounds != list(relaxed[:level]) or value < bound:
            found, bound = _best(programme, counted, kept, chosen, deadline)
            if counted[found].sum() > value:
                value = int(counted[found].sum())
                chosen, most_worth = _best(programme, programme.worth, (*kept, _Kept(counted, value)), found, deadline)
        kept = (*kept, _Kept(counted, value))
        bounds.append(max(bound, value))
    outcome = _filled_up(task, programme, chosen)
    chosen = np.isin(programme.pair, chosen_pairs(task, outcome))
    rest = _last_bounds(programme, chosen, most_worth, relaxed)
    return outcome[needs], as_reached([*bounds, *rest])


def _filled_up(task: Task, programme: _Programme, chosen: Flags) -> Positions:
    """By need: the supporter; only a search that ran out of time leaves anything to fill."""
    outcome = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome[task.need[programme.pair[chosen]]] = task.supporter[programme.pair[chosen]]
    return _filled(task, outcome, programme.pair)


def _by_levels(whole: _Programme, beyond: Whole, fallback: Flags, deadline: float) -> Flags:
    """A good choice of columns of a part that is too large to be searched as a whole.

    The most urgent needs are placed first; then those of the next level join in, over each need's best few pairs at
    the prices of the answer without days (`beyond` is what each pair is worth beyond its price). Each level gets its
    share of the time that is left.
    """
    best = np.zeros(len(whole.pair), dtype=bool)
    best[best_of_each_need(whole.need, beyond, _BEST_PAIRS_SEARCHED)] = True
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((best & (whole.level <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(_Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        start = max((chosen[columns], fallback[columns]), key=lambda one: _merit(part, one, met))
        share_s = (deadline - time.monotonic()) / (len(PRIORITY_LEVELS) - level)
        found, _ = _best(part, part.worth, kept, start, time.monotonic() + share_s)
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen


def _merit(part: _Programme, chosen: Flags, met: Sequence[int]) -> tuple[bool, int]:
    """How good a start is: whether it meets as many needs of the earlier levels, and what it is worth."""
    counts = np.bincount(part.level[chosen], minlength=len(PRIORITY_LEVELS))
    enough = all(counts[level] >= count for level, count in enumerate(met))
    return enough, int(part.worth[chosen].sum())


def _bounds_without_days(whole: _Programme, relaxed: Reached) -> Reached:
    """What is known of a part whose search was not over all its pairs."""
    *met, _ = relaxed
    return as_reached([*met, _ceiling(whole, whole.value_milli)])


def _last_bounds(programme: _Programme, chosen: Flags, most_worth: int, relaxed: Reached) -> tuple[int, int]:
    """The bounds of the last level of needs met and of the score, among plans as good in the levels before."""
    counts = np.bincount(programme.level[chosen], minlength=len(PRIORITY_LEVELS)).tolist()
    score, missing = int(programme.value_milli[chosen].sum()), most_worth - int(programme.worth[chosen].sum())
    if missing <= 0:
        return counts[-1], score
    if counts == list(relaxed[:-1]):
        return counts[-1], min(relaxed[-1], score + missing)
    asking = len(np.unique(programme.need[programme.level == len(counts) - 1]))
    most_met = relaxed[-2] if counts[:-1] == list(relaxed[:-2]) else asking
    return most_met, _ceiling(programme, programme.value_milli)


def _programme(task: Task, needs: Positions, supporters: Positions) -> _Programme:
    pair = np.flatnonzero(np.isin(task.need, needs))
    need = np.searchsorted(needs, task.need[pair])
    supporter = np.searchsorted(supporters, task.supporter[pair])
    columns = np.arange(len(pair))
    limited = np.isfinite(task.days_offered[supporters])
    # Whole numbers as small as they can be keep the solver's tolerances far from the truth.
    unit = int(np.gcd.reduce(task.days_asked[needs])) or 1
    days = np.where(limited[supporter], task.days_asked[needs][need] / unit, 0.0)
    n_needs, n_supporters = len(needs), len(supporters)
    rows = np.concatenate([need, n_needs + supporter, n_needs + n_supporters + supporter])
    cells = np.concatenate([np.ones(2 * len(pair)), days])
    matrix = csr_array((cells, (rows, np.tile(columns, 3))), shape=(n_needs + 2 * n_supporters, len(pair)))
    days_limit = np.where(limited, np.floor(task.days_offered[supporters] / unit), 0.0)
    limits = np.concatenate([np.ones(n_needs), task.places[supporters], days_limit])
    return _Programme(pair, need, task.level[task.need[pair]], task.value_milli[pair], matrix, limits)


def _best(
    programme: _Programme, worth: Whole, kept: Sequence[_Kept], fallback: Flags, deadline: float
) -> tuple[Flags, int]:
    """The choice of columns that is worth most and keeps what is kept, and what no choice can be worth more than.

    Where time runs out before anything better than `fallback` is found, that stands.
    """
    left_s = deadline - time.monotonic()
    ceiling = _ceiling(programme, worth)
    if left_s <= 0:
        return fallback, ceiling
    constraints = [LinearConstraint(programme.rows, -np.inf, programme.row_limits)]
    constraints += [LinearConstraint(csr_array(one.worth[np.newaxis, :]), one.at_least, np.inf) for one in kept]
    result = milp(
        -worth.astype(np.float64),
        constraints=constraints,
        integrality=np.ones(len(worth), dtype=np.int64),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0, "time_limit": left_s},
    )
    # Worths are whole: a bound a hair above a whole number is that number.
    bound = ceiling if result.mip_dual_bound is None else min(ceiling, int(np.floor(-result.mip_dual_bound + 1e-3)))
    if result.x is None:
        return fallback, bound
    found = result.x > 0.5
    if not _keeps(programme, found, kept) or worth[found].sum() < worth[fallback].sum():
        return fallback, bound
    return found, bound


def _keeps(programme: _Programme, found: Flags, kept: Sequence[_Kept]) -> bool:
    """Whether a choice keeps every row and every sum, in whole numbers."""
    within = bool((programme.rows @ found.astype(np.float64) <= programme.row_limits).all())
    return within and all(one.worth[found].sum() >= one.at_least for one in kept)


def _ceiling(programme: _Programme, worth: Whole) -> int:
    """What no choice can exceed: the best pair of every need."""
    best = np.zeros(int(programme.need.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(best, programme.need, worth)
    return int(best.sum())


def _filled(task: Task, supporter_of: Positions, allowed: Positions) -> Positions:
    """Add allowed pairs while they fit: unmet needs ask their best supporter, who takes the best that asks."""
    filled = supporter_of.copy()
    while True:
        met = filled != UNMET
        places_left = task.places - np.bincount(filled[met], minlength=len(task.places))
        days_left = task.days_offered - days_used(task, filled)
        need, supporter = task.need[allowed], task.supporter[allowed]
        fits = (places_left[supporter] > 0) & (task.days_asked[need] <= days_left[supporter])
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return filled
        weight = task.weight[allowed]
        asking = allowed[best_of_each_need(task.need[allowed], weight, 1)]
        by_supporter = asking[np.lexsort((-task.weight[asking], task.supporter[asking]))]
        taken = by_supporter[np.flatnonzero(np.diff(task.supporter[by_supporter], prepend=-1))]
        filled[task.need[taken]] = task.supporter[taken]
