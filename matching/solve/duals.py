"""Prices of places that prove an assignment best over some pairs: the least there are, or those near what is expected.

The assignment is given; nothing is solved here. Where it is not the best, prices do not settle, and it is said where.
"""

from dataclasses import dataclass

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.problem import UNMET, AssignmentProblem, places_left


@dataclass(frozen=True)
class Duals:
    """Prices v of supporters and surpluses u of needs; and which of the needs, then supporters, show that they fail."""

    price: Integers
    surplus: Integers
    unsettled: Flags


def least_duals(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    sweeps: int,
    start: Integers | None = None,
) -> Duals:
    """The least prices v >= 0 and the surpluses u, with u_i + v_j >= w_ij on every active pair.

    With `start`, the least that are nowhere below it: they settle where some prices do that are nowhere below it.

    Notes
    -----
    On chosen pairs u_i = w_ij - v_j, and u_i = 0 on unmet needs. Then v is the fixpoint of
    v_j = max(start_j, max_i w_ij - u_i): longest paths, which are finite where the assignment is optimal. The least
    prices are what one more place is worth. Of an assignment that is not optimal, prices rise for ever, or a place that
    is left gets a price, or a need a surplus below 0.
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
    expected: Integers,
) -> Duals:
    """Prices and surpluses as in `least_duals`, but as near to the expected prices as they can be.

    Notes
    -----
    Prices that prove an assignment over few pairs can mostly lie anywhere between the least and the highest; the least
    promise much of the other pairs that is not there. From whichever is the lower of the highest and the expected, they
    rise to where they settle, which is nowhere above the highest.
    """
    highest = _highest_duals(problem, weight, active, supporter_of, sweeps)
    return least_duals(problem, weight, active, supporter_of, sweeps, np.minimum(expected, highest))


def _highest_duals(
    problem: AssignmentProblem, weight: Integers, active: Positions, supporter_of: Positions, sweeps: int
) -> Integers:
    """The highest prices that prove an optimal assignment over the active pairs.

    Notes
    -----
    The other way about: prices begin at all that the needs there are worth, and fall, v_j = min_i w_ij - u_i over the
    needs that it has, as surpluses rise, u_i = max(0, max_j w_ij - v_j). A place that is left costs nothing.
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
