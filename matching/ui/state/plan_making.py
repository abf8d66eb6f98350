"""The next plan of a round: the files that it comes from, the job that makes it, and accepting it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from matching.allocation import allocate
from matching.errors import DataError, Problem
from matching.inputs.inputs import Inputs
from matching.inputs.read import with_policy
from matching.plan.as_bytes import plan_files
from matching.plan.write import Plan
from matching.rounds.history.state import state_of
from matching.rounds.planning.run_inputs import RunInputs, run_inputs, serving
from matching.rounds.planning.standing import standing
from matching.rounds.round import Round, sources_after_run
from matching.rounds.store import RoundStore, StaleRoundError
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.ui.state import cache
from matching.ui.state.drafted_rules import drafted_sources
from matching.ui.state.jobs import Job, follow_job, jobs, start
from matching.ui.state.live_plan import live
from matching.ui.state.open_round import change, store, take_result
from matching.ui.state.params import screen_params
from matching.ui.state.person import who
from matching.ui.state.setbacks import set_back

# Kinds of events that change no plan, so a plan that was in progress meanwhile can still be kept.
_CHANGES_NO_PLAN = ("note", "consent", "desk", "named", "scenario")
_CUT_SHORT = {
    "cancelled": "The search was stopped on request. This is the best plan that it had found by then.",
    "time limit": "Time ran out before the search was done. This is the best plan that it had found by then.",
    "solver": "The search for a proof ran out of memory or precision. This is the best plan that it had found by then.",
}


# ---- the files -----------------------------------------------------------------------------------------------------


def undecided_sources(round_: Round, *, stay_close: bool) -> dict[str, Source]:
    """Return the files of the next plan without the decisions: the round's own, with the drafted rules.

    To stay close, the baseline is the live plan or, before there is one, the plan that the round's files brought.
    """
    sources = drafted_sources(round_, stay_close=stay_close)
    if stay_close and round_.files is not None:
        sources["baseline"] = Source("plan.csv", csv_bytes(live(round_).plan.deployments))
    return sources


def with_decided(round_: Round, sources: Mapping[str, Source]) -> RunInputs:
    """Return what a plan is made from: the content of these files, with the decisions of the round.

    Raises
    ------
    DataError
        The decisions contradict the decisions file, or a file is not sound.
    """
    state = state_of(round_.events)
    if not (state.placements or state.freed or state.barred or state.statuses):
        return RunInputs(with_policy(cache.inputs_of(sources), sources.get("policy")), dict(sources))
    before = serving(cache.saved_plan(round_.files).plan) if round_.files else {}
    undecided = cache.inputs_of({name: one for name, one in sources.items() if name != "decisions"})
    inputs = with_policy(undecided, sources.get("policy"))
    placed = {need_id: one.supporter_id for need_id, one in state.placements.items()}
    now = {**standing(before, state, inputs), **placed}
    run = run_inputs(inputs, sources, round_.sources.get("decisions"), state, now)
    return RunInputs(run.inputs, cache.ordered(run.sources))


# ---- the plan of the round -----------------------------------------------------------------------------------------


def make_plan(round_: Round, sources: Mapping[str, Source], *, why: str = "") -> None:
    """Begin to make the best plan from these files and the decisions, and keep it in the round once it is made.

    A small plan is there when this returns; for a larger one every screen of the round shows the progress. If a plan
    of the round is in progress already, in whatever window, this tab follows that one. The round keeps its own tables,
    with the rules of the run.
    """
    try:
        _refuse_to_plan(round_)
        given = with_decided(round_, sources)
        _refuse_empty(given.inputs)
        ready = cache.market_of_run(given)
    except (DataError, StaleRoundError) as error:
        set_back(error)
        st.rerun()
        return
    database, by = store(), who()

    def make(report: Callable[[str], None], cancel: threading.Event) -> Round:
        plan = allocate(ready.inputs, market=ready, progress=report, cancel=cancel)
        report("Saving the plan")
        files = plan_files(plan, ready.inputs)
        return _kept(database, round_, files, sources_after_run(round_, sources), by, why)

    job = jobs().begin(round_, by, make)
    follow_job(job)
    with st.spinner("Making the plan…"):
        job.wait(screen_params().patience_s)
    take_result(round_)


def _refuse_to_plan(round_: Round) -> None:
    """Raise, before the work and not after it, if the plan of this round could not be kept."""
    now = store().get(round_.round_id)
    if now is None or now.revision != round_.revision:
        raise StaleRoundError(now.events[round_.last_event :] if now else ())
    if round_.approved is not None:
        message, fix = "The plan is approved, so no other can be made.", "Reopen it first, on the Hand over screen."
        raise DataError([Problem("round", None, "", "", message, fix)])


def _refuse_empty(inputs: Inputs) -> None:
    """Raise if there is no one to assign, or nothing to assign them to."""
    if inputs.supporters.empty:
        message, fix = (
            "There are no people in this round yet.",
            "Add them under People, or upload a table of supporters.",
        )
        raise DataError([Problem("round", None, "", "", message, fix)])
    if inputs.needs.empty:
        message, fix = "There is no open need in this round.", "Add one under Needs, or upload a table of needs."
        raise DataError([Problem("round", None, "", "", message, fix)])


def _kept(
    database: RoundStore, seen: Round, files: Mapping[str, bytes], sources: Mapping[str, Source], by: str, why: str
) -> Round:
    """Save the plan in the round, also if the round got notes, names or scenarios while it was made."""
    try:
        return database.save_plan(seen, files, sources=sources, by=by, why=why)
    except StaleRoundError as error:
        now = database.get(seen.round_id)
        if now is None or any(one.kind not in _CHANGES_NO_PLAN for one in error.meanwhile):
            raise
        return database.save_plan(now, files, sources=sources, by=by, why=why)


def cut_short_words(plan: Plan) -> str:
    """Return what ended the search for a plan early, in a sentence; blank if nothing did."""
    cause = plan.manifest["proof"].get("cut_short_by", "")
    return _CUT_SHORT.get(cause, "")


# ---- the best plan from here ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rerun:
    """A plan that was made and is not accepted yet."""

    plan: Plan
    inputs: Inputs
    sources: Mapping[str, Source]


def begin_rerun(round_: Round) -> Job[Rerun]:
    """Begin to find the best plan from here; a small one is there when this returns. Nothing is accepted yet.

    Decisions and agreements are kept, and every other change to the live plan costs the policy's `change_cost`.

    Raises
    ------
    DataError
        The decisions contradict each other.
    """
    run = with_decided(round_, undecided_sources(round_, stay_close=True))
    _refuse_empty(run.inputs)
    ready = cache.market_of_run(run)

    def make(report: Callable[[str], None], cancel: threading.Event) -> Rerun:
        return Rerun(allocate(ready.inputs, market=ready, progress=report, cancel=cancel), ready.inputs, run.sources)

    job = start(round_, who(), make)
    with st.spinner("Finding the best plan from here…"):
        job.wait(screen_params().patience_s)
    return job


def accept(round_: Round, plan: Plan, inputs: Inputs, sources: Mapping[str, Source], *, why: str = "") -> Round | None:
    """Accept a plan that was made from these files; the round keeps its own tables, with the rules of the run."""
    files = plan_files(plan, inputs)
    own = sources_after_run(round_, sources)
    return change(lambda: store().save_plan(round_, files, sources=own, by=who(), why=why))
