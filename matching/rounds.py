"""Rounds, kept in one SQLite file: their input files, every plan that was made, and all that was decided, for good.

What the bytes mean is the business of `inputs` and `directory`, and what the events come to that of `desk`; here they
are kept, and given back to the byte. Events, plans and their files are added and never changed: the database refuses.
"""

import hashlib
import io
import json
import os
import re
import secrets
import sqlite3
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from platformdirs import user_data_path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    RowMapping,
    String,
    Table,
    create_engine,
    delete,
    false,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from matching.desk import DECISIONS, ENDED, KINDS, Event, check_event, desk_of, new_event, why_unsound
from matching.errors import DataError, Problem
from matching.export import zip_bytes
from matching.files import MAX_BYTES, Source

DATABASE_VARIABLE = "S2S_DATABASE_URL"

# SQLAlchemy's form of an address, without what has no meaning here: servers, settings, and databases in memory.
_ADDRESS = r"sqlite(\+pysqlite)?:///(?!:memory:$)(?P<path>[^?]+)"

SCHEMA = MetaData()
"""The tables as the last step under `migrations` leaves them."""

# SQLite has no type for times; ISO text in UTC keeps the zone and sorts by time.
_ROUNDS = Table(
    "rounds",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("archived_at", String),
    Column("copied_from", String),
    Column("current_plan", Integer),
    Column("approved_plan", Integer),
)
# A plan brings copies of its inputs: by digest, the same bytes are kept once however many plans there are.
_CONTENTS = Table(
    "contents",
    SCHEMA,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
_SOURCES = Table(
    "sources",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), nullable=False, index=True),
    Column("added_at", String, nullable=False),
)
_PLANS = Table(
    "plans",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("made_at", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("note", String, nullable=False),
    Column("after", Integer, nullable=False),
)
_PLAN_FILES = Table(
    "plan_files",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", String, primary_key=True),
    # The order of the files is part of a plan: its zip is the same bytes only in the same order.
    Column("position", Integer, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), nullable=False, index=True),
    # Deferred, because a plan is closed by its row: the files have to go in before it.
    ForeignKeyConstraint(
        ["round_id", "number"], ["plans.round_id", "plans.number"], deferrable=True, initially="DEFERRED"
    ),
)
_EVENTS = Table(
    "events",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("why", String, nullable=False),
    Column("about", String, nullable=False),
    Column("undoes", Integer),
)


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


class _DamagedError(Exception):
    """What the database gives back is not what was put in."""


@dataclass(frozen=True)
class PlanRecord:
    """A plan of a round, without its files.

    Attributes
    ----------
    number : int
        Within the round, from 1.
    kind : str
        `optimised`, `scenario` (a plan kept beside) or `approved` (as it was approved).
    name : str
        Of a scenario; blank where it has none.
    made_at : datetime
        In UTC.
    made_by, note : str
    after : int
        The last event that it knows of.
    """

    number: int
    kind: str
    name: str
    made_at: datetime
    made_by: str = field(repr=False)
    note: str = field(repr=False)
    after: int


@dataclass(frozen=True)
class Round:
    """One allocation exercise, as it was when it was read.

    Attributes
    ----------
    round_id : str
        Random, so that nobody finds a round by guessing.
    name : str
    created_at : datetime
        In UTC.
    revision : int
        Rises with every change; a change that starts from an earlier one is refused.
    sources : mapping of str to Source
        The input files by table name, as `matching.inputs.read_inputs` takes them.
    files : mapping of str to bytes, or None
        The files of the accepted plan by path, as `matching.export.plan_files` gives them; None until a plan is made
        from these sources.
    events : tuple of Event
        Everything that happened to it, in order; what holds of that is the business of `matching.desk.desk_of`.
    plans : tuple of PlanRecord
        Every plan that was kept, by number.
    current : int or None
        The number of the accepted plan, whose files are `files`.
    approved : int or None
        The number of the approved version that is in force.
    archived_at : datetime or None
        In UTC.
    copied_from : str or None
        The identifier of the round that it began as a copy of.
    added_at : mapping of str to datetime
        When each input file was added, by table name, in UTC.
    """

    round_id: str
    name: str
    created_at: datetime
    revision: int
    # The contents name people and must not reach a log through a repr.
    sources: Mapping[str, Source] = field(repr=False)
    files: Mapping[str, bytes] | None = field(repr=False)
    events: tuple[Event, ...] = field(default=(), repr=False)
    plans: tuple[PlanRecord, ...] = ()
    current: int | None = None
    approved: int | None = None
    archived_at: datetime | None = None
    copied_from: str | None = None
    added_at: Mapping[str, datetime] = field(default_factory=dict, repr=False)

    @property
    def last_event(self) -> int:
        """The number of the last thing that happened to it."""
        return len(self.events)


@dataclass(frozen=True)
class RoundSummary:
    """What a list shows of a round; times are in UTC, `allocated` says whether it has a plan."""

    round_id: str
    name: str
    created_at: datetime
    allocated: bool
    approved: bool = False
    archived_at: datetime | None = None


class RoundStore:
    """The rounds of one database file, for any number of threads; made by `open_store`.

    Every method raises `DataError` where the database cannot be read or written. Those that change a round take it as
    the change started from it (`seen`), give it back as it is then, and raise `StaleRoundError` where it was changed
    elsewhere. `by` says who makes a change and `why` the reason; both go into the round's history.
    """

    def __init__(self, database: "_Database") -> None:
        self._database = database

    # ---- reading ---------------------------------------------------------------------------------------------------

    def get(self, round_id: str) -> Round | None:
        """The round of this identifier with all its files, or None where there is none."""
        with self._database.reading() as connection:
            return _read_round(connection, round_id)

    def list(self, *, archived: bool = False) -> tuple[RoundSummary, ...]:
        """All rounds, the newest first; archived ones only on request."""
        query = select(_ROUNDS).order_by(_ROUNDS.c.created_at.desc(), _ROUNDS.c.round_id)
        if not archived:
            query = query.where(_ROUNDS.c.archived_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            RoundSummary(
                row.round_id,
                row.name,
                datetime.fromisoformat(row.created_at),
                row.current_plan is not None,
                row.approved_plan is not None,
                _time_or_none(row.archived_at),
            )
            for row in rows
        )

    def plans(self, round_id: str) -> tuple[PlanRecord, ...]:
        """Every plan of a round that was kept, by number, without their files."""
        with self._database.reading() as connection:
            return _read_plans(connection, round_id)

    def plan_files(self, round_id: str, number: int) -> dict[str, bytes]:
        """The files of one plan of a round by path, in their order.

        Raises
        ------
        DataError
            There is no such plan.
        """
        with self._database.reading() as connection:
            files = _read_plan_files(connection, round_id, number)
        if files is None:
            raise _refused(f"There is no plan {number} in this round.", "Choose one from the list of its plans.")
        return files

    # ---- beginning a round -----------------------------------------------------------------------------------------

    def create(self, name: str, sources: Mapping[str, Source], *, by: str = "") -> Round:
        """Begin a round with its input files."""
        now = _now()
        begun = Round(secrets.token_hex(8), name, now, 1, dict(sources), None)
        begun = _with_events(begun, [new_event("created", by=by, name=name)], now)
        begun = replace(begun, added_at=dict.fromkeys(sources, now))
        with self._database.writing() as connection:
            _insert_round(connection, begun, {})
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
            original = _known_round(connection, round_id)
            begun = _copied(original, name, by, decisions, _now())
            _insert_round(connection, begun, {1: begun.files} if begun.files else {})
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
            _refuse_approved(seen)
            changed = _with_sources(seen, sources, by, why, _now(), even_if_equal=True)
            return _write(connection, seen, replace(changed, files=None, current=None))

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
            _refuse_approved(seen)
            now = _now()
            changed = _with_sources(seen, seen.sources if sources is None else sources, by, why, now)
            changed, record = _with_plan(changed, "optimised", "", by, why, seen.last_event, now)
            changed = _accepted(changed, record, files, by, why, now)
            return _write(connection, seen, changed, files)

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
            changed, record = _with_plan(seen, "scenario", name, by, why, seen.last_event, now)
            event = new_event("scenario", by=by, why=why, plan=str(record.number), name=name)
            return _write(connection, seen, _with_events(changed, [event], now), files)

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
            _refuse_approved(seen)
            record = next((one for one in seen.plans if one.number == number), None)
            files = _read_plan_files(connection, seen.round_id, number)
            if record is None or files is None:
                raise _refused(f"There is no plan {number} in this round.", "Choose one from the list of its plans.")
            now = _now()
            changed = _with_sources(seen, seen.sources if sources is None else sources, by, why, now)
            return _write(connection, seen, _accepted(changed, record, files, by, why, now))

    # ---- decisions -------------------------------------------------------------------------------------------------

    def record(self, seen: Round, events: Sequence[Event]) -> Round:
        """Record what was decided: all of it or, where one thing is refused, nothing.

        Parameters
        ----------
        seen : Round
        events : sequence of Event
            As `matching.desk.new_event` makes them; their numbers and times are given here.

        Raises
        ------
        StaleRoundError
        DataError
            An event is refused as things stand (`matching.desk.why_refused`), or the round is approved: notes may still
            be made then, and deployments get on, but nobody is placed, barred or withdrawn.
        """
        with self._changing(seen) as connection:
            now, changed = _now(), seen
            for event in events:
                if _is_decision(event):
                    _refuse_approved(seen)
                check_event(desk_of(changed.events), event)
                changed = _with_events(changed, [event], now)
            return _write(connection, seen, changed)

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
            desk = desk_of(seen.events)
            check_event(desk, event)
            target = desk.event(number)
            while target and target.undoes is not None:
                target = desk.event(target.undoes)
            if target and _is_decision(target):
                _refuse_approved(seen)
            return _write(connection, seen, _with_events(seen, [event], _now()))

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
            _refuse_approved(seen)
            now = _now()
            changed, record = _with_plan(seen, "approved", "", by, why, seen.last_event, now)
            event = new_event("approved", by=by, why=why, plan=str(record.number))
            changed = replace(_with_events(changed, [event], now), approved=record.number)
            return _write(connection, seen, changed, files)

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
                raise _refused("The round is not approved, so it is open already.", "Go on with it.")
            event = new_event("reopened", by=by, why=why, plan=str(seen.approved))
            return _write(connection, seen, replace(_with_events(seen, [event], _now()), approved=None))

    def rename(self, seen: Round, name: str, *, by: str = "") -> Round:
        """Give a round another name.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            event = new_event("named", by=by, name=name, before=seen.name)
            return _write(connection, seen, replace(_with_events(seen, [event], _now()), name=name))

    def archive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Take a round off the list; nothing of it is lost.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            now = _now()
            changed = _with_events(seen, [new_event("archived", by=by, why=why)], now)
            return _write(connection, seen, replace(changed, archived_at=now))

    def unarchive(self, seen: Round, *, by: str = "", why: str = "") -> Round:
        """Put an archived round back on the list.

        Raises
        ------
        StaleRoundError
        """
        with self._changing(seen) as connection:
            event = new_event("restored", by=by, why=why, **{"from": "archive"})
            return _write(connection, seen, replace(_with_events(seen, [event], _now()), archived_at=None))

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
            found = _known_round(connection, round_id)
            plans = {one.number: _read_plan_files(connection, round_id, one.number) or {} for one in found.plans}
        return _packed(found, plans)

    def import_round(self, content: bytes, *, by: str = "") -> Round:
        """Take in a round that `export_round` packed: the same files to the byte and the same history.

        It keeps its identifier where that is free, and otherwise becomes a round beside the one that has it.

        Raises
        ------
        DataError
            The file is damaged, is none of a round, is too large, or was packed by a newer version.
        """
        packed, plans = _unpacked(content)
        now = _now()
        event = new_event("restored", by=by, **{"from": "file", "round": packed.round_id})
        with self._database.writing() as connection:
            taken = connection.execute(select(_ROUNDS.c.revision).where(_ROUNDS.c.round_id == packed.round_id)).first()
            restored = replace(
                _with_events(packed, [event], now),
                round_id=secrets.token_hex(8) if taken else packed.round_id,
                archived_at=None,
            )
            _insert_round(connection, restored, plans)
        return restored

    def close(self) -> None:
        """Let go of the database file."""
        self._database.close()

    @contextmanager
    def _changing(self, seen: Round) -> Iterator[Connection]:
        """A transaction in which the round still is what the change started from."""
        with self._database.writing() as connection:
            is_seen = (_ROUNDS.c.round_id == seen.round_id) & (_ROUNDS.c.revision == seen.revision)
            if connection.execute(select(_ROUNDS.c.revision).where(is_seen)).first() is None:
                raise StaleRoundError(_read_events(connection, seen.round_id)[seen.last_event :])
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
    path = _database_path(url or os.environ.get(DATABASE_VARIABLE))
    _make_directory(path)
    database = _Database(path, wait_s)
    _bring_up_to_date(database)
    database.use_write_ahead_log()
    return RoundStore(database)


class _Database:
    """One SQLite file: its transactions, with what goes wrong in them said as problems."""

    def __init__(self, path: Path, wait_s: float) -> None:
        self.path = path
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            # Python's driver begins transactions late and by itself unless it is told to leave them to us.
            connect_args={"timeout": wait_s, "isolation_level": None},
            # A connection a transaction: none is left open, so at rest the one file is all there is to back up.
            poolclass=NullPool,
            # Parameters name people and must not reach a log or a traceback.
            hide_parameters=True,
        )

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees the database as at one moment and waits for no writer."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that holds the right to write from its start, so that it never has to be tried again."""
        return self._transaction("BEGIN IMMEDIATE")

    def use_write_ahead_log(self) -> None:
        """Let readers and a writer work at the same time; the file remembers it.

        It takes the file to oneself, and SQLite does not always wait for that. Where another program is in the file
        just now it is left to the next opening: only waiting depends on it, not what is saved.
        """
        with suppress(OperationalError), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with _faults_as_problems(self.path), self._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            # What was confirmed must outlive a cut of the power too, which less would not promise with a log.
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql(begin)
            yield connection


# ---- a round with something more -----------------------------------------------------------------------------------


def _now() -> datetime:
    return datetime.now(UTC)


def _refused(message: str, fix: str) -> DataError:
    return DataError([Problem("round", None, "", "", message, fix)])


def _refuse_approved(seen: Round) -> None:
    if seen.approved is not None:
        message = "The round is approved, so its tables, plans and decisions cannot be changed."
        raise _refused(message, "Reopen the round first.")


def _is_decision(event: Event) -> bool:
    """Whether an event changes who may serve or serves what; a note and a deployment that gets on do not."""
    return (
        event.kind in DECISIONS
        and event.kind != "note"
        and (event.kind != "status" or event.about.get("status") in ENDED)
    )


def _with_events(owner: Round, events: Sequence[Event], now: datetime) -> Round:
    numbered = (
        replace(one, number=number, at=now, about=dict(one.about))
        for number, one in enumerate(events, start=owner.last_event + 1)
    )
    # The revision is that of the change, however many events it is.
    return replace(owner, events=(*owner.events, *numbered))


def _with_sources(
    seen: Round, sources: Mapping[str, Source], by: str, why: str, now: datetime, *, even_if_equal: bool = False
) -> Round:
    """The round with these input files, and an event that names those that changed."""
    names = [one for one in {**seen.sources, **sources} if seen.sources.get(one) != sources.get(one)]
    if not names and not even_if_equal:
        return seen
    digests = [sources[one].sha256 if one in sources else "" for one in names]
    event = new_event("files", by=by, why=why, tables=";".join(names), sha256=";".join(digests))
    added_at = {one: now if one in names else seen.added_at[one] for one in sources}
    return replace(_with_events(seen, [event], now), sources=dict(sources), added_at=added_at)


def _with_plan(
    seen: Round, kind: str, name: str, by: str, note: str, after: int, now: datetime
) -> tuple[Round, PlanRecord]:
    record = PlanRecord(len(seen.plans) + 1, kind, name, now, by, note, after)
    return replace(seen, plans=(*seen.plans, record)), record


def _accepted(seen: Round, record: PlanRecord, files: Mapping[str, bytes], by: str, why: str, now: datetime) -> Round:
    event = new_event("plan", by=by, why=why, plan=str(record.number), after=str(record.after))
    return replace(_with_events(seen, [event], now), files=dict(files), current=record.number)


def _copied(original: Round, name: str, by: str, decisions: bool, now: datetime) -> Round:
    """A round like another one; its decisions stand before or after its plan as they did there."""
    begun = Round(secrets.token_hex(8), name, now, 1, original.sources, None, copied_from=original.round_id)
    begun = replace(begun, added_at=dict.fromkeys(original.sources, now))
    first = new_event("copied", by=by, round=original.round_id, name=original.name)
    begun = _with_events(begun, [first], now)
    planned = desk_of(original.events).planned
    number_of: dict[int, int] = {}
    if decisions:
        begun = _with_decisions(begun, [one for one in original.events if one.number <= planned], number_of)
    if original.files is not None and original.current is not None:
        record = original.plans[original.current - 1]
        begun, plan = _with_plan(begun, record.kind, record.name, by, record.note, begun.last_event, now)
        begun = _accepted(begun, plan, original.files, by, "", now)
    if decisions:
        begun = _with_decisions(begun, [one for one in original.events if one.number > planned], number_of)
    return begun


def _with_decisions(begun: Round, events: Sequence[Event], number_of: dict[int, int]) -> Round:
    """The round with another's decisions after its own events; `number_of` learns their new numbers by the old."""
    taken = list(begun.events)
    for one in events:
        if one.kind in (*DECISIONS, "undo"):
            number_of[one.number] = len(taken) + 1
            undoes = None if one.undoes is None else number_of[one.undoes]
            taken.append(replace(one, number=len(taken) + 1, undoes=undoes))
    return replace(begun, events=tuple(taken))


# ---- rows ----------------------------------------------------------------------------------------------------------


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    # Given no rows at all, SQLAlchemy would insert one of defaults.
    if rows:
        connection.execute(insert(table), rows)


def _insert_round(connection: Connection, begun: Round, plans: Mapping[int, Mapping[str, bytes]]) -> None:
    """Put in a round that was not there; `plans` are the files of each plan."""
    created_at = {"round_id": begun.round_id, "created_at": _iso(begun.created_at), "copied_from": begun.copied_from}
    _insert(connection, _ROUNDS, [created_at | _row_of(begun)])
    _insert_sources(connection, begun, begun.sources)
    for record in begun.plans:
        _insert_plan(connection, begun, record, plans[record.number])
    _insert_events(connection, begun, begun.events)


def _write(connection: Connection, seen: Round, changed: Round, plan_files: Mapping[str, bytes] | None = None) -> Round:
    """Put down what a change did to a round; `plan_files` are those of its new plan, where there is one."""
    changed = replace(changed, revision=seen.revision + 1)
    connection.execute(update(_ROUNDS).where(_ROUNDS.c.round_id == seen.round_id).values(**_row_of(changed)))
    names = [one for one in changed.sources if changed.sources[one] != seen.sources.get(one)]
    gone = [one for one in seen.sources if one in names or one not in changed.sources]
    if gone:
        is_gone = (_SOURCES.c.round_id == seen.round_id) & _SOURCES.c.table_name.in_(gone)
        connection.execute(delete(_SOURCES).where(is_gone))
    _insert_sources(connection, changed, names)
    for record in changed.plans[len(seen.plans) :]:
        _insert_plan(connection, changed, record, plan_files or {})
    _insert_events(connection, changed, changed.events[seen.last_event :])
    if gone:
        _delete_unused(connection, [seen.sources[one].sha256 for one in gone])
    return changed


def _row_of(owner: Round) -> dict[str, Any]:
    """What of a round's own row may change."""
    return {
        "name": owner.name,
        "revision": owner.revision,
        "archived_at": _iso(owner.archived_at) if owner.archived_at else None,
        "current_plan": owner.current,
        "approved_plan": owner.approved,
    }


def _insert_sources(connection: Connection, owner: Round, names: Iterable[str]) -> None:
    rows = [
        {
            "round_id": owner.round_id,
            "table_name": name,
            "file_name": owner.sources[name].name,
            "sha256": _insert_content(connection, owner.sources[name].content),
            "added_at": _iso(owner.added_at[name]),
        }
        for name in names
    ]
    _insert(connection, _SOURCES, rows)


def _insert_plan(connection: Connection, owner: Round, record: PlanRecord, files: Mapping[str, bytes]) -> None:
    key = {"round_id": owner.round_id, "number": record.number}
    rows = [
        {**key, "path": path, "position": position, "sha256": _insert_content(connection, content)}
        for position, (path, content) in enumerate(files.items())
    ]
    _insert(connection, _PLAN_FILES, rows)
    about = {"kind": record.kind, "name": record.name, "made_by": record.made_by, "note": record.note}
    _insert(connection, _PLANS, [{**key, **about, "made_at": _iso(record.made_at), "after": record.after}])


def _insert_events(connection: Connection, owner: Round, events: Sequence[Event]) -> None:
    rows = [
        {
            "round_id": owner.round_id,
            "number": one.number,
            "at": _iso(one.at),
            "by": one.by,
            "kind": one.kind,
            "why": one.why,
            "about": json.dumps(dict(one.about), ensure_ascii=False, sort_keys=True),
            "undoes": one.undoes,
        }
        for one in events
    ]
    _insert(connection, _EVENTS, rows)


def _insert_content(connection: Connection, content: bytes) -> str:
    """Keep some bytes, if they are not there yet; their digest."""
    digest = hashlib.sha256(content).hexdigest()
    if connection.execute(select(_CONTENTS.c.sha256).where(_CONTENTS.c.sha256 == digest)).first() is None:
        _insert(connection, _CONTENTS, [{"sha256": digest, "content": content}])
    return digest


def _delete_unused(connection: Connection, digests: Iterable[str]) -> None:
    """Let go of contents that neither a round's input files nor any plan needs."""
    for digest in digests:
        uses = (select(table.c.sha256).where(table.c.sha256 == digest) for table in (_SOURCES, _PLAN_FILES))
        if not any(connection.execute(one).first() for one in uses):
            connection.execute(delete(_CONTENTS).where(_CONTENTS.c.sha256 == digest))


def _known_round(connection: Connection, round_id: str) -> Round:
    found = _read_round(connection, round_id)
    if found is None:
        raise _refused("There is no such round here.", "Choose one from the list of rounds.")
    return found


def _read_round(connection: Connection, round_id: str) -> Round | None:
    row = connection.execute(select(_ROUNDS).where(_ROUNDS.c.round_id == round_id)).one_or_none()
    if row is None:
        return None
    query = select(_SOURCES).where(_SOURCES.c.round_id == round_id).order_by(_SOURCES.c.table_name)
    sources = connection.execute(query).all()
    contents = {one.sha256: _read_content(connection, one.sha256) for one in sources}
    files = _read_plan_files(connection, round_id, row.current_plan) if row.current_plan else None
    return Round(
        row.round_id,
        row.name,
        datetime.fromisoformat(row.created_at),
        row.revision,
        {one.table_name: Source(one.file_name, contents[one.sha256]) for one in sources},
        files,
        events=_read_events(connection, round_id),
        plans=_read_plans(connection, round_id),
        current=row.current_plan,
        approved=row.approved_plan,
        archived_at=_time_or_none(row.archived_at),
        copied_from=row.copied_from,
        added_at={one.table_name: datetime.fromisoformat(one.added_at) for one in sources},
    )


def _read_events(connection: Connection, round_id: str) -> tuple[Event, ...]:
    query = select(_EVENTS).where(_EVENTS.c.round_id == round_id).order_by(_EVENTS.c.number)
    return tuple(map(_event_of, connection.execute(query).mappings()))


def _event_of(row: RowMapping) -> Event:
    try:
        at, about = datetime.fromisoformat(row["at"]), json.loads(row["about"])
    except ValueError as error:
        raise _DamagedError from error
    return Event(row["number"], at, row["by"], row["kind"], row["why"], about, row["undoes"])


def _read_plans(connection: Connection, round_id: str) -> tuple[PlanRecord, ...]:
    query = select(_PLANS).where(_PLANS.c.round_id == round_id).order_by(_PLANS.c.number)
    return tuple(
        PlanRecord(
            row.number, row.kind, row.name, datetime.fromisoformat(row.made_at), row.made_by, row.note, row.after
        )
        for row in connection.execute(query)
    )


def _read_plan_files(connection: Connection, round_id: str, number: int) -> dict[str, bytes] | None:
    """The files of a plan, or None where there is no such plan."""
    is_plan = (_PLANS.c.round_id == round_id) & (_PLANS.c.number == number)
    if connection.execute(select(_PLANS.c.number).where(is_plan)).first() is None:
        return None
    is_of_plan = (_PLAN_FILES.c.round_id == round_id) & (_PLAN_FILES.c.number == number)
    query = select(_PLAN_FILES).where(is_of_plan).order_by(_PLAN_FILES.c.position)
    return {row.path: _read_content(connection, row.sha256) for row in connection.execute(query).all()}


def _read_content(connection: Connection, digest: str) -> bytes:
    content = connection.execute(select(_CONTENTS.c.content).where(_CONTENTS.c.sha256 == digest)).scalar_one_or_none()
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise _DamagedError
    return bytes(content)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _time_or_none(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


# ---- a round as a file ---------------------------------------------------------------------------------------------

ROUND_FORMAT = 1
"""The form of the zip that a round is packed in; a later one is refused."""

_INDEX = "round.json"
# Plans bring copies of their inputs, but the same bytes are packed once.
_MOST_PACKED, _MOST_MEMBERS = 4 * MAX_BYTES, 20_000


class _Packed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _PackedFile(_Packed):
    """A file: its name or path, and where its bytes are."""

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _PackedSource(_PackedFile):
    table: str
    added_at: AwareDatetime


class _PackedPlan(_Packed):
    number: int
    kind: Literal["optimised", "scenario", "approved"]
    name: str
    made_at: AwareDatetime
    made_by: str
    note: str
    after: int
    files: list[_PackedFile]


class _PackedEvent(_Packed):
    number: int
    at: AwareDatetime
    by: str
    kind: str
    why: str
    about: dict[str, str]
    undoes: int | None


class _PackedRound(_Packed):
    format: int
    round_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: str
    created_at: AwareDatetime
    archived_at: AwareDatetime | None
    copied_from: str | None
    current: int | None
    approved: int | None
    sources: list[_PackedSource]
    plans: list[_PackedPlan]
    events: list[_PackedEvent]


def _packed(found: Round, plans: Mapping[int, Mapping[str, bytes]]) -> bytes:
    """A round as a zip: what it is as JSON, and every content by its digest."""
    contents: dict[str, bytes] = {}

    def kept(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        contents[f"contents/{digest}"] = content
        return digest

    index = _PackedRound(
        format=ROUND_FORMAT,
        round_id=found.round_id,
        name=found.name,
        created_at=found.created_at,
        archived_at=found.archived_at,
        copied_from=found.copied_from,
        current=found.current,
        approved=found.approved,
        sources=[
            _PackedSource(table=table, name=one.name, sha256=kept(one.content), added_at=found.added_at[table])
            for table, one in found.sources.items()
        ],
        plans=[
            _PackedPlan(
                **vars(record),
                files=[_PackedFile(name=path, sha256=kept(one)) for path, one in plans[record.number].items()],
            )
            for record in found.plans
        ],
        events=[_PackedEvent(**{**vars(one), "about": dict(sorted(one.about.items()))}) for one in found.events],
    )
    return zip_bytes({_INDEX: index.model_dump_json(indent=1).encode("utf-8"), **dict(sorted(contents.items()))})


def _unpacked(content: bytes) -> tuple[Round, dict[int, dict[str, bytes]]]:
    """The round in a zip, and the files of each of its plans."""
    members = _members(content)
    index = _index_of(members)
    digests = {one.sha256 for one in [*index.sources, *(file for plan in index.plans for file in plan.files)]}
    contents = {one: members.get(f"contents/{one}", b"") for one in digests}
    if any(hashlib.sha256(found).hexdigest() != digest for digest, found in contents.items()):
        raise _file_problem(*_DAMAGED_FILE)
    plans = {plan.number: {one.name: contents[one.sha256] for one in plan.files} for plan in index.plans}
    unpacked = Round(
        index.round_id,
        index.name,
        index.created_at.astimezone(UTC),
        1,
        {one.table: Source(one.name, contents[one.sha256]) for one in index.sources},
        plans[index.current] if index.current is not None else None,
        events=tuple(
            Event(one.number, one.at.astimezone(UTC), one.by, one.kind, one.why, one.about, one.undoes)
            for one in index.events
        ),
        plans=tuple(
            PlanRecord(one.number, one.kind, one.name, one.made_at.astimezone(UTC), one.made_by, one.note, one.after)
            for one in index.plans
        ),
        current=index.current,
        approved=index.approved,
        copied_from=index.copied_from,
        added_at={one.table: one.added_at.astimezone(UTC) for one in index.sources},
    )
    return unpacked, plans


def _members(content: bytes) -> dict[str, bytes]:
    """Every file in a zip that is no larger than a round may be."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            sizes = [one.file_size for one in entries]
            if len(sizes) > _MOST_MEMBERS or max(sizes, default=0) > MAX_BYTES or sum(sizes) > _MOST_PACKED:
                raise _file_problem(*_TOO_LARGE_FILE)
            if _INDEX not in archive.namelist():
                raise _file_problem(*_OTHER_FILE)
            # A member unpacks to the size that it states and no further: what is longer fails its checksum.
            return {one.filename: archive.read(one) for one in entries}
    except DataError:
        raise
    except Exception as error:  # a damaged zip makes the library fail in any of dozens of ways
        damaged = zipfile.is_zipfile(io.BytesIO(content)) or content.startswith(b"PK")
        raise _file_problem(*(_DAMAGED_FILE if damaged else _OTHER_FILE)) from error


def _index_of(members: Mapping[str, bytes]) -> _PackedRound:
    try:
        version = json.loads(members[_INDEX])["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _file_problem(*_OTHER_FILE) from error
    if isinstance(version, int) and version > ROUND_FORMAT:
        raise _file_problem("The file was made by a newer version of this program.", "Install the newer version.")
    try:
        index = _PackedRound.model_validate_json(members[_INDEX])
    except ValidationError as error:
        raise _file_problem(*_DAMAGED_FILE) from error
    if not _is_sound(index):
        raise _file_problem(*_DAMAGED_FILE)
    return index


def _is_sound(index: _PackedRound) -> bool:
    """Whether what a file says of a round agrees with itself, so that everything here can rely on it."""
    kinds = {one.number: one.kind for one in index.plans}
    return (
        [one.number for one in index.plans] == list(range(1, len(index.plans) + 1))
        and [one.number for one in index.events] == list(range(1, len(index.events) + 1))
        and index.current in (None, *kinds)
        and (index.approved is None or kinds.get(index.approved) == "approved")
        and len({one.table for one in index.sources}) == len(index.sources)
        and all(len({file.name for file in one.files}) == len(one.files) for one in index.plans)
        and all(0 <= one.after <= len(index.events) for one in index.plans)
        and all(_is_sound_event(one, index.events) for one in index.events)
    )


def _is_sound_event(event: _PackedEvent, events: Sequence[_PackedEvent]) -> bool:
    if event.kind in (*DECISIONS, "undo"):
        taken = Event(event.number, event.at, event.by, event.kind, event.why, event.about, event.undoes)
        undoes = event.undoes if event.kind == "undo" else None
        target = events[undoes - 1].kind if undoes is not None and 0 < undoes < event.number else ""
        return why_unsound(taken) is None and (event.kind != "undo" or target in (*DECISIONS, "undo"))
    # Python would take other digits than these for a number too.
    is_planned = event.kind != "plan" or re.fullmatch("[0-9]{1,9}", event.about.get("after", "")) is not None
    return event.kind in KINDS and event.undoes is None and is_planned


def _file_problem(message: str, fix: str) -> DataError:
    return DataError([Problem("round file", None, "", "", message, fix)])


_DAMAGED_FILE = ("The file is damaged, so nothing of it was taken in.", "Make or download it again.")
_OTHER_FILE = ("The file holds no round that this program has saved.", "Choose a file that was saved as a round.")
_TOO_LARGE_FILE = (
    f"The file unpacks to more than a round may be ({_MOST_PACKED // 1024**2:,} MB).",
    "Check that it is the right file.",
)


def _database_path(url: str | None) -> Path:
    if not url:
        return user_data_path("school-support-matching", appauthor=False) / "rounds.db"
    address = re.fullmatch(_ADDRESS, url)
    if address is None:
        # The address is not shown: one of a database server may hold a password.
        message = "The address of the database is not that of an SQLite file."
        fix = "Give one like sqlite:////home/me/rounds.db, or leave it out to use your own data directory."
        raise DataError([Problem(DATABASE_VARIABLE, None, "", "", message, fix)])
    return Path(address["path"]).absolute()


def _make_directory(path: Path) -> None:
    try:
        # The rounds name people: a directory that is made for them is their owner's alone.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise _unusable(path, f"The directory for the rounds cannot be made ({reason}).", _ELSEWHERE) from error


# Alembic keeps the database that it works on in globals of its own.
_ALEMBIC_LOCK = threading.Lock()


def _bring_up_to_date(database: _Database) -> None:
    config = Config()
    config.set_main_option("script_location", "matching:migrations")
    with _ALEMBIC_LOCK, database.writing() as connection:
        _check_origin(connection, database.path, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # On a file that may only be read SQLite begins all the same; an attempt to write tells, though it meets no row.
        connection.execute(update(_ROUNDS).where(false()).values(revision=0))


def _check_origin(connection: Connection, path: Path, scripts: ScriptDirectory) -> None:
    """Refuse a database that a newer version or another program has made, before anything in it is touched."""
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        message = "The rounds were saved by a newer version of this program; nothing was changed."
        fix = f"Install the newer version, or set {DATABASE_VARIABLE} to another file."
        raise _unusable(path, message, fix)
    if not found and inspect(connection).get_table_names():
        message = "This is the database of another program; nothing was changed."
        raise _unusable(path, message, f"Set {DATABASE_VARIABLE} to another file.")


_ELSEWHERE = f"Check the path and that you may write there, or set {DATABASE_VARIABLE} to another file."
_RESTORE = "Move the file away, without deleting it, and put a copy from your backup in its place."
_IN_USE = (
    "The database of rounds was in use by another program or window for too long; nothing was saved.",
    "Try again in a moment; if it happens again, close the other program.",
)
_READ_ONLY = ("The database of rounds may be read but not written.", _ELSEWHERE)
_DAMAGED = ("The file is damaged, or is no database of rounds.", _RESTORE)
_FAULTS = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: ("The database of rounds cannot be opened or made here.", _ELSEWHERE),
    sqlite3.SQLITE_FULL: ("The disk is full; nothing was saved.", "Free some space on it and try again."),
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}


@contextmanager
def _faults_as_problems(path: Path) -> Iterator[None]:
    """Say what SQLite reports in words; a broken rule of the tables is a defect of ours and passes as it is."""
    try:
        yield
    except IntegrityError:
        raise
    except _DamagedError as error:
        raise _unusable(path, *_DAMAGED) from error
    except DatabaseError as error:
        # The low byte is the kind of fault; the rest tells variants of it apart.
        kind = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        other = (f"The database of rounds cannot be used ({error.orig}).", _RESTORE)
        raise _unusable(path, *_FAULTS.get(kind, other)) from error


def _unusable(path: Path, message: str, fix: str) -> DataError:
    return DataError([Problem(str(path), None, "", "", message, fix)])
