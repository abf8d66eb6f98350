"""Rounds, kept in one SQLite file: their input files, every plan that was made, and all that was decided, for good.

What the bytes mean is the business of `inputs` and `directory`, and what the events come to that of `state`; here they
are kept, and given back to the byte. Events, plans and their files are added and never changed: the database refuses.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from matching.rounds.database import open_database
from matching.rounds.events import Event, new_event
from matching.rounds.refusals import check_event
from matching.rounds.round import (
    PlanRecord,
    Round,
    RoundSummary,
    accepted,
    copied,
    is_decision,
    refuse_approved,
    refused,
    with_events,
    with_plan,
    with_sources,
)
from matching.rounds.round_file import packed, unpacked
from matching.rounds.state import state_of
from matching.rounds.storage.rows import (
    insert_round,
    known_round,
    read_events,
    read_plan_files,
    read_plans,
    read_round,
    time_or_none,
    write_round,
)
from matching.rounds.storage.schema import ROUNDS
from matching.rounds.storage.sqlite import Database
from matching.tables.files import Source


class StaleRoundError(Exception):
    """The round was changed elsewhere after it was read here; the store still holds that other change.

    `meanwhile` is what happened to the round since, in order.
    """

    def __init__(self, meanwhile: Iterable[Event] = ()) -> None:
        self.meanwhile = tuple(meanwhile)
        super().__init__(
            "The round was changed in another window after it was opened here, so nothing was saved. "
            "Open the round again and make the change once more."
        )


class RoundStore:
    """The rounds of one database file, for any number of threads; made by `open_store`.

    Every method raises `DataError` where the database cannot be read or written. Those that change a round take it as
    the change started from it (`seen`), give it back as it is then, and raise `StaleRoundError` where it was changed
    elsewhere. `by` says who makes a change and `why` the reason; both go into the round's history.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- reading ---------------------------------------------------------------------------------------------------

    def get(self, round_id: str) -> Round | None:
        """The round of this identifier with all its files, or None where there is none."""
        with self._database.reading() as connection:
            return read_round(connection, round_id)

    def list(self, *, archived: bool = False) -> tuple[RoundSummary, ...]:
        """All rounds, the newest first; archived ones only on request."""
        query = select(ROUNDS).order_by(ROUNDS.c.created_at.desc(), ROUNDS.c.round_id)
        if not archived:
            query = query.where(ROUNDS.c.archived_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            RoundSummary(
                row.round_id,
                row.name,
                datetime.fromisoformat(row.created_at),
                row.current_plan is not None,
                row.approved_plan is not None,
                time_or_none(row.archived_at),
            )
            for row in rows
        )

    def plans(self, round_id: str) -> tuple[PlanRecord, ...]:
        """Every plan of a round that was kept, by number, without their files."""
        with self._database.reading() as connection:
            return read_plans(connection, round_id)

    def plan_files(self, round_id: str, number: int) -> dict[str, bytes]:
        """The files of one plan of a round by path, in their order.

        Raises
        ------
        DataError
            There is no such plan.
        """
        with self._database.reading() as connection:
            files = read_plan_files(connection, round_id, number)
        if files is None:
            raise refused(f"There is no plan {number} in this round.", "Choose one from the list of its plans.")
        return files

    # ---- beginning a round -----------------------------------------------------------------------------------------

    def create(self, name: str, sources: Mapping[str, Source], *, by: str = "") -> Round:
        """Begin a round with its input files."""
        now = _now()
        begun = Round(secrets.token_hex(8), name, now, 1, dict(sources), None)
        begun = with_events(begun, [new_event("created", by=by, name=name)], now)
        begun = replace(begun, added_at=dict.fromkeys(sources, now))
        with self._database.writing() as connection:
            insert_round(connection, begun, {})
        return begun

    def copy(self, round_id: str, name: str, *, by: str = "", decisions: bool = False) -> Round:
        """Begin a round as a copy: its input files and its accepted plan, and on request what was decided.

        Decisions keep who made them, when and why, and what was undone can be put back. Scenarios, approved versions
        and the round's own doings (its plans, its names) are not copied.

        Raises
        ------
        DataError
            There is no such round.
        """
        with self._database.writing() as connection:
            original = known_round(connection, round_id)
            begun = copied(original, name, by, decisions, _now())
            insert_round(connection, begun, {1: begun.files} if begun.files else {})
        return begun

    # ---- the input files and plans ---------------------------------------------------------------------------------

    def save_sources(self, seen: Round, sources: Mapping[str, Source], *, by: str = "", why: str = "") -> Round:
        """Put other input files in place of a round's.

        Its plan is then no longer the accepted one, since it does not follow from them; it is kept.

        Raises
        ------
        StaleRoundError
        DataError
            The round is approved.
        """
        with self._changing(seen) as connection:
            refuse_approved(seen)
            changed = with_sources(seen, sources, by, why, _now(), even_if_equal=True)
            return write_round(connection, seen, replace(changed, files=None, current=None))

    def save_plan(
        self,
        seen: Round,
        files: Mapping[str, bytes],
        *,
        sources: Mapping[str, Source] | None = None,
        by: str = "",
        why: str = "",
    ) -> Round:
        """Accept the plan that was made from a round's input files; an earlier one is kept beside.

        Parameters
        ----------
        seen : Round
        files : mapping of str to bytes
            The plan directory's files by path, as `matching.export.plan_files` gives them.
        sources : mapping of str to Source, optional
            What the plan was made from, where that is not the round's own: then they take their place, in one step
            with the plan.
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
            changed = with_sources(seen, seen.sources if sources is None else sources, by, why, now)
            changed, record = with_plan(changed, "optimised", "", by, why, seen.last_event, now)
            changed = accepted(changed, record, files, by, why, now)
            return write_round(connection, seen, changed, files)

    def save_scenario(
        self, seen: Round, name: str, files: Mapping[str, bytes], *, by: str = "", why: str = ""
    ) -> Round:
        """Keep a named plan beside the accepted one.

        Raises
        ------
        StaleRoundError
        """
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
        """Accept a plan that was kept: a scenario, or an earlier plan.

        Parameters
        ----------
        seen : Round
        number : int
        sources : mapping of str to Source, optional
            What that plan was made from, where that is not what the round holds now.
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
            now = _now()
            changed = with_sources(seen, seen.sources if sources is None else sources, by, why, now)
            return write_round(connection, seen, accepted(changed, record, files, by, why, now))

    # ---- decisions -------------------------------------------------------------------------------------------------

    def record(self, seen: Round, events: Sequence[Event]) -> Round:
        """Record what was decided: all of it or, where one thing is refused, nothing.

        Parameters
        ----------
        seen : Round
        events : sequence of Event
            As `matching.state.new_event` makes them; their numbers and times are given here.

        Raises
        ------
        StaleRoundError
        DataError
            An event is refused (`matching.rounds.refusals.why_refused`), or the round is approved: then only notes and
            statuses that end no deployment are recorded.
        """
        with self._changing(seen) as connection:
            now, changed = _now(), seen
            for event in events:
                if is_decision(event):
                    refuse_approved(seen)
                check_event(state_of(changed.events), event)
                changed = with_events(changed, [event], now)
            return write_round(connection, seen, changed)

    def undo(self, seen: Round, number: int, *, by: str = "", why: str = "") -> Round:
        """Take back a decision, or put one back by taking back its undoing; the history keeps both.

        Raises
        ------
        StaleRoundError
        DataError
            There is nothing of this number to take back, or the round is approved.
        """
        event = replace(new_event("undo", by=by, why=why), undoes=number)
        with self._changing(seen) as connection:
            state = state_of(seen.events)
            check_event(state, event)
            target = state.event(number)
            while target and target.undoes is not None:
                target = state.event(target.undoes)
            if target and is_decision(target):
                refuse_approved(seen)
            return write_round(connection, seen, with_events(seen, [event], _now()))

    # ---- the round as such -----------------------------------------------------------------------------------------

    def approve(self, seen: Round, files: Mapping[str, bytes], *, by: str = "", why: str = "") -> Round:
        """Keep a version as the approved one; until `reopen`, nothing that it rests on can be changed.

        Parameters
        ----------
        seen : Round
        files : mapping of str to bytes
            The approved version as it leaves, with what was changed by hand; the accepted plan stays as it is.
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
                raise refused("The round is not approved, so it is open already.", "Go on with it.")
            event = new_event("reopened", by=by, why=why, plan=str(seen.approved))
            return write_round(connection, seen, replace(with_events(seen, [event], _now()), approved=None))

    def rename(self, seen: Round, name: str, *, by: str = "") -> Round:
        """Give a round another name.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            event = new_event("named", by=by, name=name, before=seen.name)
            return write_round(connection, seen, replace(with_events(seen, [event], _now()), name=name))

    def archive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Take a round off the list; nothing of it is lost.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            now = _now()
            changed = with_events(seen, [new_event("archived", by=by, why=why)], now)
            return write_round(connection, seen, replace(changed, archived_at=now))

    def unarchive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Put an archived round back on the list.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            event = new_event("restored", by=by, why=why, **{"from": "archive"})
            return write_round(connection, seen, replace(with_events(seen, [event], _now()), archived_at=None))

    # ---- to a file and back ----------------------------------------------------------------------------------------

    def export_round(self, round_id: str) -> bytes:
        """A round with all its files, plans and history as one zip, for `import_round` here or on another machine.

        Equal rounds give equal bytes.

        Raises
        ------
        DataError
            There is no such round.
        """
        with self._database.reading() as connection:
            found = known_round(connection, round_id)
            plans = {one.number: read_plan_files(connection, round_id, one.number) or {} for one in found.plans}
        return packed(found, plans)

    def import_round(self, content: bytes, *, by: str = "") -> Round:
        """Take in a round that `export_round` packed: the same files to the byte and the same history.

        It keeps its identifier where that is free, and otherwise becomes a round beside the one that has it.

        Raises
        ------
        DataError
            The file is damaged, is none of a round, is too large, or was packed by a newer version.
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

    def close(self) -> None:
        """Let go of the database file."""
        self._database.close()

    @contextmanager
    def _changing(self, seen: Round) -> Iterator[Connection]:
        """A transaction in which the round still is what the change started from."""
        with self._database.writing() as connection:
            is_seen = (ROUNDS.c.round_id == seen.round_id) & (ROUNDS.c.revision == seen.revision)
            if connection.execute(select(ROUNDS.c.revision).where(is_seen)).first() is None:
                raise StaleRoundError(read_events(connection, seen.round_id)[seen.last_event :])
            yield connection


def open_store(url: str | None = None, *, wait_s: float = 10.0) -> RoundStore:
    """Open the rounds, making the database or bringing it up to date where that is due.

    Parameters
    ----------
    url : str, optional
        Address of an SQLite file, as in `sqlite:///rounds.db`. Where it is not given, S2S_DATABASE_URL is taken,
        and without that a file in the user's own data directory.
    wait_s : float
        How long to wait for another writer, in seconds.

    Raises
    ------
    DataError
        The address is of no SQLite file, or the file cannot be made, read, written or understood.
    """
    return RoundStore(open_database(url, wait_s))


def _now() -> datetime:
    return datetime.now(UTC)
