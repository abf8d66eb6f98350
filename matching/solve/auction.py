"""An auction that estimates dual prices in large rounds with places only, and the pairs that matter at such prices.

The estimates only decide where the solver begins; the proof does not rest on them.
"""

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.params import AuctionParams
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import NEVER, UNMET, AssignmentProblem, rank_in_group, together

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
