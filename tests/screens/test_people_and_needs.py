"""People and Needs: rows added and changed, what each change touches, and the way back."""

import re
from datetime import date, timedelta

import pytest
import tiny
from test_screens import Visitor, database, demo, planned, with_tables  # noqa: F401

from matching.inputs.read import read_inputs
from matching.rounds.history.events import new_event
from matching.rounds.history.state import state_of
from matching.rounds.register import blank_tables
from matching.rounds.store import open_store
from matching.ui.steps import CHECK, HISTORY, NEEDS, PEOPLE, PLAN, START

RECORD = "What do you want to record?"
ADD_A_NEED, ADD_A_PERSON = "Add a need", "Add a person"
FORM = "(need|person|contact|away|left|back|evidence|max)_"
TODAY = date.today()


def short(days: int) -> str:
    return f"{TODAY + timedelta(days=days):%d/%m/%Y}"


def stored(visitor: Visitor):
    return open_store().get(visitor.round_id)


def inputs(visitor: Visitor):
    sources = stored(visitor).sources
    return read_inputs(sources, may_be_empty=blank_tables(sources))


def need(visitor: Visitor, need_id: str) -> dict:
    rows = inputs(visitor).all_needs.to_dict("records")
    return next(one for one in rows if one["need_id"] == need_id)


def supporter(visitor: Visitor, supporter_id: str) -> dict:
    rows = inputs(visitor).supporters.to_dict("records")
    return next(one for one in rows if one["supporter_id"] == supporter_id)


def fill(visitor: Visitor, **fields: object) -> None:
    """Type into fields by the ends of their keys, which are the columns."""
    for column, value in fields.items():
        tab = visitor.tab
        widgets = [*tab.text_input, *tab.text_area, *tab.number_input, *tab.selectbox, *tab.multiselect]
        (one,) = [widget for widget in widgets if re.match(FORM, str(widget.key)) and widget.key.endswith(f"_{column}")]
        if one.type == "selectbox":
            # Schools and designations are listed by name, with their code.
            (value,) = [
                words
                for words in one.options
                if words == value or f"({value})" in words or words.startswith(f"{value}: ")
            ]
            one.set_value(value)
        else:
            one.set_value(value)
    visitor.run()


def add(visitor: Visitor, what: str) -> None:
    """Choose what to do."""
    visitor._one(visitor.tab.radio, "What do you want to do?").set_value(what)
    visitor.run()


def open_need(visitor: Visitor, need_id: str, what: str) -> None:
    visitor.go(NEEDS)
    pick(visitor, "Need", f"({need_id})")
    pick(visitor, RECORD, what)


def open_person(visitor: Visitor, supporter_id: str, what: str) -> None:
    visitor.go(PEOPLE)
    choose_people(visitor, supporter_id)
    pick(visitor, RECORD, what)


def pick(visitor: Visitor, label: str, words: str) -> None:
    box = visitor._one(visitor.tab.selectbox, label)
    (option,) = [one for one in box.options if words in one]
    box.set_value(option)
    visitor.run()


def choose_people(visitor: Visitor, *supporter_ids: str) -> None:
    box = visitor._one(visitor.tab.multiselect, "People")
    box.set_value([one for one in box.options if any(f"({who})" in one for who in supporter_ids)])
    visitor.run()


def undo(visitor: Visitor) -> None:
    visitor._one([one for one in visitor.tab.button if str(one.key).startswith("undo_last")], "Undo").click()
    visitor.run()


def record(visitor: Visitor, kind: str, need_id: str, supporter_id: str, **about: str) -> None:
    """Record a decision in another window, and open the round as it is then."""
    about |= {"need_id": need_id, "supporter_id": supporter_id}
    waits_for_no_one = new_event("desk", by="Ann Ash", consents="")
    open_store().record(stored(visitor), [waits_for_no_one, new_event(kind, by="Ann Ash", **about)])


NEEDS_OF_TWO = tiny.NEEDS.replace("N2,100001,headship,,,", "N2,100002,maths,,1,")


@pytest.fixture
def two_agreed() -> Visitor:
    """The tiny round with a plan, in which Ann Ash has agreed to support two schools."""
    visitor = with_tables(needs=NEEDS_OF_TWO, supporters=tiny.SUPPORTERS.replace("phonics,2,5", "phonics,3,9"))
    visitor.make_plan()
    for need_id in ("N1", "N3"):
        record(visitor, "status", need_id, "S1", status="agreed")
    return Visitor(PEOPLE, round=visitor.round_id)


# ---- needs ---------------------------------------------------------------------------------------------------------


def test_a_need_is_added_and_undone():
    visitor = with_tables()
    visitor.go(NEEDS)
    assert visitor.figure("Open") == "3"
    add(visitor, ADD_A_NEED)
    fill(visitor, school_urn="100002", focus="maths", days=2.5, start_by="14/09/2027")
    assert "What this touches" in visitor.words()
    assert "No deployment." in visitor.words()
    visitor.press("Add this need")
    assert "Recorded: maths at Cedar School (N4) is added." in visitor.words()
    assert visitor.figure("Open") == "4"
    added = need(visitor, "N4")
    assert (added["school_urn"], added["days"], added["start_by"]) == ("100002", 2.5, date(2027, 9, 14))
    undo(visitor)
    assert visitor.figure("Open") == "3"
    assert "Undone." in visitor.words()


def test_a_need_is_changed_and_only_what_differs_is_recorded():
    visitor = with_tables()
    open_need(visitor, "N1", "A change")
    fill(visitor, days=4, priority="critical")
    visitor.press("Save the change")
    assert "Recorded: maths at Alder School (N1) is changed." in visitor.words()
    (change,) = stored(visitor).events[-1].changes
    assert change.after == {"days": "4", "priority": "critical"}
    undo(visitor)
    assert need(visitor, "N1")["days"] == 2


def test_nothing_is_saved_where_nothing_has_changed():
    visitor = with_tables()
    open_need(visitor, "N1", "A change")
    visitor.press("Save the change")
    assert "Nothing has changed" in visitor.words()
    assert len(stored(visitor).events) == 1


@pytest.mark.parametrize(
    ("what", "button", "state"), [("paused", "Pause", "paused"), ("withdrawn", "Withdraw", "withdrawn")]
)
def test_a_need_is_paused_or_withdrawn_and_opened_again(what, button, state):
    visitor = with_tables()
    open_need(visitor, "N1", f"It is {what}")
    visitor.press(f"{button} this need")
    assert f"Recorded: maths at Alder School (N1) is {state}." in visitor.words()
    assert visitor.figure(state.capitalize()) == "1"
    assert {row["Need"]: row["State"] for row in visitor.rows()} == {"N1": state, "N2": "open", "N3": "open"}
    open_need(visitor, "N1", "It is open again")
    visitor.press("Open this need again")
    assert visitor.figure("Open") == "3"
    undo(visitor)
    assert visitor.figure(state.capitalize()) == "1"


def test_needs_are_searched_and_filtered():
    visitor = with_tables()
    visitor.go(NEEDS)
    visitor.search("cedar")
    assert [row["Need"] for row in visitor.rows()] == ["N3"]
    visitor.search("")
    visitor.choose("Show priority", "high")
    assert [row["Need"] for row in visitor.rows()] == ["N1"]
    visitor.choose("Show state", "paused")
    assert "No need matches these filters." in visitor.words()


def test_an_identifier_typed_twice_is_shown_at_its_field_and_nothing_is_saved():
    visitor = with_tables()
    visitor.go(NEEDS)
    add(visitor, ADD_A_NEED)
    fill(visitor, school_urn="100002", focus="maths", need_id="N1")
    visitor.press("Add this need")
    assert "This cannot be saved yet" in visitor.words()
    assert '<p class="s2s-fault" role="alert">There is N1 in the needs table already.' in visitor.markup()
    assert len(stored(visitor).events) == 1
    fill(visitor, need_id="N9")
    visitor.press("Add this need")
    assert need(visitor, "N9")["focus"] == "maths"


def test_dates_the_wrong_way_round_are_shown_at_their_field():
    visitor = with_tables()
    open_need(visitor, "N1", "A change")
    fill(visitor, requested_on="14/09/2027", start_by="13/09/2027")
    visitor.press("Save the change")
    assert "This cannot be saved yet" in visitor.words()
    assert "s2s-fault" in visitor.markup()
    fill(visitor, start_by="31/02/2027")
    assert "'31/02/2027' is not a date." in visitor.words()
    assert len(stored(visitor).events) == 1


@pytest.mark.long
def test_a_late_need_comes_after_the_plan_and_decisions_stay(planned):  # noqa: F811
    record(planned, "status", "N026", "S001", status="agreed")
    visitor = Visitor(NEEDS, round=planned.round_id)
    add(visitor, ADD_A_NEED)
    fill(visitor, school_urn="900002", focus="maths")
    visitor.press("Add this need")
    assert "(N091) is added." in visitor.words()
    visitor.go(PLAN)
    assert next(row for row in visitor.rows() if row["Need"] == "N091")["Supporter"] == "Unmet"


def test_a_need_that_is_withdrawn_is_kept_where_that_is_agreed(two_agreed):
    open_need(two_agreed, "N1", "It is withdrawn")
    assert "maths at Alder School (N1), agreed with Ann Ash (S1): the need is withdrawn." in two_agreed.words()
    two_agreed.press("Withdraw this need")
    assert "Kept: Ann Ash (S1) at maths at Alder School (N1)." in two_agreed.words()
    state = state_of(stored(two_agreed).events)
    assert (state.pins["N1"].supporter_id, state.pins["N1"].broken) == ("S1", ())
    assert next(row for row in two_agreed.rows() if row["Need"] == "N1")["Supporter"] == "Ann Ash"
    undo(two_agreed)
    assert state_of(stored(two_agreed).events).pins == {}
    assert need(two_agreed, "N1")["state"] == "open"


# ---- people --------------------------------------------------------------------------------------------------------


def test_a_person_is_added_and_undone():
    visitor = with_tables()
    visitor.go(PEOPLE)
    assert visitor.figure("SLE") == "1"
    add(visitor, ADD_A_PERSON)
    fill(visitor, name="Dee Dunn", school_urn="100002", designation="SLE")
    visitor.press("Add this person")
    assert "This cannot be saved yet" in visitor.words()
    assert "Phases that they can support: This is blank." in visitor.words()
    fill(visitor, phases=["Primary"], specialisms=["maths"], max_deployments=2, days_available=7.5)
    visitor.press("Add this person")
    assert "Recorded: Dee Dunn (S4) is added." in visitor.words()
    assert visitor.figure("SLE") == "2"
    added = supporter(visitor, "S4")
    assert (added["phases"], added["max_deployments"], added["days_available"]) == (("Primary",), 2, 7.5)
    undo(visitor)
    assert visitor.figure("SLE") == "1"


def test_a_person_is_changed_and_what_breaks_is_named(two_agreed):
    open_person(two_agreed, "S1", "A change")
    fill(two_agreed, specialisms=["phonics"])
    words = two_agreed.words()
    assert "agreed with Ann Ash (S1): the supporter does not have maths as a specialism." in words
    two_agreed.press("Save the change")
    assert state_of(stored(two_agreed).events).pins["N1"].broken == ("specialism",)
    assert supporter(two_agreed, "S1")["specialisms"] == ("phonics",)


def test_schools_that_a_person_must_not_support_are_chosen_by_name():
    ends = zip(tiny.SUPPORTERS.splitlines(), (",conflicts", ",100099", ",", ","), strict=True)
    visitor = with_tables(supporters="".join(f"{row}{end}\n" for row, end in ends))
    open_person(visitor, "S1", "A change")
    box = visitor._one(visitor.tab.multiselect, "Schools that they must not support")
    # A school that the table does not know stays, by its number.
    assert box.value == ["100099"]
    (cedar,) = [one for one in box.options if one.startswith("Cedar School")]
    box.set_value(["100099", cedar])
    visitor.run()
    visitor.press("Save the change")
    assert supporter(visitor, "S1")["conflicts"] == ("100002", "100099")
    undo(visitor)
    assert supporter(visitor, "S1")["conflicts"] == ("100099",)


def test_someone_unavailable_keeps_one_agreed_deployment_and_ends_the_other(two_agreed):
    before = stored(two_agreed)
    open_person(two_agreed, "S1", "unavailable")
    fill(two_agreed, first=short(0), last=short(14))
    words = two_agreed.words()
    assert "2 deployments are agreed. Agreed deployments stay until you end them." in words
    assert "maths at Alder School (N1), agreed with Ann Ash (S1): the supporter is not available" in words
    two_agreed.tick("End this deployment: phonics at Cedar School")
    two_agreed.press("Record that they are unavailable")
    words = two_agreed.words()
    assert f"Recorded: Ann Ash (S1) is unavailable from {short(0)} until {short(14)}." in words
    assert "Kept: Ann Ash (S1) at maths at Alder School (N1)." in words
    assert "Ended: Ann Ash (S1) at phonics at Cedar School (N3)." in words
    assert f"Away until {short(14)}" in {row["Availability"] for row in two_agreed.rows()}
    state = state_of(stored(two_agreed).events)
    assert state.pins["N1"].broken == ("dates",)
    assert state.statuses[("N3", "S1")] == "withdrawn"
    assert ("N3", "S1") not in state.barred
    undo(two_agreed)
    after = state_of(stored(two_agreed).events)
    assert (after.pins, after.statuses) == ({}, state_of(before.events).statuses)
    assert supporter(two_agreed, "S1")["unavailable"] == ()


@pytest.mark.long
def test_someone_leaves_and_is_back(two_agreed):
    open_person(two_agreed, "S1", "They have left")
    fill(two_agreed, last=short(-1))
    assert "the supporter leaves" in two_agreed.words()
    two_agreed.press("Record that they leave")
    assert f"Recorded: Ann Ash (S1) leaves; the last day is {short(-1)}." in two_agreed.words()
    assert f"Not since {short(-1)}" in {row["Availability"] for row in two_agreed.rows()}
    assert {one.broken for one in state_of(stored(two_agreed).events).pins.values()} == {("dates",)}
    open_person(two_agreed, "S1", "They are back")
    two_agreed.press("Record that they are back")
    assert {row["Availability"] for row in two_agreed.rows()} == {"Available"}
    undo(two_agreed)
    assert supporter(two_agreed, "S1")["available_until"] == TODAY - timedelta(days=1)


def test_days_of_an_absence_the_wrong_way_round_are_shown_at_their_field():
    visitor = with_tables()
    open_person(visitor, "S1", "unavailable")
    visitor.press("Record that they are unavailable")
    assert "No day was given." in visitor.words()
    fill(visitor, first=short(9), last=short(3))
    visitor.press("Record that they are unavailable")
    assert "The last day is before the first." in visitor.words()
    assert len(stored(visitor).events) == 1


def test_the_first_evidence_says_whom_it_concerns_and_is_shown():
    visitor = with_tables()
    open_person(visitor, "S1", "Evidence")
    assert "Then every person needs evidence, 2 others too." in visitor.words()
    pick(visitor, "Criterion", "SLE-1:")
    fill(visitor, met="yes", checked_on="01/09/2026", evidence="Two <b>references</b>")
    visitor.press("Save the evidence")
    assert "Recorded: the evidence for SLE-1 of Ann Ash (S1)." in visitor.words()
    open_person(visitor, "S1", "Evidence")
    assert "Two <b>references</b>" in visitor.words()
    assert "<b>references" not in visitor.markup()
    visitor.go(PEOPLE)
    undo(visitor)
    assert inputs(visitor).accreditation is None


@pytest.mark.long
def test_several_people_are_changed_together(planned):  # noqa: F811
    planned.go(PEOPLE)
    choose_people(planned, "S001", "S002", "S003")
    assert "3 people together" in planned.words()
    pick(planned, RECORD, "Their distance")
    fill(planned, max_distance_km=12.5)
    planned.press("Save the change")
    assert "Recorded: the distance of 3 people is changed." in planned.words()
    assert {supporter(planned, one)["max_distance_km"] for one in ("S001", "S002", "S003")} == {12.5}
    assert len([one for one in stored(planned).events if one.changes]) == 1
    undo(planned)
    assert supporter(planned, "S003")["max_distance_km"] != 12.5


def test_several_people_are_unavailable_together(planned):  # noqa: F811
    planned.go(PEOPLE)
    choose_people(planned, "S001", "S027")
    pick(planned, RECORD, "unavailable")
    fill(planned, first=short(0), last=short(7))
    assert "not agreed yet. The next plan may propose another supporter." in planned.words()
    planned.press("Record that they are unavailable")
    assert f"Recorded: 2 people are unavailable from {short(0)} until {short(7)}." in planned.words()
    assert planned.figure("Available") == "43"


def test_people_are_searched_and_filtered(demo):  # noqa: F811
    demo.go(PEOPLE)
    demo.search("phonics")
    assert 0 < len(demo.rows()) < 45
    demo.search("")
    demo.choose("Show designation", "NLE")
    assert {row["Designation"] for row in demo.rows()} == {"NLE"}
    demo.choose("Show availability", "Away or gone, now or later")
    assert "No person matches these filters." in demo.words()


def test_what_is_typed_is_shown_as_text():
    visitor = with_tables()
    visitor.go(PEOPLE)
    add(visitor, ADD_A_PERSON)
    script = "<script>alert(1)</script>"
    fill(visitor, name=script, school_urn="100002", designation="LLE", phases=["Primary"])
    seen = [visitor.markup()]
    visitor.press("Add this person")
    assert f"Recorded: {script} (S4) is added." in visitor.words()
    add(visitor, "Look at people or change them")
    open_person(visitor, "S4", "A change")
    seen.append(visitor.markup())
    assert script in visitor.words()
    visitor.go(CHECK)
    seen.append(visitor.markup())
    assert not any(re.search("<script>alert", one) for one in seen)


@pytest.mark.long
def test_in_an_approved_round_only_contacts_are_changed(planned):  # noqa: F811
    store = open_store()
    store.approve(stored(planned), stored(planned).files, by="Ann Ash")
    visitor = Visitor(NEEDS, round=planned.round_id)
    assert [one.options for one in visitor.tab.radio] == [["Look at a need or change it"]]
    open_need(visitor, "N001", "Whom to write to")
    assert [one.options for one in visitor.tab.selectbox if one.label == RECORD] == [
        ["Whom to write to about it, or the fund"]
    ]
    fill(visitor, contact_name="Jo Bell", contact_email="jo@example")
    visitor.press("Save the change")
    assert "This is not an email address." in visitor.words()
    assert "contact_email" not in need(visitor, "N001") or not need(visitor, "N001")["contact_email"]
    fill(visitor, contact_email="jo@example.org")
    visitor.press("Save the change")
    assert (need(visitor, "N001")["contact_name"], need(visitor, "N001")["contact_email"]) == (
        "Jo Bell",
        "jo@example.org",
    )
    assert "jo@example.org" not in Visitor(HISTORY, round=planned.round_id).words()


def test_a_round_of_an_earlier_version_opens_with_an_address_that_cannot_be_used():
    visitor = with_tables()
    people = tiny.frame_of(tiny.SUPPORTERS).assign(email=["ann at work", "", ""], phone="ext 214")
    sources = {**stored(visitor).sources, "supporters": tiny.as_source("supporters", people.to_csv(index=False))}
    round_id = open_store().create("Earlier", sources).round_id
    earlier = Visitor(PEOPLE, round=round_id)
    assert "1 contact detail cannot be used until corrected" in earlier.words()
    open_person(earlier, "S2", "A change")
    fill(earlier, days_available=3)
    earlier.press("Save the change")
    assert supporter(earlier, "S2")["days_available"] == 3
    open_person(earlier, "S1", "How to reach them")
    fill(earlier, email="ann@example.org")
    earlier.press("Save the change")
    assert "cannot be used" not in earlier.words()


@pytest.mark.long
def test_how_to_reach_a_person_is_changed_without_outdating_the_plan(planned):  # noqa: F811
    planned.go(PEOPLE)
    open_person(planned, "S001", "How to reach them")
    fill(planned, email="s001@example.org", phone="01632 960123")
    assert "No deployment." in planned.words()
    planned.press("Save the change")
    assert supporter(planned, "S001")["phone"] == "01632 960123"
    words = Visitor(PLAN, round=planned.round_id).words()
    assert "Proved: no plan is better." in words


def test_another_persons_change_of_the_same_need_is_not_overwritten():
    visitor = with_tables()
    open_need(visitor, "N1", "A change")
    other = Visitor(NEEDS, round=visitor.round_id, name="Rosa Quill")
    open_need(other, "N1", "It is paused")
    other.press("Pause this need")
    fill(visitor, days=9)
    visitor.press("Save the change")
    assert "The round was changed in another window" in visitor.words()
    assert need(visitor, "N1")["days"] == 2


# ---- a round with schools alone ------------------------------------------------------------------------------------


def test_a_round_begins_with_the_schools_only():
    visitor = Visitor()
    visitor.upload(schools=tiny.SCHOOLS)
    visitor.press("Begin with the schools only")
    assert visitor.title == "Check the data"
    assert (visitor.figure("Schools"), visitor.figure("Needs")) == ("3", "0")
    visitor.go(START)
    assert "0 people" in visitor.words()
    visitor.go(PLAN)
    visitor.press("Make the plan")
    assert "There are no people in this round yet. Add them under People" in visitor.words()
    visitor.go(PEOPLE)
    assert "This round has no people yet." in visitor.words()
    fill(visitor, name="Ann Ash", school_urn="100001", designation="LLE", phases=["Primary"])
    visitor.press("Add this person")
    visitor.go(PLAN)
    visitor.press("Make the plan")
    assert "There is no open need in this round. Add one under Needs" in visitor.words()
    visitor.go(NEEDS)
    assert "This round has no needs yet." in visitor.words()
    fill(visitor, school_urn="100000", focus="headship")
    visitor.press("Add this need")
    visitor.make_plan()
    assert visitor.figure("Needs met") == "1 of 1"


def test_an_empty_table_that_is_uploaded_is_still_refused():
    visitor = with_tables(needs=tiny.NEEDS.splitlines()[0] + "\n")
    assert "There is no row under the header." in visitor.words()
