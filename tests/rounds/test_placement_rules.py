"""The rules that a placement by hand breaks, and refusals of more than a supporter has."""

from dataclasses import replace

import pytest
from worlds import need, person, school, world

from matching.errors import DataError
from matching.pairs.market import open_market
from matching.rounds.history.events import Event, new_event
from matching.rounds.planning.placement_rules import DAYS, PLACES, broken_rules, refuse_overfull

INPUTS = world(
    [school(1), school(2, 4), school(3, 8)],
    [person("S1", 1, max_deployments=1, days_available=3), person("S2", 1, max_deployments=9)],
    [need("N1", 2, days=2), need("N2", 3, days=2)],
).inputs()
PLAN = {"N1": "S1"}


def swap(number: int, need_id: str, supporter_id: str, broken: str = "") -> Event:
    made = new_event("swap", by="Jo", need_id=need_id, supporter_id=supporter_id, broken=broken)
    return replace(made, number=number)


def test_a_supporter_is_not_given_more_than_they_have():
    with pytest.raises(
        DataError,
        match=r"would then have maths at School 2 \(N1\) and maths at School 3 \(N2\), which is more than they offer\.",
    ) as caught:
        refuse_overfull(INPUTS, PLAN, [], [swap(1, "N2", "S1")])
    assert [one.fix for one in caught.value.problems] == ["Place another supporter at one of these needs first."]
    refuse_overfull(INPUTS, PLAN, [], [swap(1, "N2", "S2")])


def test_places_and_days_that_a_placement_sets_aside_by_name_are_no_refusal():
    refuse_overfull(INPUTS, PLAN, [], [swap(1, "N2", "S1", f"{PLACES};{DAYS}")])
    with pytest.raises(DataError, match="more than they offer"):
        refuse_overfull(INPUTS, PLAN, [], [swap(1, "N2", "S1", PLACES)])


def test_undoing_a_placement_is_refused_where_its_supporter_is_elsewhere_now():
    moved = [swap(1, "N1", "S2"), swap(2, "N2", "S1")]
    undo = replace(new_event("undo", by="Jo"), number=3, undoes=1)
    with pytest.raises(DataError, match="more than they offer"):
        refuse_overfull(INPUTS, PLAN, moved, [undo])
    refuse_overfull(INPUTS, PLAN, moved, [replace(undo, undoes=2)])


def test_what_was_so_before_is_no_reason_to_refuse_another_entry():
    overfull = [swap(1, "N2", "S1")]
    refuse_overfull(INPUTS, PLAN, overfull, [replace(new_event("note", by="Jo", need_id="N1", text="x"), number=2)])
    refuse_overfull(INPUTS, {}, [], [])


def test_a_placement_names_the_places_and_days_that_it_exceeds():
    rules = [one.rule for one in broken_rules(open_market(INPUTS), PLAN, "N2", "S1")]
    assert rules == [PLACES, DAYS]
