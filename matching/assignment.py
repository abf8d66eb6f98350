r"""Pairs and capacities to chosen pairs, prices and proof, with scipy.

The model, for needs *i*, supporters *j* and eligible pairs *E*, with :math:`x_{ij} \in \{0, 1\}`::

    sum_j x_ij <= 1                    each need at most one supporter
    sum_i x_ij <= places_j             places
    sum_i days_i x_ij <= days_j        days

maximising, each level kept before the next is looked at: critical needs met, high needs met, normal needs met, total
score (in a rerun, plus the change cost for each deployment kept). Pins are settled before anything else.

Without days this is a transportation problem. The sets of needs that can be met together form a transversal matroid,
so a bonus of 3, 2 and 1 times a large whole number settles the first three levels in one solve, and its dual prices
prove the answer. It is solved over each need's best few pairs; prices then say which other pairs are still worth
adding, until none is, so that the proof covers every eligible pair. Places grow in the same way: a supporter enters
with a few, and gets more while one more would be worth something.

Where the answer without days breaks somebody's days, the connected parts of the graph that they are in are solved
again as mixed-integer programmes.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.search import best_with_days
from matching.task import UNMET, Assignment, Positions, Reached, Task, as_reached, chosen_pairs, days_used
from matching.transport import best_without_days


def assign(
    task: Task, *, time_limit_s: float = 60.0, progress: Callable[[str], None] = lambda step: None
) -> Assignment:
    """Choose the best pairs.

    Parameters
    ----------
    task : Task
    time_limit_s : float
        How long the parts where days bind may be searched, in seconds.
    progress : callable
        Told in words what is being done.
    """
    progress("Solving places")
    supporter_of, price = best_without_days(task)
    part = _parts(task)
    over = days_used(task, supporter_of) > task.days_offered
    # The smallest first, so that one large part does not use up the time of all.
    parts, sizes = np.unique(part[: len(task.level)], return_counts=True)
    entangled = parts[np.isin(parts, part[len(task.level) :][over])]
    entangled = entangled[np.argsort(sizes[np.isin(parts, entangled)], kind="stable")]
    bounds = np.array(_values(task, supporter_of))
    price_milli = price.astype(np.float64)
    deadline = time.monotonic() + time_limit_s
    pairs_in_part = np.bincount(part[task.need], minlength=int(part.max(initial=-1)) + 1)
    for number, one in enumerate(entangled, start=1):
        progress(f"Solving days, part {number} of {len(entangled)}")
        needs = np.flatnonzero(part[: len(task.level)] == one)
        supporters = np.flatnonzero(part[len(task.level) :] == one)
        # Half of what is left, or more where the rest is smaller; what a part does not use goes to those after it.
        share = max(0.5, pairs_in_part[one] / pairs_in_part[entangled[number - 1 :]].sum())
        until = time.monotonic() + (deadline - time.monotonic()) * share
        relaxed = _values(task, supporter_of, needs)
        chosen, part_bounds = best_with_days(task, needs, supporters, supporter_of, price, relaxed, until)
        supporter_of[needs] = chosen
        bounds += np.array(part_bounds) - np.array(relaxed)
        price_milli[supporters] = np.nan
    values = _values(task, supporter_of)
    return Assignment(supporter_of, price_milli, values, as_reached(bounds), task.bonus_milli, bool(len(entangled)))


def _values(task: Task, supporter_of: Positions, needs: Positions | None = None) -> Reached:
    """Needs met at each level and the total value in thousandths; of some needs where they are named."""
    met = supporter_of != UNMET
    if needs is not None:
        met = met & np.isin(np.arange(len(met)), needs)
    counts = np.bincount(task.level[met], minlength=3)
    chosen = chosen_pairs(task, np.where(met, supporter_of, UNMET))
    return as_reached([*counts[:3], task.value_milli[chosen].sum()])


def _parts(task: Task) -> Positions:
    """Connected part of each need and then of each supporter."""
    n_needs, n_nodes = len(task.level), len(task.level) + len(task.places)
    graph = coo_array((np.ones(len(task.need), np.int8), (task.need, n_needs + task.supporter)), (n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.intp)
