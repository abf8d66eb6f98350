"""The plan as it is handed over: the approved version where there is one, or else the plan as it stands now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import streamlit as st

from matching.inputs.read import Inputs
from matching.pairs.market import Market
from matching.plan.as_bytes import plan_files
from matching.plan.handover import Approval, Occasion
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.round import PlanRecord, Round
from matching.rounds.state import Desk, desk_of
from matching.ui.state import cache, session, workspace

_HAND = ("pin", "swap", "forbid", "declined")


@dataclass(frozen=True)
class Handed:
    """A plan as it leaves.

    Attributes
    ----------
    round_name : str
    files : mapping of str to bytes
        Of its directory.
    saved : SavedPlan
        The same, read.
    market : Market
        Of the inputs that it is checked against.
    desk : Desk
    approval : Approval or None
    decisions : int
        How many changes by hand hold that were made since the accepted plan was made.
    """

    round_name: str
    files: Mapping[str, bytes]
    saved: SavedPlan
    market: Market
    desk: Desk
    approval: Approval | None
    decisions: int

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
        """What tells it from every other plan."""
        return cache.plan_digest(self.files)

    def occasion(self, day: date) -> Occasion:
        """What its letters and documents of a day say of themselves."""
        return Occasion(self.round_name, day, self.approval)


def handed(round_: Round) -> Handed:
    """The plan of a round as it leaves; the round must have one.

    Raises
    ------
    DataError
        What was decided cannot stand together, or the database cannot be read.
    """
    record = approved_version(round_)
    if record:
        files = files_of(round_, record.number)
        saved = cache.saved_plan(files)
        approval = Approval(record.made_by, record.made_at.astimezone().date(), str(version_of(round_, record)))
        return Handed(round_.name, files, saved, cache.market_of(saved), desk_of(round_.events), approval, 0)
    found = workspace.live(round_)
    if not found.is_changed and round_.files is not None:
        return Handed(round_.name, round_.files, found.accepted, found.market, found.desk, None, 0)
    files = _live_files(found.digest, found)
    return Handed(round_.name, files, cache.saved_plan(files), found.market, found.desk, None, _changes(found.desk))


@st.cache_resource(scope="session", max_entries=4, show_spinner=False)
def _live_files(digest: str, _found: workspace.Live) -> dict[str, bytes]:
    return plan_files(_found.plan, _found.market.inputs)


def _changes(desk: Desk) -> int:
    return sum(one.kind in _HAND and one.number > desk.planned and one.number not in desk.undone for one in desk.events)


def approved_versions(round_: Round) -> tuple[PlanRecord, ...]:
    """Every approved version of a round's plan, the first one first."""
    return tuple(one for one in round_.plans if one.kind == "approved")


def approved_version(round_: Round) -> PlanRecord | None:
    """The approved version that is in force."""
    return next((one for one in round_.plans if one.number == round_.approved), None)


def version_of(round_: Round, record: PlanRecord) -> int:
    """Which approved version of the round a plan is, from 1."""
    return approved_versions(round_).index(record) + 1


def files_of(round_: Round, number: int) -> Mapping[str, bytes]:
    """The files of a plan that was kept; what is kept is never changed.

    Raises
    ------
    DataError
        The database cannot be read.
    """
    return _files(round_.round_id, number)


@st.cache_resource(scope="session", max_entries=6, show_spinner=False)
def _files(round_id: str, number: int) -> Mapping[str, bytes]:
    return session.store().plan_files(round_id, number)
