"""SQLite: all SQL of its own dialect, its transactions, and its faults as problems.

Everything else under `rounds` is SQLAlchemy Core, so that another database needs a file like this one and no other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from matching.errors import DataError, Problem


class DamagedError(Exception):
    """The database returns something else than was stored."""


class Database:
    """One SQLite file and its transactions, whose faults are raised as problems."""

    def __init__(self, path: Path, wait_s: float) -> None:
        self.path = path
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            # Otherwise Python's driver begins transactions by itself, and late.
            connect_args={"timeout": wait_s, "isolation_level": None},
            # One connection for each transaction: between transactions none is open, and one file is the whole backup.
            poolclass=NullPool,
            # Parameters name people and must not reach a log or a traceback.
            hide_parameters=True,
        )

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a transaction that sees the database as at one moment and waits for no writer."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a transaction that may write from its start, so that it never has to be repeated."""
        return self._transaction("BEGIN IMMEDIATE")

    def use_write_ahead_log(self) -> None:
        """Let readers and a writer work at the same time; the setting is kept in the file.

        That needs the file for a moment alone, for which SQLite does not always wait. If another program is using the
        file, the next opening does it: only waiting depends on it, not what is saved.
        """
        with suppress(OperationalError), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with _faults_as_problems(self.path), self._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            # With a write-ahead log, less than FULL can lose confirmed writes in a power cut.
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql(begin)
            yield connection


# ---- tables that only grow -----------------------------------------------------------------------------------------


# A REPLACE fires no trigger on deletion, so an insertion looks for a row with the same key too.
_NEVER_CHANGED = ("events", "plans", "plan_files", "contents")
TRIGGERS_0002 = (
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
        for table in _NEVER_CHANGED
    ),
    *(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never deleted'); END"
        for table in _NEVER_CHANGED
        if table != "contents"
    ),
    "CREATE TRIGGER contents_kept BEFORE DELETE ON contents "
    "WHEN EXISTS (SELECT 1 FROM plan_files WHERE sha256 = OLD.sha256) "
    "OR EXISTS (SELECT 1 FROM sources WHERE sha256 = OLD.sha256) "
    "BEGIN SELECT RAISE(ABORT, 'contents that are used are never deleted'); END",
    "CREATE TRIGGER contents_once BEFORE INSERT ON contents "
    "WHEN EXISTS (SELECT 1 FROM contents WHERE sha256 = NEW.sha256) "
    "BEGIN SELECT RAISE(ABORT, 'contents are kept once'); END",
    *(
        f"CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} "
        f"WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM {table} WHERE round_id = NEW.round_id) "
        f"BEGIN SELECT RAISE(ABORT, '{table} are numbered in order'); END"
        for table in ("events", "plans")
    ),
    # A plan's files go in before the plan itself; from then on it is closed.
    "CREATE TRIGGER plan_files_closed BEFORE INSERT ON plan_files "
    "WHEN EXISTS (SELECT 1 FROM plans WHERE round_id = NEW.round_id AND number = NEW.number) "
    "OR EXISTS (SELECT 1 FROM plan_files WHERE round_id = NEW.round_id AND number = NEW.number AND path = NEW.path) "
    "BEGIN SELECT RAISE(ABORT, 'plans take no more files'); END",
)
"""Statements that close the tables of migration 0002 against changes; like the migration, never edited."""


# ---- faults --------------------------------------------------------------------------------------------------------

ELSEWHERE = "Check the path and that you may write there, or set S2S_DATABASE_URL to another file."
"""What to do about a path that cannot be used."""
_RESTORE = "Move the file away, without deleting it, and put a copy from your backup in its place."
_IN_USE = (
    "The database of rounds was in use by another program or window for too long; nothing was saved.",
    "Try again in a moment; if it happens again, close the other program.",
)
_READ_ONLY = ("The database of rounds can be read but not written.", ELSEWHERE)
_DAMAGED = ("The file is damaged, or is not a database of rounds.", _RESTORE)
_FAULTS = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: ("The database of rounds cannot be opened or made here.", ELSEWHERE),
    sqlite3.SQLITE_FULL: ("The disk is full; nothing was saved.", "Free some space on it and try again."),
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}


@contextmanager
def _faults_as_problems(path: Path) -> Iterator[None]:
    """Raise the faults of SQLite as problems; a broken constraint is a defect of this program and passes unchanged."""
    try:
        yield
    except IntegrityError:
        raise
    except DamagedError as error:
        raise unusable(path, *_DAMAGED) from error
    except DatabaseError as error:
        # The low byte is the kind of fault; the other bytes are its variant.
        kind = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        other = (f"The database of rounds cannot be used ({error.orig}).", _RESTORE)
        raise unusable(path, *_FAULTS.get(kind, other)) from error


def unusable(path: Path, message: str, fix: str) -> DataError:
    """Return the problem of a database file that cannot be used."""
    return DataError([Problem(str(path), None, "", "", message, fix)])
