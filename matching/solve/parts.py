"""The connected parts of a round, and in which of them an outcome breaks days or a tie."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.solve.pricing_oracle import Rest
from matching.solve.problem import UNMET, Flags, Positions, Task, Whole, days_used, visits_of


@dataclass(frozen=True)
class Part:
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
    pairs_of_need: Whole

    @property
    def n_pairs(self) -> int:
        """How many pairs it has in all."""
        return int(self.pairs_of_need.sum())


@dataclass(frozen=True)
class Parts:
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
    pairs_of_need: Whole

    @classmethod
    def of(cls, task: Task, rest: Rest | None) -> "Parts":
        """The parts by every pair; those that are not at hand are looked at block by block."""
        n_needs, n_people = len(task.level), len(task.places)
        blocks = iter([(task.need, task.supporter)]) if rest is None else rest.blocks()
        part = np.arange(n_needs + n_people)
        n_pairs = np.zeros(n_needs, dtype=np.int64)
        for need, supporter in blocks:
            part = _joined(part, need, n_needs + supporter)
            n_pairs += np.bincount(need, minlength=n_needs)
        if task.ties is not None:
            part = _joined_by_ties(task, part, n_pairs > 0)
        return cls(part[:n_needs], part[n_needs:], n_pairs)

    def entangled(self, task: Task, supporter_of: Positions) -> list[Part]:
        """The parts in which an outcome breaks days or a tie, by how many needs they have."""
        found = [self.of_supporter[over_days(task, supporter_of)]]
        if task.ties is not None:
            found += [self.of_need[needs] for needs in _broken_ties(task, supporter_of)]
        parts = [self._one(number) for number in np.unique(np.concatenate(found)).tolist()]
        return sorted(parts, key=lambda part: len(part.needs))

    def _one(self, number: int) -> Part:
        needs = np.flatnonzero(self.of_need == number)
        return Part(needs, np.flatnonzero(self.of_supporter == number), self.pairs_of_need[needs])


def over_days(task: Task, supporter_of: Positions) -> Flags:
    """By supporter: whether an outcome takes more days than there are."""
    return days_used(task, supporter_of) > task.days_offered


def _joined(part: Positions, one: Positions, other: Positions) -> Positions:
    """The parts of nodes, by number, once more of them are joined."""
    size = len(part)
    graph = coo_array((np.ones(len(one), np.int8), (part[one], part[other])), (size, size))
    return connected_components(graph, directed=False)[1].astype(np.intp)[part]


def _joined_by_ties(task: Task, part: Positions, asks: Flags) -> Positions:
    """The parts once each tie that could bind joins everything that it ties together."""
    assert task.ties is not None
    ties, n_needs, n_people = task.ties, len(task.level), len(task.places)
    needs, people = np.arange(n_needs), n_needs + np.arange(n_people)
    asking = np.bincount(ties.school[asks], minlength=len(ties.supporters_left))
    offering = np.bincount(ties.home, weights=task.places, minlength=len(ties.deployments_left))
    for members, group, binds in (
        (needs, ties.package, np.ones(int(ties.package.max(initial=-1)) + 1, dtype=bool)),
        (needs, ties.school, asking > ties.supporters_left),
        (people, ties.home, offering > ties.deployments_left),
    ):
        tied = np.flatnonzero((group >= 0) & np.append(binds, False)[group])
        # Whoever comes first in a group stands for it.
        _, first, place = np.unique(group[tied], return_index=True, return_inverse=True)
        part = _joined(part, members[tied], members[tied[first[place]]])
    return part


def _broken_ties(task: Task, supporter_of: Positions) -> Iterator[Positions]:
    """Needs by which an outcome breaks a tie: of packages, of schools with too many supporters, of home schools."""
    assert task.ties is not None
    ties, met = task.ties, supporter_of != UNMET
    packed = ties.package >= 0
    asked = np.bincount(ties.package[packed])
    given = np.bincount(ties.package[packed & met], minlength=len(asked))
    yield np.flatnonzero(packed)[(given > 0)[ties.package[packed]] & (given < asked)[ties.package[packed]]]
    come = np.bincount(visits_of(task, supporter_of)[0], minlength=len(ties.supporters_left))
    yield np.flatnonzero(met & (come > ties.supporters_left)[ties.school])
    home = ties.home[np.where(met, supporter_of, 0)]
    held = np.bincount(home[met], minlength=len(ties.deployments_left))
    yield np.flatnonzero(met & (held > ties.deployments_left)[home])
