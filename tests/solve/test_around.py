"""Days that bind for few: the plan around them, and its proof over every pair, against the optimum."""

import json

import numpy as np
import pytest
from depth import DEEP, mostly_long
from saved import as_bytes, faults_in, rows_of, signed
from worlds import (
    World,
    bounds_said,
    by_milp,
    faults_of,
    levels_of,
    need,
    person,
    random_world,
    said,
    school,
    served,
    world,
)

from matching.audit.proof import check_proof
from matching.pairs.market import open_market
from matching.plan.as_bytes import plan_files
from matching.plan.outcome import Outcome
from matching.plan.write import PROOF_BY_LOADS, Plan, make_plan
from matching.solve import assign, worths
from matching.solve.params import DaysParams, MarketParams, SolveParams
from matching.solve.problem import Assignment


@pytest.fixture(params=["all pairs in memory", "candidate pairs"])
def local_repair(request) -> SolveParams:
    """Plans of small rounds are repaired locally too; some of these rounds count as large."""
    market = {"large_above": 0, "nearest_supporters": 2} if request.param == "candidate pairs" else {}
    return SolveParams(days=DaysParams(local_repair_above=0), market=MarketParams(**market))


def is_by_loads(plan: Plan) -> bool:
    return bool(plan.manifest["proof"]["method"] == PROOF_BY_LOADS)


def random_round(number: int) -> World:
    size = 60 if number % 2 else 34
    sizes = dict.fromkeys(("n_schools", "n_supporters", "n_needs"), size)
    return random_world(number, decisions=4, baseline=number % 5 == 0, groups=False, **sizes)


@pytest.mark.parametrize("number", mostly_long(range(16), every=4))
def test_the_plan_is_the_best_and_its_proof_holds(local_repair, number):
    made = random_round(20_000 + number)
    plan = made.plan(params=local_repair)
    assert not list(faults_of(made, served(plan)))
    assert said(plan) == by_milp(made)
    assert bounds_said(plan) >= said(plan)
    assert check_proof(plan, made.inputs())[0] == []


@pytest.mark.deeper
def test_a_price_is_what_one_more_place_is_worth(local_repair):
    """Over the whole plan: a need of a level counts as many bonuses as in the manifest's sum."""
    positive = 0
    for number in range(20 if DEEP else 11):
        made = random_round(20_000 + number)
        plan = made.plan(params=local_repair)
        if not is_by_loads(plan):
            continue
        bonus = round(1000 * plan.manifest["proof"]["bonus"])
        priced = plan.workload[plan.workload["price"] != ""].sort_values("price", ascending=False)
        for row in [*priced.to_dict("records")[:3], *priced.to_dict("records")[-1:]]:
            more = str(int(row["max_deployments"]) + 1)
            with_place = by_milp(made.changed("supporters", row["supporter_id"], max_deployments=more))
            gained = np.subtract(with_place, by_milp(made)) @ [3 * bonus, 2 * bonus, bonus, 1]
            assert gained == round(1000 * float(row["price"]))
            positive += gained > 0
    assert positive >= 3


@pytest.mark.long
def test_many_rounds_in_which_days_bind_are_proved_so(local_repair):
    plans = [random_round(20_000 + number).plan(params=local_repair) for number in range(20)]
    by_loads = [plan for plan in plans if is_by_loads(plan)]
    assert len(by_loads) >= 6
    assert sum(plan.manifest["status"] == "optimal" for plan in by_loads) >= len(by_loads) - 1


@pytest.mark.parametrize("rounds", [0, 2])
def test_whenever_time_runs_out_the_plan_keeps_the_rules_and_its_bounds_hold(local_repair, monkeypatch, rounds):
    ended = 0
    # In rounds 24 and 29 time runs out before the proof.
    for number in (*range(8), 24, 29):
        left = iter([True] * rounds)
        monkeypatch.setattr(worths, "relaxed", lambda *model, left=left: RELAXED(*model) if next(left, False) else None)
        made = random_round(20_000 + number)
        plan = made.plan(params=local_repair)
        assert not list(faults_of(made, served(plan)))
        best = by_milp(made)
        assert said(plan)[:3] == best[:3]
        assert said(plan)[3] <= best[3] <= bounds_said(plan)[3]
        assert check_proof(plan, made.inputs())[0] == []
        ended += is_by_loads(plan) and plan.manifest["status"] == "gap"
    assert ended


RELAXED = worths.relaxed


def test_loads_too_many_to_look_at_leave_a_bound_that_holds(local_repair, monkeypatch):
    monkeypatch.setattr("matching.solve.loads._MOST_CELLS", 0)
    made = next(
        made for made in map(random_round, range(20_000, 20_040)) if is_by_loads(made.plan(params=local_repair))
    )
    plan = made.plan(params=local_repair)
    assert said(plan)[:3] == by_milp(made)[:3]
    assert said(plan)[3] <= by_milp(made)[3] <= bounds_said(plan)[3]
    assert faults_in(plan_files(plan, made.inputs())) == []


# Ann is best for both needs and has the places, and not the days; Bob is further away.
TWO_TO_SHARE = world(
    [school(0), school(1, 3), school(2, 12), school(3, 5)],
    [
        person("S1", 0, name="Ann", designation="NLE", specialisms="", max_deployments="2", days_available="5"),
        person("S2", 2, name="Bob", designation="NLE", specialisms="", max_deployments="1"),
    ],
    [need("N1", 1, focus="headship", days="3"), need("N2", 3, focus="headship", days="3")],
)


@pytest.fixture
def shared(local_repair) -> dict[str, bytes]:
    plan = TWO_TO_SHARE.plan(params=local_repair)
    assert is_by_loads(plan)
    assert sorted(served(plan).values()) == ["S1", "S2"]
    return plan_files(plan, TWO_TO_SHARE.inputs())


def test_such_a_plan_is_saved_and_verified(shared):
    assert faults_in(shared) == []
    assert json.loads(shared["manifest.json"])["status"] == "optimal"


@pytest.mark.parametrize(
    ("name", "column", "cell", "fault"),
    [
        ("surplus.csv", "surplus", "", "surplus.csv N1: '' is not a surplus in score points."),
        ("surplus.csv", "surplus", "-1.000", "surplus.csv N1: '-1.000' is not a surplus"),
        ("surplus.csv", "surplus", "nan", "surplus.csv N1: 'nan' is not a surplus"),
        ("surplus.csv", "surplus", "0.000", "surplus.csv: the surpluses and the best loads do not prove"),
        ("surplus.csv", "surplus", "9.000", "surplus.csv: the surpluses leave open whether more needs"),
        ("surplus.csv", "need_id", "N7", "surplus.csv does not hold every need once, in order."),
        ("workload.csv", "price", "-1.000", "workload.csv S1: the price is not the value of one more place"),
        ("workload.csv", "price", "0.000", "workload.csv S1: the price is not the value of one more place"),
    ],
)
def test_what_was_changed_in_the_proof_is_found(shared, name, column, cell, fault):
    rows = rows_of(shared[name])
    rows[1][rows[0].index(column)] = cell
    found = faults_in(signed(shared | {name: as_bytes(rows)}))
    assert any(one.startswith(fault) for one in found), found


def test_a_plan_that_could_be_better_is_not_proved(local_repair):
    plan, inputs = TWO_TO_SHARE.plan(params=local_repair), TWO_TO_SHARE.inputs()
    swapped = {"N1": served(plan)["N2"], "N2": served(plan)["N1"]}
    surplus = [1000 * float(text) for text in plan.surplus["surplus"]]
    values = tuple(levels_of(TWO_TO_SHARE, swapped))
    assert values < tuple(said(plan))
    who = np.array([["S1", "S2"].index(swapped[one]) for one in ("N1", "N2")])
    nobody_priced = np.full(2, np.nan)
    bonus = round(1000 * plan.manifest["proof"]["bonus"])
    claimed = Assignment(who, nobody_priced, values, values, bonus, True, np.array(surplus))
    outcome = Outcome(who, np.array(["optimised", "optimised"], dtype=object))
    worse = make_plan(open_market(inputs), outcome, claimed)
    found = check_proof(worse, inputs)[0]
    assert any("A better plan exists" in one for one in found), found


def test_without_days_that_do_not_fit_nothing_is_repaired(local_repair, monkeypatch):
    monkeypatch.setattr(assign, "best_around", lambda *_: pytest.fail("days fit"))
    made = random_world(3, n_schools=30, n_supporters=30, n_needs=30, days=False)
    assert said(made.plan(params=local_repair)) == by_milp(made)


def test_where_days_cost_a_need_the_whole_part_is_searched(local_repair):
    alone = World(**{**vars(TWO_TO_SHARE), "supporters": TWO_TO_SHARE.supporters[:1]})
    plan = alone.plan(params=local_repair)
    assert not is_by_loads(plan)
    assert said(plan) == by_milp(alone)
    assert len(np.unique(list(served(plan).values()))) == 1
