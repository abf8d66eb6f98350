"""Charts: who could serve a need, workload, distances and equity. DataFrames in, Altair charts out.

No chart relies on colour alone: shape or position shows the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import networkx as nx
import numpy as np
import pandas as pd

from matching.plan.equity import TOTAL
from matching.plan.graph import need_node
from matching.ui.formatting.colours import BLACK, BLUE, FONT, GREY, RED

MOST_PEOPLE = 10
"""With more people than this the lines of one chart cannot be followed."""
MOST_BARS = 30


@dataclass(frozen=True)
class Neighbourhood:
    """The part of the graph around one need, ready to be drawn.

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
    """Return who could serve a need, best score first, and the needs that they serve instead."""
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
    """Draw supporters on the left, needs on the right: thick lines are deployments, dashed ones eligible pairs."""
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
    eligible = lines.transform_filter("!datum.chosen").mark_rule(color=GREY, strokeWidth=1.2, strokeDash=[4, 3])
    deployed = lines.transform_filter("datum.chosen").mark_rule(color=BLUE, strokeWidth=4)
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
    # A limit relative to the chart's width keeps long names inside it on any screen; the tooltip has the full name.
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
    return _styled(alt.layer(eligible, deployed, *dots, *names).properties(height=max(150, row_height * tallest + 20)))


def workload_chart(workload: pd.DataFrame) -> alt.LayerChart:
    """Draw the places that each supporter uses and has left; `workload` is that of `frames.workload`."""
    # The identifier distinguishes two people of the same name.
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
                axis=alt.Axis(labelLimit=240, ticks=False, domain=False, labelPadding=6),
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
    return _styled(alt.layer(bars).properties(height=20 * len(rows) + 80))


def distance_chart(needs: pd.DataFrame, limits_km: Mapping[str, float], *, height: int = 240) -> alt.LayerChart:
    """Draw deployments by distance, with the limits of the policy as dashed lines.

    Parameters
    ----------
    needs : DataFrame
        As `frames.needs` returns them.
    limits_km : mapping of str to float
        By designation, in km, as in `Policy.max_distance_km`.
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
    return _styled(
        alt.layer(
            drawn,
            marks.mark_rule(color=BLACK, strokeWidth=2, strokeDash=[6, 3]),
            marks.mark_text(align="right", baseline="bottom", dx=6, dy=-4, font=FONT, fontSize=12, color=BLACK).encode(
                y=alt.value(0), text="words:N"
            ),
        ).properties(height=height)
    )


def distance_bars(distance_km: pd.Series, reach_km: float) -> pd.DataFrame:
    """Return the bars of `distance_chart`: lower (km, included), upper (km, excluded), deployments and words.

    Bars are 1, 2, 5, 10 … km wide; at most 20 of them cover `reach_km` and the longest distance.
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
    """Draw the share of needs met in each group, with that of all needs as a dashed line.

    Parameters
    ----------
    table : DataFrame
        As `matching.plan.equity.equity` returns it, with at most about `MOST_BARS` groups.
    by : str
        The grouping: a value of its column `by`.
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
            alt.Tooltip("mean_distance_km:Q", title="Mean distance (km)", format=".2f"),
        ],
    )
    rule = alt.Chart(overall).encode(x=alt.X("met_percent:Q", scale=x))
    return _styled(
        alt.layer(
            bars.mark_bar(color="#a8c9e5", stroke=BLUE, strokeWidth=1, height=18),
            rule.mark_rule(color=BLACK, strokeWidth=2, strokeDash=[6, 3]),
            # At the start of the bars, where neither a short bar nor the dashed line is in the way.
            bars.mark_text(align="left", dx=6, font=FONT, fontSize=12, color=BLACK).encode(
                x=alt.datum(0), text="words:N"
            ),
            rule.mark_text(baseline="bottom", dy=-4, font=FONT, fontSize=12, color=BLACK).encode(
                y=alt.value(0), text=alt.value(f"All needs: {overall['met_percent'].iat[0]:.1f}%")
            ),
        ).properties(height=26 * len(rows) + 75)
    )


def ratings_chart(rows: pd.DataFrame, words: Mapping[str, str]) -> alt.LayerChart:
    """Draw how many evaluations of each group have each rating: a larger circle for more, with its number.

    Parameters
    ----------
    rows : DataFrame
        As `matching.rounds.desk.evaluations.evaluation_summary` returns it.
    words : mapping of str to str
        By rating, the best first.
    """
    long = rows.melt(["group"], [f"rated_{one}" for one in words], "column", "count")
    long = long.assign(rating=long["column"].str.removeprefix("rated_").map(words))
    base = alt.Chart(long[long["count"] > 0]).encode(
        x=alt.X(
            "rating:N",
            sort=list(words.values()),
            title=None,
            scale=alt.Scale(domain=list(words.values())),
            axis=alt.Axis(orient="top", labelAngle=0, labelLimit=120, ticks=False, domain=False),
        ),
        y=alt.Y(
            "group:N",
            sort=None,
            title=None,
            scale=alt.Scale(domain=rows["group"].tolist()),
            axis=alt.Axis(labelLimit=180, ticks=False, domain=False),
        ),
        tooltip=[
            alt.Tooltip("group:N", title="Group"),
            alt.Tooltip("rating:N", title="Rating"),
            alt.Tooltip("count:Q", title="Evaluations"),
        ],
    )
    size = alt.Size("count:Q", scale=alt.Scale(range=[280, 900], zero=False), legend=None)
    return _styled(
        alt.layer(
            base.mark_circle(color="#a8c9e5", stroke=BLUE, strokeWidth=1, opacity=1).encode(size=size),
            base.mark_text(font=FONT, fontSize=13, color=BLACK).encode(text="count:Q"),
        ).properties(height=40 * len(rows) + 40)
    )


def _as_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        **{name: rows[name].astype(int) for name in ("needs", "met")},
        **{name: pd.to_numeric(rows[name]) for name in ("met_percent", "mean_score", "mean_distance_km")},
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _styled(chart: Any) -> alt.LayerChart:
    text = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 13, "titleFontSize": 13, "labelColor": BLACK}
    styled: alt.LayerChart = (
        # The chart as a whole has a description for screen readers; reading out its marks would be noise.
        chart.configure_mark(aria=False)
        .configure_view(stroke=None)
        .configure_axis(**text, titleColor=BLACK, grid=False)
        .configure_legend(labelFont=FONT, labelFontSize=13, labelColor=BLACK)
    )
    return styled
