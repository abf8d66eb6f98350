"""The main path: sound inputs to the best plan. The command line and the screens both call this."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.audit.check import check_plan
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market, open_market
from matching.pairs.side_constraints import hopeless, side_constraints_of
from matching.plan.outcome import Outcome
from matching.plan.write import Plan, make_plan
from matching.solve.assign import assign
from matching.solve.params import DEFAULTS, SolveParams
from matching.solve.problem import NEVER, Assignment, AssignmentProblem, Integers, Positions

Progress = Callable[[str], None]


def allocate(
    inputs: Inputs,
    *,
    time_limit_s: float | None = None,
    progress: Progress = lambda step: None,
    cancel: threading.Event | None = None,
    market: Market | None = None,
    params: SolveParams = DEFAULTS,
) -> Plan:
    """Make the best plan for these inputs.

    Parameters
    ----------
    time_limit_s, progress, cancel : optional
        As in `matching.solve.assign.assign`.
    market : Market, optional
        Opened by the caller for these inputs; its parameters then apply.

    Returns
    -------
    Plan
        Its manifest holds the seconds of each step under `timings`.
    """
    clock = _Clock(progress)
    clock.start("Finding eligible pairs", "pairs_s")
    market = market or open_market(inputs, params)
    n_pairs = len(market.candidate_pairs)
    clock.start(f"Assigning over {n_pairs:,} pairs", "assignment_s")
    outcome, assignment = solve(market, time_limit_s=time_limit_s, progress=progress, cancel=cancel)
    clock.start("Writing reasons", "reasons_s")
    plan = make_plan(market, outcome, assignment)
    clock.start("Checking", "check_s")
    if faults := check_plan(plan, inputs):
        raise AssertionError(f"a plan that breaks its own rules: {faults[0]}")
    clock.stop()
    return replace(plan, manifest={**plan.manifest, "timings": clock.seconds})


def solve(
    market: Market,
    *,
    time_limit_s: float | None = None,
    progress: Progress = lambda step: None,
    cancel: threading.Event | None = None,
) -> tuple[Outcome, Assignment]:
    """Settle the pins, assign all other needs, and return both together; parameters are those of `allocate`."""
    closed = _closed_needs(market)
    assignment = assign(
        _problem_of(market, closed),
        time_limit_s=time_limit_s,
        progress=progress,
        cancel=cancel,
        oracle=_SpatialOracle(market, closed) if market.is_large else None,
        params=market.params,
    )
    assignment = _with_pins(market, assignment)
    return Outcome.of(market, assignment.supporter_of), assignment


def _closed_needs(market: Market) -> Positions:
    """Return the needs not to be assigned: those of pins, and those of packages that cannot be met."""
    rulebook = market.rulebook
    closed = np.zeros(len(market.inputs.needs), dtype=bool)
    closed[rulebook.pins[0]] = True
    if rulebook.has_packages:
        closed |= hopeless(rulebook, market.eligible_by_need)
    return np.flatnonzero(closed)


def _problem_of(market: Market, closed: Positions) -> AssignmentProblem:
    """Return the problem that remains after the pins, over the candidate pairs."""
    rulebook, n_supporters, pairs = market.rulebook, len(market.inputs.supporters), market.candidate_pairs
    places_pinned, days_pinned = rulebook.used_by_pins
    kept = np.isin(pairs.need * n_supporters + pairs.supporter, rulebook.earlier)
    is_open = ~np.isin(pairs.need, closed)
    return AssignmentProblem(
        need=pairs.need[is_open],
        supporter=pairs.supporter[is_open],
        value_milli=(pairs.score_milli + market.inputs.policy.rerun.change_cost_milli * kept)[is_open],
        level=rulebook.priority_level,
        days_asked=rulebook.days_asked,
        # Pins may take more than a supporter has.
        places=np.where(rulebook.available, np.maximum(rulebook.places - places_pinned, 0), 0),
        days_offered=np.maximum(rulebook.days_offered - days_pinned, 0),
        side_constraints=side_constraints_of(rulebook),
    )


def _with_pins(market: Market, assignment: Assignment) -> Assignment:
    """Return the assignment with the pins, which count in its values and bounds."""
    rulebook = market.rulebook
    need, supporter = rulebook.pins
    supporter_of = assignment.supporter_of.copy()
    supporter_of[need] = supporter
    n_met = np.bincount(rulebook.priority_level[need], minlength=3).tolist()
    n_kept = int(np.isin(need * len(market.inputs.supporters) + supporter, rulebook.earlier).sum())
    score = int(rulebook.fits(need, supporter).score_milli.sum())
    of_pins = (*n_met, score + market.inputs.policy.rerun.change_cost_milli * n_kept)
    return replace(
        assignment,
        supporter_of=supporter_of,
        values=tuple(a + b for a, b in zip(assignment.values, of_pins, strict=True)),
        bounds=tuple(a + b for a, b in zip(assignment.bounds, of_pins, strict=True)),
    )


@dataclass(frozen=True)
class _SpatialOracle:
    """The pricing oracle of a large round: all pairs through the spatial index, those of closed needs left out."""

    market: Market
    closed: Positions

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Return every pair whose score exceeds the prices of its need and its supporter, and the scores."""
        need_price = need_milli.copy()
        need_price[self.closed] = NEVER
        return self.market.spatial_index.pairs_above(need_price, supporter_milli)

    def blocks(self) -> Iterator[tuple[Positions, Positions]]:
        """Yield the needs and supporters of every pair, in blocks of consecutive needs."""
        for needs in self.market.need_blocks():
            need, supporter = self.market.spatial_index.pairs_of(needs)
            is_open = ~np.isin(need, self.closed)
            yield need[is_open], supporter[is_open]


class _Clock:
    """The seconds of each step, and its progress sentence as it begins."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._step, self._began = "", time.perf_counter()

    def start(self, sentence: str, step: str) -> None:
        self.stop()
        self._progress(sentence)
        self._step, self._began = step, time.perf_counter()

    def stop(self) -> None:
        if self._step:
            self.seconds[self._step] = round(time.perf_counter() - self._began, 3)
