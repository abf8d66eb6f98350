import json
import logging
import os
import sqlite3
import stat
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from matching.errors import DataError, Problem
from matching.export import zip_bytes
from matching.files import Source
from matching.rounds import DATABASE_VARIABLE, SCHEMA, Round, RoundStore, StaleRoundError, open_store

EVERY_BYTE = bytes(range(256))
SOURCES = {
    "supporters": Source("our leaders (é).xlsx", b"PK\x03\x04" + EVERY_BYTE),
    "schools": Source("schools.csv", b"\xef\xbb\xbfurn,name\r\n001,NA\r\n"),
    "needs": Source("needs.csv", b"need_id\n"),
    "policy": Source("policy.toml", b"[weights]\nspecialism = 0.6\n"),
}
FILES = {
    "unmet.csv": b"\xef\xbb\xbfneed_id\n",
    "plan.csv": b"\xef\xbb\xbfneed_id\nN1\n",
    "manifest.json": json.dumps({"status": "optimal"}).encode(),
    "inputs/needs.csv": EVERY_BYTE,
    "inputs/empty.csv": b"",
}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


def opened(path: Path, *, wait_s: float = 10.0) -> closing[RoundStore]:
    return closing(open_store(f"sqlite:///{path}", wait_s=wait_s))


def held(store: RoundStore, round_id: str) -> Round:
    found = store.get(round_id)
    assert found is not None
    return found


def only_problem(path: Path, *, wait_s: float = 10.0) -> Problem:
    """The one problem that opening this file reports."""
    with pytest.raises(DataError) as caught:
        open_store(f"sqlite:///{path}", wait_s=wait_s)
    (problem,) = caught.value.problems
    assert problem.table == str(path)
    assert problem.fix.endswith(".")
    return problem


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as another program sees it."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


def start_with_one_round(path: Path) -> Round:
    with opened(path) as store:
        return store.create("Autumn", SOURCES)


# Keeping and giving back


def test_a_new_database_holds_no_round(store):
    assert store.list() == ()
    assert store.get("0123456789abcdef") is None


def test_sources_come_back_to_the_byte(store):
    begun = store.create("Autumn", SOURCES)
    assert store.get(begun.round_id) == begun
    assert (begun.name, begun.sources, begun.files) == ("Autumn", SOURCES, None)


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.sampled_from(list(SOURCES)), st.binary()))
def test_any_name_and_any_bytes_come_back(tmp_path_factory, name, contents):
    sources = {table: Source(name, content) for table, content in contents.items()}
    with opened(tmp_path_factory.getbasetemp() / "any.db") as store:
        begun = store.create(name, sources)
        assert held(store, begun.round_id) == begun


def test_a_plan_comes_back_to_the_byte_and_in_order(store):
    begun = store.create("Autumn", SOURCES)
    allocated = store.save_plan(begun, FILES)
    found = held(store, begun.round_id)
    assert found == allocated
    assert zip_bytes(found.files) == zip_bytes(FILES)
    assert found.sources == SOURCES


def test_a_plan_takes_the_place_of_an_earlier_one(store):
    first = store.save_plan(store.create("Autumn", SOURCES), FILES)
    store.save_plan(first, {"plan.csv": b"need_id\n"})
    assert held(store, first.round_id).files == {"plan.csv": b"need_id\n"}


def test_a_plan_can_bring_the_sources_that_it_was_made_from(store):
    begun = store.create("Autumn", SOURCES)
    sources = {"needs": SOURCES["needs"], "policy": Source("policy.toml", b"")}
    allocated = store.save_plan(begun, FILES, sources=sources)
    assert held(store, begun.round_id) == allocated
    assert (allocated.sources, allocated.files) == (sources, FILES)


def test_saving_sources_replaces_them_and_drops_the_plan(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    changed = store.save_sources(allocated, {"needs": Source("other.csv", b"need_id\nN2\n")})
    assert held(store, allocated.round_id) == changed
    assert changed.sources == {"needs": Source("other.csv", b"need_id\nN2\n")}
    assert changed.files is None


def test_saving_the_same_sources_drops_the_plan_too(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    store.save_sources(allocated, SOURCES)
    found = held(store, allocated.round_id)
    assert (found.sources, found.files) == (SOURCES, None)


def test_one_round_leaves_the_others_alone(store):
    first, second = store.create("Autumn", SOURCES), store.create("Spring", {})
    store.save_sources(store.save_plan(first, FILES), {})
    assert held(store, second.round_id) == second


def test_a_round_does_not_change_with_the_mapping_that_it_was_made_from(store):
    sources, files = dict(SOURCES), dict(FILES)
    allocated = store.save_plan(store.create("Autumn", sources), files)
    sources.clear()
    files.clear()
    assert (allocated.sources, allocated.files) == (SOURCES, FILES)


def test_the_time_is_in_utc(store):
    begun = store.create("Autumn", {})
    created_at = held(store, begun.round_id).created_at
    assert created_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=1)


def test_identifiers_are_random(store):
    identifiers = {store.create("Autumn", {}).round_id for _ in range(20)}
    assert len(identifiers) == 20
    assert all(len(one) == 16 and one.isalnum() for one in identifiers)


def test_rounds_survive_closing_and_opening_again(path):
    with opened(path) as store:
        allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    with opened(path) as store:
        assert held(store, allocated.round_id) == allocated


def test_at_rest_the_database_is_one_file(path):
    start_with_one_round(path)
    assert [one.name for one in path.parent.iterdir()] == ["rounds.db"]


def test_the_list_has_the_newest_first_and_says_which_are_allocated(store):
    autumn, spring, summer = (store.create(name, SOURCES) for name in ("Autumn", "Spring", "Summer"))
    store.save_plan(spring, FILES)
    assert [(one.round_id, one.name, one.created_at, one.allocated) for one in store.list()] == [
        (summer.round_id, "Summer", summer.created_at, False),
        (spring.round_id, "Spring", spring.created_at, True),
        (autumn.round_id, "Autumn", autumn.created_at, False),
    ]


def test_the_migrations_leave_the_tables_that_the_code_uses(path):
    start_with_one_round(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SCHEMA) == []
    engine.dispose()


# Two windows


def test_a_stale_edit_is_refused_and_loses_nothing(store, path):
    begun = store.create("Autumn", SOURCES)
    with opened(path) as other_window:
        allocated = other_window.save_plan(begun, FILES)
    with pytest.raises(StaleRoundError, match=r"changed in another window .* Open the round again"):
        store.save_sources(begun, {})
    with pytest.raises(StaleRoundError):
        store.save_plan(begun, {"plan.csv": b""}, sources={})
    assert held(store, begun.round_id) == allocated


def test_an_edit_goes_on_from_what_the_last_one_returned(store):
    latest = store.create("Autumn", {})
    for revision in range(1, 5):
        assert latest.revision == revision
        latest = store.save_sources(latest, SOURCES)
    assert held(store, latest.round_id) == latest


def test_an_edit_of_a_round_of_another_database_is_refused(store, tmp_path):
    elsewhere = start_with_one_round(tmp_path / "other.db")
    with pytest.raises(StaleRoundError):
        store.save_plan(elsewhere, FILES)
    assert store.list() == ()


def test_of_many_edits_at_once_one_is_saved(store, path):
    begun = store.create("Autumn", {})

    def edit(window: RoundStore, number: int) -> Round | None:
        try:
            return window.save_sources(begun, {"needs": Source(f"{number}.csv", b"")})
        except StaleRoundError:
            return None

    with opened(path) as other_window, ThreadPoolExecutor(8) as threads:
        saved = list(threads.map(edit, [store, other_window] * 10, range(20)))
    (winner,) = filter(None, saved)
    assert held(store, begun.round_id) == winner


def test_rounds_created_at_once_are_all_kept(store, path):
    def create(window: RoundStore, number: int) -> Round:
        return window.save_plan(window.create(f"Round {number}", SOURCES), FILES)

    with opened(path) as other_window, ThreadPoolExecutor(8) as threads:
        created = list(threads.map(create, [store, other_window] * 20, range(40)))
    assert {one.round_id for one in store.list()} == {one.round_id for one in created}
    assert all(held(store, one.round_id) == one for one in created)


def test_many_may_open_a_new_database_at_once(path):
    def begin(number: int) -> None:
        with opened(path) as store:
            store.create(f"Round {number}", {})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(begin, range(16)))
    with opened(path) as store:
        assert len(store.list()) == 16


def test_reading_does_not_wait_for_a_writer(store, path):
    begun = store.create("Autumn", SOURCES)
    with raw(path) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM sources")
        assert held(store, begun.round_id) == begun
        assert len(store.list()) == 1


def test_a_locked_database_is_waited_for(store, path):
    with raw(path) as writer:
        writer.execute("BEGIN IMMEDIATE")
        timer = Timer(0.2, writer.rollback)
        timer.start()
        store.create("Autumn", SOURCES)
        timer.join()
    assert len(store.list()) == 1


def test_a_database_that_stays_locked_is_said_so(path):
    start_with_one_round(path)
    with opened(path, wait_s=0.05) as store, raw(path) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match=r"was in use by another program .* Try again in a moment"):
            store.create("Spring", SOURCES)
        assert "was in use" in only_problem(path, wait_s=0.05).message
        writer.rollback()
        assert [one.name for one in store.list()] == ["Autumn"]


# Databases that cannot be used


def test_a_database_of_a_newer_version_is_left_as_it_is(path):
    begun = start_with_one_round(path)
    with raw(path) as connection:
        (ours,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    problem = only_problem(path)
    assert problem.message == "The rounds were saved by a newer version of this program; nothing was changed."
    assert problem.fix.startswith("Install the newer version")
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
    assert problem.message == "The file is damaged, or is no database of rounds."
    assert problem.fix.startswith("Move the file away, without deleting it")
    assert path.read_bytes() == b"Dear colleague, " * 1000


def test_a_database_that_was_cut_short_is_damaged(path):
    with opened(path) as store:
        store.create("Autumn", {"schools": Source("schools.csv", bytes(100_000))})
    path.write_bytes(path.read_bytes()[: 2 * 4096])
    assert only_problem(path).message == "The file is damaged, or is no database of rounds."


def test_a_database_that_is_damaged_while_it_is_open_is_said_so(store, path):
    begun = store.create("Autumn", {"schools": Source("schools.csv", bytes(100_000))})
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    for attempt in (store.list, lambda: store.get(begun.round_id), lambda: store.save_plan(begun, FILES)):
        with pytest.raises(DataError, match="The file is damaged"):
            attempt()


def test_a_database_whose_tables_are_gone_is_said_so(store, path):
    with raw(path) as connection:
        connection.execute("DROP TABLE rounds")
    with pytest.raises(DataError, match=r"cannot be used \(no such table: rounds\). Move the file away"):
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
    assert held(store, begun.round_id) == begun


def test_a_database_that_may_only_be_read_is_said_so(path):
    start_with_one_round(path)
    content = bytearray(path.read_bytes())
    # By its file format SQLite only reads a file whose write version is above 2; unlike permissions, this binds root.
    content[18] = 3
    path.write_bytes(content)
    problem = only_problem(path)
    assert problem.message == "The database of rounds may be read but not written."
    assert problem.fix.startswith("Check the path and that you may write there")
    assert path.read_bytes() == content


permissions_bind = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user"
)


@permissions_bind
def test_a_file_without_the_right_to_write_is_said_so(path):
    start_with_one_round(path)
    path.chmod(0o400)
    assert only_problem(path).message == "The database of rounds may be read but not written."


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


# What is told of people


def test_names_of_people_reach_no_log_repr_or_traceback(path, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="sqlalchemy.engine")
    person = "Quillfeather"
    sources = {"supporters": Source(f"{person}.csv", person.encode())}
    with opened(path, wait_s=0.05) as store:
        allocated = store.save_plan(store.create(person, sources), {"plan.csv": person.encode()})
        assert f"{person}.csv" not in repr(allocated)
        with raw(path) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with pytest.raises(DataError) as locked:
                store.create(person, sources)
        with raw(path) as connection:
            connection.execute("DROP TABLE sources")
        with pytest.raises(DataError) as broken:
            store.create(person, sources)
    told = caplog.text + "".join(map("".join, map(traceback.format_exception, [locked.value, broken.value])))
    assert "INSERT INTO rounds" in told
    assert person not in told
