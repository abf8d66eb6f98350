"""Files given for a round: sound ones begin it or are proposed to it, the others wait here until they are repaired."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import cast

import streamlit as st

from matching.errors import DataError, Problem
from matching.inputs.headers import TableOptions
from matching.inputs.kept_tables import Kept
from matching.inputs.locations import COLUMNS, options_of, with_options
from matching.rounds.desk.settings import DeskSettings, settings_events
from matching.rounds.history.events import ENTRIES, Event
from matching.rounds.history.state import state_of
from matching.rounds.newer_table import Difference, difference
from matching.rounds.register import REGISTER_TABLES, Sources, rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.storage.uploads import Upload
from matching.tables.files import Source
from matching.tables.policy import read_policy, without_settings
from matching.ui.state import cache
from matching.ui.state.open_round import follow, held, hold, store, until_changed, uploads
from matching.ui.state.params import screen_params
from matching.ui.state.person import who
from matching.ui.state.setbacks import set_back

_ATTEMPT, _CORRECTED, _PROPOSAL = "attempt", "corrected_files", "newer_tables"
_TABLES_READ, _ATTEMPTS, _CLEANED = "tables_read", "attempts_made", "uploads_cleaned"


@dataclass(frozen=True)
class Attempt:
    """Files that were given and cannot be used yet: something is wrong in them, or their columns are to be named.

    Attributes
    ----------
    name : str
        Of the round that is to begin with them.
    sources : mapping of str to Source
    problems : tuple of Problem
    notices : tuple of str
        What else is worth knowing about them.
    number : int
        How many times files were checked in this tab.
    corrected : frozenset of str
        The tables that were corrected here, and so differ from the user's own copies.
    new_round : bool
        Whether a new round begins with them even if one is open that they could go into.
    upload_id : str
        Under which they are kept in the database, so that a reload does not lose them.
    """

    name: str
    sources: Mapping[str, Source]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    number: int
    corrected: frozenset[str] = frozenset()
    new_round: bool = False
    upload_id: str = ""


def attempt() -> Attempt | None:
    """Return the files that were given last, if they cannot be used yet."""
    return cast("Attempt | None", until_changed().get(_ATTEMPT))


def forget_attempt() -> None:
    """Discard the files that cannot be used, and erase them."""
    found = cast("Attempt | None", until_changed().pop(_ATTEMPT, None))
    erase_upload(found.upload_id if found else "")


def corrected() -> frozenset[str]:
    """Return the files of the open round that were corrected here before it took them."""
    return cast("frozenset[str]", until_changed().get(_CORRECTED, frozenset()))


def try_files(
    name: str,
    sources: Mapping[str, Source],
    *,
    corrected: frozenset[str] = frozenset(),
    new_round: bool = False,
    upload_id: str = "",
) -> bool:
    """Check files; sound ones begin a round, or go into the open one.

    A round of which anything is recorded takes none of them by itself: they are a `proposal`.

    Returns False if they are not sound: then nothing is written, and `attempt` holds what is wrong. The other
    parameters are those of `Attempt`. Until a round has them, the files are kept in the database.
    """
    ordered = cache.ordered(sources)
    before = None if new_round else held()
    wrong = _wrong_in(ordered)
    problems = wrong.problems
    if before and is_under_way(before):
        problems = tuple(_not_about_gone(problems, before.sources, ordered))
    if problems or _asks(ordered, before):
        number = st.session_state[_ATTEMPTS] = st.session_state.get(_ATTEMPTS, 0) + 1
        upload_id = _keep(
            Upload(name, ordered, before.round_id if before else None, new_round, corrected, upload_id=upload_id)
        )
        found = Attempt(name, ordered, problems, wrong.notices, number, corrected, new_round, upload_id)
        until_changed()[_ATTEMPT] = found
        return False
    if before and is_under_way(before):
        until_changed().pop(_ATTEMPT, None)
        upload_id = _keep(Upload(name, ordered, before.round_id, new_round, corrected, upload_id=upload_id))
        newer = {table: one for table, one in ordered.items() if before.sources.get(table) != one}
        how_read = {COLUMNS: ordered[COLUMNS]} if COLUMNS in ordered else {}
        replaced: Proposal | None = st.session_state.get(_PROPOSAL)
        if replaced and replaced.upload_id != upload_id:
            # Taken up again later, it would bring back what is older.
            erase_upload(replaced.upload_id)
        st.session_state[_PROPOSAL] = Proposal(before.round_id, newer | how_read, corrected, upload_id)
        return True
    if before:
        hold(store().save_sources(before, own_sources(ordered), entry=_settings(ordered, before.events), by=who()))
    else:
        hold(store().create(name, own_sources(ordered), entry=_settings(ordered, ()), by=who()))
    erase_upload(upload_id)
    until_changed()[_CORRECTED] = corrected
    follow()
    return True


def own_sources(sources: Sources) -> dict[str, Source]:
    """Return files as a round keeps them: settings of a policy file are entries of the round."""
    return {name: without_settings(one) if name == "policy" else one for name, one in sources.items()}


def _settings(sources: Sources, events: Sequence[Event]) -> list[Event]:
    state = state_of(events)
    return settings_events(sources.get("policy"), state.desk, state.rates, by=who())


def _asks(sources: Sources, before: Round | None) -> bool:
    """Return whether the user has to say which column is which in a table that is not in the round already."""
    return any(
        one.asks and (before is None or before.sources.get(one.table) != sources[one.table])
        for one in cache.readings_of(sources)
    )


def is_under_way(round_: Round) -> bool:
    """Return whether a round has a plan, or anything but its files was recorded in it."""
    return round_.files is not None or any(one.kind in ENTRIES for one in round_.events)


def _not_about_gone(problems: Iterable[Problem], register: Sources, newer: Sources) -> Iterator[Problem]:
    """Yield the problems but for those of naming a need or a person that a newer table lacks: they stay, withdrawn."""
    gone = {}
    for table, column in (("supporters", "supporter_id"), ("needs", "need_id")):
        if register.get(table) != newer.get(table) and table in newer:
            gone[column] = _identifiers(register, table) - _identifiers(newer, table)
    yield from (one for one in problems if one.value not in gone.get(one.column, ()))


def _identifiers(sources: Sources, table: str) -> set[str]:
    try:
        return {key[0] for key in rows_by_key(table_cells(sources, table), table)}
    except DataError:
        return set()


def _wrong_in(sources: Mapping[str, Source]) -> DataError:
    """Return everything that is wrong in files; sound tables are cached, so the screens need not read them again."""
    problems: list[Problem] = []
    notices: tuple[str, ...] = ()
    # While cells are mended, only the tables that they are in are read again.
    kept = cast("Kept", until_changed().setdefault(_TABLES_READ, {}))
    try:
        cache.inputs_of(sources, kept).with_sound_contacts()
    except DataError as error:
        problems += error.problems
        notices = error.notices
    for check in (read_policy, partial(settings_events, desk=DeskSettings(), rates={}, by="")):
        try:
            if "policy" in sources:
                check(sources["policy"])
        except DataError as error:
            # A file that is not TOML fails both.
            problems += [one for one in error.problems if one not in problems]
    return DataError(problems, notices)


# ---- uploads that are kept -----------------------------------------------------------------------------------------


def _keep(upload: Upload) -> str:
    """Keep an upload in the database, and return its identifier; if that fails the next screen says so."""
    try:
        return uploads().keep(replace(upload, by=who())).upload_id
    except DataError as error:
        set_back(error)
        return upload.upload_id


def erase_upload(upload_id: str) -> None:
    """Erase what is kept of an upload."""
    if upload_id:
        uploads().erase(upload_id)


def kept_uploads() -> tuple[Upload, ...]:
    """Return the uploads that this tab can take up, without their files; those too old are erased first."""
    if not st.session_state.get(_CLEANED):
        uploads().erase_older_than(screen_params().uploads_kept_days)
        st.session_state[_CLEANED] = True
    here = {one.upload_id for one in (attempt(), proposal()) if one}
    return tuple(one for one in uploads().list() if one.upload_id not in here)


def take_up(upload_id: str) -> None:
    """Go on with an upload where it was left: in the round that was open then, if it is still there."""
    found = uploads().get(upload_id)
    if found is None:
        return
    round_ = store().get(found.round_id) if found.round_id else None
    hold(round_)
    follow()
    new_round = found.new_round or round_ is None
    try_files(found.name, found.sources, corrected=found.corrected, new_round=new_round, upload_id=upload_id)


def throw_away(upload_id: str) -> None:
    """Erase an upload, also where this tab has it."""
    found, newer = attempt(), proposal()
    if found and found.upload_id == upload_id:
        until_changed().pop(_ATTEMPT)
    if newer and newer.upload_id == upload_id:
        st.session_state.pop(_PROPOSAL)
    erase_upload(upload_id)


# ---- newer tables --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposal:
    """Sound newer files of a round that wait to be accepted.

    Attributes
    ----------
    round_id : str
    files : mapping of str to Source
        By table, with the file of how they are read.
    corrected : frozenset of str
        The tables that were corrected here.
    upload_id : str
        As in `Attempt`.
    """

    round_id: str
    files: Mapping[str, Source]
    corrected: frozenset[str] = frozenset()
    upload_id: str = ""

    def newer(self, round_: Round) -> dict[str, Source]:
        """Return the register with the newer files in the place of its own."""
        others = {table: one for table, one in round_.sources.items() if table != COLUMNS}
        return cache.ordered({**others, **self.files})

    @property
    def whole_files(self) -> tuple[str, ...]:
        """The files that are replaced as a whole."""
        return tuple(table for table in self.files if table not in (*REGISTER_TABLES, COLUMNS))

    def with_files(self, round_: Round, tables: Iterable[str]) -> dict[str, Source]:
        """Return the register with some of the files that are replaced as a whole, and how they are read."""
        taken = [table for table in self.whole_files if table in tables]
        before, newer = options_of(round_.sources), options_of(self.files)
        options = replace(before, leave_out=before.leave_out or newer.leave_out)
        for table in taken:
            options = options.with_table(table, newer.of(table))
        own = own_sources({table: self.files[table] for table in taken})
        return cache.ordered(with_options({**round_.sources, **own}, options))

    def settings(self, round_: Round, tables: Collection[str]) -> list[Event]:
        """Return the events that take the settings of the policy file into the round, if it is among these tables."""
        return _settings(self.files, round_.events) if "policy" in tables else []


def proposal() -> Proposal | None:
    """Return the newer tables of the open round that wait to be accepted."""
    found: Proposal | None = st.session_state.get(_PROPOSAL)
    opened = held()
    return found if found and opened and found.round_id == opened.round_id else None


def forget_proposal() -> None:
    """Discard the newer tables, and erase what was kept of them."""
    found: Proposal | None = st.session_state.pop(_PROPOSAL, None)
    erase_upload(found.upload_id if found else "")


def differences(round_: Round, found: Proposal) -> tuple[Difference, ...]:
    """Return how the newer tables differ from the register, as at today, for those that differ.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    tables = [table for table in REGISTER_TABLES if table in found.files]
    known = [(table, one.sha256) for table, one in (*round_.sources.items(), *found.files.items())]
    return _differences(repr((round_.round_id, round_.last_event, known)), date.today(), tables, round_, found)


@st.cache_resource(scope="session", max_entries=2, show_spinner="Comparing the tables…")
def _differences(
    digest: str, on: date, _tables: Iterable[str], _round: Round, _found: Proposal
) -> tuple[Difference, ...]:
    newer = _found.newer(_round)
    each = (difference(_round.sources, newer, table, on=on, events=_round.events) for table in _tables)
    return tuple(one for one in each if one.all)


def remembered_options() -> dict[str, TableOptions]:
    """Return how the tables of the newest rounds were read, by table; of each header the newest answer."""
    found: dict[str, TableOptions] = {}
    # The oldest first, so that a newer answer takes precedence.
    for one in reversed(store().list()[: screen_params().rounds_remembered]):
        round_ = store().get(one.round_id)
        for table, newer in options_of(round_.sources).tables.items() if round_ else ():
            older = found.get(table, TableOptions())
            mapping = {name: column for name, column in older.mapping.items() if name not in newer.not_used}
            not_used = (*(name for name in older.not_used if name not in newer.mapping), *newer.not_used)
            found[table] = replace(newer, mapping={**mapping, **newer.mapping}, not_used=not_used)
    return found
