"""SQLite: all SQL of its own dialect, its transactions, and its faults as problems.

Everything else under `rounds` is SQLAlchemy Core, so that another database needs a file like this one and no other.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from matching.errors import DataError, Problem


class DamagedError(Exception):
    """The database returns something else than was stored."""


class Database:
    """One SQLite file and its transactions, whose faults are raised as problems."""

    def __init__(self, path: Path, wait_s: float, *, new_for: Path | None = None) -> None:
        """Prepare the transactions of a file.

        Parameters
        ----------
        path : Path
            Absolute.
        wait_s : float
            How long to wait for another writer, in seconds.
        new_for : Path, optional
            The file is new and will get this name, which problems give; otherwise it has to be there.
        """
        self.path = new_for or path
        self._is_new = new_for is not None
        mode = {"uri": "true", "mode": "rwc" if self._is_new else "rw"}
        self._engine = create_engine(
            URL.create("sqlite", database=_address(path), query=mode),
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

    def compact(self) -> None:
        """Write the whole file again, so that nothing that was erased is left in it or beside it.

        Raises
        ------
        DataError
            Another program is using the file, or there is no room for a second one. What was erased stays erased.
        """
        try:
            _check_present(self.path)
            with _faults_as_problems(self.path), self._engine.connect() as connection:
                connection.exec_driver_sql("VACUUM")
                # The first column is 1 where another program still reads what the log holds.
                is_read = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        except DataError as error:
            raise unusable(self.path, *_TRACES) from error
        if is_read:
            raise unusable(self.path, *_TRACES)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        if not self._is_new:
            _check_present(self.path)
        with _faults_as_problems(self.path), self._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            # With a write-ahead log, less than FULL can lose confirmed writes in a power cut.
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            # What is erased names people: its place in the file is overwritten.
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.exec_driver_sql(begin)
            yield connection


def _address(path: Path) -> str:
    """Return a path as an address that SQLite reads: with a mode, it makes no empty file where one is missing."""
    written = os.fsencode(path.as_posix())
    return f"file://{quote(written if written.startswith(b'/') else b'/' + written)}"


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

TRIGGERS_0003 = (
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
        for table in ("sources", "event_files")
    ),
    *(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never deleted'); END"
        for table in ("sources", "event_files")
    ),
    # The files that a round begins with go in before its first event.
    "CREATE TRIGGER sources_closed BEFORE INSERT ON sources "
    "WHEN EXISTS (SELECT 1 FROM events WHERE round_id = NEW.round_id) "
    "BEGIN SELECT RAISE(ABORT, 'rounds that have begun take no more sources'); END",
    # They go in with their event, which is the last one of its round.
    "CREATE TRIGGER event_files_closed BEFORE INSERT ON event_files "
    "WHEN NEW.number <> (SELECT max(number) FROM events WHERE round_id = NEW.round_id) "
    "OR EXISTS (SELECT 1 FROM event_files "
    "WHERE round_id = NEW.round_id AND number = NEW.number AND table_name = NEW.table_name) "
    "BEGIN SELECT RAISE(ABORT, 'events take no more files'); END",
    "DROP TRIGGER contents_kept",
    "CREATE TRIGGER contents_kept BEFORE DELETE ON contents "
    "BEGIN SELECT RAISE(ABORT, 'contents are never deleted'); END",
)
"""Statements that close the tables of migration 0003 against changes; like the migration, never edited."""


@contextmanager
def erasable(connection: Connection) -> Iterator[None]:
    """Lift what closes the tables against changes, within a transaction, and close them again after."""
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name").all()
    for name, _ in found:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, statement in found:
        connection.exec_driver_sql(statement)


# ---- faults --------------------------------------------------------------------------------------------------------

ELSEWHERE = "Check the path and that you may write there, or set S2S_DATABASE_URL to another file."
"""What to do about a path that cannot be used."""
_IN_USE = (
    "The database of rounds was in use by another program or window for too long; nothing was saved.",
    "Try again in a moment; if it happens again, close the other program.",
)
_TRACES = (
    "The details are erased and are shown nowhere, but the file could not be written anew: traces may be left in it.",
    "Close other windows and programs that use it, free some space, and erase once more.",
)
_READ_ONLY = (
    "The database of rounds can be read but not written; nothing was saved.",
    "Check that you may write to the file and to its directory, or copy it to where you may write and set "
    "S2S_DATABASE_URL to the copy.",
)
_UNREADABLE_DISK = (
    "The disk with the database of rounds could not be read or written; nothing was saved. As far as is known, the "
    "database is not damaged.",
    "Free some space, check your quota and that the disk or network drive is connected, and try again. Keep the file "
    "as it is.",
)
_DAMAGED = "The file is damaged, or is not a database of rounds."
_OTHER_TABLES = (
    "The tables of the database are not as this program left them ({fault}); nothing was saved.",
    "If another program has changed the file, keep it under another name and put a copy from your backup in its "
    "place. Otherwise report this.",
)
_NO_MEMORY = ("The memory of this machine was not enough; nothing was saved.", "Close other programs and try again.")
_INTERRUPTED = ("Saving was interrupted; nothing was saved.", "Try again in a moment.")
_OTHER = (
    "The database of rounds could not be used ({fault}); nothing was saved.",
    "Try again. If it happens again, keep the file as it is and report this.",
)
_FAULTS = {
    sqlite3.SQLITE_ERROR: _OTHER_TABLES,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_ABORT: _INTERRUPTED,
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_READONLY_DBMOVED: (
        "The database of rounds was moved, renamed or replaced while it was in use; nothing was saved.",
        "Put it back in its place and try again.",
    ),
    sqlite3.SQLITE_INTERRUPT: _INTERRUPTED,
    sqlite3.SQLITE_IOERR: _UNREADABLE_DISK,
    sqlite3.SQLITE_IOERR_CORRUPTFS: (
        "The file system of the disk is damaged; nothing was saved.",
        "Copy the database of rounds to another disk, have this one checked, and set S2S_DATABASE_URL to the copy.",
    ),
    sqlite3.SQLITE_IOERR_NOMEM: _NO_MEMORY,
    sqlite3.SQLITE_FULL: ("The disk is full; nothing was saved.", "Free some space on it and try again."),
    sqlite3.SQLITE_CANTOPEN: (
        "The database of rounds cannot be opened or made here.",
        "Check the path, your right to write there and the space on the disk, or set S2S_DATABASE_URL to another file.",
    ),
    sqlite3.SQLITE_PROTOCOL: _IN_USE,
    sqlite3.SQLITE_SCHEMA: (
        "The tables of the database were changed by another program meanwhile; nothing was saved.",
        "Close the other program and try again.",
    ),
    sqlite3.SQLITE_TOOBIG: (
        "A file or text is larger than the database can hold; nothing was saved.",
        "Make it smaller.",
    ),
    sqlite3.SQLITE_NOLFS: (
        "The database of rounds is larger than this disk can hold in one file; nothing was saved.",
        "Move it to another disk and set S2S_DATABASE_URL to the new place.",
    ),
}
"""By code: what happened and what to do. A code with a variant of its own takes precedence over its kind.

SQLite's other kinds are defects of a program, and `_OTHER` is true of them; CORRUPT and NOTADB are damage to the file.
"""
_DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def _faults_as_problems(path: Path) -> Iterator[None]:
    """Raise the faults of SQLite as problems; a broken constraint is a defect of this program and passes unchanged."""
    try:
        yield
    except IntegrityError:
        raise
    except DamagedError as error:
        raise _damaged(path) from error
    except MemoryError as error:  # the driver's form of NOMEM
        raise unusable(path, *_NO_MEMORY) from error
    except DatabaseError as error:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_INTERNAL)
        kind = code & 0xFF
        if kind in _DAMAGES:
            raise _damaged(path) from error
        message, fix = _FAULTS.get(code) or _FAULTS.get(kind, _OTHER)
        raise unusable(path, message.format(fault=error.orig), fix) from error


def unusable(path: Path, message: str, fix: str) -> DataError:
    """Return the problem of a database file that cannot be used."""
    return DataError([Problem(str(path), None, "", "", message, fix)])


# ---- files that are missing, empty or cut short --------------------------------------------------------------------

_MAGIC = b"SQLite format 3\0"


def check_absent(path: Path) -> None:
    """Refuse to begin a new database next to the journal of one that was here.

    Raises
    ------
    DataError
    """
    if names := _journals(path):
        message = f"The database of rounds is missing, but {names} is still there with changes of it."
        fix = f"Put {path.name} back. If you do not need it, move {names} away to begin without rounds."
        raise unusable(path, message, fix)


def _check_present(path: Path) -> None:
    """Refuse a file that is missing or empty; to SQLite either is a new database."""
    if path.is_dir():
        return  # its size means nothing
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        message = "The database of rounds is no longer there: it was moved, renamed or deleted; nothing was saved."
        raise unusable(path, message, "Put it back in its place and try again.") from error
    except OSError:
        return  # SQLite finds the fault that it names best
    if size == 0:
        message = "The file is empty, so no round can be read from it; nothing was changed."
        fix = f"If it held rounds, {_restore(path)} If it never did, delete it to begin with a new one."
        raise unusable(path, message, fix)
    # SQLite takes a file of a few bytes for a new database, and finds missing pages only when it reads them.
    if size < _SMALLEST_PAGE or size < _stated_size(path):
        raise _damaged(path)


_SMALLEST_PAGE = 512


def _stated_size(path: Path) -> int:
    """Return the size in bytes that the header of a database file states; 0 where it states none."""
    with suppress(OSError), path.open("rb") as file:
        header = file.read(100)
        # The number of pages holds only where the file was last changed by a program that writes it.
        if header.startswith(_MAGIC) and len(header) == 100 and header[24:28] == header[92:96]:
            # Bytes 16 and 17 hold the size of a page (1 is 65,536), bytes 28 to 31 the number of pages.
            page_size = int.from_bytes(header[16:18], "big")
            return (65_536 if page_size == 1 else page_size) * int.from_bytes(header[28:32], "big")
    return 0


def _damaged(path: Path) -> DataError:
    """Return the problem of a damaged file; one that is shorter than its header states was cut short."""
    message, stated = _DAMAGED, _stated_size(path)
    with suppress(OSError):
        size = path.stat().st_size
        if size < stated:
            message = f"The file was cut short: {size:,} of its {stated:,} bytes are there. Nothing was changed."
    restore = _restore(path)
    return unusable(path, message, restore[0].upper() + restore[1:])


def _restore(path: Path) -> str:
    # SQLite would read a journal that is left behind as one of the copy.
    names = _journals(path)
    together = f" together with {names}" if names else ""
    return f"move the file away{together}, without deleting it, and put a copy from your backup in its place."


def _journals(path: Path) -> str:
    """Return the names of the files next to a database that may hold changes of it, in words; blank without one."""
    names = []
    for suffix in ("-journal", "-wal"):
        beside = path.with_name(path.name + suffix)
        with suppress(OSError):
            names += [beside.name] if beside.stat().st_size else []
    return " and ".join(names)
