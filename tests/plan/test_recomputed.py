"""Every number of plan.csv, unmet.csv, workload.csv and equity.csv again, with pandas alone from the contract's formulas."""

import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from worlds import cell_km, random_world, trusts_counted

from matching.allocation import allocate
from matching.inputs.bundled import demo_sources
from matching.inputs.read import read_inputs
from matching.plan.equity import equity
from matching.plan.write import Plan
from matching.tables.files import Source

DEMO = "demo"
CASES = [DEMO, *range(31_000, 31_011)]
GENERAL = ("headship", "whole-school improvement")
WIDE = ("Nursery", "Primary", "Middle deemed primary", "Middle deemed secondary", "Secondary", "16 plus")
RELATED = [{*WIDE[:3]}, {*WIDE[3:]}, *({"All-through", one} for one in WIDE)]


@dataclass(frozen=True)
class Case:
    """The tables of a run as text, its policy, and what the program made of them."""

    schools: pd.DataFrame
    supporters: pd.DataFrame
    needs: pd.DataFrame
    policy: Mapping[str, Mapping[str, float]]
    plan: Plan
    equity: pd.DataFrame


@cache
def case(which: str | int) -> Case:
    if which == DEMO:
        sources = demo_sources()
    else:
        made = random_world(which, n_schools=30, n_supporters=25, n_needs=60, decisions=8, baseline=which % 3 == 0)
        sources = made.sources()
    inputs = read_inputs(sources)
    plan = allocate(inputs)
    tables = [text(sources[name]).set_index(key) for name, key in KEYS.items()]
    return Case(*tables, tomllib.loads(sources["policy"].content.decode()), plan, equity(plan, inputs))


KEYS = {"schools": "urn", "supporters": "supporter_id", "needs": "need_id"}


def text(source: Source) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(source.content), dtype=str, keep_default_na=False, encoding="utf-8-sig")


def safe(cells: pd.Series) -> list[str]:
    """Cells with an apostrophe where a spreadsheet would run them."""
    return [f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in cells]


def number(cells: pd.Series, blank: float) -> pd.Series:
    return pd.to_numeric(cells.where(cells != "", str(blank)))


def parts(cells: pd.Series) -> list[set[str]]:
    return [{*cell.split(";")} - {""} for cell in cells]


def rows_of(found: Case) -> pd.DataFrame:
    """The deployments with their need, school, person and home school beside them, all from the tables given."""
    rows = found.plan.deployments[["need_id", "supporter_id"]].reset_index(drop=True)
    need = found.needs.loc[rows["need_id"]].reset_index(drop=True).add_prefix("need_")
    who = found.supporters.loc[rows["supporter_id"]].reset_index(drop=True).add_prefix("who_")
    to = found.schools.loc[need["need_school_urn"]].reset_index(drop=True).add_prefix("to_")
    home = found.schools.loc[who["who_school_urn"]].reset_index(drop=True).add_prefix("home_")
    return pd.concat([rows, need, who, to, home], axis=1)


def apart_km(rows: pd.DataFrame) -> pd.Series:
    away = [rows[f"to_{axis}"].astype(float) - rows[f"home_{axis}"].astype(float) for axis in ("easting", "northing")]
    return np.hypot(*away) / 1000


@pytest.mark.parametrize("which", CASES)
def test_every_number_of_a_deployment(which):
    found = case(which)
    rows, plan, policy = rows_of(found), found.plan.deployments, found.policy
    km = apart_km(rows)
    assert plan["distance_km"].tolist() == [cell_km(one) for one in km]
    related = policy.get("related_specialisms", {})
    skills = parts(rows["who_specialisms"])
    specialism = np.array(
        [
            1.0
            if focus in own or (focus in GENERAL and code in ("NLE", "LLE"))
            else policy["specialism_fit"]["related"] * bool(own & {*related.get(focus, ())})
            for focus, own, code in zip(rows["need_focus"], skills, rows["who_designation"], strict=True)
        ]
    )
    phase = np.array(
        [
            1.0 if one in own else policy["phase_fit"]["related"] * any({one, each} in RELATED_PAIRS for each in own)
            for one, own in zip(rows["to_phase"], parts(rows["who_phases"]), strict=True)
        ]
    )
    limit = np.minimum(
        rows["who_designation"].map(policy["max_distance_km"]).astype(float),
        number(rows.get("who_max_distance_km", pd.Series("", index=rows.index)), np.inf),
    )
    distance = np.maximum(1 - km / limit, 0)
    weights = policy["weights"]
    points = weights["specialism"] * specialism + weights["phase"] * phase + weights["distance"] * distance
    milli = np.rint(1000 * points / sum(weights.values()))
    for column, values, decimals in (
        ("specialism_fit", specialism, 3),
        ("phase_fit", phase, 3),
        ("distance_fit", distance, 3),
        ("score", milli / 1000, 3),
    ):
        assert plan[column].tolist() == [f"{one:.{decimals}f}" for one in values], column
    for column, cells in (
        ("school_urn", rows["need_school_urn"]),
        ("school_name", rows["to_name"]),
        ("local_authority", rows["to_local_authority"]),
        ("phase", rows["to_phase"]),
        ("focus", rows["need_focus"]),
        ("supporter_name", rows["who_name"]),
        ("designation", rows["who_designation"]),
        ("home_school_urn", rows["who_school_urn"]),
        ("home_school_name", rows["home_name"]),
    ):
        assert plan[column].tolist() == safe(cells), column
    assert plan["days"].tolist() == [f"{one:g}" for one in number(rows["need_days"], 0)]
    assert plan["priority"].tolist() == [one or "normal" for one in rows["need_priority"]]
    said = [re.findall(r"([0-9.]+) km away", reason) for reason in plan["reason"]]
    assert [one for one, *_ in said if one] == plan["distance_km"][[bool(one) for one in said]].tolist()


RELATED_PAIRS = [{one, other} for group in RELATED for one in group for other in group if one != other]


@pytest.mark.parametrize("which", CASES)
def test_every_number_of_the_other_tables(which):
    found = case(which)
    plan, unmet, workload = found.plan.deployments, found.plan.unmet, found.plan.workload
    state = found.needs.get("state", pd.Series("", index=found.needs.index))
    is_open = state.isin(["", "open"]) | found.needs.index.isin(plan["need_id"])
    assert sorted([*plan["need_id"], *unmet["need_id"]]) == sorted(found.needs.index[is_open])
    asked = found.needs.loc[unmet["need_id"]]
    assert unmet["days"].tolist() == [f"{one:g}" for one in number(asked["days"], 0)]
    assert unmet["priority"].tolist() == [one or "normal" for one in asked["priority"]]

    people = found.supporters.loc[workload["supporter_id"]]
    days = number(found.needs.loc[plan["need_id"], "days"], 0).to_numpy()
    used = pd.Series(days).groupby(plan["supporter_id"].to_numpy()).sum().reindex(workload["supporter_id"]).fillna(0)
    count = plan["supporter_id"].value_counts().reindex(workload["supporter_id"]).fillna(0)
    assert workload["deployments"].tolist() == [f"{one:.0f}" for one in count]
    assert workload["days_used"].tolist() == [f"{round(one, 2):g}" for one in used]
    assert workload["max_deployments"].tolist() == [one or "1" for one in people["max_deployments"]]
    offered = number(people["days_available"], np.inf)
    assert workload["days_available"].tolist() == ["" if np.isinf(one) else f"{one:g}" for one in offered]
    excluded = {*found.plan.excluded["supporter_id"]}
    assert {*workload["supporter_id"]} == {*found.supporters.index} - excluded


@pytest.mark.parametrize("which", CASES)
def test_every_number_of_fairness(which):
    found = case(which)
    rows = rows_of(found)
    served = pd.DataFrame({"need_id": rows["need_id"], "km": apart_km(rows), "score": found.plan.deployments["score"]})
    asked = pd.concat([found.plan.deployments, found.plan.unmet])["need_id"]
    needs = found.needs.loc[asked].reset_index().merge(served, on="need_id", how="left")
    needs = needs.join(found.schools.add_prefix("to_"), on="school_urn")
    trusts = trusts_counted(found.schools.reset_index().to_dict("records"))
    groups = {
        "total": pd.Series("all needs", index=needs.index),
        "local authority": needs["to_local_authority"].replace("", "not known"),
        "region": needs["to_region"].replace("", "not known"),
        "phase": needs["to_phase"],
        "trust": needs["school_urn"].map(trusts).replace("", "no trust"),
        "priority": needs["priority"].replace("", "normal"),
    }
    for by, group in groups.items():
        expected = {}
        for name, of_group in needs.groupby(group):
            met = of_group[of_group["km"].notna()]
            score = np.rint(1000 * met["score"].astype(float)).sum() / max(len(met), 1)
            expected[name] = (
                str(len(of_group)),
                str(len(met)),
                f"{np.round(100 * len(met) / len(of_group), 1):.1f}",
                cell_km(met["km"].mean()) if len(met) else "",
                score / 1000 if len(met) else None,
            )
        written = found.equity[found.equity["by"] == by].set_index("group")
        assert {*written.index} == {*safe(pd.Series([*expected]))}
        for name, (count, met, percent, km, score) in expected.items():
            row = written.loc[safe(pd.Series([name]))[0]]
            assert tuple(row[["needs", "met", "met_percent", "mean_distance_km"]]) == (count, met, percent, km)
            assert row["mean_score"] == "" if score is None else abs(float(row["mean_score"]) - score) <= 0.0005 + 1e-9
