"""The live plan of the open round: the accepted plan with everything that was decided since.

Cached by digest, so that screens may ask each time, and for each tab by itself: every decision makes another plan, and
twenty people would push each other's out of a shared cache.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from matching.inputs.inputs import Inputs
from matching.pairs.market import Market, Row
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.history.events import Event
from matching.rounds.history.state import RoundState, state_of
from matching.rounds.planning.live_plan import Accepted, live_plan
from matching.rounds.planning.run_inputs import (
    as_placed,
    is_changed,
    run_inputs,
    serving,
)
from matching.rounds.planning.standing import Unfounded, is_same_register, standing, unfounded
from matching.rounds.round import Round
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
        Of the accepted plan, the register and the events.
    unfounded : tuple of Unfounded
        The deployments that no longer follow from what is recorded.
    has_other_tables : bool
        Whether the register has changed since the plan was made.
    """

    plan: Plan
    market: Market
    state: RoundState
    is_changed: bool
    accepted: SavedPlan
    sources: Mapping[str, Source]
    digest: str
    unfounded: tuple[Unfounded, ...] = ()
    has_other_tables: bool = False


def live(round_: Round) -> Live:
    """Return the live plan of a round; the round must have a plan.

    Raises
    ------
    DataError
        The decisions contradict each other.
    """
    if round_.files is None:
        raise ValueError("a round without a plan")
    tables = [(name, one.sha256) for name, one in round_.sources.items()]
    digest = hashlib.sha256(f"{cache.plan_digest(round_.files)} {tables} {_of_events(round_.events)}".encode())
    return _live(digest.hexdigest(), round_)


def _of_events(events: Sequence[Event]) -> str:
    events_text = repr(
        [(one.number, one.kind, one.by, one.why, sorted(one.about.items()), one.undoes) for one in events]
    )
    return hashlib.sha256(events_text.encode()).hexdigest()


@st.cache_resource(scope="session", max_entries=4, show_spinner="Putting what was decided into the plan…")
def _live(digest: str, _round: Round) -> Live:
    saved = cache.saved_plan(_round.files or {})
    state = state_of(_round.events)
    is_same = is_same_register(saved.plan.manifest, _round.sources, lambda: cache.inputs_of(_round.sources))
    if is_same and not is_changed(_round.events, saved.plan):
        return Live(saved.plan, cache.market_of(saved), state, False, saved, saved.sources, digest)
    market, sources = (cache.market_of(saved), _own_sources(saved, _round)) if is_same else _of_register(_round)
    now = standing(serving(saved.plan), state, market.inputs)
    placed = as_placed(state, market, now)
    run = run_inputs(market.inputs, sources, _round.sources.get("decisions"), placed, now, kept=now)
    by_hand = frozenset({*state.placements, *state.freed})
    made_from = [run.sources[one].sha256 for one in sorted(run.sources)]
    depends_on = repr((cache.plan_digest(_round.files or {}), made_from, sorted(now.items()), sorted(by_hand)))
    changed, plan = _changed(hashlib.sha256(depends_on.encode()).hexdigest(), saved, market, run.inputs, now, by_hand)
    return Live(
        plan, changed, state, True, saved, run.sources, digest, unfounded(saved.plan, plan, _round.events), not is_same
    )


def _own_sources(saved: SavedPlan, round_: Round) -> dict[str, Source]:
    # A plan keeps its inputs under our column names; the decisions table of the round may have its own.
    columns = {"columns": round_.sources["columns"]} if "columns" in round_.sources else {}
    return {**saved.sources, **columns}


def _of_register(round_: Round) -> tuple[Market, dict[str, Source]]:
    """Return the market of the round's tables as they stand, as at today, and its files."""
    tables = {name: one for name, one in round_.sources.items() if name not in ("decisions", "baseline")}
    return cache.market(tables), tables


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _changed(
    digest: str,
    _saved: SavedPlan,
    _market: Market,
    _inputs: Inputs,
    _now: Mapping[str, str],
    _by_hand: frozenset[str],
) -> tuple[Market, Plan]:
    """Return the market and the plan with the decisions; notes and undone decisions lead to the same result."""
    changed = changed_market(_market, _inputs)
    accepted = Accepted.of(cache.market_of(_saved), _saved.plan)
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
