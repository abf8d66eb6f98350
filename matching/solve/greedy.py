"""A greedy heuristic that adds pairs to an outcome while they fit: it starts a search, and completes one cut short."""

import numpy as np

from matching.solve.arrays import Flags, Positions
from matching.solve.problem import UNMET, AssignmentProblem, best_of_each_need, days_used, visits_of


def filled_greedily(problem: AssignmentProblem, supporter_of: Positions, allowed: Positions) -> Positions:
    """Return the outcome with allowed pairs added while they fit.

    In each turn every unmet need proposes to its best supporter, who takes the best proposal. Packages are left as they
    are, since one of their needs alone may not be added.
    """
    outcome, side = supporter_of.copy(), problem.side_constraints
    if side is not None:
        allowed = allowed[side.package[problem.need[allowed]] < 0]
    while True:
        met = outcome != UNMET
        places_left = problem.places - np.bincount(outcome[met], minlength=len(problem.places))
        days_left = problem.days_offered - days_used(problem, outcome)
        need, supporter = problem.need[allowed], problem.supporter[allowed]
        fits = (places_left[supporter] > 0) & (problem.days_asked[need] <= days_left[supporter])
        fits &= _within_side_constraints(problem, outcome, allowed)
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return outcome
        weight = problem.weight[allowed]
        asking = allowed[best_of_each_need(problem.need[allowed], weight, 1)]
        taken = _first_of_each(asking[np.lexsort((asking, -problem.weight[asking]))], problem.supporter)
        if side is not None:
            taken = _first_of_each(taken, side.home[problem.supporter])
            taken = _first_of_each(taken, side.school[problem.need])
        outcome[problem.need[taken]] = problem.supporter[taken]


def _first_of_each(pairs: Positions, group_of: Positions) -> Positions:
    """Return the first pair of each group, in the order given."""
    return pairs[np.sort(np.unique(group_of[pairs], return_index=True)[1])]


def _within_side_constraints(problem: AssignmentProblem, supporter_of: Positions, pairs: Positions) -> Flags:
    """Return whether the limits on schools let each pair be added to an outcome."""
    side = problem.side_constraints
    if side is None:
        return np.ones(len(pairs), dtype=bool)
    school, home = side.school[problem.need[pairs]], side.home[problem.supporter[pairs]]
    visits, n_people = visits_of(problem, supporter_of), len(problem.places)
    come = np.bincount(visits[0], minlength=len(side.supporters_left))
    comes = np.isin(school * n_people + problem.supporter[pairs], visits[0] * n_people + visits[1])
    held = np.bincount(side.home[supporter_of[supporter_of != UNMET]], minlength=len(side.deployments_left))
    may_come = problem.already_visits(pairs) | comes | (come < side.supporters_left)[school]
    return np.asarray(may_come & (held < side.deployments_left)[home])
