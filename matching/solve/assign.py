r"""Pairs and capacities to chosen pairs, prices and proof, with scipy.

The model, for needs *i*, supporters *j* and eligible pairs *E*, with :math:`x_{ij} \in \{0, 1\}`::

    sum_j x_ij <= 1                    each need at most one supporter
    sum_i x_ij <= places_j             places
    sum_i days_i x_ij <= days_j        days

and, where somebody asked for them, ties: the needs of a package are all met or none, no more than so many supporters
come to one school, and no more than so many deployments leave one home school.

Maximised, each level kept before the next is looked at: critical needs met, high needs met, normal needs met, total
score (in a rerun, plus the change cost for each deployment kept). Pins are settled before anything else.

With places only this is a transportation problem (`transport`), solved to the optimum with the prices that prove it.
Where that answer breaks somebody's days or a tie, the connected parts of the graph that they are in are searched again
as integer programmes (`search`, `programme`); everywhere else it is the answer.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from matching.solve.around import Around, best_around
from matching.solve.arrays import Integers, Positions
from matching.solve.budget import Budget
from matching.solve.components import Components, over_days
from matching.solve.flow import best_without_days
from matching.solve.greedy import filled_greedily
from matching.solve.pricing_oracle import PricingOracle, with_addable_pairs, with_best_pairs
from matching.solve.problem import (
    UNMET,
    Assignment,
    AssignmentProblem,
    Reached,
    as_reached,
    chosen_pairs,
    rank_in_group,
    values_of,
)
from matching.solve.search import best_of_part

# Parts that are searched at the same time: as many as keep the solver busy on few cores, and memory small.
_COMPONENTS_AT_ONCE = 2
# Where days bind among more pairs than these, it is looked whether they bind for few people only; the rest of the time
# limit is for all other searches.
_MANY_PAIRS = 50_000
_SHARE_OF_AROUND = 0.5


def assign(
    problem: AssignmentProblem,
    *,
    time_limit_s: float = 60.0,
    progress: Callable[[str], None] = lambda step: None,
    cancel: threading.Event | None = None,
    oracle: PricingOracle | None = None,
) -> Assignment:
    """Choose the best pairs.

    Parameters
    ----------
    problem : AssignmentProblem
        With every eligible pair, or with some and the `oracle`.
    time_limit_s : float
        How long the parts where days or ties bind may be searched, in seconds.
    progress : callable
        Told in words what is being done.
    cancel : threading.Event, optional
        Set by whoever wants the search to end with the best that it has.
    oracle : PricingOracle, optional
        Where the task holds only pairs that are likely to matter: what finds the others.
    """
    budget = Budget.of(time_limit_s, progress, cancel)
    problem, supporter_of, price = best_without_days(problem, budget, oracle)
    # The time limit is for the search alone.
    budget = replace(budget, deadline=Budget.of(time_limit_s).deadline)
    if price is None:
        return _cancelled(problem, oracle, supporter_of, budget)
    days_fit = not over_days(problem, supporter_of).any()
    if not days_fit and problem.side_constraints is None and len(problem.need) > _MANY_PAIRS:
        around = best_around(problem, oracle, supporter_of, price, budget.share(_SHARE_OF_AROUND))
        if around is not None:
            return _mended(around, budget)
    values = values_of(problem, supporter_of)
    if days_fit and problem.side_constraints is None:
        return Assignment(supporter_of, price.astype(np.float64), values, values, problem.bonus_milli, searched=False)
    return _searched(problem, oracle, supporter_of, price, budget)


def _searched(
    problem: AssignmentProblem, oracle: PricingOracle | None, without_days: Positions, price: Integers, budget: Budget
) -> Assignment:
    """The answer with places only, and the best that is found in each part where it breaks days or a tie."""
    # The smallest first, so that one large part does not use up the time of all.
    entangled = Components.of(problem, oracle).entangled(problem, without_days)

    def solved(number: int) -> tuple[Positions, Reached, Reached]:
        component = entangled[number]
        budget.report(f"Solving days and ties, component {number + 1} of {len(entangled)}: {component.n_pairs:,} pairs")
        # Half of what is left, or more where the rest is smaller; what a part does not use goes to those after it.
        share = max(0.5, _COMPONENTS_AT_ONCE * component.n_pairs / sum(one.n_pairs for one in entangled[number:]))
        return best_of_part(problem, oracle, component, without_days, price, budget.share(min(1.0, share)))

    supporter_of, price_milli = without_days.copy(), price.astype(np.float64)
    values = bounds = np.array(values_of(problem, without_days))
    # What is decided in one part has no bearing on another, and the solver lets others work meanwhile.
    with ThreadPoolExecutor(_COMPONENTS_AT_ONCE) as pool:
        for component, (chosen, reached, most) in zip(entangled, pool.map(solved, range(len(entangled))), strict=True):
            relaxed = values_of(problem, without_days, component.needs)
            supporter_of[component.needs] = chosen
            price_milli[component.supporters] = np.nan
            values = values + np.subtract(reached, relaxed)
            bounds = bounds + np.subtract(most, relaxed)
    return Assignment(
        supporter_of,
        price_milli,
        as_reached(values),
        as_reached(bounds),
        problem.bonus_milli,
        searched=bool(entangled),
        ended=budget.ended,
    )


def _mended(around: Around, budget: Budget) -> Assignment:
    """The answer where days were mended around the people whom they bind: no need was lost by it."""
    values = values_of(around.problem, around.supporter_of)
    return Assignment(
        around.supporter_of,
        around.price_milli,
        values,
        as_reached([*values[:-1], around.most_milli]),
        around.problem.bonus_milli,
        searched=True,
        surplus_milli=around.surplus_milli,
        ended=budget.ended,
    )


def _cancelled(
    problem: AssignmentProblem, oracle: PricingOracle | None, supporter_of: Positions, budget: Budget
) -> Assignment:
    """The best that is known where nobody waited for the places: as many needs as can be met, within days and ties."""
    most_met = values_of(problem, supporter_of)[:-1]
    needs, nobody = np.arange(len(problem.level)), np.full(len(problem.level), UNMET, dtype=np.intp)
    outcome = filled_greedily(problem, nobody, chosen_pairs(problem, supporter_of))
    problem = with_addable_pairs(problem, oracle, needs, outcome)
    outcome = filled_greedily(problem, outcome, np.arange(len(problem.need)))
    problem = with_best_pairs(problem, oracle, needs, np.zeros(len(problem.places), dtype=np.int64), 1)
    values = values_of(problem, outcome)
    best = np.zeros(len(problem.level), dtype=np.int64)
    np.maximum.at(best, problem.need, problem.value_milli)
    if values[:-1] == most_met:
        # Then the best plan meets just as many needs of each level, and only those add to its score.
        best = best[rank_in_group(problem.level, best) < np.array(most_met)[problem.level]]
    return Assignment(
        outcome,
        np.full(len(problem.places), np.nan),
        values,
        as_reached([*most_met, best.sum()]),
        problem.bonus_milli,
        searched=True,
        ended=budget.ended,
    )
