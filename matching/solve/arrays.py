"""The types of array that the solver, the rules and the spatial index pass to each other, and graphs of them."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Positions = NDArray[np.intp]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def connected(n_nodes: int, one: Positions, other: Positions) -> Positions:
    """Return the connected component of each node, from 0; edge k joins the nodes one[k] and other[k]."""
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.intp)
