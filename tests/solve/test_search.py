"""Days, packages and limits on schools by loads: plans and bounds against the optimum, however little is in memory."""

import threading
import time
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from depth import DEEP
from scipy.sparse import csc_array
from worlds import World, bounds_said, by_milp, faults_of, random_world, said, served

from matching.allocation import solve
from matching.audit.check import check_plan
from matching.inputs.inputs import Inputs
from matching.pairs.market import open_market
from matching.plan.write import Plan
from matching.solve import highs
from matching.solve.budget import Budget
from matching.solve.column_generation import Master
from matching.solve.components import keeps_rules
from matching.solve.improve import exchanged, plan_weight
from matching.solve.knapsack import Offers, best_loads, loads_apart, loads_within
from matching.solve.params import LoadsParams, MarketParams, ProgrammesParams, SolveParams
from matching.solve.problem import UNMET, AssignmentProblem, SideConstraints

# Every component takes the column generation; in the second way with few pairs in memory, in the third as if it were of
# the size of the nation: visits are priced one by one, and no count is closed pair by pair. In the fourth, tables and
# programmes are so small that days are rounded and loads are left out.
WAYS = {
    "all pairs in memory": SolveParams(loads=LoadsParams(few_pairs=0)),
    "candidate pairs": SolveParams(
        loads=LoadsParams(few_pairs=0),
        market=MarketParams(large_above=0, nearest_supporters=1, pairs_per_block=20),
    ),
    "as in the nation": SolveParams(loads=LoadsParams(few_pairs=0, most_pairs=0)),
    "small tables": SolveParams(
        loads=LoadsParams(few_pairs=0, most_day_units=3, most_loads=40, most_loads_each=5, neighbourhood_loads=30)
    ),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def by_loads(request) -> SolveParams:
    return request.param


def check_bounds(made: World, plan: Plan) -> None:
    """The plan is no better than the optimum, and no bound below it, for plans as good in the levels before."""
    found, best, bounds = said(plan), by_milp(made), bounds_said(plan)
    assert found <= best
    for level in range(4):
        if found[:level] == best[:level]:
            assert found[level] <= best[level] <= bounds[level]


def random_round(number: int) -> World:
    """Small rounds of every kind: with and without days, packages and limits, pins and a baseline."""
    sizes = ({"n_supporters": 16, "n_needs": 40}, {"n_supporters": 22, "n_needs": 40}, {"n_supporters": 12})
    return random_world(
        30_000 + number,
        n_schools=(12, 30, 20)[number % 3],
        **{"n_needs": 30, **sizes[number % 3]},
        days=number % 4 != 3,
        pins=number % 3,
        baseline=number % 5 == 0,
        decisions=6,
        ties=number % 2 == 1,
    )


# In round 7370 a supporter has one candidate pair at first, and later more, so that loads grow.
@pytest.mark.parametrize("number", (*range(120 if DEEP else 8), 789, 7370))
def test_the_plan_is_the_best_and_its_bounds_hold(by_loads, number):
    made = random_round(number)
    plan = made.plan(params=by_loads)
    assert not list(faults_of(made, served(plan)))
    assert check_plan(plan, made.inputs()) == []
    check_bounds(made, plan)
    if by_loads not in (WAYS["small tables"], WAYS["as in the nation"]):
        assert said(plan) == by_milp(made)


@pytest.mark.parametrize("way", ["all pairs in memory", "candidate pairs", "small tables"])
def test_nearly_every_plan_is_proved(way):
    plans = [random_round(number).plan(params=WAYS[way]) for number in range(8)]
    assert sum(said(plan) == bounds_said(plan) for plan in plans) >= 7


@pytest.mark.parametrize("number", [31, 79, 199])
def test_counts_are_proved_where_prices_would_have_a_package_met_in_part(number):
    plan = random_round(number).plan(params=WAYS["as in the nation"])
    assert said(plan) == bounds_said(plan)


def test_a_part_in_which_nothing_can_be_met_is_proved():
    """In this round a package asks for more than its only supporter offers: no load and no pair is left to choose."""
    plan = random_round(130).plan(params=WAYS["candidate pairs"])
    assert said(plan) == bounds_said(plan)


@pytest.fixture
def few_solves(monkeypatch, request) -> Iterator[None]:
    """Time runs out after so many linear programmes."""
    left = iter(range(request.param))
    solve_whole = highs.LinearProgramme.solve

    def solve_in_time(programme, budget):
        if next(left, None) is None:
            budget.cut_short()
            return False
        return solve_whole(programme, budget)

    monkeypatch.setattr(highs.LinearProgramme, "solve", solve_in_time)
    yield


@pytest.mark.parametrize("few_solves", [0, 1, 3, 8], indirect=True)
@pytest.mark.parametrize("number", range(4))
def test_whenever_time_runs_out_the_plan_keeps_the_rules_and_its_bounds_hold(few_solves, number):
    made = random_round(number)
    plan = made.plan(params=WAYS["candidate pairs" if number % 2 else "all pairs in memory"])
    assert not list(faults_of(made, served(plan)))
    check_bounds(made, plan)


def test_a_solve_that_is_cut_short_leaves_the_programme_as_it_was_and_the_next_one_its_time(monkeypatch):
    rng = np.random.default_rng(1)
    programme = highs.LinearProgramme(np.full(60, -np.inf), np.ones(60), ProgrammesParams())

    def add(count: int) -> None:
        programme.add_columns(rng.random(count), np.ones(count), csc_array(rng.random((60, count))))

    add(200)
    assert programme.solve(Budget.of(60))
    value = programme.value
    add(300)
    ending, seconds = Budget.of(60), iter([60.0])
    monkeypatch.setattr(Budget, "remaining_s", lambda budget: next(seconds, 0.0) if budget is ending else 60.0)
    assert not programme.solve(ending)
    assert programme.n_columns == 200
    assert programme.solve(Budget.of(60))
    assert programme.value == pytest.approx(value)
    add(300)
    assert programme.solve(Budget.of(60))
    assert programme.value > value


@pytest.mark.parametrize(
    "way",
    [{"few_steps": 1, "steps_per_row": 0}, {"few_new": 0}, {"few_new": 1}],
    ids=["interior point", "dual simplex", "primal simplex"],
)
@pytest.mark.parametrize("number", range(4))
def test_every_way_to_solve_a_linear_programme_has_the_same_answer(number, way):
    made = random_round(number)
    plan = made.plan(params=SolveParams(loads=LoadsParams(few_pairs=0, **way)))
    check_bounds(made, plan)
    assert said(plan) == by_milp(made)


@pytest.mark.parametrize("number", range(4))
def test_after_exchanges_no_supporter_can_do_better_with_unmet_needs(number):
    """From no one held at all; where no package or limit on schools keeps a need from being taken."""
    rng = np.random.default_rng(number)
    n_needs, n_people = 14, 5
    need, supporter = np.nonzero(rng.random((n_needs, n_people)) < 0.5)
    problem = AssignmentProblem(
        need,
        supporter,
        rng.integers(1, 1000, len(need)),
        rng.integers(0, 3, n_needs),
        rng.integers(1, 4, n_needs) * 50,
        rng.integers(1, 4, n_people),
        rng.integers(1, 6, n_people) * 50.0,
    )
    params, no_one = LoadsParams(), np.full(n_needs, UNMET, dtype=np.intp)
    master = Master(problem, None, np.zeros(n_people, dtype=np.int64), params)
    plan = exchanged(master, no_one, Budget.of(60), params)
    assert keeps_rules(problem, plan)
    weight = dict(zip(zip(need, supporter, strict=True), plan_weight(problem, params), strict=True))
    for person in range(n_people):
        open_to = [one for one in np.flatnonzero((plan == UNMET) | (plan == person)) if (one, person) in weight]
        loads = (some for size in range(problem.places[person] + 1) for some in combinations(open_to, size))
        within = [some for some in loads if problem.days_asked[list(some)].sum() <= problem.days_offered[person]]
        held = sum(weight[one, person] for one in np.flatnonzero(plan == person))
        assert held == max(sum(weight[one, person] for one in some) for some in within)


def test_prices_alone_show_that_a_package_needs_more_people_than_its_school_takes():
    """Three needs, and three people with one place each, of whom two may come: two thirds of the package are no plan."""
    need, supporter = (places.ravel() for places in np.indices((3, 3)))
    at_one_school = SideConstraints(
        package=np.zeros(3, dtype=np.intp),
        school=np.zeros(3, dtype=np.intp),
        supporters_left=np.array([2]),
        pinned_visits=np.zeros(0, dtype=np.intp),
        home=np.arange(1, 4),
        deployments_left=np.full(4, 9),
    )
    every, no_price = np.ones(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    problem = AssignmentProblem(
        need, supporter, np.full(9, 500), 0 * every, every, every, np.full(3, np.inf), at_one_school
    )
    params = LoadsParams()
    master = Master(problem, None, no_price, params)
    assert master.generate(params.close, Budget.of(60))
    assert master.bound.value == pytest.approx(0, abs=params.close)


@pytest.mark.parametrize("number", range(3))
def test_without_any_integer_programme_the_plan_keeps_the_rules_and_its_bounds_hold(monkeypatch, number):
    """A solver that fails, for want of memory say, leaves the plan so far."""
    monkeypatch.setattr(highs.mip_worker, "solve", lambda *_: None)
    made = random_round(number)
    plan = made.plan(params=WAYS["all pairs in memory"])
    assert not list(faults_of(made, served(plan)))
    check_bounds(made, plan)


def test_a_programme_in_a_process_of_its_own_has_the_same_answer():
    made = random_round(2)
    here = made.plan(params=WAYS["all pairs in memory"])
    loads = LoadsParams(few_pairs=0, columns_here=0)
    there = made.plan(params=SolveParams(loads=loads))
    assert served(here) == served(there)
    assert bounds_said(here) == bounds_said(there)


def test_a_process_that_ends_by_itself_leaves_the_plan_so_far(monkeypatch, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit(3)\n", encoding="utf-8")
    monkeypatch.setattr(highs.mip_worker, "__file__", str(broken))
    made = random_round(2)
    plan = made.plan(params=SolveParams(loads=LoadsParams(few_pairs=0, columns_here=0)))
    assert not list(faults_of(made, served(plan)))
    check_bounds(made, plan)


def test_a_cancellation_ends_an_integer_programme_within_a_second():
    inputs: Inputs = random_world(3, n_schools=120, n_supporters=160, n_needs=260, decisions=0, groups=False).inputs()
    market = open_market(inputs, SolveParams(loads=LoadsParams(few_pairs=10**6, columns_here=0)))
    cancel, steps = threading.Event(), []
    began: list[float] = []

    def progress(step: str) -> None:
        steps.append(step)
        if step.startswith("Solving days"):
            began.append(time.monotonic())
            threading.Timer(0.3, cancel.set).start()

    solve(market, progress=progress, cancel=cancel)
    assert began
    assert time.monotonic() - began[0] < 1.3
    assert threading.active_count() <= 2


def test_a_search_tree_that_outgrows_its_memory_is_given_up_with_its_bound(capfd):
    made = random_world(3, n_schools=120, n_supporters=160, n_needs=260, decisions=0, groups=False)
    plan = made.plan(params=SolveParams(loads=LoadsParams(few_pairs=10**6, columns_here=0, worker_mb=1)))
    assert not list(faults_of(made, served(plan)))
    assert plan.manifest["status"] == "gap"
    assert said(plan) < bounds_said(plan)
    assert plan.manifest["proof"]["cut_short_by"] == "solver"
    assert capfd.readouterr().err == ""


# ---- the knapsack --------------------------------------------------------------------------------------------------


def random_offers(number: int) -> tuple[Offers, np.ndarray, np.ndarray]:
    """Pairs of five people, with what each gains and what a visit to each school costs."""
    rng = np.random.default_rng(number)
    need, supporter = np.nonzero(rng.random((12, 5)) < 0.6)
    days, school = rng.integers(0, 5, 12), rng.integers(-1, 4, 12)
    places, offered = rng.integers(0, 4, 5), rng.integers(0, 10, 5)
    offers = Offers(need, supporter, days[need], places, offered, school[need])
    toll = np.where(rng.random(4) < (1 if number % 3 == 0 else 0.5), 0, 1.5 * rng.random(4))
    return offers, rng.normal(0.3, 1, len(need)), toll


def all_loads(offers: Offers, gain: np.ndarray, toll: np.ndarray, person: int) -> dict[tuple[int, ...], float]:
    """By trying everything: each load of a person and its gain."""
    own, found = np.flatnonzero(offers.supporter == person), {}
    for count in range(1, offers.places[person] + 1):
        for load in combinations(own.tolist(), count):
            pairs = list(load)
            if offers.asked[pairs].sum() <= offers.days[person]:
                schools = [school for school in set(offers.school[pairs].tolist()) if school >= 0]
                found[load] = gain[pairs].sum() - toll[schools].sum()
    return found


@pytest.mark.parametrize("cells", [40, 4_000_000])
@pytest.mark.parametrize("number", range(12))
def test_the_load_of_most_gain_is_that_of_trying_them_all(number, cells):
    offers, gain, toll = random_offers(number)
    best = best_loads(offers, gain, toll, cells)
    taken = {offers.supporter[load[-1]]: tuple(load[load >= 0].tolist()) for load in best.loads}
    loss = best.loss(offers, gain, toll)
    for person in range(5):
        loads = all_loads(offers, gain, toll, person)
        most = max([0.0, *loads.values()])
        assert best.gain[person] == pytest.approx(most)
        assert loads[taken[person]] == pytest.approx(most) if person in taken else most == 0
        for load, value in loads.items():
            assert (loss[list(load)] <= most - value + 1e-9).all()


@pytest.mark.parametrize("share", [1, 0.6], ids=["of all pairs", "of some pairs"])
@pytest.mark.parametrize("number", range(12))
def test_every_load_within_a_gap_is_listed_and_no_other(number, share):
    """The gap is to the best load of all pairs, also where only some may be in a load."""
    offers, gain, toll = random_offers(number)
    rng = np.random.default_rng(number)
    best, within = best_loads(offers, gain, toll), rng.random(5) / share**3
    some = np.flatnonzero(rng.random(len(gain)) < share)
    listed, is_listed = loads_within(offers.of(some), gain[some], toll, best, within, most=10_000, most_each=10_000)
    assert is_listed.all()
    expected = {
        load
        for person in range(5)
        for load, value in all_loads(offers, gain, toll, person).items()
        if value >= best.gain[person] - within[person] and set(load) <= set(some.tolist())
    }
    assert expected
    assert sorted(tuple(some[load[load >= 0]].tolist()) for load in listed) == sorted(expected)


def test_people_with_too_many_loads_are_left_out_of_a_list():
    offers, gain, toll = random_offers(4)
    best, within = best_loads(offers, gain, toll), np.full(5, 3.0)
    listed, is_listed = loads_within(offers, gain, toll, best, within, most=10_000, most_each=8)
    assert set(offers.supporter[listed[:, -1]]) <= set(np.flatnonzero(is_listed))
    assert 0 < is_listed.sum() < 5
    none, is_listed = loads_within(offers, gain, toll, best, within, most=5, most_each=10_000)
    assert (len(none), is_listed.any()) == (0, False)


@pytest.mark.parametrize("number", range(6))
def test_loads_apart_keep_places_and_days(number):
    offers, gain, toll = random_offers(number)
    best = best_loads(offers, gain, toll)
    loads = loads_apart(offers, gain, toll, best, times=20)
    assert {tuple(load) for load in best.loads} <= {tuple(load) for load in loads}
    for load in loads:
        pairs = load[load >= 0]
        (person,) = set(offers.supporter[pairs].tolist())
        assert len(pairs) <= offers.places[person]
        assert offers.asked[pairs].sum() <= offers.days[person]
