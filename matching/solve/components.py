"""The connected components of a round, and those in which an outcome breaks days or a side constraint."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.solve.problem import (
    NEVER,
    UNMET,
    AssignmentProblem,
    Flags,
    Integers,
    Positions,
    PricingOracle,
    chosen_pairs,
    connected,
    days_used,
    places_left,
    visits_of,
)


@dataclass(frozen=True)
class Component:
    """One connected component.

    Attributes
    ----------
    needs, supporters : ndarray of intp
        Positions in the problem, in order.
    pairs_of_need : ndarray of int64
        By need of the component: the number of its pairs, in the problem or not.
    most_asked : ndarray of int64
        By supporter of the component: the most days that a need of any of these pairs asks for, in hundredths.
    """

    needs: Positions
    supporters: Positions
    pairs_of_need: Integers
    most_asked: Integers

    @property
    def n_pairs(self) -> int:
        """The number of its pairs."""
        return int(self.pairs_of_need.sum())

    def problem_of(self, problem: AssignmentProblem) -> AssignmentProblem:
        """Return the problem of this component alone, with positions of its own.

        Days that cover whatever all of a supporter's places are asked for are no limit.
        """
        needs, people = self.needs, self.supporters
        offered = problem.days_offered[people]
        offered = np.where(problem.places[people] * self.most_asked <= offered, np.inf, offered)
        pairs = np.flatnonzero(np.isin(problem.need, needs))
        side = problem.side_constraints
        if side is not None:
            school, person = np.divmod(side.pinned_visits, len(problem.places))
            inside = np.isin(person, people)
            visits = school[inside] * len(people) + np.searchsorted(people, person[inside])
            package, school = side.package[needs], side.school[needs]
            side = replace(side, package=package, school=school, home=side.home[people], pinned_visits=visits)
        return AssignmentProblem(
            need=np.searchsorted(needs, problem.need[pairs]),
            supporter=np.searchsorted(people, problem.supporter[pairs]),
            value_milli=problem.value_milli[pairs],
            level=problem.level[needs],
            days_asked=problem.days_asked[needs],
            places=problem.places[people],
            days_offered=offered,
            side_constraints=side,
        )

    def positions_of(self, supporter_of: Positions) -> Positions:
        """Return, by need of the component, its supporter in an outcome, as positions of its own."""
        outcome = supporter_of[self.needs]
        return np.where(outcome == UNMET, UNMET, np.searchsorted(self.supporters, outcome))

    def oracle_of(self, oracle: PricingOracle | None, problem: AssignmentProblem) -> PricingOracle | None:
        """Return the pricing oracle of this component alone."""
        return None if oracle is None else _OracleOfComponent(oracle, self, len(problem.level), len(problem.places))


@dataclass(frozen=True)
class _OracleOfComponent:
    """The pairs of one component, with its positions."""

    whole: PricingOracle
    component: Component
    n_needs: int
    n_people: int

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Return every pair whose value exceeds the prices of its need and its supporter, and the values."""
        needs, people = self.component.needs, self.component.supporters
        of_need = np.full(self.n_needs, NEVER, dtype=np.int64)
        of_supporter = np.full(self.n_people, NEVER, dtype=np.int64)
        of_need[needs], of_supporter[people] = need_milli, supporter_milli
        need, supporter, value = self.whole.pairs_above(of_need, of_supporter)
        return np.searchsorted(needs, need), np.searchsorted(people, supporter), value

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """Yield the needs and supporters of every pair, in blocks of consecutive needs."""
        needs, people = self.component.needs, self.component.supporters
        for need, supporter in self.whole.blocks():
            inside = np.isin(need, needs)
            yield np.searchsorted(needs, need[inside]), np.searchsorted(people, supporter[inside])


def violated_components(
    problem: AssignmentProblem, oracle: PricingOracle | None, supporter_of: Positions
) -> list[Component]:
    """Return the components in which an outcome breaks days or a side constraint, by their number of needs.

    Components are those by every pair; the pairs of an oracle are read block by block.
    """
    n_needs, n_people = len(problem.level), len(problem.places)
    blocks = iter([(problem.need, problem.supporter)]) if oracle is None else oracle.blocks()
    component = np.arange(n_needs + n_people)
    n_pairs, most_asked = np.zeros(n_needs, dtype=np.int64), np.zeros(n_people, dtype=np.int64)
    for need, supporter in blocks:
        component = _joined(component, need, n_needs + supporter)
        n_pairs += np.bincount(need, minlength=n_needs)
        np.maximum.at(most_asked, supporter, problem.days_asked[need])
    component = _joined_by_side_constraints(problem, component, n_pairs > 0)
    broken = [component[n_needs:][over_days(problem, supporter_of)]]
    broken += [component[needs] for needs in _broken_side_constraints(problem, supporter_of)]
    found = []
    for number in np.unique(np.concatenate(broken)).tolist():
        needs, people = (np.flatnonzero(some == number) for some in (component[:n_needs], component[n_needs:]))
        found.append(Component(needs, people, n_pairs[needs], most_asked[people]))
    return sorted(found, key=lambda one: len(one.needs))


def over_days(problem: AssignmentProblem, supporter_of: Positions) -> Flags:
    """Return by supporter whether an outcome uses more days than there are."""
    return days_used(problem, supporter_of) > problem.days_offered


def keeps_rules(problem: AssignmentProblem, supporter_of: Positions) -> bool:
    """Return whether a plan is made of pairs of the problem and keeps places, days and side constraints."""
    met = int(np.count_nonzero(supporter_of != UNMET))
    if len(chosen_pairs(problem, supporter_of)) != met or (places_left(problem, supporter_of)[0] < 0).any():
        return False
    if over_days(problem, supporter_of).any():
        return False
    return not any(len(needs) for needs in _broken_side_constraints(problem, supporter_of))


def _joined(component: Positions, one: Positions, other: Positions) -> Positions:
    """Return the component of each node after more edges between nodes."""
    return connected(len(component), component[one], component[other])[component]


def _joined_by_side_constraints(problem: AssignmentProblem, component: Positions, has_pairs: Flags) -> Positions:
    """Return the component of each node after joining the members of each side constraint that could bind."""
    side, n_needs, n_people = problem.side_constraints, len(problem.level), len(problem.places)
    if side is None:
        return component
    needs, people = np.arange(n_needs), n_needs + np.arange(n_people)
    asking = np.bincount(side.school[has_pairs], minlength=len(side.supporters_left))
    offering = np.bincount(side.home, weights=problem.places, minlength=len(side.deployments_left))
    for members, group, binds in (
        (needs, side.package, np.ones(int(side.package.max(initial=-1)) + 1, dtype=bool)),
        (needs, side.school, asking > side.supporters_left),
        (people, side.home, offering > side.deployments_left),
    ):
        bound = np.flatnonzero((group >= 0) & np.append(binds, False)[group])
        # Each member gets an edge to the first of its group.
        _, first, place = np.unique(group[bound], return_index=True, return_inverse=True)
        component = _joined(component, members[bound], members[bound[first[place]]])
    return component


def _broken_side_constraints(problem: AssignmentProblem, supporter_of: Positions) -> Iterator[Positions]:
    """Yield the needs of packages met in part, of schools over their limit and of home schools over theirs."""
    side, met = problem.side_constraints, supporter_of != UNMET
    if side is None:
        return
    packed = side.package >= 0
    size = np.bincount(side.package[packed])
    n_met = np.bincount(side.package[packed & met], minlength=len(size))
    yield np.flatnonzero(packed)[(n_met > 0)[side.package[packed]] & (n_met < size)[side.package[packed]]]
    come = np.bincount(visits_of(problem, supporter_of)[0], minlength=len(side.supporters_left))
    yield np.flatnonzero(met & (come > side.supporters_left)[side.school])
    home = side.home[np.where(met, supporter_of, 0)]
    held = np.bincount(home[met], minlength=len(side.deployments_left))
    yield np.flatnonzero(met & (held > side.deployments_left)[home])
