"""Dual prices of needs where the days of few supporters bind, and each supporter's gain at these prices.

The worths are found by blending what people with limited days could take together with the pairs of all others in a
region; beyond it they stay as places alone make them. (`blend` does the same for a component in which all supporters'
days count, level by level, over all of its pairs.)
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.highs import Model, relaxed
from matching.solve.loads import Offers, best_loads, loads_beside
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import AssignmentProblem, chosen_pairs, rank_in_order, together

NOTHING = 1e-6
"""Worths come in floating point: so little, in thousandths of a point, is nothing."""
DEAR_MILLI = 4000
"""What leaving a supporter out costs in the blend, at most: more than a change around here could ever bring."""
_TIMES_BESIDE = 3


@dataclass(frozen=True)
class PlacesOnly:
    """The answer with places only: the plan, the prices of supporters, and what needs are worth beyond them."""

    supporter_of: Positions
    price: Integers
    surplus: Integers

    @classmethod
    def of(cls, problem: AssignmentProblem, supporter_of: Positions, price: Integers) -> "PlacesOnly":
        """The optimum with places only, and the prices of supporters that prove it."""
        chosen = chosen_pairs(problem, supporter_of)
        surplus = np.zeros(len(problem.level), dtype=np.int64)
        surplus[problem.need[chosen]] = problem.weight[chosen] - price[problem.supporter[chosen]]
        return cls(supporter_of, price, surplus)

    def loss(self, problem: AssignmentProblem) -> Integers:
        """By pair, what it falls short of its two prices."""
        return np.asarray(self.surplus[problem.need] + self.price[problem.supporter] - problem.weight)

    def missing(self, problem: AssignmentProblem, supporter_of: Positions) -> int:
        """What a plan falls short of this one, in thousandths."""
        most, worth = (problem.weight[chosen_pairs(problem, one)].sum() for one in (self.supporter_of, supporter_of))
        return int(most - worth)


@dataclass(frozen=True)
class Region:
    """The needs and people whose prices may change (flags), and the pairs that are looked at besides loads."""

    needs: Flags
    people: Flags
    active: Positions

    @classmethod
    def of(
        cls, problem: AssignmentProblem, places_only: PlacesOnly, needs: Flags, people: Flags, pairs: Positions
    ) -> "Region":
        """The region with some pairs, and with what every supporter there has with places only."""
        kept = chosen_pairs(problem, places_only.supporter_of)
        kept = kept[needs[problem.need[kept]] | people[problem.supporter[kept]]]
        return cls(needs, people, together(problem, pairs, kept))

    def limited(self, problem: AssignmentProblem) -> Flags:
        """The people of the region whose days have a limit: what they take is a load."""
        return np.asarray(self.people & np.isfinite(problem.days_offered))


@dataclass(frozen=True)
class Limited:
    """The people of a region whose days have a limit, their pairs, and what they offer."""

    people: Positions
    pairs: Positions
    offers: Offers

    @classmethod
    def of(cls, problem: AssignmentProblem, region: Region) -> "Limited":
        """Those of a region, over the problem's pairs."""
        pairs = np.flatnonzero(region.limited(problem)[problem.supporter])
        people = np.unique(problem.supporter[pairs])
        return cls(people, pairs, Offers.of(problem, pairs, np.unique(problem.need[pairs]), people))


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
        What every plan misses of the answer with places only, as far as the problem's pairs go.
    loads : ndarray of intp, shape (loads, most places)
        What people of the region with limited days would best take together, and what else where they want the same:
        pairs of the problem, filled up in front with -1.
    """

    of_pair: Floats
    most: Floats
    last: Floats
    short: Floats
    least_missing: float
    loads: Positions


def loads_of(problem: AssignmentProblem, supporter_of: Positions) -> Positions:
    """What people with limited days take in a plan, as pairs of the problem filled up in front with -1."""
    pairs = chosen_pairs(problem, supporter_of)
    pairs = pairs[np.isfinite(problem.days_offered)[problem.supporter[pairs]]]
    pairs = pairs[np.argsort(problem.supporter[pairs], kind="stable")]
    width = _most_places(problem)
    people, load = np.unique(problem.supporter[pairs], return_inverse=True)
    loads = np.full((len(people), width), -1, dtype=np.intp)
    loads[load, width - 1 - rank_in_order(load)] = pairs
    return np.sort(loads, axis=1)


def _most_places(problem: AssignmentProblem) -> int:
    """How many places any supporter has: the width of loads."""
    return max(int(problem.places.max(initial=0)), 1)


def gains_of(problem: AssignmentProblem, places_only: PlacesOnly, limited: Limited, surplus: Floats) -> Gains:
    """What supporters gain at these worths of needs; of the region's people with limited days, by loads."""
    gain = (problem.weight - surplus[problem.need]).astype(np.float64)
    n_people = len(problem.places)
    order = np.lexsort((-gain, problem.supporter))
    rank, who = rank_in_order(problem.supporter[order]), problem.supporter[order]
    worth = np.maximum(gain[order], 0)
    taken = rank < problem.places[who]
    most: Floats = np.bincount(who[taken], weights=worth[taken], minlength=n_people).astype(np.float64)
    # Of whom no place is left, no one is wanted; what one would be worth is told all the same.
    last = np.where(problem.places > 0, 0.0, places_only.price)
    is_last = rank == problem.places[who] - 1
    last[who[is_last]] = worth[is_last]
    short = np.where(problem.places[problem.supporter] > 0, np.maximum(last[problem.supporter] - gain, 0), np.inf)
    loads = np.full((0, _most_places(problem)), -1, dtype=np.intp)
    if len(limited.pairs):
        best = best_loads(limited.offers, gain[limited.pairs])
        most[limited.people], last[limited.people], short[limited.pairs] = best.gain, 0, np.maximum(best.loss, 0)
        found = loads_beside(limited.offers, gain[limited.pairs], best, _TIMES_BESIDE)
        loads = np.full((len(found), _most_places(problem)), -1, dtype=np.intp)
        loads[:, loads.shape[1] - found.shape[1] :] = np.where(found >= 0, limited.pairs[found], -1)
    # Supporter by supporter, because all of it together is too large a number for thousandths.
    paid = (places_only.surplus - surplus).sum() + (problem.places * places_only.price - most).sum()
    return Gains(gain, most, last, short, float(paid), loads)


def with_more(
    problem: AssignmentProblem, oracle: PricingOracle | None, gains: Gains, surplus: Floats, short: float = 0.0
) -> tuple[AssignmentProblem, Positions]:
    """Return the problem with the pairs of the oracle that change a supporter's gain, and the positions of its own.

    Or, of pairs that would have to gain so much more for it, those that fall short of it by no more.
    """
    if oracle is None:
        return problem, np.arange(len(problem.need))
    of_level = problem.bonus_milli * (3 - problem.level)
    asked = np.floor(surplus).astype(np.int64) - of_level
    offered = np.floor(gains.last - short).astype(np.int64)
    need, supporter, value = oracle.pairs_above(asked, offered)
    more = of_level[need] + value - surplus[need] > gains.last[supporter] - short + NOTHING
    return problem.with_pairs(need[more], supporter[more], value[more])


def blended(
    problem: AssignmentProblem, places_only: PlacesOnly, region: Region, loads: Positions, budget: Budget
) -> tuple[float, Floats, Floats] | None:
    """Pairs and loads blended so that the least is missing: how much, and what needs and places are worth then.

    None where there is no time for it.
    """
    limited = region.limited(problem)
    pairs = region.active[~limited[problem.supporter[region.active]]]
    loads = loads[limited[problem.supporter[loads[:, -1]]]]
    load, slot = np.nonzero(loads >= 0)
    taken, holder = loads[load, slot], problem.supporter[loads[:, -1]]
    needs, by_places, by_loads = (np.flatnonzero(one) for one in (region.needs, region.people & ~limited, limited))
    people = np.append(by_places, by_loads)
    of_need, of_person = np.full(len(problem.level), -1), np.full(len(problem.places), -1)
    of_need[needs], of_person[people] = np.arange(len(needs)), len(needs) + np.arange(len(people))
    loss = places_only.loss(problem).astype(np.float64)
    dear = np.minimum(places_only.price, DEAR_MILLI).astype(np.float64)
    unused = problem.places[holder] - (loads >= 0).sum(axis=1)
    costs = (
        loss[pairs],
        np.minimum(places_only.surplus[needs], DEAR_MILLI),
        dear[by_places],
        np.bincount(load, weights=loss[taken], minlength=len(loads)) + unused * dear[holder],
        problem.places[by_loads] * dear[by_loads],
    )
    of_pair, left_out, unfilled, of_load, of_nothing = np.split(
        np.arange(sum(map(len, costs))), np.cumsum([len(one) for one in costs])[:-1]
    )
    row = np.concatenate(
        [
            of_need[problem.need[pairs]],
            of_person[problem.supporter[pairs]],
            of_need[needs],
            of_person[by_places],
            of_need[problem.need[taken]],
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
    most = np.concatenate([np.ones(len(needs)), problem.places[by_places], np.ones(len(by_loads))]).astype(np.float64)
    answer = relaxed(Model(-column_costs, np.full(len(column_costs), np.inf), csc_array(rows), most, most), budget)
    if answer is None:
        return None
    surplus, price = places_only.surplus.astype(np.float64), places_only.price.astype(np.float64)
    # So many decimals leave the room, and what is left out of sight is far below a thousandth of a point in all.
    surplus[needs] = np.round(np.maximum(surplus[needs] + answer.price[: len(needs)], 0.0), 6) + 0.0
    price[people] += answer.price[len(needs) :]
    return -answer.worth, surplus, price


def with_wanted(
    problem: AssignmentProblem, places_only: PlacesOnly, region: Region, surplus: Floats, price: Floats
) -> Region:
    """The region with the pairs that gain more than these prices ask, and with whom they are between."""
    gain = problem.weight - surplus[problem.need] - price[problem.supporter]
    wanted = np.flatnonzero((gain > NOTHING) & ~region.limited(problem)[problem.supporter])
    needs, people = region.needs.copy(), region.people.copy()
    needs[problem.need[wanted]] = True
    people[problem.supporter[wanted]] = True
    return Region.of(problem, places_only, needs, people, together(problem, region.active, wanted))
