"""The pairs of a large round that are not at hand, and how a search asks for those that may matter to it."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from matching.solve.arrays import Floats, Integers, Positions
from matching.solve.problem import NEVER, UNMET, AssignmentProblem, best_of_each_need, days_used, places_left


class PricingOracle(Protocol):
    """The pairs of a task that are not at hand."""

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Pairs whose value is more than what their need and their supporter ask, and the value.

        Every such pair that is not at hand is among them; what each asks is by need and by supporter, in thousandths,
        `NEVER` of whom no pair is wanted.
        """

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """The needs and supporters of every pair, at hand or not, some needs after the others."""


def with_all_pairs_of(problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions) -> AssignmentProblem:
    """The task with every pair of some needs."""
    if oracle is None:
        return problem
    asked = np.full(len(problem.level), NEVER, dtype=np.int64)
    asked[needs] = -1
    return problem.with_pairs(*oracle.pairs_above(asked, np.zeros(len(problem.places), dtype=np.int64)))[0]


def with_best_pairs(
    problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions, price: Integers, count: int
) -> AssignmentProblem:
    """The task with so many of the pairs that are worth most beyond the price of their place, of each of some needs."""
    if oracle is None:
        return problem
    pairs = np.flatnonzero(np.isin(problem.need, needs))
    beyond = problem.value_milli[pairs] - price[problem.supporter[pairs]]
    least = least_of_best(problem.need[pairs], beyond, count, len(problem.level))
    asked = np.full(len(problem.level), NEVER, dtype=np.int64)
    # Where there are not as many at hand, any other is among the best.
    asked[needs] = np.where(np.isfinite(least[needs]), least[needs], -NEVER)
    need, supporter, value = oracle.pairs_above(asked, price)
    order = np.argsort(need, kind="stable")
    need, supporter, value = need[order], supporter[order], value[order]
    best = best_of_each_need(need, value - price[supporter], count)
    return problem.with_pairs(need[best], supporter[best], value[best])[0]


def with_addable_pairs(
    problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions, supporter_of: Positions
) -> AssignmentProblem:
    """The task with every pair that could be added to an outcome, of some needs that it does not meet."""
    unmet = needs[supporter_of[needs] == UNMET]
    if oracle is None or not len(unmet):
        return problem
    left, _ = places_left(problem, supporter_of)
    days_left = problem.days_offered - days_used(problem, supporter_of)
    asked = np.full(len(problem.level), NEVER, dtype=np.int64)
    asked[unmet] = -1
    has_room = (left > 0) & (days_left >= problem.days_asked[unmet].min())
    need, supporter, value = oracle.pairs_above(asked, np.where(has_room, 0, NEVER))
    fits = problem.days_asked[need] <= days_left[supporter]
    return problem.with_pairs(need[fits], supporter[fits], value[fits])[0]


def least_of_best(need: Positions, worth: Integers | Floats, count: int, n_needs: int) -> Floats:
    """By need: the least worth among its so many best pairs (`need` is in order); minus infinity with fewer."""
    best = best_of_each_need(need, worth, count)
    least = np.full(n_needs, np.inf)
    np.minimum.at(least, need[best], worth[best])
    least[np.bincount(need, minlength=n_needs) < count] = -np.inf
    return least
