"""Parts too large to be searched whole: a plan that keeps the rules, and bounds that hold, against the optimum."""

import pytest
from worlds import bounds_said, by_milp, faults_of, random_world, said, served

from matching import search
from matching.check import check_plan


@pytest.fixture
def every_part_is_large(monkeypatch):
    monkeypatch.setattr(search, "_MOST_PAIRS_SEARCHED", 0)


@pytest.fixture
def no_time_to_prove(monkeypatch):
    """Every part is searched whole, stopped before its proof, and bounded by other means."""
    monkeypatch.setattr(search, "_MANY_PAIRS", 0)
    monkeypatch.setattr(search, "_SHARE_OF_SEARCH", 1e-9)


@pytest.mark.parametrize("number", range(12))
def test_bounds_hold_where_the_search_was_stopped(no_time_to_prove, number):
    made = random_world(4000 + number, n_schools=30, n_supporters=22, n_needs=40, decisions=8, ties=number % 2 == 1)
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    found, best, bounds = said(plan), by_milp(made), bounds_said(plan)
    for level in range(4):
        if found[:level] == best[:level]:
            assert found[level] <= best[level] <= bounds[level]


def test_what_relaxations_of_the_levels_find_is_mostly_the_best(no_time_to_prove):
    best = proved = 0
    for number in range(16):
        made = random_world(6000 + number, n_schools=30, n_supporters=16, n_needs=40, decisions=4, ties=number % 4 == 3)
        plan = made.plan()
        best += said(plan)[:3] == by_milp(made)[:3]
        proved += said(plan)[:3] == bounds_said(plan)[:3]
    assert best >= 14
    assert proved >= 12


@pytest.mark.parametrize("number", range(24))
def test_the_plan_keeps_the_rules_and_the_bounds_hold(every_part_is_large, number):
    made = random_world(
        2000 + number,
        n_schools=30,
        n_supporters=22,
        n_needs=40,
        days=number % 4 != 3,
        pins=number % 3,
        baseline=number % 5 == 0,
        decisions=8,
        ties=number % 2 == 1,
    )
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    found, best, bounds = said(plan), by_milp(made), bounds_said(plan)
    assert found <= best
    # A bound counts plans that are as good in the levels before it.
    for level in range(4):
        if found[:level] == best[:level]:
            assert found[level] <= best[level] <= bounds[level]


def test_around_few_unmet_needs_the_most_that_can_be_met_is_proved(every_part_is_large):
    """With people enough nearly everywhere, the neighbourhoods of the unmet needs close soon."""
    proved = 0
    for number in range(12):
        made = random_world(3000 + number, n_schools=30, n_supporters=40, n_needs=30, pins=0, decisions=4)
        plan = made.plan()
        proved += said(plan)[:3] == bounds_said(plan)[:3] == by_milp(made)[:3]
    assert proved >= 10
