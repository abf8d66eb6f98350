"""Pictures: they hold what the tables hold, say with shape or dash what they say with colour, and ask no network."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import WIDE, solved_wide

from matching.desk import STATUSES
from matching.equity import equity
from matching.market import open_market
from matching.ui import charts, frames
from matching.ui.charts import clicked_need, distance_bars, pairs_compared

LIMITS = {"NLE": 80.0, "LLE": 40.0, "SLE": 40.0}
BORDERS = pd.DataFrame(
    [[400_000, 300_000, 410_000, 300_000], [410_000, 300_000, 410_000, 310_000]],
    columns=["easting", "northing", "easting2", "northing2"],
)
LABELS = pd.DataFrame({"name": ["North"], "easting": [405_000], "northing": [305_000]})


@cache
def needs(number: int) -> pd.DataFrame:
    one = solved_wide(number)
    return frames.needs(open_market(one.inputs), one.plan)


def schools(number: int) -> pd.DataFrame:
    return solved_wide(number).inputs.schools


def layers(chart) -> list[dict]:
    """Each layer of a chart as Vega-Lite reads it, its data written in."""
    spec = chart.to_dict()
    for layer in spec["layer"]:
        data = layer.get("data") or spec.get("data")
        layer["rows"] = spec["datasets"][data["name"]] if "name" in data else data["values"]
    return spec["layer"]


def marks(chart, kind: str) -> list[dict]:
    return [one for one in layers(chart) if one["mark"]["type"] == kind]


def every_chart() -> list:
    table = needs(0)
    told = equity(solved_wide(0).plan, solved_wide(0).inputs)
    coded = table.assign(status="agreed")
    return [
        charts.map_chart(
            schools(0), table, table["need_id"].iat[0], boundaries=BORDERS, labels=LABELS, selectable=True
        ),
        charts.map_chart(schools(0), coded, None),
        charts.comparison_map(schools(0), table, table.head(20), boundaries=BORDERS),
        charts.distance_chart(table, LIMITS),
        charts.equity_chart(told, "phase"),
    ]


@pytest.mark.parametrize("number", range(5))
def test_no_chart_asks_a_network(number):
    spec = every_chart()[number].to_dict()
    spec.pop("$schema")
    assert "http" not in json.dumps(spec)
    assert '"url"' not in json.dumps(spec)


# ---- maps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", WIDE)
def test_the_map_has_a_line_for_each_pair_and_a_cross_for_each_unmet_need(number):
    table = needs(number)
    drawn = charts.map_chart(schools(number), table, None)
    (lines,), (points,) = [one for one in marks(drawn, "rule") if "tooltip" in one["encoding"]], marks(drawn, "point")
    met = table[table["met"]]
    assert sorted(row["need_id"] for row in lines["rows"]) == sorted(met["need_id"])
    of_kind = {kind: [row["need_id"] for row in points["rows"] if row["kind"] == kind] for kind in charts._SHAPES}
    assert sorted(of_kind["School with an unmet need"]) == sorted(table.loc[~table["met"], "need_id"])
    assert sorted(of_kind["School that is supported"]) == sorted(met["need_id"])
    assert sorted(of_kind["Supporter's own school"]) == sorted(met["need_id"])
    assert of_kind["Other school"] == [""] * len(schools(number))


def test_kinds_of_mark_differ_in_shape_or_size_and_not_in_colour_alone():
    (points,) = marks(charts.map_chart(schools(0), needs(0), None), "point")
    shapes = points["encoding"]["shape"]["scale"]
    looks = {
        kind: (shape, 20 if kind == "Other school" else 75)
        for kind, shape in zip(shapes["domain"], shapes["range"], strict=True)
    }
    assert len(set(looks.values())) == len(looks)
    assert {(row["kind"], row["size"]) for row in points["rows"]} <= {(kind, size) for kind, (_, size) in looks.items()}


def test_the_chosen_need_stands_out():
    table = needs(0)
    chosen = table.loc[table["met"], "need_id"].iat[0]
    drawn = charts.map_chart(schools(0), table, chosen)
    plain, outstanding = [one for one in marks(drawn, "rule") if "tooltip" in one["encoding"]]
    assert [row["need_id"] for row in outstanding["rows"]] == [chosen]
    assert chosen not in {row["need_id"] for row in plain["rows"]}
    assert [row["need_id"] for row in marks(drawn, "point")[1]["rows"]] == [chosen]


def test_only_a_selectable_map_has_something_to_click():
    assert "params" not in charts.map_chart(schools(0), needs(0), None).to_dict()
    (param,) = charts.map_chart(schools(0), needs(0), None, selectable=True).to_dict()["params"]
    assert param["name"] == charts.MAP_SELECTION
    assert param["select"]["type"] == "point"
    assert param["select"]["fields"] == ["need_id"]


@pytest.mark.parametrize(
    ("event", "need_id"),
    [
        ({"selection": {"need": [{"need_id": "N1"}]}}, "N1"),
        ({"selection": {"need": [{"need_id": ""}]}}, None),
        ({"selection": {"need": []}}, None),
        ({"selection": {"need": {}}}, None),
        ({"selection": {}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_was_clicked_is_read(event, need_id):
    assert clicked_need(event) == need_id


def test_boundaries_lie_under_everything_and_labels_under_the_marks():
    kinds = [one["mark"]["type"] for one in layers(every_chart()[0])]
    assert kinds[0] == "geoshape"
    assert kinds.index("text") < kinds.index("point")
    (outline,) = marks(every_chart()[0], "geoshape")[0]["rows"]
    assert outline["geometry"]["coordinates"] == [
        [[400_000, 300_000], [410_000, 300_000]],
        [[410_000, 300_000], [410_000, 310_000]],
    ]
    assert marks(every_chart()[0], "text")[0]["rows"][0]["name"] == "North"


def test_empty_boundaries_and_labels_draw_nothing():
    drawn = charts.map_chart(schools(0), needs(0), None, boundaries=BORDERS[:0], labels=LABELS[:0])
    assert len(layers(drawn)) == len(layers(charts.map_chart(schools(0), needs(0), None)))


def test_each_status_has_a_dash_of_its_own():
    table = needs(0).assign(status=[STATUSES[row % len(STATUSES)] for row in range(len(needs(0)))])
    lines = next(
        one for one in marks(charts.map_chart(schools(0), table, None), "rule") if "strokeDash" in one["encoding"]
    )
    scale = lines["encoding"]["strokeDash"]["scale"]
    met = set(table.loc[table["met"], "status"])
    assert scale["domain"] == [status for status in STATUSES if status in met]
    assert len({tuple(dash) for dash in scale["range"]}) == len(met)
    assert all(
        dashes[1] for _, dashes, _ in [look for status, look in charts._STATUS_LINES.items() if status != "agreed"]
    )


@pytest.mark.parametrize("met", [True, False])
def test_a_map_on_which_every_need_is_alike(met):
    table = needs(1)[needs(1)["met"] == met].reset_index(drop=True)
    for one in (table, table.assign(status="proposed")):
        assert layers(charts.map_chart(schools(1), one, None))
    assert layers(charts.comparison_map(schools(1), table, table))


@pytest.mark.parametrize("number", WIDE)
def test_pairs_of_two_plans_are_told_apart(number):
    before = needs(number)
    after = before.copy()
    # Some are lost, and some have somebody else.
    after.loc[::5, ["supporter_id", "met"]] = [None, False]
    after.loc[after["met"] & (np.arange(len(after)) % 3 == 1), "supporter_id"] = "other"
    found = pairs_compared(before, after)
    was, now = (
        {(row["need_id"], row["supporter_id"]) for row in side[side["met"]].to_dict("records")}
        for side in (before, after)
    )
    expected = {
        pair: "In both plans" if pair in was & now else "Only before" if pair in was else "Only after"
        for pair in was | now
    }
    assert (
        dict(zip(zip(found["need_id"], found["supporter_id"], strict=True), found["change"], strict=True)) == expected
    )
    assert len(found) == len(expected)


def test_what_changed_between_two_plans_differs_in_dash():
    (lines,) = [one for one in marks(every_chart()[2], "rule") if "strokeDash" in one["encoding"]]
    scale = lines["encoding"]["strokeDash"]["scale"]
    assert scale["domain"] == ["In both plans", "Only before", "Only after"]
    assert len({tuple(dash) for dash in scale["range"]}) == 3


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
