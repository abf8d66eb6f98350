"""Charts: they hold the numbers of the tables, do not rely on colour alone, and need no network."""

import json
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import solved_wide

from matching.pairs.market import open_market
from matching.plan.equity import equity
from matching.ui.formatting import frames
from matching.ui.widgets import charts
from matching.ui.widgets.charts import distance_bars

LIMITS = {"NLE": 80.0, "LLE": 40.0, "SLE": 40.0}


@cache
def needs(number: int) -> pd.DataFrame:
    one = solved_wide(number)
    return frames.needs(open_market(one.inputs), one.plan)


def layers(chart) -> list[dict]:
    """Return each layer of a chart as Vega-Lite reads it, with its data."""
    spec = chart.to_dict()
    for layer in spec["layer"]:
        data = layer.get("data") or spec.get("data")
        layer["rows"] = spec["datasets"][data["name"]] if "name" in data else data["values"]
    return spec["layer"]


def marks(chart, kind: str) -> list[dict]:
    return [one for one in layers(chart) if one["mark"]["type"] == kind]


def every_chart() -> list:
    table = needs(0)
    groups = equity(solved_wide(0).plan, solved_wide(0).inputs)
    return [
        charts.distance_chart(table, LIMITS),
        charts.equity_chart(groups, "phase"),
    ]


@pytest.mark.parametrize("number", range(2))
def test_no_chart_needs_a_network(number):
    spec = every_chart()[number].to_dict()
    spec.pop("$schema")
    assert "http" not in json.dumps(spec)
    assert '"url"' not in json.dumps(spec)


# ---- bars ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12_000).map(lambda one: one / 100)), st.sampled_from([0, 1, 7.5, 40, 80, 300]))
def test_every_deployment_is_in_the_bar_of_its_distance(distances, reach):
    bars = distance_bars(pd.Series(distances, dtype=float), reach)
    assert len(bars) <= 20
    assert bars["lower"].tolist() == [0, *bars["upper"].tolist()[:-1]]
    assert bars["upper"].iat[-1] >= max([reach, *distances])
    for bar in bars.to_dict("records"):
        assert bar["deployments"] == sum(bar["lower"] <= one < bar["upper"] for one in distances)


def test_limits_are_rules_and_equal_ones_share_one():
    (rule,) = marks(charts.distance_chart(needs(0), LIMITS), "rule")
    assert [(row["km"], row["words"]) for row in rule["rows"]] == [(80, "NLE: 80 km"), (40, "LLE, SLE: 40 km")]


def test_a_plan_without_deployments_has_empty_bars():
    drawn = charts.distance_chart(needs(0)[:0], {})
    assert [row["deployments"] for row in marks(drawn, "bar")[0]["rows"]] == [0]


@pytest.mark.parametrize("by", ["local authority", "phase", "FSM quintile", "priority"])
def test_equity_bars_hold_the_table_with_counts_and_the_overall_share(by):
    one = solved_wide(2)
    table = equity(one.plan, one.inputs)
    drawn = charts.equity_chart(table, by)
    rows = table[table["by"] == by]
    bars = marks(drawn, "bar")[0]
    assert [row["group"] for row in bars["rows"]] == rows["group"].tolist()
    assert [f"{row['met_percent']:.1f}" for row in bars["rows"]] == rows["met_percent"].tolist()
    assert {"needs", "met", "met_percent"} <= {tip["field"] for tip in bars["encoding"]["tooltip"]}
    assert [row["words"] for row in bars["rows"]] == (rows["met"] + " of " + rows["needs"]).tolist()
    (rule,) = marks(drawn, "rule")
    assert [f"{row['met_percent']:.1f}" for row in rule["rows"]] == table.loc[
        table["by"] == "total", "met_percent"
    ].tolist()
