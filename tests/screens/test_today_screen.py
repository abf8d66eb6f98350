"""Today: what there is to do, and recording it for one deployment or for many."""

from datetime import date

import pytest
from test_screens import Visitor, database, demo, planned  # noqa: F401
from test_workspace import begin

from matching.rounds.desk.settings import PARTIES
from matching.rounds.history.events import new_event
from matching.rounds.history.state import RoundState, state_of
from matching.rounds.store import open_store
from matching.ui.steps import PLAN, ROUNDS, TODAY


def held(visitor: Visitor):
    return open_store().get(visitor.round_id)


def state(visitor: Visitor) -> RoundState:
    return state_of(held(visitor).events)


def grid(visitor: Visitor):
    return visitor.tab.dataframe[0].value


def tick_all(visitor: Visitor) -> None:
    (label,) = [one for one in visitor.buttons() if one.startswith("Tick all")]
    visitor.press(label)


def test_every_deployment_of_a_new_plan_is_approached_in_three_clicks(planned):  # noqa: F811
    planned.go(TODAY)
    assert planned.figure("To be approached") == "69"
    tick_all(planned)
    planned.press("Mark as approached: 69 deployments")
    assert "Recorded for 69 deployments: approached." in planned.words()
    assert planned.figure("To be approached") == "0"
    assert [*state(planned).statuses.values()] == ["approached"] * 69
    planned.press("Undo")
    assert state(planned).statuses == {}
    assert planned.figure("To be approached") == "69"


def test_a_round_with_a_plan_opens_on_today_and_one_without_on_start(planned):  # noqa: F811
    planned.go(ROUNDS)
    planned.press("Open")
    assert planned.title == "Today"
    assert "There is no plan yet" in Visitor(TODAY, round=open_demo_round()).words()


def open_demo_round() -> str:
    store = open_store()
    (planned_round,) = store.list()
    return store.create("Without a plan", store.get(planned_round.round_id).given.first).round_id


def test_the_next_step_of_a_line_leads_to_its_need_or_its_person(planned):  # noqa: F811
    planned.go(TODAY)
    assert "First: approach them" in planned.words()
    planned.press("Open on the Plan screen")
    assert planned.title == "Plan"
    assert "N001: " in planned.words()
    planned.go(TODAY)
    planned.choose("Show", "review")
    planned.press("Look at the evidence")
    assert planned.title == "People"


def test_in_an_approved_round_statuses_are_recorded_and_one_that_ends_a_deployment_reopens_it(planned):  # noqa: F811
    store = open_store()
    store.approve(held(planned), held(planned).files)
    visitor = Visitor(TODAY, round=planned.round_id)
    tick_all(visitor)
    radio = next(one for one in visitor.tab.radio if one.label == "What is the status now?")
    assert [one for one in radio.options if "Withdrawn" in one]
    visitor.press("Mark as approached: 69 deployments")
    assert visitor.figure("To be approached") == "0"
    assert held(planned).approved is not None


def test_mine_are_the_deployments_about_which_i_made_the_last_entry(planned):  # noqa: F811
    about = {"on": date.today().isoformat(), "status": "approached"}
    pairs = [("N001", "S005"), ("N026", "S015")]
    events = [
        new_event("status", by=by, need_id=need_id, supporter_id=who, **about)
        for by, (need_id, who) in zip(("Robin Fry", "Ann Ash"), pairs, strict=True)
    ]
    open_store().record(held(planned), events)
    visitor = Visitor(TODAY, name="Ann Ash", round=planned.round_id)
    visitor.choose("Show", "every deployment")
    assert len(grid(visitor)) == 69
    visitor.choose("Whose", "mine")
    assert [one.rpartition("(")[2] for one in grid(visitor)["Need"]] == ["N026)"]
    assert grid(visitor)["So far"].tolist() == [f"approached {date.today().day} {date.today():%b %Y}"]


def test_many_are_agreed_together_once_every_consent_is_ticked(planned):  # noqa: F811
    planned.go(TODAY)
    planned.choose("Show", "approach")
    tick_all(planned)
    radio = next(one for one in planned.tab.radio if one.label == "What is the status now?")
    assert radio.options[0] == "No new status"
    radio.set_value("agreed")
    planned.tick("The supporter has consented")
    planned.press("Record for 69 deployments")
    words = "69 deployments cannot be agreed without the consent of the home school and the receiving school"
    assert words in planned.words()
    assert state(planned).consents == {}
    for party in PARTIES[1:]:
        planned.tick(f"The {party} has consented")
    planned.press("Record for 69 deployments")
    assert {*state(planned).statuses.values()} == {"agreed"}
    assert all({*one} == {*PARTIES} for one in state(planned).consents.values())


def test_the_settings_are_kept_as_an_entry_and_outdate_no_plan(planned):  # noqa: F811
    planned.go(TODAY)
    planned.press("Save the settings")
    assert "Nothing has changed." in planned.words()
    planned._one(planned.tab.multiselect, "An agreement needs the consent of").set_value(["supporter"])
    planned.press("Save the settings")
    assert "The settings are saved." in planned.words()
    assert state(planned).desk.consents == ("supporter",)
    planned.go(PLAN)
    assert "Proved: no plan is better." in planned.words()


def test_a_consent_alone_and_a_date_that_is_wrong(planned):  # noqa: F811
    begin(planned, "N026", "A new status")
    planned.tick("The home school has consented")
    on = next(one for one in planned.tab.text_input if one.label == "On (dd/mm/yyyy)")
    on.set_value("31/02/2026")
    planned.press("Record the status")
    assert "'31/02/2026' is not a date." in planned.words()
    next(one for one in planned.tab.text_input if one.label == "On (dd/mm/yyyy)").set_value("01/01/2020")
    planned.press("Record the status")
    assert "01/01/2020 is before the round began." in planned.words()
    assert state(planned).consents == {}
    next(one for one in planned.tab.text_input if one.label == "On (dd/mm/yyyy)").set_value("")
    planned.press("Record the status")
    assert "has the consent of the home school." in planned.words()
    ((given,),) = [one.values() for one in state(planned).consents.values()]
    assert (given.party, given.answer) == ("home school", "yes")
    assert "So far: home school: yes" in planned.words()


@pytest.mark.long
def test_a_home_school_that_says_no_altogether_keeps_its_leader_from_every_school(planned):  # noqa: F811
    begin(planned, "N026", "A school said no")
    who = state(planned)
    far = next(one for one in planned.tab.radio if one.label == "How far does it go?")
    far.set_value("altogether")
    planned.run()
    planned.press("Record the no")
    words = planned.words()
    assert "is withdrawn, because the home school said no." in words
    assert "will be proposed nowhere meanwhile." in words
    found = state(planned)
    assert ("declined" not in found.statuses.values(), found.barred) == (True, who.barred)
    assert [one.kind for one in held(planned).events[-3:]] == ["consent", "status", "supporter_unavailable"]
    next(one for one in planned.tab.button if str(one.key).startswith("undo_last")).click()
    planned.run()
    assert state(planned).statuses == {}
    assert held(planned).sources == held(planned).given.first


def test_support_is_paused_and_resumed_and_shown_so(planned):  # noqa: F811
    for status in ("agreed", "paused", "active"):
        begin(planned, "N026", "A new status")
        radio = next(one for one in planned.tab.radio if one.label.startswith("What is the status"))
        radio.set_value(status)
        for party in PARTIES if status == "agreed" else ():
            planned.tick(f"The {party} has consented")
        planned.press("Record the status")
        assert f"is now {status}." in planned.words()
        assert f"{status.capitalize()}\n" in planned.words()
