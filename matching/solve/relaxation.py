"""A component level by level by its linear relaxation: whole choices are fixed, and only the others are searched.

Where people's days are scarce a search over all pairs gets nowhere in time, while the relaxation, which may split a
need between people, is whole nearly everywhere; and it bounds what any plan can reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from scipy.sparse import csr_array, vstack

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.problem import LEVELS, PRIORITY_LEVELS, Reached, as_reached
from matching.solve.programme import Kept, Programme, best_choice, kept_at, merit, worth_at

# Shares come in floating point: from so much on a pair is chosen, and below so little it is not.
_WHOLE, _NOTHING = 0.999, 1e-6
# No step takes more of the time that is left than this.
_SHARE_OF_STEP = 0.4


@dataclass(frozen=True)
class Relaxed:
    """The relaxation of a programme.

    Attributes
    ----------
    share : ndarray of float64
        By pair, 0 to 1: how much of the need this supporter takes.
    most : int
        What no choice of pairs is worth more than.
    """

    share: Floats
    most: int


def by_relaxed_levels(
    whole: Programme, n_needs: int, urgent: Positions, fallback: Flags, budget: Budget
) -> tuple[Flags, Reached]:
    """A good choice of pairs of a component, and the bound of each level among choices as good in the levels before.

    Parameters
    ----------
    n_needs : int
        How many needs the component has; their rows are its first.
    urgent : ndarray of intp
        By pair: the level with which it joins in.
    fallback : ndarray of bool
        A choice that keeps every row.
    """
    chosen = np.zeros(len(whole.pair), dtype=bool)
    kept_counts: list[int] = []
    most: list[int] = []
    for level, name in enumerate(LEVELS):
        columns = np.flatnonzero((urgent <= level) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(Kept(part.count(earlier), count) for earlier, count in enumerate(kept_counts))
        start = max((chosen[columns], fallback[columns]), key=lambda one: merit(part, one, kept))
        is_count = level < len(PRIORITY_LEVELS)
        counted = part.count(level) if is_count else part.value_milli
        budget.report(f"Solving days, {name}: {len(columns):,} of {len(whole.pair):,} pairs")
        found, bound = _solved(part, n_needs, counted, kept, start, budget) if counted.any() else (start, 0)
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        reached = int(counted[found].sum())
        most.append(max(bound, reached))
        if is_count:
            kept_counts.append(reached)
    return chosen, as_reached(most)


def most_by_levels(
    whole: Programme, n_needs: int, urgent: Positions, chosen: Flags, proved: Sequence[int], budget: Budget
) -> Reached:
    """The bound of each level for a choice that another search has found; those of the first levels are known already.

    Otherwise as in `by_relaxed_levels`.
    """
    reached, most = whole.reached(chosen), list(proved)
    for level in range(len(proved), len(LEVELS)):
        part = whole.of(np.flatnonzero((urgent <= level) | chosen))
        kept, counted = kept_at(part, reached[:level]), worth_at(part, level)
        budget.report(
            f"Bounding days, packages and limits, {LEVELS[level]}: {len(part.pair):,} of {len(whole.pair):,} pairs"
        )
        relaxed = relaxation(part, n_needs, counted, kept, budget.share(1 / (len(LEVELS) - level)))
        most.append(max(reached[level], part.ceiling(counted) if relaxed is None else relaxed.most))
    return as_reached(most)


def _solved(
    part: Programme, n_needs: int, counted: Integers, kept: Sequence[Kept], start: Flags, budget: Budget
) -> tuple[Flags, int]:
    """A choice that keeps what is kept and counts for much, and what none can count for more than."""
    if not kept:
        # The most urgent needs are few, and more than others worth an exact answer.
        return best_choice(part, counted, (), start, budget.share(_SHARE_OF_STEP))
    # First with all that was chosen before, which leaves few pairs that still fit.
    found, _ = best_choice(part, counted, kept, start, budget.share(_SHARE_OF_STEP), fixed=start)
    relaxed = relaxation(part, n_needs, counted, kept, budget.share(_SHARE_OF_STEP))
    if relaxed is None:
        return found, part.ceiling(counted)
    for fixed in _fixings(part, relaxed.share, kept):
        if counted[found].sum() < relaxed.most:
            found, _ = best_choice(part, counted, kept, found, budget.share(_SHARE_OF_STEP), fixed=fixed)
    return found, relaxed.most


def _fixings(part: Programme, share: Floats, kept: Sequence[Kept]) -> tuple[Flags, Flags]:
    """Which pairs stand in a search: all that are whole but those of split needs' people; with those of all levels."""
    split = (share > _NOTHING) & (share < _WHOLE)
    earlier = np.logical_or.reduce([one.worth > 0 for one in kept])
    few, more = (
        (share >= _WHOLE) & ~np.isin(part.supporter, part.supporter[which]) for which in (split & earlier, split)
    )
    return few, more


def relaxation(part: Programme, n_needs: int, worth: Integers, kept: Sequence[Kept], budget: Budget) -> Relaxed | None:
    """The relaxation of a programme; None where there is no time for it.

    Notes
    -----
    At its prices u of needs and m of what is kept, no choice is worth more than the sum of u, less that of m times what
    is kept at least, and what all supporters together gain at most by taking whole needs at w + m k - u, a need by
    several of them if they like. (Lagrangean relaxation; Fisher, Management Science 27, 1981.) That is less than the
    relaxation says: a supporter with eight days cannot take a day and a half of a need.
    """
    beside = part.rows.shape[1] - len(worth)
    padded = [np.concatenate([one, np.zeros(beside)]) for one in (worth, *(one.worth for one in kept))]
    upper, lower = np.isfinite(part.most), np.isfinite(part.least)
    by_row = csr_array(part.rows)
    # The library takes sparse rows, though its annotations know of dense ones only.
    rows: Any = vstack([by_row[upper], -by_row[lower], *(-csr_array(one[np.newaxis]) for one in padded[1:])])
    limits = np.concatenate([part.most[upper], -part.least[lower], [-float(one.at_least) for one in kept]])
    answer = budget.within(
        lambda: scipy.optimize.linprog(-padded[0], A_ub=rows, b_ub=limits, bounds=(0, None), method="highs-ipm")
    )
    if answer is None or answer.x is None or answer.status != 0:
        if answer is not None and answer.status == 1:
            budget.cut_short()
        return None
    price = np.maximum(-answer.ineqlin.marginals, 0)
    of_needs, of_kept = price[:n_needs], price[len(limits) - len(kept) :]
    gain = worth + sum(one * held.worth for one, held in zip(of_kept, kept, strict=True)) - of_needs[part.need]
    fixed = float(of_needs.sum()) - sum(one * held.at_least for one, held in zip(of_kept, kept, strict=True))
    most = -float(answer.fun or 0)
    by_people = most_by_people(part, n_needs, gain, budget)
    if by_people is not None:
        most = min(most, fixed + by_people)
    return Relaxed(answer.x[: len(worth)], min(part.ceiling(worth), int(np.floor(most + 1e-3))))


def most_by_people(part: Programme, n_needs: int, gain: Floats, budget: Budget) -> float | None:
    """What all supporters together gain at most by taking whole needs; None where there is no time for it."""
    # In a package one that gains nothing may be what lets the others in.
    taken = np.flatnonzero((gain > _NOTHING) | (part.package >= 0))
    if not len(taken):
        return _NOTHING * len(part.pair)
    few = part.of(taken)
    beside = few.rows.shape[1] - len(taken)
    answer = budget.within(
        lambda: scipy.optimize.milp(
            -np.concatenate([gain[taken], np.zeros(beside)]),
            constraints=scipy.optimize.LinearConstraint(few.rows[n_needs:], few.least[n_needs:], few.most[n_needs:]),
            integrality=np.repeat([1, 0], [len(taken), beside]),
            bounds=scipy.optimize.Bounds(0, 1),
            options={"time_limit": budget.remaining_s()},
        )
    )
    if answer is None or answer.mip_dual_bound is None:
        return None
    # What was left out gains next to nothing, but not less than nothing.
    return float(-answer.mip_dual_bound) + _NOTHING * len(part.pair)
