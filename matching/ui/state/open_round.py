"""The open round: named by the address or remembered by this tab, and changed by way of the database."""

import os
from collections.abc import Callable
from datetime import date

import streamlit as st

from matching.errors import DataError
from matching.inputs.bundled import demo_sources
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.round import Round
from matching.rounds.storage.uploads import KeptUploads, open_uploads
from matching.rounds.store import RoundStore, StaleRoundError, open_store
from matching.ui.formatting.words import day
from matching.ui.state import cache
from matching.ui.state.drafted_rules import draft, draft_policy, take_draft
from matching.ui.state.jobs import finished_job
from matching.ui.state.params import screen_params
from matching.ui.state.person import browser_or_tab, who
from matching.ui.state.setbacks import forget_setback, set_back, set_back_by_defect

DEMO_NAME = "Demo area"

_OPEN, _MISSING, _UNTIL_CHANGED = "open_round", "missing_round", "until_changed"


def store() -> RoundStore:
    """Return the database of rounds."""
    return _store(os.environ.get(DATABASE_VARIABLE), screen_params().database_wait_s)


@st.cache_resource(show_spinner=False)
def _store(url: str | None, wait_s: float) -> RoundStore:
    return open_store(url, wait_s=wait_s)


def uploads() -> KeptUploads:
    """Return the uploads that are kept in the database of rounds."""
    return _uploads(os.environ.get(DATABASE_VARIABLE), screen_params().database_wait_s)


@st.cache_resource(show_spinner=False)
def _uploads(url: str | None, wait_s: float) -> KeptUploads:
    return open_uploads(url, wait_s=wait_s)


def current() -> Round | None:
    """Return the open round: the one in the address, or else the one this tab had open; None without one."""
    wanted = st.query_params.get("round")
    found = held()
    if wanted and (found is None or found.round_id != wanted):
        found = store().get(wanted)
        st.session_state[_MISSING] = found is None
        hold(found)
    if found and wanted != found.round_id:
        st.query_params["round"] = found.round_id
    if found:
        take_result(found)
    return held()


def held() -> Round | None:
    """Return the round that this tab has open, whatever the address says."""
    found: Round | None = st.session_state.get(_OPEN)
    return found


def hold(round_: Round | None) -> None:
    """Have this tab hold a round as given, with the rules drafted for it; notes `until_changed` are dropped."""
    st.session_state[_OPEN] = round_
    st.session_state[_UNTIL_CHANGED] = {}
    forget_setback()
    take_draft(round_)


def until_changed() -> dict[str, object]:
    """Return what this tab remembers until a round is opened or changed, for others to read and to write."""
    found: dict[str, object] = st.session_state.setdefault(_UNTIL_CHANGED, {})
    return found


def is_missing() -> bool:
    """Return whether the address names a round that the database does not hold."""
    return bool(st.session_state.get(_MISSING))


def open_by_id(round_id: str) -> None:
    """Open a round as it is in the database now; if that cannot be read, the next screen says so."""
    try:
        found = store().get(round_id)
    except DataError as error:
        set_back(error)
        return
    hold(found)
    follow()


def follow() -> None:
    """Put the round that this tab holds into the address."""
    if found := held():
        st.query_params["round"] = found.round_id


def open_demo() -> None:
    """Begin a round with the fictional area."""
    hold(store().create(DEMO_NAME, cache.ordered(demo_sources()), by=who()))
    follow()


def open_demo_once() -> None:
    """Open the newest round of the fictional area, or begin one, at the first visit of a browser without a round."""
    if browser_or_tab() in _shown_demo():
        return
    _shown_demo().add(browser_or_tab())
    if st.query_params.get("round") or held():
        return
    earlier = next((one for one in store().list() if one.name == DEMO_NAME), None)
    if earlier:
        open_by_id(earlier.round_id)
    else:
        open_demo()


@st.cache_resource(show_spinner=False)
def _shown_demo() -> set[str]:
    """Return the browsers that have come since the server was started; a refresh empties the memory of a tab."""
    return set()


def open_again() -> None:
    """Open the held round as it is now; rules drafted here stay if neither tables nor plan were changed."""
    seen = held()
    if seen is None:
        return
    drafted = draft()
    open_by_id(seen.round_id)
    found = held()
    if found and drafted and (found.sources, found.current) == (seen.sources, seen.current):
        draft_policy(found, drafted)


def suggested_name() -> str:
    """Return a name for a new round."""
    return f"Round of {day(date.today())}"


def change(make: Callable[[], Round]) -> Round | None:
    """Change the open round and hold it as it is then; None if the change is refused.

    A refused change writes nothing. The screen is run again with the reason at its top (and a way to the round as it is
    now), and what was typed stays.

    Parameters
    ----------
    make : callable
        Makes the change in the database and returns the round after it.
    """
    try:
        changed = make()
    except (DataError, StaleRoundError) as error:
        set_back(error)
        st.rerun()
        return None
    drafted = draft()
    hold(changed)
    if drafted:
        draft_policy(changed, drafted)
    follow()
    return changed


def take_result(round_: Round) -> None:
    """Hold the round with its new plan once the job that this tab follows is done, or show why there is none."""
    job = finished_job(round_)
    if job is None:
        return
    if job.result and job.result.revision > round_.revision:
        hold(job.result)
    elif job.fault:
        set_back(job.fault)
        st.rerun()
    elif job.is_defect:
        set_back_by_defect()
        st.rerun()
