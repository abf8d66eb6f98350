"""The database of rounds: its tables, opening it, its transactions, and what goes wrong with it, in words.

What the rows say of a round is the business of `round_rows`.
"""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from platformdirs import user_data_path
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    false,
    inspect,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from matching.errors import DataError, Problem

DATABASE_VARIABLE = "S2S_DATABASE_URL"

# SQLAlchemy's form of an address, without what has no meaning here: servers, settings, and databases in memory.
_ADDRESS = r"sqlite(\+pysqlite)?:///(?!:memory:$)(?P<path>[^?]+)"

SCHEMA = MetaData()
"""The tables as the last step under `migrations` leaves them."""

# SQLite has no type for times; ISO text in UTC keeps the zone and sorts by time.
ROUNDS = Table(
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
CONTENTS = Table(
    "contents",
    SCHEMA,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
SOURCES = Table(
    "sources",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), nullable=False, index=True),
    Column("added_at", String, nullable=False),
)
PLANS = Table(
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
PLAN_FILES = Table(
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
EVENTS = Table(
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


class DamagedError(Exception):
    """What the database gives back is not what was put in."""


class Database:
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
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with _faults_as_problems(self.path), self._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            # What was confirmed must outlive a cut of the power too, which less would not promise with a log.
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql(begin)
            yield connection


def open_database(url: str | None, wait_s: float) -> Database:
    """Open the database, making it or bringing it up to date where that is due; for the rest see `open_store`."""
    path = _database_path(url or os.environ.get(DATABASE_VARIABLE))
    _make_directory(path)
    database = Database(path, wait_s)
    _bring_up_to_date(database)
    database.use_write_ahead_log()
    return database


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


def _bring_up_to_date(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", "matching.rounds:migrations")
    with _ALEMBIC_LOCK, database.writing() as connection:
        _check_origin(connection, database.path, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # On a file that may only be read SQLite begins all the same; an attempt to write tells, though it meets no row.
        connection.execute(update(ROUNDS).where(false()).values(revision=0))


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
    except DamagedError as error:
        raise _unusable(path, *_DAMAGED) from error
    except DatabaseError as error:
        # The low byte is the kind of fault; the rest tells variants of it apart.
        kind = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        other = (f"The database of rounds cannot be used ({error.orig}).", _RESTORE)
        raise _unusable(path, *_FAULTS.get(kind, other)) from error


def _unusable(path: Path, message: str, fix: str) -> DataError:
    return DataError([Problem(str(path), None, "", "", message, fix)])
