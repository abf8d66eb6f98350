"""Local repair of a plan around the supporters whose loads the restricted master splits."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.solve.arrays import Flags, Floats, Positions
from matching.solve.blend import Blend, Bound
from matching.solve.budget import Budget
from matching.solve.loads import Offers
from matching.solve.programme import Programme, best_choice

# A load is split where neither nearly all nor next to nothing of it is taken.
_SPLIT = 0.01
# Pairs that lose no more than this, in the largest worth of a pair, are tried, where they are no more than that: around
# more of them the search would take too long. Few stay for the second time.
_TRIED = ((0.1, 30_000), (0.4, 10_000))
_MOST_PAIRS_OF_ONE_NEED = 5_000
# Of the time that is left, for each search.
_SHARE_OF_SEARCH = 0.3


def mended(part: Programme, offers: Offers, bound: Bound, blend: Blend, chosen: Flags, budget: Budget) -> Flags:
    """Return a choice of pairs at least as good as another.

    First come needs that the master meets and the choice does not, the most urgent before others: the supporters who
    could take them are searched. Then supporters whose split loads share needs are searched together where the choice
    differs from the master, small groups first.
    """
    share = np.zeros(len(part.pair))
    is_pair = blend.loads >= 0
    np.add.at(share, blend.loads[is_pair], np.broadcast_to(blend.share[:, np.newaxis], is_pair.shape)[is_pair])
    near = bound.best.loss <= _TRIED[0][0]
    for need in _promised(part, share):
        if not chosen[part.need == need].any():
            pairs = _around(offers, np.unique(offers.supporter[near & (part.need == need)]), near, chosen)
            if 0 < len(pairs) <= _MOST_PAIRS_OF_ONE_NEED:
                chosen = max(chosen, _best_of(part, pairs, chosen, budget), key=part.reached)
    together = list(_split_together(offers, blend))
    for most_loss, most_pairs in _TRIED:
        near = bound.best.loss <= most_loss
        for people in together:
            theirs = np.flatnonzero(np.isin(offers.supporter, people))
            promised = np.bincount(part.level[theirs], weights=share[theirs] - chosen[theirs])
            if (np.abs(promised) > _SPLIT).any():
                pairs = _around(offers, people, near, chosen)
                if 0 < len(pairs) <= most_pairs:
                    chosen = max(chosen, _best_of(part, pairs, chosen, budget), key=part.reached)
    return chosen


def _promised(part: Programme, share: Floats) -> Positions:
    """Needs of which the blend meets most, in order of urgency."""
    need, first = np.unique(part.need, return_index=True)
    is_met = np.bincount(part.need, weights=share)[need] > 0.5
    return need[is_met][np.argsort(part.level[first[is_met]], kind="stable")]


def _around(offers: Offers, people: Positions, near: Flags, chosen: Flags) -> Positions:
    """The pairs of some people and of whoever holds what they could take, with needs that no one else holds."""
    free = np.zeros(len(offers.places), dtype=bool)
    free[people] = True
    could = np.zeros(offers.n_needs, dtype=bool)
    could[offers.need[near & free[offers.supporter]]] = True
    free[offers.supporter[chosen & could[offers.need]]] = True
    theirs = free[offers.supporter]
    held = np.zeros(offers.n_needs, dtype=bool)
    held[offers.need[chosen & ~theirs]] = True
    return np.flatnonzero(theirs & (chosen | (near & ~held[offers.need])))


def _best_of(part: Programme, pairs: Positions, chosen: Flags, budget: Budget) -> Flags:
    """The best choice of these pairs, while all others are as they are."""
    if budget.remaining_s() <= 0:
        budget.cut_short()
        return chosen
    few, best = part.of(pairs), chosen.copy()
    best[pairs], _ = best_choice(few, few.worth, (), chosen[pairs], budget.share(_SHARE_OF_SEARCH))
    return best


def _split_together(offers: Offers, blend: Blend) -> Iterator[Positions]:
    """Supporters with split loads, by whom they share needs of these with; the fewest together first."""
    loads = blend.loads[(blend.share > _SPLIT) & (blend.share < 1 - _SPLIT)]
    load, slot = np.nonzero(loads >= 0)
    pair = loads[load, slot]
    supporter, need = offers.supporter[pair], len(offers.places) + offers.need[pair]
    size = len(offers.places) + offers.n_needs
    group = connected_components(coo_array((np.ones(len(pair)), (supporter, need)), (size, size)), directed=False)[1]
    people = np.unique(supporter)
    _, of_people, sizes = np.unique(group[people], return_inverse=True, return_counts=True)
    for number in np.lexsort((np.arange(len(sizes)), sizes)):
        yield people[of_people == number]
