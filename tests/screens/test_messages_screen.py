"""Writing to people from Today, the words of messages, and what Hand over has of the contact desk."""

from datetime import date

from test_screens import Visitor, database, demo, planned  # noqa: F401
from test_today_screen import held, state, tick_all

from matching.rounds.desk.templates import DEFAULTS, words_of
from matching.rounds.history.events import new_event
from matching.rounds.store import open_store
from matching.ui.steps import EXPORT, HISTORY, TODAY


def shown(visitor: Visitor) -> str:
    """The text of the message that is shown."""
    return visitor.tab.code[1].value


def test_every_person_of_a_new_plan_is_written_to_and_approached(planned):  # noqa: F811
    visitor = planned
    visitor.go(TODAY)
    tick_all(visitor)
    visitor.press("Write to them: 69 deployments")
    people = {one for _, one in held_pairs(visitor)}
    # One of them has no address.
    assert f"Download {len(people) - 1} drafts (.eml in a zip)" in visitor.downloads()
    assert "1 message has no address that a draft can hold." in visitor.words()
    assert shown(visitor).startswith("Dear Abigail Nwosu,")
    visitor.press(f"Mark all {len(people)} as sent")
    assert f"Recorded: {len(people)} messages were sent, one for each person. 69 deployments are approached now." in (
        " ".join(visitor.words().split())
    )
    assert (visitor.figure("To be approached"), [*state(visitor).statuses.values()]) == ("0", ["approached"] * 69)
    sent = [one for one in held(visitor).events if one.kind == "message"]
    assert {one.about["template"] for one in sent} == {"approach"}
    assert {one.about["on"] for one in sent} == {date.today().isoformat()}
    visitor.go(HISTORY)
    visitor.choose("What", "message")
    assert "Message sent: approach" in visitor.words()
    visitor.go(TODAY)
    visitor.press("Undo")
    assert (state(visitor).statuses, state(visitor).written) == ({}, {})


def held_pairs(visitor: Visitor) -> list[tuple[str, str]]:
    from matching.plan.on_disk import read_files

    rows = read_files(held(visitor).files).plan.deployments
    return [*zip(rows["need_id"], rows["supporter_id"], strict=True)]


def test_tick_all_takes_only_lines_that_something_can_be_recorded_for(planned):  # noqa: F811
    planned.go(TODAY)
    assert len(planned.rows()) > 69
    assert "Tick all 69" in planned.buttons()
    planned.choose("Show", "review")
    assert not [one for one in planned.buttons() if one.startswith("Tick all")]


def test_words_are_changed_with_a_live_message_and_faults_beside_the_field_and_saved(planned):  # noqa: F811
    planned.go(TODAY)
    planned.press("Write to them")
    assert "Address: bethan.khan@" in planned.words()
    text = next(one for one in planned.tab.text_area if one.label == "Text")
    text.set_value("Dear {{ nmae }}")
    planned.run()
    assert "'nmae' is not a field. Did you mean 'name'?" in planned.words()
    assert next(one for one in planned.tab.button if one.label == "Save the words").disabled
    assert not [one for one in planned.buttons() if one.startswith("Mark it")]
    next(one for one in planned.tab.text_area if one.label == "Text").set_value("{{ name }}: {{ start_by }} {{ note }}")
    planned.run()
    assert "1 message cannot be written yet." in planned.words()
    assert "start_by (the day by which it must begin)" in planned.words()
    next(one for one in planned.tab.text_area if one.label == "Text").set_value("{{ name }}, {{ note }}")
    planned.run()
    assert "The messages cannot be written yet." in planned.words()
    next(one for one in planned.tab.text_area if one.label == "A note for these messages").set_value("Hello")
    planned.run()
    assert shown(planned) == "Bethan Khan, Hello"
    planned.press("Save the words")
    assert "The words are saved for this round." in planned.words()
    # The same line is still ticked, and the message open.
    assert shown(planned) == "Bethan Khan, Hello"
    assert words_of(held(planned).events)["approach"].text == "{{ name }}, {{ note }}"
    planned.press("Restore the default words")
    assert words_of(held(planned).events) == DEFAULTS
    assert shown(planned).startswith("Dear Bethan Khan,")


def test_a_day_of_answer_or_of_sending_that_cannot_be_right_is_refused(planned):  # noqa: F811
    planned.go(TODAY)
    planned.press("Write to them")
    planned._one(planned.tab.text_input, "Answer wanted by").set_value("01/01/2020")
    planned.run()
    assert "01/01/2020 is in the past. Give a day from today on." in planned.words()
    assert not planned.tab.code
    planned._one(planned.tab.text_input, "Answer wanted by").set_value("01/01/2090")
    planned.run()
    planned._one(planned.tab.text_input, "Sent on").set_value("01/01/2020")
    planned.press("Mark it as sent")
    assert "01/01/2020 is before the round began." in planned.words()
    assert state(planned).statuses == {}


def test_a_line_leads_to_its_own_message_and_one_of_many_can_be_marked_alone(planned):  # noqa: F811
    about = {"by": "Ann Ash", "on": date.today().isoformat()}
    pairs = [("N001", "S005"), ("N026", "S015")]
    events = [new_event("status", status="approached", need_id=one, supporter_id=who, **about) for one, who in pairs]
    open_store().record(held(planned), events)
    visitor = Visitor(TODAY, round=planned.round_id)
    visitor.choose("Show", "every deployment")
    tick_all(visitor)
    visitor.press("Write to them: 69 deployments")
    assert "About the 67 of 69 ticked deployments for which this message is due." in visitor.words()
    visitor.choose("Message", "remind")
    assert "About the 2 of 69" in visitor.words()
    assert "have not heard from you yet" in shown(visitor)
    visitor.press("Mark this one as sent")
    assert [*state(visitor).written] == [pairs[0]]
    assert "Mark all 2 as sent" in visitor.buttons()


def test_hand_over_has_agreements_and_calendars_of_what_is_recorded(planned):  # noqa: F811
    planned.go(EXPORT)
    assert "Download the agreements to sign" in planned.downloads()
    assert "There is nothing for a calendar yet" in planned.words()
    terms = new_event("terms", by="Ann Ash", need_id="N001", supporter_id="S005", start="2026-12-01", end="2026-12-18")
    open_store().record(held(planned), [terms])
    visitor = Visitor(EXPORT, round=planned.round_id)
    assert {"Download the calendar", "Download one for each school (zip)"} <= {*visitor.downloads()}
    visitor.tick("Put the calendars into the zip file to keep, too")
    visitor.tick("Include contact details in the documents to print")
    assert "Download everything (zip)" in visitor.downloads()
