"""Closing level by level, pair by pair: for components of few pairs, and for counts that prices do not prove.

Each level is an integer programme that keeps what earlier ones reached (lexicographic optimisation). Where it ends
before its time, its value is the bound of that level; otherwise the bound of its relaxation is.
"""

from collections.abc import Sequence

import numpy as np

from matching.solve.arrays import Integers, Positions
from matching.solve.budget import Budget
from matching.solve.components import keeps_rules
from matching.solve.improve import better, filled_greedily
from matching.solve.params import LoadsParams
from matching.solve.problem import (
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    PricingOracle,
    Reached,
    as_reached,
    chosen_pairs,
    values_of,
    with_all_pairs_of,
)
from matching.solve.programme import Choice, Limits, Rows, closed

_MILLI, _EXACT = 1000, 1e-6
_N_LEVELS = len(PRIORITY_LEVELS)


def closed_by_levels(
    problem: AssignmentProblem, plan: Positions, relaxed: Reached, budget: Budget, params: LoadsParams
) -> tuple[Positions, Reached]:
    """Return the best plan over all pairs of a problem, and the bound of each level.

    `relaxed` are the values of the optimum with places only.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves that among plans
    as good in the first two levels, none is better in the others. That the first two cannot be better is proved by the
    optimum with places only, where the plan is as good; otherwise by a search for that level alone.
    """
    rows = Rows.of(problem)
    choice = Choice(np.empty((0, 1), dtype=np.intp), np.arange(len(problem.need)))
    least, most = rows.least.copy(), rows.most.copy()
    level = problem.level[problem.need]
    weight = problem.bonus_milli * np.array(params.level_factors)[level] + problem.value_milli

    def solved(value: Integers, start: Positions) -> tuple[Positions, float]:
        limits = Limits(least, most)
        found = closed(problem, rows, limits, choice, value, budget, here=params.columns_here, start=start)
        return better(problem, start, found.supporter_of), found.bound

    plan, bound = solved(weight, plan)
    proved: list[int] = []
    for one in range(_N_LEVELS - 1):
        reached, known = values_of(problem, plan)[one], relaxed[one]
        if proved != list(relaxed[:one]) or reached < known:
            goals = values_of(problem, plan)[:one]
            plan, _, known = counted(problem, None, plan, one, goals, budget, params)
            if values_of(problem, plan)[one] > reached:
                reached = values_of(problem, plan)[one]
                least[rows.level_at + one] = reached
                plan, bound = solved(weight, plan)
        least[rows.level_at + one] = reached
        proved.append(max(known, reached))
    return plan, as_reached((*proved, *_last_bounds(problem, plan, bound, weight, relaxed)))


def counted(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    plan: Positions,
    level: int,
    goals: Sequence[int],
    budget: Budget,
    params: LoadsParams,
) -> tuple[Positions, AssignmentProblem, int]:
    """Return a plan that meets more needs of a level, if one is found, the problem with its pairs, and a bound.

    Only needs up to this level take part, and those of their packages: where packages are whole or nothing, prices
    bound a count badly, and few needs are soon counted. Earlier levels reach their goals.
    """
    rows, counts = Rows.of(problem), problem.level <= level
    counts |= (rows.package >= 0) & np.isin(rows.package, rows.package[counts & (rows.package >= 0)])
    problem = with_all_pairs_of(problem, oracle, np.flatnonzero(counts))
    pairs = np.flatnonzero(counts[problem.need])
    asking = int(np.count_nonzero(problem.level == level))
    if len(pairs) > params.count_pairs:
        return plan, problem, asking
    least = rows.least.copy()
    least[rows.level_at : rows.level_at + level] = goals
    found = closed(
        problem,
        rows,
        Limits(least, rows.most),
        Choice(np.empty((0, 1), dtype=np.intp), pairs),
        _MILLI * (problem.level == level)[problem.need].astype(np.int64),
        budget,
        here=params.columns_here,
        start=np.where(counts, plan, UNMET),
    )
    if found.supporter_of is not None and keeps_rules(problem, found.supporter_of):
        kept = filled_greedily(problem, found.supporter_of, chosen_pairs(problem, plan))
        plan = better(problem, plan, filled_greedily(problem, kept, np.arange(len(problem.need))))
    return plan, problem, int(min(np.floor(found.bound / _MILLI + _EXACT), asking))


def _last_bounds(
    problem: AssignmentProblem, plan: Positions, bound: float, weight: Integers, relaxed: Reached
) -> tuple[int, int]:
    """Return the bounds of the last level of needs met and of the score, among plans as good in the levels before.

    `bound` is what no such plan exceeds where pairs count their `weight`.
    """
    reached = values_of(problem, plan)
    *urgent, met, score = reached
    asking = int(np.count_nonzero(problem.level == _N_LEVELS - 1))
    most_met = relaxed[_N_LEVELS - 1] if urgent == list(relaxed[: _N_LEVELS - 1]) else asking
    best = np.zeros(len(problem.level), dtype=np.int64)
    np.maximum.at(best, problem.need, problem.value_milli)
    most_score = int(best.sum())
    if np.isfinite(bound):
        missing = max(int(np.floor(bound + 1e-3)) - int(weight[chosen_pairs(problem, plan)].sum()), 0)
        # A plan that meets more may have any score, and one that meets as many may exceed this one by what is missing.
        most_met = min(most_met, met + (score + missing) // problem.bonus_milli if missing else met)
        most_score = min(most_score, score + missing)
    if reached[:_N_LEVELS] == relaxed[:_N_LEVELS]:
        most_score = min(most_score, relaxed[-1])
    return max(most_met, met), max(most_score, score)
