r"""The solver's entry point: pairs and capacities in, the best assignment and its proof out.

The model, for needs *i*, supporters *j* and eligible pairs *E*, with :math:`x_{ij} \in \{0, 1\}`::

    sum_j x_ij <= 1                    each need at most one supporter
    sum_i x_ij <= places_j             places
    sum_i days_i x_ij <= days_j        days

and, where the policy or the needs set them, side constraints: the needs of a package are met together or not at all, a
school takes only a number of supporters, and a home school lends only a number of deployments.

The objective is lexicographic: critical needs met, high needs met, normal needs met, total score (in a rerun, plus the
change cost for each deployment kept). Pins are settled before anything else.

With places only this is a transportation problem (`flow`), solved to the optimum with the dual prices that prove it.
Where that answer breaks days or a side constraint, the connected components concerned are solved again as integer
programmes (`search`); everywhere else it is the answer.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from matching.solve.budget import Budget
from matching.solve.components import Component, over_days, violated_components
from matching.solve.flow import best_with_places
from matching.solve.improve import first_plan
from matching.solve.params import DEFAULTS, SolveParams
from matching.solve.problem import (
    UNMET,
    Assignment,
    AssignmentProblem,
    Integers,
    Positions,
    PricingOracle,
    as_reached,
    most_score_milli,
    values_of,
)
from matching.solve.search import ComponentSearch


def assign(
    problem: AssignmentProblem,
    *,
    time_limit_s: float | None = None,
    progress: Callable[[str], None] = lambda step: None,
    cancel: threading.Event | None = None,
    oracle: PricingOracle | None = None,
    params: SolveParams = DEFAULTS,
) -> Assignment:
    """Choose the best pairs.

    Parameters
    ----------
    problem : AssignmentProblem
        With every eligible pair, or with some of them and an oracle.
    time_limit_s : float, optional
        How long components in which days or side constraints bind may be searched, in seconds; by default the limit of
        the parameters.
    progress : callable
        Called with a sentence at the beginning of each step.
    cancel : threading.Event, optional
        Set by the user to end the search with the best plan found.
    oracle : PricingOracle, optional
        Finds further pairs, where the problem holds only candidates.
    """
    limit_s = params.time_limit_s if time_limit_s is None else time_limit_s
    budget = Budget.of(limit_s, progress, cancel)
    problem, supporter_of, price = best_with_places(problem, budget, oracle, params)
    # The time limit is for the search alone.
    budget = replace(budget, deadline=Budget.of(limit_s).deadline)
    if price is None:
        return _cancelled(problem, oracle, supporter_of, budget)
    if problem.side_constraints is None and not over_days(problem, supporter_of).any():
        values = values_of(problem, supporter_of)
        price_milli = price.astype(np.float64)
        return Assignment(supporter_of, price_milli, values, values, problem.bonus_milli, searched=False)
    return _searched(problem, oracle, supporter_of, price, budget, params)


def _searched(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    places_only: Positions,
    price: Integers,
    budget: Budget,
    params: SolveParams,
) -> Assignment:
    """Return the optimum with places only, searched again in each component where it breaks a constraint."""
    # Smallest first, so that one large component does not use up the time of all.
    violated = violated_components(problem, oracle, places_only)
    # Prices are multiples of the bonus, which is smaller for fewer needs, and a difference in scores.
    tier = np.rint(price / problem.bonus_milli).astype(np.int64)
    searches = []
    for component in violated:
        alone = component.problem_of(problem)
        of_alone = (price - tier * (problem.bonus_milli - alone.bonus_milli))[component.supporters]
        alike = component.oracle_of(oracle, problem), component.positions_of(places_only)
        searches.append(ComponentSearch(alone, *alike, of_alone, component.n_pairs, params.loads))
    # A good plan everywhere comes before a proof anywhere.
    for number, (component, search) in enumerate(zip(violated, searches, strict=True), start=1):
        budget.report(f"Solving days, packages and limits, part {number} of {len(violated)}")
        search.find(budget.share(_share(component, violated[number:])))
    for number, (component, search) in enumerate(zip(violated, searches, strict=True), start=1):
        search.prove(budget.share(_share(component, violated[number:])))
    supporter_of, price_milli = places_only.copy(), price.astype(np.float64)
    values = bounds = np.array(values_of(problem, places_only))
    for component, search in zip(violated, searches, strict=True):
        chosen, reached, most = search.result(budget)
        relaxed = values_of(problem, places_only, component.needs)
        supporter_of[component.needs] = np.where(chosen == UNMET, UNMET, component.supporters[chosen])
        price_milli[component.supporters] = np.nan
        values = values + np.subtract(reached, relaxed)
        bounds = bounds + np.subtract(most, relaxed)
    return Assignment(
        supporter_of,
        price_milli,
        as_reached(values),
        as_reached(bounds),
        problem.bonus_milli,
        searched=bool(violated),
        ended=budget.ended,
    )


def _share(component: Component, later: Sequence[Component]) -> float:
    """Return the share of the remaining time of a component: half, or more where those after it are smaller."""
    return max(0.5, component.n_pairs / (component.n_pairs + sum(one.n_pairs for one in later)))


def _cancelled(
    problem: AssignmentProblem, oracle: PricingOracle | None, supporter_of: Positions, budget: Budget
) -> Assignment:
    """Return a plan within every constraint after a cancellation, given one that is optimal in the levels only."""
    most_met = values_of(problem, supporter_of)[:-1]
    problem, outcome = first_plan(problem, oracle, supporter_of)
    values = values_of(problem, outcome)
    # A plan that meets as many needs as can be met is compared with those that do.
    most_score = most_score_milli(problem, oracle, most_met if values[:-1] == most_met else None)
    return Assignment(
        outcome,
        np.full(len(problem.places), np.nan),
        values,
        as_reached([*most_met, most_score]),
        problem.bonus_milli,
        searched=True,
        ended=budget.ended,
    )
