"""The register of the open round, as People and Needs show it: rows, names, and who supports what."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import pandas as pd
import streamlit as st

from matching.inputs.inputs import Inputs
from matching.inputs.read import with_policy
from matching.plan.phrases import needs_in_words
from matching.rounds.desk.support import plain
from matching.rounds.desk.support_table import support_table, totals
from matching.rounds.desk.today import Line, today
from matching.rounds.edits import Cells
from matching.rounds.history.events import HELD, Event, Pair
from matching.rounds.history.state import RoundState, state_of
from matching.rounds.history.table import deployment_lines
from matching.rounds.planning.run_inputs import serving
from matching.rounds.planning.standing import standing
from matching.rounds.round import Round
from matching.tables.cell_values import DayRange
from matching.ui.state import cache

AVAILABLE = "Available"


@dataclass(frozen=True)
class OpenedRegister:
    """The register of a round that is open on a screen.

    Attributes
    ----------
    round_ : Round
    inputs : Inputs
        Its tables, as at today.
    state : RoundState
    supporter_of : mapping of str to str
        The supporter_id by need_id of the accepted plan and everything since.
    """

    round_: Round
    inputs: Inputs = field(repr=False)
    state: RoundState
    supporter_of: Mapping[str, str]

    @property
    def is_approved(self) -> bool:
        """Whether the plan is approved, so that no row can be changed."""
        return self.round_.approved is not None

    def rows(self, table: str) -> Mapping[tuple[str, ...], Cells]:
        """Return the cells of a register table by the cells of their key."""
        return cache.rows_of(self.round_.sources, table)

    @cached_property
    def today(self) -> tuple[Line, ...]:
        """What there is to do today."""
        return today(self.state, self.supporter_of, self.inputs, self.inputs.as_at)

    @cached_property
    def support(self) -> pd.DataFrame:
        """The days and cost of each deployment, as `matching.rounds.desk.support_table.support_table` returns them."""
        return support_table(self.state, self.supporter_of, self.inputs)

    def support_after(self, events: Iterable[Event]) -> pd.DataFrame:
        """Return `support` as it would be after these entries."""
        added = [replace(one, number=number) for number, one in enumerate(events, start=self.round_.last_event + 1)]
        return support_table(state_of([*self.state.events, *added]), self.supporter_of, self.inputs)

    @cached_property
    def so_far(self) -> Mapping[Pair, str]:
        """The history of each deployment on one line."""
        return deployment_lines(self.state)

    # ---- names -----------------------------------------------------------------------------------------------------

    @cached_property
    def schools(self) -> Mapping[str, str]:
        """By urn, each school in the words of a list: its name, area and URN."""
        frame = self.inputs.schools
        area = frame["local_authority"].where(frame["local_authority"] == "", ", " + frame["local_authority"])
        words = frame["name"] + area + " (" + frame["urn"] + ")"
        return dict(sorted(zip(frame["urn"], words, strict=True), key=lambda one: one[1].casefold()))

    @cached_property
    def _school_names(self) -> Mapping[str, str]:
        return dict(zip(self.inputs.schools["urn"], self.inputs.schools["name"], strict=True))

    @cached_property
    def _people_names(self) -> Mapping[str, str]:
        return dict(zip(self.inputs.supporters["supporter_id"], self.inputs.supporters["name"], strict=True))

    @cached_property
    def _needs_words(self) -> Mapping[str, str]:
        return needs_in_words(self.inputs)

    def school(self, urn: str) -> str:
        """Return the name of a school."""
        return self._school_names.get(urn, urn)

    def person(self, supporter_id: str) -> str:
        """Return a supporter's name, with the identifier."""
        name = self._people_names.get(supporter_id)
        return f"{name} ({supporter_id})" if name else supporter_id

    def need(self, need_id: str) -> str:
        """Return a need in words: English at Alder School (N012)."""
        return self._needs_words.get(need_id, need_id)

    # ---- tables ----------------------------------------------------------------------------------------------------

    @cached_property
    def needs_table(self) -> pd.DataFrame:
        """Every need of the register with its school, state and supporter.

        Columns: need_id, school, local_authority, phase, focus, priority, days, start_by, state, supporter_id,
        supporter, status.
        """
        needs = self.inputs.all_needs
        school = self.inputs.schools.set_index("urn").loc[needs["school_urn"]].reset_index()
        who = [self.supporter_of.get(one, "") for one in needs["need_id"]]
        pairs = list(zip(needs["need_id"], who, strict=True))
        return pd.DataFrame(
            {
                "need_id": needs["need_id"].to_numpy(),
                "school": school["name"].to_numpy(),
                "local_authority": school["local_authority"].to_numpy(),
                "phase": school["phase"].to_numpy(),
                "focus": needs["focus"].to_numpy(),
                "priority": needs["priority"].to_numpy(),
                "days": needs["days"].to_numpy(),
                "start_by": ["" if one is None else _short(one) for one in needs["start_by"]],
                "state": needs["state"].to_numpy(),
                "supporter_id": who,
                "supporter": [self._people_names.get(one, "") for one in who],
                "status": [self.state.status_of(need_id, one) if one else "" for need_id, one in pairs],
            }
        )

    @cached_property
    def people_table(self) -> pd.DataFrame:
        """Every supporter of the register, with what they offer and how many needs they support.

        Columns: supporter_id, name, designation, school, local_authority, specialisms, places, days, km, supports,
        days_used (of those agreed, in words), availability.
        """
        people = self.inputs.supporters
        school = self.inputs.schools.set_index("urn").loc[people["school_urn"]].reset_index()
        count = pd.Series(list(self.supporter_of.values()), dtype="object").value_counts()
        return pd.DataFrame(
            {
                "supporter_id": people["supporter_id"].to_numpy(),
                "name": people["name"].to_numpy(),
                "designation": people["designation"].to_numpy(),
                "school": school["name"].to_numpy(),
                "local_authority": school["local_authority"].to_numpy(),
                "specialisms": people["specialisms"].map("; ".join).to_numpy(),
                "places": people["max_deployments"].to_numpy(),
                "days": people["days_available"].to_numpy(),
                "km": people["max_distance_km"].to_numpy(),
                "supports": people["supporter_id"].map(count).fillna(0).astype(int).to_numpy(),
                "days_used": [self._days_used.get(one, "") for one in people["supporter_id"]],
                "availability": [
                    availability(self.inputs.as_at, *row)
                    for row in people[["available_from", "available_until", "unavailable"]].itertuples(
                        index=False, name=None
                    )
                ],
            }
        )

    @cached_property
    def _days_used(self) -> Mapping[str, str]:
        """By supporter_id, the days used of those agreed; absent where nothing is agreed."""
        table = self.support
        sums = totals(table[table["status"].isin(HELD) | (table["days_logged"] > 0)], "supporter_id")
        columns = ("supporter_id", "days_logged", "days_agreed")
        return {
            who: f"{plain(used)} of {plain(agreed)}"
            for who, used, agreed in zip(*(sums[one] for one in columns), strict=True)
        }


def availability(as_at: date, begins: date | None, ends: date | None, ranges: Iterable[DayRange]) -> str:
    """Return whether someone is available on a day, and what comes next, in a few words."""
    if ends and ends < as_at:
        return f"Not since {_short(ends)}"
    if begins and begins > as_at:
        return f"From {_short(begins)}"
    coming = [one for one in sorted(ranges) if one.last >= as_at]
    if coming and coming[0].first <= as_at:
        return f"Away until {_short(coming[0].last)}"
    if coming:
        return f"Away from {_short(coming[0].first)} to {_short(coming[0].last)}"
    return f"Until {_short(ends)}" if ends else AVAILABLE


def _short(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def opened_register(round_: Round) -> OpenedRegister:
    """Return the register of a round.

    Raises
    ------
    DataError
        Its tables are not sound.
    """
    tables = [(name, one.sha256) for name, one in round_.sources.items()]
    digest = hashlib.sha256(repr((round_.round_id, round_.revision, tables, date.today())).encode()).hexdigest()
    return _opened(digest, round_)


@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _opened(digest: str, _round: Round) -> OpenedRegister:
    inputs = with_policy(cache.inputs_of(_round.sources), _round.sources.get("policy"))
    state = state_of(_round.events)
    deployments = serving(cache.saved_plan(_round.files).plan) if _round.files else {}
    return OpenedRegister(_round, inputs, state, standing(deployments, state, inputs))
