"""Hand over, history and the keeping of rounds as a coordinator meets them, and plans that take their time."""

import sqlite3
import threading
from contextlib import closing

import pytest
from test_screens import IMPATIENT, Visitor

from matching.errors import DataError, Problem
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.history.events import new_event
from matching.rounds.store import RoundStore, open_store
from matching.ui.state import cache, jobs, plan_making
from matching.ui.state.jobs import Jobs
from matching.ui.state.params import PARAMS_KEY, ScreenParams
from matching.ui.steps import EXPORT, HISTORY, PLAN, ROUNDS, RULES, START


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, f"sqlite:///{tmp_path / 'rounds.db'}")


@pytest.fixture
def demo() -> Visitor:
    visitor = Visitor()
    visitor.press("Open the demo")
    return visitor


@pytest.fixture
def planned(demo) -> Visitor:
    demo.make_plan()
    return demo


def approve(visitor: Visitor, remark: str = "") -> None:
    visitor.go(EXPORT)
    for number in range(len(visitor.tab.checkbox)):
        visitor.tab.checkbox[number].set_value(True)
        visitor.run()
    if remark:
        visitor.tab.text_area[0].set_value(remark)
    visitor.press("Approve this plan")


def write(visitor: Visitor, label: str, words: str) -> None:
    visitor._one(visitor.tab.text_input, label).set_value(words)
    visitor.run()


def forbid(round_id: str, need_id: str, by: str = "Ann Ash") -> None:
    """Decide, in another window, that whoever supports a need must not."""
    store = open_store()
    found = store.get(round_id)
    rows = cache.saved_plan(found.files).plan.deployments.set_index("need_id")
    about = {"need_id": need_id, "supporter_id": rows.loc[need_id, "supporter_id"]}
    store.record(found, [new_event("forbid", by=by, why="They do not get on", **about)])


# ---- approval ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_plan_is_approved_once_every_point_was_looked_at(planned):
    planned.go(EXPORT)
    words = planned.words()
    assert "1. 69 of 90 needs are met, and 21 are not." in words
    assert "2. 69 of 69 deployments are not agreed yet." in words
    assert "3. There are" in words
    assert "First tick 3 more points above." in words
    assert planned._one(planned.tab.button, "Approve this plan").disabled
    write(planned, "Your name, for the record", "Rosa Quill")
    approve(planned, "Agreed with the alliance")
    assert "Approved by Rosa Quill on" in planned.words()
    assert "(version 1)" in planned.words()
    assert "Remark: Agreed with the alliance" in planned.words()
    planned.go(PLAN)
    assert "Approved by Rosa Quill on" in planned.words()
    planned.go(START)
    assert "Approved" in planned.words()


@pytest.mark.long
def test_an_approved_plan_is_frozen_until_it_is_reopened_with_a_reason(planned):
    approve(planned)
    planned.go(RULES)
    planned.press("Make the plan")
    assert "The plan is approved, so no other can be made." in planned.words()
    planned.go(EXPORT)
    planned.press("Reopen the plan")
    assert "Give a reason first." in planned.words()
    write(planned, "Reason for reopening", "A head has left")
    planned.press("Reopen the plan")
    assert "Approved by" not in planned.words()
    assert "What differs from version 1" in planned.words()
    assert "Both plans serve every need in the same way." in planned.words()
    approve(planned)
    assert "(version 2)" in planned.words()
    assert "Download version 1 (zip)" in planned.downloads()


def test_a_decision_since_the_plan_is_in_what_is_handed_over(planned):
    forbid(planned.round_id, "N012")
    visitor = Visitor(EXPORT, round=planned.round_id)
    assert "They include 1 change by hand since the plan was made." in visitor.words()
    assert "Plan: 68 rows" in visitor.words()


def test_ticks_are_those_of_one_plan_only(planned):
    planned.go(EXPORT)
    planned.tick("I have checked point 1")
    forbid(planned.round_id, "N012")
    visitor = Visitor(EXPORT, round=planned.round_id)
    assert not any(box.value for box in visitor.tab.checkbox)


@pytest.mark.long
def test_two_windows_the_second_approval_is_refused_and_says_what_happened(planned):
    other = Visitor(EXPORT, round=planned.round_id)
    write(other, "Your name, for the record", "Rosa Quill")
    approve(other)
    approve(planned)
    words = planned.words()
    assert "The round was changed in another window" in words
    assert "Rosa Quill: plan approved" in words
    planned.press("Open the round as it is now")
    assert "Approved by Rosa Quill" in planned.words()


# ---- history -------------------------------------------------------------------------------------------------------


def test_the_history_tells_who_did_what_and_why(planned):
    forbid(planned.round_id, "N012")
    visitor = Visitor(HISTORY, round=planned.round_id)
    for words in ("Forbidden", "Ann Ash", "N012", "They do not get on", "Plan accepted", "Round begun"):
        assert words in visitor.words()
    visitor.choose("Who", "Ann Ash")
    assert "1 entry" in visitor.words()
    visitor.choose("Who", "All")
    write(visitor, "Need or supporter", "n012")
    assert "1 entry" in visitor.words()
    visitor.choose("What", "plan")
    assert "No entry matches these filters." in visitor.words()


def test_a_decision_is_undone_with_a_reason_and_put_back(planned):
    forbid(planned.round_id, "N012")
    visitor = Visitor(HISTORY, round=planned.round_id)
    decision = visitor.tab.selectbox[2]
    assert decision.label == "Entry"
    decision.set_value(3)
    visitor.run()
    visitor.press("Undo this entry")
    assert "Give a reason first." in visitor.words()
    write(visitor, "Reason for undoing", "A mistake")
    visitor.press("Undo this entry")
    assert "Undone: event 3" in visitor.words()
    assert open_store().get(planned.round_id).events[-1].why == "A mistake"
    visitor.go(EXPORT)
    assert "Plan: 69 rows" in visitor.words()


def test_hostile_reasons_are_shown_as_text(planned):
    forbid(planned.round_id, "N012", by="<script>alert(1)</script>")
    visitor = Visitor(HISTORY, round=planned.round_id)
    assert "<script>alert" in visitor.words()
    assert "<script>alert" not in visitor.markup()


# ---- rounds --------------------------------------------------------------------------------------------------------


def test_a_round_is_renamed_copied_and_archived(planned):
    planned.go(START)
    write(planned, "Name of this round", "Autumn")
    planned.press("Rename this round")
    assert "The round is now called “Autumn”." in planned.words()
    first = planned.round_id
    planned.press("Copy this round")
    assert planned.round_id != first
    assert "This is the copy, without its decisions." in planned.words()
    planned.press("Archive this round")
    assert "The round is archived." in planned.words()
    assert [one.name for one in open_store().list()] == ["Autumn"]
    visitor = Visitor(ROUNDS, round=first)
    visitor.tick("Show archived rounds")
    assert "Autumn (copy)" in visitor.words()
    visitor.press("Unarchive")
    assert "The round is no longer archived. It is open now." in visitor.words()


def test_a_round_is_restored_from_its_file(planned):
    content = open_store().export_round(planned.round_id)
    visitor = Visitor()
    visitor._one(visitor.tab.file_uploader, "File of a round").upload("round.zip", content)
    visitor.run()
    visitor.press("Restore this round")
    assert "“Demo area” is restored, with its plans and history." in visitor.words()
    assert visitor.round_id != planned.round_id
    visitor.go(PLAN)
    assert visitor.figure("Needs met") == "69 of 90"


def test_a_file_that_is_no_round_is_refused():
    visitor = Visitor()
    visitor._one(visitor.tab.file_uploader, "File of a round").upload("round.zip", b"nothing")
    visitor.run()
    visitor.press("Restore this round")
    assert "The file is not a round saved by this program." in visitor.words()
    assert open_store().list() == ()


# ---- a database that cannot be used --------------------------------------------------------------------------------


def test_a_database_of_a_newer_version_is_told(tmp_path):
    open_store().close()
    with closing(sqlite3.connect(tmp_path / "rounds.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
    words = Visitor().words()
    assert "The rounds were saved by a newer version of this program; nothing was changed." in words
    assert "Install the newest version" in words


def test_a_database_that_breaks_while_it_is_open_is_told(planned, tmp_path):
    other = Visitor()
    for path in tmp_path.glob("rounds.db*"):
        path.write_bytes(b"x" * 8192)
    other.press("Open")
    assert "The file is damaged, or is not a database of rounds." in other.words()
    planned.go(EXPORT)
    approve(planned)
    assert "The file is damaged, or is not a database of rounds." in planned.words()


def test_a_database_that_may_only_be_read_is_told_and_loses_nothing(planned, tmp_path):
    planned.go(START)
    write(planned, "Name of this round", "Autumn")
    path = tmp_path / "rounds.db"
    content = bytearray(path.read_bytes())
    # SQLite only reads a file whose write version is above 2; unlike permissions, this binds root.
    written, content[18] = content[18], 3
    path.write_bytes(content)
    planned.press("Rename this round")
    assert "The database of rounds can be read but not written; nothing was saved." in planned.words()
    assert "Check that you may write to the file and to its directory" in planned.words()
    content[18] = written
    path.write_bytes(content)
    assert open_store().get(planned.round_id).name == "Demo area"
    planned.press("Rename this round")
    assert open_store().get(planned.round_id).name == "Autumn"


def test_a_database_that_somebody_else_holds_is_told(planned, tmp_path):
    planned.tab.session_state[PARAMS_KEY] = ScreenParams(database_wait_s=0.5)
    planned.go(START)
    write(planned, "Name of this round", "Autumn")
    with closing(sqlite3.connect(tmp_path / "rounds.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        planned.press("Rename this round")
    assert "was in use by another program or window for too long; nothing was saved." in planned.words()
    assert open_store().get(planned.round_id).name == "Demo area"


def test_a_full_disk_is_told(planned, monkeypatch):
    def full(*args, **options):
        raise DataError(
            [Problem("rounds.db", None, "", "", "The disk is full; nothing was saved.", "Free some space.")]
        )

    monkeypatch.setattr(RoundStore, "approve", full)
    approve(planned)
    assert "The disk is full; nothing was saved. Free some space." in planned.words()


# ---- plans that take their time ------------------------------------------------------------------------------------


@pytest.fixture
def slow(demo, monkeypatch):
    """A search that goes on until it is stopped; no screen waits for it."""
    demo.tab.session_state[PARAMS_KEY] = IMPATIENT
    best, begun = plan_making.allocate, []

    def search(inputs, *, progress, cancel, **options):
        begun.append(cancel)
        progress("Searching")
        assert cancel.wait(30)
        return best(inputs, progress=progress, **options)

    monkeypatch.setattr(plan_making, "allocate", search)
    return begun


def test_a_long_search_is_shown_found_again_and_stopped(demo, slow):
    demo.make_plan()
    assert "The plan is being made" in demo.words()
    assert "Searching" in demo.words()
    again = Visitor(PLAN, IMPATIENT, round=demo.round_id)
    assert "The plan is being made" in again.words()
    other = Visitor(RULES, IMPATIENT, round=demo.round_id)
    assert "The plan is being made" in other.words()
    other.press("Make the plan")
    assert len(slow) == 1, "two windows do not begin two jobs"
    again.press("Stop and keep the best plan so far")
    assert jobs.jobs().of(demo.round_id).wait(20)
    for visitor in (demo, again):
        visitor.run()
        assert visitor.figure("Needs met") == "69 of 90"
    assert [one.kind for one in open_store().get(demo.round_id).plans] == ["optimised"]


def test_a_note_made_meanwhile_does_not_cost_the_plan(demo, slow):
    demo.make_plan()
    store = open_store()
    found = store.get(demo.round_id)
    store.record(found, [new_event("note", by="Ann Ash", need_id="N012", text="Ring them")])
    demo.press("Stop and keep the best plan so far")
    assert jobs.jobs().of(demo.round_id).wait(20)
    demo.run()
    assert demo.figure("Needs met") == "69 of 90"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DataError([Problem("rounds.db", None, "", "", "The disk is full; nothing was saved.", "Free some.")]), "disk"),
        (RuntimeError("boom"), "This is a fault in the program, not in your tables."),
    ],
)
def test_what_goes_wrong_in_a_job_is_told_in_a_sentence(demo, monkeypatch, fault, words):
    def fail(*args, **options):
        raise fault

    monkeypatch.setattr(plan_making, "allocate", fail)
    demo.make_plan()
    assert words in demo.words()
    assert "boom" not in demo.words()
    assert open_store().get(demo.round_id).files is None


def test_a_round_has_one_job_at_a_time(demo):
    jobs, go, begun = Jobs(), threading.Event(), []
    seen = open_store().get(demo.round_id)

    def make(tell, cancel):
        begun.append(tell)
        go.wait(10)
        return seen

    first = jobs.begin(seen, "Ann", make)
    assert jobs.begin(seen, "Bob", make) is first
    go.set()
    assert first.wait(10)
    assert first.result is seen
    assert jobs.begin(seen, "Bob", make) is not first
    assert first.by == "Ann"
