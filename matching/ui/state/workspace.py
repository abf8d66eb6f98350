"""The open round as a workspace: its plan with what was decided since, and the files that the next run comes from.

What decisions do to the files is the business of `decided`; here it is kept by digest, so screens may ask each time:
for each tab by itself, since every decision makes another plan, and twenty people would push out each other's.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import pandas as pd
import streamlit as st

from matching.allocation import allocate
from matching.errors import DataError, Problem
from matching.inputs.read import SOURCES, Inputs
from matching.pairs.market import Market, Row
from matching.plan.as_bytes import csv_bytes, plan_files
from matching.plan.equity import equity
from matching.plan.graph import bipartite_graph
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.decided_inputs import (
    as_placed,
    decided_inputs,
    decided_market,
    decided_sources,
    is_changed,
    overfull_problems,
    serving,
)
from matching.rounds.decisions_table import held_pairs
from matching.rounds.events import Event, new_event
from matching.rounds.live_plan import Accepted, held_market, live_plan
from matching.rounds.round import Round
from matching.rounds.state import Desk, desk_of, live_supporters
from matching.tables.files import Source
from matching.ui.formatting import frames
from matching.ui.state import cache, session
from matching.ui.state.jobs import Job, start
from matching.ui.state.scheduling import long_work
from matching.whatif.explain import Explanation, explain_need
from matching.whatif.repairs import Repair, repairs
from matching.whatif.resolve import position_of
from matching.whatif.why_not import WhyNot, why_not

# How long somebody on the telephone may be kept waiting, in seconds.
_LIVE_S, _WHY_NOT_S, _REPAIRS_S = 3.0, 4.0, 10.0


@dataclass(frozen=True)
class Live:
    """A round's plan as it stands now.

    Attributes
    ----------
    plan : Plan
        With what was decided since; the accepted plan itself where nothing was changed.
    market : Market
        Of the inputs that `plan` is checked against.
    desk : Desk
    is_changed : bool
        Whether it differs from the accepted plan.
    accepted : SavedPlan
    sources : mapping of str to Source
        The files that `market` is read from, so that `matching.export.plan_files` writes a plan that can be verified.
    digest : str
        What tells it from every other plan.
    """

    plan: Plan
    market: Market
    desk: Desk
    is_changed: bool
    accepted: SavedPlan
    sources: Mapping[str, Source]
    digest: str


def live(round_: Round) -> Live:
    """The plan of a round as it stands now; the round must have one.

    Raises
    ------
    DataError
        What was decided cannot stand together.
    """
    if round_.files is None:
        raise ValueError("a round without a plan")
    digest = hashlib.sha256(f"{cache.plan_digest(round_.files)} {_of_events(round_.events)}".encode())
    return _live(digest.hexdigest(), round_)


def _of_events(events: Sequence[Event]) -> str:
    said = repr([(one.number, one.kind, one.by, one.why, sorted(one.about.items()), one.undoes) for one in events])
    return hashlib.sha256(said.encode()).hexdigest()


@st.cache_resource(scope="session", max_entries=4, show_spinner="Putting what was decided into the plan…")
def _live(digest: str, _round: Round) -> Live:
    saved = cache.saved_plan(_round.files or {})
    market, desk = cache.market_of(saved), desk_of(_round.events)
    if not is_changed(_round.events, saved.plan):
        return Live(saved.plan, market, desk, False, saved, saved.sources, digest)
    now = live_supporters(serving(saved.plan), desk)
    placed = as_placed(desk, market, now)
    # A plan's copies have our columns; the round's own decisions may have others.
    columns = {"columns": _round.sources["columns"]} if "columns" in _round.sources else {}
    sources = decided_sources({**saved.sources, **columns}, market.inputs, _round.sources.get("decisions"), placed, now)
    by_hand = frozenset({*desk.placements, *desk.freed})
    made_from = [sources[name].sha256 for name in ("decisions", "supporters") if name in sources]
    said = repr((cache.plan_digest(_round.files or {}), made_from, sorted(now.items()), sorted(by_hand)))
    changed, plan = _changed(hashlib.sha256(said.encode()).hexdigest(), saved, sources, now, by_hand)
    return Live(plan, changed, desk, True, saved, sources, digest)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _changed(
    digest: str,
    _saved: SavedPlan,
    _sources: Mapping[str, Source],
    _now: Mapping[str, str],
    _by_hand: frozenset[str],
) -> tuple[Market, Plan]:
    """The market and the plan after what was decided: what was only said, or was undone, is no other plan."""
    market = cache.market_of(_saved)
    changed = decided_market(market, decided_inputs(market.inputs, _sources))
    accepted = Accepted.of(market, _saved.plan)
    with long_work():
        plan = live_plan(changed, _now, by_hand=_by_hand, accepted=accepted, time_limit_s=_LIVE_S)
    return changed, plan


@dataclass(frozen=True)
class Opened:
    """A round that is open on a screen, with its live plan and `needs`, as `needs_of` gives them."""

    round_: Round
    live: Live
    needs: pd.DataFrame

    @property
    def plan(self) -> Plan:
        """The live plan."""
        return self.live.plan

    @property
    def market(self) -> Market:
        """The market of the live plan."""
        return self.live.market

    @property
    def is_approved(self) -> bool:
        """Whether nobody may be placed or barred until the round is reopened."""
        return self.round_.approved is not None

    def row(self, need_id: str) -> Row:
        """A need as `needs` has it."""
        return self.needs[self.needs["need_id"] == need_id].to_dict("records")[0]


def opened(round_: Round) -> Opened:
    """A round as the screens show it; it must have a plan."""
    found = live(round_)
    return Opened(round_, found, needs_of(found))


def needs_of(found: Live) -> pd.DataFrame:
    """Every need with what the live plan does for it, as `frames.needs` and `frames.with_status` give it."""
    return _needs(found.digest, found)


@st.cache_resource(scope="session", max_entries=4, show_spinner=False)
def _needs(digest: str, _found: Live) -> pd.DataFrame:
    return frames.with_status(frames.needs(_found.market, _found.plan), _found.desk)


# ---- the next run --------------------------------------------------------------------------------------------------


def undecided_sources(round_: Round, *, stay_close: bool) -> dict[str, Source]:
    """The files of the next plan before what was decided is put in: the round's own, with the drafted rules.

    To stay close, the plan as it stands now is the one to stay close to; before there is one, the plan that the round's
    files brought.
    """
    sources = session.drafted_sources(round_, stay_close=stay_close)
    if stay_close and round_.files is not None:
        sources["baseline"] = Source("plan.csv", csv_bytes(live(round_).plan.deployments))
    return sources


def rerun_sources(round_: Round) -> dict[str, Source]:
    """The files of the best plan from here: what was decided and agreed holds, and every other change is paid for."""
    return session.with_decided(round_, undecided_sources(round_, stay_close=True))


def accept(round_: Round, plan: Plan, inputs: Inputs, sources: Mapping[str, Source], *, why: str = "") -> Round | None:
    """Accept a plan that was made from these files; the round keeps its own tables, under the rules of the run."""
    files = plan_files(plan, inputs)
    own = _own_sources(round_, sources)
    return session.change(lambda: session.store().save_plan(round_, files, sources=own, by=session.who(), why=why))


def _own_sources(round_: Round, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The round's own files after a run: decisions of the desk stay on the desk, where they can be undone."""
    own = {**round_.sources, **({"policy": sources["policy"]} if "policy" in sources else {})}
    return {name: own[name] for name in SOURCES if name in own}


# ---- decisions -----------------------------------------------------------------------------------------------------


def record(round_: Round, events: Sequence[Event]) -> Round | None:
    """Record decisions as `session.record` does, unless somebody would then have more than they offer."""
    numbered = [replace(one, number=number) for number, one in enumerate(events, start=round_.last_event + 1)]

    def take() -> Round:
        _sound(round_, numbered)
        return session.store().record(round_, events)

    return session.change(take)


def undo(round_: Round, numbers: Sequence[int], *, why: str = "") -> Round | None:
    """Take back what was recorded together, the last of it first; each undoing is an event of its own."""

    def take_back() -> Round:
        changed = round_
        for number in sorted(numbers, reverse=True):
            event = replace(new_event("undo", by=session.who(), why=why), number=changed.last_event + 1, undoes=number)
            _sound(changed, [event])
            changed = session.store().undo(changed, number, by=session.who(), why=why)
        return changed

    return session.change(take_back)


def _sound(round_: Round, more: Sequence[Event]) -> None:
    """Refuse events after which somebody would have more than they offer.

    Raises
    ------
    DataError
        Somebody would.
    """
    if round_.files is None:
        return
    saved = cache.saved_plan(round_.files)
    inputs, before = cache.market_of(saved).inputs, serving(saved.plan)

    def problems(events: Sequence[Event]) -> list[Problem]:
        desk = desk_of(events)
        return overfull_problems(inputs, live_supporters(before, desk), desk)

    known = problems(round_.events)
    if new := [one for one in problems([*round_.events, *more]) if one not in known]:
        raise DataError(new)


def graph_of(found: Live) -> nx.Graph:
    """The graph of the live plan's supporters and needs.

    Raises
    ------
    DataError
        It is too large to draw from.
    """
    return _graph(found.digest, found)


@st.cache_resource(scope="session", max_entries=3, show_spinner="Drawing who could support whom…")
def _graph(digest: str, _found: Live) -> nx.Graph:
    return bipartite_graph(_found.market, _found.plan)


def equity_of(found: Live) -> pd.DataFrame:
    """How the live plan serves each group, as `matching.equity.equity` counts it."""
    return _equity(found.digest, found)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False)
def _equity(digest: str, _found: Live) -> pd.DataFrame:
    return equity(_found.plan, _found.market.inputs)


@dataclass(frozen=True)
class Fit:
    """How well one pair fits: distance in km, and score in points."""

    distance_km: float
    score: float


def fits_of(found: Live, need_id: str, supporter_id: str) -> Fit:
    """How well a person would fit a need, whatever bars them."""
    inputs = found.market.inputs
    need = np.array([position_of(inputs.needs["need_id"], need_id, "need")])
    supporter = np.array([position_of(inputs.supporters["supporter_id"], supporter_id, "supporter")])
    fits = found.market.rulebook.fits(need, supporter)
    return Fit(float(fits.distance_km[0]), int(fits.score_milli[0]) / 1000)


# ---- questions -----------------------------------------------------------------------------------------------------


def explanation_of(found: Live, need_id: str) -> Explanation:
    """Why a need has whom it has, and who else could have served it."""
    return _explanation(found.digest, need_id, found)


@st.cache_resource(scope="session", max_entries=60, show_spinner=False)
def _explanation(digest: str, need_id: str, _found: Live) -> Explanation:
    return explain_need(_found.market, _found.plan, need_id)


def answer_why_not(found: Live, need_id: str, supporter_id: str, *, force: bool = False) -> WhyNot:
    """What the plan would be with a named person at a need."""
    return _why_not(found.digest, need_id, supporter_id, force, found)


@st.cache_resource(scope="session", max_entries=60, show_spinner="Making the plan again with them here…")
def _why_not(digest: str, need_id: str, supporter_id: str, force: bool, _found: Live) -> WhyNot:
    return why_not(_with_agreed(_found), _found.plan, need_id, supporter_id, force=force, time_limit_s=_WHY_NOT_S)


def answer_repairs(found: Live, need_id: str) -> tuple[Repair, ...]:
    """What would meet an unmet need."""
    return _repairs(found.digest, need_id, found)


@st.cache_resource(
    scope="session", max_entries=30, show_spinner="Trying what would meet it: this can take ten seconds…"
)
def _repairs(digest: str, need_id: str, _found: Live) -> tuple[Repair, ...]:
    return repairs(_with_agreed(_found), _found.plan, need_id, time_limit_s=_REPAIRS_S)


def _with_agreed(found: Live) -> Market:
    """The live plan's market in which whoever has agreed stays, as in the best plan from here."""
    serves = serving(found.plan)
    staying = [need_id for need_id, who in held_pairs(found.desk).items() if serves.get(need_id) == who]
    return held_market(found.market, serves, staying)


@dataclass(frozen=True)
class Rerun:
    """A plan that was made and is not accepted yet."""

    plan: Plan
    inputs: Inputs
    sources: Mapping[str, Source]


def begin_rerun(round_: Round) -> Job[Rerun]:
    """Begin to find the best plan from here; a small one is there when this returns, and nobody has accepted it.

    Raises
    ------
    DataError
        What was decided cannot stand together.
    """
    sources = rerun_sources(round_)
    ready = cache.market(sources)

    def make(tell: Callable[[str], None], cancel: threading.Event) -> Rerun:
        return Rerun(allocate(ready.inputs, market=ready, progress=tell, cancel=cancel), ready.inputs, sources)

    job = start(round_, session.who(), make)
    with st.spinner("Finding the best plan from here…"):
        job.wait(session.PATIENCE_S)
    return job
