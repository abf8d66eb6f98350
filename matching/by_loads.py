"""A part where people's days are scarce, level by level: bounds by whole loads, and a plan from what these leave open.

The relaxation that splits needs between people says too much of what days allow: somebody with eight days cannot take a
day and a half of a need. Here it is loads that are blended, what one person could take together, and a blend of loads
is whole for nearly everybody. What it leaves open is small enough to be searched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack, vstack

from matching.highs import Model, relaxed
from matching.loads import BestLoads, Offers, best_loads
from matching.programme import Kept, Programme, best_choice, near_choice
from matching.task import LEVELS, PRIORITY_LEVELS, Flags, Positions, Reached, Whole, as_reached
from matching.watch import Watch

Floats = NDArray[np.float64]

# What falling short of a kept sum by one costs, in the largest worth of a pair: more than it could ever bring.
_SHORT = 20.0
_SHORT_IN_SEARCH = 2 * _SHORT
# The score is bounded and searched to so small a part of itself.
_CLOSE = 4e-4
# Pairs are searched that lose no more than this, in the largest worth of a pair.
_MOST_LOSS = 0.1
_NOTHING = 1e-4
# Loads of which so much is taken stand in a search; and in a quicker one, where that finds nothing in time.
_STANDING, _MORE_STANDING = 0.99, 0.51
# Of the time that is left: for the bounds of needs met, for that of the score, and for the plan, each search of it, and
# each level where they find nothing; what remains is for proving where the plan falls short.
_SHARE_OF_COUNTS = 0.45
_SHARE_OF_SCORE = 0.55
_SHARE_OF_PLAN = 0.7
_SHARE_OF_STEP = 0.6
_SHARE_OF_ONE_LEVEL = 0.4


@dataclass(frozen=True)
class _Bound:
    """What the prices of needs and of what is kept say of one level.

    Attributes
    ----------
    of_needs, of_kept : ndarray of float64
        Prices, in the largest worth of a pair.
    fixed : float
        What all needs at their price and all supporters' best loads are worth together.
    largest : int
        The largest worth of a pair.
    best : BestLoads
        At these prices.
    """

    of_needs: Floats
    of_kept: Floats
    fixed: float
    largest: int
    best: BestLoads

    def exactly(self, kept: Sequence[int]) -> float:
        """What no choice that keeps so much is worth more than, in the largest worth of a pair.

        Notes
        -----
        At prices u and m no choice is worth more than the sum of u, less m times what is kept, and what supporters
        together gain at most by loads whose needs gain w + m k - u each (Lagrangean relaxation; Fisher, Management
        Science 27, 1981; its best prices are those of the blend of loads, Dantzig and Wolfe, Operations Research 8,
        1960). Any prices give a bound.
        """
        return self.fixed - float(self.of_kept @ np.array(kept, dtype=float))

    def most(self, kept: Sequence[int]) -> int:
        """The same as a whole number."""
        return int(np.floor(self.largest * self.exactly(kept) + _NOTHING))


@dataclass(frozen=True)
class _Blend:
    """Loads, and how much of each is taken."""

    loads: Positions
    share: Floats

    def standing(self, share: float) -> Positions:
        """The pairs of loads of which so much is taken, no two of one need or one supporter."""
        pairs = np.unique(self.loads[self.share >= share])
        return pairs[pairs >= 0]

    def rounded(self, part: Programme) -> Flags:
        """Everybody's load of which most is taken; of those who want the same need, the one who takes more has it."""
        load, slot = np.nonzero(self.loads >= 0)
        pair = self.loads[load, slot]
        order = np.lexsort((pair, -self.share[load], part.supporter[pair]))
        first = np.unique(part.supporter[pair[order]], return_index=True)[1]
        largest = np.isin(load, load[order[first]])
        pair, share = pair[largest], self.share[load[largest]]
        order = np.lexsort((pair, -share))
        chosen = np.zeros(len(part.pair), dtype=bool)
        chosen[pair[order[np.unique(part.need[pair[order]], return_index=True)[1]]]] = True
        return chosen


def by_loads(
    part: Programme, offers: Offers, fallback: Flags, relaxed_levels: Reached, watch: Watch
) -> tuple[Flags, Reached]:
    """A good choice of pairs of a part without ties, and the bound of each level among choices as good before it.

    Parameters
    ----------
    part : Programme
    offers : Offers
        Of the same pairs.
    fallback : ndarray of bool
        A choice that keeps every row.
    relaxed_levels : tuple of int
        What no choice can exceed at each level while the levels before it are as good as with places only.
    watch : Watch
    """
    bounds: list[_Bound] = []
    goals: list[int] = []
    nothing = np.empty((0, max(int(offers.places.max(initial=0)), 1)), dtype=np.intp)
    blend = _Blend(nothing, np.zeros(0))
    counting = watch.share(_SHARE_OF_COUNTS)
    for level in range(len(LEVELS)):
        watch.tell(f"Bounding days, {LEVELS[level]}: {len(part.pair):,} pairs")
        of_needs, of_kept = _prices_to_begin_with(offers, bounds)
        in_time = counting if level < len(PRIORITY_LEVELS) else watch.share(_SHARE_OF_SCORE)
        bound, blend = _bounded(part, offers, level, goals, blend, of_needs, of_kept, in_time)
        bounds.append(bound)
        goals.append(bound.most(goals))
    *counts, most_score = goals
    best = max(fallback, blend.rounded(part), key=part.reached)
    chosen = _plan(part, bounds[-1], blend, counts, most_score, best, watch.share(_SHARE_OF_PLAN))
    if chosen is best:
        watch.tell("Solving days: one level after the other")
        chosen = max(best, _one_after_the_other(part, watch), key=part.reached)
    reached = part.reached(chosen)
    short = next((level for level in range(len(counts)) if reached[level] < counts[level]), None)
    if short is not None:
        counts = [*counts[:short], _proved(part, bounds[short], short, counts, chosen, watch)]
        # What comes after it was bounded for plans that meet more than can be met.
        for level in range(short + 1, len(bounds)):
            watch.tell(f"Bounding days again, {LEVELS[level]}: {len(part.pair):,} pairs")
            known, goals = bounds[level], list(reached[:level])
            bounds[level], blend = _bounded(part, offers, level, goals, blend, known.of_needs, known.of_kept, watch)
    return chosen, _said(part, chosen, bounds, relaxed_levels, counts)


def _worth(part: Programme, level: int) -> Whole:
    return part.count(level) if level < len(PRIORITY_LEVELS) else part.value_milli


def _kept(part: Programme, counts: Sequence[int]) -> tuple[Kept, ...]:
    return tuple(Kept(part.count(level), count) for level, count in enumerate(counts))


def _said(
    part: Programme, chosen: Flags, bounds: Sequence[_Bound], relaxed_levels: Reached, proved: Sequence[int]
) -> Reached:
    """The bound of each level, for choices as good as this one in the levels before."""
    reached, said = part.reached(chosen), list[int]()
    for level in range(len(LEVELS)):
        before = list(reached[:level])
        # Where prices are far from the best they promise more than there is.
        most = min(bounds[level].most(before), part.ceiling(_worth(part, level)))
        if before == list(relaxed_levels[:level]):
            most = min(most, relaxed_levels[level])
        if level < len(proved) and before == list(proved[:level]):
            most = min(most, proved[level])
        said.append(max(most, reached[level]))
    return as_reached(said)


def _prices_to_begin_with(offers: Offers, bounds: Sequence[_Bound]) -> tuple[Floats, Floats]:
    if not bounds:
        return np.zeros(offers.n_needs), np.zeros(0)
    return bounds[-1].of_needs, np.append(bounds[-1].of_kept, 1.0)


def _bounded(
    part: Programme,
    offers: Offers,
    level: int,
    goals: Sequence[int],
    blend: _Blend,
    of_needs: Floats,
    of_kept: Floats,
    watch: Watch,
) -> tuple[_Bound, _Blend]:
    """The closest bound of a level while the levels before it reach their goals.

    Beside it the last blend, which is the one given where there is no time for another.

    `of_needs` and `of_kept` are prices to begin with. The loads at hand are blended, and the prices of the blend say
    which other load everybody would rather have, until the bound at these prices is close to the blend's worth.
    """
    worth, kept = _worth(part, level), _kept(part, goals)
    largest = max(int(worth.max(initial=0)), 1)
    joined = part.level <= level
    closest: _Bound | None = None
    loads = blend.loads
    while True:
        gain = worth / largest - of_needs[offers.need]
        gain += sum((price * one.worth for price, one in zip(of_kept, kept, strict=True)), np.zeros(len(gain)))
        best = best_loads(offers, np.where(joined, gain, 0.0))
        bound = _Bound(of_needs, of_kept, float(of_needs.sum() + best.gain.sum()), largest, best)
        if closest is None or bound.exactly(goals) < closest.exactly(goals):
            closest = bound
        known = len(loads)
        loads = np.unique(np.vstack([loads, best.loads]), axis=0)
        if len(loads) == known and known:
            return closest, blend
        blended = _blended(part, offers, loads, worth / largest, kept, watch)
        if blended is None:
            return closest, blend
        value, share, of_needs, of_kept = blended
        blend = _Blend(loads, share)
        is_close = _as_close(level, largest * value)
        if is_close(closest.most(goals)):
            return closest, blend


def _as_close(level: int, value: float) -> Callable[[int], bool]:
    """Whether a bound is close to what a blend is worth: as a whole number, or for the score nearly."""
    if level < len(PRIORITY_LEVELS):
        return lambda most: most <= np.floor(value + _NOTHING)
    return lambda most: most - value <= _CLOSE * value


def _blended(
    part: Programme, offers: Offers, loads: Positions, worth: Floats, kept: Sequence[Kept], watch: Watch
) -> tuple[float, Floats, Floats, Floats] | None:
    """The best blend of loads: its worth, how much of each is in it, and the prices of needs and of what is kept.

    None where there is no time for it.
    """
    load, slot = np.nonzero(loads >= 0)
    pair = loads[load, slot]
    n_loads, n_kept = len(loads), len(kept)
    asked, need = np.unique(offers.need[pair], return_inverse=True)
    ones = csc_array((np.ones(len(pair)), (pair, load)), shape=(len(worth), n_loads))
    by_need = csr_array((np.ones(len(pair)), (need, load)), shape=(len(asked), n_loads))
    supporter = offers.supporter[loads[:, -1]]
    by_supporter = csr_array((np.ones(n_loads), (supporter, np.arange(n_loads))), shape=(len(offers.places), n_loads))
    by_kept = csr_array(np.array([one.worth for one in kept], dtype=float).reshape(n_kept, len(worth)) @ ones)
    short = csr_array(
        (np.ones(n_kept), (len(asked) + len(offers.places) + np.arange(n_kept), np.arange(n_kept))),
        shape=(len(asked) + len(offers.places) + n_kept, n_kept),
    )
    rows = csc_array(hstack([vstack([by_need, by_supporter, by_kept]), short]))
    n_limited = len(asked) + len(offers.places)
    answer = relaxed(
        Model(
            np.concatenate([worth @ ones, np.full(n_kept, -_SHORT)]),
            np.full(n_loads + n_kept, np.inf),
            rows,
            np.concatenate([np.full(n_limited, -np.inf), [float(one.at_least) for one in kept]]),
            np.concatenate([np.ones(n_limited), np.full(n_kept, np.inf)]),
        ),
        watch,
    )
    if answer is None:
        return None
    of_needs = np.zeros(offers.n_needs)
    of_needs[asked] = np.maximum(answer.price[: len(asked)], 0)
    return answer.worth, answer.columns[:n_loads], of_needs, np.maximum(-answer.price[n_limited:], 0)


def _one_after_the_other(part: Programme, watch: Watch) -> Flags:
    """The most needs of each level beside those of the levels before, which stay with whom they are: soon done."""
    chosen = np.zeros(len(part.pair), dtype=bool)
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero(part.level <= level)
        few, stands = part.of(columns), chosen[columns]
        found, _ = best_choice(few, few.count(level), (), stands, watch.share(_SHARE_OF_ONE_LEVEL), fixed=stands)
        chosen[columns[found]] = True
    return chosen


def _plan(
    part: Programme,
    bound: _Bound,
    blend: _Blend,
    counts: Sequence[int],
    most_score: int,
    fallback: Flags,
    watch: Watch,
) -> Flags:
    """A choice of pairs that reaches the counts, or falls short by little, with a good score.

    Loads that the blend takes whole stand at first, and only the other supporters' pairs are searched; where nothing is
    found in time, all loads of which it takes most stand. Where that falls short, all pairs that lose little are
    searched.
    """
    nobody = np.zeros(len(part.pair), dtype=bool)
    steps = []
    for share in (_STANDING, _MORE_STANDING):
        standing = blend.standing(share)
        stands = nobody.copy()
        stands[standing] = True
        steps.append((stands | ~np.isin(part.supporter, part.supporter[standing]), stands))
    best = fallback
    for number, (columns, fixed) in enumerate([*steps, (bound.best.loss <= _MOST_LOSS, nobody)]):
        if number == 1 and best is not fallback:
            continue
        few = part.of(np.flatnonzero(columns))
        watch.tell(f"Solving days: {len(few.pair):,} of {len(part.pair):,} pairs")
        within = watch.share(_SHARE_OF_STEP if number < len(steps) else 1)
        found = near_choice(few, counts, _SHORT_IN_SEARCH, _CLOSE, within, fixed=fixed[columns])
        if found is not None:
            chosen = nobody.copy()
            chosen[np.flatnonzero(columns)[found]] = True
            best = max(best, chosen, key=part.reached)
        if part.reached(best) >= (*counts, round((1 - 2 * _CLOSE) * most_score)):
            break
    return best


def _proved(part: Programme, bound: _Bound, level: int, counts: Sequence[int], chosen: Flags, watch: Watch) -> int:
    """How many needs of a level can be met at most, where a choice falls short of what its bound says.

    Whatever reaches the bound does without pairs whose loss is more than what the bound promises beyond it.
    """
    spare = bound.exactly(counts[:level]) - counts[level]
    could = (bound.best.loss <= spare + _NOTHING) & (part.level <= level)
    columns = np.flatnonzero(could | chosen)
    few = part.of(columns)
    watch.tell(f"Proving how many {PRIORITY_LEVELS[level]} needs can be met: {len(columns):,} pairs")
    _, most = best_choice(few, few.count(level), _kept(few, counts[:level]), chosen[columns], watch)
    return counts[level] if most >= counts[level] else counts[level] - 1
