"""Places only: the best assignment without days, and the prices that prove it over every eligible pair.

It is solved over each need's best few pairs; prices then say which other pairs are still worth adding, until none is.
Places grow in the same way: a supporter enters with a few, and gets more while one more would be worth something.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from matching.task import UNMET, Positions, Task, Whole, best_of_each_need

# Pairs a need brings to the first solve, and adds in each round after it.
_FIRST_PAIRS = 16
_MORE_PAIRS = 16
# Places of a supporter in the first solve; doubled while another one would be worth something.
_FIRST_PLACES = 4


def best_without_days(task: Task) -> tuple[Positions, Whole]:
    """The optimum without days, and the least prices that prove it over every pair."""
    weight = task.weight
    active = best_of_each_need(task.need, weight, _FIRST_PAIRS)
    places = np.minimum(task.places, _FIRST_PLACES)
    supporter_of = _transport(len(task.level), task.need[active], task.supporter[active], weight[active], places)
    while True:
        need, supporter, worth = task.need[active], task.supporter[active], weight[active]
        price, surplus = _prices(need, supporter, worth, supporter_of, places)
        gain = weight - price[task.supporter] - surplus[task.need]
        promising = np.flatnonzero(gain > 0)
        short = (places < task.places) & (price > 0)
        if not len(promising) and not short.any():
            return supporter_of, price
        more = promising[best_of_each_need(task.need[promising], gain[promising], _MORE_PAIRS)]
        active = np.union1d(active, more)
        places = np.where(short, np.minimum(2 * places, task.places), places)
        need, supporter, worth = task.need[active], task.supporter[active], weight[active]
        supporter_of = _transport_again(len(task.level), need, supporter, worth, places, price)


@dataclass(frozen=True)
class _Places:
    """Pairs with each supporter repeated once a place: the pair of each edge, its place, and who each place is with."""

    edge: Positions
    place: Positions
    owner: Positions


def _repeated(supporter: Positions, places: Whole) -> _Places:
    """Repeat each supporter once a place, as far as there are pairs to fill them."""
    useful = np.minimum(places, np.bincount(supporter, minlength=len(places)))
    first_place = np.cumsum(useful) - useful
    repeats = useful[supporter]
    edge = np.repeat(np.arange(len(supporter)), repeats)
    copy = np.arange(len(edge)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return _Places(edge, first_place[supporter[edge]] + copy, np.repeat(np.arange(len(places)), useful))


def _transport(n_needs: int, need: Positions, supporter: Positions, weight: Whole, places: Whole) -> Positions:
    """The best assignment of needs to places."""
    repeated = _repeated(supporter, places)
    edge_need, edge_weight, n_places = need[repeated.edge], weight[repeated.edge], len(repeated.owner)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    # The solver augments row by row: it is several times faster with the shorter side as its rows.
    if n_needs <= n_places:
        place_of = _best_matching(edge_need, repeated.place, edge_weight, n_needs, n_places)
        met = np.flatnonzero(place_of >= 0)
        supporter_of[met] = repeated.owner[place_of[met]]
    else:
        need_of = _best_matching(repeated.place, edge_need, edge_weight, n_places, n_needs)
        used = np.flatnonzero(need_of >= 0)
        supporter_of[need_of[used]] = repeated.owner[used]
    return supporter_of


def _transport_again(
    n_needs: int, need: Positions, supporter: Positions, weight: Whole, places: Whole, price: Whole
) -> Positions:
    """The best assignment of needs to places, from prices that were right before some pairs were added.

    Notes
    -----
    With u_i the most that a pair of need i is worth beyond its price, an assignment falls short of what prices allow
    by the sum of u_i + v_j - w_ij over its pairs, u_i over unmet needs and v_j over empty places. That sum is made as
    small as it can be. All its terms are at least 0 and nearly all of the best ones are 0, so that the solver finds
    most of the answer where it first looks. To charge for empty places as well as for unmet needs, each need has an
    "unmet" column and each place an "empty" row, and what is left of both is matched along the same pairs at no cost.
    """
    beyond = weight - price[supporter]
    surplus = np.zeros(n_needs, dtype=np.int64)
    np.maximum.at(surplus, need, beyond)
    repeated = _repeated(supporter, places)
    edge_need, n_places = need[repeated.edge], len(repeated.owner)
    needs, empty = np.arange(n_needs), np.arange(n_places)
    rows = np.concatenate([edge_need, needs, n_needs + repeated.place, n_needs + empty])
    columns = np.concatenate([repeated.place, n_places + needs, n_places + edge_need, empty])
    short = (surplus[need] - beyond)[repeated.edge]
    costs = np.concatenate([short, surplus, np.zeros(len(short), dtype=np.int64), price[repeated.owner]])
    # Stored zeros would be no edges.
    graph = csr_array((costs + 1.0, (rows, columns)), shape=(n_needs + n_places, n_needs + n_places))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    served = (matched_row < n_needs) & (matched_column < n_places)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    supporter_of[matched_row[served]] = repeated.owner[matched_column[served]]
    return supporter_of


def _best_matching(row: Positions, column: Positions, weight: Whole, n_rows: int, n_columns: int) -> Positions:
    """The column of each row, or -1: each row has a private column of no worth, so a full matching always exists."""
    rows = np.concatenate([row, np.arange(n_rows)])
    columns = np.concatenate([column, n_columns + np.arange(n_rows)])
    # Stored zeros would be no edges: costs are shifted so that every one of them is at least 1.
    most = int(weight.max(initial=0))
    costs = np.concatenate([most - weight, np.full(n_rows, most)]) + 1
    graph = csr_array((costs.astype(np.float64), (rows, columns)), shape=(n_rows, n_columns + n_rows))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    column_of = np.full(n_rows, -1, dtype=np.intp)
    column_of[matched_row] = np.where(matched_column < n_columns, matched_column, -1)
    return column_of


def _prices(
    need: Positions, supporter: Positions, weight: Whole, supporter_of: Positions, places: Whole
) -> tuple[Whole, Whole]:
    """The least prices v >= 0 of supporters, and each need's surplus u, with u_i + v_j >= w_ij on every pair given.

    Notes
    -----
    On chosen pairs u_i = w_ij - v_j, and u_i = 0 on unmet needs. Then v is the fixpoint of
    v_j = max(0, max_i w_ij - u_i): longest paths, which are finite because the assignment is optimal. The least
    prices are what one more place is worth.
    """
    chosen = supporter_of[need] == supporter
    own_weight = np.zeros(len(supporter_of), dtype=np.int64)
    own_weight[need[chosen]] = weight[chosen]
    met = supporter_of != UNMET
    by_supporter = np.argsort(supporter[~chosen], kind="stable")
    other_need = need[~chosen][by_supporter]
    other_supporter = supporter[~chosen][by_supporter]
    step = weight[~chosen][by_supporter] - own_weight[other_need]
    first = np.flatnonzero(np.diff(other_supporter, prepend=-1))
    price = np.zeros(len(places), dtype=np.int64)
    while True:
        carried = np.where(met, price[supporter_of], 0)
        raised = price.copy()
        if len(first):
            offers = np.maximum.reduceat(step + carried[other_need], first)
            raised[other_supporter[first]] = np.maximum(price[other_supporter[first]], offers)
        if np.array_equal(raised, price):
            return price, np.where(met, own_weight - carried, 0)
        price = raised
