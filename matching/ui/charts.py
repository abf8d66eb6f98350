"""Pictures: the map, who could serve a need, and the workload. Frames in, Altair charts out.

Every picture says with shape or place what it also says with colour.
"""

from dataclasses import dataclass
from typing import Any

import altair as alt
import networkx as nx
import pandas as pd

from matching.graph import need_node

BLUE, RED, BLACK, GREY = "#1d70b8", "#d4351c", "#0b0c0c", "#505a5f"
FONT = "Arial, Helvetica, sans-serif"

# More lines than this on one map are a blob, and more people in one picture a tangle.
MOST_ON_MAP = 400
MOST_PEOPLE = 10
MOST_BARS = 30

_SHAPES = {
    "School that is supported": ("circle", BLUE),
    "School with an unmet need": ("cross", RED),
    "Supporter's own school": ("triangle-up", BLACK),
    "Other school": ("circle", "#a3a8ab"),
}


def map_chart(schools: pd.DataFrame, needs: pd.DataFrame, chosen: str | None, *, height: int = 430) -> alt.LayerChart:
    """Draw who goes where.

    Parameters
    ----------
    schools : DataFrame
        name, easting and northing of every school that gives the map its ground.
    needs : DataFrame
        As `frames.needs` gives them; at most `MOST_ON_MAP` are sensible.
    chosen : str or None
        The need that stands out.
    height : int
        In pixels.
    """
    met, unmet = needs[needs["met"]], needs[~needs["met"]]
    points = pd.concat(
        [
            _points(schools, "Other school", "easting", "northing", schools["name"]),
            _points(met, "Supporter's own school", "home_easting", "home_northing", _home_words(met)),
            _points(met, "School that is supported", "easting", "northing", _need_words(met)),
            _points(unmet, "School with an unmet need", "easting", "northing", _need_words(unmet)),
        ],
        ignore_index=True,
    )
    lines = met.assign(about=_need_words(met), stands_out=met["need_id"] == chosen)
    shape = alt.Scale(domain=list(_SHAPES), range=[shape for shape, _ in _SHAPES.values()])
    colour = alt.Scale(domain=list(_SHAPES), range=[colour for _, colour in _SHAPES.values()])
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolSize=90, labelLimit=260)
    marks = (
        alt.Chart(points)
        .mark_point(filled=True, opacity=1)
        .encode(
            longitude="easting:Q",
            latitude="northing:Q",
            shape=alt.Shape("kind:N", scale=shape, legend=legend),
            color=alt.Color("kind:N", scale=colour, legend=legend),
            size=alt.Size("size:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("kind:N", title=" "), alt.Tooltip("about:N", title="School")],
        )
    )
    layers = [_lines(lines[~lines["stands_out"]], BLUE, 1.3, 0.55), marks]
    if lines["stands_out"].any():
        layers.append(_lines(lines[lines["stands_out"]], BLACK, 4, 1))
    ring = needs[needs["need_id"] == chosen]
    if len(ring):
        layers.append(
            alt.Chart(ring)
            .mark_point(shape="circle", size=420, color=BLACK, strokeWidth=3, filled=False, opacity=1)
            .encode(longitude="easting:Q", latitude="northing:Q")
        )
    layers += _scale_bar(points)
    return _dressed(alt.layer(*layers).project(type="identity", reflectY=True).properties(height=height))


def _points(frame: pd.DataFrame, kind: str, easting: str, northing: str, about: pd.Series) -> pd.DataFrame:
    size = 20 if kind == "Other school" else 75
    return pd.DataFrame(
        {"easting": frame[easting], "northing": frame[northing], "kind": kind, "about": about, "size": size}
    )


def _need_words(needs: pd.DataFrame) -> pd.Series:
    return needs["need_id"] + ": " + needs["focus"] + ", " + needs["school"]


def _home_words(needs: pd.DataFrame) -> pd.Series:
    return needs["home_school"] + " (" + needs["supporter"] + ")"


def _lines(frame: pd.DataFrame, colour: str, width: float, opacity: float) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_rule(color=colour, strokeWidth=width, opacity=opacity)
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
