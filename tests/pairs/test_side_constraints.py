"""Packages, and limits on a school's supporters and a home school's deployments: against trying everything."""

import random
import threading

import pytest
from depth import DEEP, mostly_long
from worlds import (
    World,
    bounds_said,
    brute_force,
    by_milp,
    counting,
    decision,
    faults_of,
    levels_of,
    need,
    person,
    random_world,
    said,
    school,
    served,
    values_of,
    with_policy,
    world,
)

from matching.allocation import allocate
from matching.audit.check import check_plan
from matching.audit.proof import check_proof
from matching.errors import DataError
from matching.tables.files import Source
from matching.tables.policy import read_policy

CASES, CASES_A_TEST = (160 if DEEP else 60), 20


def tied_world(number: int) -> World:
    r = random.Random(number)
    return random_world(
        number,
        n_schools=8,
        n_supporters=5,
        n_needs=7,
        days=r.random() < 0.6,
        pins=r.choice([0, 0, 1, 2]),
        baseline=r.random() < 0.3,
        accreditation=r.random() < 0.1,
        ties=True,
    )


@pytest.mark.deeper
@pytest.mark.parametrize("first", mostly_long(range(0, CASES, CASES_A_TEST), every=3))
def test_the_plan_is_the_best_of_all_that_keep_the_rules(first):
    for number in range(first, first + CASES_A_TEST):
        made = tied_world(number)
        inputs = made.inputs()
        plan = made.plan()
        assert not list(faults_of(made, served(plan)))
        assert said(plan) == bounds_said(plan) == brute_force(made) == levels_of(made, served(plan)), number
        assert check_plan(plan, inputs) == []
        assert check_proof(plan, inputs)[0] == []


# Our own programme takes half a minute for world 5, and a second or two for the others.
@pytest.mark.deeper
@pytest.mark.parametrize("number", mostly_long(range(11) if DEEP else (*range(5), *range(6, 11)), every=3))
def test_larger_worlds_agree_with_a_programme_of_our_own(number):
    made = random_world(
        number, n_schools=25, n_supporters=22, n_needs=40, days=number % 2 == 0, pins=number % 3, decisions=8, ties=True
    )
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    assert said(plan) == bounds_said(plan) == by_milp(made)


def test_the_order_of_the_rows_changes_nothing():
    made = tied_world(7)
    tables = [made.inputs(shuffled).needs.drop(columns="row") for shuffled in (None, 1)]
    assert tables[0].equals(tables[1])
    plans = [
        random_world(3, n_schools=25, n_supporters=22, n_needs=40, decisions=8, ties=True).inputs(one)
        for one in (None, 1, 2)
    ]
    first, *others = [allocate(inputs).deployments for inputs in plans]
    assert all(first.equals(other) for other in others)


# ---- one rule at a time --------------------------------------------------------------------------------------------


def limited(**rules: int) -> dict:
    return with_policy(rules={"same_trust": "forbid", **rules})


def reasons(plan) -> dict[str, tuple[str, str]]:
    return {row.need_id: (row.reason_code, row.reason) for row in plan.unmet.itertuples()}


def test_one_person_for_several_needs_of_a_school_counts_once():
    schools = [school(1), school(2, 4), school(3, 8)]
    people = [person("A", 2, max_deployments="2"), person("B", 3)]
    made = world(schools, people, [need("N1", 1), need("N2", 1)], policy=limited(max_supporters_per_school=1))
    assert served(made.plan()) == {"N1": "A", "N2": "A"}


def test_a_school_takes_no_more_people_than_it_may():
    schools = [school(1), school(2, 4), school(3, 8)]
    people = [person("A", 2), person("B", 3)]
    made = world(schools, people, [need("N1", 1), need("N2", 1)], policy=limited(max_supporters_per_school=1))
    plan = made.plan()
    assert [*served(plan).values()] == ["A"]
    ((code, reason),) = reasons(plan).values()
    assert code == "school_limit"
    assert "1 person comes to this school already" in reason
    assert "Person B (B)" in plan.unmet["nearest_option"].iat[0]


def test_a_home_school_lends_no_more_than_it_may():
    schools = [school(1), school(2, 4), school(3, 8)]
    people = [person("A", 2), person("B", 2)]
    made = world(schools, people, [need("N1", 1), need("N2", 3)], policy=limited(max_per_home_school=1))
    plan = made.plan()
    assert len(plan.deployments) == 1
    (code, reason), *_ = reasons(plan).values()
    assert code == "home_limit"
    assert "1 deployment leaves their own school already" in reason


def test_a_package_is_met_whole_or_not_at_all():
    schools = [school(1), school(2, 4)]
    asked = [need("N1", 1, package="Team"), need("N2", 1, package="Team", focus="science")]
    made = world(schools, [person("A", 2)], asked)
    plan = made.plan()
    assert served(plan) == {}
    assert {one: code for one, (code, _) in reasons(plan).items()} == {"N1": "package", "N2": "no_specialism"}
    assert "no one is eligible for N2." in reasons(plan)["N1"][1]
    with_science = world(schools, [person("A", 2), person("B", 2, specialisms="science")], asked)
    assert served(with_science.plan()) == {"N1": "A", "N2": "B"}


def test_a_package_that_would_cost_more_than_it_meets_is_left():
    schools = [school(1), school(2, 4), school(3, 8)]
    asked = [
        need("N1", 1, package="Team"),
        need("N2", 1, package="Team"),
        need("N3", 3, priority="critical"),
    ]
    made = world(schools, [person("A", 2), person("B", 2)], asked)
    plan = made.plan()
    assert set(served(plan)) == {"N3"}
    assert (
        "no one eligible for N1 is free" in reasons(plan)["N1"][1]
        or "cannot take all of them" in reasons(plan)["N1"][1]
    )


def test_pins_are_kept_and_the_plan_says_what_they_break():
    schools = [school(1), school(2, 4), school(3, 8)]
    people = [person("A", 2), person("B", 3), person("C", 3, specialisms="art")]
    asked = [need("N1", 1, package="Team"), need("N2", 1, package="Team", focus="history"), need("N3", 1)]
    pins = (decision("pin", "A", "N1"), decision("pin", "B", "N3"))
    made = world(schools, people, asked, decisions=pins, policy=limited(max_supporters_per_school=1))
    plan = made.plan()
    assert served(plan) == {"N1": "A", "N3": "B"}
    notices = " ".join(plan.manifest["notices"])
    assert "Package Team is met in part" in notices
    assert "2 people to School 1, although at most 1 may be" in notices


def test_a_package_of_two_schools_is_a_problem_at_its_row():
    made = world(
        [school(1), school(2, 4)], [person("A", 2)], [need("N1", 1, package="Team"), need("N2", 2, package="Team")]
    )
    with pytest.raises(DataError) as caught:
        made.inputs()
    (problem,) = caught.value.problems
    assert (problem.row, problem.column, problem.value) == (3, "package", "Team")
    assert "one school" in problem.message


@pytest.mark.parametrize("value", ["0", "-1", "1.5", '"two"'])
def test_a_limit_that_is_no_number_of_people_is_a_problem(value):
    text = f"[rules]\nmax_supporters_per_school = {value}\n"
    with pytest.raises(DataError) as caught:
        read_policy(Source("policy.toml", text.encode()))
    assert caught.value.problems[0].column == "rules.max_supporters_per_school"


# ---- ending early --------------------------------------------------------------------------------------------------


def test_a_cancelled_search_keeps_a_plan_that_holds_and_says_so():
    made = random_world(6, n_schools=25, n_supporters=22, n_needs=40, decisions=8, ties=True)
    cancel = threading.Event()
    cancel.set()
    plan = made.plan(cancel=cancel)
    assert not list(faults_of(made, served(plan)))
    assert plan.manifest["status"] == "gap"
    assert plan.manifest["proof"]["cut_short_by"] == "cancelled"
    best = by_milp(made)
    assert bounds_said(plan) >= best >= said(plan)


def test_a_search_without_time_says_so():
    made = random_world(6, n_schools=25, n_supporters=22, n_needs=40, decisions=8, ties=True)
    plan = made.plan(time_limit_s=1e-6)
    assert plan.manifest["proof"]["cut_short_by"] == "time limit"
    assert not list(faults_of(made, served(plan)))


def test_a_search_that_was_done_says_nothing_of_it():
    assert tied_world(1).plan().manifest["proof"]["cut_short_by"] == ""


def test_nobody_has_to_wait_for_the_places_either():
    made = random_world(9, n_schools=25, n_supporters=22, n_needs=40, days=False, pins=2, decisions=8)
    cancel = threading.Event()
    cancel.set()
    plan = made.plan(cancel=cancel)
    best = by_milp(made)
    assert not list(faults_of(made, served(plan)))
    assert said(plan)[:3] == bounds_said(plan)[:3] == best[:3]
    assert said(plan)[3] <= best[3] <= bounds_said(plan)[3]
    assert plan.manifest["proof"]["cut_short_by"] == "cancelled"
    assert check_plan(plan, made.inputs()) == []
    assert check_proof(plan, made.inputs())[0] == []


def test_a_stopped_plan_is_bounded_by_no_more_than_needs_that_can_be_met():
    made = random_world(9, n_schools=25, n_supporters=10, n_needs=40, days=False, pins=0, places=("1", "2"))
    cancel = threading.Event()
    cancel.set()
    plan = made.plan(cancel=cancel)
    most: dict[str, int] = {}
    for (one, _), value in values_of(made).items():
        most[one] = max(value, most.get(one, 0))
    can_be_met = dict(zip(("critical", "high", "normal"), by_milp(made), strict=False))
    promised = 0
    for priority, number in can_be_met.items():
        asking = [most.get(row["need_id"], 0) for row in counting(made) if row["priority"] == priority]
        promised += sum(sorted(asking, reverse=True)[:number])
    assert bounds_said(plan)[3] == promised < sum(most.values())


def test_each_step_is_reported():
    steps: list[str] = []
    random_world(9, n_schools=25, n_supporters=22, n_needs=40, decisions=8, ties=True).plan(progress=steps.append)
    assert any("round 1" in step and "pairs" in step for step in steps)
    assert any("part 1 of" in step for step in steps)
