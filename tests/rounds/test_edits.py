"""Changes of the register as events, what is wrong in them, and what they touch."""

from dataclasses import replace
from datetime import date

import pytest
import tiny

from matching.errors import DataError
from matching.inputs.locations import with_leaving_out
from matching.inputs.read import read_inputs
from matching.rounds.edits import (
    absence,
    added_need,
    added_supporter,
    back,
    edited_need,
    edited_supporters,
    evidence_changed,
    free_identifier,
    left,
    paused,
    resumed,
    try_out,
    unavailable,
    withdrawn,
)
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.state import state_of
from matching.rounds.register import blank_table, blank_tables, rows_by_key, table_cells, with_changes
from matching.rounds.touches import LEAVES, barred_about, ended, kept, touches

SUPPORTERS = """\
supporter_id,name,designation,school_urn,phases,specialisms,max_deployments,days_available,available_from,available_until,unavailable
S1,Ann Ash,SLE,100001,Primary;Secondary,maths;phonics,2,5,,,
S2,Bob Bay,LLE,100000,Primary,,1,,,,
S3,Cy Cole,NLE,100001,Secondary,,1,,,,
"""
NEEDS = """\
need_id,school_urn,focus,designations,days,priority,start_by,package
N1,100000,maths,,2,high,2026-09-20,
N2,100001,headship,,,,,
N3,100002,phonics,,2.5,critical,2026-10-20,
"""
SERVES = {"N1": "S1", "N2": "S2", "N3": "S1"}


def sources(**tables):
    return tiny.sources(**{"supporters": SUPPORTERS, "needs": NEEDS, **tables})


def row(table: str, *key: str, **tables):
    given = sources(**tables)
    return rows_by_key(table_cells(given, table), table)[key]


def read(given):
    return read_inputs(given, as_at=tiny.AS_AT, may_be_empty=blank_tables(given))


def faults(event: Event, **tables) -> dict[str, str]:
    return dict(try_out(sources(**tables), event, read)[0].by_column)


def touched(event: Event, *events: Event, serves=SERVES, **tables):
    """The deployments that an event touches, after other events."""
    given = sources(**tables)
    state = state_of(replace(one, number=number) for number, one in enumerate(events, start=1))
    return touches(read(given), read(with_changes(given, event.changes)), state, serves, event)


def agreed(need_id: str, supporter_id: str) -> Event:
    return new_event("status", by="Jo", need_id=need_id, supporter_id=supporter_id, status="agreed")


def after(event: Event, table: str, **tables):
    """The cells of the first row that an event changes, as they are then."""
    changed = with_changes(sources(**tables), event.changes)
    return rows_by_key(table_cells(changed, table), table)[event.changes[0].key]


# ---- events --------------------------------------------------------------------------------------------------------


def test_only_the_cells_that_differ_are_changed():
    event = edited_need(row("needs", "N1"), {"days": "3", "priority": "high", "notes": " "}, by="Jo", why=" Rang ")
    (change,) = event.changes
    assert (event.kind, event.about, event.why) == ("need_changed", {"need_id": "N1"}, "Rang")
    assert (change.before, change.after) == ({"days": "2"}, {"days": "3"})
    assert edited_need(row("needs", "N1"), {"days": "2"}, by="Jo") is None


def test_a_row_is_added_with_the_cells_that_are_filled():
    event = added_need({"need_id": "N4", "school_urn": "100000", "focus": "maths", "days": ""}, by="Jo")
    assert event.changes[0].after == {"need_id": "N4", "school_urn": "100000", "focus": "maths"}
    assert event.changes[0].before is None
    assert faults(event) == {}


def test_a_need_is_paused_withdrawn_and_opened_again():
    need = row("needs", "N1")
    assert after(paused(need, by="Jo"), "needs")["state"] == "paused"
    assert after(withdrawn(need, by="Jo"), "needs")["state"] == "withdrawn"
    assert resumed(need, by="Jo") is None
    gone = after(withdrawn(need, by="Jo"), "needs")
    assert resumed(gone, by="Jo").changes[0].after == {"state": "open"}
    assert withdrawn(gone, by="Jo") is None


def test_an_absence_is_added_to_those_there_are():
    person = row("supporters", "S1")
    first = unavailable([person], date(2026, 9, 14), date(2026, 9, 28), by="Jo")
    assert first.changes[0].after == {"unavailable": "2026-09-14/2026-09-28"}
    assert first.about == {"supporter_id": "S1"}
    person = {**person, **first.changes[0].after}
    second = unavailable([person], date(2026, 12, 1), date(2026, 12, 2), by="Jo")
    assert second.changes[0].after == {"unavailable": "2026-09-14/2026-09-28;2026-12-01/2026-12-02"}
    assert unavailable([person], date(2026, 9, 14), date(2026, 9, 28), by="Jo") is None


def test_an_absence_without_an_end_never_makes_anyone_more_available():
    person = row("supporters", "S1")
    assert unavailable([person], date(2026, 9, 14), None, by="Jo").changes[0].after == {"available_until": "2026-09-13"}
    assert unavailable([person], None, date(2026, 9, 14), by="Jo").changes[0].after == {"available_from": "2026-09-15"}
    gone = {**person, "available_until": "2026-09-01"}
    assert unavailable([gone], date(2026, 9, 14), None, by="Jo") is None


def test_whoever_is_back_was_away_until_the_day_before():
    gone = {**row("supporters", "S1"), "available_until": "2026-09-10"}
    event = back(gone, date(2026, 10, 1), by="Jo")
    assert event.changes[0].after == {"available_until": "", "unavailable": "2026-09-11/2026-09-30"}
    away = {**row("supporters", "S1"), "unavailable": "2026-09-14/2026-12-28;2027-02-01/2027-02-09"}
    assert back(away, date(2026, 10, 1), by="Jo").changes[0].after == {
        "unavailable": "2026-09-14/2026-09-30;2027-02-01/2027-02-09"
    }
    late = {**row("supporters", "S1"), "available_from": "2027-01-01"}
    assert back(late, date(2026, 10, 1), by="Jo").changes[0].after == {"available_from": ""}
    assert back(row("supporters", "S1"), date(2026, 10, 1), by="Jo") is None


def test_several_people_are_changed_by_one_event():
    people = [row("supporters", one) for one in ("S1", "S2", "S3")]
    event = edited_supporters(people, {"max_deployments": "2"}, by="Jo")
    assert [one.key for one in event.changes] == [("S2",), ("S3",)]
    assert event.about == {}


def test_evidence_is_added_and_changed():
    cells = {"supporter_id": "S1", "criterion": "SLE-1", "met": "yes", "checked_on": "2026-08-01"}
    event = evidence_changed(None, cells, by="Jo")
    assert event.changes[0].key == ("S1", "SLE-1")
    evidence = tiny.EVIDENCE_HEADER + "S1,SLE-1,yes,,2026-08-01\n"
    given = row("accreditation", "S1", "SLE-1", accreditation=evidence)
    assert evidence_changed(given, cells, by="Jo") is None
    assert evidence_changed(given, {**cells, "met": "no"}, by="Jo").changes[0].after == {"met": "no"}


@pytest.mark.parametrize(
    ("taken", "expected"), [(["N001", "N090", "X7"], "N091"), ([], "N001"), (["N9"], "N10"), (["Nick"], "N001")]
)
def test_the_next_identifier_follows_the_others(taken, expected):
    assert free_identifier("N", taken) == expected


# ---- problems ------------------------------------------------------------------------------------------------------


def test_an_identifier_that_is_typed_twice_is_a_problem_of_its_field():
    event = added_need({"need_id": "N1", "school_urn": "100000", "focus": "maths"}, by="Jo")
    assert "There is N1 in the needs table already." in faults(event)["need_id"]


def test_each_problem_is_one_of_the_field_that_it_is_about():
    event = added_need({"need_id": "=N", "school_urn": "999999", "focus": "mahts", "days": "-1"}, by="Jo")
    found = faults(event)
    assert set(found) == {"need_id", "school_urn", "focus", "days"}
    assert "School 999999 is not in the schools table." in found["school_urn"]
    assert "Did you mean 'maths'?" in found["focus"]


def test_dates_the_wrong_way_round_are_a_problem_of_their_field():
    event = edited_need(row("needs", "N1"), {"requested_on": "2026-09-30"}, by="Jo")
    assert {*faults(event)} <= {"requested_on", "start_by"}
    assert faults(event)
    person = edited_supporters(
        [row("supporters", "S1")], {"available_from": "2026-09-30", "available_until": "2026-09-01"}, by="Jo"
    )
    assert {*faults(person)} <= {"available_from", "available_until"}
    assert faults(person)


def test_a_person_without_what_is_needed_is_not_added():
    event = added_supporter({"supporter_id": "S9", "name": "", "designation": "SLE", "school_urn": "100000"}, by="Jo")
    assert {"name", "phases"} <= {*faults(event)}


def test_a_school_without_a_place_is_not_in_the_round():
    gias = sources()["schools"].content.decode().replace("402000,300000", ",")
    event = added_need({"need_id": "N4", "school_urn": "100002", "focus": "maths"}, by="Jo")
    found, _ = try_out(sources(schools=gias), event, read)
    assert any("has no location" in one for one in found.others)


def test_a_faulty_row_is_refused_although_the_round_leaves_out_faulty_rows():
    needs = NEEDS + "N9,999999,maths,,,,,\n"
    given = with_leaving_out(sources(needs=needs), leave_out=True)
    wrong = added_need({"need_id": "N4", "school_urn": "999998", "focus": "maths"}, by="Jo")
    assert "school_urn" in try_out(given, wrong, read)[0].by_column
    right = added_need({"need_id": "N4", "school_urn": "100000", "focus": "maths"}, by="Jo")
    faults, after = try_out(given, right, read)
    assert not faults
    assert {*after.needs["need_id"]} == {"N1", "N2", "N3", "N4"}


@pytest.mark.parametrize(
    ("first", "last", "columns"),
    [
        ("", "", {"first"}),
        ("soon", "", {"first"}),
        ("02/10/2026", "01/10/2026", {"last"}),
        ("x", "y", {"first", "last"}),
    ],
)
def test_days_of_an_absence_that_cannot_be_are_refused(first, last, columns):
    with pytest.raises(DataError) as caught:
        absence(first, last)
    assert {one.column for one in caught.value.problems} == columns


def test_days_of_an_absence_are_read_in_either_way():
    assert absence("14/09/2026", " 2026-09-28 ") == (date(2026, 9, 14), date(2026, 9, 28))
    assert absence("14/09/2026", "") == (date(2026, 9, 14), None)


# ---- what is touched -----------------------------------------------------------------------------------------------


def test_an_absence_touches_the_deployments_that_begin_in_it():
    event = unavailable([row("supporters", "S1")], date(2026, 9, 14), date(2026, 9, 28), by="Jo")
    (found,) = touched(event, agreed("N1", "S1"))
    assert (found.need_id, found.status, found.is_held) == ("N1", "agreed", True)
    assert [one.rule for one in found.broken] == ["dates"]
    assert "20 September 2026" in found.broken[0].words
    pin = kept(found, by="Jo", why="Short")
    assert (pin.kind, pin.pair, pin.about["broken"]) == ("pin", ("N1", "S1"), "dates")
    end = ended(found, by="Jo")
    assert (end.kind, end.pair, end.about["status"]) == ("status", ("N1", "S1"), "withdrawn")


def test_whoever_leaves_has_every_deployment_listed():
    found = touched(left(row("supporters", "S1"), date(2026, 10, 1), by="Jo"), agreed("N1", "S1"))
    assert [(one.need_id, one.is_held, one.because) for one in found] == [("N1", True, LEAVES), ("N3", False, LEAVES)]
    assert [[rule.rule for rule in one.broken] for one in found] == [[], ["dates"]]
    assert [kept(one, by="Jo") for one in found] == [None, None]


def test_a_need_that_is_withdrawn_is_kept_by_a_plain_pin():
    (found,) = touched(withdrawn(row("needs", "N1"), by="Jo"), agreed("N1", "S1"))
    assert (found.because, found.broken) == ("withdrawn", ())
    pin = kept(found, by="Jo")
    assert pin.about == {"need_id": "N1", "supporter_id": "S1"}


def test_a_completed_deployment_is_not_touched():
    done = new_event("status", by="Jo", need_id="N1", supporter_id="S1", status="completed")
    assert touched(withdrawn(row("needs", "N1"), by="Jo"), done) == ()


def test_less_than_they_have_is_named():
    event = edited_supporters([row("supporters", "S1")], {"max_deployments": "1", "days_available": "3"}, by="Jo")
    found = touched(event)
    assert [one.need_id for one in found] == ["N1", "N3"]
    assert [[rule.rule for rule in one.broken] for one in found] == [["places", "days"], ["places", "days"]]
    assert found[0].broken[0].words == "offers 1 place and has 2 needs"


def test_a_change_names_only_the_rules_that_it_newly_breaks():
    needs = NEEDS.replace("N1,100000,maths", "N1,100000,science")
    event = edited_supporters([row("supporters", "S1")], {"phases": "Primary"}, by="Jo")
    found = touched(event, needs=needs)
    assert [(one.need_id, [rule.rule for rule in one.broken]) for one in found] == [("N3", ["phase"])]


def test_the_first_evidence_touches_everyone():
    cells = {"supporter_id": "S1", "criterion": "SLE-1", "met": "yes"}
    found = touched(evidence_changed(None, cells, by="Jo"))
    assert [one.supporter_id for one in found] == ["S1", "S2", "S1"]
    assert {rule.rule for one in found for rule in one.broken} == {"accreditation"}


def test_nothing_is_touched_where_no_one_serves():
    assert touched(withdrawn(row("needs", "N1"), by="Jo"), serves={}) == ()


def test_declines_about_a_need_are_named():
    declined = replace(new_event("declined", by="Jo", need_id="N1", supporter_id="S2"), number=1)
    event = withdrawn(row("needs", "N1"), by="Jo")
    assert [one.pair for one in barred_about(state_of([declined]), event)] == [("N1", "S2")]
    assert barred_about(state_of([declined]), withdrawn(row("needs", "N3"), by="Jo")) == ()


# ---- a round with schools alone ------------------------------------------------------------------------------------


def test_only_our_own_blank_tables_may_be_empty():
    given = tiny.sources(supporters=blank_table("supporters"), needs=blank_table("needs"))
    assert blank_tables(given) == {"supporters", "needs"}
    inputs = read(given)
    assert (len(inputs.supporters), len(inputs.needs), len(inputs.schools)) == (0, 0, 3)
    with pytest.raises(DataError, match="There is no row under the header"):
        read_inputs(given)
    assert blank_tables(tiny.sources(needs="need_id,school_urn,focus\n")) == frozenset()


def test_the_first_person_and_the_first_need_can_be_added():
    given = tiny.sources(supporters=blank_table("supporters"), needs=blank_table("needs"))
    person = {
        "supporter_id": "S1",
        "name": "Ann Ash",
        "designation": "LLE",
        "school_urn": "100001",
        "phases": "Primary",
    }
    given = with_changes(given, added_supporter(person, by="Jo").changes)
    need = added_need({"need_id": "N1", "school_urn": "100000", "focus": "headship"}, by="Jo")
    assert not try_out(given, need, read)[0]
    inputs = read(with_changes(given, need.changes))
    assert (len(inputs.supporters), len(inputs.needs)) == (1, 1)
    undone = with_changes(with_changes(given, need.changes), [replace(need.changes[0], before={}, after=None)])
    assert blank_tables(undone) == {"needs"}
