"""The transportation problem of one component: needs to places, by a bipartite matching of most weight."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from matching.solve.arrays import Integers, Positions
from matching.solve.problem import UNMET


@dataclass(frozen=True)
class _Places:
    """The pairs with each supporter repeated once a place: by edge its pair and place, by place its owner."""

    edge: Positions
    place: Positions
    owner: Positions


def _repeated(supporter: Positions, places: Integers) -> _Places:
    """Repeat each supporter once a place, but no more often than it has pairs."""
    useful = np.minimum(places, np.bincount(supporter, minlength=len(places)))
    first_place = np.cumsum(useful) - useful
    repeats = useful[supporter]
    edge = np.repeat(np.arange(len(supporter)), repeats)
    copy = np.arange(len(edge)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return _Places(edge, first_place[supporter[edge]] + copy, np.repeat(np.arange(len(places)), useful))


def transport(
    n_needs: int, need: Positions, supporter: Positions, weight: Integers, places: Integers, n_met: int
) -> Positions:
    """Return by need the supporter in an optimal assignment to places, or `UNMET`.

    Parameters
    ----------
    need, supporter, weight : ndarray
        By pair.
    places : ndarray of int64
        By supporter.
    n_met : int
        The number of needs that can be met at the same time.
    """
    repeated = _repeated(supporter, places)
    edge_need, edge_weight, n_places = need[repeated.edge], weight[repeated.edge], len(repeated.owner)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    # The matching augments row by row: it is several times faster with the shorter side as its rows.
    if n_needs <= n_places:
        place_of = _best_matching(edge_need, repeated.place, edge_weight, n_needs, n_places, n_met)
        met = np.flatnonzero(place_of >= 0)
        supporter_of[met] = repeated.owner[place_of[met]]
    else:
        need_of = _best_matching(repeated.place, edge_need, edge_weight, n_places, n_needs, n_met)
        used = np.flatnonzero(need_of >= 0)
        supporter_of[need_of[used]] = repeated.owner[used]
    return supporter_of


def _best_matching(
    row: Positions, column: Positions, weight: Integers, n_rows: int, n_columns: int, n_matched: int
) -> Positions:
    """Return the column of each row, or -1. Where some row cannot be matched, each has an extra column of weight 0."""
    # A stored zero is no edge: costs are shifted to be at least 1.
    most = int(weight.max(initial=0))
    costs = most - weight + 1
    width = n_columns
    if n_matched < n_rows:
        rows = np.arange(n_rows)
        row, column = np.concatenate([row, rows]), np.concatenate([column, n_columns + rows])
        costs, width = np.concatenate([costs, np.full(n_rows, most + 1)]), n_columns + n_rows
    graph = csr_array((costs.astype(np.float64), (row, column)), shape=(n_rows, width))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    column_of = np.full(n_rows, -1, dtype=np.intp)
    column_of[matched_row] = np.where(matched_column < n_columns, matched_column, -1)
    return column_of
