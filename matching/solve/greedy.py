"""Adding pairs to an outcome while they fit: what a search starts from, and what one that ran out of time leaves."""

import numpy as np

from matching.solve.arrays import Flags, Positions
from matching.solve.problem import UNMET, AssignmentProblem, best_of_each_need, days_used, visits_of
from matching.solve.programme import Programme


def filled_greedily(problem: AssignmentProblem, supporter_of: Positions, allowed: Positions) -> Positions:
    """Add allowed pairs while they fit: unmet needs ask their best supporter, who takes the best that asks.

    Packages are left as they are: one of their needs alone may not be added.
    """
    outcome = supporter_of.copy()
    if problem.side_constraints is not None:
        allowed = allowed[problem.side_constraints.package[problem.need[allowed]] < 0]
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
        if problem.side_constraints is not None:
            taken = _first_of_each(taken, problem.side_constraints.home[problem.supporter])
            taken = _first_of_each(taken, problem.side_constraints.school[problem.need])
        outcome[problem.need[taken]] = problem.supporter[taken]


def completed(problem: AssignmentProblem, programme: Programme, chosen: Flags) -> Positions:
    """By need: the supporter; only a search that ran out of time leaves anything to fill."""
    outcome = np.full(len(problem.level), UNMET, dtype=np.intp)
    outcome[problem.need[programme.pair[chosen]]] = problem.supporter[programme.pair[chosen]]
    return filled_greedily(problem, outcome, programme.pair)


def _first_of_each(pairs: Positions, group_of: Positions) -> Positions:
    """The first pair of each group, in the order in which they come."""
    return pairs[np.sort(np.unique(group_of[pairs], return_index=True)[1])]


def _within_side_constraints(problem: AssignmentProblem, supporter_of: Positions, pairs: Positions) -> Flags:
    """Whether each pair may be added to an outcome as far as ties go."""
    if problem.side_constraints is None:
        return np.ones(len(pairs), dtype=bool)
    school, home = (
        problem.side_constraints.school[problem.need[pairs]],
        problem.side_constraints.home[problem.supporter[pairs]],
    )
    visits = visits_of(problem, supporter_of)
    come = np.bincount(visits[0], minlength=len(problem.side_constraints.supporters_left))
    comes = np.isin(_together(problem, school, problem.supporter[pairs]), _together(problem, *visits))
    held = np.bincount(
        problem.side_constraints.home[supporter_of[supporter_of != UNMET]],
        minlength=len(problem.side_constraints.deployments_left),
    )
    may_come = problem.already_visits(pairs) | comes | (come < problem.side_constraints.supporters_left)[school]
    return np.asarray(may_come & (held < problem.side_constraints.deployments_left)[home])


def _together(problem: AssignmentProblem, school: Positions, supporter: Positions) -> Positions:
    """One number for a school and a supporter."""
    return school * len(problem.places) + supporter
