"""The plan over the weeks: accepted and undone, changed under its feet, and what of it leaves."""

from contextlib import closing

import pytest
from test_screens import Visitor, database, demo, planned  # noqa: F401
from test_workspace import agree, begin, decline, deployed, fill, row, state

from matching.rounds.history.events import RowChange, new_event
from matching.rounds.register import rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.store import open_store
from matching.ui.steps import COMPARE, EXPORT, HISTORY, PLAN


def held(visitor: Visitor) -> Round:
    with closing(open_store()) as store:
        return store.get(visitor.round_id)


def change_row(visitor: Visitor, kind: str, table: str, identifier: str, **cells: str) -> None:
    """Change a row in another window, and open the round as it is then."""
    with closing(open_store()) as store:
        seen = store.get(visitor.round_id)
        before = rows_by_key(table_cells(seen.sources, table), table)[(identifier,)]
        change = RowChange(table, (identifier,), {name: before[name] for name in cells}, cells)
        about = {f"{table.removesuffix('s')}_id": identifier}
        event = new_event(kind, by="Al", **about)
        store.record(seen, [type(event)(**{**vars(event), "changes": (change,)})])
    del visitor.tab.session_state["open_round"]
    visitor.go(PLAN)


def add_need(visitor: Visitor, **cells: str) -> None:
    with closing(open_store()) as store:
        seen = store.get(visitor.round_id)
        event = new_event("need_added", by="Al", need_id=cells["need_id"])
        change = RowChange("needs", (cells["need_id"],), None, cells)
        store.record(seen, [type(event)(**{**vars(event), "changes": (change,)})])
    del visitor.tab.session_state["open_round"]
    visitor.go(PLAN)


def test_accepting_a_plan_is_undone_with_one_button(planned):  # noqa: F811
    before = deployed(planned)
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert "Accepted: this is the plan now." in planned.words()
    assert deployed(planned) != before
    planned._one([one for one in planned.tab.button if str(one.key).startswith("undo_last")], "Undo").click()
    planned.run()
    assert deployed(planned) == before
    # The decline still holds, so the plan before it is no longer the plan of what is recorded.
    assert row(planned, "N012")["Supporter"] == "Unmet"
    assert "Proved: no plan is better" not in planned.words()


@pytest.mark.long
def test_an_earlier_plan_is_made_the_accepted_one_again_on_compare(planned):  # noqa: F811
    before = deployed(planned)
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    planned.go(COMPARE)
    planned.press("Make plan 1 the accepted plan again")
    assert deployed(planned) == before
    assert row(planned, "N012")["Supporter"] == "Unmet"
    assert [one.kind for one in held(planned).events[-2:]] == ["plan", "plan"]


@pytest.mark.long
def test_a_placement_undone_after_its_plan_was_accepted_leaves_no_proof_and_no_approval(planned):  # noqa: F811
    begin(planned, "N012", "placed here by hand")
    planned.choose("Who should support it instead?", "S015")
    for box in [one.label for one in planned.tab.checkbox if one.label.startswith("I accept this")]:
        planned.tick(box)
    fill(planned, "Why?", "They know the school")
    planned.press("Place them here")
    number = held(planned).last_event
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert deployed(planned)["N012"] == "S015"
    planned.go(HISTORY)
    planned.choose("Entry", number)
    fill(planned, "Reason for undoing", "A slip")
    planned.press("Undo this entry")
    planned.go(PLAN)
    words = planned.words()
    assert "This plan no longer follows from what is recorded." in words
    assert "the placement by hand is undone" in words
    assert "Proved" not in words
    planned.go(EXPORT)
    assert "so it cannot be approved" in planned.words()
    assert planned._one(planned.tab.button, "Approve this plan").disabled
    planned.go(PLAN)
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert "no longer follows" not in planned.words()


def test_a_late_need_is_in_the_plan_at_once_and_nothing_that_was_recorded_is_lost(planned):  # noqa: F811
    begin(planned, "N003", "A new status")
    agree(planned)
    decline(planned, "N012")
    agreed_to = deployed(planned)["N003"]
    urn = rows_by_key(table_cells(held(planned).sources, "needs"), "needs")[("N012",)]["school_urn"]
    add_need(planned, need_id="N900", school_urn=urn, focus="phonics", priority="critical", days="3")
    assert "The tables have changed since, with 1 new need." in planned.words()
    assert row(planned, "N900")["Supporter"] == "Unmet"
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    after = deployed(planned)
    assert "N900" in after
    assert after["N003"] == agreed_to
    assert ("N012", after.get("N012")) not in state(planned).barred


def test_an_illness_names_the_deployments_that_no_longer_follow(planned):  # noqa: F811
    who = deployed(planned)["N003"]
    change_row(planned, "supporter_unavailable", "supporters", who, unavailable="2026-01-01/2030-12-31")
    words = planned.words()
    assert "This plan no longer follows from what is recorded." in words
    assert "not available at the time" in words
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert who not in deployed(planned).values()
    assert "Proved: no plan is better" in planned.words()


@pytest.mark.long
def test_the_entries_that_hang_on_a_need_are_listed_before_it_is_undone(planned):  # noqa: F811
    urn = rows_by_key(table_cells(held(planned).sources, "needs"), "needs")[("N012",)]["school_urn"]
    add_need(planned, need_id="N900", school_urn=urn, focus="phonics")
    added = held(planned).last_event
    begin(planned, "N900", "A note")
    planned._one(planned.tab.text_area, "Note").set_value("They rang twice")
    planned.press("Save the note")
    planned.go(HISTORY)
    planned.choose("Entry", added)
    assert "1 later entry hangs on this one." in planned.words()
    assert "N900" in planned.words()


def test_use_this_person_opens_the_placement_with_them_chosen(planned):  # noqa: F811
    planned.choose("Need", "N012")
    planned.choose("Why not another supporter?", "S015")
    planned._one([one for one in planned.tab.button if str(one.key).startswith("use_asked")], "Use this person").click()
    planned.run()
    box = planned._one(planned.tab.selectbox, "Who should support it instead?")
    assert box.value == "S015"


@pytest.mark.long
def test_do_this_records_the_repair_as_the_change_that_it_is(planned):  # noqa: F811
    # A need that one more place would meet.
    unmet = next(one["Need"] for one in planned.rows() if one["Supporter"] == "Unmet" and one["Focus"] == "phonics")
    planned.choose("Need", unmet)
    planned.press("Find the smallest changes that would meet it")
    next(one for one in planned.tab.button if one.label == "Do this").click()
    planned.run()
    last = held(planned).events[-1]
    assert last.kind in ("supporter_changed", "need_changed")
    assert len(last.changes) == 1
    assert "Recorded:" in planned.words()
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert unmet in deployed(planned)


def test_what_filters_hide_is_said_and_urgent_needs_are_named(planned):  # noqa: F811
    decline(planned, "N012")
    planned.choose("Show", "Met")
    words = planned.words()
    assert "The filters hide 22 needs. Critical and unmet among them:" in words
    assert "(N012)" in words


def place(visitor: Visitor, need_id: str, supporter_id: str) -> None:
    begin(visitor, need_id, "placed here by hand")
    box = next(one for one in visitor.tab.selectbox if one.label.startswith("Who should support it"))
    box.set_value(supporter_id)
    visitor.run()
    for words in [one.label for one in visitor.tab.checkbox if one.label.startswith("I accept this")]:
        visitor.tick(words)
    fill(visitor, "Why?", "They asked for this")
    visitor.press("Place them here")


@pytest.mark.long
def test_a_placement_reads_what_people_offer_now_and_not_when_the_plan_was_made(planned):  # noqa: F811
    change_row(planned, "supporter_changed", "supporters", "S015", max_deployments="9", days_available="90")
    place(planned, "N012", "S015")
    assert "Recorded: " in planned.words()
    assert "more than they offer" not in planned.words()
    assert held(planned).events[-1].about["broken"] == ""


@pytest.mark.long
def test_whoever_declined_is_placed_by_ticking_that_rule_and_stays_in_the_next_plan(planned):  # noqa: F811
    who = deployed(planned)["N012"]
    decline(planned, "N012")
    place(planned, "N012", who)
    assert held(planned).events[-1].about["broken"] == "declined"
    assert row(planned, "N012")["Status"] == "proposed, by hand"
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert deployed(planned)["N012"] == who
    assert "no longer follows" not in planned.words()


@pytest.mark.long
def test_tables_that_an_undo_leaves_with_problems_are_mended_in_the_history(planned):  # noqa: F811
    with closing(open_store()) as store:
        seen = store.get(planned.round_id)
        schools = seen.sources["schools"]
        _, first, *_ = schools.content.decode("utf-8-sig").splitlines()
        more = first.replace(first.split(",")[0], "999999", 1).replace(first.split(",")[1], "Elm School", 1)
        newer = type(schools)(schools.name, schools.content.rstrip(b"\n") + f"\n{more}\n".encode())
        store.save_sources(seen, {**seen.sources, "schools": newer}, by="Al")
    add_need(planned, need_id="N900", school_urn="999999", focus="phonics")
    given = held(planned).last_event - 1
    planned.go(HISTORY)
    planned.choose("Entry", given)
    fill(planned, "Reason for undoing", "The wrong extract")
    planned.press("Undo this entry")
    assert "The tables have problems as they are now." in planned.words()
    assert "phonics at 999999 (N900)" in planned.words()
    planned.choose("Entry", held(planned).last_event)
    fill(planned, "Reason for undoing", "The need is right")
    planned.press("Undo this entry")
    assert "The tables have problems" not in planned.words()
    planned.go(PLAN)
    assert row(planned, "N900")["Supporter"] == "Unmet"
