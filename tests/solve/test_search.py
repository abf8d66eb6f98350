"""Parts too large to be searched whole: a plan that keeps the rules, and bounds that hold, against the optimum."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from depth import DEEP, mostly_long
from worlds import World, bounds_said, by_milp, faults_of, random_world, said, served

from matching.audit.check import check_plan
from matching.plan.write import Plan
from matching.solve import bettered, blend, by_loads, large, part_prices, search, tied
from matching.solve.loads import Offers, best_loads, loads_beside
from matching.solve.params import MarketParams, SolveParams


@pytest.fixture(params=["all pairs in memory", "candidate pairs"])
def every_part_is_large(request, monkeypatch) -> SolveParams:
    """Some of these rounds count as large as well."""
    monkeypatch.setattr(search, "_MANY_PAIRS", 0)
    monkeypatch.setattr(search, "_MOST_PAIRS_SEARCHED", 0)
    if request.param == "all pairs in memory":
        return SolveParams()
    monkeypatch.setattr(part_prices, "FIRST_PAIRS", 1)
    monkeypatch.setattr(part_prices, "_MORE_PAIRS", 2)
    monkeypatch.setattr(part_prices, "_PAIRS_AT_ONCE", 20)
    monkeypatch.setattr(large, "FIRST_PAIRS", 1)
    monkeypatch.setattr(large, "_BEST_OF_URGENT", (4, 2))
    return SolveParams(market=MarketParams(large_above=0, nearest_supporters=1, pairs_per_block=20))


def check_bounds(made: World, plan: Plan) -> None:
    """The plan is no better than the optimum, and no bound below it; one counts plans as good in the levels before it."""
    found, best, bounds = said(plan), by_milp(made), bounds_said(plan)
    assert found <= best
    for level in range(4):
        if found[:level] == best[:level]:
            assert found[level] <= best[level] <= bounds[level]


@pytest.fixture
def no_time_to_prove(monkeypatch):
    """Every part is searched whole, stopped before its proof, and bounded by other means."""
    monkeypatch.setattr(search, "_MANY_PAIRS", 0)
    monkeypatch.setattr(search, "_SHARE_OF_SEARCH", 1e-9)


# Our own programme takes long for round 1.
@pytest.mark.deeper
@pytest.mark.parametrize("number", range(6) if DEEP else (0, 2, 3, 4, 5))
def test_bounds_hold_where_the_search_was_stopped(no_time_to_prove, number):
    made = random_world(4000 + number, n_schools=30, n_supporters=22, n_needs=40, decisions=8, ties=number % 2 == 1)
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    check_bounds(made, plan)


def test_what_relaxations_of_the_levels_find_is_mostly_the_best(no_time_to_prove):
    best = proved = 0
    for number in range(16):
        made = random_world(6000 + number, n_schools=30, n_supporters=16, n_needs=40, decisions=4, ties=number % 4 == 3)
        plan = made.plan()
        best += said(plan)[:3] == by_milp(made)[:3]
        proved += said(plan)[:3] == bounds_said(plan)[:3]
    assert best >= 14
    assert proved >= 12


@pytest.mark.parametrize("number", mostly_long(range(12), every=3))
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
    plan = made.plan(params=every_part_is_large)
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    check_bounds(made, plan)


@pytest.mark.long
def test_as_many_needs_as_places_allow_have_no_higher_score_than_places_allow(every_part_is_large, monkeypatch):
    monkeypatch.setattr(large, "part_prices", lambda problem, *_: (problem, None))
    as_many = 0
    for number in range(12, 24):
        made = random_world(2100 + number, n_schools=30, n_supporters=40, n_needs=40)
        plan, places_only = (
            made.plan(params=every_part_is_large),
            replace(made, needs=tuple(one | {"days": ""} for one in made.needs)).plan(params=every_part_is_large),
        )
        if said(plan)[:3] == said(places_only)[:3]:
            as_many += 1
            assert bounds_said(plan)[3] <= said(places_only)[3]
    assert as_many >= 2


def test_around_few_unmet_needs_the_most_that_can_be_met_is_proved(every_part_is_large):
    """With people enough nearly everywhere, the neighbourhoods of the unmet needs close soon."""
    proved = 0
    for number in range(12):
        made = random_world(3000 + number, n_schools=30, n_supporters=40, n_needs=30, pins=0, decisions=4)
        plan = made.plan(params=every_part_is_large)
        proved += said(plan)[:3] == bounds_said(plan)[:3] == by_milp(made)[:3]
    assert proved >= 10


@pytest.fixture
def by_what_people_could_take(monkeypatch):
    """Every part without ties is solved by loads."""
    monkeypatch.setattr(search, "_MANY_PAIRS", 0)


@pytest.mark.parametrize("number", mostly_long(range(16), every=4))
def test_bounds_by_loads_hold_and_the_plan_keeps_the_rules(by_what_people_could_take, number):
    made = random_world(
        7000 + number,
        n_schools=30,
        n_supporters=16,
        n_needs=40,
        pins=number % 3,
        baseline=number % 5 == 0,
        decisions=8,
    )
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    check_bounds(made, plan)


def test_by_loads_every_level_before_the_score_is_the_best_and_proved(by_what_people_could_take):
    best = proved = 0
    for number in range(16):
        made = random_world(8000 + number, n_schools=30, n_supporters=12, n_needs=60, pins=0, decisions=4)
        plan = made.plan()
        best += said(plan)[:3] == by_milp(made)[:3]
        proved += said(plan)[:3] == bounds_said(plan)[:3]
    assert best >= 15
    assert proved >= 14


@pytest.mark.parametrize("rounds", range(7))
@pytest.mark.parametrize("number", range(3))
def test_by_loads_whenever_time_runs_out_the_plan_keeps_the_rules_and_the_bounds_hold(
    by_what_people_could_take, monkeypatch, number, rounds
):
    """No blend after so many rounds, and no count of what could be met."""
    made = random_world(9000 + number, n_schools=30, n_supporters=12, n_needs=50, pins=0, decisions=4)
    relaxed, left = blend.relaxed, iter(range(rounds))

    def relaxed_in_time(model, budget):
        return relaxed(model, budget) if next(left, None) is not None else None

    monkeypatch.setattr(blend, "relaxed", relaxed_in_time)
    monkeypatch.setattr(by_loads, "most_in_whole", lambda *_: np.inf)
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    check_bounds(made, plan)


@pytest.fixture
def few_pairs_promise(monkeypatch):
    """Whatever ties bind is searched over few pairs and then around single needs, never whole."""
    monkeypatch.setattr(search, "_MANY_PAIRS", 0)
    monkeypatch.setattr(search, "best_choice", lambda part, worth, kept, chosen, budget: (chosen, part.ceiling(worth)))
    few_pairs(monkeypatch)


def few_pairs(monkeypatch) -> None:
    monkeypatch.setattr(tied, "_MOST_PAIRS_RELAXED", 120)
    monkeypatch.setattr(tied, "_PAIRS_SEARCHED", ((20, 0.5), (40, 1.5)))
    monkeypatch.setattr(bettered, "_MOST_PAIRS", 60)


def tied_world(number: int, **other: int) -> World:
    sizes = {"n_schools": 12, "n_supporters": 16, "n_needs": 40, "decisions": 6, **other}
    return random_world(11000 + number, ties=True, groups=False, **sizes)


@pytest.mark.deeper
@pytest.mark.parametrize("is_urgent", [False, True])
@pytest.mark.parametrize("is_bounded", [False, True])
@pytest.mark.parametrize("is_relaxed", [False, True])
@pytest.mark.parametrize("number", range(6 if DEEP else 3))
def test_where_ties_bind_the_plan_keeps_the_rules_and_the_bounds_hold(
    few_pairs_promise, monkeypatch, number, is_relaxed, is_bounded, is_urgent
):
    """Also where there is no time for the urgent needs, for the relaxation that says which pairs promise most, or bounds."""
    if not is_urgent:
        monkeypatch.setattr(tied, "_SHARE_OF_URGENT", 0)
    if not is_relaxed:
        monkeypatch.setattr(tied, "relaxed", lambda *_: None)
    if not is_bounded:
        monkeypatch.setattr(tied, "_SHARE_OF_BOUNDS", 0)
    made = tied_world(number, pins=number % 3)
    plan = made.plan()
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    check_bounds(made, plan)


def test_bounds_of_a_plan_that_was_bettered_later_are_not_those_of_the_one_before(few_pairs_promise, monkeypatch):
    """Bettering met more high needs here and fewer normal ones; the score was bounded with more of those."""
    monkeypatch.setattr(tied, "_SHARE_OF_URGENT", 0)
    monkeypatch.setattr(tied, "relaxed", lambda *_: None)
    made = tied_world(324, n_supporters=12, pins=0)
    plan = made.plan()
    found, best, bounds = said(plan), by_milp(made), bounds_said(plan)
    assert found[:3] == best[:3]
    assert found[3] <= best[3] <= bounds[3]


def test_bounds_with_places_only_say_nothing_of_levels_after_one_that_ties_lower():
    places_only, with_ties = (9, 20, 30, 50_000), (9, 18, 40, 60_000)
    assert search._closer(places_only, with_ties) == (9, 18, 40, 60_000)
    assert search._closer((9, 18, 30, 50_000), with_ties) == (9, 18, 30, 50_000)


def test_where_ties_bind_the_most_urgent_needs_are_proved_and_the_rest_is_nearly_the_best(few_pairs_promise):
    urgent = proved = met = 0
    for number in range(16):
        made = tied_world(number, pins=0)
        plan, best = made.plan(), by_milp(made)
        urgent += said(plan)[:2] == best[:2]
        proved += said(plan)[:2] == bounds_said(plan)[:2]
        met += said(plan)[:3] == best[:3]
    assert (urgent, proved) == (16, 16)
    assert met >= 14


# Our own programme takes long for round 1.
@pytest.mark.deeper
@pytest.mark.parametrize("is_priced", [False, True])
@pytest.mark.parametrize("number", range(6) if DEEP else (0, 2, 3))
def test_where_ties_bind_in_a_large_part_the_plan_keeps_the_rules_and_the_bounds_hold(
    every_part_is_large, monkeypatch, number, is_priced
):
    """Also where there is no time for prices."""
    few_pairs(monkeypatch)
    if not is_priced:
        monkeypatch.setattr(large, "part_prices", lambda problem, *_: (problem, None))
    made = tied_world(400 + number, pins=number % 3)
    plan = made.plan(params=every_part_is_large)
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    check_bounds(made, plan)


@pytest.mark.long
def test_where_ties_bind_in_a_large_part_nearly_all_that_can_be_met_is_met_and_proved(every_part_is_large):
    met = proved = most_score = best_score = 0
    for number in range(8):
        made = tied_world(500 + number, pins=0)
        plan, best = made.plan(params=every_part_is_large), by_milp(made)
        met += said(plan)[:3] == best[:3]
        proved += said(plan)[:3] == bounds_said(plan)[:3]
        most_score, best_score = most_score + bounds_said(plan)[3], best_score + best[3]
    assert met >= 7
    assert proved >= 6
    assert most_score <= 1.15 * best_score


def tied_needs_met() -> tuple[int, int]:
    """Over some rounds: in how many the urgent needs are met as well as can be, and how many needs are met less than that."""
    urgent = missed = 0
    for number in range(16):
        made = tied_world(number, pins=0)
        found, best = said(made.plan()), by_milp(made)
        urgent += found[:2] == best[:2]
        missed += best[2] - found[2]
    return urgent, missed


def test_where_no_pairs_are_known_to_promise_most_each_place_is_bettered(few_pairs_promise, monkeypatch):
    monkeypatch.setattr(tied, "relaxed", lambda *_: None)
    bettered_urgent, bettered_missed = tied_needs_met()
    monkeypatch.setattr(tied, "bettered", lambda problem, part, needs, chosen, most, budget: chosen)
    _, missed = tied_needs_met()
    assert bettered_urgent == 16
    assert 2 * bettered_missed < missed


def test_what_is_worth_less_than_others_together_is_kept_all_the_same(few_pairs_promise, monkeypatch):
    """Without a bonus for needs the first search lets many others come before an urgent one."""
    monkeypatch.setattr(tied, "_BONUS_MILLI", 0)
    monkeypatch.setattr(tied, "bettered", lambda problem, part, needs, chosen, most, budget: chosen)
    urgent, missed = tied_needs_met()
    assert (urgent, missed <= 6) == (16, True), missed


def random_offers(number: int, n_people: int = 4, n_needs: int = 24, n_pairs: int = 24) -> Offers:
    rng = np.random.default_rng(number)
    return Offers(
        need=np.arange(n_pairs) if n_needs == n_pairs else rng.integers(0, n_needs, n_pairs),
        supporter=np.sort(rng.integers(0, n_people, n_pairs)),
        days_asked=rng.integers(1, 6, n_pairs),
        places=rng.integers(0, 4, n_people),
        days_offered=rng.integers(0, 12, n_people),
        n_needs=n_needs,
    )


@pytest.mark.parametrize("number", range(8))
def test_loads_beside_keep_places_and_days_and_leave_a_need_to_one(number):
    offers = random_offers(number, n_people=6, n_needs=8, n_pairs=40)
    gain = np.random.default_rng(number).random(40)
    best = best_loads(offers, gain)
    loads = loads_beside(offers, gain, best, times=20)
    assert {tuple(load) for load in best.loads} <= {tuple(load) for load in loads}
    for load in loads:
        pairs = load[load >= 0]
        (person,) = set(offers.supporter[pairs])
        assert len(pairs) <= offers.places[person]
        assert offers.days_asked[pairs].sum() <= offers.days_offered[person]
    # Where two want the same need, one of them chooses again.
    wanted = np.unique(best.loads[best.loads >= 0])
    if len(np.unique(offers.need[wanted])) < len(wanted):
        assert len(loads) > len(best.loads)


@pytest.mark.parametrize("number", range(8))
def test_the_load_of_most_gain_is_that_of_trying_them_all(number):
    n_people, n_pairs = 4, 24
    offers = random_offers(number)
    supporter = offers.supporter
    gain = np.random.default_rng(number).normal(0.3, 1, n_pairs)
    best = best_loads(offers, gain)

    def most(person: int, must: int | None = None) -> float:
        own = [pair for pair in np.flatnonzero(supporter == person) if pair != must]
        must_have = () if must is None else (must,)
        sums = [
            gain[[*must_have, *oracle]].sum()
            for count in range(offers.places[person] - len(must_have) + 1)
            for oracle in combinations(own, count)
            if offers.days_asked[[*must_have, *oracle]].sum() <= offers.days_offered[person]
        ]
        return max(sums, default=-np.inf)

    assert best.gain == pytest.approx([most(person) for person in range(n_people)])
    for load in best.loads:
        pairs = load[load >= 0]
        (person,) = set(supporter[pairs])
        assert len(pairs) <= offers.places[person]
        assert offers.days_asked[pairs].sum() <= offers.days_offered[person]
        assert gain[pairs].sum() == pytest.approx(best.gain[person])
    assert {supporter[load[-1]] for load in best.loads} == set(np.flatnonzero(best.gain > 0))
    for pair in range(n_pairs):
        person = supporter[pair]
        assert best.loss[pair] <= best.gain[person] - most(person, must=pair) + 1e-9
