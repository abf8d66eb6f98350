"""Closing level by level, pair by pair: for components of few pairs, and for counts that prices do not prove.

Each level is an integer programme that keeps what the plan reaches of those before it (lexicographic optimisation).
Only needs up to a level take part in counting it, with those of their packages: few needs are soon counted. The last
level and the score are one programme, in which a need counts more than any score: scores tell plans apart that meet as
many needs, which makes the count much easier.

Guarantee: no bound is below what a plan can reach that is as good in the levels before. A programme that ends before
its time proves its level; one that is cut short gives the bound of its relaxation.
"""

import numpy as np

from matching.solve.budget import Budget
from matching.solve.components import keeps_rules
from matching.solve.improve import better, filled_greedily
from matching.solve.params import LoadsParams
from matching.solve.problem import (
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    Flags,
    Floats,
    Integers,
    Positions,
    Shown,
    chosen_pairs,
    values_of,
)
from matching.solve.programme import Choice, Limits, Rows, closed

_LAST = len(PRIORITY_LEVELS) - 1


def closed_by_levels(
    problem: AssignmentProblem, plan: Positions, shown: Shown, budget: Budget, params: LoadsParams
) -> tuple[Positions, Shown]:
    """Return the best plan over all pairs of a problem, and what is shown of its levels, after what was before."""
    rows, shown = Rows.of(problem), dict(shown)
    least = rows.least.copy()

    def is_open(level: int) -> bool:
        reached = values_of(problem, plan)
        return reached[level] < shown.get(reached[:level], np.inf)

    def show(level: int, most: float) -> None:
        reached = values_of(problem, plan)
        if np.isfinite(most):
            known = shown.get(reached[:level], np.iinfo(np.int64).max)
            shown[reached[:level]] = max(min(int(np.floor(most + 1e-3)), known), reached[level])

    for level in range(_LAST):
        if is_open(level):
            counts = (problem.level <= level) | _packed_with(problem.level <= level, rows.package)
            value = (problem.level == level)[problem.need].astype(np.int64)
            plan, most = _best(problem, rows, least, counts, value, plan, budget, params)
            show(level, most)
        least[rows.level_at + level] = values_of(problem, plan)[level]
    if is_open(_LAST) or is_open(_LAST + 1):
        every = np.ones(len(plan), dtype=bool)
        bonus = problem.bonus_milli
        value = problem.value_milli + bonus * (problem.level == _LAST)[problem.need]
        plan, most = _best(problem, rows, least, every, value, plan, budget, params)
        show(_LAST, most / bonus)
        show(_LAST + 1, most - bonus * values_of(problem, plan)[_LAST])
    return plan, shown


def _packed_with(needs: Flags, package: Positions) -> Flags:
    """Return by need whether its package holds any of these needs."""
    return (package >= 0) & np.isin(package, package[needs])


def _best(
    problem: AssignmentProblem,
    rows: Rows,
    least: Floats,
    needs: Flags,
    value: Integers,
    plan: Positions,
    budget: Budget,
    params: LoadsParams,
) -> tuple[Positions, float]:
    """Return the plan after these needs are assigned for the most value, and what that value does not exceed.

    Other needs stay with whom they have where that still fits, and unmet ones are met where they fit. `least` is what
    each row of the programme has to reach.
    """
    found = closed(
        problem,
        rows,
        Limits(least, rows.most),
        Choice(np.empty((0, 1), dtype=np.intp), np.flatnonzero(needs[problem.need])),
        value,
        budget,
        params,
        start=np.where(needs, plan, UNMET),
    )
    if found.supporter_of is not None and keeps_rules(problem, found.supporter_of):
        kept = filled_greedily(problem, found.supporter_of, chosen_pairs(problem, plan))
        plan = better(problem, plan, filled_greedily(problem, kept, np.arange(len(problem.need))))
    return plan, found.bound
