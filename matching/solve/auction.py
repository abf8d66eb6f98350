"""What places will about cost, from needs that bid for them, and the pairs that matter at such prices.

For large rounds of places only. The prices are rough, and nothing rests on them: they say where the solver begins.
"""

import numpy as np

from matching.solve.pricing_oracle import Rest
from matching.solve.problem import NEVER, UNMET, Flags, Positions, Task, Whole, rank_in_group, together

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


def tight_pairs(task: Task, tier: Positions) -> tuple[Flags, Positions]:
    """Which pairs can be in an optimum of the levels, and by need what its cheapest supporter asks in levels.

    `tier` is what each supporter asks: how many needs, each counted in levels, one more place would meet.
    """
    asked = tier[task.supporter]
    cheapest = np.full(len(task.level), len(_WORTH), dtype=np.intp)
    np.minimum.at(cheapest, task.need, asked)
    is_tight = (asked == cheapest[task.need]) & ~_stays_out(task, cheapest)[task.need]
    return is_tight & (task.places > 0)[task.supporter], cheapest


def may_stay_out(task: Task, cheapest: Positions) -> Flags:
    """By need: whether a best plan may leave it out."""
    return _WORTH[task.level] <= cheapest


def _stays_out(task: Task, cheapest: Positions) -> Flags:
    return _WORTH[task.level] < cheapest


def bid(task: Task, rest: Rest | None, tier: Positions, first: Positions) -> tuple[Task, Whole, Positions]:
    """What places about cost, and the pairs that matter then.

    Needs bid over the first pairs, and again with the pairs that looked as good at those prices. A need that may stay
    out is content with nobody rather than pay more than it is worth; others always bid on.

    Parameters
    ----------
    task : Task
        What is to be assigned.
    rest : Rest, optional
        The pairs that are not at hand.
    tier : ndarray of intp
        By supporter: what a place costs in levels.
    first : ndarray of intp
        The tight pairs to begin with.

    Returns
    -------
    task : Task
        With those of the rest that matter.
    price_milli : ndarray of int64
        By supporter: what a place costs beyond what is the same for all needs that can have it, in thousandths.
    pairs : ndarray of intp
        The tight pairs that matter, in order.
    """
    least = np.where(may_stay_out(task, tight_pairs(task, tier)[1]), 0, _NOTHING_ELSE)
    price = _auction(task, first, least, np.zeros(len(task.places), dtype=np.int64))
    task, first, near = _near(task, rest, tier, first, least, price)
    pairs = together(task, first, near)
    price = _auction(task, pairs, least, np.maximum(price - _REBATE_MILLI, 0))
    task, _, near = _near(task, rest, tier, pairs, least, price)
    return task, price, near


def _near(
    task: Task, rest: Rest | None, tier: Positions, pairs: Positions, least: Whole, price: Whole
) -> tuple[Task, Positions, Positions]:
    """The tight pairs that are nearly as good, at these prices, as the best of the need's among `pairs`.

    First come the task with those of the rest, and where `pairs` are in it.
    """
    surplus = least.copy()
    np.maximum.at(surplus, task.need[pairs], task.value_milli[pairs] - price[task.supporter[pairs]])
    is_tight, cheapest = tight_pairs(task, tier)
    if rest is not None:
        levels = task.bonus_milli * cheapest
        asked = np.where(_stays_out(task, cheapest), NEVER, surplus - levels - _NEAR_MILLI - 1)
        offered = np.where(task.places > 0, task.bonus_milli * tier + price, NEVER)
        task, place = task.with_pairs(*rest.worth_more(asked, offered))
        is_tight, pairs = tight_pairs(task, tier)[0], place[pairs]
    short = surplus[task.need] + price[task.supporter] - task.value_milli
    return task, pairs, np.flatnonzero(is_tight & (short <= _NEAR_MILLI))


def _auction(task: Task, pairs: Positions, least: Whole, start_milli: Whole) -> Whole:
    """By supporter: what a place costs in the end, where needs bid for places over these pairs, in thousandths.

    `least` is what each need is content with when it has nobody, and `start_milli` what places cost to begin with.

    Notes
    -----
    An auction (D. P. Bertsekas, Annals of Operations Research 14, 1988): all who have no place bid at once, each for
    its best supporter, and as much as makes that one no better than the second best, and one step more. A supporter
    holds the highest bids, as many as there are places; the lowest of them is the price.
    """
    need, supporter, value = task.need[pairs], task.supporter[pairs], task.value_milli[pairs]
    start = np.searchsorted(need, np.arange(len(task.level) + 1))
    count = np.diff(start)
    most = int(value.max(initial=0)) + 1
    price = start_milli.copy()
    holder = np.full(len(task.level), UNMET, dtype=np.intp)
    held = np.zeros(len(task.level), dtype=np.int64)
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
        wins = place < task.places[supporters]
        holder[everybody], held[everybody] = np.where(wins, supporters, UNMET), offers
        is_last = place == task.places[supporters] - 1
        price[supporters[is_last]] = offers[is_last]
        bidding = np.sort(everybody[~wins])
    return price
