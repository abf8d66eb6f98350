"""What places will about cost, from needs that bid for them, and the pairs that matter at such prices.

For large rounds of places only. The prices are rough, and nothing rests on them: they say where the solver begins.
"""

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import NEVER, UNMET, AssignmentProblem, rank_in_group, together

# How far a bid goes beyond the second best, at the least, in thousandths.
_STEP_MILLI = 8
# What places cost less to begin with, when needs bid again: so much that few pay for a start that was too high.
_REBATE_MILLI = 50
# The last bidders, who would outbid each other for long, are left to the solver; so is everybody after so many turns.
_FEW_BIDDERS = 10
_MOST_TURNS = 10_000
# A pair matters that falls short of the need's best by no more than this, in thousandths.
_NEAR_MILLI = 20
_NOTHING_ELSE = -NEVER
# By level (critical, high, normal): what a need is worth in levels.
_WORTH = np.array([3, 2, 1])


def tight_pairs(problem: AssignmentProblem, tier: Positions) -> tuple[Flags, Positions]:
    """Which pairs can be in an optimum of the levels, and by need what its cheapest supporter asks in levels.

    `tier` is what each supporter asks: how many needs, each counted in levels, one more place would meet.
    """
    asked = tier[problem.supporter]
    cheapest = np.full(len(problem.level), len(_WORTH), dtype=np.intp)
    np.minimum.at(cheapest, problem.need, asked)
    is_tight = (asked == cheapest[problem.need]) & ~_stays_out(problem, cheapest)[problem.need]
    return is_tight & (problem.places > 0)[problem.supporter], cheapest


def may_stay_out(problem: AssignmentProblem, cheapest: Positions) -> Flags:
    """By need: whether a best plan may leave it out."""
    return _WORTH[problem.level] <= cheapest


def _stays_out(problem: AssignmentProblem, cheapest: Positions) -> Flags:
    return _WORTH[problem.level] < cheapest


def auction_prices(
    problem: AssignmentProblem, oracle: PricingOracle | None, tier: Positions, first: Positions
) -> tuple[AssignmentProblem, Integers, Positions]:
    """What places about cost, and the pairs that matter then.

    Needs bid over the first pairs, and again with the pairs that looked as good at those prices. A need that may stay
    out is content with nobody rather than pay more than it is worth; others always bid on.

    Parameters
    ----------
    problem : AssignmentProblem
        What is to be assigned.
    oracle : PricingOracle, optional
        The pairs that are not at hand.
    tier : ndarray of intp
        By supporter: what a place costs in levels.
    first : ndarray of intp
        The tight pairs to begin with.

    Returns
    -------
    problem : AssignmentProblem
        With those of the rest that matter.
    price_milli : ndarray of int64
        By supporter: what a place costs beyond what is the same for all needs that can have it, in thousandths.
    pairs : ndarray of intp
        The tight pairs that matter, in order.
    """
    least = np.where(may_stay_out(problem, tight_pairs(problem, tier)[1]), 0, _NOTHING_ELSE)
    price = _auction(problem, first, least, np.zeros(len(problem.places), dtype=np.int64))
    problem, first, near = _near(problem, oracle, tier, first, least, price)
    pairs = together(problem, first, near)
    price = _auction(problem, pairs, least, np.maximum(price - _REBATE_MILLI, 0))
    problem, _, near = _near(problem, oracle, tier, pairs, least, price)
    return problem, price, near


def _near(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    tier: Positions,
    pairs: Positions,
    least: Integers,
    price: Integers,
) -> tuple[AssignmentProblem, Positions, Positions]:
    """The tight pairs that are nearly as good, at these prices, as the best of the need's among `pairs`.

    First come the task with those of the rest, and where `pairs` are in it.
    """
    surplus = least.copy()
    np.maximum.at(surplus, problem.need[pairs], problem.value_milli[pairs] - price[problem.supporter[pairs]])
    is_tight, cheapest = tight_pairs(problem, tier)
    if oracle is not None:
        levels = problem.bonus_milli * cheapest
        asked = np.where(_stays_out(problem, cheapest), NEVER, surplus - levels - _NEAR_MILLI - 1)
        offered = np.where(problem.places > 0, problem.bonus_milli * tier + price, NEVER)
        problem, place = problem.with_pairs(*oracle.pairs_above(asked, offered))
        is_tight, pairs = tight_pairs(problem, tier)[0], place[pairs]
    short = surplus[problem.need] + price[problem.supporter] - problem.value_milli
    return problem, pairs, np.flatnonzero(is_tight & (short <= _NEAR_MILLI))


def _auction(problem: AssignmentProblem, pairs: Positions, least: Integers, start_milli: Integers) -> Integers:
    """By supporter: what a place costs in the end, where needs bid for places over these pairs, in thousandths.

    `least` is what each need is content with when it has nobody, and `start_milli` what places cost to begin with.

    Notes
    -----
    An auction (D. P. Bertsekas, Annals of Operations Research 14, 1988): all who have no place bid at once, each for
    its best supporter, and as much as makes that one no better than the second best, and one step more. A supporter
    holds the highest bids, as many as there are places; the lowest of them is the price.
    """
    need, supporter, value = problem.need[pairs], problem.supporter[pairs], problem.value_milli[pairs]
    start = np.searchsorted(need, np.arange(len(problem.level) + 1))
    count = np.diff(start)
    most = int(value.max(initial=0)) + 1
    price = start_milli.copy()
    holder = np.full(len(problem.level), UNMET, dtype=np.intp)
    held = np.zeros(len(problem.level), dtype=np.int64)
    bidding = np.flatnonzero(count)
    for _ in range(_MOST_TURNS):
        if len(bidding) <= _FEW_BIDDERS:
            break
        sizes = count[bidding]
        first = np.cumsum(sizes) - sizes
        entry = np.arange(int(sizes.sum())) + np.repeat(start[bidding] - first, sizes)
        net = value[entry] - price[supporter[entry]]
        best = np.maximum.reduceat(net, first)
        reached = np.flatnonzero(net == np.repeat(best, sizes))
        chosen = reached[np.searchsorted(reached, first)]
        net[chosen] = _NOTHING_ELSE
        second = np.maximum(np.maximum.reduceat(net, first), least[bidding])
        ready = best > least[bidding]
        bidder, wanted = bidding[ready], supporter[entry[chosen[ready]]]
        offer = price[wanted] + np.minimum((best - np.maximum(second, best - most))[ready], most) + _STEP_MILLI
        is_wanted = np.zeros(len(price) + 1, dtype=bool)
        is_wanted[wanted] = True
        # The last of these flags is that of needs with nobody.
        rivals = np.flatnonzero(is_wanted[holder])
        everybody = np.concatenate([rivals, bidder])
        supporters, offers = np.concatenate([holder[rivals], wanted]), np.concatenate([held[rivals], offer])
        place = rank_in_group(supporters, offers)
        wins = place < problem.places[supporters]
        holder[everybody], held[everybody] = np.where(wins, supporters, UNMET), offers
        is_last = place == problem.places[supporters] - 1
        price[supporters[is_last]] = offers[is_last]
        bidding = np.sort(everybody[~wins])
    return price
