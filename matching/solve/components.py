"""The connected parts of a round, and in which of them an outcome breaks days or a tie."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import UNMET, AssignmentProblem, days_used, visits_of


@dataclass(frozen=True)
class Component:
    """One connected part.

    Attributes
    ----------
    needs, supporters : ndarray of intp
        Positions in the task, in order.
    pairs_of_need : ndarray of int64
        By need of the part: how many pairs it has, at hand or not.
    """

    needs: Positions
    supporters: Positions
    pairs_of_need: Integers

    @property
    def n_pairs(self) -> int:
        """How many pairs it has in all."""
        return int(self.pairs_of_need.sum())


@dataclass(frozen=True)
class Components:
    """Connected parts, as numbers from 0: whatever is decided in one has no bearing on another.

    Attributes
    ----------
    of_need, of_supporter : ndarray of intp
        By need and by supporter: the part.
    pairs_of_need : ndarray of int64
        By need: how many pairs it has, at hand or not.
    """

    of_need: Positions
    of_supporter: Positions
    pairs_of_need: Integers

    @classmethod
    def of(cls, problem: AssignmentProblem, oracle: PricingOracle | None) -> "Components":
        """The parts by every pair; those that are not at hand are looked at block by block."""
        n_needs, n_people = len(problem.level), len(problem.places)
        blocks = iter([(problem.need, problem.supporter)]) if oracle is None else oracle.blocks()
        component = np.arange(n_needs + n_people)
        n_pairs = np.zeros(n_needs, dtype=np.int64)
        for need, supporter in blocks:
            component = _joined(component, need, n_needs + supporter)
            n_pairs += np.bincount(need, minlength=n_needs)
        if problem.side_constraints is not None:
            component = _joined_by_side_constraints(problem, component, n_pairs > 0)
        return cls(component[:n_needs], component[n_needs:], n_pairs)

    def entangled(self, problem: AssignmentProblem, supporter_of: Positions) -> list[Component]:
        """The parts in which an outcome breaks days or a tie, by how many needs they have."""
        found = [self.of_supporter[over_days(problem, supporter_of)]]
        if problem.side_constraints is not None:
            found += [self.of_need[needs] for needs in _broken_side_constraints(problem, supporter_of)]
        components = [self._one(number) for number in np.unique(np.concatenate(found)).tolist()]
        return sorted(components, key=lambda component: len(component.needs))

    def _one(self, number: int) -> Component:
        needs = np.flatnonzero(self.of_need == number)
        return Component(needs, np.flatnonzero(self.of_supporter == number), self.pairs_of_need[needs])


def over_days(problem: AssignmentProblem, supporter_of: Positions) -> Flags:
    """By supporter: whether an outcome takes more days than there are."""
    return days_used(problem, supporter_of) > problem.days_offered


def _joined(component: Positions, one: Positions, other: Positions) -> Positions:
    """The parts of nodes, by number, once more of them are joined."""
    size = len(component)
    graph = coo_array((np.ones(len(one), np.int8), (component[one], component[other])), (size, size))
    return connected_components(graph, directed=False)[1].astype(np.intp)[component]


def _joined_by_side_constraints(problem: AssignmentProblem, component: Positions, asks: Flags) -> Positions:
    """The parts once each tie that could bind joins everything that it ties together."""
    assert problem.side_constraints is not None
    side_constraints, n_needs, n_people = problem.side_constraints, len(problem.level), len(problem.places)
    needs, people = np.arange(n_needs), n_needs + np.arange(n_people)
    asking = np.bincount(side_constraints.school[asks], minlength=len(side_constraints.supporters_left))
    offering = np.bincount(
        side_constraints.home, weights=problem.places, minlength=len(side_constraints.deployments_left)
    )
    for members, group, binds in (
        (needs, side_constraints.package, np.ones(int(side_constraints.package.max(initial=-1)) + 1, dtype=bool)),
        (needs, side_constraints.school, asking > side_constraints.supporters_left),
        (people, side_constraints.home, offering > side_constraints.deployments_left),
    ):
        tied = np.flatnonzero((group >= 0) & np.append(binds, False)[group])
        # Whoever comes first in a group stands for it.
        _, first, place = np.unique(group[tied], return_index=True, return_inverse=True)
        component = _joined(component, members[tied], members[tied[first[place]]])
    return component


def _broken_side_constraints(problem: AssignmentProblem, supporter_of: Positions) -> Iterator[Positions]:
    """Needs by which an outcome breaks a tie: of packages, of schools with too many supporters, of home schools."""
    assert problem.side_constraints is not None
    side_constraints, met = problem.side_constraints, supporter_of != UNMET
    packed = side_constraints.package >= 0
    asked = np.bincount(side_constraints.package[packed])
    given = np.bincount(side_constraints.package[packed & met], minlength=len(asked))
    yield np.flatnonzero(packed)[
        (given > 0)[side_constraints.package[packed]] & (given < asked)[side_constraints.package[packed]]
    ]
    come = np.bincount(visits_of(problem, supporter_of)[0], minlength=len(side_constraints.supporters_left))
    yield np.flatnonzero(met & (come > side_constraints.supporters_left)[side_constraints.school])
    home = side_constraints.home[np.where(met, supporter_of, 0)]
    held = np.bincount(home[met], minlength=len(side_constraints.deployments_left))
    yield np.flatnonzero(met & (held > side_constraints.deployments_left)[home])
