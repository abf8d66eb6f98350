"""The assignment problem and its solution as plain arrays of needs, supporters and the pairs between them.

Guarantee: nothing here changes an array that it is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.solve.budget import Ended

Positions = NDArray[np.intp]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Reached = tuple[int, int, int, int]
"""One number a level: needs met, and the score in thousandths."""

Shown = dict[tuple[int, ...], int]
"""By what is reached of the levels before: what no plan exceeds of the next one, or of the score."""

PRIORITY_LEVELS = ("critical", "high", "normal")
LEVELS = (*PRIORITY_LEVELS, "score")
UNMET = -1
NEVER = np.iinfo(np.int64).max // 4
"""The dual price of a need or a supporter of whom no pair is wanted."""


@dataclass(frozen=True)
class SideConstraints:
    """Constraints over several needs or supporters, other than places and days.

    Attributes
    ----------
    package : ndarray of intp
        By need: its package, whose needs are all met or none; -1 without one.
    school : ndarray of intp
        By need: its school.
    supporters_left : ndarray of int64
        By school: how many supporters may still come, those of pins not counted.
    pinned_visits : ndarray of intp
        Visits that pins have settled, one number each: school * number of supporters + supporter.
    home : ndarray of intp
        By supporter: the home school.
    deployments_left : ndarray of int64
        By home school: how many deployments its supporters may still have, pins not counted.
    """

    package: Positions
    school: Positions
    supporters_left: Integers
    pinned_visits: Positions
    home: Positions
    deployments_left: Integers


@dataclass(frozen=True)
class AssignmentProblem:
    """One assignment problem; pairs are in order of need, then supporter.

    Attributes
    ----------
    need, supporter : ndarray of intp
        The eligible pairs, as positions.
    value_milli : ndarray of int64
        The value of each pair at the last level, in thousandths (its score, and in a rerun the change cost).
    level : ndarray of int
        By need: 0 critical, 1 high, 2 normal.
    days_asked : ndarray of int64
        By need, in hundredths of a day.
    places : ndarray of int64
        By supporter: places that pins have not taken.
    days_offered : ndarray of float64
        By supporter, in hundredths of a day; infinite without a limit.
    side_constraints : SideConstraints, optional
        None where no rule needs them.
    """

    need: Positions
    supporter: Positions
    value_milli: Integers
    level: Positions
    days_asked: Integers
    places: Integers
    days_offered: Floats
    side_constraints: SideConstraints | None = None

    @property
    def bonus_milli(self) -> int:
        """The large number M of the objective: more than all needs together can add to the last level."""
        return max(int(self.value_milli.max(initial=0)), 1000) * len(self.level) + 1

    @property
    def weight(self) -> Integers:
        """By pair, its weight in the objective: 3M, 2M or M for the need, plus the pair's value."""
        return self.bonus_milli * (3 - self.level[self.need]) + self.value_milli

    def already_visits(self, pairs: Positions) -> Flags:
        """Return by pair whether a pin already brings the supporter to this school."""
        if self.side_constraints is None or not len(self.side_constraints.pinned_visits):
            return np.zeros(len(pairs), dtype=bool)
        visits = self.side_constraints.school[self.need[pairs]] * len(self.places) + self.supporter[pairs]
        return np.isin(visits, self.side_constraints.pinned_visits)

    def of(self, pairs: Positions) -> "AssignmentProblem":
        """Return the problem with some of its pairs."""
        return replace(
            self, need=self.need[pairs], supporter=self.supporter[pairs], value_milli=self.value_milli[pairs]
        )

    def with_pairs(
        self, need: Positions, supporter: Positions, value_milli: Integers
    ) -> "tuple[AssignmentProblem, Positions]":
        """Return the problem with more pairs, and the new positions of those it had, which keep their values."""
        n_people = len(self.places)
        known = self.need * n_people + self.supporter
        codes = np.append(known, need * n_people + supporter)
        # Stable: of equal pairs, the one that the problem had comes first.
        order = np.argsort(codes, kind="stable")
        order = order[np.diff(codes[order], prepend=-1) > 0]
        need, supporter = np.append(self.need, need)[order], np.append(self.supporter, supporter)[order]
        whole = replace(
            self, need=need, supporter=supporter, value_milli=np.append(self.value_milli, value_milli)[order]
        )
        return whole, np.searchsorted(codes[order], known)


@dataclass(frozen=True)
class Assignment:
    """The chosen pairs, their dual prices and the bound of each level.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    price_milli : ndarray of float64
        By supporter: the dual price of its places, in thousandths; nan where days or side constraints bind, since an
        integer programme has none.
    values, bounds : tuple of int
        By level: needs met, and the score in thousandths; and the upper bound.
    bonus_milli : int
        The M that the dual prices are in, in thousandths.
    searched : bool
        Whether days or side constraints bind in some component, so that it had to be searched.
    surplus_milli : ndarray of float64, optional
        By need: its dual price, in plans of earlier versions whose proof holds one.
    ended : {"", "time limit", "cancelled", "solver"}
        Why a search ended early, if it did; another machine may then find another plan.
    """

    supporter_of: Positions
    price_milli: Floats
    values: Reached
    bounds: Reached
    bonus_milli: int
    searched: bool
    surplus_milli: Floats | None = None
    ended: Ended = ""

    @property
    def status(self) -> Literal["optimal", "gap"]:
        """`optimal` where every level reaches its bound, `gap` otherwise."""
        return "optimal" if self.values == self.bounds else "gap"


def as_reached(numbers: Iterable[int]) -> Reached:
    """Return four numbers, one a level, as whole numbers."""
    critical, high, normal, score = (int(number) for number in numbers)
    return critical, high, normal, score


def chosen_pairs(problem: AssignmentProblem, supporter_of: Positions) -> Positions:
    """Return the pairs of a problem that an outcome holds."""
    return np.flatnonzero(supporter_of[problem.need] == problem.supporter)


def values_of(problem: AssignmentProblem, supporter_of: Positions, needs: Positions | None = None) -> Reached:
    """Return needs met at each level and the total value in thousandths; of some needs only where they are given."""
    met = supporter_of != UNMET
    if needs is not None:
        met = met & np.isin(np.arange(len(met)), needs)
    counts = np.bincount(problem.level[met], minlength=3)
    chosen = chosen_pairs(problem, np.where(met, supporter_of, UNMET))
    return as_reached([*counts[:3], problem.value_milli[chosen].sum()])


def connected(n_nodes: int, one: Positions, other: Positions) -> Positions:
    """Return the connected component of each node, from 0; edge k joins the nodes one[k] and other[k]."""
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.intp)


def components_of(problem: AssignmentProblem, pairs: Positions) -> Positions:
    """Return the connected component of each need and then of each supporter, by these pairs."""
    n_needs, n_nodes = len(problem.level), len(problem.level) + len(problem.places)
    return connected(n_nodes, problem.need[pairs], n_needs + problem.supporter[pairs])


def together(problem: AssignmentProblem, *some: Positions) -> Positions:
    """Return the union of several sets of pairs, in order."""
    among = np.zeros(len(problem.need), dtype=bool)
    for pairs in some:
        among[pairs] = True
    return np.flatnonzero(among)


def days_used(problem: AssignmentProblem, supporter_of: Positions) -> Floats:
    """Return by supporter the days that an outcome uses, in hundredths of a day."""
    met = supporter_of != UNMET
    used = np.bincount(supporter_of[met], weights=problem.days_asked[met], minlength=len(problem.places))
    return used.astype(np.float64)


def places_left(problem: AssignmentProblem, supporter_of: Positions) -> tuple[Integers, Positions]:
    """Return by supporter the number of free places, and the supporters who have any."""
    left = problem.places - np.bincount(supporter_of[supporter_of != UNMET], minlength=len(problem.places))
    return left, np.flatnonzero(left > 0)


def rank_in_group(group: Positions, value: Integers) -> Positions:
    """Return the rank of each entry in its group, from 0 for the highest value; of equals, the first."""
    most, least = int(value.max(initial=0)), int(value.min(initial=0))
    order = np.argsort(group * (most - least + 1) + (most - value), kind="stable")
    rank = np.empty(len(group), dtype=np.intp)
    rank[order] = rank_in_order(group[order])
    return rank


def rank_in_order(group: Positions) -> Positions:
    """Return the rank of each entry in its group, from 0, where groups are in order."""
    first = np.flatnonzero(np.diff(group, prepend=-1))
    ranks: Positions = np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group))))
    return ranks


def best_of_each_need(need: Positions, value: Integers | Floats, count: int) -> Positions:
    """Return the `count` entries of most value of each need (`need` is in order), in order; of equals, the first."""
    order = np.lexsort((-value, need))
    return np.sort(order[rank_in_order(need) < count])


def visits_of(problem: AssignmentProblem, supporter_of: Positions) -> tuple[Positions, Positions]:
    """Return the schools and the supporters that an outcome brings together, each once, without those of pins.

    Raises
    ------
    ValueError
        The problem has no side constraints.
    """
    if problem.side_constraints is None:
        raise ValueError("visits are counted only where there are side constraints")
    coming = chosen_pairs(problem, supporter_of)
    coming = coming[~problem.already_visits(coming)]
    visits = np.column_stack([problem.side_constraints.school[problem.need[coming]], problem.supporter[coming]])
    school, supporter = np.unique(visits, axis=0).T
    return school, supporter


class PricingOracle(Protocol):
    """All pairs of a problem that holds only some of them."""

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Return every pair whose value exceeds the prices of its need and its supporter, and the values.

        Prices are by need and by supporter, in thousandths; `NEVER` of whom no pair is wanted.
        """

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """Yield the needs and supporters of every pair, in blocks of consecutive needs."""


def with_all_pairs(problem: AssignmentProblem, oracle: PricingOracle | None) -> AssignmentProblem:
    """Return the problem with every pair of the oracle."""
    if oracle is None:
        return problem
    no_price = np.full(len(problem.level), -1, dtype=np.int64)
    return problem.with_pairs(*oracle.pairs_above(no_price, np.zeros(len(problem.places), dtype=np.int64)))[0]


def most_score_milli(
    problem: AssignmentProblem, oracle: PricingOracle | None, most_met: Sequence[int] | None = None
) -> int:
    """Return the values of every need's best pair together, in thousandths: no plan's score exceeds them.

    With `most_met`, no plan's that meets no more needs of each level than that.
    """
    best = np.full(len(problem.level), -1, dtype=np.int64)
    np.maximum.at(best, problem.need, problem.value_milli)
    if oracle is not None:
        need, _, value = oracle.pairs_above(best, np.zeros(len(problem.places), dtype=np.int64))
        np.maximum.at(best, need, value)
    best = np.maximum(best, 0)
    if most_met is not None:
        best = best[rank_in_group(problem.level, best) < np.array(most_met)[problem.level]]
    return int(best.sum())


def with_addable_pairs(
    problem: AssignmentProblem, oracle: PricingOracle | None, supporter_of: Positions
) -> AssignmentProblem:
    """Return the problem with every pair of unmet needs that places and days let an outcome add."""
    unmet = np.flatnonzero(supporter_of == UNMET)
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
