"""The support itself on the screens: terms, visits, reviews, evaluations, rates, and what is handed over of them."""

from datetime import date

import pytest
from test_screens import Visitor, database, demo, planned, with_tables  # noqa: F401
from test_today_screen import held, state
from test_workspace import begin

from matching.rounds.history.events import new_event
from matching.rounds.store import open_store
from matching.ui.steps import EXPORT, PEOPLE, PLAN, TODAY

PAIR = ("N026", "S015")
ABOUT = {"by": "Jo", "need_id": PAIR[0], "supporter_id": PAIR[1]}


def agree(visitor: Visitor, *more) -> Visitor:
    """Have N026 agreed, with more entries about it."""
    events = [new_event("desk", by="Jo", consents=""), new_event("status", status="agreed", **ABOUT), *more]
    open_store().record(held(visitor), events)
    return Visitor(PLAN, round=visitor.round_id)


def field(visitor: Visitor, kind: str, label: str):
    (found,) = [one for one in getattr(visitor.tab, kind) if one.label == label]
    return found


def test_a_visit_is_logged_with_a_fault_beside_its_field_and_an_overrun_is_said(planned):  # noqa: F811
    planned = agree(planned, new_event("terms", days="0.5", **ABOUT))
    begin(planned, "N026", "A visit")
    field(planned, "text_input", "On (dd/mm/yyyy)").set_value("31/02/2026")
    planned.press("Log the visit")
    assert "'31/02/2026' is not a date." in planned.words()
    field(planned, "text_input", "On (dd/mm/yyyy)").set_value(f"{date.today():%d/%m/%Y}")
    planned.press("Log the visit")
    assert "Give quarters, such as 0.25, 0.5 or 1." in planned.words()
    assert state(planned).support.visits == {}
    field(planned, "radio", "How long?").set_value("0.75")
    field(planned, "text_area", "Note (optional)").set_value("Saw a lesson")
    planned.press("Log the visit")
    words = planned.words()
    assert "Recorded: a visit of 0.75 days in the support by" in words
    assert "0.75 days are used, 0.25 days more than agreed." in words
    assert "Days used: 0.75 of 0.5 days, 0.25 days more than agreed." in words
    assert str(state(planned).support.days_used(PAIR)) == "0.75"
    # A second one on the day would exceed the day.
    begin(planned, "N026", "A visit")
    field(planned, "radio", "How long?").set_value("0.5")
    planned.press("Log the visit")
    assert "With this one they would exceed one day. At most 0.25 days is left of that day." in planned.words()
    planned.go(PEOPLE)
    grid = planned.tab.dataframe[0].value
    assert grid.loc[grid["Identifier"] == "S015", "Days used"].tolist() == ["0.75 of 0.5"]


@pytest.mark.long
def test_terms_a_review_and_an_evaluation_are_recorded_and_shown_even_once_the_plan_is_approved(planned):  # noqa: F811
    planned = agree(planned)
    open_store().approve(held(planned), held(planned).files)
    visitor = Visitor(PLAN, round=planned.round_id)
    begin(visitor, "N026", "Dates, days and objectives")
    field(visitor, "text_input", "Starts on (dd/mm/yyyy)").set_value("07/09/2026")
    field(visitor, "text_input", "Ends on (dd/mm/yyyy)").set_value("01/09/2026")
    visitor.press("Save what was agreed")
    assert "The support would end before it starts." in visitor.words()
    field(visitor, "text_input", "Ends on (dd/mm/yyyy)").set_value("18/12/2026")
    visitor.press("Save what was agreed")
    assert "Agreed: 7 September 2026 to 18 December 2026." in visitor.words()
    begin(visitor, "N026", "A review")
    visitor.press("Record the review")
    assert "What was said is missing." in visitor.words()
    field(visitor, "text_area", "What was said").set_value("Going well")
    visitor.press("Record the review")
    begin(visitor, "N026", "The school's evaluation")
    visitor.press("Record the evaluation")
    assert "is no rating." in visitor.words()
    next(one for one in visitor.tab.radio if one.label.startswith("What difference")).set_value("3")
    visitor.press("Record the evaluation")
    assert "made a clear difference, says the school." in visitor.words()
    assert "evaluation: a clear difference" in visitor.words()
    next(one for one in visitor.tab.button if str(one.key).startswith("undo_last")).click()
    visitor.run()
    assert state(visitor).support.evaluations == {}


def test_rates_give_the_cost_on_plan_and_in_the_workload(planned):  # noqa: F811
    visit = new_event("visit", on=date.today().isoformat(), days="0.25", text="Zqnote", **ABOUT)
    planned = agree(planned, visit)
    planned.go(PLAN)
    planned.tab.session_state["plan_tabs"] = "Days and cost"
    planned.run()
    assert "Give the rates a day below to see the cost." in planned.words()
    sle = next(one for one in planned.tab.text_input if one.label == "Pounds a day of an SLE")
    sle.set_value("-5")
    planned.press("Save the rates")
    assert "'-5' is negative. Give 0 where a day costs nothing." in planned.words()
    assert state(planned).rates == {}
    next(one for one in planned.tab.text_input if one.label == "Pounds a day of an SLE").set_value("333.34")
    planned.press("Save the rates")
    assert "The rates are saved." in planned.words()
    assert "Proved: no plan is better." in planned.words()
    assert "and the days used so far £83.34." in planned.words()
    planned.choose("Need", "N026")
    assert "Days used: 0.25 of 5 days. Cost: £83.34 of £1,666.70." in planned.words()


def test_what_schools_say_is_handed_over_by_group_and_their_words_only_if_ticked(planned):  # noqa: F811
    said = {"on": date.today().isoformat(), "rating": "4", "text": "Zqimpact"}
    planned = agree(
        planned, new_event("visit", on=said["on"], days="0.25", **ABOUT), new_event("evaluation", **said, **ABOUT)
    )
    planned.go(EXPORT)
    words = planned.words()
    assert "0.25 days of visits in 1 deployment." in words
    assert "Evaluated so far: 1 of 1 deployment." in words
    assert "A great difference" in words
    planned.tick("Include the schools' words on the impact in these files")


def test_visits_of_a_table_are_shown_first_and_a_second_upload_adds_nothing(planned):  # noqa: F811
    planned = agree(planned, new_event("terms", days="0.5", **ABOUT))
    day = f"{date.today():%d/%m/%Y}"
    for rows in (f"N026,S015,{day},0.3\n", f"N026,S015,{day},0.75\n"):
        planned.go(TODAY)
        table = f"need_id,supporter_id,on,days\n{rows}".encode()
        planned._one(planned.tab.file_uploader, "Table of visits").upload("visits.csv", table)
        planned.run()
        if "0.3" in rows:
            assert "Nothing is logged: the table has 1 problem." in planned.words()
    assert "0.75 days are used then, 0.25 days more than agreed." in planned.words()
    assert state(planned).support.visits == {}
    planned.press("Log 1 visit")
    assert "Recorded: 1 visit from a table." in planned.words()
    planned._one(planned.tab.file_uploader, "Table of visits").upload("visits.csv", table)
    planned.run()
    assert "1 visit is logged already: row 2." in planned.words()
    assert len(state(planned).support.visits[PAIR]) == 1


def test_rates_of_a_policy_file_are_those_of_the_round_that_begins_with_it(database):  # noqa: F811
    visitor = with_tables(policy="[rates]\nSLE = 400.50\n")
    assert {name: str(rate) for name, rate in state(visitor).rates.items()} == {"SLE": "400.50"}
    assert b"rates" not in held(visitor).sources["policy"].content
    refused = with_tables(policy="[rates]\nSLE = -1\n")
    assert "'-1' is negative." in refused.words()


def test_what_today_lists_is_recorded_there(planned):  # noqa: F811
    planned = agree(planned, *(new_event("status", status=one, **ABOUT) for one in ("active", "completed")))
    planned.go(TODAY)
    planned.choose("Show", "evaluate")
    assert planned.tab.dataframe[0].value["Why"].tolist() == [f"Completed on {date.today():%d/%m/%Y}"]
    planned.press("Tick all 1")
    next(one for one in planned.tab.radio if one.label.startswith("What difference")).set_value("2")
    planned.press("Record the evaluation")
    assert "made some difference, says the school." in planned.words()
    (said,) = state(planned).support.evaluations[PAIR]
    assert said.rating == "2"
