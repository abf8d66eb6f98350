"""Fairness: every figure against a plain count, over random plans."""

import csv
import io
import math
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pandas as pd
import pytest
from depth import mostly_long
from worlds import AS_AT, WIDE, cell_km, need, person, random_world, school, solved_wide, trusts_counted, world

from matching.allocation import allocate
from matching.audit.recount import recounted
from matching.audit.wording import cell_faults
from matching.inputs.read import read_inputs
from matching.plan.equity import (
    EQUITY_COLUMNS,
    FAIRNESS_COLUMNS,
    FSM_QUINTILES,
    equity,
    fsm_quintiles,
    workload_fairness,
)
from matching.tables.csv_out import csv_bytes

KINDS = ("total", "local authority", "region", "phase", "trust", "FSM quintile", "priority")
NAMES = {"local authority": "local_authority", "region": "region", "phase": "phase", "trust": "trust"}


@cache
def case(number: int):
    """A random plan of schools whose percentages are often equal, unknown, or all unknown, with awkward names."""
    made = random_world(2000 + number, n_schools=25, n_supporters=12, n_needs=40, days=number % 2 == 0)
    schools = tuple(
        row
        | {
            "fsm_percent": "" if number == 3 or k % 7 == number % 7 else f"{(k * 13 + number) % 9 * 5}",
            "region": ["", "West", "=East"][k % 3],
        }
        for k, row in enumerate(made.schools)
    )
    made = replace(made, schools=schools)
    inputs = made.inputs()
    return made, inputs, allocate(inputs)


def apart_km(one: dict, other: dict) -> float:
    return math.hypot(one["easting"] - other["easting"], one["northing"] - other["northing"]) / 1000


def plainly(inputs, plan) -> dict[tuple[str, str], tuple[int, list[float], list[float]]]:
    """Needs, scores and distances of each group, one need at a time from the text."""
    schools = {row["urn"]: row for row in inputs.schools.to_dict("records")}
    trusts = trusts_counted([*schools.values()])
    known = [row["fsm_percent"] for row in schools.values() if not np.isnan(row["fsm_percent"])]
    rows = [*plan.deployments.to_dict("records"), *plan.unmet.to_dict("records")]
    found: dict[tuple[str, str], tuple[int, list[float], list[float]]] = {}
    for row in rows:
        school = schools[row["school_urn"]]
        keys = [("total", "all needs"), ("priority", row["priority"])]
        for by, column in NAMES.items():
            word = trusts[row["school_urn"]] if by == "trust" else school[column]
            blank = "no trust" if by == "trust" else "not known"
            keys.append((by, f"'{word}" if word.startswith("=") else word or blank))
        percent = school["fsm_percent"]
        fifth = "not known"
        if not np.isnan(percent):
            fifth = FSM_QUINTILES[int(5 * sum(one < percent for one in known) / len(known))]
        keys.append(("FSM quintile", fifth))
        for key in keys:
            needs, scores, distances = found.get(key, (0, [], []))
            if "supporter_id" in row:
                scores, distances = (
                    [*scores, row["score"]],
                    [*distances, apart_km(school, schools[row["home_school_urn"]])],
                )
            found[key] = needs + 1, scores, distances
    return found


@pytest.mark.parametrize("number", mostly_long(range(10), every=3))
def test_every_figure_is_what_a_plain_count_gives(number):
    _, inputs, plan = case(number)
    expected = plainly(inputs, plan)
    table = equity(plan, inputs)
    assert tuple(table.columns) == EQUITY_COLUMNS
    assert {(row["by"], row["group"]) for row in table.to_dict("records")} == set(expected)
    for row in table.to_dict("records"):
        needs, scores, distances = expected[row["by"], row["group"]]
        assert (row["needs"], row["met"]) == (str(needs), str(len(scores)))
        assert row["met_percent"] == f"{float(round(Fraction(100 * len(scores), needs), 1)):.1f}"
        score = f"{float(round(sum(map(Fraction, scores)) / len(scores), 3)):.3f}" if scores else ""
        # Of the distances before they are rounded.
        distance = cell_km(math.fsum(distances) / len(distances)) if distances else ""
        assert (row["mean_score"], row["mean_distance_km"]) == (score, distance)


def trusts_of(*trusts: tuple[str, str]) -> dict[str, str]:
    """The trusts of equity.csv and their needs, one for each school, whose trust and code these are."""
    schools = [school(place, 4 * place, trust=name, trust_code=code) for place, (name, code) in enumerate(trusts)]
    made = world(schools, [person("S1", 0)], [need(f"N{place}", place) for place in range(len(schools))])
    inputs = made.inputs()
    plan = allocate(inputs)
    table = equity(plan, inputs)
    pd.testing.assert_frame_equal(recounted(plan, inputs), table)
    rows = table[table["by"] == "trust"]
    return dict(zip(rows["group"], rows["needs"], strict=True))


@pytest.mark.parametrize(
    ("trusts", "counted"),
    [
        (
            [("Oak Trust", ""), ("OAK TRUST", ""), ("The Oak Trust Ltd", ""), ("", "")],
            {"OAK TRUST": "3", "no trust": "1"},
        ),
        ([("Oak Trust", "17"), ("Ash Trust", "17"), ("OAK TRUST", "")], {"Ash Trust": "3"}),
        ([("Oak Trust", "17"), ("Oak Trust", "18")], {"Oak Trust (17)": "1", "Oak Trust (18)": "1"}),
        (
            [("Oak Trust", "17"), ("The Oak Trust", "18"), ("Oak Trust", "")],
            {"Oak Trust (17)": "1", "Oak Trust (no code)": "1", "The Oak Trust": "1"},
        ),
        ([("", "17"), ("", "17"), ("", "")], {"trust 17": "2", "no trust": "1"}),
        ([("", "17"), ("Oak Trust", "17")], {"Oak Trust": "2"}),
        ([("=Oak Trust", "17"), ("=OAK TRUST", "")], {"'=OAK TRUST": "2"}),
    ],
)
def test_the_spellings_of_a_trust_are_one_group(trusts, counted):
    assert trusts_of(*trusts) == counted


@pytest.mark.parametrize("number", range(10))
def test_every_way_of_grouping_adds_up_to_the_total(number):
    _, inputs, plan = case(number)
    table = equity(plan, inputs).astype({"needs": int, "met": int})
    sums = table.groupby("by")[["needs", "met"]].sum()
    assert set(sums.index) == set(KINDS)
    assert (sums == [len(inputs.needs), len(plan.deployments)]).to_numpy().all()


@pytest.mark.parametrize("number", range(10))
def test_the_check_of_a_saved_plan_counts_the_same_in_another_way(number):
    _, inputs, plan = case(number)
    pd.testing.assert_frame_equal(recounted(plan, inputs), equity(plan, inputs))


@pytest.mark.parametrize("column", EQUITY_COLUMNS[1:])
def test_the_check_finds_every_changed_cell(column):
    _, inputs, plan = case(1)
    table, expected = equity(plan, inputs), recounted(plan, inputs)
    for row in range(len(table)):
        changed = table.copy()
        changed.loc[row, column] += "1"
        assert len(cell_faults("equity.csv", changed, expected, keys=2)) == 1
    assert cell_faults("equity.csv", table[1:], expected, keys=2) == [
        f"equity.csv has {len(table) - 1} rows, and {len(table)} were expected."
    ]


def test_groups_come_in_a_fixed_order_and_what_is_not_known_comes_last():
    _, inputs, plan = case(0)
    table = equity(plan, inputs)
    assert tuple(dict.fromkeys(table["by"])) == KINDS
    listed = {by: rows["group"].tolist() for by, rows in table.groupby("by")}
    assert listed["priority"] == ["critical", "high", "normal"]
    assert listed["FSM quintile"] == [*FSM_QUINTILES, "not known"]
    assert listed["region"] == ["'=East", "West", "not known"]
    *trusts, last = listed["trust"]
    assert (trusts, last) == (sorted(trusts), "no trust")
    assert trusts
    assert listed["phase"] == [one for one in inputs.vocabulary.phases if one in listed["phase"]]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_does_not_matter(seed):
    made, inputs, plan = case(2)
    again = read_inputs(made.sources(shuffled=seed), as_at=AS_AT)
    assert csv_bytes(equity(allocate(again), again)) == csv_bytes(equity(plan, inputs))
    assert workload_fairness(allocate(again)).equals(workload_fairness(plan))


def test_the_file_reads_back_as_the_table():
    _, inputs, plan = case(0)
    table = equity(plan, inputs)
    rows = list(csv.reader(io.StringIO(csv_bytes(table).decode("utf-8-sig"), newline="")))
    assert rows == [list(table.columns), *table.to_numpy().tolist()]
    assert not any(cell.startswith(tuple("=+-@")) for row in rows for cell in row)


def test_quintiles_share_the_schools_out_and_never_part_equals():
    tenths = fsm_quintiles(pd.Series(np.arange(10, dtype=float)))
    assert tenths.tolist() == [name for name in FSM_QUINTILES for _ in range(2)]
    assert fsm_quintiles(pd.Series([7.0, 7.0, np.nan])).tolist() == ["1 (lowest)", "1 (lowest)", "not known"]
    assert fsm_quintiles(pd.Series([np.nan, np.nan])).tolist() == ["not known"] * 2
    assert fsm_quintiles(pd.Series([5.0, 1.0, 1.0, 1.0, 9.0])).tolist() == [
        "4",
        "1 (lowest)",
        "1 (lowest)",
        "1 (lowest)",
        "5 (highest)",
    ]


@pytest.mark.parametrize("number", WIDE)
def test_workload_is_what_a_plain_count_gives(number):
    plan = solved_wide(number).plan
    rows = workload_fairness(plan)
    assert tuple(rows.columns) == FAIRNESS_COLUMNS
    people = plan.workload.to_dict("records")
    assert rows["designation"].tolist() == [*sorted({one["designation"] for one in people}), "all"]
    for row in rows.to_dict("records"):
        of = [one for one in people if row["designation"] in (one["designation"], "all")]
        limited = [one for one in of if one["days_available"]]
        places, used = (sum(int(one[name]) for one in of) for name in ("max_deployments", "deployments"))
        days, days_used = (sum(Fraction(one[name]) for one in limited) for name in ("days_available", "days_used"))
        assert (row["people"], row["people_with_day_limit"]) == (str(len(of)), str(len(limited)))
        assert row["people_without_deployment"] == str(sum(one["deployments"] == "0" for one in of))
        assert (row["places_offered"], row["places_used"]) == (str(places), str(used))
        assert (Fraction(row["days_offered"]), Fraction(row["days_used"])) == (days, days_used)
        assert Fraction(row["days_used_without_limit"]) == sum(
            Fraction(one["days_used"]) for one in of if not one["days_available"]
        )
        for cell, part, whole in (("places_used_percent", used, places), ("days_used_percent", days_used, days)):
            assert row[cell] == (f"{float(round(Fraction(100 * part) / whole, 1)):.1f}" if whole else "")


def test_a_plan_in_which_nobody_can_go_has_an_empty_workload():
    plan = solved_wide(0).plan
    rows = workload_fairness(replace(plan, workload=plan.workload[:0]))
    assert rows["designation"].tolist() == ["all"]
    assert rows["places_used_percent"].tolist() == [""]


def test_inputs_of_another_plan_are_refused():
    _, inputs, plan = case(0)
    served = set(plan.deployments["school_urn"])
    others = replace(inputs, schools=inputs.schools[~inputs.schools["urn"].isin(served)])
    with pytest.raises(KeyError):
        equity(plan, others)
