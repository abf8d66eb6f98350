"""The pairs of a large round that are not at hand, and how a search asks for those that may matter to it."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matching.solve.problem import (
    NEVER,
    UNMET,
    Positions,
    Task,
    Whole,
    best_of_each_need,
    days_used,
    places_left,
)


class Rest(Protocol):
    """The pairs of a task that are not at hand."""

    def worth_more(self, need_milli: Whole, supporter_milli: Whole) -> tuple[Positions, Positions, Whole]:
        """Pairs whose value is more than what their need and their supporter ask, and the value.

        Every such pair that is not at hand is among them; what each asks is by need and by supporter, in thousandths,
        `NEVER` of whom no pair is wanted.
        """

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """The needs and supporters of every pair, at hand or not, some needs after the others."""


def with_all_of(task: Task, rest: Rest | None, needs: Positions) -> Task:
    """The task with every pair of some needs."""
    if rest is None:
        return task
    asked = np.full(len(task.level), NEVER, dtype=np.int64)
    asked[needs] = -1
    return task.with_pairs(*rest.worth_more(asked, np.zeros(len(task.places), dtype=np.int64)))[0]


def with_best_of_each(task: Task, rest: Rest | None, needs: Positions, price: Whole, count: int) -> Task:
    """The task with so many of the pairs that are worth most beyond the price of their place, of each of some needs."""
    if rest is None:
        return task
    pairs = np.flatnonzero(np.isin(task.need, needs))
    beyond = task.value_milli[pairs] - price[task.supporter[pairs]]
    least = least_of_best(task.need[pairs], beyond, count, len(task.level))
    asked = np.full(len(task.level), NEVER, dtype=np.int64)
    # Where there are not as many at hand, any other is among the best.
    asked[needs] = np.where(np.isfinite(least[needs]), least[needs], -NEVER)
    need, supporter, value = rest.worth_more(asked, price)
    order = np.argsort(need, kind="stable")
    need, supporter, value = need[order], supporter[order], value[order]
    best = best_of_each_need(need, value - price[supporter], count)
    return task.with_pairs(need[best], supporter[best], value[best])[0]


def with_room(task: Task, rest: Rest | None, needs: Positions, supporter_of: Positions) -> Task:
    """The task with every pair that could be added to an outcome, of some needs that it does not meet."""
    unmet = needs[supporter_of[needs] == UNMET]
    if rest is None or not len(unmet):
        return task
    left, _ = places_left(task, supporter_of)
    days_left = task.days_offered - days_used(task, supporter_of)
    asked = np.full(len(task.level), NEVER, dtype=np.int64)
    asked[unmet] = -1
    has_room = (left > 0) & (days_left >= task.days_asked[unmet].min())
    need, supporter, value = rest.worth_more(asked, np.where(has_room, 0, NEVER))
    fits = task.days_asked[need] <= days_left[supporter]
    return task.with_pairs(need[fits], supporter[fits], value[fits])[0]


def least_of_best(need: Positions, worth: Whole | NDArray[np.float64], count: int, n_needs: int) -> NDArray[np.float64]:
    """By need: the least worth among its so many best pairs (`need` is in order); minus infinity with fewer."""
    best = best_of_each_need(need, worth, count)
    least = np.full(n_needs, np.inf)
    np.minimum.at(least, need[best], worth[best])
    least[np.bincount(need, minlength=n_needs) < count] = -np.inf
    return least
