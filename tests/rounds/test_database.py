import os
import re
import sqlite3
import stat
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from depth import cases
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from stores import FILES, OTHER_FILES, SOURCES, held, kinds_of, only_problem, opened, pin, raw, start_with_one_round

from matching.errors import DataError
from matching.plan.as_bytes import zip_bytes
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.history.events import new_event
from matching.rounds.storage.schema import SCHEMA
from matching.rounds.store import RoundStore, open_store
from matching.tables.files import Source


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


# From the first version


FIRST_VERSION = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE rounds (
    round_id VARCHAR NOT NULL, name VARCHAR NOT NULL, created_at VARCHAR NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (round_id)
);
CREATE TABLE sources (
    round_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, file_name VARCHAR NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (round_id, table_name), FOREIGN KEY(round_id) REFERENCES rounds (round_id)
);
CREATE TABLE plan_files (
    round_id VARCHAR NOT NULL, path VARCHAR NOT NULL, position INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (round_id, path), FOREIGN KEY(round_id) REFERENCES rounds (round_id)
);
"""


def of_the_first_version(path: Path) -> None:
    """A database as the first version left it: a round with a plan, and one without."""
    with raw(path) as connection:
        connection.executescript(FIRST_VERSION)
        connection.execute("PRAGMA journal_mode = WAL")
        for round_id, name, revision in (("a" * 16, "Autumn 'é'", 7), ("b" * 16, "Spring", 1)):
            row = (round_id, name, "2026-05-01T09:00:00.000123+00:00", revision)
            connection.execute("INSERT INTO rounds VALUES (?, ?, ?, ?)", row)
            for table, source in SOURCES.items():
                row = (round_id, table, source.name, source.content)
                connection.execute("INSERT INTO sources VALUES (?, ?, ?, ?)", row)
        for position, (name, content) in enumerate(FILES.items()):
            connection.execute("INSERT INTO plan_files VALUES (?, ?, ?, ?)", ("a" * 16, name, position, content))


def test_a_database_of_the_first_version_is_brought_up_to_date_without_loss(path):
    of_the_first_version(path)
    with opened(path) as store:
        allocated, begun = held(store, "a" * 16), held(store, "b" * 16)
        assert (allocated.name, allocated.revision, allocated.sources) == ("Autumn 'é'", 7, SOURCES)
        assert zip_bytes(allocated.files) == zip_bytes(FILES)
        assert (kinds_of(allocated), kinds_of(begun)) == (["created", "plan"], ["created"])
        assert allocated.events[0].about == {"name": "Autumn 'é'"}
        assert (begun.sources, begun.files, begun.plans, begun.current) == (SOURCES, None, (), None)
        assert [one.note for one in allocated.plans] == [
            "Made before plans were numbered; the time is that of the round."
        ]
        assert [(one.name, one.allocated) for one in store.list()] == [("Autumn 'é'", True), ("Spring", False)]
        latest = store.save_plan(store.record(allocated, [pin()]), OTHER_FILES)
        assert (latest.current, store.plan_files("a" * 16, 1)) == (2, FILES)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SCHEMA) == []
    engine.dispose()


def test_a_database_that_cannot_be_brought_up_to_date_stays_as_it_was(path):
    of_the_first_version(path)
    with raw(path) as connection:
        connection.execute("ALTER TABLE plan_files RENAME COLUMN position TO place")
    with pytest.raises(DataError, match="not as this program left them"):
        open_store(f"sqlite:///{path}")
    with raw(path) as connection:
        connection.execute("ALTER TABLE plan_files RENAME COLUMN place TO position")
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("SELECT count(*) FROM plan_files").fetchone() == (len(FILES),)
    with opened(path) as store:
        assert held(store, "a" * 16).files == FILES


# Databases that cannot be used


def test_a_database_of_a_newer_version_is_left_as_it_is(path):
    begun = start_with_one_round(path)
    with raw(path) as connection:
        (ours,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    for revision, needed in (("9999", "the newest version"), ("9999_since_2.10.0", "version 2.10.0 or later")):
        with raw(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        before = path.read_bytes()
        problem = only_problem(path)
        assert problem.message == "The rounds were saved by a newer version of this program; nothing was changed."
        assert problem.fix.startswith(f"Install {needed}, or set")
        assert path.read_bytes() == before
    with raw(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [ours])
    with opened(path) as store:
        assert held(store, begun.round_id) == begun


def test_a_database_of_another_program_is_left_as_it_is(path):
    with raw(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    assert only_problem(path).message == "This is the database of another program; nothing was changed."
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_as_it_is(path):
    path.write_bytes(b"Dear colleague, " * 1000)
    problem = only_problem(path)
    assert problem.message == "The file is damaged, or is not a database of rounds."
    assert problem.fix.startswith("Move the file away, without deleting it")
    assert path.read_bytes() == b"Dear colleague, " * 1000


def test_a_database_that_was_cut_short_is_damaged(path):
    with opened(path) as store:
        store.create("Autumn", {"schools": Source("schools.csv", bytes(100_000))})
    whole = path.read_bytes()
    path.write_bytes(whole[: 2 * 4096])
    problem = only_problem(path)
    assert (
        problem.message == f"The file was cut short: 8,192 of its {len(whole):,} bytes are there. Nothing was changed."
    )
    assert problem.fix == "Move the file away, without deleting it, and put a copy from your backup in its place."
    assert path.read_bytes() == whole[: 2 * 4096]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A sound database, as bytes."""
    path = tmp_path_factory.mktemp("whole") / "rounds.db"
    start_with_one_round(path)
    return path.read_bytes()


@cases(25)
@example(1)
@example(0.999)
@given(st.one_of(st.integers(0, 200), st.floats(0, 1, exclude_max=True)))
def test_however_much_is_missing_it_is_never_taken_for_a_new_database(tmp_path_factory, whole, kept):
    path = tmp_path_factory.mktemp("cut") / "rounds.db"
    kept = kept if isinstance(kept, int) else int(kept * len(whole))
    path.write_bytes(whole[:kept])
    message = only_problem(path).message
    assert "is empty" in message if kept == 0 else re.search("cut short|is damaged", message)
    assert path.read_bytes() == whole[:kept]


def test_an_empty_file_is_not_a_new_database(path):
    path.write_bytes(b"")
    problem = only_problem(path)
    assert problem.message == "The file is empty, so no round can be read from it; nothing was changed."
    assert problem.fix.startswith("If it held rounds, move the file away, without deleting it, and put a copy")
    assert problem.fix.endswith("If it never did, delete it to begin with a new one.")
    assert [(one.name, one.stat().st_size) for one in path.parent.iterdir()] == [("rounds.db", 0)]


def test_a_journal_beside_a_file_that_is_empty_damaged_or_gone_is_named_and_kept(path):
    begun = start_with_one_round(path)
    journal = path.with_name("rounds.db-wal")
    with opened(path) as store, raw(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM rounds").fetchall()
        store.rename(begun, "Spring")
        whole, newest = path.read_bytes(), journal.read_bytes()
    assert newest
    path.write_bytes(b"")
    journal.write_bytes(newest)
    assert "move the file away together with rounds.db-wal, without deleting it" in only_problem(path).fix
    path.unlink()
    problem = only_problem(path)
    assert problem.message.startswith(
        "The database of rounds is missing, but rounds.db-wal is still there with changes of it."
    )
    assert problem.fix.startswith("Put rounds.db back.")
    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [("rounds.db-wal", newest)]
    path.write_bytes(whole)
    with opened(path) as store:
        assert held(store, begun.round_id).name == "Spring"


@pytest.mark.parametrize(
    ("spoil", "words"), [(Path.unlink, "is no longer there"), (lambda path: path.write_bytes(b""), "The file is empty")]
)
def test_a_file_that_is_lost_while_the_app_runs_is_said_so_and_no_other_is_made(store, path, spoil, words):
    begun = store.create("Autumn", SOURCES)
    content = path.read_bytes()
    spoil(path)
    for attempt in (store.list, lambda: store.get(begun.round_id), lambda: store.create("Spring", {})):
        with pytest.raises(DataError, match=words):
            attempt()
    assert not path.exists() or path.stat().st_size == 0
    path.write_bytes(content)
    assert held(store, begun.round_id) == begun


def test_a_new_database_takes_its_place_whole_on_a_disk_without_hard_links_too(path, monkeypatch):
    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    begun = start_with_one_round(path)
    with opened(path) as store:
        assert held(store, begun.round_id) == begun
    assert [one.name for one in path.parent.iterdir()] == ["rounds.db"]


def test_a_database_that_is_damaged_while_it_is_open_is_said_so(store, path):
    begun = store.create("Autumn", {"schools": Source("schools.csv", bytes(100_000))})
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    for attempt in (store.list, lambda: store.get(begun.round_id), lambda: store.save_plan(begun, FILES)):
        with pytest.raises(DataError, match="The file is damaged"):
            attempt()


@pytest.mark.parametrize("spoil", ["UPDATE contents SET content = x'00'", "UPDATE events SET about = '{'"])
def test_a_database_that_gives_back_something_else_is_damaged(store, path, spoil):
    begun = store.create("Autumn", SOURCES)
    with raw(path) as connection:
        connection.executescript("DROP TRIGGER contents_stay; DROP TRIGGER events_stay;")
        connection.execute(spoil)
    with pytest.raises(DataError, match="The file is damaged"):
        store.get(begun.round_id)


def test_a_database_whose_tables_are_gone_is_said_so(store, path):
    with raw(path) as connection:
        connection.execute("DROP TABLE rounds")
    with pytest.raises(DataError, match=r"not as this program left them \(no such table: rounds\)"):
        store.list()


def test_a_full_disk_is_said_so_and_loses_nothing(store, path, monkeypatch):
    begun = store.create("Autumn", SOURCES)
    connect = sqlite3.connect

    def connect_to_a_full_disk(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("sqlite3.dbapi2.connect", connect_to_a_full_disk)
        with pytest.raises(DataError, match=r"The disk is full; nothing was saved\. Free some space"):
            store.save_sources(begun, {"schools": Source("schools.csv", bytes(1_000_000))})
        with pytest.raises(DataError, match="The disk is full"):
            store.record(begun, [new_event("note", by="", need_id="N1", text="x" * 4_000)] * 20)
    assert held(store, begun.round_id) == begun


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on a process")
def test_a_used_up_quota_is_said_so_and_no_backup_is_advised(store, path):
    import resource  # there is none on Windows

    begun = store.create("Autumn", SOURCES)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(DataError, match="could not be read or written; nothing was saved") as caught:
            store.save_sources(begun, {"schools": Source("schools.csv", os.urandom(1_000_000))})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (problem,) = caught.value.problems
    assert "the database is not damaged" in problem.message
    assert problem.fix.startswith("Free some space, check your quota")
    assert "backup" not in problem.fix
    assert held(store, begun.round_id) == begun


KINDS_OF_FAULT = {
    "SQLITE_ERROR": "not as this program left them .* keep it under another name",
    "SQLITE_PERM": "can be read but not written",
    "SQLITE_ABORT": "interrupted; nothing was saved",
    "SQLITE_BUSY": "in use by another program",
    "SQLITE_BUSY_SNAPSHOT": "in use by another program",
    "SQLITE_LOCKED": "in use by another program",
    "SQLITE_READONLY": "can be read but not written",
    "SQLITE_READONLY_DIRECTORY": "can be read but not written; nothing was saved. Check .* its directory",
    "SQLITE_READONLY_DBMOVED": "moved, renamed or replaced .* Put it back",
    "SQLITE_INTERRUPT": "interrupted; nothing was saved",
    "SQLITE_IOERR": "not damaged. Free some space",
    "SQLITE_IOERR_WRITE": "not damaged. Free some space",
    "SQLITE_IOERR_SHMSIZE": "not damaged. Free some space",
    "SQLITE_IOERR_NOMEM": "memory of this machine",
    "SQLITE_IOERR_CORRUPTFS": "file system of the disk is damaged",
    "SQLITE_CORRUPT": "damaged, or is not a database .* backup",
    "SQLITE_NOTADB": "damaged, or is not a database .* backup",
    "SQLITE_FULL": "The disk is full; nothing was saved. Free some space",
    "SQLITE_CANTOPEN": "cannot be opened or made here. Check the path",
    "SQLITE_PROTOCOL": "in use by another program",
    "SQLITE_SCHEMA": "changed by another program",
    "SQLITE_TOOBIG": "larger than the database can hold",
    "SQLITE_NOLFS": "larger than this disk can hold",
    "SQLITE_INTERNAL": "could not be used .* keep the file as it is and report this",
    "SQLITE_AUTH": "could not be used .* keep the file as it is and report this",
}


@pytest.mark.parametrize("kind", KINDS_OF_FAULT)
def test_each_fault_of_the_database_has_its_sentence_and_only_damage_calls_for_a_backup(store, monkeypatch, kind):
    begun = store.create("Autumn", SOURCES)
    fault = sqlite3.OperationalError("as SQLite says it")
    fault.sqlite_errorcode = getattr(sqlite3, kind)

    class FaultyCursor(sqlite3.Cursor):
        def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:
            if statement.startswith("INSERT"):
                raise fault
            return super().execute(statement, *parameters)

    class FaultyConnection(sqlite3.Connection):
        def cursor(self, *args: object) -> sqlite3.Cursor:
            return super().cursor(FaultyCursor)

    connect = sqlite3.connect
    with monkeypatch.context() as patched:
        patched.setattr(
            "sqlite3.dbapi2.connect", lambda *args, **options: connect(*args, **options, factory=FaultyConnection)
        )
        with pytest.raises(DataError, match=KINDS_OF_FAULT[kind]) as caught:
            store.record(begun, [pin()])
    (problem,) = caught.value.problems
    assert ("backup" in problem.fix) == (kind in ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR"))
    assert held(store, begun.round_id) == begun


def test_too_little_memory_is_said_so(store, monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("sqlite3.dbapi2.connect", fail)
        with pytest.raises(DataError, match=r"memory of this machine was not enough; nothing was saved\. Close other"):
            store.list()


def test_a_database_that_may_only_be_read_is_said_so(path):
    start_with_one_round(path)
    content = bytearray(path.read_bytes())
    # By its file format SQLite only reads a file whose write version is above 2; unlike permissions, this binds root.
    content[18] = 3
    path.write_bytes(content)
    problem = only_problem(path)
    assert problem.message == "The database of rounds can be read but not written; nothing was saved."
    assert problem.fix.startswith("Check that you may write to the file and to its directory")
    assert path.read_bytes() == content


permissions_bind = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user"
)


@permissions_bind
def test_a_file_without_the_right_to_write_is_said_so(path):
    start_with_one_round(path)
    path.chmod(0o400)
    assert only_problem(path).message == "The database of rounds can be read but not written; nothing was saved."


@permissions_bind
def test_a_directory_without_the_right_to_write_is_said_so(tmp_path):
    directory = tmp_path / "locked"
    directory.mkdir(mode=0o500)
    assert only_problem(directory / "rounds.db").message == "The database of rounds cannot be opened or made here."
    assert "(permission denied)" in only_problem(directory / "below" / "rounds.db").message


def test_a_directory_in_the_place_of_the_file_is_said_so(path):
    path.mkdir()
    problem = only_problem(path)
    assert problem.message == "The database of rounds cannot be opened or made here."
    assert DATABASE_VARIABLE in problem.fix


def test_a_directory_that_cannot_be_made_is_said_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    problem = only_problem(tmp_path / "file" / "below" / "rounds.db")
    assert problem.message.startswith("The directory for the rounds cannot be made (")


# Where the database is


def test_the_address_is_taken_from_the_environment(path, monkeypatch):
    begun = start_with_one_round(path)
    monkeypatch.setenv(DATABASE_VARIABLE, f"sqlite:///{path}")
    with closing(open_store()) as store:
        assert held(store, begun.round_id) == begun


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep user data elsewhere")
def test_without_an_address_the_users_own_data_directory_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv(DATABASE_VARIABLE, "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with closing(open_store()) as store:
        store.create("Autumn", SOURCES)
    directory = tmp_path / "school-support-matching"
    assert [one.name for one in directory.iterdir()] == ["rounds.db"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_relative_address_stays_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(open_store("sqlite:///our%20rounds #é.db")) as store:
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        store.create("Autumn", SOURCES)
        assert len(store.list()) == 1
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["below", "our%20rounds #é.db"]


@pytest.mark.parametrize(
    "url",
    [
        "rounds.db",
        "sqlite://",
        "sqlite:///",
        "sqlite://home/me/rounds.db",
        "sqlite:///:memory:",
        "sqlite:///rounds.db?mode=ro",
        "sqlite:///rounds?.db",
        "sqlite+aiosqlite:///rounds.db",
        "postgresql://coordinator:secret@server/rounds",
        "postgresql://coordinator:secret@server:port/rounds",
    ],
)
def test_other_addresses_are_refused_without_showing_them(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"not that of an SQLite file\. Give one like sqlite:///") as caught:
        open_store(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert list(tmp_path.iterdir()) == []
