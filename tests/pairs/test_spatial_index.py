"""Pairs found by place: all of them, the nearest, or what is worth more than prices; and rounds that keep only those."""

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from depth import cases, mostly_long
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    GALLERY,
    WIDE,
    World,
    bounds_said,
    by_milp,
    earlier_of,
    eligible,
    facts,
    faults_of,
    levels_of,
    need,
    person,
    random_world,
    said,
    school,
    served,
    solved,
    solved_wide,
    with_policy,
    world,
    worlds,
)

from matching.allocation import allocate
from matching.audit.proof import check_proof
from matching.audit.verify import verify
from matching.pairs.market import Market, open_market
from matching.plan.as_bytes import plan_files
from matching.plan.on_disk import read_files
from matching.solve.params import MarketParams, SolveParams
from matching.solve.problem import NEVER
from matching.tables.csv_out import csv_bytes


def names(one: Market, need_row, supporter_row) -> list[tuple[str, str]]:
    need_ids = one.inputs.needs["need_id"].to_numpy()[need_row]
    supporter_ids = one.inputs.supporters["supporter_id"].to_numpy()[supporter_row]
    return list(zip(need_ids.tolist(), supporter_ids.tolist(), strict=True))


@given(
    made=worlds((14, 9, 14), decisions=st.integers(0, 8)),
    seed=st.integers(0, 1000),
    most=st.sampled_from([5, 400, 1100, 3000]),
)
@cases(150)
def test_pairs_above_their_prices_are_exactly_those(made, seed, most):
    """Against the contract's rules one pair at a time: no pair is missed, whatever is asked."""
    one, r = open_market(made.inputs()), np.random.default_rng(seed)
    asked = r.integers(-most, most, len(one.inputs.needs))
    offered = r.integers(-most, most, len(one.inputs.supporters)) + 1000 * r.integers(0, 2, len(one.inputs.supporters))
    asked[r.random(len(asked)) < 0.2] = NEVER
    offered[r.random(len(offered)) < 0.2] = NEVER
    need_row, supporter_row, score = one.spatial_index.pairs_above(asked, offered)
    least = dict(zip(one.inputs.needs["need_id"], asked.tolist(), strict=True))
    fee = dict(zip(one.inputs.supporters["supporter_id"], offered.tolist(), strict=True))
    expected = {(n, s): fact.milli for (n, s), fact in eligible(made).items() if fact.milli > least[n] + fee[s]}
    found = dict(zip(names(one, need_row, supporter_row), score.tolist(), strict=True))
    assert len(need_row) == len(found)
    assert found == expected


@given(worlds((14, 9, 14), decisions=st.integers(0, 8)), st.integers(1, 5))
@cases(40)
def test_the_nearest_are_the_nearest(made, count):
    """An eligible supporter who is not among them has as many as were asked for before them, of the same designation."""
    one = open_market(made.inputs())
    may, found = eligible(made), set(names(one, *one.spatial_index.nearest(count)))
    assert found <= set(may)
    assert set(names(one, *one.spatial_index.nearest(len(made.supporters)))) == set(may)
    kind = {"designation", "accreditation", "places", "specialism", "phase"}
    code = {row["supporter_id"]: row["designation"] for row in made.supporters}
    could = {pair: fact.km for pair, fact in facts(made).items() if not fact.broken & kind}
    for n, s in set(may) - found:
        before = [
            o for (asked, o), km in could.items() if asked == n and code[o] == code[s] and km < may[n, s].km + 1e-9
        ]
        assert len(before) > count


@pytest.mark.parametrize("weight", [0, 1e-9, 0.3])
def test_where_distance_hardly_counts_all_in_reach_are_looked_at(weight):
    made = world(
        [school(1), school(2, 39.9)],
        [person("S1", 1)],
        [need("N1", 2)],
        policy=with_policy(weights={"specialism": 0.5, "phase": 0.2, "distance": weight}),
    )
    one = open_market(made.inputs())
    score = next(iter(eligible(made).values())).milli
    for asked, count in ((score - 1, 1), (score, 0)):
        assert len(one.spatial_index.pairs_above(np.array([asked]), np.array([0]))[0]) == count


# ---- rounds that are so large that only pairs that may matter are kept ---------------------------------------------


LARGE = SolveParams(market=MarketParams(large_above=0, nearest_supporters=1, pairs_per_block=3))
"""Every round counts as large, and begins with the very nearest."""


def verified(made: World, plan) -> None:
    """Check numbers, proof, reasons and counts with all pairs in memory."""
    saved = read_files(plan_files(plan, made.inputs()))
    assert verify(saved, made.inputs()).faults == ()


@pytest.mark.parametrize("number", mostly_long([*GALLERY, *(1000 + n for n in WIDE)], every=3))
def test_a_large_round_comes_to_the_same_levels_prices_and_surpluses(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    plan = allocate(one.inputs, params=LARGE)
    assert said(plan) == said(one.plan) == bounds_said(plan)
    assert not list(faults_of(one.made, served(plan)))
    # Of plans that are equally good, one may fit the days by itself, and another only after a search.
    if plan.manifest["proof"]["method"] == one.plan.manifest["proof"]["method"]:
        assert plan.workload["price"].tolist() == one.plan.workload["price"].tolist()
        assert plan.surplus.to_numpy().tolist() == one.plan.surplus.to_numpy().tolist()
    verified(one.made, plan)


@given(made=worlds((25, 15, 40), ties=st.booleans(), places=st.just(("", "1", "2", "3", "0"))))
@cases(40)
def test_any_large_round_is_the_best(made):
    inputs = made.inputs()
    plan = allocate(inputs, params=LARGE)
    assert check_proof(plan, inputs)[0] == []
    assert said(plan) == levels_of(made, served(plan)) == by_milp(made)
    verified(made, plan)


def test_a_large_round_does_not_depend_on_the_order_of_rows():
    one = solved_wide(0)
    plans = [allocate(one.made.inputs(shuffled), params=LARGE) for shuffled in (None, 1, 2)]
    for other in plans[1:]:
        for name, frame in plans[0].tables().items():
            assert csv_bytes(frame) == csv_bytes(other.tables()[name])


@pytest.mark.parametrize("is_tied", [False, True])
@pytest.mark.parametrize("number", mostly_long(range(6), every=3))
def test_a_large_round_never_holds_all_pairs(monkeypatch, number, is_tied):
    """Whatever binds, all pairs are never in memory together."""
    made = random_world(number, n_schools=30, n_supporters=30, n_needs=30, ties=is_tied)
    whole = made.plan()

    def all_pairs(_):
        raise AssertionError("all pairs were asked for")

    monkeypatch.setattr(sys.modules[open_market.__module__], "eligible_pairs", all_pairs)
    inputs = made.inputs()
    opened = open_market(inputs, LARGE)
    plan = allocate(inputs, market=opened)
    assert said(plan) == said(whole)
    assert opened.eligible_by_need.sum() == whole.manifest["counts"]["eligible_pairs"]


def test_a_large_round_that_is_stopped_ends_with_a_plan_and_honest_bounds():
    one = solved_wide(0)
    stop = threading.Event()
    stop.set()
    plan = allocate(one.inputs, cancel=stop, params=LARGE)
    assert plan.manifest["proof"]["cut_short_by"] == "cancelled"
    assert said(plan) <= said(one.plan)
    assert all(bound >= best for bound, best in zip(bounds_said(plan), said(one.plan), strict=True))
    assert not list(faults_of(one.made, served(plan)))
    verified(one.made, plan)


def test_a_rerun_of_a_large_round_disturbs_nobody():
    one = solved_wide(0)
    again = replace(
        one.made,
        baseline=tuple(
            {"need_id": n, "supporter_id": s} for n, s in served(allocate(one.inputs, params=LARGE)).items()
        ),
    )
    plan = allocate(again.inputs(), params=LARGE)
    assert {(n, s) for n, s in served(plan).items()} == earlier_of(again)


@pytest.mark.parametrize("number", mostly_long(range(4), every=2))
def test_all_pairs_kept_in_memory_on_request_change_nothing(number):
    made = random_world(number, n_schools=30, n_supporters=30, n_needs=30, ties=number % 2 == 1)
    inputs = made.inputs()
    markets = [open_market(inputs, LARGE, keep_all_pairs=keep) for keep in (False, True)]
    plans = [plan_files(allocate(inputs, market=one), inputs) for one in markets]
    assert [len(list(one.blocks())) > 1 for one in markets] == [True, False]
    assert {name: plans[0][name] for name in plans[0] if name.endswith(".csv")} == {
        name: plans[1][name] for name in plans[1] if name.endswith(".csv")
    }
