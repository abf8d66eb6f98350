"""How many needs can be met at most, proved around those that are not: what is far from them has no bearing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.programme import LEVEL_FACTORS, best_choice, programme_of
from matching.task import PRIORITY_LEVELS, UNMET, Positions, Task, Whole
from matching.watch import Watch

# A neighbourhood of more pairs than this is no longer one.
_MOST_PAIRS = 60_000
# No neighbourhood may take more of the time that is left than this.
_SHARE = 0.1


def most_met(
    task: Task, needs: Positions, supporter_of: Positions, relaxed: Sequence[int], watch: Watch
) -> tuple[int, int, int]:
    """The bound of each level of needs met in one part, among plans as good as this one in the levels before.

    Parameters
    ----------
    task : Task
    needs : ndarray of intp
        Those of the part.
    supporter_of : ndarray of intp
        A plan, by need.
    relaxed : sequence of int
        Bounds by level that are known already.
    watch : Watch

    Notes
    -----
    The needs that the plan does not meet are each surrounded by a neighbourhood: a set of needs, and everybody who is
    eligible for any of them. What a neighbourhood can meet at most with all those people to itself, and every other
    need met, is a bound. Where the plan meets as many in the neighbourhood, nothing is missing there; otherwise the
    needs that those people serve join in, and it is solved again. Where people are plentiful that ends soon.
    """
    found = _Surroundings.of(task, needs, supporter_of)
    met = [int(((supporter_of[needs] != UNMET) & (task.level[needs] == level)).sum()) for level in range(3)]
    bounds: list[int] = []
    for level in range(len(PRIORITY_LEVELS)):
        factors = np.where(np.arange(3) <= level, np.asarray(LEVEL_FACTORS) // LEVEL_FACTORS[level], 0)
        more = found.missing(level, factors, watch)
        # Among plans as good in the levels before, all that is missing is of this one.
        known = relaxed[level] if met[:level] == list(relaxed[:level]) else met[level] + more
        bounds.append(min(known, met[level] + more))
    critical, high, normal = bounds
    return critical, high, normal


@dataclass(frozen=True)
class _Surroundings:
    """Who is eligible for which need of a part, and who serves which; `start` is where each need's pairs begin."""

    task: Task
    needs: Positions
    supporter_of: Positions
    start: Positions
    serves: Positions
    serves_start: Positions

    @classmethod
    def of(cls, task: Task, needs: Positions, supporter_of: Positions) -> "_Surroundings":
        """Look them up once."""
        met = needs[supporter_of[needs] != UNMET]
        serves = met[np.argsort(supporter_of[met], kind="stable")]
        people = np.arange(len(task.places) + 1)
        start = np.searchsorted(task.need, np.arange(len(task.level) + 1))
        return cls(task, needs, supporter_of, start, serves, np.searchsorted(supporter_of[serves], people))

    def missing(self, level: int, factors: Whole, watch: Watch) -> int:
        """How much more could be met at most, counted by these factors; needs of later levels count nothing."""
        counting = self.needs[self.task.level[self.needs] <= level]
        asking = counting[(self.supporter_of[counting] == UNMET) & (np.diff(self.start)[counting] > 0)]
        waiting = [np.array([need]) for need in asking.tolist()]
        # Neighbourhoods may share people, but never a need: it would be counted twice.
        settled: list[tuple[Positions, int]] = []
        while waiting:
            region = waiting.pop(0)
            short = self._short(region, factors, watch)
            wider = self._wider(region, level) if short else region
            if len(wider) == len(region) or self._size(wider) > _MOST_PAIRS or watch.left_s() <= 0:
                settled.append((region, short))
                continue
            joined = [other for other in [*waiting, *(one for one, _ in settled)] if _overlap(other, wider)]
            waiting = [other for other in waiting if not _overlap(other, wider)]
            settled = [(other, short) for other, short in settled if not _overlap(other, wider)]
            waiting.append(np.unique(np.concatenate([wider, *joined])))
        return sum(short for _, short in settled)

    def _wider(self, region: Positions, level: int) -> Positions:
        """The region with the needs that people who are eligible in it serve."""
        people = self._people(region)
        served = [self.serves[self.serves_start[one] : self.serves_start[one + 1]] for one in people.tolist()]
        wider: Positions = np.unique(np.concatenate([region, *served]))
        return np.asarray(wider[self.task.level[wider] <= level], dtype=np.intp)

    def _people(self, region: Positions) -> Positions:
        return np.unique(np.concatenate([self._eligible(need) for need in region.tolist()]))

    def _eligible(self, need: int) -> Positions:
        eligible: Positions = self.task.supporter[self.start[need] : self.start[need + 1]]
        return eligible

    def _size(self, region: Positions) -> int:
        return int(np.diff(self.start)[region].sum())

    def _short(self, region: Positions, factors: Whole, watch: Watch) -> int:
        """How much more the region could meet, with all its people to itself, than the plan does in it."""
        if watch.left_s() <= 0:
            return int(factors[self.task.level[region[self.supporter_of[region] == UNMET]]].sum())
        programme = programme_of(self.task, region, self._people(region))
        worth = factors[programme.level].astype(np.int64)
        chosen = self.supporter_of[self.task.need[programme.pair]] == self.task.supporter[programme.pair]
        _, bound = best_choice(programme, worth, (), chosen, watch.share(_SHARE))
        return max(0, bound - int(worth[chosen].sum()))


def _overlap(one: Positions, other: Positions) -> bool:
    return bool(np.isin(one, other).any())
