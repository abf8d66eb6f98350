"""Price and round: bounds and a plan of a component where days are scarce, level by level, from whole loads.

The restricted master bounds each level (`blend`). Its solution for the score is rounded and repaired locally where it
was split (`mend`). Where the plan then falls short of the bounds, needs are counted again in an integer programme.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from matching.solve.arrays import Flags
from matching.solve.blend import Blend, Bound, bounded
from matching.solve.budget import Budget
from matching.solve.highs import Model, most_in_whole
from matching.solve.loads import Offers
from matching.solve.mend import mended
from matching.solve.problem import LEVELS, PRIORITY_LEVELS, Reached, as_reached
from matching.solve.programme import Programme, worth_at

_LAST = len(PRIORITY_LEVELS) - 1
_NOTHING = 1e-4
_LOOK_EVERY_S = 0.05
# Of the time that is left: for bounds of needs met, for that of the score, and for the plan; the rest is for proofs.
_SHARE_OF_COUNTS = 0.5
_SHARE_OF_SCORE = 0.6
_SHARE_OF_PLAN = 0.7


def by_loads(
    part: Programme, offers: Offers, fallback: Flags, relaxed_levels: Reached, budget: Budget
) -> tuple[Flags, Reached]:
    """Return a good choice of pairs of a component without side constraints, and the bound of each level.

    Parameters
    ----------
    offers : Offers
        Of the same pairs.
    fallback : ndarray of bool
        A choice that keeps every row.
    relaxed_levels : tuple of int
        What no choice can exceed at each level while the levels before it are as good as with places only.
    """
    bounds: list[Bound] = []
    counts: list[int] = []
    blend, is_split = Blend.nothing(offers), False
    counting = budget.share(_SHARE_OF_COUNTS)
    for _ in PRIORITY_LEVELS:
        bound, blend = _bounded(part, offers, counts, blend, bounds, counting)
        bounds.append(bound)
        counts.append(int(np.floor(blend.worth + _NOTHING)))
        is_split = is_split or blend.worth - counts[-1] > _NOTHING
    separate = budget.separate()
    with ThreadPoolExecutor(1) as pool:
        try:
            # Where the master meets a fraction of a need, plans often fall short of it: prove that meanwhile.
            count = partial(_most_met, part, offers, bounds[_LAST], counts, _LAST)
            counted = pool.submit(count, separate) if is_split else None
            bound, blend = _bounded(part, offers, counts, blend, bounds, budget.share(_SHARE_OF_SCORE))
            bounds.append(bound)
            budget.report(f"Solving days: {len(part.pair):,} pairs")
            chosen = mended(part, offers, bound, blend, blend.rounded(part), budget.share(_SHARE_OF_PLAN))
            chosen = max(fallback, chosen, key=part.reached)
            short, most_met = _short(part, chosen, counts), list(counts)
            if short == _LAST and counted is not None:
                budget.report(f"Proving how many {PRIORITY_LEVELS[short]} needs can be met")
                most_met[short] = _answer(counted, separate, budget)
            elif short is not None:
                most_met[short] = _most_met(part, offers, bounds[short], counts, short, budget)
        finally:
            separate.cancel.set()
    reached = part.reached(chosen)
    for level in range(1, len(LEVELS)):
        # Bounds of what comes after it are those of plans that meet more.
        if reached[:level] != tuple(counts[:level]):
            budget.report(f"Bounding days again, {LEVELS[level]}: {len(part.pair):,} pairs")
            prices = bounds[level].of_needs, bounds[level].of_kept
            bounds[level], blend = bounded(part, offers, level, reached[:level], blend, prices, budget)
    return chosen, _said(part, chosen, bounds, relaxed_levels, short, most_met)


def _short(part: Programme, chosen: Flags, counts: Sequence[int]) -> int | None:
    """The first level in which a choice meets fewer needs than that."""
    return next((level for level, count in enumerate(counts) if part.reached(chosen)[level] < count), None)


def _answer(counted: Future[int], separate: Budget, budget: Budget) -> int:
    """What was counted apart, as far as it came by when the time was up or a supporter cancelled."""
    while budget.remaining_s() > 0 and not counted.done():
        wait([counted], _LOOK_EVERY_S)
    separate.cancel.set()
    if separate.ended:
        budget.cut_short()
    return counted.result()


def _bounded(
    part: Programme, offers: Offers, counts: Sequence[int], blend: Blend, bounds: Sequence[Bound], budget: Budget
) -> tuple[Bound, Blend]:
    """The bound of the level after those that are bounded, and the last blend."""
    level = len(bounds)
    budget.report(f"Bounding days, {LEVELS[level]}: {len(part.pair):,} pairs")
    prices = np.zeros(offers.n_needs), np.zeros(0)
    if bounds:
        prices = bounds[-1].of_needs, np.append(bounds[-1].of_kept, 1.0)
    return bounded(part, offers, level, counts, blend, prices, budget)


def _most_met(part: Programme, offers: Offers, bound: Bound, counts: Sequence[int], level: int, budget: Budget) -> int:
    """How many needs of a level can be met at most, where the levels before it reach their counts.

    Whatever reaches the count of this level does without pairs whose loss is more than what the bound promises beyond
    it. Of the needs that no one competes for it matters only how many days they ask: they are counted by supporter and
    days, as if every supporter had their own, which no plan can exceed.
    """
    most = bound.most(counts[:level])
    if most > counts[level]:
        return most
    spare = bound.exactly(counts[:level]) - counts[level]
    could = (bound.best.loss <= spare + _NOTHING) & (part.level <= level)
    free = could & (part.level == level) & (bound.of_needs[offers.need] <= _NOTHING)
    tied = np.flatnonzero(could & ~free)
    kinds, like_it = np.unique(
        np.column_stack([offers.supporter[free], offers.days_asked[free]]), axis=0, return_counts=True
    )
    supporter = np.concatenate([offers.supporter[tied], kinds[:, 0]])
    days = np.concatenate([offers.days_asked[tied], kinds[:, 1]])
    of_level = np.concatenate([part.level[tied], np.full(len(kinds), level)])
    asked, need = np.unique(offers.need[tied], return_inverse=True)
    n_people, n_columns = len(offers.places), len(supporter)
    rows = vstack(
        [
            csr_array((np.ones(len(tied)), (need, np.arange(len(tied)))), shape=(len(asked), n_columns)),
            csr_array((np.ones(n_columns), (supporter, np.arange(n_columns))), shape=(n_people, n_columns)),
            csr_array((days.astype(float), (supporter, np.arange(n_columns))), shape=(n_people, n_columns)),
            csr_array((of_level == np.arange(level)[:, np.newaxis]).astype(float)),
        ]
    )
    n_limited = len(asked) + 2 * n_people
    model = Model(
        (of_level == level).astype(float),
        np.concatenate([np.ones(len(tied)), like_it]),
        csc_array(rows),
        np.concatenate([np.full(n_limited, -np.inf), np.array(counts[:level], dtype=float)]),
        np.concatenate([np.ones(len(asked)), offers.places, offers.days_offered, np.full(level, np.inf)]),
    )
    budget.report(f"Proving how many {PRIORITY_LEVELS[level]} needs can be met: {n_columns:,} kinds of pairs")
    enough = counts[level] - _NOTHING
    return most if most_in_whole(model, enough, budget) >= enough else counts[level] - 1


def _said(
    part: Programme,
    chosen: Flags,
    bounds: Sequence[Bound],
    relaxed_levels: Reached,
    short: int | None,
    most_met: Sequence[int],
) -> Reached:
    """The bound of each level, for choices as good as this one in the levels before."""
    reached, said = part.reached(chosen), list[int]()
    for level in range(len(LEVELS)):
        before = reached[:level]
        # Where prices are far from the best they overestimate.
        most = min(bounds[level].most(before), part.ceiling(worth_at(part, level)))
        if before == relaxed_levels[:level]:
            most = min(most, relaxed_levels[level])
        if level == short:
            most = min(most, most_met[level])
        said.append(max(most, reached[level]))
    return as_reached(said)
