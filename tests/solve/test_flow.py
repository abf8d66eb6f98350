"""Places only: optimal, with the least prices, whatever the first pairs and however far a change is felt."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from matching.solve.budget import Budget
from matching.solve.duals import auction_prices
from matching.solve.flow import best_with_places
from matching.solve.params import AuctionParams, FlowParams, SolveParams
from matching.solve.problem import UNMET, AssignmentProblem, rank_in_group


def problem_of(need, supporter, value, level, places) -> AssignmentProblem:
    need, supporter, value = (np.array(one, dtype=np.int64) for one in (need, supporter, value))
    order = np.lexsort((supporter, need))
    return AssignmentProblem(
        need=need[order],
        supporter=supporter[order],
        value_milli=value[order],
        level=np.array(level, dtype=np.int64),
        days_asked=np.zeros(len(level), dtype=np.int64),
        places=np.array(places, dtype=np.int64),
        days_offered=np.full(len(places), np.inf),
    )


def town(seed: int, n: int, m: int, *, near: float, most_places: int = 4, ties: int = 1) -> AssignmentProblem:
    """Needs and supporters in a square, with pairs between those that are near; values in steps of `ties`."""
    r = np.random.default_rng(seed)
    at, home = r.random((n, 2)), r.random((m, 2))
    far = np.hypot(*(at[:, None] - home[None]).transpose(2, 0, 1))
    need, supporter = np.nonzero(far < near)
    value = 500 + np.rint(500 * (1 - far[need, supporter] / near)).astype(int) // ties * ties
    return problem_of(need, supporter, value, r.choice(3, n, p=[0.1, 0.25, 0.65]), r.integers(0, most_places + 1, m))


def least_by_linear_programme(problem: AssignmentProblem) -> tuple[int, np.ndarray]:
    """The best weight, and the least of the prices that prove it, by linear programmes of our own.

    The dual's constraint matrix is totally unimodular: its vertices are whole. Levels are scaled down so that floating
    point can tell them apart.
    """
    k, n, m = len(problem.need), len(problem.level), len(problem.places)
    rows = np.arange(k)
    covers = csr_array(
        (-np.ones(2 * k), (np.tile(rows, 2), np.concatenate([problem.need, n + problem.supporter]))), shape=(k, n + m)
    )
    cost = np.concatenate([np.ones(n), problem.places])
    best = linprog(cost, A_ub=covers, b_ub=-problem.weight, method="highs-ds")
    worth = round(best.fun)
    held = linprog(
        np.concatenate([np.zeros(n), np.ones(m)]),
        A_ub=covers,
        b_ub=-problem.weight,
        A_eq=csr_array(cost[None]),
        b_eq=[worth],
        method="highs-ds",
    )
    return worth, np.rint(held.x[n:]).astype(np.int64)


def prove(problem: AssignmentProblem, supporter_of: np.ndarray, price: np.ndarray) -> int:
    """Every place and pair is allowed, and the prices allow no plan to be worth more: the weight."""
    chosen = supporter_of[problem.need] == problem.supporter
    met = supporter_of != UNMET
    assert chosen.sum() == met.sum()
    assert (np.bincount(supporter_of[met], minlength=len(problem.places)) <= problem.places).all()
    assert (price >= 0).all()
    surplus = np.zeros(len(problem.level), dtype=np.int64)
    np.maximum.at(surplus, problem.need, problem.weight - price[problem.supporter])
    weight = int(problem.weight[chosen].sum())
    assert weight == surplus.sum() + (problem.places * price).sum()
    return weight


FEW = FlowParams(first_pairs=1, first_pairs_extra=0, more_pairs=1)
TOWNS = [
    pytest.param(town(1, 300, 80, near=0.15), id="scarce"),
    pytest.param(town(2, 300, 300, near=0.12), id="plentiful"),
    pytest.param(town(3, 600, 90, near=0.3, ties=50), id="scarce, with ties"),
    pytest.param(town(4, 500, 200, near=0.2, most_places=1), id="one place at most"),
    pytest.param(town(5, 500, 15, near=0.5, most_places=40), id="many places"),
    pytest.param(town(6, 200, 60, near=0.03), id="hardly any pair"),
]


@pytest.mark.parametrize("problem", TOWNS)
def test_optimal_with_the_least_prices(problem):
    _, supporter_of, price = best_with_places(problem, Budget.of(600))
    weight, least = least_by_linear_programme(problem)
    assert prove(problem, supporter_of, price) == weight
    assert price.tolist() == least.tolist()


@st.composite
def small_problems(draw):
    n, m = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), unique=True, max_size=n * m))
    values = draw(st.lists(st.sampled_from([0, 1, 2, 500, 1000]), min_size=len(pairs), max_size=len(pairs)))
    level = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    places = draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))
    return problem_of([i for i, _ in pairs], [j for _, j in pairs], values, level, places)


@pytest.mark.parametrize("auction_above", [0, 200_000], ids=["with an auction", "without an auction"])
@pytest.mark.parametrize("first", [1, 8])
@given(problem=small_problems())
@cases(60)
def test_any_small_problem_whatever_it_begins_with(auction_above, first, problem):
    tuning = FlowParams(auction_above=auction_above, first_pairs=first, first_pairs_extra=first - 1, more_pairs=first)
    _, supporter_of, price = best_with_places(problem, Budget.of(600), params=SolveParams(flow=tuning))
    weight, least = least_by_linear_programme(problem)
    assert prove(problem, supporter_of, price) == weight
    assert price.tolist() == least.tolist()


@pytest.mark.parametrize("problem", TOWNS)
def test_many_rounds_of_few_pairs(problem):
    expected = best_with_places(problem, Budget.of(600))[2]
    _, supporter_of, price = best_with_places(problem, Budget.of(600), params=SolveParams(flow=FEW))
    prove(problem, supporter_of, price)
    assert price.tolist() == expected.tolist()


@dataclass(frozen=True)
class AllOf:
    """A pricing oracle over every pair of a problem, for another problem that holds few of them."""

    problem: AssignmentProblem

    def pairs_above(self, need_milli, supporter_milli):
        one = self.problem
        more = one.value_milli > need_milli[one.need] + supporter_milli[one.supporter]
        return one.need[more], one.supporter[more], one.value_milli[more]

    def whole(self):
        return self.problem


def some_of(problem: AssignmentProblem, keep: np.ndarray) -> AssignmentProblem:
    return replace(
        problem, need=problem.need[keep], supporter=problem.supporter[keep], value_milli=problem.value_milli[keep]
    )


@pytest.mark.parametrize("auction_above", [0, 200_000], ids=["with an auction", "without an auction"])
@given(problem=small_problems(), seed=st.integers(0, 1000), share=st.sampled_from([0, 0.3, 0.8]))
@cases(120)
def test_any_candidates_lead_to_the_same_prices(auction_above, problem, seed, share):
    candidates = some_of(problem, np.random.default_rng(seed).random(len(problem.need)) < share)
    params = SolveParams(flow=FlowParams(auction_above=auction_above, first_pairs=1, more_pairs=1))
    found, supporter_of, price = best_with_places(candidates, Budget.of(600), AllOf(problem), params)
    weight, least = least_by_linear_programme(problem)
    assert prove(problem, supporter_of, price) == weight
    assert price.tolist() == least.tolist()
    codes = {(i, j): value for i, j, value in zip(problem.need, problem.supporter, problem.value_milli, strict=True)}
    assert all(codes[i, j] == v for i, j, v in zip(found.need, found.supporter, found.value_milli, strict=True))


@pytest.mark.parametrize("auction_above", [0, 200_000], ids=["with an auction", "without an auction"])
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("problem", TOWNS)
def test_towns_with_few_candidates(problem, count, auction_above):
    """The problem holds the best few pairs of each need; the oracle prices all."""
    params = SolveParams(flow=FlowParams(auction_above=auction_above))
    candidates = some_of(problem, rank_in_group(problem.need, problem.value_milli) < count)
    found, supporter_of, price = best_with_places(candidates, Budget.of(600), AllOf(problem), params)
    weight, least = least_by_linear_programme(problem)
    assert prove(problem, supporter_of, price) == weight
    assert price.tolist() == least.tolist()
    assert len(found.need) <= len(problem.need)


@pytest.mark.parametrize("few", [0, 10, 1000])
@pytest.mark.parametrize("near", [0, 20, 10_000])
@pytest.mark.parametrize("problem", TOWNS)
def test_the_auction_only_decides_where_the_solver_begins(problem, near, few):
    expected = best_with_places(problem, Budget.of(600))[2]
    params = SolveParams(flow=FlowParams(auction_above=0), auction=AuctionParams(near_milli=near, few_bidders=few))
    _, supporter_of, price = best_with_places(problem, Budget.of(600), params=params)
    prove(problem, supporter_of, price)
    assert price.tolist() == expected.tolist()


@pytest.mark.parametrize("problem", TOWNS)
def test_auction_prices_come_within_a_step_a_need_of_the_best_scores(problem):
    """Of an auction that ends, prices bound what all scores together can be, and miss it by a step for each need."""
    params = AuctionParams(few_bidders=0)
    useful, n = np.flatnonzero(problem.places[problem.supporter] > 0), len(problem.level)
    # With places that cost as much as a normal need is worth, every need may stay out.
    normal = replace(problem, level=np.full(n, 2))
    _, price, _ = auction_prices(normal, None, np.ones(len(problem.places), dtype=np.intp), useful, params)
    surplus = np.zeros(n, dtype=np.int64)
    np.maximum.at(surplus, problem.need[useful], problem.value_milli[useful] - price[problem.supporter[useful]])
    bound = int(surplus.sum() + (price * problem.places).sum())
    ends = np.concatenate([problem.need, n + problem.supporter])
    at_most = csr_array(
        (np.ones(len(ends)), (ends, np.tile(np.arange(len(problem.need)), 2))),
        shape=(n + len(problem.places), len(problem.need)),
    )
    best = linprog(
        -problem.value_milli, at_most, np.concatenate([np.ones(n), problem.places]), bounds=(0, 1), method="highs-ds"
    )
    assert round(-best.fun) <= bound <= round(-best.fun) + params.step_milli * n


def test_where_too_little_was_solved_again_whole_components_are():
    """Changes are not followed at all: prices then fail to settle in one of their ways, and show where."""
    steps: list[str] = []
    params = SolveParams(flow=FlowParams(first_pairs=1, first_pairs_extra=0, reach=0.0))
    for param in TOWNS:
        problem = param.values[0]
        expected = best_with_places(problem, Budget.of(600))[2]
        _, supporter_of, price = best_with_places(problem, Budget.of(600, steps.append), params=params)
        prove(problem, supporter_of, price)
        assert price.tolist() == expected.tolist()
    assert any("again" in step for step in steps)


def test_prices_that_travel_along_a_chain_longer_than_the_sweeps():
    """Each need can go to one of two neighbours, and one need too many at the end raises every price in turn."""
    n = 60
    need = [*range(n), *range(n), n]
    supporter = [*range(n), *range(1, n), 0, n - 1]
    value = [900 - i for i in range(n)] + [300 + i for i in range(n)] + [100]
    problem = problem_of(need, supporter, value, [2] * (n + 1), [1] * n)
    params = SolveParams(flow=FlowParams(sweeps=5))
    _, supporter_of, price = best_with_places(problem, Budget.of(600), params=params)
    weight, least = least_by_linear_programme(problem)
    assert prove(problem, supporter_of, price) == weight
    assert price.tolist() == least.tolist()
    assert (price > 0).all()


@pytest.mark.parametrize("problem", TOWNS[:3])
def test_the_order_of_needs_and_supporters_changes_neither_worth_nor_prices(problem):
    _, supporter_of, price = best_with_places(problem, Budget.of(600))
    r = np.random.default_rng(9)
    needs, people = r.permutation(len(problem.level)), r.permutation(len(problem.places))
    to_need, to_person = np.argsort(needs), np.argsort(people)
    mixed = problem_of(
        to_need[problem.need],
        to_person[problem.supporter],
        problem.value_milli,
        problem.level[needs],
        problem.places[people],
    )
    _, mixed_of, mixed_price = best_with_places(mixed, Budget.of(600))
    assert mixed_price.tolist() == price[people].tolist()
    assert prove(mixed, mixed_of, mixed_price) == prove(problem, supporter_of, price)


def test_the_same_problem_twice_gives_the_same_plan():
    problem = town(3, 600, 90, near=0.3, ties=50)
    assert (
        best_with_places(problem, Budget.of(600))[1].tolist() == best_with_places(problem, Budget.of(600))[1].tolist()
    )


@pytest.mark.parametrize(
    ("level", "places"), [([], [2]), ([0, 1], []), ([0, 1, 2], [0, 5])], ids=["no needs", "nobody", "no pair"]
)
def test_nothing_to_assign(level, places):
    _, supporter_of, price = best_with_places(problem_of([], [], [], level, places), Budget.of(600))
    assert supporter_of.tolist() == [UNMET] * len(level)
    assert price.tolist() == [0] * len(places)


def test_more_places_than_a_small_integer_holds():
    problem = problem_of([0, 1], [0, 0], [10, 20], [0, 2], [2**40])
    _, supporter_of, price = best_with_places(problem, Budget.of(600))
    assert supporter_of.tolist() == [0, 0]
    assert price.tolist() == [0]
