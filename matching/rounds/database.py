"""The database of rounds: where it is, and opening it with its tables brought up to date."""

import os
import re
import secrets
import threading
from contextlib import closing, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from platformdirs import user_data_path
from sqlalchemy import Connection, false, inspect, update

from matching.errors import DataError, Problem
from matching.rounds.storage.schema import ROUNDS
from matching.rounds.storage.sqlite import ELSEWHERE, Database, check_absent, unusable

DATABASE_VARIABLE = "S2S_DATABASE_URL"

# SQLAlchemy's form of an address, without servers, settings and databases in memory.
_ADDRESS = r"sqlite(\+pysqlite)?:///(?!:memory:$)(?P<path>[^?]+)"


def open_database(url: str | None, wait_s: float) -> Database:
    """Open the database as `open_store` describes: make it, or bring it up to date, where needed."""
    path = _database_path(url or os.environ.get(DATABASE_VARIABLE))
    _make_directory(path)
    try:
        path.stat()
    except FileNotFoundError:
        _make_database(path, wait_s)
    except OSError:
        pass  # SQLite finds the fault that it names best
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
        # The rounds name people, so only the user may read a directory that is made for them.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, f"The directory for the rounds cannot be made ({_reason(error)}).", ELSEWHERE) from error


def _reason(error: OSError) -> str:
    return (error.strerror or "no reason given").lower()


def _make_database(path: Path, wait_s: float) -> None:
    """Make a new database under another name and then put it in place, so that an empty file is never a new one."""
    check_absent(path)
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        with closing(Database(fresh, wait_s, new_for=path)) as database:
            _bring_up_to_date(database)
        _put_in_place(fresh, target)
    except OSError as error:
        raise unusable(path, f"The database of rounds cannot be made here ({_reason(error)}).", ELSEWHERE) from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def _put_in_place(fresh: Path, path: Path) -> None:
    """Give a new database its name, unless another window was faster: then its database is used."""
    with suppress(FileExistsError):
        try:
            os.link(fresh, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            fresh.replace(path)


# Alembic keeps the database that it works on in globals of its own.
_ALEMBIC_LOCK = threading.Lock()


def _bring_up_to_date(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", "matching.rounds.storage:migrations")
    with _ALEMBIC_LOCK, database.writing() as connection:
        _check_origin(connection, database.path, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # A transaction begins in a file that is read-only too; only an attempt to write fails, even one of no row.
        connection.execute(update(ROUNDS).where(false()).values(revision=0))


def _check_origin(connection: Connection, path: Path, scripts: ScriptDirectory) -> None:
    """Refuse a database of a newer version or of another program before anything in it is touched."""
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := sorted(found - known):
        message = "The rounds were saved by a newer version of this program; nothing was changed."
        # A revision names the first version of the program that has it, as in 0003_since_0.2.0.
        since = re.search(r"_since_(\d+(?:\.\d+)*)$", unknown[-1])
        needed = f"version {since[1]} or later" if since else "the newest version"
        raise unusable(path, message, f"Install {needed}, or set {DATABASE_VARIABLE} to another file.")
    if not found and inspect(connection).get_table_names():
        message = "This is the database of another program; nothing was changed."
        raise unusable(path, message, f"Set {DATABASE_VARIABLE} to another file.")
