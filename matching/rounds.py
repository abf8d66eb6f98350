"""Rounds, kept in one SQLite file: the input files as they were given, and the files of the plan made from them.

What the bytes mean is the business of `inputs` and `directory`; here they are kept, and given back to the byte.
"""

import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from platformdirs import user_data_path
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    delete,
    exists,
    false,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from matching.errors import DataError, Problem
from matching.files import Source

DATABASE_VARIABLE = "S2S_DATABASE_URL"

# SQLAlchemy's form of an address, without what has no meaning here: servers, settings, and databases in memory.
_ADDRESS = r"sqlite(\+pysqlite)?:///(?!:memory:$)(?P<path>[^?]+)"

SCHEMA = MetaData()
"""The tables as the last step under `migrations` leaves them."""

_ROUNDS = Table(
    "rounds",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("name", String, nullable=False),
    # SQLite has no type for times; ISO text in UTC keeps the zone and sorts by time.
    Column("created_at", String, nullable=False),
    Column("revision", Integer, nullable=False),
)
_SOURCES = Table(
    "sources",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
_PLAN_FILES = Table(
    "plan_files",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("path", String, primary_key=True),
    # The order of the files is part of a plan: its zip is the same bytes only in the same order.
    Column("position", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)


class StaleRoundError(Exception):
    """The round was changed elsewhere after it was read here; the store still holds that other change."""

    def __init__(self) -> None:
        super().__init__(
            "The round was changed in another window after it was opened here, so nothing was saved. "
            "Open the round again and make the change once more."
        )


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
        The plan directory's files by path, as `matching.export.plan_files` gives them; None until a plan is made
        from these sources.
    """

    round_id: str
    name: str
    created_at: datetime
    revision: int
    # The contents name people and must not reach a log through a repr.
    sources: Mapping[str, Source] = field(repr=False)
    files: Mapping[str, bytes] | None = field(repr=False)


@dataclass(frozen=True)
class RoundSummary:
    """What a list shows of a round; `created_at` is in UTC, `allocated` says whether it has a plan."""

    round_id: str
    name: str
    created_at: datetime
    allocated: bool


class RoundStore:
    """The rounds of one database file, for any number of threads; made by `open_store`.

    Every method raises `DataError` where the database cannot be read or written.
    """

    def __init__(self, database: "_Database") -> None:
        self._database = database

    def create(self, name: str, sources: Mapping[str, Source]) -> Round:
        """Begin a round with its input files."""
        begun = Round(secrets.token_hex(8), name, datetime.now(UTC), 1, dict(sources), None)
        row = {
            "round_id": begun.round_id,
            "name": begun.name,
            "created_at": begun.created_at.isoformat(timespec="microseconds"),
            "revision": begun.revision,
        }
        with self._database.writing() as connection:
            _insert(connection, _ROUNDS, [row])
            _insert_sources(connection, begun)
        return begun

    def get(self, round_id: str) -> Round | None:
        """The round of this identifier with all its files, or None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(select(_ROUNDS).where(_ROUNDS.c.round_id == round_id)).one_or_none()
            if row is None:
                return None
            created_at = datetime.fromisoformat(row.created_at)
            sources, files = _read_sources(connection, round_id), _read_plan(connection, round_id)
        return Round(row.round_id, row.name, created_at, row.revision, sources, files)

    def list(self) -> tuple[RoundSummary, ...]:
        """All rounds, the newest first."""
        allocated = exists().where(_PLAN_FILES.c.round_id == _ROUNDS.c.round_id).label("allocated")
        newest_first = (_ROUNDS.c.created_at.desc(), _ROUNDS.c.round_id)
        query = select(_ROUNDS.c.round_id, _ROUNDS.c.name, _ROUNDS.c.created_at, allocated).order_by(*newest_first)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            RoundSummary(row.round_id, row.name, datetime.fromisoformat(row.created_at), row.allocated) for row in rows
        )

    def save_sources(self, seen: Round, sources: Mapping[str, Source]) -> Round:
        """Put other input files in place of a round's; its plan goes too, since it does not follow from them.

        Parameters
        ----------
        seen : Round
            The round as the change started from it.
        sources : mapping of str to Source

        Raises
        ------
        StaleRoundError
        """
        return self._save(seen, dict(sources), None)

    def save_plan(
        self, seen: Round, files: Mapping[str, bytes], *, sources: Mapping[str, Source] | None = None
    ) -> Round:
        """Keep the plan that was made from a round's input files, in place of an earlier one.

        Parameters
        ----------
        seen : Round
            The round as the change started from it.
        files : mapping of str to bytes
            The plan directory's files by path, as `matching.export.plan_files` gives them.
        sources : mapping of str to Source, optional
            What the plan was made from, where that is not the round's own: then they take their place, in one step
            with the plan.

        Raises
        ------
        StaleRoundError
        """
        return self._save(seen, seen.sources if sources is None else dict(sources), dict(files))

    def close(self) -> None:
        """Let go of the database file."""
        self._database.close()

    def _save(self, seen: Round, sources: Mapping[str, Source], files: Mapping[str, bytes] | None) -> Round:
        changed = replace(seen, revision=seen.revision + 1, sources=sources, files=files)
        with self._database.writing() as connection:
            _move_on(connection, seen, changed)
            _delete(connection, _PLAN_FILES, seen)
            _insert_plan(connection, changed)
            if changed.sources != seen.sources:
                _delete(connection, _SOURCES, seen)
                _insert_sources(connection, changed)
        return changed


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
            connection.exec_driver_sql(begin)
            yield connection


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    # Given no rows at all, SQLAlchemy would insert one of defaults.
    if rows:
        connection.execute(insert(table), rows)


def _insert_sources(connection: Connection, owner: Round) -> None:
    rows = [
        {"round_id": owner.round_id, "table_name": name, "file_name": source.name, "content": source.content}
        for name, source in owner.sources.items()
    ]
    _insert(connection, _SOURCES, rows)


def _insert_plan(connection: Connection, owner: Round) -> None:
    rows = [
        {"round_id": owner.round_id, "path": path, "position": position, "content": content}
        for position, (path, content) in enumerate((owner.files or {}).items())
    ]
    _insert(connection, _PLAN_FILES, rows)


def _delete(connection: Connection, table: Table, owner: Round) -> None:
    connection.execute(delete(table).where(table.c.round_id == owner.round_id))


def _read_sources(connection: Connection, round_id: str) -> dict[str, Source]:
    query = select(_SOURCES).where(_SOURCES.c.round_id == round_id).order_by(_SOURCES.c.table_name)
    return {row.table_name: Source(row.file_name, row.content) for row in connection.execute(query)}


def _read_plan(connection: Connection, round_id: str) -> dict[str, bytes] | None:
    query = select(_PLAN_FILES).where(_PLAN_FILES.c.round_id == round_id).order_by(_PLAN_FILES.c.position)
    return {row.path: row.content for row in connection.execute(query)} or None


def _move_on(connection: Connection, seen: Round, changed: Round) -> None:
    """Raise the round's revision, if it still is the one that the change started from."""
    is_seen = (_ROUNDS.c.round_id == seen.round_id) & (_ROUNDS.c.revision == seen.revision)
    if connection.execute(update(_ROUNDS).where(is_seen).values(revision=changed.revision)).rowcount == 0:
        raise StaleRoundError


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
    except DatabaseError as error:
        # The low byte is the kind of fault; the rest tells variants of it apart.
        kind = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        other = (f"The database of rounds cannot be used ({error.orig}).", _RESTORE)
        raise _unusable(path, *_FAULTS.get(kind, other)) from error


def _unusable(path: Path, message: str, fix: str) -> DataError:
    return DataError([Problem(str(path), None, "", "", message, fix)])
