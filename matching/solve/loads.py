"""What one supporter could take together, a load: within places and days, and which load gains most."""

from dataclasses import dataclass

import numpy as np

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.problem import AssignmentProblem, rank_in_order

# Cells of the table by supporter, places and days; where more would be needed, loads are not looked at.
_MOST_CELLS = 2_000_000
_NOTHING = 1e-9


@dataclass(frozen=True)
class Offers:
    """The pairs of a component and what its supporters have.

    Attributes
    ----------
    need, supporter : ndarray of intp
        By pair, as positions in the component.
    days_asked : ndarray of int64
        By pair, in the largest unit that divides what all needs ask.
    places, days_offered : ndarray of int64
        By supporter; the days in the same unit, and no more than could be used.
    """

    need: Positions
    supporter: Positions
    days_asked: Integers
    places: Integers
    days_offered: Integers
    n_needs: int

    @classmethod
    def of(cls, problem: AssignmentProblem, pair: Positions, needs: Positions, supporters: Positions) -> "Offers":
        """What the supporters of a component have."""
        unit = int(np.gcd.reduce(problem.days_asked[needs])) or 1
        days_asked = problem.days_asked[problem.need[pair]] // unit
        places = problem.places[supporters]
        usable = places * int(days_asked.max(initial=0))
        days_offered = np.minimum(np.floor(problem.days_offered[supporters] / unit), usable).astype(np.int64)
        need, supporter = (
            np.searchsorted(needs, problem.need[pair]),
            np.searchsorted(supporters, problem.supporter[pair]),
        )
        return cls(need, supporter, days_asked, places, days_offered, len(needs))

    @property
    def are_few(self) -> bool:
        """Whether all loads can be looked at in memory."""
        return bool(np.prod(self._shape) <= _MOST_CELLS)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return len(self.places), int(self.places.max(initial=0)) + 1, int(self.days_offered.max(initial=0)) + 1


@dataclass(frozen=True)
class BestLoads:
    """The load of most gain for every supporter.

    Attributes
    ----------
    gain : ndarray of float64
        By supporter; nothing for who gains nothing.
    loads : ndarray of intp, shape (loads, most places)
        The pairs of each load, in order, filled up in front with -1.
    loss : ndarray of float64
        By pair: a load with it gains at least so much less than its supporter's best.
    """

    gain: Floats
    loads: Positions
    loss: Floats


def best_loads(offers: Offers, gain: Floats) -> BestLoads:
    """The best load of every supporter, where each pair gains so much.

    Notes
    -----
    A knapsack with places and days, for all supporters at once: the table holds by supporter, places and days the most
    that can be gained with them, and takes one more pair of every supporter in each step. Of pairs that ask equally
    many days only as many as there are places can be in a best load.
    """
    n_people, n_places, n_days = offers._shape
    items = _items(offers, gain)
    most = np.zeros((n_people, n_places, n_days))
    taken = np.zeros((items.shape[1], n_people, n_places, n_days), dtype=bool)
    days = np.arange(n_days)
    for step, item in enumerate(items.T):
        who = np.flatnonzero(item >= 0)
        pair = item[who]
        left = days - offers.days_asked[pair][:, np.newaxis]
        before = most[who]
        at = np.broadcast_to(np.maximum(left, 0)[:, np.newaxis], (len(who), n_places - 1, n_days))
        one_more = np.take_along_axis(before[:, :-1], at, 2) + gain[pair][:, np.newaxis, np.newaxis]
        better = (left >= 0)[:, np.newaxis] & (one_more > before[:, 1:] + _NOTHING)
        most[who, 1:] = np.where(better, one_more, before[:, 1:])
        taken[step, who, 1:] = better
    people = np.arange(n_people)
    days_left = offers.days_offered[offers.supporter] - offers.days_asked
    places_left = offers.places[offers.supporter] - 1
    could = (days_left >= 0) & (places_left >= 0)
    beside = most[offers.supporter, np.maximum(places_left, 0), np.maximum(days_left, 0)]
    best = most[people, offers.places, offers.days_offered]
    loss = np.where(could, best[offers.supporter] - gain - beside, np.inf)
    return BestLoads(best, _loads(offers, items, taken), loss)


def loads_beside(offers: Offers, gain: Floats, best: BestLoads, times: int) -> Positions:
    """The best loads, and those that the same supporters would take where others had the needs they want.

    A need that several want is left to the one who gains most by it, and the others choose again, so many times: loads
    that go together are what a plan is made of.
    """
    loads = [best.loads]
    for _ in range(times):
        wanted = np.unique(loads[-1][loads[-1] >= 0])
        order = wanted[np.lexsort((wanted, -gain[wanted], offers.need[wanted]))]
        need, first = np.unique(offers.need[order], return_index=True)
        if len(need) == len(order):
            break
        taken = np.zeros(offers.n_needs, dtype=bool)
        taken[need] = True
        stays = np.zeros(len(gain), dtype=bool)
        stays[order[first]] = True
        gain = np.where(taken[offers.need] & ~stays, 0.0, gain)
        loads.append(best_loads(offers, gain).loads)
    return np.unique(np.vstack(loads), axis=0)


def _items(offers: Offers, gain: Floats) -> Positions:
    """By supporter and step: the pairs that could be in a best load, filled up with -1."""
    worth_it = np.flatnonzero(gain > _NOTHING)
    pair = worth_it[np.lexsort((-gain[worth_it], offers.days_asked[worth_it], offers.supporter[worth_it]))]
    supporter, asked = offers.supporter[pair], offers.days_asked[pair]
    rank = rank_in_order(supporter * (int(offers.days_asked.max(initial=0)) + 1) + asked)
    fits: Flags = (rank < offers.places[supporter]) & (asked <= offers.days_offered[supporter])
    pair, supporter = pair[fits], supporter[fits]
    step = rank_in_order(supporter)
    items = np.full((len(offers.places), int(step.max(initial=-1)) + 1), -1, dtype=np.intp)
    items[supporter, step] = pair
    return items


def _loads(offers: Offers, items: Positions, taken: Flags) -> Positions:
    """The way back through the table: who took what."""
    n_people, n_places, _ = offers._shape
    people, places, days = np.arange(n_people), offers.places.copy(), offers.days_offered.copy()
    loads = np.full((n_people, max(n_places - 1, 1)), -1, dtype=np.intp)
    for step in range(items.shape[1] - 1, -1, -1):
        who = np.flatnonzero(taken[step][people, places, days])
        pair = items[who, step]
        places[who] -= 1
        days[who] -= offers.days_asked[pair]
        loads[who, places[who]] = pair
    return np.sort(loads[(loads >= 0).any(axis=1)], axis=1)
