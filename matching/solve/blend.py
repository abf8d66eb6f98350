"""The restricted master problem over loads (sets of needs for one supporter), and the bound of each level at its duals.

The linear relaxation splits needs between supporters, and its bound is weak where days are scarce: a supporter with
eight days cannot take a day and a half of a need. A combination of whole loads is integral for nearly every supporter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array, hstack, vstack

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.highs import Model, relaxed
from matching.solve.loads import BestLoads, Offers, best_loads, loads_beside
from matching.solve.problem import PRIORITY_LEVELS
from matching.solve.programme import Kept, Programme, kept_at, worth_at

# The relative gap to which the score is bounded.
_CLOSE = 4e-4
# The penalty for falling short of a kept sum by one, as a multiple of the largest value of a pair.
_SHORT = 20.0
# How often supporters choose again in each round, after conflicts over the same need.
_TIMES_BESIDE = 3
_NOTHING = 1e-4


@dataclass(frozen=True)
class Bound:
    """The bound of one level at given dual prices.

    Attributes
    ----------
    of_needs, of_kept : ndarray of float64
        Dual prices, as multiples of `largest`.
    fixed : float
        The sum of all prices of needs and of all supporters' best loads.
    largest : int
        The largest value of a pair.
    best : BestLoads
        At these prices.
    """

    of_needs: Floats
    of_kept: Floats
    fixed: float
    largest: int
    best: BestLoads

    def exactly(self, kept: Sequence[int]) -> float:
        """Return the upper bound of choices that keep these counts, as a multiple of `largest`.

        Notes
        -----
        At dual prices u and m the bound is the sum of u, less m times the kept counts, plus the best load of every
        supporter where each pair gains w + m k - u (Lagrangean relaxation; Fisher, Management Science 27, 1981). The
        duals of the restricted master give the closest bound (Dantzig and Wolfe, Operations Research 8, 1960).
        """
        return self.fixed - float(self.of_kept @ np.array(kept, dtype=float))

    def most(self, kept: Sequence[int]) -> int:
        """Return the upper bound as a whole number."""
        return int(np.floor(self.largest * self.exactly(kept) + _NOTHING))


@dataclass(frozen=True)
class Blend:
    """A solution of the restricted master: loads, the share of each and the value, in the unit of the level."""

    loads: Positions
    share: Floats
    worth: float = 0.0

    @classmethod
    def nothing(cls, offers: Offers) -> "Blend":
        """Return the solution without loads."""
        return cls(np.empty((0, max(int(offers.places.max(initial=0)), 1)), dtype=np.intp), np.zeros(0))

    def rounded(self, part: Programme) -> Flags:
        """Round to each supporter's load of largest share; a need that several take goes to the largest share."""
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


def bounded(
    part: Programme,
    offers: Offers,
    level: int,
    goals: Sequence[int],
    blend: Blend,
    prices: tuple[Floats, Floats],
    budget: Budget,
) -> tuple[Bound, Blend]:
    """Return the closest bound of a level while earlier levels reach their goals, and the last master solution.

    Column generation: the master is solved over the known loads, and each supporter's best loads at its duals are
    added, until the bound is close to the master's value. `prices`, of needs and of kept counts, are those to begin
    with, and `blend` is returned where there is no time for another.
    """
    worth, kept = worth_at(part, level), kept_at(part, goals)
    largest = max(int(worth.max(initial=0)), 1)
    joined = part.level <= level
    closest: Bound | None = None
    is_blended = False
    of_needs, of_kept = prices
    loads = blend.loads
    while True:
        gain = worth / largest - of_needs[offers.need]
        gain += sum((price * one.worth for price, one in zip(of_kept, kept, strict=True)), np.zeros(len(gain)))
        gain = np.where(joined, gain, 0.0)
        best = best_loads(offers, gain)
        bound = Bound(of_needs, of_kept, float(of_needs.sum() + best.gain.sum()), largest, best)
        if closest is None or bound.exactly(goals) < closest.exactly(goals):
            closest = bound
        if is_blended and _is_close(level, closest.most(goals), blend.worth):
            return closest, blend
        known = len(loads)
        loads = np.unique(np.vstack([loads, loads_beside(offers, gain, best, _TIMES_BESIDE)]), axis=0)
        if len(loads) == known and known:
            return closest, blend
        blended = _blended(part, offers, loads, worth / largest, kept, budget)
        if blended is None:
            return closest, _as_worth(blend, worth)
        value, share, of_needs, of_kept = blended
        blend, is_blended = Blend(loads, share, largest * value), True


def _as_worth(blend: Blend, worth: Integers) -> Blend:
    """Return the same solution with its value in another unit."""
    of_loads = np.where(blend.loads >= 0, worth[blend.loads], 0).sum(axis=1)
    return replace(blend, worth=float(of_loads @ blend.share))


def _is_close(level: int, most: int, value: float) -> bool:
    """Return whether a bound is close to the master's value: equal as a count, or within the gap for the score."""
    if level < len(PRIORITY_LEVELS):
        return bool(most <= np.floor(value + _NOTHING))
    return most - value <= _CLOSE * value


def _blended(
    part: Programme, offers: Offers, loads: Positions, worth: Floats, kept: Sequence[Kept], budget: Budget
) -> tuple[float, Floats, Floats, Floats] | None:
    """Solve the restricted master: its value, the share of each load, and the duals of needs and of kept counts.

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
    n_limited = len(asked) + len(offers.places)
    # A kept count may fall short at a penalty, so that the master is always feasible.
    short = csr_array(
        (np.ones(n_kept), (n_limited + np.arange(n_kept), np.arange(n_kept))), shape=(n_limited + n_kept, n_kept)
    )
    answer = relaxed(
        Model(
            np.concatenate([worth @ ones, np.full(n_kept, -_SHORT)]),
            np.full(n_loads + n_kept, np.inf),
            csc_array(hstack([vstack([by_need, by_supporter, by_kept]), short])),
            np.concatenate([np.full(n_limited, -np.inf), [float(one.at_least) for one in kept]]),
            np.concatenate([np.ones(n_limited), np.full(n_kept, np.inf)]),
        ),
        budget,
    )
    if answer is None:
        return None
    of_needs = np.zeros(offers.n_needs)
    of_needs[asked] = np.maximum(answer.price[: len(asked)], 0)
    return answer.worth, answer.columns[:n_loads], of_needs, np.maximum(-answer.price[n_limited:], 0)
