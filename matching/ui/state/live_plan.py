"""The live plan of the open round: the accepted plan with everything that was decided since.

Cached by digest, so that screens may ask each time, and for each tab by itself: every decision makes another plan, and
twenty people would push each other's out of a shared cache.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from matching.inputs.read import Inputs
from matching.pairs.market import Market, Row
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.events import Event
from matching.rounds.live_plan import Accepted, live_plan
from matching.rounds.round import Round
from matching.rounds.run_inputs import (
    as_placed,
    is_changed,
    run_inputs,
    serving,
)
from matching.rounds.state import RoundState, live_supporters, state_of
from matching.tables.files import Source
from matching.ui.formatting import frames
from matching.ui.state import cache
from matching.ui.state.params import screen_params
from matching.ui.state.scheduling import long_work
from matching.whatif.resolve import changed_market


@dataclass(frozen=True)
class Live:
    """A round's plan with everything that was decided since it was accepted.

    Attributes
    ----------
    plan : Plan
        The accepted plan itself if no decision changes it.
    market : Market
        Of the inputs that `plan` is checked against.
    state : RoundState
    is_changed : bool
        Whether it differs from the accepted plan.
    accepted : SavedPlan
    sources : mapping of str to Source
        The files that `market` is read from, so that `plan_files` writes a plan that can be verified.
    digest : str
        Of the accepted plan and the events since.
    """

    plan: Plan
    market: Market
    state: RoundState
    is_changed: bool
    accepted: SavedPlan
    sources: Mapping[str, Source]
    digest: str


def live(round_: Round) -> Live:
    """Return the live plan of a round; the round must have a plan.

    Raises
    ------
    DataError
        The decisions contradict each other.
    """
    if round_.files is None:
        raise ValueError("a round without a plan")
    digest = hashlib.sha256(f"{cache.plan_digest(round_.files)} {_of_events(round_.events)}".encode())
    return _live(digest.hexdigest(), round_)


def _of_events(events: Sequence[Event]) -> str:
    events_text = repr(
        [(one.number, one.kind, one.by, one.why, sorted(one.about.items()), one.undoes) for one in events]
    )
    return hashlib.sha256(events_text.encode()).hexdigest()


@st.cache_resource(scope="session", max_entries=4, show_spinner="Putting what was decided into the plan…")
def _live(digest: str, _round: Round) -> Live:
    saved = cache.saved_plan(_round.files or {})
    market, state = cache.market_of(saved), state_of(_round.events)
    if not is_changed(_round.events, saved.plan):
        return Live(saved.plan, market, state, False, saved, saved.sources, digest)
    now = live_supporters(serving(saved.plan), state)
    placed = as_placed(state, market, now)
    # A plan keeps its inputs under our column names; the decisions table of the round may have its own.
    columns = {"columns": _round.sources["columns"]} if "columns" in _round.sources else {}
    run = run_inputs(market.inputs, {**saved.sources, **columns}, _round.sources.get("decisions"), placed, now)
    by_hand = frozenset({*state.placements, *state.freed})
    made_from = [run.sources["decisions"].sha256] if "decisions" in run.sources else []
    depends_on = repr((cache.plan_digest(_round.files or {}), made_from, sorted(now.items()), sorted(by_hand)))
    changed, plan = _changed(hashlib.sha256(depends_on.encode()).hexdigest(), saved, run.inputs, now, by_hand)
    return Live(plan, changed, state, True, saved, run.sources, digest)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _changed(
    digest: str,
    _saved: SavedPlan,
    _inputs: Inputs,
    _now: Mapping[str, str],
    _by_hand: frozenset[str],
) -> tuple[Market, Plan]:
    """Return the market and the plan with the decisions; notes and undone decisions lead to the same result."""
    market = cache.market_of(_saved)
    changed = changed_market(market, _inputs)
    accepted = Accepted.of(market, _saved.plan)
    with long_work():
        plan = live_plan(changed, _now, by_hand=_by_hand, accepted=accepted, time_limit_s=screen_params().live_plan_s)
    return changed, plan


@dataclass(frozen=True)
class Opened:
    """A round that is open on a screen, with its live plan and its `needs` as `needs_of` returns them."""

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
        """Whether the plan is approved, so that no placement can change until it is reopened."""
        return self.round_.approved is not None

    def row(self, need_id: str) -> Row:
        """Return the row of a need in `needs`."""
        return self.needs[self.needs["need_id"] == need_id].to_dict("records")[0]


def opened(round_: Round) -> Opened:
    """Return a round with its live plan; it must have one."""
    found = live(round_)
    return Opened(round_, found, needs_of(found))


def needs_of(found: Live) -> pd.DataFrame:
    """Return every need with its live deployment, as `frames.needs` and `frames.with_status` do."""
    return _needs(found.digest, found)


@st.cache_resource(scope="session", max_entries=4, show_spinner=False)
def _needs(digest: str, _found: Live) -> pd.DataFrame:
    return frames.with_status(frames.needs(_found.market, _found.plan), _found.state)
