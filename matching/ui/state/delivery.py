"""The plan as it is handed over: the approved version if there is one, or else the live plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import streamlit as st

from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.plan.as_bytes import plan_files
from matching.plan.handover.page import Approval, Occasion
from matching.plan.handover.remarks import without_remarks
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.history.state import RoundState, state_of
from matching.rounds.planning.live_plan import with_statuses
from matching.rounds.round import PlanRecord, Round
from matching.ui.state import cache, live_plan
from matching.ui.state.open_round import store

_HAND = ("pin", "swap", "forbid", "declined")


@dataclass(frozen=True)
class Handed:
    """A plan as it is handed over.

    Attributes
    ----------
    round_name : str
    files : mapping of str to bytes
        Of its directory.
    saved : SavedPlan
        The same, read.
    market : Market
        Of the inputs that it is checked against.
    state : RoundState
    approval : Approval or None
    decisions : int
        The number of changes by hand since the accepted plan was made, without those undone.
    live : Live or None
        The live plan that it is; None for an approved version.
    with_remarks : bool
        Whether documents and letters hold what was written about decisions.
    """

    round_name: str
    files: Mapping[str, bytes]
    saved: SavedPlan
    market: Market
    state: RoundState
    approval: Approval | None
    decisions: int
    live: live_plan.Live | None = None
    with_remarks: bool = False

    @property
    def shared(self) -> Plan:
        """The plan as documents and letters have it: with the status of each deployment now.

        It is without the remarks of decisions unless they are asked for.
        """
        plan = with_statuses(self.plan, self.state)
        return plan if self.with_remarks else without_remarks(plan, self.inputs)

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.saved.plan

    @property
    def inputs(self) -> Inputs:
        """The inputs that it is checked against."""
        return self.market.inputs

    @property
    def digest(self) -> str:
        """The digest of the plan."""
        return cache.plan_digest(self.files)

    def occasion(self, day: date) -> Occasion:
        """Return the heading of its letters and documents on a day."""
        return Occasion(self.round_name, day, self.approval)


def handed(round_: Round) -> Handed:
    """Return the plan of a round as it is handed over; the round must have one.

    Raises
    ------
    DataError
        The decisions contradict each other, or the database cannot be read.
    """
    record = approved_version(round_)
    if record:
        files = files_of(round_, record.number)
        saved = cache.saved_plan(files)
        approval = Approval(record.made_by, record.made_at.astimezone().date(), str(version_of(round_, record)))
        return Handed(round_.name, files, saved, cache.market_of(saved), state_of(round_.events), approval, 0)
    found = live_plan.live(round_)
    files = _live_files(found.digest, found, round_.files or {})
    saved, changes = cache.saved_plan(files), _changes(found.state)
    return Handed(round_.name, files, saved, found.market, found.state, None, changes, found)


@st.cache_resource(scope="session", max_entries=4, show_spinner=False)
def _live_files(digest: str, _found: live_plan.Live, _accepted: Mapping[str, bytes]) -> Mapping[str, bytes]:
    handed = with_statuses(_found.plan, _found.state)
    if not _found.is_changed and handed.deployments.equals(_found.plan.deployments):
        # To the byte what the command line writes, and what was accepted.
        return _accepted
    return plan_files(handed, _found.market.inputs)


def _changes(state: RoundState) -> int:
    return sum(
        one.kind in _HAND and one.number > state.planned and one.number not in state.undone for one in state.events
    )


def approved_versions(round_: Round) -> tuple[PlanRecord, ...]:
    """Return every approved version of a round's plan, in order."""
    return tuple(one for one in round_.plans if one.kind == "approved")


def approved_version(round_: Round) -> PlanRecord | None:
    """Return the approved version in force, or None."""
    return next((one for one in round_.plans if one.number == round_.approved), None)


def version_of(round_: Round, record: PlanRecord) -> int:
    """Return the number of an approved version of the round, from 1."""
    return approved_versions(round_).index(record) + 1


def files_of(round_: Round, number: int) -> Mapping[str, bytes]:
    """Return the files of a plan in the database, which are never changed.

    Raises
    ------
    DataError
        The database cannot be read.
    """
    return _files(round_.round_id, number)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _files(round_id: str, number: int) -> Mapping[str, bytes]:
    return store().plan_files(round_id, number)
