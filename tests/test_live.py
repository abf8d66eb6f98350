"""The plan as people have changed it: what it holds, what it says of itself, and that it is checked like any other."""

import pytest
from worlds import GALLERY, WIDE, bounds_said, decision, need, person, said, school, solved, solved_wide, world

from matching.allocation import allocate, solve
from matching.check import check_plan, check_proof
from matching.errors import DataError
from matching.live import held_inputs, live_plan
from matching.market import open_market

NEAR = [school(1), school(2, 4), school(3, 8)]


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_where_nothing_was_changed_it_is_the_plan(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    live = live_plan(open_market(one.inputs), one.serving, time_limit_s=60)
    for name, frame in one.plan.tables().items():
        assert frame.to_csv() == live.tables()[name].to_csv()
    assert live.manifest == {key: value for key, value in one.plan.manifest.items() if key != "timings"}
    assert check_plan(live, one.inputs) == []


@pytest.mark.parametrize("number", GALLERY)
def test_a_changed_plan_says_what_it_holds(number):
    one = solved(number)
    market = open_market(one.inputs)
    dropped = [
        n for n, s in one.serving.items() if n not in set(one.inputs.decisions.query("kind == 'pin'")["need_id"])
    ]
    serving = {n: s for n, s in one.serving.items() if n not in dropped[:1]}
    live = live_plan(market, serving, by_hand=dropped[:1])
    assert check_plan(live, one.inputs) == []
    assert bounds_said(live) >= said(one.plan)
    assert (said(live) == said(one.plan)) == (not dropped)
    assert live.manifest["status"] == ("gap" if dropped else "optimal")
    if dropped:
        assert set(live.workload["price"]) <= {""}
        reason = live.unmet.set_index("need_id").loc[dropped[0]]
        assert reason["reason_code"] == "still_open"


def test_people_put_there_by_hand_are_pinned_whatever_the_rules_say():
    inputs = world(NEAR, [person("S1", 1), person("S2", 3, specialisms="science")], [need("N1", 2)]).inputs()
    live = live_plan(open_market(inputs), {"N1": "S2"}, by_hand={"N1"})
    assert live.deployments["origin"].tolist() == ["pinned"]
    assert live.manifest["status"] == "optimal"
    assert check_plan(live, held_inputs(inputs, {"N1": "S2"}, {"N1"})) == []
    assert any("does not have maths" in notice for notice in live.manifest["notices"])


def test_a_plan_as_good_as_the_best_keeps_its_prices_and_its_proof():
    inputs = world(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)]).inputs()
    market = open_market(inputs)
    (chosen,) = allocate(inputs).deployments["supporter_id"]
    other = {"S1": "S2", "S2": "S1"}[chosen]
    live = live_plan(market, {"N1": other}, best=solve(market))
    assert (live.manifest["status"], live.deployments["origin"].tolist()) == ("optimal", ["optimised"])
    assert "" not in set(live.workload["price"])
    assert check_proof(live, inputs)[0] == []


def test_a_bound_is_never_below_what_the_plan_holds():
    """A critical need was left open by hand, and so a normal one could be met."""
    inputs = world(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3, priority="critical")]).inputs()
    live = live_plan(open_market(inputs), {"N1": "S1"}, by_hand={"N2"})
    assert (said(live)[:3], bounds_said(live)[:3], live.manifest["status"]) == ([0, 0, 1], [1, 0, 1], "gap")
    assert check_plan(live, inputs) == []


def test_a_deployment_of_the_earlier_plan_is_kept():
    made = world(
        NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)], baseline=({"need_id": "N1", "supporter_id": "S2"},)
    )
    live = live_plan(open_market(made.inputs()), {"N1": "S2"})
    assert live.deployments["origin"].tolist() == ["kept"]
    assert check_plan(live, made.inputs()) == []


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ({"max_deployments": "1"}, "S1 has 2 needs and places for 1"),
        ({"max_deployments": "2", "days_available": "3"}, "S1 has needs of 4 days together and offers 3"),
    ],
)
def test_nobody_has_more_than_they_offer(who, message):
    inputs = world(NEAR, [person("S1", 1, **who)], [need("N1", 2, days="2"), need("N2", 3, days="2")]).inputs()
    with pytest.raises(DataError, match=message):
        live_plan(open_market(inputs), {"N1": "S1", "N2": "S1"})


@pytest.mark.parametrize("serving", [{"N9": "S1"}, {"N1": "S9"}])
def test_an_unknown_identifier_is_said(serving):
    inputs = world(NEAR, [person("S1", 1)], [need("N1", 2)]).inputs()
    with pytest.raises(DataError, match="of this plan"):
        live_plan(open_market(inputs), serving)


def test_a_pin_of_the_table_counts_as_by_hand():
    made = world(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)], decisions=(decision("pin", "S2", "N1"),))
    inputs = made.inputs()
    assert held_inputs(inputs, {"N1": "S2"}, {"N1"}) is inputs
    assert live_plan(open_market(inputs), {"N1": "S2"}).deployments["origin"].tolist() == ["pinned"]
