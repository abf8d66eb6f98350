"""The store of rounds: input files, plans and events, kept in one database and returned to the byte.

Events, plans and their files are added and never changed; the database itself refuses a change.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from matching.inputs.inputs import Inputs
from matching.rounds.database import open_database
from matching.rounds.erasing import erased
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.merging import can_merge
from matching.rounds.next_round import PastSupport, continued_event
from matching.rounds.register import GivenFiles
from matching.rounds.round import (
    Round,
    accepted,
    check_name,
    copied,
    refuse_approved,
    refused,
    reopened,
    with_entry,
    with_events,
    with_plan,
    with_sources,
)
from matching.rounds.round_file.zipped import unpacked
from matching.rounds.storage.reader import RoundReader
from matching.rounds.storage.rows import (
    insert_round,
    is_as_seen,
    known_round,
    read_events,
    read_plan_files,
    read_round,
    replace_round,
    write_round,
)
from matching.rounds.storage.schema import ROUNDS
from matching.tables.files import Source


class StaleRoundError(Exception):
    """The round was changed in another window after it was read in this one; that change is kept.

    `meanwhile` are the events since, in order.
    """

    def __init__(self, meanwhile: Iterable[Event] = ()) -> None:
        self.meanwhile = tuple(meanwhile)
        super().__init__(
            "The round was changed in another window after it was opened here, so nothing was saved. "
            "Open the round again and repeat the change."
        )


class RoundStore(RoundReader):
    """The rounds of one database file, for any number of threads; made by `open_store`.

    Every method raises `DataError` if the database cannot be read or written. Those that change a round take it as the
    user saw it (`seen`), return it as it is after the change, and raise `StaleRoundError` if it was changed meanwhile
    (decisions only if those changes concern them).
    `by` is the user's name and `why` the reason; both go into the round's history.
    """

    # ---- beginning a round -----------------------------------------------------------------------------------------

    def create(self, name: str, sources: Mapping[str, Source], *, entry: Sequence[Event] = (), by: str = "") -> Round:
        """Begin a round with its input files and an entry; raises `DataError` if the name is blank or too long."""
        return self._begin(name, sources, new_event("created", by=by, name=name), entry)

    def copy(self, round_id: str, name: str, *, by: str = "", decisions: bool = False) -> Round:
        """Begin a round as a copy: its input files, its accepted plan and, on request, its decisions.

        Decisions keep their author, time and reason, and what was undone can be redone. Scenarios, approved versions
        and events about the whole round are not copied.

        Raises
        ------
        DataError
            There is no such round, or the name is blank or too long.
        """
        check_name(name)
        with self._database.writing() as connection:
            original = known_round(connection, round_id)
            begun = copied(original, name, by, decisions, _now())
            insert_round(connection, begun, {1: begun.files} if begun.files else {})
        return begun

    def continue_from(
        self,
        seen: Round,
        name: str,
        sources: Mapping[str, Source],
        past: Sequence[PastSupport],
        settings: Sequence[Event] = (),
        *,
        by: str = "",
    ) -> Round:
        """Begin the next round from one, which stays as it is.

        Parameters
        ----------
        seen : Round
        name, by : str
            Of the next round, and of the user.
        sources, past, settings
            As the functions of `matching.rounds.next_round` return them.

        Raises
        ------
        DataError
            The name is blank or too long.
        """
        first = continued_event(seen.name, seen.round_id, past, by=by)
        return self._begin(name, sources, first, settings, copied_from=seen.round_id)

    # ---- the input files and plans ---------------------------------------------------------------------------------

    def save_sources(
        self, seen: Round, sources: Mapping[str, Source], *, entry: Sequence[Event] = (), by: str = "", why: str = ""
    ) -> Round:
        """Replace a round's input files and record an entry after that; its plan remains the accepted one.

        Raises
        ------
        StaleRoundError
        DataError
            The round is approved, or an event of the entry is refused.
        """
        with self._changing(seen) as connection:
            refuse_approved(seen)
            now = _now()
            return write_round(connection, seen, with_entry(with_sources(seen, sources, by, why, now), entry, now))

    def save_plan(
        self,
        seen: Round,
        files: Mapping[str, bytes],
        *,
        sources: Mapping[str, Source] | None = None,
        by: str = "",
        why: str = "",
    ) -> Round:
        """Accept the plan that was made from a round's input files; earlier plans are kept.

        Parameters
        ----------
        seen : Round
        files : mapping of str to bytes
            The plan directory's files by path, as `matching.plan.as_bytes.plan_files` returns them.
        sources : mapping of str to Source, optional
            What the plan was made from, if not the round's own files: they replace those, by the same event.
        by, why : str

        Raises
        ------
        StaleRoundError
        DataError
            The round is approved.
        """
        with self._changing(seen) as connection:
            refuse_approved(seen)
            now = _now()
            changed, record = with_plan(seen, "optimised", "", by, why, seen.last_event, now)
            changed = accepted(changed, record, files, by, why, now, sources)
            return write_round(connection, seen, changed, files)

    def save_scenario(
        self, seen: Round, name: str, files: Mapping[str, bytes], *, by: str = "", why: str = ""
    ) -> Round:
        """Keep a named plan for comparison with the accepted one; raises `StaleRoundError`."""
        with self._changing(seen) as connection:
            now = _now()
            changed, record = with_plan(seen, "scenario", name, by, why, seen.last_event, now)
            event = new_event("scenario", by=by, why=why, plan=str(record.number), name=name)
            return write_round(connection, seen, with_events(changed, [event], now), files)

    def choose_scenario(
        self,
        seen: Round,
        number: int,
        *,
        sources: Mapping[str, Source] | None = None,
        by: str = "",
        why: str = "",
    ) -> Round:
        """Accept a plan of the round: a scenario or an earlier plan.

        Parameters
        ----------
        seen : Round
        number : int
        sources : mapping of str to Source, optional
            What that plan was made from, if not the round's own files.
        by, why : str

        Raises
        ------
        StaleRoundError
        DataError
            There is no such plan, or the round is approved.
        """
        with self._changing(seen) as connection:
            refuse_approved(seen)
            record = next((one for one in seen.plans if one.number == number), None)
            files = read_plan_files(connection, seen.round_id, number)
            if record is None or files is None:
                raise refused(f"There is no plan {number} in this round.", "Choose one from the list of its plans.")
            return write_round(connection, seen, accepted(seen, record, files, by, why, _now(), sources))

    # ---- decisions -------------------------------------------------------------------------------------------------

    def record(self, seen: Round, events: Sequence[Event], *, reopens: str = "") -> Round:
        """Record decisions and changes of rows: all of them, or none if one is refused.

        They are recorded too if the round was changed since it was seen, as long as `history.merging.can_merge` finds
        that the changes are about other needs and other people. The round returned then has those as well.

        Parameters
        ----------
        seen : Round
        events : sequence of Event
            As `matching.rounds.history.events.new_event` returns them; they get their numbers and times here.
        reopens : str
            Why they reopen the round where it is approved; blank to refuse what an approved round does not take.

        Raises
        ------
        StaleRoundError
            The changes since are about the same, or about the tables, the plan or the approval.
        DataError
            An event is refused (`history.refusals.why_refused`), or the round is approved: then only notes and statuses
            that end no deployment are recorded.
        """
        with self._database.writing() as connection:
            latest, now = _to_record_in(connection, seen, events), _now()
            is_open = not reopens or latest.approved is None
            begun = latest if is_open else reopened(latest, by=events[0].by, why=reopens, now=now)
            return write_round(connection, latest, with_entry(begun, events, now))

    def undo(self, seen: Round, *numbers: int, by: str = "", why: str = "") -> Round:
        """Undo events, or redo them by undoing their undo: all of them or none; the history keeps everything.

        The register, the decisions, the statuses and the accepted plan are then those of the history without them.

        Each undo is recorded as `record` does it, those of later events first.

        Raises
        ------
        StaleRoundError
        DataError
            There is no event of one of these numbers that can be undone, or the round is approved.
        """
        undo = new_event("undo", by=by, why=why)
        return self.record(seen, [replace(undo, undoes=number) for number in sorted(numbers, reverse=True)])

    # ---- the round as such -----------------------------------------------------------------------------------------

    def approve(self, seen: Round, files: Mapping[str, bytes], *, by: str = "", why: str = "") -> Round:
        """Keep a version as the approved one; until `reopen`, tables, plans and decisions cannot be changed.

        Parameters
        ----------
        seen : Round
        files : mapping of str to bytes
            The approved version as it is handed over, decisions since the plan included; the accepted plan is kept.
        by, why : str

        Raises
        ------
        StaleRoundError
        DataError
            The round is approved already.
        """
        with self._changing(seen) as connection:
            refuse_approved(seen)
            now = _now()
            changed, record = with_plan(seen, "approved", "", by, why, seen.last_event, now)
            event = new_event("approved", by=by, why=why, plan=str(record.number))
            changed = replace(with_events(changed, [event], now), approved=record.number)
            return write_round(connection, seen, changed, files)

    def reopen(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Let an approved round be changed again; the approved version is kept.

        Raises
        ------
        StaleRoundError
        DataError
            The round is not approved.
        """
        with self._changing(seen) as connection:
            if seen.approved is None:
                raise refused("The round is not approved, so it is open already.", "Carry on with it.")
            return write_round(connection, seen, reopened(seen, by=by, why=why, now=_now()))

    def rename(self, seen: Round, name: str, *, by: str = "") -> Round:
        """Rename a round.

        Raises
        ------
        StaleRoundError
        DataError
            The name is blank or too long.
        """
        check_name(name)
        with self._changing(seen) as connection:
            event = new_event("named", by=by, name=name, before=seen.name)
            return write_round(connection, seen, replace(with_events(seen, [event], _now()), name=name))

    def archive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Archive a round: it leaves the list, and all of it is kept.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            now = _now()
            changed = with_events(seen, [new_event("archived", by=by, why=why)], now)
            return write_round(connection, seen, replace(changed, archived_at=now))

    def unarchive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Put an archived round back on the list; raises `StaleRoundError`."""
        with self._changing(seen) as connection:
            event = new_event("restored", by=by, why=why, **{"from": "archive"})
            return write_round(connection, seen, replace(with_events(seen, [event], _now()), archived_at=None))

    def erase(self, seen: Round, inputs: Inputs, *, by: str = "") -> Round:
        """Erase the contact details and remarks of an archived round, as `matching.rounds.erasing.erased` does.

        Parameters
        ----------
        seen : Round
        inputs : Inputs
            Of its register.
        by : str

        Raises
        ------
        StaleRoundError
        DataError
            The round is not archived; or it was erased, and the file could not be written again after that.
        """
        if seen.archived_at is None:
            raise refused("The round is not archived, so its contact details may still be needed.", "Archive it first.")
        with self._changing(seen) as connection:
            plans = {one.number: read_plan_files(connection, seen.round_id, one.number) or {} for one in seen.plans}
            changed, shorn = erased(seen, plans, inputs, by, _now())
            changed = replace_round(connection, changed, shorn)
        self._database.compact()
        return changed

    # ---- to a file and back ----------------------------------------------------------------------------------------

    def import_round(self, content: bytes, *, by: str = "") -> Round:
        """Restore a round that `export_round` packed: the same files to the byte and the same history.

        It keeps its identifier unless another round has it; then it gets a new one.

        Raises
        ------
        DataError
            The file is damaged, is not a round, is too large, or was made by a newer version.
        """
        packed, plans = unpacked(content)
        now = _now()
        event = new_event("restored", by=by, **{"from": "file", "round": packed.round_id})
        with self._database.writing() as connection:
            taken = connection.execute(select(ROUNDS.c.revision).where(ROUNDS.c.round_id == packed.round_id)).first()
            restored = replace(
                with_events(packed, [event], now),
                round_id=secrets.token_hex(8) if taken else packed.round_id,
                archived_at=None,
            )
            insert_round(connection, restored, plans)
        return restored

    def _begin(
        self,
        name: str,
        sources: Mapping[str, Source],
        first: Event,
        entry: Sequence[Event] = (),
        copied_from: str | None = None,
    ) -> Round:
        check_name(name)
        now = _now()
        given = GivenFiles(dict(sources), {}, dict.fromkeys(sources, now))
        begun = with_events(Round(secrets.token_hex(8), name, now, 1, given, copied_from=copied_from), [first], now)
        begun = with_entry(begun, entry, now)
        with self._database.writing() as connection:
            insert_round(connection, begun, {})
        return begun

    @contextmanager
    def _changing(self, seen: Round) -> Iterator[Connection]:
        """Open a transaction in which the round is still as the user saw it, or raise."""
        with self._database.writing() as connection:
            if not is_as_seen(connection, seen):
                raise StaleRoundError(read_events(connection, seen.round_id)[seen.last_event :])
            yield connection


def open_store(url: str | None = None, *, wait_s: float = 10.0) -> RoundStore:
    """Open the store; make its database or bring it up to date where needed.

    Parameters
    ----------
    url : str, optional
        Address of an SQLite file, as in `sqlite:///rounds.db`. The default is S2S_DATABASE_URL or, without it, a file
        in the user's own data directory.
    wait_s : float
        How long to wait for another writer, in seconds.

    Raises
    ------
    DataError
        The address is not that of an SQLite file; or the file cannot be made, read or written, is damaged, or is of a
        newer version or another program.
    """
    return RoundStore(open_database(url, wait_s))


def _to_record_in(connection: Connection, seen: Round, entry: Sequence[Event]) -> Round:
    """Return the round that an entry is recorded in: as the user saw it, or with what was recorded meanwhile."""
    if is_as_seen(connection, seen):
        return seen
    latest = read_round(connection, seen.round_id)
    if latest is None:
        raise StaleRoundError
    meanwhile = latest.events[seen.last_event :]
    if latest.events[: seen.last_event] != seen.events or not can_merge(seen.events, meanwhile, entry):
        raise StaleRoundError(meanwhile)
    return latest


def _now() -> datetime:
    return datetime.now(UTC)
