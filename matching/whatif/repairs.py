"""The smallest changes that would meet an unmet need, each tried by solving with it made.

Each comes with what it moves elsewhere. The inputs and the plan stay as they are.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
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
from matching.whatif.remedies import CHANGES, OF_POLICY, Kind
from matching.whatif.resolve import (
    changed_market,
    changes_between,
    outcome_of,
    position_of_need,
    solve_again,
    without_need,
)

# Changes tried for one need: each takes a solve or more.
_MOST_TRIED = 12
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
    proved : bool
        Whether that is the best plan after the change.
    """

    need_id: str
    steps: tuple[Step, ...]
    is_least: bool
    inputs: Inputs = field(repr=False)
    lost: tuple[int, ...]
    changes: pd.DataFrame = field(repr=False)
    reached: Reached
    proved: bool
    sentence: str


def repairs(
    market: Market, plan: Plan, need_id: str, *, most: int = 6, time_limit_s: float = 10.0
) -> tuple[Repair, ...]:
    """Return the smallest changes that would meet an unmet need; none for a need that is met.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    most : int
        How many to return.
    time_limit_s : float
        How long to search in all, in seconds.

    Returns
    -------
    tuple of Repair
        First those that leave the fewest other needs unmet, the most urgent level first; of those, changes for one
        person or need before changes of the policy, then the smallest, then the highest total score.

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
        return ()
    close = changed_market(market, replace(market.inputs, baseline=plan.deployments), same_pairs=True)
    search = _Search(Question(close, before, need), time.monotonic() + time_limit_s)
    if search.question.someone_is_free() and (unchanged := search.tried(())):
        return (unchanged,)
    ones, twos = candidates(search.question)
    found = list(search.that_work(ones)) or list(search.that_work(twos))
    found.sort(key=_cost)
    return tuple(found[:most])


def _cost(repair: Repair) -> tuple[tuple[int, ...], int, float, int]:
    of_policy = sum(step.kind in OF_POLICY for step in repair.steps)
    return repair.lost, of_policy, sum(step.size for step in repair.steps), -repair.reached[-1]


@dataclass(frozen=True)
class _Search:
    """A search for repairs, and the moment (monotonic seconds) at which it ends."""

    question: Question
    deadline: float

    def left_s(self) -> float:
        """Return the seconds left to search."""
        return max(0.0, self.deadline - time.monotonic())

    def that_work(self, tries: Iterable[Candidate]) -> Iterator[Repair]:
        """Yield the repairs among the first candidates, each with the smallest size that works."""
        for number, candidate in enumerate(tries):
            if number == _MOST_TRIED or not self.left_s():
                return
            repair = self.tried(candidate)
            if repair is None:
                continue
            # The last size is enough if no one else moves; with people who move, a smaller one may do.
            smaller = candidate[0].sizes[:-1] if len(candidate) == 1 else ()
            for size in smaller:
                if not self.left_s():
                    repair = replace(repair, is_least=False)
                    break
                if less := self.tried([candidate[0]._replace(sizes=(size,))]):
                    repair = less
                    break
            yield repair

    def tried(self, candidate: Sequence[Change]) -> Repair | None:
        """Return the repair by these changes at their last sizes, if every best plan then meets the need."""
        market, before, need = self.question.market, self.question.before, self.question.need
        steps, inputs = [], market.inputs
        for kind, supporter, sizes in candidate:
            words, inputs = CHANGES[kind](market, inputs, need, supporter, sizes[-1])
            steps.append(Step(kind, str(market.supporters[supporter]["supporter_id"]), sizes[-1], words))
        changed = changed_market(market, inputs)
        touched = _touched(market, changed, [change.supporter for change in candidate])
        needs = np.union1d([need], _package_of(market, need)).tolist()
        answer = solve_again(market, before, changed, needs=needs, supporters=touched, time_limit_s=self.left_s() / 2)
        if answer.supporter_of[need] == UNMET:
            return None
        otherwise = solve_again(
            market,
            before,
            without_need(changed, need),
            needs=needs,
            supporters=touched,
            time_limit_s=self.left_s() / 2,
            at_most=answer.reached,
        )
        if otherwise.reached >= answer.reached:
            return None
        displaced = changes_between(market, before, answer.supporter_of, [need])
        proved = answer.proved and otherwise.proved
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
            _sentence(change, displaced, market.needs[need]["priority"], proved=proved),
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


def _sentence(change: str, displaced: pd.DataFrame, priority: str, *, proved: bool) -> str:
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
    doubt = "" if proved else " (as far as the search went in the time allowed)"
    return f"{sentence}{doubt}."


def _named(needs: pd.DataFrame) -> str:
    if len(needs) > _MOST_NAMED:
        return f"{len(needs):,} other needs"
    columns = (needs["focus"], needs["school_name"], needs["need_id"])
    return joined([need_in_words(*row) for row in zip(*columns, strict=True)])
