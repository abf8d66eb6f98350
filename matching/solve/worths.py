"""What needs are worth beyond whoever meets them, where the days of few people bind, and what everybody gains then.

The worths are found by blending what people with limited days could take together with the pairs of everybody else in
a region; beyond it they stay as places alone make them. (`blend` does the same for a part in which everybody's days
count, level by level, over all of its pairs.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from matching.solve.budget import Watch
from matching.solve.highs import Model, relaxed
from matching.solve.loads import Offers, best_loads, loads_beside
from matching.solve.pricing_oracle import Rest
from matching.solve.problem import Flags, Positions, Task, Whole, chosen_pairs, rank_in_order, together

Floats = NDArray[np.float64]

NOTHING = 1e-6
"""Worths come in floating point: so little, in thousandths of a point, is nothing."""
DEAR_MILLI = 4000
"""What leaving somebody out costs in the blend, at most: more than a change around here could ever bring."""
_TIMES_BESIDE = 3


@dataclass(frozen=True)
class PlacesOnly:
    """The answer with places only: the plan, the prices of supporters, and what needs are worth beyond them."""

    supporter_of: Positions
    price: Whole
    surplus: Whole

    @classmethod
    def of(cls, task: Task, supporter_of: Positions, price: Whole) -> "PlacesOnly":
        """The optimum with places only, and the prices of supporters that prove it."""
        chosen = chosen_pairs(task, supporter_of)
        surplus = np.zeros(len(task.level), dtype=np.int64)
        surplus[task.need[chosen]] = task.weight[chosen] - price[task.supporter[chosen]]
        return cls(supporter_of, price, surplus)

    def loss(self, task: Task) -> Whole:
        """By pair, what it falls short of its two prices."""
        return np.asarray(self.surplus[task.need] + self.price[task.supporter] - task.weight)

    def missing(self, task: Task, supporter_of: Positions) -> int:
        """What a plan falls short of this one, in thousandths."""
        most, worth = (task.weight[chosen_pairs(task, one)].sum() for one in (self.supporter_of, supporter_of))
        return int(most - worth)


@dataclass(frozen=True)
class Region:
    """The needs and people whose prices may change (flags), and the pairs that are looked at beside loads."""

    needs: Flags
    people: Flags
    active: Positions

    @classmethod
    def of(cls, task: Task, places_only: PlacesOnly, needs: Flags, people: Flags, pairs: Positions) -> "Region":
        """The region with some pairs, and with what everybody there has with places only."""
        kept = chosen_pairs(task, places_only.supporter_of)
        kept = kept[needs[task.need[kept]] | people[task.supporter[kept]]]
        return cls(needs, people, together(task, pairs, kept))

    def limited(self, task: Task) -> Flags:
        """The people of the region whose days have a limit: what they take is a load."""
        return np.asarray(self.people & np.isfinite(task.days_offered))


@dataclass(frozen=True)
class Limited:
    """The people of a region whose days have a limit, their pairs, and what they offer."""

    people: Positions
    pairs: Positions
    offers: Offers

    @classmethod
    def of(cls, task: Task, region: Region) -> "Limited":
        """Those of a region, over the pairs at hand."""
        pairs = np.flatnonzero(region.limited(task)[task.supporter])
        people = np.unique(task.supporter[pairs])
        return cls(people, pairs, Offers.of(task, pairs, np.unique(task.need[pairs]), people))


@dataclass(frozen=True)
class Gains:
    """What supporters gain where meeting a need is worth so much beyond them.

    Attributes
    ----------
    of_pair : ndarray of float64
        By pair: what the supporter gains by it.
    most : ndarray of float64
        By supporter: what no load gains more than.
    last : ndarray of float64
        By supporter: what a pair has to gain more than to change that.
    short : ndarray of float64
        By pair: a load with it gains at least so much less than the most.
    least_missing : float
        What every plan misses of the answer with places only, as far as the pairs at hand go.
    loads : ndarray of intp, shape (loads, most places)
        What people of the region with limited days would best take together, and what else where they want the same:
        pairs of the task, filled up in front with -1.
    """

    of_pair: Floats
    most: Floats
    last: Floats
    short: Floats
    least_missing: float
    loads: Positions


def loads_of(task: Task, supporter_of: Positions) -> Positions:
    """What people with limited days take in a plan, as pairs of the task filled up in front with -1."""
    pairs = chosen_pairs(task, supporter_of)
    pairs = pairs[np.isfinite(task.days_offered)[task.supporter[pairs]]]
    pairs = pairs[np.argsort(task.supporter[pairs], kind="stable")]
    width = _most_places(task)
    people, load = np.unique(task.supporter[pairs], return_inverse=True)
    loads = np.full((len(people), width), -1, dtype=np.intp)
    loads[load, width - 1 - rank_in_order(load)] = pairs
    return np.sort(loads, axis=1)


def _most_places(task: Task) -> int:
    """How many places anybody has: the width of loads."""
    return max(int(task.places.max(initial=0)), 1)


def gains_of(task: Task, places_only: PlacesOnly, limited: Limited, surplus: Floats) -> Gains:
    """What supporters gain at these worths of needs; of the region's people with limited days, by loads."""
    gain = (task.weight - surplus[task.need]).astype(np.float64)
    n_people = len(task.places)
    order = np.lexsort((-gain, task.supporter))
    rank, who = rank_in_order(task.supporter[order]), task.supporter[order]
    worth = np.maximum(gain[order], 0)
    taken = rank < task.places[who]
    most: Floats = np.bincount(who[taken], weights=worth[taken], minlength=n_people).astype(np.float64)
    # Of whom no place is left, nobody is wanted; what one would be worth is told all the same.
    last = np.where(task.places > 0, 0.0, places_only.price)
    is_last = rank == task.places[who] - 1
    last[who[is_last]] = worth[is_last]
    short = np.where(task.places[task.supporter] > 0, np.maximum(last[task.supporter] - gain, 0), np.inf)
    loads = np.full((0, _most_places(task)), -1, dtype=np.intp)
    if len(limited.pairs):
        best = best_loads(limited.offers, gain[limited.pairs])
        most[limited.people], last[limited.people], short[limited.pairs] = best.gain, 0, np.maximum(best.loss, 0)
        found = loads_beside(limited.offers, gain[limited.pairs], best, _TIMES_BESIDE)
        loads = np.full((len(found), _most_places(task)), -1, dtype=np.intp)
        loads[:, loads.shape[1] - found.shape[1] :] = np.where(found >= 0, limited.pairs[found], -1)
    # Supporter by supporter, because all of it together is too large a number for thousandths.
    paid = (places_only.surplus - surplus).sum() + (task.places * places_only.price - most).sum()
    return Gains(gain, most, last, short, float(paid), loads)


def with_more(
    task: Task, rest: Rest | None, gains: Gains, surplus: Floats, short: float = 0.0
) -> tuple[Task, Positions]:
    """The task with the pairs of the rest that change what somebody gains, and where those that it had are then.

    Or, of pairs that would have to gain so much more for it, those that fall short of it by no more.
    """
    if rest is None:
        return task, np.arange(len(task.need))
    of_level = task.bonus_milli * (3 - task.level)
    asked = np.floor(surplus).astype(np.int64) - of_level
    offered = np.floor(gains.last - short).astype(np.int64)
    need, supporter, value = rest.worth_more(asked, offered)
    more = of_level[need] + value - surplus[need] > gains.last[supporter] - short + NOTHING
    return task.with_pairs(need[more], supporter[more], value[more])


def blended(
    task: Task, places_only: PlacesOnly, region: Region, loads: Positions, watch: Watch
) -> tuple[float, Floats, Floats] | None:
    """Pairs and loads blended so that the least is missing: how much, and what needs and places are worth then.

    None where there is no time for it.
    """
    limited = region.limited(task)
    pairs = region.active[~limited[task.supporter[region.active]]]
    loads = loads[limited[task.supporter[loads[:, -1]]]]
    load, slot = np.nonzero(loads >= 0)
    taken, holder = loads[load, slot], task.supporter[loads[:, -1]]
    needs, by_places, by_loads = (np.flatnonzero(one) for one in (region.needs, region.people & ~limited, limited))
    people = np.append(by_places, by_loads)
    of_need, of_person = np.full(len(task.level), -1), np.full(len(task.places), -1)
    of_need[needs], of_person[people] = np.arange(len(needs)), len(needs) + np.arange(len(people))
    loss = places_only.loss(task).astype(np.float64)
    dear = np.minimum(places_only.price, DEAR_MILLI).astype(np.float64)
    unused = task.places[holder] - (loads >= 0).sum(axis=1)
    costs = (
        loss[pairs],
        np.minimum(places_only.surplus[needs], DEAR_MILLI),
        dear[by_places],
        np.bincount(load, weights=loss[taken], minlength=len(loads)) + unused * dear[holder],
        task.places[by_loads] * dear[by_loads],
    )
    of_pair, left_out, unfilled, of_load, of_nothing = np.split(
        np.arange(sum(map(len, costs))), np.cumsum([len(one) for one in costs])[:-1]
    )
    row = np.concatenate(
        [
            of_need[task.need[pairs]],
            of_person[task.supporter[pairs]],
            of_need[needs],
            of_person[by_places],
            of_need[task.need[taken]],
            of_person[holder],
            of_person[by_loads],
        ]
    )
    column = np.concatenate([of_pair, of_pair, left_out, unfilled, of_load[load], of_load, of_nothing])
    inside = row >= 0
    rows = coo_array(
        (np.ones(inside.sum()), (row[inside], column[inside])),
        shape=(len(needs) + len(people), len(column_costs := np.concatenate(costs))),
    )
    most = np.concatenate([np.ones(len(needs)), task.places[by_places], np.ones(len(by_loads))]).astype(np.float64)
    answer = relaxed(Model(-column_costs, np.full(len(column_costs), np.inf), csc_array(rows), most, most), watch)
    if answer is None:
        return None
    surplus, price = places_only.surplus.astype(np.float64), places_only.price.astype(np.float64)
    # So many decimals leave the room, and what is left out of sight is far below a thousandth of a point in all.
    surplus[needs] = np.round(np.maximum(surplus[needs] + answer.price[: len(needs)], 0.0), 6) + 0.0
    price[people] += answer.price[len(needs) :]
    return -answer.worth, surplus, price


def with_wanted(task: Task, places_only: PlacesOnly, region: Region, surplus: Floats, price: Floats) -> Region:
    """The region with the pairs that gain more than these prices ask, and with whom they are between."""
    gain = task.weight - surplus[task.need] - price[task.supporter]
    wanted = np.flatnonzero((gain > NOTHING) & ~region.limited(task)[task.supporter])
    needs, people = region.needs.copy(), region.people.copy()
    needs[task.need[wanted]] = True
    people[task.supporter[wanted]] = True
    return Region.of(task, places_only, needs, people, together(task, region.active, wanted))
