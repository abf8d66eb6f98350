"""Adding pairs to an outcome while they fit: what a search starts from, and what one that ran out of time leaves."""

import numpy as np

from matching.solve.problem import (
    UNMET,
    Flags,
    Positions,
    Task,
    best_of_each_need,
    days_used,
    visits_of,
)
from matching.solve.programme import Programme


def filled(task: Task, supporter_of: Positions, allowed: Positions) -> Positions:
    """Add allowed pairs while they fit: unmet needs ask their best supporter, who takes the best that asks.

    Packages are left as they are: one of their needs alone may not be added.
    """
    outcome = supporter_of.copy()
    if task.ties is not None:
        allowed = allowed[task.ties.package[task.need[allowed]] < 0]
    while True:
        met = outcome != UNMET
        places_left = task.places - np.bincount(outcome[met], minlength=len(task.places))
        days_left = task.days_offered - days_used(task, outcome)
        need, supporter = task.need[allowed], task.supporter[allowed]
        fits = (places_left[supporter] > 0) & (task.days_asked[need] <= days_left[supporter])
        fits &= _within_ties(task, outcome, allowed)
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return outcome
        weight = task.weight[allowed]
        asking = allowed[best_of_each_need(task.need[allowed], weight, 1)]
        taken = _first_of_each(asking[np.lexsort((asking, -task.weight[asking]))], task.supporter)
        if task.ties is not None:
            taken = _first_of_each(taken, task.ties.home[task.supporter])
            taken = _first_of_each(taken, task.ties.school[task.need])
        outcome[task.need[taken]] = task.supporter[taken]


def filled_up(task: Task, programme: Programme, chosen: Flags) -> Positions:
    """By need: the supporter; only a search that ran out of time leaves anything to fill."""
    outcome = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome[task.need[programme.pair[chosen]]] = task.supporter[programme.pair[chosen]]
    return filled(task, outcome, programme.pair)


def _first_of_each(pairs: Positions, group_of: Positions) -> Positions:
    """The first pair of each group, in the order in which they come."""
    return pairs[np.sort(np.unique(group_of[pairs], return_index=True)[1])]


def _within_ties(task: Task, supporter_of: Positions, pairs: Positions) -> Flags:
    """Whether each pair may be added to an outcome as far as ties go."""
    if task.ties is None:
        return np.ones(len(pairs), dtype=bool)
    school, home = task.ties.school[task.need[pairs]], task.ties.home[task.supporter[pairs]]
    visits = visits_of(task, supporter_of)
    come = np.bincount(visits[0], minlength=len(task.ties.supporters_left))
    comes = np.isin(_together(task, school, task.supporter[pairs]), _together(task, *visits))
    held = np.bincount(task.ties.home[supporter_of[supporter_of != UNMET]], minlength=len(task.ties.deployments_left))
    may_come = task.is_there(pairs) | comes | (come < task.ties.supporters_left)[school]
    return np.asarray(may_come & (held < task.ties.deployments_left)[home])


def _together(task: Task, school: Positions, supporter: Positions) -> Positions:
    """One number for a school and a supporter."""
    return school * len(task.places) + supporter
