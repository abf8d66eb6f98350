"""Pricing oracle: finds the pairs that could improve a solution, in rounds too large to hold all pairs in memory."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from matching.solve.arrays import Floats, Integers, Positions
from matching.solve.problem import NEVER, UNMET, AssignmentProblem, best_of_each_need, days_used, places_left


class PricingOracle(Protocol):
    """All pairs of a problem that holds only some of them."""

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Return every pair whose value exceeds the prices of its need and its supporter, and the values.

        Prices are by need and by supporter, in thousandths; `NEVER` of whom no pair is wanted.
        """

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """Yield the needs and supporters of every pair, in blocks of consecutive needs."""


def with_all_pairs_of(problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions) -> AssignmentProblem:
    """Return the problem with every pair of some needs."""
    if oracle is None:
        return problem
    need_price = np.full(len(problem.level), NEVER, dtype=np.int64)
    need_price[needs] = -1
    return problem.with_pairs(*oracle.pairs_above(need_price, np.zeros(len(problem.places), dtype=np.int64)))[0]


def with_best_pairs(
    problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions, price: Integers, count: int
) -> AssignmentProblem:
    """Return the problem with the `count` pairs of most value beyond the supporter's price, of each of some needs."""
    if oracle is None:
        return problem
    pairs = np.flatnonzero(np.isin(problem.need, needs))
    beyond = problem.value_milli[pairs] - price[problem.supporter[pairs]]
    least = least_of_best(problem.need[pairs], beyond, count, len(problem.level))
    need_price = np.full(len(problem.level), NEVER, dtype=np.int64)
    # A need with fewer pairs than that takes any other.
    need_price[needs] = np.where(np.isfinite(least[needs]), least[needs], -NEVER)
    need, supporter, value = oracle.pairs_above(need_price, price)
    order = np.argsort(need, kind="stable")
    need, supporter, value = need[order], supporter[order], value[order]
    best = best_of_each_need(need, value - price[supporter], count)
    return problem.with_pairs(need[best], supporter[best], value[best])[0]


def with_addable_pairs(
    problem: AssignmentProblem, oracle: PricingOracle | None, needs: Positions, supporter_of: Positions
) -> AssignmentProblem:
    """Return the problem with every pair of some unmet needs that places and days let an outcome add."""
    unmet = needs[supporter_of[needs] == UNMET]
    if oracle is None or not len(unmet):
        return problem
    left, _ = places_left(problem, supporter_of)
    days_left = problem.days_offered - days_used(problem, supporter_of)
    need_price = np.full(len(problem.level), NEVER, dtype=np.int64)
    need_price[unmet] = -1
    is_free = (left > 0) & (days_left >= problem.days_asked[unmet].min())
    need, supporter, value = oracle.pairs_above(need_price, np.where(is_free, 0, NEVER))
    fits = problem.days_asked[need] <= days_left[supporter]
    return problem.with_pairs(need[fits], supporter[fits], value[fits])[0]


def least_of_best(need: Positions, value: Integers | Floats, count: int, n_needs: int) -> Floats:
    """Return by need the least value among its `count` best pairs (`need` is in order); minus infinity with fewer."""
    best = best_of_each_need(need, value, count)
    least = np.full(n_needs, np.inf)
    np.minimum.at(least, need[best], value[best])
    least[np.bincount(need, minlength=n_needs) < count] = -np.inf
    return least
