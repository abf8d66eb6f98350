"""Maps of who goes where. DataFrames in, Vega-Lite specifications out.

Unlike the charts, maps do without Altair: the Plan screen draws its map again at each click, and Altair's checks took
most of that time. No map relies on colour alone: shape or dash shows the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from matching.rounds.history.events import STATUSES
from matching.ui.formatting.colours import BLACK, BLUE, FAINT, FONT, GREEN, GREY, PALE, PURPLE, RED

MOST_ON_MAP = 400
"""With more needs than this the lines of one map cannot be distinguished."""
MOST_LABELS = 25

MAP_SELECTION = "need"
"""The name of the parameter that holds the clicked mark of a map."""

Spec = dict[str, Any]
"""A Vega-Lite specification, for `st.vega_lite_chart`, with its tables under `datasets`."""

_MET, _UNMET = "Supported school", "School with an unmet need"
_HOME, _OTHER = "Supporter's home school", "Other school"
_SHAPES = {_MET: ("circle", BLUE), _UNMET: ("cross", RED), _HOME: ("triangle-up", BLACK), _OTHER: ("circle", PALE)}
_LINE_COLUMNS = ["need_id", "supporter", "about", "distance_km", "home_easting", "home_northing", "easting", "northing"]

# Colour, dash and width: dashes distinguish lines for readers who cannot see the colours.
_Look = tuple[str, list[int], float]
_STATUS_LINES: Mapping[str, _Look] = dict(
    zip(
        STATUSES,
        (
            (GREY, [2, 3], 2),
            (BLUE, [7, 3], 2),
            (BLUE, [1, 0], 2),
            (GREEN, [14, 2], 2),
            (GREEN, [3, 5], 2),
            (BLACK, [9, 3, 2, 3], 2),
            (RED, [1, 5], 2),
            (PURPLE, [4, 2, 1, 2], 2),
        ),
        strict=True,
    )
)
_CHANGES: Mapping[str, _Look] = {
    "In both plans": (FAINT, [1, 0], 1.2),
    "Only before": (RED, [5, 4], 2.5),
    "Only after": (BLUE, [14, 2], 2.5),
}


def plan_map(
    schools: pd.DataFrame,
    needs: pd.DataFrame,
    chosen: str | None,
    *,
    height: int = 430,
    boundaries: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    selectable: bool = False,
) -> Spec:
    """Return a map of the deployments: who goes where.

    Parameters
    ----------
    schools : DataFrame
        name, easting and northing of the schools drawn as light dots in the background.
    needs : DataFrame
        As `frames.needs` returns them; at most about `MOST_ON_MAP`. If they have a column `status`, a line has the dash
        and colour of its deployment's status.
    chosen : str or None
        The need to highlight.
    height : int
        In pixels.
    boundaries : DataFrame, optional
        Thin lines under everything else, as `boundary_lines` of the boundaries returns them.
    labels : DataFrame, optional
        Names of areas, as `area_labels` returns them; the first `MOST_LABELS` are drawn.
    selectable : bool
        Whether a mark can be clicked: `clicked_need` reads what `st.vega_lite_chart(…, on_select=…)` then returns.
    """
    met = needs[needs["met"]]
    points = _places(schools, needs, met)
    lines = met.assign(about=_need_words(met))
    others, highlighted = lines[lines["need_id"] != chosen], lines[lines["need_id"] == chosen]
    if "status" in needs:
        present = {status: look for status, look in _STATUS_LINES.items() if status in set(others["status"])}
        drawn = _coded_lines(others, "status", present)
    else:
        drawn = _lines("lines", others, opacity=0.55, color=BLUE, strokeWidth=1.3)
    parts = [*_boundary_layers(boundaries), drawn, *_label_layers(labels), _marks(points)]
    if len(highlighted):
        parts.append(_lines("highlighted", highlighted, opacity=1, color=BLACK, strokeWidth=4))
    ring = needs.loc[needs["need_id"] == chosen, ["need_id", "easting", "northing"]]
    if len(ring):
        look = {"shape": "circle", "size": 420, "color": BLACK, "strokeWidth": 3, "filled": False, "opacity": 1}
        parts.append(_layer("ring", ring, {"type": "point", **look}, _at("easting", "northing")))
    click = {"type": "point", "fields": ["need_id"], "on": "click"}
    params = [{"name": MAP_SELECTION, "select": click, "views": ["marks"]}] if selectable else []
    return _as_map([*parts, *_scale_bar(points)], height, params)


def comparison_map(
    schools: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    height: int = 430,
    boundaries: pd.DataFrame | None = None,
) -> Spec:
    """Return a map of two plans of one area: which pairs are in both, only before, or only after.

    Parameters
    ----------
    schools : DataFrame
        As for `plan_map`.
    before, after : DataFrame
        As `frames.needs` returns them; the marks of the schools are those of the plan after.
    height : int
        In pixels.
    boundaries : DataFrame, optional
        As for `plan_map`.
    """
    pairs = pairs_compared(before, after)
    points = _places(schools, after, pairs)
    lines = _coded_lines(pairs.assign(about=_need_words(pairs)), "change", _CHANGES)
    return _as_map([*_boundary_layers(boundaries), lines, _marks(points), *_scale_bar(points)], height, [])


def clicked_need(event: Any) -> str | None:
    """Return the need of the mark that was clicked on a selectable map; None for a school without one, or no click.

    Parameters
    ----------
    event : mapping
        The return value of `st.vega_lite_chart`, or its value in the session state.
    """
    clicked = (event or {}).get("selection", {}).get(MAP_SELECTION) or [{}]
    return clicked[0].get("need_id") or None


def pairs_compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the met needs of two plans, each pair of need and supporter once, with `change`: which plans have it."""
    sides = [side[side["met"]] for side in (before, after)]
    keys = [pd.MultiIndex.from_frame(side[["need_id", "supporter_id"]]) for side in sides]
    both, before_only, after_only = _CHANGES
    was = sides[0].assign(change=np.where(keys[0].isin(keys[1]), both, before_only))
    now = sides[1].assign(change=after_only)[~keys[1].isin(keys[0])]
    # Unchanged pairs are drawn first, under those that change.
    return pd.concat([was, now]).sort_values(["change", "need_id", "supporter_id"], ignore_index=True)


# ---- marks ---------------------------------------------------------------------------------------------------------


def _places(schools: pd.DataFrame, needs: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return every mark of a map: other schools, the home schools of the pairs, and the schools with a need."""
    met, unmet = needs[needs["met"]], needs[~needs["met"]]
    parts = [
        _points(schools, _OTHER, "easting", "northing", schools["name"]),
        _points(pairs, _HOME, "home_easting", "home_northing", pairs["home_school"] + " (" + pairs["supporter"] + ")"),
        _points(met, _MET, "easting", "northing", _need_words(met)),
        _points(unmet, _UNMET, "easting", "northing", _need_words(unmet)),
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _points(frame: pd.DataFrame, kind: str, easting: str, northing: str, about: pd.Series) -> pd.DataFrame:
    is_other = kind == _OTHER
    return pd.DataFrame(
        {
            "easting": frame[easting],
            "northing": frame[northing],
            "kind": kind,
            "about": about,
            "size": 20 if is_other else 75,
            "need_id": "" if is_other else frame["need_id"],
        }
    )


def _need_words(needs: pd.DataFrame) -> pd.Series:
    return needs["need_id"] + ": " + needs["focus"] + ", " + needs["school"]


def _marks(points: pd.DataFrame) -> Spec:
    shapes, colours = zip(*_SHAPES.values(), strict=True)
    legend = {"title": None, "orient": "bottom", "columns": 2, "symbolSize": 90, "labelLimit": 260}
    encoding = {
        **_at("easting", "northing"),
        "shape": _coded("kind", list(_SHAPES), list(shapes), legend),
        "color": _coded("kind", list(_SHAPES), list(colours), legend),
        "size": _as_given("size"),
        "tooltip": [_tip("kind", " "), _tip("about", "School")],
    }
    # The thin white rim separates marks that overlap.
    mark = {"type": "point", "filled": True, "opacity": 1, "stroke": "#ffffff", "strokeWidth": 0.8}
    return {**_layer("marks", points, mark, encoding), "name": "marks"}


# ---- lines ---------------------------------------------------------------------------------------------------------


def _lines(name: str, frame: pd.DataFrame, *columns: str, **look: Any) -> Spec:
    encoding = {
        **_at("home_easting", "home_northing"),
        "longitude2": {"field": "easting"},
        "latitude2": {"field": "northing"},
        "tooltip": [
            _tip("supporter", "Supporter"),
            _tip("about", "Need"),
            {"field": "distance_km", "type": "quantitative", "title": "Distance (km)", "format": ".2f"},
        ],
    }
    return _layer(name, frame[[*_LINE_COLUMNS, *columns]], {"type": "rule", **look}, encoding)


def _coded_lines(frame: pd.DataFrame, column: str, looks: Mapping[str, _Look]) -> Spec:
    """Return lines whose dash and colour both show the value of a column."""
    # Above the map, because the legend of the marks is below it: side by side they would widen the map. More than
    # three in a row would not fit on a phone.
    legend = {
        "title": None,
        "orient": "top",
        "columns": 3,
        "symbolType": "stroke",
        "symbolSize": 900,
        "labelLimit": 260,
    }
    colours, dashes, _ = zip(*looks.values(), strict=True) if looks else ((), (), ())
    wide = frame.assign(width=[looks[one][2] for one in frame[column]])
    drawn = _lines("lines", wide, column, "width", opacity=0.9)
    drawn["encoding"] |= {
        # A channel of its own, so that the colours of the lines and those of the marks keep their own legends.
        "stroke": _coded(column, list(looks), list(colours), legend),
        "strokeDash": _coded(column, list(looks), list(dashes), legend),
        "strokeWidth": _as_given("width"),
    }
    return drawn


def _boundary_layers(boundaries: pd.DataFrame | None) -> list[Spec]:
    if boundaries is None or boundaries.empty:
        return []
    ends = boundaries[["easting", "northing", "easting2", "northing2"]].to_numpy().reshape(-1, 2, 2)
    geometry = {"type": "MultiLineString", "coordinates": ends.tolist()}
    outlines = [{"type": "Feature", "properties": {}, "geometry": geometry}]
    mark = {"type": "geoshape", "filled": False, "stroke": FAINT, "strokeWidth": 0.8, "tooltip": None}
    return [_layer("outlines", outlines, mark, {})]


def _label_layers(labels: pd.DataFrame | None) -> list[Spec]:
    if labels is None or labels.empty:
        return []
    text = {"type": "text", "font": FONT, "fontSize": 13, "fontStyle": "italic"}
    encoding = {**_at("easting", "northing"), "text": {"field": "name", "type": "nominal"}}
    # White around the letters keeps them readable over lines.
    rim = {**text, "stroke": "#ffffff", "strokeWidth": 4, "opacity": 0.85}
    return [_layer("labels", labels.head(MOST_LABELS), mark, encoding) for mark in (rim, {**text, "color": GREY})]


def _scale_bar(points: pd.DataFrame) -> list[Spec]:
    """Return a bar of a round length in the south-west corner."""
    west, south = points["easting"].min(), points["northing"].min()
    wide = points["easting"].max() - west
    length_km = next((km for km in (100, 50, 20, 10, 5, 2) if 1000 * km < wide / 3), 1)
    bar = pd.DataFrame(
        {"west": [west], "east": [west + 1000 * length_km], "south": [south], "words": [f"{length_km} km"]}
    )
    rule = {**_at("west", "south"), "longitude2": {"field": "east"}, "latitude2": {"field": "south"}}
    words = {**_at("west", "south"), "text": {"field": "words", "type": "nominal"}}
    look = {"align": "left", "baseline": "bottom", "dy": -4, "font": FONT, "fontSize": 12, "color": BLACK}
    return [
        _layer("bar", bar, {"type": "rule", "color": BLACK, "strokeWidth": 2}, rule),
        _layer("bar", bar, {"type": "text", **look}, words),
    ]


# ---- the specification ---------------------------------------------------------------------------------------------


def _layer(name: str, rows: pd.DataFrame | list[Spec], mark: Spec, encoding: Spec) -> Spec:
    """Return one layer; its rows are moved into the datasets of the map later."""
    return {"data": {"name": name}, "rows": rows, "mark": mark, "encoding": encoding}


def _at(easting: str, northing: str) -> Spec:
    return {
        "longitude": {"field": easting, "type": "quantitative"},
        "latitude": {"field": northing, "type": "quantitative"},
    }


def _coded(field: str, domain: Sequence[str], values: Sequence[Any], legend: Spec) -> Spec:
    return {"field": field, "type": "nominal", "scale": {"domain": domain, "range": values}, "legend": legend}


def _as_given(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "scale": None, "legend": None}


def _tip(field: str, title: str) -> Spec:
    return {"field": field, "type": "nominal", "title": title}


def _as_map(layers: Sequence[Spec], height: int, params: list[Spec]) -> Spec:
    """Return the layers as one map in grid metres, with their rows under `datasets`, where Streamlit expects them."""
    return {
        "layer": [{key: value for key, value in layer.items() if key != "rows"} for layer in layers],
        "datasets": {layer["data"]["name"]: layer["rows"] for layer in layers},
        **({"params": params} if params else {}),
        "projection": {"type": "identity", "reflectY": True},
        "height": height,
        # Without padding at the top the legend of the lines is cut off at the edge.
        "padding": {"left": 5, "top": 14, "right": 5, "bottom": 5},
        "config": {
            "view": {"stroke": None},
            "legend": {"labelFont": FONT, "labelFontSize": 13, "labelColor": BLACK},
            # The map as a whole has a description for screen readers; reading out its marks would be noise.
            "mark": {"aria": False},
        },
    }
