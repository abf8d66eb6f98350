"""Pictures: maps, who could serve a need, workload, distances and equity. Frames in, Altair charts out.

Every picture says with shape or place what it also says with colour.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import networkx as nx
import numpy as np
import pandas as pd

from matching.desk import STATUSES
from matching.equity import TOTAL
from matching.graph import need_node

BLUE, RED, BLACK, GREY = "#1d70b8", "#d4351c", "#0b0c0c", "#505a5f"
GREEN, PURPLE, FAINT = "#00703c", "#912b88", "#8e9193"
FONT = "Arial, Helvetica, sans-serif"

# More lines than this on one map are a blob, and more people in one picture a tangle.
MOST_ON_MAP = 400
MOST_PEOPLE = 10
MOST_BARS = 30
MOST_LABELS = 25

MAP_SELECTION = "need"
"""The name of the parameter that holds what was clicked on a map."""

_SHAPES = {
    "School that is supported": ("circle", BLUE),
    "School with an unmet need": ("cross", RED),
    "Supporter's own school": ("triangle-up", BLACK),
    "Other school": ("circle", "#a3a8ab"),
}


# Colour, dash and width: dashes tell lines apart where colours do not.
_Look = tuple[str, list[int], float]
_STATUS_LINES: Mapping[str, _Look] = dict(
    zip(
        STATUSES,
        (
            (GREY, [2, 3], 2),
            (BLUE, [7, 3], 2),
            (BLUE, [1, 0], 2),
            (GREEN, [14, 2], 2),
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


def map_chart(
    schools: pd.DataFrame,
    needs: pd.DataFrame,
    chosen: str | None,
    *,
    height: int = 430,
    boundaries: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    selectable: bool = False,
) -> alt.LayerChart:
    """Draw who goes where.

    Parameters
    ----------
    schools : DataFrame
        name, easting and northing of every school that gives the map its ground.
    needs : DataFrame
        As `frames.needs` gives them; at most `MOST_ON_MAP` are sensible. Where they have a column `status`, a line is
        drawn in the dash and colour of its deployment's status.
    chosen : str or None
        The need that stands out.
    height : int
        In pixels.
    boundaries : DataFrame, optional
        Thin lines under the rest, as `matching.boundaries.boundary_lines` gives them for what the map shows.
    labels : DataFrame, optional
        Names of areas, as `matching.boundaries.area_labels` gives them; the first `MOST_LABELS` are written.
    selectable : bool
        Whether a mark can be clicked: `st.altair_chart(…, on_select=…)` then tells what `clicked_need` reads.
    """
    met = needs[needs["met"]]
    points = _places(schools, needs, met)
    marks = _marks(points)
    if selectable:
        marks = marks.add_params(alt.selection_point(name=MAP_SELECTION, fields=["need_id"], on="click"))
    lines = met.assign(about=_need_words(met), stands_out=met["need_id"] == chosen)
    plain, outstanding = lines[~lines["stands_out"]], lines[lines["stands_out"]]
    layers = [
        *_boundary_layers(boundaries),
        _status_lines(plain) if "status" in needs else _lines(plain, 0.55, color=BLUE, strokeWidth=1.3),
        *_label_layers(labels),
        marks,
    ]
    if len(outstanding):
        layers.append(_lines(outstanding, 1, color=BLACK, strokeWidth=4))
    ring = needs[needs["need_id"] == chosen]
    if len(ring):
        layers.append(
            alt.Chart(ring)
            .mark_point(shape="circle", size=420, color=BLACK, strokeWidth=3, filled=False, opacity=1)
            .encode(longitude="easting:Q", latitude="northing:Q")
        )
    return _as_map([*layers, *_scale_bar(points)], height)


def clicked_need(event: Any) -> str | None:
    """The need of the mark that was clicked on a selectable map; None for a bare school, or for nothing.

    Parameters
    ----------
    event : mapping
        What `st.altair_chart` returns, or what is kept under its key in the session.
    """
    clicked = (event or {}).get("selection", {}).get(MAP_SELECTION) or [{}]
    return clicked[0].get("need_id") or None


def comparison_map(
    schools: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    height: int = 430,
    boundaries: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Draw two plans of one area on one map: which pairs are in both, only before, or only after.

    Parameters
    ----------
    schools : DataFrame
        As for `map_chart`.
    before, after : DataFrame
        As `frames.needs` gives them; the marks of the schools are of the plan after.
    height : int
        In pixels.
    boundaries : DataFrame, optional
        As for `map_chart`.
    """
    pairs = pairs_compared(before, after)
    points = _places(schools, after, pairs)
    lines = _coded_lines(pairs.assign(about=_need_words(pairs)), "change", _CHANGES)
    return _as_map([*_boundary_layers(boundaries), lines, _marks(points), *_scale_bar(points)], height)


def pairs_compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The met needs of two plans, each pair of need and supporter once, with `change`: where it is."""
    sides = [side[side["met"]] for side in (before, after)]
    keys = [pd.MultiIndex.from_frame(side[["need_id", "supporter_id"]]) for side in sides]
    both, before_only, after_only = _CHANGES
    was = sides[0].assign(change=np.where(keys[0].isin(keys[1]), both, before_only))
    now = sides[1].assign(change=after_only)[~keys[1].isin(keys[0])]
    # What stays is drawn first, under what changes.
    return pd.concat([was, now]).sort_values(["change", "need_id", "supporter_id"], ignore_index=True)


def _places(schools: pd.DataFrame, needs: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Every mark of a map: the ground, the homes of the pairs, and the schools with a need."""
    met, unmet = needs[needs["met"]], needs[~needs["met"]]
    parts = [
        _points(schools, "Other school", "easting", "northing", schools["name"]),
        _points(pairs, "Supporter's own school", "home_easting", "home_northing", _home_words(pairs)),
        _points(met, "School that is supported", "easting", "northing", _need_words(met)),
        _points(unmet, "School with an unmet need", "easting", "northing", _need_words(unmet)),
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _marks(points: pd.DataFrame) -> alt.Chart:
    shape = alt.Scale(domain=list(_SHAPES), range=[shape for shape, _ in _SHAPES.values()])
    colour = alt.Scale(domain=list(_SHAPES), range=[colour for _, colour in _SHAPES.values()])
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolSize=90, labelLimit=260)
    drawn: alt.Chart = (
        alt.Chart(points)
        # The thin white rim keeps marks apart that lie on each other.
        .mark_point(filled=True, opacity=1, stroke="#ffffff", strokeWidth=0.8)
        .encode(
            longitude="easting:Q",
            latitude="northing:Q",
            shape=alt.Shape("kind:N", scale=shape, legend=legend),
            color=alt.Color("kind:N", scale=colour, legend=legend),
            size=alt.Size("size:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("kind:N", title=" "), alt.Tooltip("about:N", title="School")],
        )
    )
    return drawn


def _as_map(layers: list[alt.Chart], height: int) -> alt.LayerChart:
    drawn = alt.layer(*layers).project(type="identity", reflectY=True)
    # Without room at the top the legend of the lines touches the edge, and loses the tops of its letters there.
    return _dressed(drawn.properties(height=height, padding={"left": 5, "top": 14, "right": 5, "bottom": 5}))


def _boundary_layers(boundaries: pd.DataFrame | None) -> list[alt.Chart]:
    layers = []
    if boundaries is not None and len(boundaries):
        ends = boundaries[["easting", "northing", "easting2", "northing2"]].to_numpy().reshape(-1, 2, 2)
        outline = {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "MultiLineString", "coordinates": ends.tolist()},
        }
        layers.append(
            alt.Chart(alt.InlineData(values=[outline])).mark_geoshape(
                filled=False, stroke=FAINT, strokeWidth=0.8, tooltip=None
            )
        )
    return layers


def _label_layers(labels: pd.DataFrame | None) -> list[alt.Chart]:
    if labels is None or labels.empty:
        return []
    names = alt.Chart(labels.head(MOST_LABELS)).encode(longitude="easting:Q", latitude="northing:Q", text="name:N")
    text: dict[str, Any] = {"font": FONT, "fontSize": 13, "fontStyle": "italic"}
    # White around the letters keeps them readable over lines.
    return [
        names.mark_text(stroke="#ffffff", strokeWidth=4, opacity=0.85, **text),
        names.mark_text(color=GREY, **text),
    ]


def _status_lines(frame: pd.DataFrame) -> alt.Chart:
    present = {status: look for status, look in _STATUS_LINES.items() if status in set(frame["status"])}
    return _coded_lines(frame, "status", present)


def _coded_lines(frame: pd.DataFrame, column: str, looks: Mapping[str, _Look]) -> alt.Chart:
    """Lines whose dash and colour both tell what a column says."""
    # Above the map, since the legend of the marks is below it: beside each other they would widen the picture. More
    # than three in a row would not fit on a phone.
    legend = alt.Legend(title=None, orient="top", columns=3, symbolType="stroke", symbolSize=900, labelLimit=260)
    colours, dashes, _ = zip(*looks.values(), strict=True) if looks else ((), (), ())
    wide = frame.assign(width=[looks[one][2] for one in frame[column]])

    def scale(values: tuple[Any, ...]) -> alt.Scale:
        return alt.Scale(domain=list(looks), range=list(values))

    return _lines(wide, 0.9).encode(
        # A channel of its own, so that the colours of the lines and those of the marks keep their own legends.
        stroke=alt.Stroke(f"{column}:N", scale=scale(colours), legend=legend),
        strokeDash=alt.StrokeDash(f"{column}:N", scale=scale(dashes), legend=legend),
        strokeWidth=alt.StrokeWidth("width:Q", scale=None, legend=None),
    )


def _points(frame: pd.DataFrame, kind: str, easting: str, northing: str, about: pd.Series) -> pd.DataFrame:
    ground = kind == "Other school"
    return pd.DataFrame(
        {
            "easting": frame[easting],
            "northing": frame[northing],
            "kind": kind,
            "about": about,
            "size": 20 if ground else 75,
            "need_id": "" if ground else frame["need_id"],
        }
    )


def _need_words(needs: pd.DataFrame) -> pd.Series:
    return needs["need_id"] + ": " + needs["focus"] + ", " + needs["school"]


def _home_words(needs: pd.DataFrame) -> pd.Series:
    return needs["home_school"] + " (" + needs["supporter"] + ")"


def _lines(frame: pd.DataFrame, opacity: float, **look: Any) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_rule(opacity=opacity, **look)
        .encode(
            longitude="home_easting:Q",
            latitude="home_northing:Q",
            longitude2="easting:Q",
            latitude2="northing:Q",
            tooltip=[
                alt.Tooltip("supporter:N", title="Supporter"),
                alt.Tooltip("about:N", title="Need"),
                alt.Tooltip("distance_km:Q", title="Distance (km)", format=".1f"),
            ],
        )
    )
    return drawn


def _scale_bar(points: pd.DataFrame) -> list[alt.Chart]:
    """A bar of a round length in the south-west corner."""
    west, south = points["easting"].min(), points["northing"].min()
    wide = points["easting"].max() - west
    length_km = next((km for km in (100, 50, 20, 10, 5, 2) if 1000 * km < wide / 3), 1)
    bar = pd.DataFrame(
        {
            "west": [west],
            "east": [west + 1000 * length_km],
            "south": [south],
            "words": [f"{length_km} km"],
        }
    )
    return [
        alt.Chart(bar)
        .mark_rule(color=BLACK, strokeWidth=2)
        .encode(longitude="west:Q", latitude="south:Q", longitude2="east:Q", latitude2="south:Q"),
        alt.Chart(bar)
        .mark_text(align="left", baseline="bottom", dy=-4, font=FONT, fontSize=12, color=BLACK)
        .encode(longitude="west:Q", latitude="south:Q", text="words:N"),
    ]


@dataclass(frozen=True)
class Neighbourhood:
    """What surrounds one need in the graph, ready to be drawn.

    Attributes
    ----------
    nodes : DataFrame
        side (0 supporters, 1 needs), place (0 at the top), words (lines, the first is the short name), kind.
    edges : DataFrame
        place_of_supporter, place_of_need, chosen, score.
    left_out : int
        Eligible people who are not drawn.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    left_out: int


def neighbourhood(graph: nx.Graph, need_id: str, most: int = MOST_PEOPLE) -> Neighbourhood:
    """Pick who could serve a need, best score first, and the needs that they serve instead."""
    need = need_node(need_id)
    by_score = sorted(graph[need], key=lambda one: (not graph[need][one]["chosen"], -graph[need][one]["score"], one))
    supporters = by_score[:most]
    served = [
        sorted(other for other in graph[one] if graph[one][other]["chosen"] and other != need) for one in supporters
    ]
    needs = [need, *dict.fromkeys(other for others in served for other in others)]
    rows = [
        *((0, place, graph.nodes[node]["label"], "supporter") for place, node in enumerate(supporters)),
        *((1, place, _need_label(graph, node), _need_kind(graph, node, need)) for place, node in enumerate(needs)),
    ]
    edges = [
        (place, needs.index(other), graph[one][other]["chosen"], graph[one][other]["score"])
        for place, one in enumerate(supporters)
        for other in graph[one]
        if other == need or (other in needs and graph[one][other]["chosen"])
    ]
    return Neighbourhood(
        pd.DataFrame(rows, columns=["side", "place", "words", "kind"]),
        pd.DataFrame(edges, columns=["place_of_supporter", "place_of_need", "chosen", "score"]),
        len(by_score) - len(supporters),
    )


def _need_label(graph: nx.Graph, node: str) -> str:
    focus, _, school = graph.nodes[node]["label"].partition(", ")
    return f"{node.partition(':')[2]} {focus}\n{school}"


def _need_kind(graph: nx.Graph, node: str, chosen: str) -> str:
    if node == chosen:
        return "this need"
    return "need" if graph.nodes[node]["met"] else "unmet need"


def bipartite_chart(found: Neighbourhood, *, row_height: int = 38) -> alt.LayerChart:
    """Draw supporters on the left, needs on the right: thick lines are the plan, dashed ones could have been."""
    nodes, tallest = found.nodes, int(found.nodes["place"].max()) + 1
    y = alt.Scale(domain=[-0.6, tallest - 0.4], reverse=True, nice=False, zero=False)
    x = alt.Scale(domain=[-0.95, 2.35], nice=False, zero=False)
    edges = found.edges.assign(left=0.0, right=1.0)
    lines = alt.Chart(edges).encode(
        x=alt.X("left:Q", scale=x, axis=None),
        x2="right:Q",
        y=alt.Y("place_of_supporter:Q", scale=y, axis=None),
        y2="place_of_need:Q",
        tooltip=[alt.Tooltip("score:Q", title="Score", format=".3f")],
    )
    could = lines.transform_filter("!datum.chosen").mark_rule(color=GREY, strokeWidth=1.2, strokeDash=[4, 3])
    does = lines.transform_filter("datum.chosen").mark_rule(color=BLUE, strokeWidth=4)
    marks = alt.Chart(nodes).encode(
        x=alt.X("side:Q", scale=x, axis=None),
        y=alt.Y("place:Q", scale=y, axis=None),
        tooltip=alt.Tooltip("words:N", title=" "),
    )
    dots = [
        marks.transform_filter("datum.side == 0").mark_point(
            shape="triangle-up", filled=True, size=110, color=BLACK, opacity=1
        ),
        marks.transform_filter("datum.kind == 'need'").mark_point(
            shape="circle", filled=True, size=90, color=BLUE, opacity=1
        ),
        marks.transform_filter("datum.kind == 'this need'").mark_point(
            shape="circle", filled=False, size=220, color=BLACK, strokeWidth=3, opacity=1
        ),
        marks.transform_filter("datum.kind == 'unmet need'").mark_point(
            shape="cross", filled=True, size=110, color=RED, opacity=1
        ),
    ]
    # A limit in parts of the picture's width keeps long names inside it on any screen; the tooltip has them whole.
    text: dict[str, Any] = {"font": FONT, "fontSize": 12, "color": BLACK, "lineBreak": "\n", "baseline": "middle"}
    left: dict[str, Any] = {"align": "right", "dx": -12, "limit": {"expr": "0.26 * width"}}
    right: dict[str, Any] = {"align": "left", "dx": 14, "dy": -7, "limit": {"expr": "0.38 * width"}}
    names = [
        marks.transform_filter("datum.side == 0").mark_text(**left, **text).encode(text="words:N"),
        marks.transform_filter("datum.side == 1 && datum.kind != 'this need'")
        .mark_text(**right, **text)
        .encode(text="words:N"),
        marks.transform_filter("datum.kind == 'this need'")
        .mark_text(fontWeight="bold", **right, **text)
        .encode(text="words:N"),
    ]
    return _dressed(alt.layer(could, does, *dots, *names).properties(height=max(150, row_height * tallest + 20)))


def workload_chart(workload: pd.DataFrame) -> alt.LayerChart:
    """Draw the places that each supporter uses, and those left; `workload` as `frames.workload` gives it."""
    # The identifier keeps two people of one name apart.
    rows = workload.assign(
        words=[f"{_cut(one['supporter'], 22)}, {one['supporter_id']}" for one in workload.to_dict("records")]
    )
    long = rows.melt(
        id_vars=["words", "designation", "days_used"],
        value_vars=["used", "free"],
        var_name="which",
        value_name="places",
    )
    long["which"] = long["which"].map({"used": "Places used", "free": "Places left"})
    colour = alt.Scale(domain=["Places used", "Places left"], range=[BLUE, "#e3e4e5"])
    bars = (
        alt.Chart(long)
        .mark_bar(stroke=GREY, strokeWidth=0.8, height=14)
        .encode(
            y=alt.Y(
                "words:N",
                sort=rows["words"].tolist(),
                title=None,
                axis=alt.Axis(labelLimit=240, ticks=False, domain=False),
            ),
            x=alt.X("places:Q", title="Places", axis=alt.Axis(tickMinStep=1, format="d", orient="top")),
            color=alt.Color("which:N", scale=colour, legend=alt.Legend(title=None, orient="top")),
            order=alt.Order("which:N", sort="descending"),
            tooltip=[
                alt.Tooltip("words:N", title="Supporter"),
                alt.Tooltip("designation:N", title="Designation"),
                alt.Tooltip("which:N", title=" "),
                alt.Tooltip("places:Q", title="Places"),
                alt.Tooltip("days_used:Q", title="Days used"),
            ],
        )
    )
    return _dressed(alt.layer(bars).properties(height=20 * len(rows) + 80))


def distance_chart(needs: pd.DataFrame, limits_km: Mapping[str, float], *, height: int = 240) -> alt.LayerChart:
    """Draw how far people go: deployments by distance, with the policy's limits as dashed rules.

    Parameters
    ----------
    needs : DataFrame
        As `frames.needs` gives them.
    limits_km : mapping of str to float
        By designation, as `Policy.max_distance_km` holds them.
    height : int
        In pixels.
    """
    bars = distance_bars(needs.loc[needs["met"], "distance_km"], max(limits_km.values(), default=0))
    most = int(bars["deployments"].max())
    by_limit: dict[float, list[str]] = {}
    for designation, limit in limits_km.items():
        by_limit.setdefault(limit, []).append(designation)
    rules = pd.DataFrame(
        [(limit, f"{', '.join(codes)}: {limit:g} km") for limit, codes in by_limit.items()], columns=["km", "words"]
    )
    x = alt.Scale(domain=[0, float(bars["upper"].max())], nice=False)
    y = alt.Scale(domain=[0, max(most, 1)])
    drawn = (
        alt.Chart(bars)
        .mark_bar(color=BLUE, stroke="#ffffff", strokeWidth=1)
        .encode(
            x=alt.X("lower:Q", scale=x, title="Distance (km)"),
            x2="upper:Q",
            y2=alt.datum(0),
            y=alt.Y("deployments:Q", scale=y, title="Deployments", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[alt.Tooltip("words:N", title="Distance"), alt.Tooltip("deployments:Q", title="Deployments")],
        )
    )
    marks = alt.Chart(rules).encode(x=alt.X("km:Q", scale=x))
    return _dressed(
        alt.layer(
            drawn,
            marks.mark_rule(color=BLACK, strokeWidth=2, strokeDash=[6, 3]),
            marks.mark_text(align="right", baseline="bottom", dx=6, dy=-4, font=FONT, fontSize=12, color=BLACK).encode(
                y=alt.value(0), text="words:N"
            ),
        ).properties(height=height)
    )


def distance_bars(distance_km: pd.Series, reach_km: float) -> pd.DataFrame:
    """Deployments by distance: lower, upper (km, the lower in and the upper out), deployments and words of each bar.

    Bars are of 1, 2, 5 or 10 km and so on, at most 20 of them, and reach as far as `reach_km` and the longest distance.
    """
    longest = max(reach_km, float(distance_km.max()) if len(distance_km) else 0, 1)
    width = next(step * 10**power for power in range(6) for step in (1, 2, 5) if longest / (step * 10**power) < 20)
    farthest = int(distance_km.max() // width) + 1 if len(distance_km) else 1
    edges = width * np.arange(max(int(np.ceil(reach_km / width)), farthest) + 1)
    counts = np.bincount((distance_km.to_numpy(dtype=float) // width).astype(int), minlength=len(edges) - 1)
    return pd.DataFrame(
        {
            "lower": edges[:-1],
            "upper": edges[1:],
            "deployments": counts,
            "words": [f"{lower} to under {upper} km" for lower, upper in pairwise(edges)],
        }
    )


def equity_chart(table: pd.DataFrame, by: str) -> alt.LayerChart:
    """Draw the share of needs met in each group, with that of all needs as a dashed rule.

    Parameters
    ----------
    table : DataFrame
        As `matching.equity.equity` gives it; at most `MOST_BARS` groups are sensible.
    by : str
        Which way of grouping: a value of its column `by`.
    """
    rows = _as_numbers(table[table["by"] == by])
    rows = rows.assign(words=rows["met"].astype(str) + " of " + rows["needs"].astype(str))
    overall = _as_numbers(table[table["by"] == TOTAL])
    x = alt.Scale(domain=[0, 100])
    bars = alt.Chart(rows).encode(
        y=alt.Y(
            "group:N", sort=None, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False, labelPadding=6)
        ),
        x=alt.X("met_percent:Q", scale=x, title="Needs met (%)", axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("group:N", title=by[0].upper() + by[1:]),
            alt.Tooltip("needs:Q", title="Needs"),
            alt.Tooltip("met:Q", title="Needs met"),
            alt.Tooltip("met_percent:Q", title="Needs met (%)", format=".1f"),
            alt.Tooltip("mean_score:Q", title="Mean score", format=".3f"),
            alt.Tooltip("mean_distance_km:Q", title="Mean distance (km)", format=".1f"),
        ],
    )
    rule = alt.Chart(overall).encode(x=alt.X("met_percent:Q", scale=x))
    return _dressed(
        alt.layer(
            bars.mark_bar(color="#a8c9e5", stroke=BLUE, strokeWidth=1, height=18),
            rule.mark_rule(color=BLACK, strokeWidth=2, strokeDash=[6, 3]),
            # Inside the bars' foot, where neither a short bar nor the rule gets in the way.
            bars.mark_text(align="left", dx=6, font=FONT, fontSize=12, color=BLACK).encode(
                x=alt.datum(0), text="words:N"
            ),
            rule.mark_text(baseline="bottom", dy=-4, font=FONT, fontSize=12, color=BLACK).encode(
                y=alt.value(0), text=alt.value(f"All needs: {overall['met_percent'].iat[0]:.1f}%")
            ),
        ).properties(height=26 * len(rows) + 75)
    )


def _as_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        **{name: rows[name].astype(int) for name in ("needs", "met")},
        **{name: pd.to_numeric(rows[name]) for name in ("met_percent", "mean_score", "mean_distance_km")},
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _dressed(chart: Any) -> alt.LayerChart:
    text = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 13, "titleFontSize": 13, "labelColor": BLACK}
    dressed: alt.LayerChart = (
        # The picture as a whole has words for those who cannot see it; its parts would be noise.
        chart.configure_mark(aria=False)
        .configure_view(stroke=None)
        .configure_axis(**text, titleColor=BLACK, grid=False)
        .configure_legend(labelFont=FONT, labelFontSize=13, labelColor=BLACK)
    )
    return dressed
