import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from stores import (
    FILES,
    OTHER_FILES,
    SOURCES,
    held,
    kinds_of,
    no_consents,
    only_problem,
    opened,
    pin,
    raw,
    start_with_one_round,
    worked_on,
)

from matching.errors import DataError
from matching.plan.as_bytes import zip_bytes
from matching.rounds.history.events import new_event
from matching.rounds.history.state import live_supporters, state_of
from matching.rounds.round import Round
from matching.rounds.storage import migrations
from matching.rounds.storage.schema import SCHEMA
from matching.rounds.store import RoundStore, StaleRoundError
from matching.tables.files import Source

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


# Keeping and giving back


def test_a_new_database_holds_no_round(store):
    assert store.list() == ()
    assert store.get("0123456789abcdef") is None


def test_sources_come_back_to_the_byte(store):
    begun = store.create("Autumn", SOURCES)
    assert store.get(begun.round_id) == begun
    assert (begun.name, begun.sources, begun.files) == ("Autumn", SOURCES, None)


@cases(25)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(str.strip),
    st.dictionaries(st.sampled_from(list(SOURCES)), st.binary()),
)
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


def test_saving_sources_replaces_them_and_keeps_the_accepted_plan(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    changed = store.save_sources(allocated, {"needs": Source("other.csv", b"need_id\nN2\n")})
    assert held(store, allocated.round_id) == changed
    assert changed.sources == {"needs": Source("other.csv", b"need_id\nN2\n")}
    assert (changed.current, changed.files) == (1, FILES)


def test_saving_the_same_sources_records_nothing(store):
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES)
    saved = store.save_sources(allocated, SOURCES)
    assert held(store, allocated.round_id) == saved
    assert (saved.sources, saved.files, saved.events) == (SOURCES, FILES, allocated.events)


def test_files_that_were_replaced_come_back_when_that_is_undone(store):
    begun = store.create("Autumn", SOURCES)
    fewer = {"needs": Source("other.csv", b"need_id\nN2\n"), "schools": SOURCES["schools"]}
    changed = store.save_sources(begun, fewer, by="Jo", why="The list of May")
    assert (changed.sources, kinds_of(changed)) == (fewer, ["created", "replaced"])
    undone = store.undo(changed, 2)
    assert held(store, begun.round_id) == undone
    assert undone.sources == SOURCES
    assert held(store, begun.round_id).added_at == begun.added_at
    assert store.undo(undone, 3).sources == fewer


def test_what_was_replaced_as_a_whole_since_is_not_undone_alone(store):
    begun = store.create("Autumn", SOURCES)
    both = SOURCES | {"needs": Source("b.csv", b""), "policy": Source("policy.toml", b"")}
    changed = store.save_sources(store.save_sources(begun, both), both | {"needs": Source("c.csv", b"")})
    # Undoing it gives the policy back, and leaves the newer needs alone.
    assert store.undo(changed, 2).sources == SOURCES | {"needs": Source("c.csv", b"")}
    later = store.save_sources(held(store, begun.round_id), SOURCES | {"needs": Source("d.csv", b"")})
    with pytest.raises(DataError, match=r"The table that event 3 changed was replaced since by event 5\. Undo event 5"):
        store.undo(later, 3)


def test_accepting_a_plan_is_undone_whatever_became_of_its_rules(store):
    rules = SOURCES | {"policy": Source("policy.toml", b"")}
    allocated = store.save_plan(store.create("Autumn", SOURCES), FILES, sources=rules)
    changed = store.save_sources(allocated, SOURCES | {"policy": Source("policy.toml", b"[rerun]\n")})
    undone = store.undo(changed, 2)
    assert held(store, undone.round_id) == undone
    assert (undone.current, undone.files, undone.sources) == (None, None, changed.sources)


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
        writer.execute("UPDATE rounds SET name = 'Spring'")
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


def test_no_plan_is_ever_lost(store):
    begun = store.create("Autumn", SOURCES)
    first = store.save_plan(begun, FILES, by="Jo", why="To begin with")
    latest = store.undo(store.save_plan(first, OTHER_FILES), 2, 3)
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
    assert kinds_of(chosen) == ["created", "plan", "scenario", "plan"]
    back = store.choose_scenario(chosen, 1, sources=SOURCES)
    assert (back.current, back.files, len(back.plans)) == (1, FILES, 2)
    undone = store.undo(back, 5)
    assert held(store, back.round_id) == undone
    assert (undone.current, undone.files, undone.sources) == (2, OTHER_FILES, sources)
    undone = store.undo(undone, 4)
    assert (undone.current, undone.files, undone.sources) == (1, FILES, SOURCES)


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


def test_contents_are_kept_once_and_for_ever(store, path):
    begun = store.create("Autumn", {"schools": Source("schools.csv", os.urandom(2_000))})
    other = store.create("Spring", begun.sources)
    for one in (begun, other):
        assert store.undo(store.save_sources(one, {}), 2).sources == begun.sources
    with raw(path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone() == (1,)


def test_it_is_known_when_each_input_file_was_added(store):
    begun = store.create("Autumn", SOURCES)
    changed = store.save_sources(begun, SOURCES | {"needs": Source("other.csv", b"")}, by="Jo", why="Two more")
    assert held(store, begun.round_id).added_at == changed.added_at
    assert changed.added_at["schools"] == begun.added_at["schools"] == begun.created_at
    assert changed.added_at["needs"] == changed.events[-1].at > begun.created_at
    assert (changed.events[-1].kind, changed.events[-1].about) == ("replaced", {"tables": "needs"})


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
    assert kinds_of(redone) == ["created", "pin", "undo", "undo"]
    assert [one.undoes for one in redone.events] == [None, None, 2, 3]
    assert state_of(redone.events).pins.keys() == {"N1"}
    with pytest.raises(DataError, match="Event 3 is undone already"):
        store.undo(redone, 3)


@pytest.mark.parametrize("table", ["events", "plans", "plan_files", "contents", "sources", "event_files"])
def test_the_history_and_the_plans_cannot_be_changed_by_any_program(store, path, table):
    begun = store.save_sources(store.create("Autumn", SOURCES), {"needs": SOURCES["needs"]})
    allocated = store.save_plan(store.record(begun, [pin()]), FILES)
    column = {"events": "why", "plans": "note", "plan_files": "path", "contents": "content"}.get(table, "file_name")
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
    agreed, active = (
        new_event("status", by="Jo", need_id="N1", supporter_id="S1", status=one) for one in ("agreed", "active")
    )
    note = new_event("note", by="Jo", need_id="N1", text="Began on Monday")
    on = store.record(approved, [no_consents(), agreed, active, note])
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
    assert kinds_of(back) == ["created", "named", "archived", "restored"]
    assert {one.round_id for one in store.list()} == {begun.round_id, other.round_id}


def test_a_copy_has_the_files_and_the_plan_and_on_request_the_decisions(store):
    original = worked_on(store)
    bare = store.copy(original.round_id, "Spring", by="Jo")
    assert held(store, bare.round_id) == bare
    assert (bare.name, bare.sources, bare.files, bare.copied_from) == ("Spring", SOURCES, FILES, original.round_id)
    assert kinds_of(bare) == ["copied", "plan"]
    whole = store.copy(original.round_id, "Spring", by="Jo", decisions=True)
    assert held(store, whole.round_id) == whole
    assert kinds_of(whole) == ["copied", "pin", "pin", "undo", "plan", "undo", "declined"]
    theirs, ours = state_of(original.events), state_of(whole.events)
    assert [(one.pair, one.by, one.reason) for one in ours.barred.values()] == [(("N2", "S2"), "Al", "Illness")]
    deployments = {"N1": "S3", "N2": "S2"}
    assert live_supporters(deployments, ours) == live_supporters(deployments, theirs) == {"N1": "S1"}
    assert held(store, original.round_id) == original


def test_a_copy_of_a_round_without_a_plan_has_none(store):
    copied = store.copy(store.create("Autumn", SOURCES).round_id, "Spring", decisions=True)
    assert (copied.files, copied.plans, kinds_of(copied)) == (None, (), ["copied"])
    with pytest.raises(DataError, match="There is no such round in the database"):
        store.copy("0123456789abcdef", "Spring")


# Killed at any moment


@pytest.mark.long
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
