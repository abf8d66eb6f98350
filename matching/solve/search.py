"""Days and side constraints: the search of one connected component, and its proof."""

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.by_loads import by_loads
from matching.solve.components import Component
from matching.solve.greedy import completed, filled_greedily
from matching.solve.large import best_of_large_part, bounds_around
from matching.solve.loads import Offers
from matching.solve.pricing_oracle import PricingOracle, with_all_pairs_of
from matching.solve.problem import (
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    Reached,
    as_reached,
    bounds_as_good,
    chosen_pairs,
    most_urgent_together,
    values_of,
)
from matching.solve.programme import Kept, Programme, best_choice, programme_of
from matching.solve.relaxation import by_relaxed_levels
from matching.solve.tied import best_of_tied_part

# A component of many pairs is first solved by other means, for a good plan whatever comes; one of even more is not
# searched as a whole.
_MANY_PAIRS = 50_000
_MOST_PAIRS_SEARCHED = 150_000
# Loads are blended where the time limit lets that get somewhere.
_SECONDS_A_PAIR = 0.0004
# Of its time, for the levels and then for the search of the whole; what is left is for bounds, where the search did not
# prove its plan.
_SHARE_OF_LEVELS = 0.9
_SHARE_OF_SEARCH = 0.8


def best_of_part(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    component: Component,
    without_days: Positions,
    price: Integers,
    budget: Budget,
) -> tuple[Positions, Reached, Reached]:
    """Return the best assignment of one component, the values it reaches and the bound of each level.

    `without_days` is the optimum with places only, with its prices.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves two things of it:
    among plans as good in the first two levels, none is better in the others. That the first two cannot be better is
    proved by the answer with places only, where the plan is as good; otherwise by a search for that level alone.

    A component of many pairs is solved by what each supporter could take together (`by_loads`), where there are no side
    constraints and there is time. Otherwise a plan is made beforehand, level by level (`relaxation`) or, where side
    constraints bind, over the pairs that promise most (`tied`): where that proves its plan there is nothing to search,
    and where the search comes to nothing better in time that plan stands, with its bounds. A component of even more
    pairs is not searched as a whole, and where a round is that large not all of its pairs are ever in the problem
    (`large`).
    """
    if component.n_pairs > _MOST_PAIRS_SEARCHED:
        return best_of_large_part(problem, oracle, component, without_days, price, budget)
    problem = with_all_pairs_of(problem, oracle, component.needs)
    outcome, bounds = _best_of_all(problem, component, without_days, price, budget)
    return outcome[component.needs], values_of(problem, outcome, component.needs), bounds


def _best_of_all(
    problem: AssignmentProblem, component: Component, supporter_of: Positions, price: Integers, budget: Budget
) -> tuple[Positions, Reached]:
    """Return the best assignment of a component with every pair in the problem, and its bounds."""
    needs, supporters, relaxed = (
        component.needs,
        component.supporters,
        values_of(problem, supporter_of, component.needs),
    )
    programme = programme_of(problem, needs, supporters)
    nobody = np.full(len(problem.level), UNMET, dtype=np.intp)
    as_far_as_it_goes = filled_greedily(
        problem, nobody, np.intersect1d(chosen_pairs(problem, supporter_of), programme.pair)
    )
    fallback = np.isin(
        programme.pair, chosen_pairs(problem, filled_greedily(problem, as_far_as_it_goes, programme.pair))
    )
    beyond = (problem.weight - price[problem.supporter])[programme.pair]
    whole_budget, is_large, most = budget, len(programme.pair) > _MANY_PAIRS, relaxed
    has_time = budget.limit_s >= _SECONDS_A_PAIR * len(programme.pair)
    can_blend = is_large and has_time and problem.side_constraints is None
    if can_blend and (offers := Offers.of(problem, programme.pair, needs, supporters)).are_few:
        chosen, bounds = by_loads(programme, offers, fallback, relaxed, whole_budget)
        outcome = completed(problem, programme, chosen)
        reached = programme.reached(np.isin(programme.pair, chosen_pairs(problem, outcome)))
        return outcome, as_reached(max(one, other) for one, other in zip(bounds, reached, strict=True))
    if is_large:
        budget = whole_budget.share(_SHARE_OF_SEARCH)
        if problem.side_constraints is None:
            urgent = most_urgent_together(programme.level, programme.package)
            levels_budget = whole_budget.share(_SHARE_OF_LEVELS)
            fallback, most = by_relaxed_levels(programme, len(needs), urgent, fallback, levels_budget)
        else:
            budget = whole_budget
            fallback, most = best_of_tied_part(problem, programme, needs, beyond, fallback, budget)
            relaxed = _closer(relaxed, most)
        if programme.reached(fallback) == most:
            return completed(problem, programme, fallback), most
    chosen, most_worth = best_choice(programme, programme.worth, (), fallback, budget)
    if programme.reached(chosen) < programme.reached(fallback):
        chosen = fallback
    kept: tuple[Kept, ...] = ()
    proved: list[int] = []
    for level in range(len(PRIORITY_LEVELS) - 1):
        counted = programme.count(level)
        value, bound = int(counted[chosen].sum()), relaxed[level]
        # As long as the levels before it are as good as with places only, that answer bounds this one.
        if proved != list(relaxed[:level]) or value < bound:
            more, bound = best_choice(programme, counted, kept, chosen, budget)
            if counted[more].sum() > value:
                value = int(counted[more].sum())
                chosen, most_worth = best_choice(
                    programme, programme.worth, (*kept, Kept(counted, value)), more, budget
                )
        kept = (*kept, Kept(counted, value))
        proved.append(max(bound, value))
    outcome = completed(problem, programme, chosen)
    chosen = np.isin(programme.pair, chosen_pairs(problem, outcome))
    bounds = as_reached([*proved, *_last_bounds(programme, chosen, most_worth, relaxed)])
    if is_large and bounds != programme.reached(chosen):
        if problem.side_constraints is None:
            closer = bounds_around(problem, component, price, outcome, relaxed, whole_budget)
            bounds = as_reached(min(one, other) for one, other in zip(bounds, closer, strict=True))
        reached = programme.reached(chosen)
        closer = bounds_as_good(reached, programme.reached(fallback), most, bounds)
        bounds = as_reached(max(one[0], min(one[1:])) for one in zip(reached, bounds, closer, strict=True))
    return outcome, bounds


def _closer(relaxed: Reached, most: Reached) -> Reached:
    """Return the closer of two bounds; that with places only holds while earlier levels reach it."""
    closer: list[int] = []
    for level, bound in enumerate(most):
        closer.append(min(bound, relaxed[level]) if closer == list(relaxed[:level]) else bound)
    return as_reached(closer)


def _last_bounds(programme: Programme, chosen: Flags, most_worth: int, relaxed: Reached) -> tuple[int, int]:
    """The bounds of the last level of needs met and of the score, among plans as good in the levels before."""
    counts = np.bincount(programme.level[chosen], minlength=len(PRIORITY_LEVELS)).tolist()
    score, missing = int(programme.value_milli[chosen].sum()), most_worth - int(programme.worth[chosen].sum())
    if missing <= 0:
        return counts[-1], score
    if counts == list(relaxed[:-1]):
        return counts[-1], min(relaxed[-1], score + missing)
    asking = len(np.unique(programme.need[programme.level == len(counts) - 1]))
    most_met = relaxed[-2] if counts[:-1] == list(relaxed[:-2]) else asking
    # A plan that meets more may have any score, and one that meets as many may exceed this one by what is missing.
    most_met = min(most_met, counts[-1] + (score + missing) // programme.bonus_milli)
    return most_met, min(programme.ceiling(programme.value_milli), score + missing)
