"""Decisions on the Plan screen, the best plan from here, questions, and two plans side by side."""

import re
import threading
import time
from contextlib import closing
from datetime import date

import pandas as pd
import pytest
from test_screens import IMPATIENT, Visitor, database, demo, planned, with_tables  # noqa: F401

from matching.audit.verify import verify
from matching.errors import DataError, Problem
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.plan.on_disk import read_files
from matching.rounds.desk.settings import PARTIES
from matching.rounds.history.events import new_event
from matching.rounds.history.state import state_of
from matching.rounds.planning.run_inputs import serving
from matching.rounds.store import open_store
from matching.ui.formatting import comparisons, markup
from matching.ui.state import live_plan, plan_making
from matching.ui.state.params import PARAMS_KEY, ScreenParams
from matching.ui.steps import COMPARE, PLAN, RULES

RECORD = "What do you want to record?"


def begin(visitor: Visitor, need_id: str, what: str) -> None:
    visitor.choose("Need", need_id)
    (box,) = [one for one in visitor.tab.selectbox if one.label == RECORD]
    (option,) = [one for one in box.options if what in one]
    box.set_value(option)
    visitor.run()


def agree(visitor: Visitor) -> None:
    """Record in the open form that everyone has consented, and that the deployment is agreed."""
    status = next(one for one in visitor.tab.radio if one.label.startswith("What is the status"))
    status.set_value("agreed")
    for party in PARTIES:
        visitor.tick(f"The {party} has consented")
    visitor.press("Record the status")


def fill(visitor: Visitor, label: str, words: str) -> None:
    visitor._one(visitor.tab.text_input, label).set_value(words)


def decline(visitor: Visitor, need_id: str) -> None:
    begin(visitor, need_id, "declined")
    visitor._one(visitor.tab.selectbox, "Why?").set_value("too_far")
    visitor.press("Record that they declined")


def row(visitor: Visitor, need_id: str) -> dict:
    return next(one for one in visitor.rows() if one["Need"] == need_id)


def deployed(visitor: Visitor) -> dict[str, str]:
    """The supporter_id by need_id of the accepted plan."""
    return serving(read_files(open_store().get(visitor.round_id).files).plan)


def state(visitor: Visitor):
    return state_of(open_store().get(visitor.round_id).events)


def test_a_decline_frees_the_need_and_can_be_undone(planned):  # noqa: F811
    decline(planned, "N012")
    assert row(planned, "N012")["Supporter"] == "Unmet"
    assert "(N012). Reason: Too far to travel." in planned.words()
    assert "(N012) is without a supporter now. 22 needs are unmet in all." in planned.words()
    planned._one([one for one in planned.tab.button if str(one.key).startswith("undo_last")], "Undo").click()
    planned.run()
    assert row(planned, "N012")["Supporter"] == "Manjit Martínez"
    assert "Undone. The history keeps both" in planned.words()


def test_a_decline_without_a_reason_is_refused(planned):  # noqa: F811
    begin(planned, "N012", "declined")
    planned.press("Record that they declined")
    assert "The reason is missing." in planned.words()
    assert state(planned).barred == {}


def test_another_reason_is_given_in_words(planned):  # noqa: F811
    begin(planned, "N012", "declined")
    planned._one(planned.tab.selectbox, "Why?").set_value("other")
    planned.press("Record that they declined")
    assert "The reason is missing." in planned.words()
    fill(planned, "In their words (needed for “Other”)", "Moving house")
    planned.press("Record that they declined")
    (bar,) = state(planned).barred.values()
    assert bar.reason == "Other: Moving house"


def test_the_best_plan_from_here_is_shown_first_and_then_accepted(planned):  # noqa: F811
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    words = planned.words()
    assert "Nothing has changed yet." in words
    assert "1 more critical need met." in words
    assert row(planned, "N012")["Supporter"] == "Unmet"
    planned.press("Accept this plan")
    assert row(planned, "N012")["Supporter"] not in ("Unmet", "Manjit Martínez")
    assert planned.figure("Critical") == "12 of 12"
    assert len(open_store().get(planned.round_id).plans) == 2
    planned.go(COMPARE)
    assert "Both plans serve every need in the same way." not in planned.words()


def test_the_best_plan_from_here_can_be_left(planned):  # noqa: F811
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    planned.press("Discard it")
    assert "The best plan from here" not in planned.words()
    assert row(planned, "N012")["Supporter"] == "Unmet"


@pytest.fixture
def slow(planned, monkeypatch) -> list[threading.Event]:  # noqa: F811
    """A search for the best plan from here that goes on until it is stopped; no screen waits for it."""
    planned.tab.session_state[PARAMS_KEY] = IMPATIENT
    best, begun = plan_making.allocate, []

    def search(inputs, *, progress, cancel, **options):
        begun.append(cancel)
        progress("Searching")
        assert cancel.wait(30)
        return best(inputs, progress=progress, cancel=cancel, **options)

    monkeypatch.setattr(plan_making, "allocate", search)
    return begun


def run_until(visitor: Visitor, words: str) -> None:
    last = time.monotonic() + 30
    while words not in visitor.words():
        assert time.monotonic() < last, f"'{words}' did not come"
        visitor.run()


@pytest.mark.long
def test_a_long_search_for_the_best_plan_from_here_can_be_stopped_with_what_it_has(planned, slow):  # noqa: F811
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    assert "The best plan from here is being found" in planned.words()
    assert "Searching" in planned.words()
    other = Visitor(PLAN, round=planned.round_id)
    assert "being found" not in other.words(), "nobody else waits for it"
    planned.press("Stop and keep the best plan so far")
    run_until(planned, "Nothing has changed yet.")
    words = planned.words()
    assert "There may be a better plan." in words
    assert "The search was stopped on request." in words
    planned.press("Accept this plan")
    assert len(open_store().get(planned.round_id).plans) == 2


@pytest.mark.long
def test_a_decision_ends_the_search_for_a_plan_that_does_not_know_of_it(planned, slow):  # noqa: F811
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    decline(planned, "N026")
    assert "being found" not in planned.words()
    assert [cancel.is_set() for cancel in slow] == [True]
    assert "Find the best plan from here" in planned.buttons()


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DataError([Problem("plan", None, "", "", "It cannot be.", "Undo something.")]), "It cannot be."),
        (RuntimeError("boom"), "This is a fault in the program, not in your tables."),
    ],
)
def test_a_search_for_the_best_plan_from_here_that_fails_is_told_in_a_sentence(
    planned,  # noqa: F811
    monkeypatch,
    fault,
    words,
):
    def fails(inputs, **options):
        raise fault

    monkeypatch.setattr(plan_making, "allocate", fails)
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    run_until(planned, words)
    assert "Find the best plan from here" in planned.buttons()


def test_whoever_agreed_stays_in_the_next_plan(planned):  # noqa: F811
    begin(planned, "N026", "A new status")
    agree(planned)
    assert row(planned, "N026")["Status"] == "agreed"
    who = row(planned, "N026")["Supporter"]
    decline(planned, "N012")
    planned.press("Find the best plan from here")
    planned.press("Accept this plan")
    assert row(planned, "N026")["Supporter"] == who


def test_whoever_agreed_is_taken_in_an_answer_to_why_not(planned):  # noqa: F811
    who = row(planned, "N035")["Supporter"]
    begin(planned, "N035", "A new status")
    agree(planned)
    planned.choose("Need", "N043")
    planned.choose("Why not another supporter?", "S003")
    assert f"{who} (S003) has no capacity for this need, and could not be pinned to it." in planned.words()
    assert "and already have 1 pinned or agreed need." in planned.words()


@pytest.mark.long
def test_a_pin_shows_in_the_table_and_a_note_beside_the_need(planned):  # noqa: F811
    begin(planned, "N012", "(pin)")
    planned.press("Keep Manjit Martínez here")
    assert row(planned, "N012")["Status"] == "proposed, pinned"
    begin(planned, "N012", "note")
    planned.tab.text_area[0].set_value("<b>Rang</b> on Tuesday")
    planned.press("Save the note")
    assert "<b>Rang</b> on Tuesday" in planned.words()
    assert "<b>Rang" not in planned.markup()


def record_meanwhile(round_id: str, kind: str, need_id: str, supporter_id: str, **about: str) -> None:
    """Record a decision in another window."""
    with closing(open_store()) as store:
        about |= {"need_id": need_id, "supporter_id": supporter_id}
        store.record(store.get(round_id), [new_event(kind, by="Ann Ash", why="Meanwhile", **about)])


@pytest.mark.long
def test_two_people_who_decide_about_different_needs_and_people_do_not_notice_each_other(planned):  # noqa: F811
    (other,) = [one for one in planned.rows() if one["Need"] == "N003"]
    begin(planned, "N012", "(pin)")
    before = state(planned)
    supporter_id = deployed(planned)[other["Need"]]
    assert supporter_id != "S027"
    record_meanwhile(planned.round_id, "forbid", other["Need"], supporter_id)
    planned.press("Keep Manjit Martínez here")
    assert "changed in another window" not in planned.words()
    assert "Manjit Martínez (S027) is pinned to" in planned.words()
    assert (row(planned, "N012")["Status"], row(planned, other["Need"])["Supporter"]) == ("proposed, pinned", "Unmet")
    # Undo takes back this tab's own entry only.
    planned._one([one for one in planned.tab.button if str(one.key).startswith("undo_last")], "Undo").click()
    planned.run()
    assert state(planned).pins == before.pins == {}
    assert list(state(planned).barred) == [(other["Need"], supporter_id)]


def test_what_was_typed_stays_when_another_person_was_faster_about_the_same_need(planned):  # noqa: F811
    begin(planned, "N012", "(forbid)")
    fill(planned, "Why?", "Governor there")
    record_meanwhile(planned.round_id, "note", "N012", "", text="Ring them first")
    planned.press("Forbid this supporter")
    words = planned.words()
    assert "The round was changed in another window" in words
    assert "Ann Ash: note, need N012. Reason: Ring them first" in words
    assert planned._one(planned.tab.text_input, "Why?").value == "Governor there"
    assert state(planned).barred == {}
    planned.press("Open the round as it is now")
    assert planned._one(planned.tab.text_input, "Why?").value == "Governor there"
    planned.press("Forbid this supporter")
    assert [one.reason for one in state(planned).barred.values()] == ["Governor there"]


def test_somebody_forbidden_needs_a_reason(planned):  # noqa: F811
    begin(planned, "N012", "(forbid)")
    planned.press("Forbid this supporter")
    assert "The supporter or the reason is missing." in planned.words()
    fill(planned, "Why?", "Governor there")
    planned.press("Forbid this supporter")
    assert row(planned, "N012")["Supporter"] == "Unmet"
    assert [one.kind for one in state(planned).barred.values()] == ["forbid"]


def test_a_swap_names_every_rule_that_it_breaks_and_each_is_ticked(planned):  # noqa: F811
    begin(planned, "N012", "(swap)")
    planned.choose("Who should support it instead?", "S015")
    ticks = [one for one in planned.tab.checkbox if one.label.startswith("I accept this")]
    assert any("offers 4 places and would then have 5 needs" in one.label for one in ticks)
    fill(planned, "Why?", "Knows the head")
    planned.press("Place them here")
    assert "A rule that this breaks is not ticked." in planned.words()
    for one in planned.tab.checkbox:
        if one.label.startswith("I accept this"):
            one.set_value(True)
    planned.press("Place them here")
    assert row(planned, "N012")["Supporter"] == "Folasade Pickering"
    assert row(planned, "N012")["Status"] == "proposed, by hand"
    assert "places" in state(planned).swaps["N012"].broken


def test_why_not_tells_what_would_be_lost_and_who_would_move(planned):  # noqa: F811
    planned.choose("Need", "N012")
    planned.choose("Why not another supporter?", "S015")
    words = planned.words()
    assert "With Folasade Pickering (S015) here the plan would be" in words
    assert "How the score of" in words
    assert "Who would move" in words
    planned.choose("Why not another supporter?", "S004")
    planned.tab.toggle[0].set_value(True)
    planned.run()
    assert "What the plan would reach" in planned.words()


def test_what_would_meet_an_unmet_need_is_told_with_its_price(planned):  # noqa: F811
    planned.choose("Need", "N052")
    planned.press("Find the smallest changes that would meet it")
    assert "would meet this need" in planned.words()
    assert "Cost: " in planned.words()


def test_changes_that_there_was_no_time_to_try_are_counted(planned):  # noqa: F811
    planned.tab.session_state[PARAMS_KEY] = ScreenParams(repairs_s=0)
    planned.choose("Need", "N052")
    planned.press("Find the smallest changes that would meet it")
    assert "No small change was found that would meet it among those tried." in planned.words()
    assert re.search(r"0 of \d+ changes that might meet it were tried, the most promising first", planned.words())


def test_a_need_that_somebody_could_take_at_once_names_them(planned):  # noqa: F811
    theirs = next(one["Need"] for one in planned.rows() if one["Supporter"] == "Ayesha Ncube")
    decline(planned, theirs)
    planned.choose("Need", "N043")
    assert "Ayesha Ncube (S003) could take this need with nothing else changed." in planned.words()
    planned.press("Find the smallest changes that would meet it")
    assert "Placing Ayesha Ncube (S003) here would meet this need and change nothing else." in planned.words()
    assert (
        "Cost: no other need loses its supporter. Record it above, or find the best plan from here." in planned.words()
    )


def test_fairness_and_distances_have_tables(planned):  # noqa: F811
    planned.open_tab("Distances")
    assert "Deployments by distance" in planned.words()
    planned.open_tab("Fairness")
    assert "Needs met by local authority" in planned.words()
    planned.choose("Needs met by", "priority")
    assert "Needs met by priority" in planned.words()


def test_a_scenario_is_kept_compared_and_chosen(planned):  # noqa: F811
    planned.go(RULES)
    planned.set_number("SLE (km)", 10.0)
    planned.go(COMPARE)
    assert "Both plans serve every need in the same way." in planned.words()
    planned.press("Make the scenario")
    assert "The scenario has no name." in planned.words()
    fill(planned, "Name of the scenario", "Near by")
    planned.press("Make the scenario")
    assert "Near by" in planned.words()
    planned._one(planned.tab.selectbox, "After").set_value("plan 2")
    planned.run()
    assert "Who moved" in planned.words()
    assert planned.downloads() == ["Download the changes (CSV)"]
    planned.press("Choose this scenario")
    assert planned.title == "Plan"
    assert planned.figure("Needs met") != "69 of 90"
    assert len(open_store().get(planned.round_id).plans) == 2
    assert "You have changed the rules" not in planned.words()


def test_compare_without_a_plan_leads_to_plan(demo):  # noqa: F811
    demo.go(COMPARE)
    assert "There is no plan to compare yet." in demo.words()


def test_a_person_is_told_only_what_they_leave_and_take():
    people = pd.DataFrame(
        [("S2", "Bo", "", "N4", ""), ("S1", "Al", "N1;N2", "N2;N3", ""), ("S3", "Cy", "N5", "", "")],
        columns=["supporter_id", "supporter_name", "had", "gets", "because"],
    )
    told = comparisons.disturbed(people, {})
    assert told.to_numpy().tolist() == [["Al (S1)", "N1", "N3"], ["Cy (S3)", "N5", "–"], ["Bo (S2)", "–", "N4"]]
    assert list(comparisons.disturbed(people.assign(because="declined"), {})) == ["Person", "Loses", "Gains", "Because"]


def test_words_of_a_table_stay_as_they_are_in_a_label():
    assert markup.label("A_*b* :red[c] $d$ `e`, F (S1)") == r"A\_\*b\* \:red\[c\] \$d\$ \`e\`, F (S1)"


@pytest.mark.long
def test_an_approved_plan_takes_notes_and_statuses_and_is_reopened_by_a_decline(planned):  # noqa: F811
    held = open_store().get(planned.round_id)
    open_store().approve(held, held.files)
    again = Visitor(PLAN, round=planned.round_id)
    again.choose("Need", "N012")
    assert "This plan is approved." in again.words()
    assert again.options(RECORD)[0] == "A new status or a consent"
    assert again.options(RECORD)[-2:] == ["A school said no", "A note"]
    begin(again, "N012", "declined")
    assert "Recording this reopens it" in again.words()
    decline(again, "N012")
    assert "The plan was approved, and is open again." in again.words()
    after = open_store().get(planned.round_id)
    assert (after.approved, [one.kind for one in after.events[-2:]]) == (None, ["reopened", "declined"])


@pytest.mark.long
def test_a_package_that_a_decline_opens_in_part_is_told_and_still_verifies(monkeypatch):
    drawn, needs_of = [], live_plan.needs_of
    monkeypatch.setattr(live_plan, "needs_of", lambda found: (drawn.append(found), needs_of(found))[1])
    needs = """\
need_id,school_urn,focus,package
N1,100000,maths,Team A
N2,100000,phonics,Team A
N3,100002,phonics,
"""
    visitor = with_tables(needs=needs)
    visitor.make_plan()
    held = {one["Need"]: one["Supporter"] for one in visitor.rows()}
    assert (held["N1"], held["N2"]) == ("Ann Ash", "Ann Ash")
    decline(visitor, "N1")
    assert row(visitor, "N1")["Supporter"] == "Unmet"
    assert row(visitor, "N2")["Supporter"] == "Ann Ash"
    assert (
        "Only part of package Team A is met now: phonics at Alder School (N2). Its needs belong together"
        in visitor.words()
    )
    found = drawn[-1]
    assert any("Package Team A is met in part" in notice for notice in found.plan.manifest["notices"])
    saved = read_files(plan_files(found.plan, found.market.inputs))
    as_at = date.fromisoformat(found.plan.manifest["as_at"])
    assert verify(saved, read_inputs(saved.sources, as_at=as_at)).faults == ()
    visitor.press("Find the best plan from here")
    visitor.press("Accept this plan")
    assert (row(visitor, "N2")["Supporter"], row(visitor, "N3")["Supporter"]) == ("Unmet", "Ann Ash")
