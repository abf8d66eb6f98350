"""A component too large to be searched as a whole: a plan from its promising pairs, and bounds over all of them."""

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.bettered import bettered
from matching.solve.budget import Budget
from matching.solve.components import Component
from matching.solve.greedy import filled_greedily
from matching.solve.neighbourhoods import most_met
from matching.solve.part_prices import FIRST_PAIRS, most_score, part_prices, with_best_beyond
from matching.solve.pricing_oracle import PricingOracle, with_addable_pairs, with_best_pairs
from matching.solve.problem import (
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    Reached,
    as_reached,
    best_of_each_need,
    chosen_pairs,
    most_urgent_together,
    values_of,
)
from matching.solve.programme import Kept, Programme, best_choice, merit, programme_of
from matching.solve.tied import most_promising

# Pairs of each need that the plan is made from: by what they are worth beyond the prices of places and days, and
# beyond those of places with the needs' levels.
_BEST_BY_DAYS = 5
_BEST_BY_PLACES = 3
# Where side constraints bind: pairs of each critical and of each high need.
_BEST_OF_URGENT = (60, 20)
# Of the time that is left: for the prices, and then for the plan; what remains is for the proof.
_SHARE_OF_PRICES = 0.4
_SHARE_OF_PLAN = 0.85
# Where side constraints bind: for the plan, for how many needs can be met, and for what is bettered; what remains is
# for prices.
_SHARE_OF_PROMISING = 0.6
_SHARE_OF_COUNTS = 0.2
_SHARE_OF_PLACES = 0.6


def best_of_large_part(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    without_days: Positions,
    price: Integers,
    budget: Budget,
) -> tuple[Positions, Reached, Reached]:
    """Return a good assignment of a component, by its needs, the values it reaches and the bound of each level.

    `without_days` is the optimum with places only, with its prices. Pairs of the rest are asked for where the plan
    could be made from them or they could change a bound.
    """
    needs, relaxed = part.needs, values_of(problem, without_days, part.needs)
    nobody = np.full(len(problem.level), UNMET, dtype=np.intp)
    theirs = nobody.copy()
    theirs[needs] = without_days[needs]
    problem, outcome = _filled_up(
        problem, oracle, needs, filled_greedily(problem, nobody, chosen_pairs(problem, theirs))
    )
    problem = with_best_pairs(problem, oracle, needs, price, FIRST_PAIRS)
    search = _by_price if problem.side_constraints is None else _by_promise
    problem, outcome, most = search(problem, oracle, part, price, outcome, relaxed, budget)
    return outcome[needs], values_of(problem, outcome, needs), most


def _by_price(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    price: Integers,
    outcome: Positions,
    relaxed: Reached,
    budget: Budget,
) -> tuple[AssignmentProblem, Positions, Reached]:
    """Return the problem with the pairs of most value beyond the prices, a plan made from them, and its bounds."""
    budget.report(f"Pricing days: {part.n_pairs:,} pairs")
    pricing = budget.share(_SHARE_OF_PRICES)
    problem, prices = part_prices(problem, oracle, part, price, pricing)
    score = most_score(problem, oracle, part, prices, pricing)
    if prices is not None:
        problem = with_best_beyond(problem, oracle, part, prices, _BEST_BY_DAYS)
    programme = programme_of(problem, part.needs, part.supporters)
    beyond = (problem.weight - price[problem.supporter])[programme.pair]
    best = best_of_each_need(programme.need, beyond, _BEST_BY_PLACES)
    if prices is not None:
        by_days = prices.beyond(problem.need, problem.supporter, problem.value_milli, problem.days_asked)[
            programme.pair
        ]
        best = np.union1d(best, best_of_each_need(programme.need, by_days, _BEST_BY_DAYS))
    fallback = np.isin(programme.pair, chosen_pairs(problem, outcome))
    chosen = by_levels(programme, best, fallback, part.n_pairs, budget.share(_SHARE_OF_PLAN))
    problem, outcome = _filled_up(problem, oracle, part.needs, _outcome(problem, part, programme, chosen))
    counts = _most_met(problem, oracle, part, outcome, relaxed, budget)
    return problem, outcome, _most(values_of(problem, outcome, part.needs), counts, score, relaxed)


def _by_promise(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    price: Integers,
    outcome: Positions,
    relaxed: Reached,
    budget: Budget,
) -> tuple[AssignmentProblem, Positions, Reached]:
    """Do the same where side constraints bind: over the most promising pairs, and then need by need."""
    assert problem.side_constraints is not None
    urgent = most_urgent_together(problem.level, problem.side_constraints.package)[part.needs]
    for level, count in enumerate(_BEST_OF_URGENT):
        problem = with_best_pairs(problem, oracle, part.needs[urgent == level], price, count)
    programme = programme_of(problem, part.needs, part.supporters)
    beyond = (problem.weight - price[problem.supporter])[programme.pair]
    fallback = np.isin(programme.pair, chosen_pairs(problem, outcome))
    chosen, _ = most_promising(programme, beyond, fallback, budget.share(_SHARE_OF_PROMISING))
    problem, outcome = _filled_up(problem, oracle, part.needs, _outcome(problem, part, programme, chosen))
    counts = _most_met(problem, oracle, part, outcome, relaxed, budget.share(_SHARE_OF_COUNTS))
    budget.report(f"Solving days, packages and limits, need by need: {len(programme.pair):,} of {part.n_pairs:,} pairs")
    most = as_reached([*counts, programme.ceiling(programme.value_milli)])
    chosen = bettered(problem, programme, part.needs, chosen, most, budget.share(_SHARE_OF_PLACES))
    problem, better = _filled_up(problem, oracle, part.needs, _outcome(problem, part, programme, chosen))
    before, now = values_of(problem, outcome, part.needs), values_of(problem, better, part.needs)
    if now > before:
        outcome = better
    if now[:-1] > before[:-1]:
        counts = _most_met(problem, oracle, part, outcome, relaxed, budget.share(_SHARE_OF_COUNTS))
    budget.report(f"Pricing days, packages and limits: {part.n_pairs:,} pairs")
    problem, prices = part_prices(problem, oracle, part, price, budget)
    score = most_score(problem, oracle, part, prices, budget)
    return problem, outcome, _most(max(before, now), counts, score, relaxed)


def _outcome(problem: AssignmentProblem, part: Component, programme: Programme, chosen: Flags) -> Positions:
    """Return by need of the problem its supporter in this choice of pairs."""
    outcome = np.full(len(problem.level), UNMET, dtype=np.intp)
    outcome[part.needs[programme.need[chosen]]] = part.supporters[programme.supporter[chosen]]
    return outcome


def _most_met(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    outcome: Positions,
    relaxed: Reached,
    budget: Budget,
) -> tuple[int, int, int]:
    budget.report("Proving how many needs can be met")
    return most_met(problem, oracle, part, outcome, relaxed[:-1], budget)


def _most(reached: Reached, counts: tuple[int, int, int], score: int, relaxed: Reached) -> Reached:
    """Return the bound of each level for a plan with these values."""
    if reached[:-1] == relaxed[:-1]:
        score = min(score, relaxed[-1])
    return as_reached([*counts, max(reached[-1], score)])


def bounds_around(
    problem: AssignmentProblem, part: Component, price: Integers, outcome: Positions, relaxed: Reached, budget: Budget
) -> Reached:
    """Return the bound of each level for a plan that another search has found, with every pair in the problem.

    `relaxed` are the levels with places only, with their prices.
    """
    budget.report("Proving how many needs can be met")
    met = most_met(problem, None, part, outcome, relaxed[:-1], budget.share(_SHARE_OF_PRICES))
    budget.report(f"Pricing days: {part.n_pairs:,} pairs")
    _, prices = part_prices(problem, None, part, price, budget)
    return as_reached([*met, most_score(problem, None, part, prices, budget)])


def _filled_up(
    problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions, outcome: Positions
) -> tuple[AssignmentProblem, Positions]:
    """An outcome of these needs with every pair that still fits, and the problem with those of the oracle."""
    problem = with_addable_pairs(problem, oracle, needs, outcome)
    return problem, filled_greedily(problem, outcome, np.flatnonzero(np.isin(problem.need, needs)))


def by_levels(whole: Programme, best: Positions, fallback: Flags, n_pairs: int, budget: Budget) -> Flags:
    """Return a good choice of pairs of a component with `n_pairs`, in the problem or not.

    The most urgent needs are placed first; then those of the next level join in, over the pairs that are `best`. Each
    level gets its share of the time that is left.
    """
    promising = np.isin(np.arange(len(whole.pair)), best)
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    urgent = most_urgent_together(whole.level, whole.package)
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((promising & (urgent <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        budget.report(f"Solving days, {PRIORITY_LEVELS[level]} needs: {len(columns):,} of {n_pairs:,} pairs")
        start = max((chosen[columns], fallback[columns]), key=lambda one: merit(part, one, kept))
        found, _ = best_choice(part, part.worth, kept, start, budget.share(1 / (len(PRIORITY_LEVELS) - level)))
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen
