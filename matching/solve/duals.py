"""Dual prices with places only: those that prove an assignment optimal, and an auction that estimates them.

The proof: prices v >= 0 of places and u >= 0 of needs with u + v no less than any pair's weight, equal on chosen pairs
and 0 where a place or a need is left, prove that no assignment is better (linear programming duality). They are longest
paths. Where the assignment is not optimal, prices do not settle, and the result shows where.

The auction (Bertsekas, Annals of Operations Research 14, 1988) only decides where the solver begins in large rounds: no
proof rests on its estimates.
"""

from dataclasses import dataclass

import numpy as np

from matching.solve.params import AuctionParams
from matching.solve.problem import (
    NEVER,
    UNMET,
    AssignmentProblem,
    Flags,
    Integers,
    Positions,
    PricingOracle,
    places_left,
    rank_in_group,
    together,
)


@dataclass(frozen=True)
class Duals:
    """The dual prices of an assignment.

    Attributes
    ----------
    price, surplus : ndarray of int64
        The dual price v of each supporter's places and u of each need.
    unsettled : ndarray of bool
        By need, then by supporter: where prices show that the assignment is not optimal.
    """

    price: Integers
    surplus: Integers
    unsettled: Flags

    def gain(self, problem: AssignmentProblem) -> Integers:
        """Return by pair its reduced cost: its weight less its two dual prices."""
        return np.asarray(problem.weight - self.price[problem.supporter] - self.surplus[problem.need])


def least_duals(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    sweeps: int,
    start: Integers | None = None,
) -> Duals:
    """Return the least dual prices v >= 0 and u, with u_i + v_j >= w_ij on every active pair.

    Parameters
    ----------
    weight : ndarray of int64
        By pair of the problem: w.
    active : ndarray of intp
        The pairs to look at, in order.
    supporter_of : ndarray of intp
        The assignment, by need.
    sweeps : int
        How often prices are passed on before they count as unsettled.
    start : ndarray of int64, optional
        Lower limits of v: the prices are the least that are nowhere below it. They settle if any such prices do.

    Notes
    -----
    On chosen pairs u_i = w_ij - v_j, and u_i = 0 on unmet needs. Then v is the fixed point of
    v_j = max(start_j, max_i w_ij - u_i): longest paths, which are finite where the assignment is optimal. The least
    price is the value of one more place. Where the assignment is not optimal, prices rise for ever, or a free place
    gets a price, or a need a u below 0.
    """
    need, supporter = problem.need[active], problem.supporter[active]
    chosen = supporter_of[need] == supporter
    own_weight = np.zeros(len(supporter_of), dtype=np.int64)
    own_weight[need[chosen]] = weight[active[chosen]]
    met = supporter_of != UNMET
    by_supporter = np.argsort(supporter[~chosen], kind="stable")
    other_need = need[~chosen][by_supporter]
    other_supporter = supporter[~chosen][by_supporter]
    step = weight[active[~chosen][by_supporter]] - own_weight[other_need]
    first = np.flatnonzero(np.diff(other_supporter, prepend=-1))
    raised = np.zeros(len(problem.places), dtype=np.int64) if start is None else start
    for _ in range(sweeps):
        price = raised
        carried = np.where(met, price[supporter_of], 0)
        raised = price.copy()
        if len(first):
            offers = np.maximum.reduceat(step + carried[other_need], first)
            raised[other_supporter[first]] = np.maximum(price[other_supporter[first]], offers)
        if np.array_equal(raised, price):
            break
    surplus = np.where(met, own_weight - carried, 0)
    left, _ = places_left(problem, supporter_of)
    unsettled = np.concatenate([surplus < 0, (raised != price) | ((left > 0) & (price > 0))])
    return Duals(price, surplus, unsettled)


def duals_near(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    sweeps: int,
    expected: Integers | None,
) -> Duals:
    """Return dual prices as `least_duals` does, but as near as they can be to the expected prices, if there are any.

    Notes
    -----
    The prices that prove an assignment over few pairs can mostly lie anywhere between the least and the highest. At
    the least, many of the other pairs seem to improve the assignment and do not. From the lower of the highest and the
    expected, prices rise until they settle, which is nowhere above the highest.
    """
    if expected is None:
        return least_duals(problem, weight, active, supporter_of, sweeps)
    highest = _highest_duals(problem, weight, active, supporter_of, sweeps)
    return least_duals(problem, weight, active, supporter_of, sweeps, np.minimum(expected, highest))


def _highest_duals(
    problem: AssignmentProblem, weight: Integers, active: Positions, supporter_of: Positions, sweeps: int
) -> Integers:
    """Return the highest v that prove an optimal assignment over the active pairs.

    The reverse of `least_duals`: prices begin at the largest weight and fall, v_j = min_i w_ij - u_i over the needs
    that the supporter has, while u_i = max(0, max_j w_ij - v_j) rises. A free place has price 0.
    """
    need, supporter = problem.need[active], problem.supporter[active]
    chosen = np.flatnonzero(supporter_of[need] == supporter)
    chosen = chosen[np.argsort(supporter[chosen], kind="stable")]
    own, owner, own_weight = need[chosen], supporter[chosen], weight[active[chosen]]
    left, _ = places_left(problem, supporter_of)
    lowered = np.where(left > 0, 0, int(weight.max(initial=0)))
    if not len(chosen):
        return lowered
    first, first_own = np.flatnonzero(np.diff(need, prepend=-1)), np.flatnonzero(np.diff(owner, prepend=-1))
    surplus = np.zeros(len(supporter_of), dtype=np.int64)
    for _ in range(sweeps):
        price = lowered
        surplus[need[first]] = np.maximum(0, np.maximum.reduceat(weight[active] - price[supporter], first))
        lowered = price.copy()
        offers = np.minimum.reduceat(own_weight - surplus[own], first_own)
        lowered[owner[first_own]] = np.minimum(price[owner[first_own]], offers)
        if np.array_equal(lowered, price):
            break
    return lowered


# By level (critical, high, normal): how often the large number M counts for a need.
_LEVEL_VALUE = np.array([3, 2, 1])


def tight_pairs(problem: AssignmentProblem, tier: Positions) -> tuple[Flags, Positions]:
    """Return which pairs can be in an optimum of the levels, and by need its cheapest supporter's tier.

    `tier` is the dual price of each supporter's places in levels (multiples of M).
    """
    asked = tier[problem.supporter]
    cheapest = np.full(len(problem.level), len(_LEVEL_VALUE), dtype=np.intp)
    np.minimum.at(cheapest, problem.need, asked)
    is_tight = (asked == cheapest[problem.need]) & ~_stays_out(problem, cheapest)[problem.need]
    return is_tight & (problem.places > 0)[problem.supporter], cheapest


def may_stay_out(problem: AssignmentProblem, cheapest: Positions) -> Flags:
    """Return by need whether an optimal plan may leave it unmet."""
    return _LEVEL_VALUE[problem.level] <= cheapest


def _stays_out(problem: AssignmentProblem, cheapest: Positions) -> Flags:
    """Return by need whether every optimal plan leaves it unmet."""
    return _LEVEL_VALUE[problem.level] < cheapest


def auction_prices(
    problem: AssignmentProblem, oracle: PricingOracle | None, tier: Positions, first: Positions, params: AuctionParams
) -> tuple[AssignmentProblem, Integers, Positions]:
    """Return estimates of dual prices, and the pairs that matter at them.

    Needs bid over the first pairs, and again with those that looked as good at the prices then. A need that may stay
    unmet stops where the price exceeds its value; all others go on bidding.

    Parameters
    ----------
    oracle : PricingOracle, optional
        Where the problem does not hold all pairs.
    tier : ndarray of intp
        By supporter: the dual price of its places in levels.
    first : ndarray of intp
        The tight pairs to begin with.

    Returns
    -------
    problem : AssignmentProblem
        With the pairs of the oracle that matter.
    price_milli : ndarray of int64
        By supporter: the price below the levels, in thousandths.
    pairs : ndarray of intp
        The tight pairs that matter, in order.
    """
    least = np.where(may_stay_out(problem, tight_pairs(problem, tier)[1]), 0, -NEVER)
    price = _auction(problem, first, least, np.zeros(len(problem.places), dtype=np.int64), params)
    problem, first, near = _near(problem, oracle, tier, first, least, price, params)
    pairs = together(problem, first, near)
    price = _auction(problem, pairs, least, np.maximum(price - params.rebate_milli, 0), params)
    problem, _, near = _near(problem, oracle, tier, pairs, least, price, params)
    return problem, price, near


def _near(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    tier: Positions,
    pairs: Positions,
    least: Integers,
    price: Integers,
    params: AuctionParams,
) -> tuple[AssignmentProblem, Positions, Positions]:
    """Return the tight pairs that are nearly as good, at these prices, as the best of the need's among `pairs`.

    Before them come the problem with such pairs of the oracle, and the positions of `pairs` in it.
    """
    surplus = least.copy()
    np.maximum.at(surplus, problem.need[pairs], problem.value_milli[pairs] - price[problem.supporter[pairs]])
    is_tight, cheapest = tight_pairs(problem, tier)
    if oracle is not None:
        levels = problem.bonus_milli * cheapest
        asked = np.where(_stays_out(problem, cheapest), NEVER, surplus - levels - params.near_milli - 1)
        offered = np.where(problem.places > 0, problem.bonus_milli * tier + price, NEVER)
        problem, place = problem.with_pairs(*oracle.pairs_above(asked, offered))
        is_tight, pairs = tight_pairs(problem, tier)[0], place[pairs]
    short = surplus[problem.need] + price[problem.supporter] - problem.value_milli
    return problem, pairs, np.flatnonzero(is_tight & (short <= params.near_milli))


def _auction(
    problem: AssignmentProblem, pairs: Positions, least: Integers, start_milli: Integers, params: AuctionParams
) -> Integers:
    """Return by supporter the price at which an auction for places ends, in thousandths.

    `least` is the surplus with which each need would rather stay unmet, and `start_milli` the opening prices.

    The auction algorithm (D. P. Bertsekas, Annals of Operations Research 14, 1988): all needs without a place bid in
    the same turn, each for its best supporter, by as much as makes that one equal to the second best, and one step
    more. A supporter holds the highest bids, one a place; the lowest of them is the price.
    """
    need, supporter, value = problem.need[pairs], problem.supporter[pairs], problem.value_milli[pairs]
    start = np.searchsorted(need, np.arange(len(problem.level) + 1))
    count = np.diff(start)
    most = int(value.max(initial=0)) + 1
    price = start_milli.copy()
    holder = np.full(len(problem.level), UNMET, dtype=np.intp)
    held = np.zeros(len(problem.level), dtype=np.int64)
    bidding = np.flatnonzero(count)
    for _ in range(params.most_turns):
        if len(bidding) <= params.few_bidders:
            break
        sizes = count[bidding]
        first = np.cumsum(sizes) - sizes
        entry = np.arange(int(sizes.sum())) + np.repeat(start[bidding] - first, sizes)
        net = value[entry] - price[supporter[entry]]
        best = np.maximum.reduceat(net, first)
        reached = np.flatnonzero(net == np.repeat(best, sizes))
        chosen = reached[np.searchsorted(reached, first)]
        net[chosen] = -NEVER
        second = np.maximum(np.maximum.reduceat(net, first), least[bidding])
        ready = best > least[bidding]
        bidder, wanted = bidding[ready], supporter[entry[chosen[ready]]]
        offer = price[wanted] + np.minimum((best - np.maximum(second, best - most))[ready], most) + params.step_milli
        is_wanted = np.zeros(len(price) + 1, dtype=bool)
        is_wanted[wanted] = True
        # The last flag is the one that UNMET, as a position, refers to.
        rivals = np.flatnonzero(is_wanted[holder])
        bidders = np.concatenate([rivals, bidder])
        supporters, offers = np.concatenate([holder[rivals], wanted]), np.concatenate([held[rivals], offer])
        place = rank_in_group(supporters, offers)
        wins = place < problem.places[supporters]
        holder[bidders], held[bidders] = np.where(wins, supporters, UNMET), offers
        is_last = place == problem.places[supporters] - 1
        price[supporters[is_last]] = offers[is_last]
        bidding = np.sort(bidders[~wins])
    return price
