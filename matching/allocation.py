"""The main path: sound inputs to the best plan. The command line and the screens both call this."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.audit.check import check_plan
from matching.inputs.read import Inputs
from matching.pairs.market import Market, open_market
from matching.pairs.side_constraints import hopeless, ties_of
from matching.plan.outcome import UNMET, Outcome, priority_level
from matching.plan.write import Plan, make_plan
from matching.solve.assign import assign
from matching.solve.problem import NEVER, Assignment, Positions, Task, Whole

Progress = Callable[[str], None]


def allocate(
    inputs: Inputs,
    *,
    time_limit_s: float = 60.0,
    progress: Progress = lambda step: None,
    cancel: threading.Event | None = None,
    market: Market | None = None,
) -> Plan:
    """Make the best plan for these inputs.

    Parameters
    ----------
    inputs : Inputs
    time_limit_s : float
        How long to search where days or ties bind, in seconds.
    progress : callable
        Told in words what is being done.
    cancel : threading.Event, optional
        Set by whoever wants the search to end with the best plan that it has.
    market : Market, optional
        Where the caller has opened it for these inputs already.

    Returns
    -------
    Plan
        Its manifest holds the seconds of each step under `timings`.
    """
    clock = _Clock(progress)
    clock.start("Finding eligible pairs", "pairs_s")
    market = market or open_market(inputs)
    at_hand = len(market.at_hand)
    clock.start(f"Assigning over {at_hand:,} pairs", "assignment_s")
    outcome, assignment = solve(market, time_limit_s=time_limit_s, progress=progress, cancel=cancel)
    clock.start("Writing reasons", "reasons_s")
    plan = make_plan(market, outcome, assignment)
    clock.start("Checking", "check_s")
    if faults := check_plan(plan, inputs):
        raise AssertionError(f"a plan that breaks its own rules: {faults[0]}")
    clock.stop()
    return replace(plan, manifest={**plan.manifest, "timings": clock.seconds})


class _Clock:
    """Seconds of each step, told as they begin."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._step, self._began = "", time.perf_counter()

    def start(self, words: str, step: str) -> None:
        self.stop()
        self._progress(words)
        self._step, self._began = step, time.perf_counter()

    def stop(self) -> None:
        if self._step:
            self.seconds[self._step] = round(time.perf_counter() - self._began, 3)


def solve(
    market: Market,
    *,
    time_limit_s: float = 60.0,
    progress: Progress = lambda step: None,
    cancel: threading.Event | None = None,
) -> tuple[Outcome, Assignment]:
    """Settle the pins, assign the rest, and put both together."""
    rulebook, inputs = market.rulebook, market.inputs
    pinned_need, pinned_supporter = rulebook.pins
    n_supporters, earlier = len(inputs.supporters), rulebook.earlier
    change_cost_milli = inputs.policy.rerun.change_cost_milli
    closed = _closed(market)
    task = _task_over(market, closed)
    rest = _Rest(market, closed) if market.is_large else None
    solved = assign(task, time_limit_s=time_limit_s, progress=progress, cancel=cancel, rest=rest)
    supporter_of = solved.supporter_of.copy()
    supporter_of[pinned_need] = pinned_supporter
    need = np.arange(len(supporter_of))
    is_kept = (supporter_of != UNMET) & np.isin(need * n_supporters + supporter_of, earlier)
    origin = np.select([supporter_of == UNMET, is_kept], ["", "kept"], "optimised").astype(object)
    origin[pinned_need] = "pinned"
    pinned_values = np.bincount(task.level[pinned_need], minlength=3).tolist()
    pinned_score = int(rulebook.fits(pinned_need, pinned_supporter).score_milli.sum())
    pinned_score += change_cost_milli * int(np.isin(pinned_need * n_supporters + pinned_supporter, earlier).sum())
    extra = (*pinned_values, pinned_score)
    whole = replace(
        solved,
        supporter_of=supporter_of,
        values=tuple(a + b for a, b in zip(solved.values, extra, strict=True)),
        bounds=tuple(a + b for a, b in zip(solved.bounds, extra, strict=True)),
    )
    return Outcome(supporter_of, origin), whole


def _closed(market: Market) -> Positions:
    """The needs that are not to be assigned: those of pins, and those of packages that cannot be met."""
    rulebook = market.rulebook
    closed = np.zeros(len(market.inputs.needs), dtype=bool)
    closed[rulebook.pins[0]] = True
    if rulebook.has_packages:
        closed |= hopeless(rulebook, market.eligible_by_need)
    return np.flatnonzero(closed)


def _task_over(market: Market, closed: Positions) -> Task:
    """What is left to assign beside the pins, over the pairs at hand."""
    rulebook, n_supporters, pairs = market.rulebook, len(market.inputs.supporters), market.at_hand
    pinned_need, pinned_supporter = rulebook.pins
    places_pinned = np.bincount(pinned_supporter, minlength=n_supporters)
    days_pinned = np.bincount(pinned_supporter, weights=rulebook.days_asked[pinned_need], minlength=n_supporters)
    kept = np.isin(pairs.need * n_supporters + pairs.supporter, rulebook.earlier)
    free = ~np.isin(pairs.need, closed)
    return Task(
        need=pairs.need[free],
        supporter=pairs.supporter[free],
        value_milli=(pairs.score_milli + market.inputs.policy.rerun.change_cost_milli * kept)[free],
        level=priority_level(market),
        days_asked=rulebook.days_asked,
        places=np.where(rulebook.available, rulebook.places - places_pinned, 0),
        days_offered=rulebook.days_offered - days_pinned,
        ties=ties_of(rulebook),
    )


@dataclass(frozen=True)
class _Rest:
    """The pairs of a large round that are not at hand; needs that are closed have none."""

    market: Market
    closed: Positions

    def worth_more(self, need_milli: Whole, supporter_milli: Whole) -> tuple[Positions, Positions, Whole]:
        """Pairs whose value is more than what their need and their supporter ask, and the value."""
        asked = need_milli.copy()
        asked[self.closed] = NEVER
        return self.market.ground.worth_more(asked, supporter_milli)

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """The needs and supporters of every pair, at hand or not, some needs after the others."""
        for needs in self.market.slices():
            need, supporter = self.market.ground.pairs_of(needs)
            is_open = ~np.isin(need, self.closed)
            yield need[is_open], supporter[is_open]
