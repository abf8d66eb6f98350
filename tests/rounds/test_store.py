import io
import json
import logging
import os
import re
import sqlite3
import stat
import subprocess
import sys
import traceback
import zipfile
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
from matching.plan.as_bytes import zip_bytes
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.events import Event, new_event
from matching.rounds.round import Round
from matching.rounds.state import live_supporters, state_of
from matching.rounds.storage import migrations
from matching.rounds.storage.schema import SCHEMA
from matching.rounds.store import RoundStore, StaleRoundError, open_store
from matching.tables.files import Source

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"

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


# Plans


OTHER_FILES = {"plan.csv": b"need_id\nN2\n", "manifest.json": b"{}", "inputs/needs.csv": EVERY_BYTE}


def pin(need_id: str = "N1", supporter_id: str = "S1", **options: str) -> Event:
    return new_event("pin", **{"by": "Jo", "need_id": need_id, "supporter_id": supporter_id} | options)


def told(one: Round) -> list[str]:
    """The kinds of what happened to a round, in order."""
    return [event.kind for event in one.events]


def test_no_plan_is_ever_lost(store):
    begun = store.create("Autumn", SOURCES)
    first = store.save_plan(begun, FILES, by="Jo", why="To begin with")
    latest = store.save_sources(store.save_plan(first, OTHER_FILES), SOURCES)
    assert [(one.number, one.kind, one.made_by, one.note, one.after) for one in latest.plans] == [
        (1, "optimised", "Jo", "To begin with", 1),
        (2, "optimised", "", "", 2),
    ]
    assert store.plans(begun.round_id) == latest.plans
    assert zip_bytes(store.plan_files(begun.round_id, 1)) == zip_bytes(FILES)
    assert store.plan_files(begun.round_id, 2) == OTHER_FILES
    assert (latest.current, latest.files) == (None, None)


def test_a_plan_that_is_not_there_is_said_so(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    for number in (0, 2):
        with pytest.raises(DataError, match=rf"There is no plan {number} in this round\. Choose one"):
            store.plan_files(allocated.round_id, number)
        with pytest.raises(DataError, match=rf"There is no plan {number} in this round"):
            store.choose_scenario(allocated, number)
    with pytest.raises(DataError, match="There is no plan 1"):
        store.plan_files("0123456789abcdef", 1)


def test_a_scenario_stands_beside_until_it_is_chosen(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    beside = store.save_scenario(allocated, "Nearer", OTHER_FILES, by="Jo", why="To compare")
    assert held(store, allocated.round_id) == beside
    assert (beside.current, beside.files) == (1, FILES)
    sources = SOURCES | {"policy": Source("policy.toml", b"")}
    chosen = store.choose_scenario(beside, 2, sources=sources, by="Jo", why="Better")
    assert held(store, allocated.round_id) == chosen
    assert (chosen.current, chosen.files, chosen.sources) == (2, OTHER_FILES, sources)
    assert told(chosen) == ["created", "plan", "scenario", "files", "plan"]
    back = store.choose_scenario(chosen, 1, sources=SOURCES)
    assert (back.current, back.files, len(back.plans)) == (1, FILES, 2)


def test_a_scenario_knows_only_what_was_decided_when_it_was_made(store):
    beside = store.save_scenario(store.create("Autumn", SOURCES), "Nearer", OTHER_FILES)
    chosen = store.choose_scenario(store.record(beside, [pin("N1", "S2")]), 1)
    assert live_supporters({"N1": "S1"}, state_of(chosen.events)) == {"N1": "S2"}


def test_the_same_bytes_are_kept_once(store, path):
    content = os.urandom(200_000)
    latest = store.create("Autumn", {"schools": Source("schools.csv", content)})
    for number in range(5):
        latest = store.save_plan(latest, {"plan.csv": b"%d" % number, "inputs/schools.csv": content})
    assert path.stat().st_size < 2 * len(content)
    assert store.plan_files(latest.round_id, 3)["inputs/schools.csv"] == content


def test_input_files_that_nothing_needs_any_more_are_let_go(store, path):
    begun = store.create("Autumn", {"schools": Source("schools.csv", os.urandom(2_000))})
    other = store.create("Spring", begun.sources)
    store.save_sources(begun, {})
    with raw(path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (1,)
        store.save_sources(other, {})
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (0,)


def test_it_is_known_when_each_input_file_was_added(store):
    begun = store.create("Autumn", SOURCES)
    changed = store.save_sources(begun, SOURCES | {"needs": Source("other.csv", b"")}, by="Jo", why="Two more")
    assert held(store, begun.round_id).added_at == changed.added_at
    assert changed.added_at["schools"] == begun.added_at["schools"] == begun.created_at
    assert changed.added_at["needs"] == changed.events[-1].at > begun.created_at
    assert changed.events[-1].about == {"tables": "needs", "sha256": changed.sources["needs"].sha256}


# Decisions and the history


def test_decisions_come_back_as_they_were_recorded(store):
    begun = store.create("Autumn", SOURCES, by="Al")
    note = new_event("note", by="Jo", need_id="N1", text='Ring first; "quoted"\nélan')
    recorded = store.record(begun, [pin(why="Knows the staff"), note])
    assert held(store, begun.round_id) == recorded
    assert [(one.number, one.by, one.kind, one.why) for one in recorded.events] == [
        (1, "Al", "created", ""),
        (2, "Jo", "pin", "Knows the staff"),
        (3, "Jo", "note", ""),
    ]
    assert recorded.events[2].about == {"need_id": "N1", "text": 'Ring first; "quoted"\nélan'}
    assert all(abs(datetime.now(UTC) - one.at) < timedelta(minutes=1) for one in recorded.events)
    assert recorded.revision == begun.revision + 1


def test_of_several_decisions_all_are_recorded_or_none(store):
    begun = store.create("Autumn", SOURCES)
    with pytest.raises(DataError, match="S1 has declined need N1"):
        store.record(begun, [new_event("declined", by="Jo", need_id="N1", supporter_id="S1"), pin()])
    assert held(store, begun.round_id) == begun
    with pytest.raises(DataError, match="'approved' is not a decision"):
        store.record(begun, [new_event("approved", by="Jo")])


def test_what_is_undone_stays_in_the_history(store):
    recorded = store.record(store.create("Autumn", SOURCES), [pin()])
    undone = store.undo(recorded, 2, by="Jo", why="Wrong need")
    assert state_of(undone.events).pins == {}
    redone = store.undo(undone, 3)
    assert held(store, recorded.round_id) == redone
    assert told(redone) == ["created", "pin", "undo", "undo"]
    assert [one.undoes for one in redone.events] == [None, None, 2, 3]
    assert state_of(redone.events).pins.keys() == {"N1"}
    with pytest.raises(DataError, match="Event 3 is undone already"):
        store.undo(redone, 3)


@pytest.mark.parametrize("table", ["events", "plans", "plan_files", "contents"])
def test_the_history_and_the_plans_cannot_be_changed_by_any_program(store, path, table):
    allocated = store.save_plan(store.record(store.create("Autumn", SOURCES), [pin()]), FILES)
    column = {"events": "why", "plans": "note", "plan_files": "path", "contents": "content"}[table]
    with raw(path) as connection:
        for statement in (
            f"UPDATE {table} SET {column} = 'other'",
            f"DELETE FROM {table}",
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=r"never changed|never deleted|in order|no more|once"):
                connection.execute(statement)
    assert held(store, allocated.round_id) == allocated


def test_a_plan_takes_no_further_file_and_the_history_no_gap(store, path):
    store.save_plan(store.create("Autumn", SOURCES), FILES)
    with raw(path) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="plans take no more files"):
            connection.execute("INSERT INTO plan_files SELECT round_id, number, 'x', 9, sha256 FROM plan_files LIMIT 1")
        with pytest.raises(sqlite3.IntegrityError, match="events are numbered in order"):
            connection.execute(
                "INSERT INTO events SELECT round_id, 9, at, by, kind, why, about, undoes FROM events LIMIT 1"
            )


# Approval


def test_an_approved_round_is_frozen_until_it_is_reopened(store):
    allocated = store.save_plan(store.record(store.create("Autumn", SOURCES), [pin()]), FILES)
    approved = store.approve(allocated, OTHER_FILES, by="Head", why="Agreed at the board")
    assert held(store, allocated.round_id) == approved
    assert (approved.approved, approved.files, approved.current) == (2, FILES, 1)
    assert store.plan_files(allocated.round_id, 2) == OTHER_FILES
    for attempt in (
        lambda: store.record(approved, [pin("N2")]),
        lambda: store.record(
            approved, [new_event("status", by="", need_id="N1", supporter_id="S1", status="withdrawn")]
        ),
        lambda: store.undo(approved, 2),
        lambda: store.save_plan(approved, FILES),
        lambda: store.save_sources(approved, SOURCES),
        lambda: store.choose_scenario(approved, 1),
        lambda: store.approve(approved, FILES),
    ):
        with pytest.raises(DataError, match=r"The round is approved, .* Reopen the round first"):
            attempt()
    assert held(store, allocated.round_id) == approved
    assert store.list()[0].approved
    reopened = store.reopen(approved, by="Head", why="A school was added")
    assert (reopened.approved, len(reopened.plans)) == (None, 2)
    with pytest.raises(DataError, match="is not approved"):
        store.reopen(reopened)
    again = store.approve(store.record(reopened, [pin("N2")]), FILES)
    assert again.approved == 3
    assert store.plan_files(allocated.round_id, 2) == OTHER_FILES


def test_deployments_get_on_in_an_approved_round(store):
    approved = store.approve(store.save_plan(store.create("Autumn", SOURCES), FILES), FILES)
    active = new_event("status", by="Jo", need_id="N1", supporter_id="S1", status="active")
    note = new_event("note", by="Jo", need_id="N1", text="Began on Monday")
    on = store.record(approved, [active, note])
    on = store.undo(on, on.last_event)
    on = store.save_scenario(on, "Next year", FILES)
    assert state_of(on.events).status_of("N1", "S1") == "active"


# The round as such


def test_a_round_can_be_renamed_archived_and_put_back(store):
    begun = store.create("Autumn", SOURCES)
    other = store.create("Spring", SOURCES)
    archived = store.archive(store.rename(begun, "Autumn 2026", by="Jo"), by="Jo", why="Done")
    assert held(store, begun.round_id) == archived
    assert [one.name for one in store.list()] == ["Spring"]
    assert [(one.name, one.archived_at) for one in store.list(archived=True)] == [
        ("Spring", None),
        ("Autumn 2026", archived.archived_at),
    ]
    assert archived.archived_at == archived.events[-1].at
    back = store.unarchive(archived)
    assert back.archived_at is None
    assert told(back) == ["created", "named", "archived", "restored"]
    assert {one.round_id for one in store.list()} == {begun.round_id, other.round_id}


def worked_on(store: RoundStore) -> Round:
    """A round with something of everything."""
    latest = store.create("Autumn", SOURCES, by="Jo")
    latest = store.record(latest, [pin("N1", "S1"), pin("N2", "S2")])
    latest = store.undo(latest, 2)
    latest = store.save_plan(latest, FILES, by="Jo")
    latest = store.save_scenario(latest, "Nearer", OTHER_FILES)
    latest = store.undo(latest, 4)
    return store.record(latest, [new_event("declined", by="Al", why="Illness", need_id="N2", supporter_id="S2")])


def test_a_copy_has_the_files_and_the_plan_and_on_request_the_decisions(store):
    original = worked_on(store)
    bare = store.copy(original.round_id, "Spring", by="Jo")
    assert held(store, bare.round_id) == bare
    assert (bare.name, bare.sources, bare.files, bare.copied_from) == ("Spring", SOURCES, FILES, original.round_id)
    assert told(bare) == ["copied", "plan"]
    whole = store.copy(original.round_id, "Spring", by="Jo", decisions=True)
    assert held(store, whole.round_id) == whole
    assert told(whole) == ["copied", "pin", "pin", "undo", "plan", "undo", "declined"]
    theirs, ours = state_of(original.events), state_of(whole.events)
    assert [(one.pair, one.by, one.reason) for one in ours.barred.values()] == [(("N2", "S2"), "Al", "Illness")]
    deployments = {"N1": "S3", "N2": "S2"}
    assert live_supporters(deployments, ours) == live_supporters(deployments, theirs) == {"N1": "S1"}
    assert held(store, original.round_id) == original


def test_a_copy_of_a_round_without_a_plan_has_none(store):
    copied = store.copy(store.create("Autumn", SOURCES).round_id, "Spring", decisions=True)
    assert (copied.files, copied.plans, told(copied)) == (None, (), ["copied"])
    with pytest.raises(DataError, match="There is no such round in the database"):
        store.copy("0123456789abcdef", "Spring")


# To a file and back


def test_a_round_is_restored_on_another_machine_to_the_byte(store, tmp_path):
    original = store.approve(worked_on(store), OTHER_FILES)
    packed = store.export_round(original.round_id)
    assert store.export_round(original.round_id) == packed
    with opened(tmp_path / "elsewhere.db") as elsewhere:
        restored = elsewhere.import_round(packed, by="Al")
        assert held(elsewhere, original.round_id) == restored
        for number in (1, 2, 3):
            there, here = (one.plan_files(original.round_id, number) for one in (elsewhere, store))
            assert zip_bytes(there) == zip_bytes(here)
        assert restored.events[:-1] == original.events
        last = restored.events[-1]
        assert (last.kind, last.by, last.about) == ("restored", "Al", {"from": "file", "round": original.round_id})
        for name in ("name", "created_at", "sources", "files", "plans", "current", "approved", "added_at"):
            assert getattr(restored, name) == getattr(original, name)
        assert elsewhere.record(elsewhere.reopen(restored), [pin("N3")]).events[-1].kind == "pin"


def test_a_round_that_is_here_already_is_restored_beside(store):
    original = store.archive(worked_on(store))
    restored = store.import_round(store.export_round(original.round_id))
    assert restored.round_id != original.round_id
    assert held(store, original.round_id) == original
    assert [one.round_id for one in store.list()] == [restored.round_id]
    with pytest.raises(DataError, match="There is no such round in the database"):
        store.export_round("0123456789abcdef")


@settings(max_examples=25)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dictionaries(st.sampled_from(list(SOURCES)), st.binary()),
    st.dictionaries(st.text("ab/é.", min_size=1), st.binary(), min_size=1),
)
def test_any_round_travels(tmp_path_factory, name, contents, files):
    sources = {table: Source(name, content) for table, content in contents.items()}
    with opened(tmp_path_factory.getbasetemp() / "any.db") as store:
        begun = store.save_plan(store.create(name, sources, by=name), files, why=name)
        restored = store.import_round(store.export_round(begun.round_id))
        assert (restored.name, restored.sources, restored.files) == (name, sources, files)
        assert restored.events[:-1] == begun.events


def repacked(packed: bytes, change) -> bytes:
    """The zip of a round with something changed in what it says of the round."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    index = json.loads(files["round.json"])
    change(index)
    return zip_bytes(files | {"round.json": json.dumps(index).encode()})


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.pop("events"),
        lambda index: index.update(surprise=1),
        lambda index: index.update(round_id="../../x"),
        lambda index: index.update(current=9),
        lambda index: index.update(approved=1),
        lambda index: index["events"].pop(1),
        lambda index: index["events"][1].update(kind="shrug"),
        lambda index: index["events"][1]["about"].pop("need_id"),
        lambda index: index["events"][1]["about"].update(supporter_id="=1"),
        lambda index: index["events"][1].update(undoes=1),
        lambda index: index["events"][3].update(undoes=4),
        lambda index: index["events"][3].update(undoes=None),
        lambda index: index["events"][4]["about"].update(after="²"),
        lambda index: index["events"][1].update(at="yesterday"),
        lambda index: index["plans"][0].update(number=2),
        lambda index: index["plans"][0].update(after=99),
        lambda index: index["plans"][0]["files"].append(index["plans"][0]["files"][0]),
        lambda index: index["plans"][0]["files"][0].update(sha256="0" * 64),
        lambda index: index["sources"].append(index["sources"][0]),
    ],
)
def test_a_file_that_does_not_agree_with_itself_is_damaged(store, change):
    packed = store.export_round(worked_on(store).round_id)
    with pytest.raises(DataError, match=r"The file is damaged, so nothing was restored from it\. Download it again"):
        store.import_round(repacked(packed, change))
    assert len(store.list()) == 1


def test_a_damaged_foreign_newer_or_huge_file_is_said_so(store, monkeypatch):
    packed = store.export_round(worked_on(store).round_id)
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 0xFF
    for content, message in (
        (packed[:-30], "The file is damaged"),
        (bytes(spoilt), "The file is damaged"),
        (b"", "The file is not a round"),
        (b"Dear colleague", "The file is not a round"),
        (zip_bytes({"plan.csv": b""}), "The file is not a round"),
        (zip_bytes({"round.json": b"[1]"}), "The file is not a round"),
        (zip_bytes({"round.json": b"["}), "The file is not a round"),
        (
            repacked(packed, lambda index: index.update(format=99, needs_version="")),
            "by a newer version .* Install the newest version",
        ),
        (
            repacked(packed, lambda index: index.update(format=99, needs_version="2.10.0")),
            r"by a newer version .* Install version 2\.10\.0 or later",
        ),
        (repacked(packed, lambda index: index.update(format=99, needs_version="=1")), "Install the newest version"),
        (zip_bytes({"round.json": bytes(257 * 1024**2)}), "The file unpacks to more than a round may be"),
    ):
        with pytest.raises(DataError, match=message):
            store.import_round(content)
    assert len(store.list()) == 1


@pytest.fixture(scope="module")
def travelled(tmp_path_factory) -> Iterator[tuple[RoundStore, Round, bytes]]:
    """A store, a round of it, and that round as a file."""
    with opened(tmp_path_factory.mktemp("damage") / "rounds.db") as store:
        original = worked_on(store)
        yield store, original, store.export_round(original.round_id)


@settings(max_examples=40)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_no_damage_to_a_file_goes_unnoticed(travelled, where, change):
    store, original, packed = travelled
    damaged = bytearray(packed)
    damaged[int(where * len(damaged))] ^= change
    try:
        restored = store.import_round(bytes(damaged))
    except DataError:
        return
    # What a zip says of times and systems may change without harm; the round may not.
    assert (restored.sources, restored.files, restored.events[:-1], restored.plans) == (
        original.sources,
        original.files,
        original.events,
        original.plans,
    )


def test_a_file_of_format_1_is_taken_in(store):
    original = worked_on(store)

    def as_format_1(index: dict) -> None:
        index["format"] = 1
        del index["needs_version"]

    restored = store.import_round(repacked(store.export_round(original.round_id), as_format_1))
    assert (restored.files, restored.events[:-1]) == (original.files, original.events)


# Two people at once


def test_a_stale_edit_is_told_what_happened_meanwhile(store, path):
    begun = store.create("Autumn", SOURCES)
    with opened(path) as other_window:
        latest = other_window.save_plan(other_window.record(begun, [pin("N2", why="Agreed")]), FILES)
    for attempt in (
        lambda: store.record(begun, [pin()]),
        lambda: store.undo(begun, 1),
        lambda: store.save_scenario(begun, "x", FILES),
        lambda: store.approve(begun, FILES),
        lambda: store.reopen(begun),
        lambda: store.rename(begun, "x"),
        lambda: store.archive(begun),
        lambda: store.unarchive(begun),
        lambda: store.choose_scenario(begun, 1),
    ):
        with pytest.raises(StaleRoundError) as caught:
            attempt()
        assert caught.value.meanwhile == latest.events[1:]
    assert held(store, begun.round_id) == latest


def test_of_two_who_write_at_once_nothing_is_lost(store, path):
    begun = store.create("Autumn", {})

    def write(window: RoundStore, by: str) -> list[int]:
        """Record ten notes, each on top of what is there, as often as it takes."""
        seen, confirmed = held(window, begun.round_id), []
        while len(confirmed) < 10:
            try:
                seen = window.record(seen, [new_event("note", by=by, need_id="N1", text=f"{len(confirmed)}")])
                confirmed.append(seen.last_event)
            except StaleRoundError as error:
                assert error.meanwhile
                seen = held(window, begun.round_id)
        return confirmed

    with opened(path) as other_window, ThreadPoolExecutor(2) as threads:
        one, other = threads.map(write, [store, other_window], ["Jo", "Al"])
    found = held(store, begun.round_id).events
    assert dict.fromkeys(one, "Jo") | dict.fromkeys(other, "Al") == {event.number: event.by for event in found[1:]}
    assert [event.about["text"] for event in found if event.by == "Jo"] == [str(number) for number in range(10)]


# Killed at any moment


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_was_confirmed_outlives_a_kill(tmp_path):
    command = [sys.executable, KILLS, "--kills", "2", "--database", tmp_path / "rounds.db"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)
    assert (report["kills"], report["lost"], report["half"]) == (2, 0, 0)
    assert report["found"] >= report["confirmed"] > 0


def test_a_write_is_on_the_disk_before_it_is_confirmed(path):
    with opened(path) as store, store._database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


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
        assert (told(allocated), told(begun)) == (["created", "plan"], ["created"])
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
    with pytest.raises(DataError, match="cannot be used"):
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
    path.write_bytes(path.read_bytes()[: 2 * 4096])
    assert only_problem(path).message == "The file is damaged, or is not a database of rounds."


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
        with pytest.raises(DataError, match="The disk is full"):
            store.record(begun, [new_event("note", by="", need_id="N1", text="x" * 4_000)] * 20)
    assert held(store, begun.round_id) == begun


def test_a_database_that_may_only_be_read_is_said_so(path):
    start_with_one_round(path)
    content = bytearray(path.read_bytes())
    # By its file format SQLite only reads a file whose write version is above 2; unlike permissions, this binds root.
    content[18] = 3
    path.write_bytes(content)
    problem = only_problem(path)
    assert problem.message == "The database of rounds can be read but not written."
    assert problem.fix.startswith("Check the path and that you may write there")
    assert path.read_bytes() == content


permissions_bind = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user"
)


@permissions_bind
def test_a_file_without_the_right_to_write_is_said_so(path):
    start_with_one_round(path)
    path.chmod(0o400)
    assert only_problem(path).message == "The database of rounds can be read but not written."


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
        allocated = store.save_plan(store.create(person, sources, by=person), {"plan.csv": person.encode()}, by=person)
        allocated = store.record(allocated, [new_event("pin", by=person, why=person, need_id="N1", supporter_id="S1")])
        assert f"{person}.csv" not in repr(allocated)
        assert repr(allocated).count(person) == 1  # the name of the round
        assert person not in repr(allocated.events)
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


def test_later_migrations_name_the_version_that_has_them():
    versions = Path(migrations.__file__).parent / "versions"
    names = [
        line for one in versions.glob("rounds_*.py") for line in one.read_text().splitlines() if line[:8] == "revision"
    ]
    assert all(re.fullmatch(r'revision = "(000[12]|\d{4}_since_\d+(\.\d+)*)"', one) for one in names), names
