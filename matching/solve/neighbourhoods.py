"""Upper bounds on the number of needs met, proved in neighbourhoods of the unmet ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.components import Component
from matching.solve.pricing_oracle import PricingOracle, with_all_pairs_of
from matching.solve.problem import PRIORITY_LEVELS, UNMET, AssignmentProblem, most_urgent_together, values_of, visits_of
from matching.solve.programme import LEVEL_FACTORS, best_choice, programme_of

# A neighbourhood of more pairs than this is no longer one.
_MOST_PAIRS = 60_000
# No neighbourhood may take more of the time that is left than this.
_SHARE = 0.1


def most_met(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    supporter_of: Positions,
    relaxed: Sequence[int],
    budget: Budget,
) -> tuple[int, int, int]:
    """The bound of each level of needs met in one component, among plans as good as this one in the levels before.

    Parameters
    ----------
    oracle : PricingOracle, optional
        Finds the pairs that the problem does not hold.
    supporter_of : ndarray of intp
        A plan, by need.
    relaxed : sequence of int
        Bounds by level that are known already.

    Notes ----- The needs that the plan does not meet are each surrounded by a neighbourhood: a set of needs, and every
    supporter who is eligible for any of them. What a neighbourhood can meet at most with all those people to itself,
    and every other need met, is a bound. Where the plan meets as many in the neighbourhood, nothing is missing there;
    otherwise the needs that those people serve join in, with those of packages and of limits that are reached, and it
    is solved again. Where people are plentiful that ends soon.
    """
    found = _Surroundings.of(problem, oracle, part, supporter_of)
    met = values_of(problem, supporter_of, part.needs)[:-1]
    bounds: list[int] = []
    for level in range(len(PRIORITY_LEVELS)):
        factors = np.where(np.arange(3) <= level, np.asarray(LEVEL_FACTORS) // LEVEL_FACTORS[level], 0)
        more = found.missing(level, factors, budget)
        # Among plans as good in the levels before, all that is missing is of this one.
        known = relaxed[level] if met[:level] == tuple(relaxed[:level]) else met[level] + more
        asking = int(np.count_nonzero((problem.level[part.needs] == level) & (part.pairs_of_need > 0)))
        bounds.append(min(known, met[level] + more, asking))
    critical, high, normal = bounds
    return critical, high, normal


@dataclass(frozen=True)
class _Surroundings:
    """Who is eligible for which need of a component (pairs from `start` on, `n_pairs` in all), and who serves which."""

    problem: AssignmentProblem
    oracle: PricingOracle | None
    needs: Positions
    n_pairs: Integers
    supporter_of: Positions
    start: Positions
    serves: Positions
    serves_start: Positions

    @classmethod
    def of(
        cls, problem: AssignmentProblem, oracle: PricingOracle | None, part: Component, supporter_of: Positions
    ) -> "_Surroundings":
        """Look them up once."""
        met = part.needs[supporter_of[part.needs] != UNMET]
        serves = met[np.argsort(supporter_of[met], kind="stable")]
        serves_start = np.searchsorted(supporter_of[serves], np.arange(len(problem.places) + 1))
        n_pairs = np.zeros(len(problem.level), dtype=np.int64)
        n_pairs[part.needs] = part.pairs_of_need
        start = np.searchsorted(problem.need, np.arange(len(problem.level) + 1))
        return cls(problem, oracle, part.needs, n_pairs, supporter_of, start, serves, serves_start)

    def missing(self, level: int, factors: Integers, budget: Budget) -> int:
        """How much more could be met at most, counted by these factors; needs of later levels count nothing."""
        counting = self.needs[self.problem.level[self.needs] <= level]
        asking = counting[(self.supporter_of[counting] == UNMET) & (self.n_pairs[counting] > 0)]
        waiting = [np.array([need]) for need in asking.tolist()]
        # Neighbourhoods may share people, but never a need: it would be counted twice.
        settled: list[tuple[Positions, int]] = []
        while waiting:
            region = waiting.pop(0)
            if budget.remaining_s() <= 0:
                settled.append((region, self._unmet(region, factors)))
                continue
            around = self._around(region)
            short = self._short(region, around, factors, budget)
            wider = self._wider(region, around, level) if short else region
            if len(wider) == len(region) or self._size(wider) > _MOST_PAIRS or budget.remaining_s() <= 0:
                settled.append((region, short))
                continue
            joined = [other for other in [*waiting, *(one for one, _ in settled)] if _overlap(other, wider)]
            waiting = [other for other in waiting if not _overlap(other, wider)]
            settled = [(other, short) for other, short in settled if not _overlap(other, wider)]
            waiting.append(np.unique(np.concatenate([wider, *joined])))
        return sum(short for _, short in settled)

    def _around(self, region: Positions) -> AssignmentProblem:
        """Every pair of the region."""
        pairs = np.concatenate([np.arange(self.start[need], self.start[need + 1]) for need in region.tolist()])
        return with_all_pairs_of(self.problem.of(pairs), self.oracle, region)

    def _wider(self, region: Positions, around: AssignmentProblem, level: int) -> Positions:
        """The region with the needs that people who are eligible in it serve, and what side constraints to it."""
        people, side_constraints = np.unique(around.supporter), self.problem.side_constraints
        if side_constraints is not None:
            homes = side_constraints.home[people]
            people = np.union1d(people, np.flatnonzero(np.isin(side_constraints.home, homes[self._is_left[homes]])))
        served = [self.serves[self.serves_start[one] : self.serves_start[one + 1]] for one in people.tolist()]
        wider: Positions = np.unique(np.concatenate([region, *served]))
        if side_constraints is not None:
            schools, packages = side_constraints.school[region], side_constraints.package[wider]
            beside = np.isin(side_constraints.school[self.needs], schools[self._is_visited[schools]])
            beside |= np.isin(side_constraints.package[self.needs], packages[packages >= 0])
            wider = np.union1d(wider, self.needs[beside & (self.n_pairs[self.needs] > 0)])
        return np.asarray(wider[self._urgent[wider] <= level], dtype=np.intp)

    @cached_property
    def _urgent(self) -> Positions:
        """By need: the most urgent level in its package."""
        return (
            self.problem.level
            if self.problem.side_constraints is None
            else most_urgent_together(self.problem.level, self.problem.side_constraints.package)
        )

    @cached_property
    def _is_left(self) -> Flags:
        """By home school: whether it can let no more of its people go."""
        if self.problem.side_constraints is None:
            return np.zeros(0, dtype=bool)
        homes = self.problem.side_constraints.home[self.supporter_of[self.supporter_of != UNMET]]
        leaving = np.bincount(homes, minlength=len(self.problem.side_constraints.deployments_left))
        return np.asarray(leaving >= self.problem.side_constraints.deployments_left)

    @cached_property
    def _is_visited(self) -> Flags:
        """By school: whether no more people may come to it."""
        if self.problem.side_constraints is None:
            return np.zeros(0, dtype=bool)
        come = np.bincount(
            visits_of(self.problem, self.supporter_of)[0], minlength=len(self.problem.side_constraints.supporters_left)
        )
        return np.asarray(come >= self.problem.side_constraints.supporters_left)

    def _size(self, region: Positions) -> int:
        return int(self.n_pairs[region].sum())

    def _unmet(self, region: Positions, factors: Integers) -> int:
        """What the region could meet at most beyond what the plan does, whoever is there."""
        return int(factors[self.problem.level[region[self.supporter_of[region] == UNMET]]].sum())

    def _short(self, region: Positions, around: AssignmentProblem, factors: Integers, budget: Budget) -> int:
        """How much more the region could meet, with all its people to itself, than the plan does in it."""
        programme = programme_of(around, region, np.unique(around.supporter))
        worth = factors[programme.level].astype(np.int64)
        chosen = self.supporter_of[around.need[programme.pair]] == around.supporter[programme.pair]
        _, bound = best_choice(programme, worth, (), chosen, budget.share(_SHARE))
        return min(self._unmet(region, factors), max(0, bound - int(worth[chosen].sum())))


def _overlap(one: Positions, other: Positions) -> bool:
    return bool(np.isin(one, other).any())
