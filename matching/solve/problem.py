"""What is to be assigned, and the answer: plain arrays of needs, supporters and the pairs between them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Ended

Reached = tuple[int, int, int, int]
"""By level: needs met, and the last in thousandths."""

PRIORITY_LEVELS = ("critical", "high", "normal")
LEVELS = (*PRIORITY_LEVELS, "score")
UNMET = -1
NEVER = np.iinfo(np.int64).max // 4
"""What a need or a supporter asks of whom no pair is wanted."""


@dataclass(frozen=True)
class SideConstraints:
    """Rules that tie several needs or supporters together, beside places and days.

    Attributes
    ----------
    package : ndarray of intp
        By need: its package, whose needs are all met or none; -1 without one.
    school : ndarray of intp
        By need: its school.
    supporters_left : ndarray of int64
        By school: how many supporters may come beside those of the pins.
    pinned_visits : ndarray of intp
        Who comes to which school already, by a pin: one number each, school * supporters + supporter.
    home : ndarray of intp
        By supporter: the home school.
    deployments_left : ndarray of int64
        By home school: how many deployments its people may have beside the pins.
    """

    package: Positions
    school: Positions
    supporters_left: Integers
    pinned_visits: Positions
    home: Positions
    deployments_left: Integers


@dataclass(frozen=True)
class AssignmentProblem:
    """What is to be assigned; pairs are in order of need, then supporter.

    Attributes
    ----------
    need, supporter : ndarray of intp
        The eligible pairs, as positions.
    value_milli : ndarray of int64
        What each pair adds to the last level, in thousandths (the score, and in a rerun the change cost).
    level : ndarray of int
        By need: 0 critical, 1 high, 2 normal.
    days_asked : ndarray of int64
        By need, in hundredths of a day.
    places : ndarray of int64
        By supporter: places left beside the pins.
    days_offered : ndarray of float64
        By supporter, in hundredths of a day; infinite without a limit.
    side_constraints : SideConstraints, optional
        Where a rule ties needs or supporters together.
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
        """The large whole number M: more than all needs together can add to the last level."""
        return max(int(self.value_milli.max(initial=0)), 1000) * len(self.level) + 1

    @property
    def weight(self) -> Integers:
        """By pair: 3M, 2M or M for the need, plus the pair's value."""
        return self.bonus_milli * (3 - self.level[self.need]) + self.value_milli

    def already_visits(self, pairs: Positions) -> Flags:
        """By pair: whether the supporter comes to this school already, by a pin; nobody does without ties."""
        if self.side_constraints is None or not len(self.side_constraints.pinned_visits):
            return np.zeros(len(pairs), dtype=bool)
        visits = self.side_constraints.school[self.need[pairs]] * len(self.places) + self.supporter[pairs]
        return np.isin(visits, self.side_constraints.pinned_visits)

    def of(self, pairs: Positions) -> "AssignmentProblem":
        """The task with some of its pairs."""
        return replace(
            self, need=self.need[pairs], supporter=self.supporter[pairs], value_milli=self.value_milli[pairs]
        )

    def with_pairs(
        self, need: Positions, supporter: Positions, value_milli: Integers
    ) -> "tuple[AssignmentProblem, Positions]":
        """The task with more pairs, and where those that it had are then; of pairs that it had, its own value holds."""
        n_people = len(self.places)
        candidate_pairs = self.need * n_people + self.supporter
        codes = np.append(candidate_pairs, need * n_people + supporter)
        # Of equal pairs the first in order is the one that was at hand.
        order = np.argsort(codes, kind="stable")
        order = order[np.diff(codes[order], prepend=-1) > 0]
        need, supporter = np.append(self.need, need)[order], np.append(self.supporter, supporter)[order]
        whole = replace(
            self, need=need, supporter=supporter, value_milli=np.append(self.value_milli, value_milli)[order]
        )
        return whole, np.searchsorted(codes[order], candidate_pairs)


@dataclass(frozen=True)
class Assignment:
    """The chosen pairs and what is known of how good they are.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    price_milli : ndarray of float64
        By supporter: the dual of the places, in thousandths; nan where days or ties bind, since those have no such
        price.
    values, bounds : tuple of int
        By level: needs met, and the last in thousandths; and what no plan can exceed.
    bonus_milli : int
        The M of a need met, in thousandths, that the prices are in.
    searched : bool
        Whether days or ties bind in some part, so that it had to be searched.
    surplus_milli : ndarray of float64, optional
        By need: what meeting it is worth beyond whoever meets it, where the proof is in that and in everybody's best
        load; otherwise it follows from the prices.
    ended : {"", "time limit", "cancelled"}
        What ended a search before it was done; then another machine may come to another plan.
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
        """Whether every level reaches its bound."""
        return "optimal" if self.values == self.bounds else "gap"


def as_reached(numbers: Iterable[int]) -> Reached:
    """Four numbers, one a level."""
    critical, high, normal, score = (int(number) for number in numbers)
    return critical, high, normal, score


def bounds_as_good(reached: Reached, bounded: Reached, most: Reached, otherwise: Reached) -> Reached:
    """The bounds of a plan that reaches so much: those of another that was `bounded`, as far as they hold for it.

    They do where it meets as many needs in each level before; after that its bounds are those given `otherwise`.
    """
    as_good = [all(reached[before] >= bounded[before] for before in range(level)) for level in range(len(LEVELS))]
    return as_reached(bound if holds else other for bound, other, holds in zip(most, otherwise, as_good, strict=True))


def chosen_pairs(problem: AssignmentProblem, supporter_of: Positions) -> Positions:
    """The pairs of a task that an outcome holds."""
    return np.flatnonzero(supporter_of[problem.need] == problem.supporter)


def values_of(problem: AssignmentProblem, supporter_of: Positions, needs: Positions | None = None) -> Reached:
    """Needs met at each level and the total value in thousandths; of some needs where they are named."""
    met = supporter_of != UNMET
    if needs is not None:
        met = met & np.isin(np.arange(len(met)), needs)
    counts = np.bincount(problem.level[met], minlength=3)
    chosen = chosen_pairs(problem, np.where(met, supporter_of, UNMET))
    return as_reached([*counts[:3], problem.value_milli[chosen].sum()])


def components_of(problem: AssignmentProblem, pairs: Positions) -> Positions:
    """The connected part of each need and then of each supporter, by these pairs."""
    n_needs, n_nodes = len(problem.level), len(problem.level) + len(problem.places)
    ends = (problem.need[pairs], n_needs + problem.supporter[pairs])
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), ends), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.intp)


def most_urgent_together(level: Positions, package: Positions) -> Positions:
    """By entry: the most urgent level among those of its package, since its needs are met together or not at all."""
    most_urgent = np.full(int(package.max(initial=-1)) + 1, len(PRIORITY_LEVELS), dtype=np.intp)
    packed = package >= 0
    np.minimum.at(most_urgent, package[packed], level[packed])
    levels = level.copy()
    levels[packed] = most_urgent[package[packed]]
    return levels


def together(problem: AssignmentProblem, *some: Positions) -> Positions:
    """Pairs of a task that are among some or others, each once, in order."""
    among = np.zeros(len(problem.need), dtype=bool)
    for pairs in some:
        among[pairs] = True
    return np.flatnonzero(among)


def days_used(problem: AssignmentProblem, supporter_of: Positions) -> Floats:
    """By supporter: the days that an outcome takes, in hundredths."""
    met = supporter_of != UNMET
    used = np.bincount(supporter_of[met], weights=problem.days_asked[met], minlength=len(problem.places))
    return used.astype(np.float64)


def places_left(problem: AssignmentProblem, supporter_of: Positions) -> tuple[Integers, Positions]:
    """Places left by supporter, and the supporters who have any."""
    left = problem.places - np.bincount(supporter_of[supporter_of != UNMET], minlength=len(problem.places))
    return left, np.flatnonzero(left > 0)


def rank_in_group(group: Positions, worth: Integers) -> Positions:
    """Place of each entry in its group, from 0, the one of most worth first; of equals, the first."""
    most, least = int(worth.max(initial=0)), int(worth.min(initial=0))
    order = np.argsort(group * (most - least + 1) + (most - worth), kind="stable")
    rank = np.empty(len(group), dtype=np.intp)
    rank[order] = rank_in_order(group[order])
    return rank


def rank_in_order(group: Positions) -> Positions:
    """Place of each entry in its group, from 0, where groups are in order."""
    first = np.flatnonzero(np.diff(group, prepend=-1))
    ranks: Positions = np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group))))
    return ranks


def best_of_each_need(need: Positions, worth: Integers | Floats, count: int) -> Positions:
    """The `count` best entries of each need (`need` is in order), themselves in order; of equals, the first."""
    order = np.lexsort((-worth, need))
    return np.sort(order[rank_in_order(need) < count])


def visits_of(problem: AssignmentProblem, supporter_of: Positions) -> tuple[Positions, Positions]:
    """The schools and the supporters that an outcome brings together, each once, without those of the pins.

    Raises
    ------
    ValueError
        The task has no ties.
    """
    if problem.side_constraints is None:
        raise ValueError("without ties nobody counts visits")
    coming = chosen_pairs(problem, supporter_of)
    coming = coming[~problem.already_visits(coming)]
    visits = np.column_stack([problem.side_constraints.school[problem.need[coming]], problem.supporter[coming]])
    school, supporter = np.unique(visits, axis=0).T
    return school, supporter
