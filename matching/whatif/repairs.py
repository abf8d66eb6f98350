"""The smallest changes that would meet an unmet need, each tried by solving with it made.

Each comes with what it moves elsewhere. The inputs and the plan stay as they are.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from matching.errors import counted, joined
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.plan.phrases import need_in_words, person
from matching.plan.write import Plan
from matching.solve.problem import PRIORITY_LEVELS, UNMET, Positions, Reached
from matching.whatif.candidates import Candidate, Change, Question, candidates
from matching.whatif.remedies import CHANGES, OF_NEED, OF_POLICY, Kind
from matching.whatif.resolve import (
    Answer,
    changed_market,
    changes_between,
    outcome_of,
    position_of_need,
    reached_by,
    solve_again,
    without_need,
)

# Changes tried for one need: each takes a solve or more, and at most this share of the time.
_MOST_TRIED = 12
_MOST_OF_TIME = 0.45
_MOST_NAMED = 3


@dataclass(frozen=True)
class Step:
    """One small change.

    Attributes
    ----------
    supporter_id : str
        The supporter whom it is about, or who could then serve the need.
    size : float
        Places, days, km, people or deployments; 1 for the others.
    words : str
        The change as the beginning of a sentence.
    """

    kind: Kind
    supporter_id: str
    size: float
    words: str


@dataclass(frozen=True)
class Repair:
    """A small change that would meet an unmet need.

    Attributes
    ----------
    steps : tuple of Step
        One, or two that only work together; none where someone can be placed there with nothing changed.
    is_least : bool
        Whether no smaller number of the same days or km would do.
    inputs : Inputs
        With the change made.
    lost : tuple of int
        By priority level: the number of needs that are met now and would not be.
    changes : DataFrame
        `matching.plan.compare.CHANGE_COLUMNS`: the need itself, then every other need that it would move.
    reached : tuple of int
        What the plan would reach at each level, the last in thousandths.
    proved, needs_proved : bool
        Whether that is the best plan after the change, or none meets more needs; and none is as good without this one.
    """

    need_id: str
    steps: tuple[Step, ...]
    is_least: bool
    inputs: Inputs = field(repr=False)
    lost: tuple[int, ...]
    changes: pd.DataFrame = field(repr=False)
    reached: Reached
    proved: bool
    needs_proved: bool
    sentence: str


@dataclass(frozen=True)
class Repairs:
    """The smallest changes that would meet an unmet need.

    Attributes
    ----------
    found : tuple of Repair
        First those that leave the fewest other needs unmet, the most urgent level first; of those, changes for one
        person or need before changes of the policy, then the smallest, then the highest total score.
    n_tried, n_possible : int
        How many changes were tried, the most promising first, of how many that may meet the need.
    """

    found: tuple[Repair, ...] = ()
    n_tried: int = 0
    n_possible: int = 0


def repairs(market: Market, plan: Plan, need_id: str, *, most: int = 6, time_limit_s: float = 10.0) -> Repairs:
    """Return the smallest changes that would meet an unmet need; none for a need that is met.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    most : int
        How many to return.
    time_limit_s : float
        How long to search in all, in seconds.

    Notes
    -----
    Each is solved with the change made, and counts only where every best plan then meets the need: the best plan that
    meets it is better than the best that does not. As in a rerun, deployments of the plan earn the bonus for being
    kept. Two changes together are tried only where no single one works, and none where nothing has to change.

    Raises
    ------
    DataError
        The need is not in the inputs.
    """
    need = position_of_need(market.inputs, need_id)
    before = outcome_of(market, plan)
    if before[need] != UNMET:
        return Repairs()
    close = changed_market(market, replace(market.inputs, baseline=plan.deployments), same_pairs=True)
    is_best = plan.manifest["status"] == "optimal"
    most_s = _MOST_OF_TIME * time_limit_s
    search = _Search(Question(close, before, need), is_best, time.monotonic() + time_limit_s, most_s)
    if search.question.someone_is_free() and (unchanged := search.tried(())):
        return Repairs((unchanged,))
    ones, twos = candidates(search.question)
    found = search.that_work(ones)
    if not found.found:
        has_tried_ones = found.n_tried == min(len(ones), _MOST_TRIED)
        more = search.that_work(twos) if has_tried_ones else Repairs(n_possible=len(twos))
        found = Repairs(more.found, found.n_tried + more.n_tried, found.n_possible + more.n_possible)
    return replace(found, found=tuple(sorted(found.found, key=_cost)[:most]))


def _cost(repair: Repair) -> tuple[tuple[int, ...], int, float, int]:
    of_policy = sum(step.kind in OF_POLICY for step in repair.steps)
    return repair.lost, of_policy, sum(step.size for step in repair.steps), -repair.reached[-1]


@dataclass(frozen=True)
class _Search:
    """A search for repairs.

    Attributes
    ----------
    is_best : bool
        Whether the plan is proved to be the best.
    deadline : float
        When the search has to end, on the monotonic clock.
    most_s : float
        How long one change may be tried, in seconds.
    """

    question: Question
    is_best: bool
    deadline: float
    most_s: float

    def left_s(self) -> float:
        """Return the seconds left to search."""
        return max(0.0, self.deadline - time.monotonic())

    def that_work(self, tries: Sequence[Candidate]) -> Repairs:
        """Return the repairs among the first candidates, and then by the smallest size that works, the best first."""
        found, n_tried, longest_s = list[tuple[Repair, Candidate, float]](), 0, 0.0
        for candidate in tries[:_MOST_TRIED]:
            # A try that is cut short says little.
            if (left_s := self.left_s()) <= longest_s:
                break
            repair = self.tried(candidate)
            took_s = left_s - self.left_s()
            n_tried, longest_s = n_tried + 1, max(longest_s, took_s)
            if repair is not None:
                found.append((repair, candidate, took_s))
        found.sort(key=lambda one: _cost(one[0]))
        return Repairs(tuple(self._with_least(*one) for one in found), n_tried, len(tries))

    def _with_least(self, repair: Repair, candidate: Candidate, took_s: float) -> Repair:
        """Return the repair by the smallest size that works, given that by the last one and how long a try takes."""
        if len(candidate) != 1:
            return repair
        # The last size is enough if no one else moves; with people who move, a smaller one may do.
        change = candidate[0]
        sizes, first, last = change.sizes, 0, len(change.sizes) - 1
        while first < last:
            if self.left_s() <= took_s:
                return replace(repair, is_least=False)
            # A need that can be met after a change of its own can be met after a larger one, so half are left out each
            # time. A person's new days or places may go to others, now to one and now to another.
            size = (first + last) // 2 if change.kind in OF_NEED else first
            if less := self.tried([change._replace(sizes=(sizes[size],))]):
                repair, last = less, size
            else:
                first = size + 1
        return repair

    def tried(self, candidate: Sequence[Change]) -> Repair | None:
        """Return the repair by these changes at their last sizes, if every best plan then meets the need."""
        market, before, need = self.question.market, self.question.before, self.question.need
        steps, inputs = [], market.inputs
        for kind, supporter, sizes in candidate:
            words, inputs = CHANGES[kind](market, inputs, need, supporter, sizes[-1])
            steps.append(Step(kind, str(market.supporters[supporter]["supporter_id"]), sizes[-1], words))
        changed = changed_market(market, inputs)
        if not changed.pairs.count_by_need()[need]:
            return None
        touched = _touched(market, changed, [change.supporter for change in candidate])
        needs = np.union1d([need], _package_of(market, need)).tolist()
        most_s = min(self.most_s, self.left_s())
        ends = time.monotonic() + most_s
        answer = solve_again(market, before, changed, needs=needs, supporters=touched, time_limit_s=most_s / 2)
        if answer.supporter_of[need] == UNMET:
            return None
        if self.is_best and all(kind in OF_NEED for kind, _, _ in candidate):
            # Without the need, the change makes no difference.
            now = reached_by(market, before)
            otherwise = Answer(before, now, now)
        else:
            otherwise = solve_again(
                market,
                before,
                without_need(changed, need),
                needs=needs,
                supporters=touched,
                time_limit_s=max(0.0, ends - time.monotonic()),
                at_most=answer.reached,
            )
        if otherwise.reached >= answer.reached:
            return None
        displaced = changes_between(market, before, answer.supporter_of, [need])
        is_sure = otherwise.bounds < answer.reached
        proved = is_sure and answer.proved
        # Bounds do not cover parts that the change does not touch: they are the best only in a plan that is.
        needs_proved = proved or (is_sure and self.is_best and answer.needs_proved)
        doubt = "" if proved else _doubt(answer, is_certain=needs_proved)
        change = _words(steps) or f"Placing {person(market, int(answer.supporter_of[need]))} here"
        return Repair(
            self.question.need_id,
            tuple(steps),
            True,
            inputs,
            _lost(displaced),
            displaced,
            answer.reached,
            proved,
            needs_proved,
            _sentence(change, displaced, market.needs[need]["priority"], doubt),
        )


def _package_of(market: Market, need: int) -> Positions:
    """Return the needs of the need's package; none without one."""
    package = market.rulebook.package
    return np.flatnonzero((package == package[need]) & (package >= 0))


def _touched(market: Market, changed: Market, supporters: Sequence[int]) -> list[int]:
    """Return the supporters whose places, days, pairs or scores a change may alter."""
    before, after = market.inputs.policy, changed.inputs.policy
    if before.rules != after.rules or before.related_specialisms != after.related_specialisms:
        return list(range(len(market.supporters)))
    other_limit = np.flatnonzero(market.rulebook.limit_km != changed.rulebook.limit_km).tolist()
    return sorted({*supporters, *other_limit})


def _lost(displaced: pd.DataFrame) -> tuple[int, ...]:
    priorities = list(displaced.loc[displaced["change"] == "lost", "priority"])
    return tuple(priorities.count(level) for level in PRIORITY_LEVELS)


# ---- words ---------------------------------------------------------------------------------------------------------


def _words(steps: Sequence[Step]) -> str:
    return " and ".join(step.words if step is steps[0] else step.words[0].lower() + step.words[1:] for step in steps)


def _doubt(answer: Answer, *, is_certain: bool) -> str:
    """Return the doubt about a plan whose search was cut short, perhaps after the needs were certain."""
    if not is_certain:
        return " (as far as the search went in the time allowed)"
    most = f"{answer.score_gap:.3f}"
    return f" (no plan with this change meets more needs; with more time, one may score up to {most} higher)"


def _sentence(change: str, displaced: pd.DataFrame, priority: str, doubt: str) -> str:
    """Return what a change would do to the need, of this priority, and to the others."""
    others = displaced.iloc[1:]
    lost, gained = (others[others["change"] == kind] for kind in ("lost", "gained"))
    moved = int((others["change"] == "moved").sum())
    effects = ["meet this need"]
    if moved:
        effects.append(f"move {counted(moved, 'other deployment')}")
    if len(gained):
        effects.append(f"also meet {_named(gained)}")
    if not len(others):
        effects.append("change nothing else")
    sentence = f"{change} would {joined(effects)}"
    if len(lost):
        if len(lost) == 1:
            which = f"which has {'the same' if lost['priority'].iat[0] == priority else 'a different'} priority"
        else:
            same = (lost["priority"] == priority).any()
            which = "some of which have the same priority" if same else "none of which has the same priority"
        sentence += f", but would leave {_named(lost)} unmet, {which}"
    return f"{sentence}{doubt}."


def _named(needs: pd.DataFrame) -> str:
    if len(needs) > _MOST_NAMED:
        return f"{len(needs):,} other needs"
    columns = (needs["focus"], needs["school_name"], needs["need_id"])
    return joined([need_in_words(*row) for row in zip(*columns, strict=True)])
