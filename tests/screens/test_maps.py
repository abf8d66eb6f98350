"""Maps: they hold the rows of the tables, do not rely on colour alone, and need no network."""

import json
from functools import cache

import altair as alt
import numpy as np
import pandas as pd
import pytest
from worlds import WIDE, solved_wide

from matching.pairs.market import open_market
from matching.rounds.history.events import STATUSES
from matching.ui.formatting import frames
from matching.ui.widgets import maps
from matching.ui.widgets.maps import clicked_need, pairs_compared

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


def written_out(spec: dict) -> dict:
    """Return a map with its tables."""
    rows = {
        name: json.loads(one.to_json(orient="records")) if isinstance(one, pd.DataFrame) else one
        for name, one in spec["datasets"].items()
    }
    return {**spec, "datasets": rows}


def layers(spec: dict) -> list[dict]:
    """Return each layer of a map with its rows."""
    written = written_out(spec)
    return [{**one, "rows": written["datasets"][one["data"]["name"]]} for one in written["layer"]]


def marks(spec: dict, kind: str) -> list[dict]:
    return [one for one in layers(spec) if one["mark"]["type"] == kind]


def every_map() -> list[dict]:
    table = needs(0)
    coded = table.assign(status="agreed")
    return [
        maps.plan_map(schools(0), table, table["need_id"].iat[0], boundaries=BORDERS, labels=LABELS, selectable=True),
        maps.plan_map(schools(0), coded, None),
        maps.comparison_map(schools(0), table, table.head(20), boundaries=BORDERS),
    ]


@pytest.mark.parametrize("number", range(3))
def test_every_map_is_valid_vega_lite_and_needs_no_network(number):
    spec = written_out(every_map()[number])
    alt.LayerChart.from_dict(spec).to_dict(validate=True)
    assert "http" not in json.dumps(spec)
    assert '"url"' not in json.dumps(spec)


@pytest.mark.parametrize("number", range(3))
def test_every_column_that_a_map_uses_is_in_its_table(number):
    spec = every_map()[number]
    for layer in spec["layer"]:
        tooltip = layer["encoding"].pop("tooltip", [])
        fields = {one["field"] for one in (*layer["encoding"].values(), *tooltip)}
        if fields:
            assert fields <= set(spec["datasets"][layer["data"]["name"]].columns)


def test_what_can_be_clicked_is_a_layer_of_the_map():
    (param,) = every_map()[0]["params"]
    assert param["views"] == [one["name"] for one in every_map()[0]["layer"] if "name" in one]


@pytest.mark.parametrize("number", WIDE)
def test_the_map_has_a_line_for_each_pair_and_a_cross_for_each_unmet_need(number):
    table = needs(number)
    drawn = maps.plan_map(schools(number), table, None)
    (lines,), (points,) = [one for one in marks(drawn, "rule") if "tooltip" in one["encoding"]], marks(drawn, "point")
    met = table[table["met"]]
    assert sorted(row["need_id"] for row in lines["rows"]) == sorted(met["need_id"])
    of_kind = {
        kind: [row["need_id"] for row in points["rows"] if row["kind"] == kind]
        for kind in points["encoding"]["shape"]["scale"]["domain"]
    }
    assert sorted(of_kind["School with an unmet need"]) == sorted(table.loc[~table["met"], "need_id"])
    assert sorted(of_kind["Supported school"]) == sorted(met["need_id"])
    assert sorted(of_kind["Supporter's home school"]) == sorted(met["need_id"])
    assert of_kind["Other school"] == [""] * len(schools(number))


def test_kinds_of_mark_differ_in_shape_or_size_and_not_in_colour_alone():
    (points,) = marks(maps.plan_map(schools(0), needs(0), None), "point")
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
    drawn = maps.plan_map(schools(0), table, chosen)
    plain, outstanding = [one for one in marks(drawn, "rule") if "tooltip" in one["encoding"]]
    assert [row["need_id"] for row in outstanding["rows"]] == [chosen]
    assert chosen not in {row["need_id"] for row in plain["rows"]}
    assert [row["need_id"] for row in marks(drawn, "point")[1]["rows"]] == [chosen]


def test_only_a_selectable_map_has_something_to_click():
    assert "params" not in maps.plan_map(schools(0), needs(0), None)
    (param,) = maps.plan_map(schools(0), needs(0), None, selectable=True)["params"]
    assert param["name"] == maps.MAP_SELECTION
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
    kinds = [one["mark"]["type"] for one in layers(every_map()[0])]
    assert kinds[0] == "geoshape"
    assert kinds.index("text") < kinds.index("point")
    (outline,) = marks(every_map()[0], "geoshape")[0]["rows"]
    assert outline["geometry"]["coordinates"] == [
        [[400_000, 300_000], [410_000, 300_000]],
        [[410_000, 300_000], [410_000, 310_000]],
    ]
    assert marks(every_map()[0], "text")[0]["rows"][0]["name"] == "North"


def test_empty_boundaries_and_labels_draw_nothing():
    drawn = maps.plan_map(schools(0), needs(0), None, boundaries=BORDERS[:0], labels=LABELS[:0])
    assert len(layers(drawn)) == len(layers(maps.plan_map(schools(0), needs(0), None)))


def test_each_status_has_a_dash_of_its_own():
    table = needs(0).assign(status=[STATUSES[row % len(STATUSES)] for row in range(len(needs(0)))])
    lines = next(
        one for one in marks(maps.plan_map(schools(0), table, None), "rule") if "strokeDash" in one["encoding"]
    )
    scale = lines["encoding"]["strokeDash"]["scale"]
    met = set(table.loc[table["met"], "status"])
    assert scale["domain"] == [status for status in STATUSES if status in met]
    assert len({tuple(dash) for dash in scale["range"]}) == len(met)
    drawn = dict(zip(scale["domain"], scale["range"], strict=True))
    assert all(dash[1] for status, dash in drawn.items() if status != "agreed")


@pytest.mark.parametrize("met", [True, False])
def test_a_map_on_which_every_need_is_alike(met):
    table = needs(1)[needs(1)["met"] == met].reset_index(drop=True)
    for one in (table, table.assign(status="proposed")):
        assert layers(maps.plan_map(schools(1), one, None))
    assert layers(maps.comparison_map(schools(1), table, table))


@pytest.mark.parametrize("number", WIDE)
def test_pairs_of_two_plans_are_distinguished(number):
    before = needs(number)
    after = before.copy()
    # Some are lost, and some have another supporter.
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
    (lines,) = [one for one in marks(every_map()[2], "rule") if "strokeDash" in one["encoding"]]
    scale = lines["encoding"]["strokeDash"]["scale"]
    assert scale["domain"] == ["In both plans", "Only before", "Only after"]
    assert len({tuple(dash) for dash in scale["range"]}) == 3
