"""Dual prices that prove an assignment optimal over some pairs: the least there are, or those nearest to an estimate.

The assignment is given; nothing is solved here. Where it is not optimal, prices do not settle, and the result shows
where.
"""

from dataclasses import dataclass

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.problem import UNMET, AssignmentProblem, places_left


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
