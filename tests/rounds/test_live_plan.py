"""The plan as people have changed it: what it holds, what it says of itself, and that it is checked like any other."""

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from depth import mostly_long
from worlds import GALLERY, WIDE, bounds_said, decision, need, person, said, school, solved, solved_wide, world

from matching.allocation import allocate, solve
from matching.audit.check import check_plan
from matching.audit.proof import check_proof
from matching.errors import DataError
from matching.pairs.market import open_market
from matching.rounds.planning.live_plan import Accepted, held_inputs, live_plan
from matching.whatif.resolve import changed_market, with_pins

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
        ({"max_deployments": "1"}, "S1 has 2 needs and offers 1 place"),
        ({"max_deployments": "2", "days_available": "3"}, "S1 has needs of 4 days in all and offers 3"),
    ],
)
def test_no_one_has_more_than_they_offer(who, message):
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


# ---- the bounds of the accepted plan ---------------------------------------------------------------------------------

UNKNOWN = (10**6,) * 4
"""Bounds that say nothing, so that a plan's bounds are those of the accepted plan, or these."""


def barred(inputs, need_id, supporter_id, kind="declined"):
    row = {"row": 0, "kind": kind, "need_id": need_id, "supporter_id": supporter_id}
    decisions = inputs.decisions
    frame = pd.DataFrame([{column: row.get(column, "") for column in decisions.columns}], dtype="object")
    return replace(inputs, decisions=pd.concat([decisions.astype("object"), frame], ignore_index=True))


def without_search(market, serving, accepted, by_hand=()):
    """The live plan where nothing bounds it but the accepted plan."""
    held = changed_market(market, held_inputs(market.inputs, serving, by_hand))
    outcome, solved = solve(held)
    return live_plan(
        market, serving, by_hand=by_hand, accepted=accepted, best=(outcome, replace(solved, bounds=UNKNOWN))
    )


def decided(one, kind, chance):
    """The inputs, who serves what and what is by hand after one decision of a kind; None where it cannot be made."""
    inputs, serving = one.inputs, dict(one.serving)
    pinned = set(inputs.decisions.query("kind == 'pin'")["need_id"])
    free = [need_id for need_id in serving if need_id not in pinned]
    if kind == "declined" and free:
        need_id = chance.choice(free)
        return barred(inputs, need_id, serving.pop(need_id)), serving, ()
    others = [need_id for need_id in inputs.needs["need_id"] if need_id not in pinned]
    if kind != "declined" and others:
        need_id, who = chance.choice(others), chance.choice(inputs.supporters["supporter_id"].tolist())
        serving = {n: s for n, s in serving.items() if s != who or n in pinned} | {need_id: who}
        if kind == "beyond what is offered":
            serving = {**one.serving, need_id: who}
            return inputs, serving, tuple(n for n, s in serving.items() if s == who)
        if (
            list(serving.values()).count(who)
            <= int(inputs.supporters.set_index("supporter_id").loc[who, "max_deployments"])
            and np.isinf(inputs.supporters["days_available"]).all()
        ):
            return inputs, serving, (need_id,)
    return None


@pytest.mark.parametrize("kind", ["declined", "by hand", "beyond what is offered"])
@pytest.mark.parametrize("number", mostly_long(GALLERY, every=4))
def test_the_bounds_of_the_accepted_plan_are_never_below_the_best_plan_under_the_decisions(number, kind):
    one, chance = solved(number), random.Random(number)
    accepted = Accepted.of(open_market(one.inputs), one.plan)
    for _ in range(3):
        if (made := decided(one, kind, chance)) is None:
            return
        inputs, serving, by_hand = made
        market = changed_market(accepted.market, inputs)
        live = without_search(market, serving, accepted, by_hand)
        held = held_inputs(inputs, serving, by_hand)
        assert tuple(bounds_said(live)) >= tuple(said(allocate(held)))
        assert check_plan(live, held) == []
        closer = live_plan(market, serving, by_hand=by_hand, accepted=accepted, time_limit_s=60)
        assert tuple(bounds_said(closer)) <= tuple(bounds_said(live))


def test_a_decline_needs_no_search_for_its_bound():
    inputs = world(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)]).inputs()
    market = open_market(inputs)
    plan = allocate(inputs)
    (chosen,) = plan.deployments["supporter_id"]
    changed = changed_market(market, barred(inputs, "N1", chosen))
    assert len(changed.pairs) == len(market.pairs) - 1
    live = without_search(changed, {}, Accepted.of(market, plan))
    assert (said(live), bounds_said(live)) == ([0, 0, 0, 0], said(plan))


def test_who_is_barred_from_what_they_do_not_have_leaves_the_plan_proved():
    inputs = world(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)]).inputs()
    plan = allocate(inputs)
    (chosen,) = plan.deployments["supporter_id"]
    other = {"S1": "S2", "S2": "S1"}[chosen]
    changed = barred(inputs, "N1", other, "forbid")
    market = changed_market(open_market(inputs), changed)
    live = without_search(market, {"N1": chosen}, Accepted.of(open_market(inputs), plan))
    assert (live.manifest["status"], live.manifest["proof"]["cut_short_by"]) == ("optimal", "")
    assert check_proof(live, changed)[0] == []


def test_a_pin_against_the_rules_adds_what_it_is_worth():
    inputs = world(NEAR, [person("S1", 1), person("S2", 3, specialisms="science")], [need("N1", 2)]).inputs()
    nobody = barred(inputs, "N1", "S1")
    plan, market = allocate(nobody), open_market(nobody)
    assert said(plan) == [0, 0, 0, 0]
    live = without_search(market, {"N1": "S2"}, Accepted.of(market, plan), {"N1"})
    assert said(live) == bounds_said(live)
    assert said(live)[:3] == [0, 0, 1]


@pytest.mark.parametrize("undone", ["pin", "forbid"])
def test_what_was_fixed_then_and_is_free_now_is_searched_again(undone):
    inputs = world(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)]).inputs()
    before = with_pins(inputs, {"N1": "S2"}) if undone == "pin" else barred(inputs, "N1", "S1", "forbid")
    accepted = Accepted.of(open_market(before), allocate(before))
    market = changed_market(accepted.market, inputs)
    assert len(market.pairs) == 2
    assert bounds_said(without_search(market, {"N1": "S2"}, accepted))[0] == UNKNOWN[0]
    live = live_plan(market, {"N1": "S2"}, accepted=accepted)
    assert bounds_said(live) == said(allocate(inputs))


def test_another_policy_is_searched_again():
    inputs = world(NEAR, [person("S1", 1)], [need("N1", 2)]).inputs()
    accepted = Accepted.of(open_market(inputs), allocate(inputs))
    other = replace(inputs, policy=inputs.policy.model_copy(update={"max_distance_km": {"NLE": 9, "LLE": 9, "SLE": 9}}))
    assert bounds_said(without_search(open_market(other), {"N1": "S1"}, accepted))[0] == UNKNOWN[0]


def test_a_plan_that_people_changed_is_not_said_to_have_been_cut_short():
    one = solved_wide(1)
    market, serving = open_market(one.inputs), dict(one.serving)
    pinned = set(one.inputs.decisions.query("kind == 'pin'")["need_id"])
    freed = next(need_id for need_id in serving if need_id not in pinned)
    del serving[freed]
    live = live_plan(market, serving, by_hand={freed}, time_limit_s=1e-6)
    assert live.manifest["status"] == "gap"
    assert live.manifest["proof"]["cut_short_by"] == ""
