"""Large neighbourhood search: the pairs around one need after another are solved exactly, and the rest stays fixed.

Around one need there is little to search, and what is better there is better on the whole.
"""

from dataclasses import dataclass

import numpy as np

from matching.solve.arrays import Flags, Positions
from matching.solve.budget import Budget
from matching.solve.problem import UNMET, AssignmentProblem, Reached, best_of_each_need
from matching.solve.programme import Programme, best_choice

# Pairs around a need that are searched: where there are more, those of most value for each need.
_MOST_PAIRS = 6_000
# Of the time that is left, for each search.
_SHARE_OF_SEARCH = 0.1


def bettered(
    problem: AssignmentProblem, part: Programme, needs: Positions, chosen: Flags, most: Reached, budget: Budget
) -> Flags:
    """A choice of pairs at least as good as another: searched around one need after the other until nothing is found.

    Parameters
    ----------
    problem : AssignmentProblem
        With side constraints.
    part : Programme
        Of all its pairs with the needs.
    needs : ndarray of intp
        Those of the component, as positions in the problem.
    chosen : ndarray of bool
        A choice that keeps every row.
    most : tuple of int
        What no choice exceeds at each level, where it is as good in the levels before.
    """
    surroundings = _Surroundings.of(problem, part, needs)
    turn = 0
    while True:
        before, looked_at = part.reached(chosen), np.zeros(len(needs), dtype=bool)
        for need in _in_turn(part, len(needs), chosen, turn):
            reached, supporter_of = part.reached(chosen), _supporter_of(part, len(needs), chosen)
            if reached == most:
                return chosen
            if budget.remaining_s() <= 0:
                budget.cut_short()
                return chosen
            is_unmet, level = supporter_of[need] == UNMET, surroundings.level[need]
            if reached[: level + 1] == most[: level + 1] if is_unmet else looked_at[need]:
                continue
            around = surroundings.around(need, supporter_of)
            looked_at |= around
            chosen = max(chosen, _best_of(part, around[part.need], chosen, budget), key=part.reached)
        if part.reached(chosen) == before:
            return chosen
        turn += 1


def _supporter_of(part: Programme, n_needs: int, chosen: Flags) -> Positions:
    """By need: its supporter, as positions in the component."""
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    supporter_of[part.need[chosen]] = part.supporter[chosen]
    return supporter_of


def _in_turn(part: Programme, n_needs: int, chosen: Flags, turn: int) -> list[int]:
    """The needs that a choice leaves, the most urgent first, then the others, from another one in each turn."""
    asking, first = np.unique(part.need, return_index=True)
    is_met = _supporter_of(part, n_needs, chosen)[asking] != UNMET
    unmet = asking[~is_met][np.argsort(part.level[first[~is_met]], kind="stable")]
    return [*unmet.tolist(), *np.roll(asking[is_met], -turn).tolist()]


@dataclass(frozen=True)
class _Surroundings:
    """By need of a component: its level, its school and its package (-1 without one), and where its pairs begin."""

    part: Programme
    level: Positions
    school: Positions
    package: Positions
    start: Positions

    @classmethod
    def of(cls, problem: AssignmentProblem, part: Programme, needs: Positions) -> "_Surroundings":
        """Look them up once."""
        if problem.side_constraints is None:
            raise ValueError("without ties a part is solved otherwise")
        start = np.searchsorted(part.need, np.arange(len(needs) + 1))
        return cls(
            part,
            problem.level[needs],
            problem.side_constraints.school[needs],
            problem.side_constraints.package[needs],
            start,
        )

    def around(self, need: int, supporter_of: Positions) -> Flags:
        """Return by need whether it shares a school, a possible supporter or a package with this one."""
        could = self.part.supporter[self.start[need] : self.start[need + 1]]
        around = np.isin(supporter_of, could) | (self.school == self.school[need])
        packed = around & (self.package >= 0)
        return np.asarray(around | np.isin(self.package, self.package[packed]))


def _best_of(part: Programme, inside: Flags, chosen: Flags, budget: Budget) -> Flags:
    """The best choice of the pairs inside, while all others are as they are."""
    free = np.flatnonzero(inside)
    if len(free) > _MOST_PAIRS:
        of_each = max(1, _MOST_PAIRS // len(np.unique(part.need[free])))
        free = free[best_of_each_need(part.need[free], part.value_milli[free], of_each)]
    columns = np.union1d(free, np.flatnonzero(chosen))
    few, best = part.of(columns).pruned(), chosen.copy()
    stands = (chosen & ~inside)[columns]
    best[columns], _ = best_choice(few, few.worth, (), chosen[columns], budget.share(_SHARE_OF_SEARCH), fixed=stands)
    return best
