"""The restricted master problem over loads (sets of needs for one supporter), and the bound of each level at its duals.

The relaxation that splits needs between people says too much of what days allow: a supporter with eight days cannot
take a day and a half of a need. Here it is loads that are blended, what one person could take together, and a blend of
loads is whole for nearly every supporter.
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

# The score is bounded and searched to so small a part of itself.
_CLOSE = 4e-4
# What falling short of a kept sum by one costs, in the largest worth of a pair: more than it could ever bring.
_SHORT = 20.0
# How often every supporter chooses again besides the others, each round.
_TIMES_BESIDE = 3
_NOTHING = 1e-4


@dataclass(frozen=True)
class Bound:
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
class Blend:
    """Loads, how much of each is taken, and what that is worth, in what the level counts."""

    loads: Positions
    share: Floats
    worth: float = 0.0

    @classmethod
    def nothing(cls, offers: Offers) -> "Blend":
        """No loads at all."""
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
    """The closest bound of a level while the levels before it reach their goals.

    With it the last blend, which is the one given where there is no time for another.

    `prices`, of needs and of what is kept, are those to begin with. The known loads are blended, and the prices of the
    blend say which other loads every supporter would rather have, until the bound at these prices is close to the
    blend's worth.
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
    """The same blend with what it is worth by another measure."""
    of_loads = np.where(blend.loads >= 0, worth[blend.loads], 0).sum(axis=1)
    return replace(blend, worth=float(of_loads @ blend.share))


def _is_close(level: int, most: int, value: float) -> bool:
    """Whether a bound is close to what a blend is worth: as a whole number, or for the score nearly."""
    if level < len(PRIORITY_LEVELS):
        return bool(most <= np.floor(value + _NOTHING))
    return most - value <= _CLOSE * value


def _blended(
    part: Programme, offers: Offers, loads: Positions, worth: Floats, kept: Sequence[Kept], budget: Budget
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
    n_limited = len(asked) + len(offers.places)
    # What is kept may fall short, at a price, so that there is always an answer.
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
