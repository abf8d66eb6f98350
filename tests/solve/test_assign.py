"""The best choice of pairs: against trying everything, against programmes of our own, and by its own prices."""

import itertools

import numpy as np
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from worlds import (
    GALLERY,
    WIDE,
    bounds_said,
    brute_force,
    by_milp,
    faults_of,
    levels_of,
    need,
    person,
    said,
    school,
    served,
    solved,
    solved_wide,
    world,
)

from matching.solve.assign import assign
from matching.solve.problem import UNMET, Assignment, AssignmentProblem


def problem_of(edges: dict[tuple[int, int], int], level, places, days=None, offered=None) -> AssignmentProblem:
    """A problem from {(need, supporter): value}; days are in days."""
    keys = sorted(edges)
    return AssignmentProblem(
        need=np.array([i for i, _ in keys], dtype=np.intp),
        supporter=np.array([j for _, j in keys], dtype=np.intp),
        value_milli=np.array([edges[key] for key in keys], dtype=np.int64),
        level=np.array(level, dtype=np.intp),
        days_asked=np.rint(100 * np.array(days if days is not None else [0] * len(level))).astype(np.int64),
        places=np.array(places, dtype=np.int64),
        days_offered=np.rint(100 * np.array(offered if offered is not None else [np.inf] * len(places))),
    )


@st.composite
def problems(draw, most_needs=6, most_people=4, most_places=3, with_days=None) -> AssignmentProblem:
    n, m = draw(st.integers(1, most_needs)), draw(st.integers(1, most_people))
    # Few different values, so that there are many equally good answers to get lost in.
    edges = draw(
        st.dictionaries(
            st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), st.sampled_from([0, 1, 500, 999, 1000])
        )
    )
    level = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    places = draw(st.lists(st.integers(0, most_places), min_size=m, max_size=m))
    if not (draw(st.booleans()) if with_days is None else with_days):
        return problem_of(edges, level, places)
    days = draw(st.lists(st.sampled_from([0, 0.5, 1, 2.3, 3]), min_size=n, max_size=n))
    offered = draw(st.lists(st.sampled_from([0.5, 2, 2.3, 4.6, 5.5, np.inf]), min_size=m, max_size=m))
    fits = {(i, j): value for (i, j), value in edges.items() if days[i] <= offered[j]}
    return problem_of(fits, level, places, days, offered)


def edges_of(problem: AssignmentProblem) -> dict[tuple[int, int], int]:
    return dict(
        zip(
            zip(problem.need.tolist(), problem.supporter.tolist(), strict=True),
            problem.value_milli.tolist(),
            strict=True,
        )
    )


def values_of(problem: AssignmentProblem, supporter_of) -> tuple[int, ...]:
    edges, values = edges_of(problem), [0, 0, 0, 0]
    for i, j in enumerate(supporter_of):
        if j != UNMET:
            values[problem.level[i]] += 1
            values[3] += edges[i, j]
    return tuple(values)


def allowed(problem: AssignmentProblem, supporter_of) -> bool:
    """Whether an outcome uses eligible pairs only and keeps places and days."""
    met = [(i, j) for i, j in enumerate(supporter_of) if j != UNMET]
    count, used = np.zeros(len(problem.places), int), np.zeros(len(problem.places), int)
    for i, j in met:
        count[j] += 1
        used[j] += problem.days_asked[i]
    return (
        set(met) <= set(edges_of(problem)) and (count <= problem.places).all() and (used <= problem.days_offered).all()
    )


def best_of(problem: AssignmentProblem) -> tuple[int, ...]:
    """By trying everything."""
    edges = edges_of(problem)
    options = [[UNMET, *(j for i, j in edges if i == one)] for one in range(len(problem.level))]
    return max(values_of(problem, one) for one in itertools.product(*options) if allowed(problem, one))


def weight_by_milp(problem: AssignmentProblem) -> int:
    """The most that needs and bonus can be worth together without days, by another solver than scipy's matching."""
    if not len(problem.need):
        return 0
    n, m, k = len(problem.level), len(problem.places), len(problem.need)
    rows = np.zeros((n + m, k))
    rows[problem.need, np.arange(k)] = 1
    rows[n + problem.supporter, np.arange(k)] = 1
    limits = np.concatenate([np.ones(n), problem.places])
    answer = milp(
        -problem.weight.astype(float),
        constraints=LinearConstraint(rows, -np.inf, limits),
        integrality=np.ones(k),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return round(-answer.fun)


def worth(problem: AssignmentProblem, outcome: Assignment) -> int:
    chosen = outcome.supporter_of[problem.need] == problem.supporter
    return int(problem.weight[chosen].sum())


def dual(problem: AssignmentProblem, price: np.ndarray) -> int:
    """What these prices allow any plan to be worth."""
    surplus = np.zeros(len(problem.level))
    np.maximum.at(surplus, problem.need, problem.weight - price[problem.supporter])
    return round(float(surplus.sum() + (problem.places * price).sum()))


def with_places(problem: AssignmentProblem, places) -> AssignmentProblem:
    return AssignmentProblem(
        problem.need,
        problem.supporter,
        problem.value_milli,
        problem.level,
        problem.days_asked,
        np.array(places),
        problem.days_offered,
    )


# ---- tiny: everything is tried -------------------------------------------------------------------------------------


@given(problems())
@cases(250)
def test_the_best_of_everything_that_can_be_tried(problem):
    outcome = assign(problem)
    assert allowed(problem, outcome.supporter_of)
    assert outcome.values == values_of(problem, outcome.supporter_of) == best_of(problem) == outcome.bounds
    assert outcome.status == "optimal"


@given(problems(most_needs=12, most_people=4, most_places=9, with_days=False))
@cases(150)
def test_prices_prove_the_plan_and_are_what_one_more_place_is_worth(problem):
    outcome = assign(problem)
    price = outcome.price_milli
    assert not outcome.searched
    assert (price >= 0).all()
    assert worth(problem, outcome) == dual(problem, price) == weight_by_milp(problem)
    used = np.bincount(outcome.supporter_of[outcome.supporter_of != UNMET], minlength=len(problem.places))
    assert (price[used < problem.places] == 0).all()
    for supporter in range(len(problem.places)):
        one_more = problem.places + (np.arange(len(problem.places)) == supporter)
        assert weight_by_milp(with_places(problem, one_more)) - worth(problem, outcome) == price[supporter]


@given(problems(most_needs=6, most_people=3, with_days=True))
@cases(60)
def test_parts_are_solved_as_if_alone(problem):
    """Two areas with nothing in common: the levels are the sums, and days that bind in one leave the other's prices."""
    second = problem_of({(0, 0): 700, (1, 0): 300}, [0, 0], [1])
    n, m = len(problem.level), len(problem.places)
    both = AssignmentProblem(
        np.concatenate([problem.need, second.need + n]),
        np.concatenate([problem.supporter, second.supporter + m]),
        np.concatenate([problem.value_milli, second.value_milli]),
        np.concatenate([problem.level, second.level]),
        np.concatenate([problem.days_asked, second.days_asked]),
        np.concatenate([problem.places, second.places]),
        np.concatenate([problem.days_offered, second.days_offered]),
    )
    outcome = assign(both)
    assert outcome.values == tuple(a + b for a, b in zip(assign(problem).values, (1, 0, 0, 700), strict=True))
    # Another supporter is in reach of the unmet need: it is worth its bonus (3M for critical) and its value.
    assert outcome.price_milli[m] == 3 * both.bonus_milli + 300


# ---- larger: many pairs, many places -------------------------------------------------------------------------------


def crowd(seed: int, n: int, m: int, most_places: int, *, days: bool = False, share: float = 1.0) -> AssignmentProblem:
    r = np.random.default_rng(seed)
    edges = {(i, j): int(r.integers(1, 1001)) for i in range(n) for j in range(m) if r.random() < share}
    level, places = r.integers(0, 3, n), r.integers(0, most_places + 1, m)
    if not days:
        return problem_of(edges, level, places)
    return problem_of(edges, level, places, r.choice([0.5, 1, 2.3, 4], n), r.choice([4, 7.5, 9.2, np.inf], m))


@pytest.mark.parametrize("seed", range(6))
def test_many_more_pairs_than_the_first_solve_looks_at(seed):
    """All needs want the same few supporters: the first pairs of each need do not hold the answer."""
    problem = crowd(seed, 60, 40, 2)
    problem = AssignmentProblem(
        problem.need,
        problem.supporter,
        problem.value_milli // 100 + 25 * (40 - problem.supporter),
        problem.level,
        problem.days_asked,
        problem.places,
        problem.days_offered,
    )
    outcome = assign(problem)
    assert allowed(problem, outcome.supporter_of)
    assert worth(problem, outcome) == dual(problem, outcome.price_milli) == weight_by_milp(problem)
    assert outcome.values == outcome.bounds


@pytest.mark.parametrize("places", [3, 4, 5, 8, 9, 17, 40, 1000])
def test_one_supporter_with_many_places(places):
    problem = problem_of({(i, 0): 100 + i for i in range(40)}, [i % 3 for i in range(40)], [places])
    outcome = assign(problem)
    best_first = sorted(range(40), key=lambda i: (i % 3, -i))[:places]
    assert sorted(np.flatnonzero(outcome.supporter_of == 0)) == sorted(best_first)
    left_out = sorted(range(40), key=lambda i: (i % 3, -i))[places:]
    expected = problem.bonus_milli * (3 - left_out[0] % 3) + 100 + left_out[0] if left_out else 0
    assert outcome.price_milli.tolist() == [expected]


@pytest.mark.parametrize("seed", range(4))
def test_many_places_and_many_people(seed):
    problem = crowd(seed, 120, 8, 20, share=0.5)
    outcome = assign(problem)
    assert allowed(problem, outcome.supporter_of)
    assert worth(problem, outcome) == dual(problem, outcome.price_milli) == weight_by_milp(problem)


@pytest.mark.parametrize("seed", range(4))
def test_days_of_a_larger_area(seed):
    problem = crowd(seed, 40, 12, 5, days=True, share=0.4)
    outcome = assign(problem)
    assert allowed(problem, outcome.supporter_of)
    assert outcome.status == "optimal"
    assert outcome.searched
    assert outcome.values == values_of(problem, outcome.supporter_of)
    assert np.isnan(outcome.price_milli).any()


def side_by_side(areas: list[AssignmentProblem]) -> AssignmentProblem:
    """Areas with nothing in common, as one problem."""
    n, m = (np.cumsum([0, *(len(one) for one in of)]) for of in ([a.level for a in areas], [a.places for a in areas]))
    return AssignmentProblem(
        np.concatenate([area.need + at for area, at in zip(areas, n, strict=False)]),
        np.concatenate([area.supporter + at for area, at in zip(areas, m, strict=False)]),
        *(
            np.concatenate([getattr(area, name) for area in areas])
            for name in ("value_milli", "level", "days_asked", "places", "days_offered")
        ),
    )


def test_areas_that_are_searched_at_the_same_time_are_served_as_if_alone():
    areas = [crowd(seed, 40, 25, 3, days=True, share=0.15) for seed in range(6)]
    alone = [assign(area) for area in areas]
    together = assign(side_by_side(areas))
    assert together.searched
    people = np.cumsum([0, *(len(area.places) for area in areas)])
    met = [
        np.where(one.supporter_of == UNMET, UNMET, one.supporter_of + at)
        for one, at in zip(alone, people, strict=False)
    ]
    assert together.supporter_of.tolist() == np.concatenate(met).tolist()
    assert together.bounds == together.values == tuple(np.sum([one.values for one in alone], axis=0))


def test_no_pair_at_all():
    outcome = assign(problem_of({}, [0, 2], [3, 0]))
    assert (outcome.supporter_of.tolist(), outcome.price_milli.tolist()) == ([UNMET, UNMET], [0, 0])
    assert (outcome.values, outcome.status) == ((0, 0, 0, 0), "optimal")


def test_a_pair_of_score_0_is_still_chosen():
    assert assign(problem_of({(0, 0): 0}, [2], [1])).supporter_of.tolist() == [0]


# ---- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1e-9, 1e-3, 0.02, 0.1, 0.4])
def test_time_that_runs_out_leaves_a_valid_plan_under_its_bounds(seconds):
    problem = crowd(5, 150, 60, 5, days=True, share=0.3)
    outcome = assign(problem, time_limit_s=seconds)
    assert allowed(problem, outcome.supporter_of)
    assert outcome.values == values_of(problem, outcome.supporter_of)
    assert all(value <= bound for value, bound in zip(outcome.values, outcome.bounds, strict=True))
    assert outcome.status == ("optimal" if outcome.values == outcome.bounds else "gap")
    # Nothing that fits is left lying about.
    spare_places = problem.places - np.bincount(
        outcome.supporter_of[outcome.supporter_of >= 0], minlength=len(problem.places)
    )
    met = outcome.supporter_of != UNMET
    days = np.bincount(outcome.supporter_of[met], weights=problem.days_asked[met], minlength=len(problem.places))
    still = (spare_places[problem.supporter] > 0) & (
        problem.days_asked[problem.need] <= (problem.days_offered - days)[problem.supporter]
    )
    assert not (still & ~met[problem.need]).any()


@given(problems(most_needs=7, most_people=3, with_days=True))
@cases(60)
def test_no_time_at_all_still_bounds_the_best(problem):
    outcome = assign(problem, time_limit_s=0)
    best = best_of(problem)
    assert allowed(problem, outcome.supporter_of)
    assert outcome.values <= best
    # Levels count in order: a bound holds for plans that are as good in the levels before it.
    assert all(bound >= value for bound, value in zip(outcome.bounds, best, strict=True))


def test_a_plan_that_ran_out_of_time_says_so():
    made = world(
        [school(1), school(2, 4)],
        [person("S1", 1, max_deployments="2", days_available="5")],
        # Best pairs first fit N1 alone (higher priority asks more days); the search finds that out, and greed does too.
        [need("N1", 2, days="3"), need("N2", 2, days="3"), need("N3", 2, days="2")],
    )
    plan = made.plan(time_limit_s=0)
    assert not list(faults_of(made, served(plan)))
    assert plan.manifest["status"] == ("optimal" if said(plan) == bounds_said(plan) else "gap")
    assert made.plan().manifest["status"] == "optimal"
    assert said(made.plan()) == brute_force(made)


# ---- whole runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", GALLERY)
def test_whole_runs_equal_trying_everything(number):
    one = solved(number)
    assert not list(faults_of(one.made, one.serving))
    assert said(one.plan) == levels_of(one.made, one.serving) == brute_force(one.made) == bounds_said(one.plan)
    assert one.plan.manifest["status"] == "optimal"


@pytest.mark.parametrize("number", WIDE)
def test_larger_runs_equal_programmes_of_our_own(number):
    one = solved_wide(number)
    assert not list(faults_of(one.made, one.serving))
    assert said(one.plan) == levels_of(one.made, one.serving) == by_milp(one.made) == bounds_said(one.plan)


def test_the_gallery_has_days_that_bind_and_days_that_do_not():
    blank = {n: "" in set(solved_wide(n).plan.workload["price"]) for n in WIDE}
    assert set(blank.values()) == {True, False}


def test_a_critical_need_comes_before_any_number_of_others():
    made = world(
        [school(1), school(2, 39), school(3, 1)],
        [person("S1", 1, max_deployments="5", days_available="5")],
        [
            need("N1", 2, priority="critical", days="5"),
            *(need(f"N{k}", 3, priority="high", days="1") for k in range(2, 7)),
        ],
    )
    assert served(made.plan()) == {"N1": "S1"}
