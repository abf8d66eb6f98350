"""Pictures of the plan: the map, who works how much, how far, and how fair it is; each has a table beside it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.inputs.boundaries import Boundaries, Box, area_labels, boundary_lines, read_boundaries
from matching.pairs.market import Market
from matching.plan.equity import TOTAL, workload_fairness
from matching.plan.write import Plan
from matching.tables.files import Source
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import of
from matching.ui.state import answers
from matching.ui.state.live_plan import Opened
from matching.ui.widgets import charts, maps
from matching.whatif.explain import price_sentence

_EVERYTHING = "All"
_MOST_GROUND = 5_000
_MARGIN_M = 2_000
_MOST_PRICES = 30
_MOST_GROUPS = 200
_MOST_FAULTS = 3
_BOUNDARIES, _MAP = "boundaries", "plan_map"


# ---- the map -------------------------------------------------------------------------------------------------------


def show_map(opened: Opened, shown: pd.DataFrame) -> None:
    """Draw who goes where; a click on a school with a need chooses the need."""
    st.header("On the map", anchor=False)
    if shown.empty:
        st.html(markup.paragraph("There is nothing to draw."))
        return
    drawn = shown.head(maps.MOST_ON_MAP)
    box = box_of(drawn)
    outlines = held_boundaries()
    st.vega_lite_chart(
        maps.plan_map(
            ground(opened.market, box),
            drawn,
            st.session_state.get("need"),
            boundaries=boundary_lines(outlines, box) if outlines else None,
            labels=area_labels(outlines, box) if outlines else None,
            selectable=True,
        ),
        theme=None,
        key=_MAP,
        on_select=_take_click,
        selection_mode=[maps.MAP_SELECTION],
        alt=f"Map of {counted(len(drawn), 'need')}: lines lead from the supporter's own school to the one supported. "
        "The table beside it holds the same.",
    )
    st.caption("Click a school to choose its need. The lines differ by where the support stands.")
    if len(drawn) < len(shown):
        st.caption(
            f"The first {len(drawn):,} of {len(shown):,} needs are drawn. Choose one local authority to see all."
        )
    _offer_boundaries()


def _take_click() -> None:
    if clicked := maps.clicked_need(st.session_state.get(_MAP)):
        st.session_state["need"] = clicked


def box_of(drawn: pd.DataFrame) -> Box:
    """The part of the map in and just around what is drawn."""
    eastings = drawn[["easting", "home_easting"]].to_numpy(dtype=float)
    northings = drawn[["northing", "home_northing"]].to_numpy(dtype=float)
    return Box(
        float(np.nanmin(eastings)) - _MARGIN_M,
        float(np.nanmin(northings)) - _MARGIN_M,
        float(np.nanmax(eastings)) + _MARGIN_M,
        float(np.nanmax(northings)) + _MARGIN_M,
    )


def ground(market: Market, box: Box) -> pd.DataFrame:
    """The schools of a part of the map."""
    schools = market.inputs.schools
    inside = schools["easting"].between(box.west, box.east) & schools["northing"].between(box.south, box.north)
    return schools.loc[inside, ["name", "easting", "northing"]].head(_MOST_GROUND)


def held_boundaries() -> Boundaries | None:
    """The outlines that were given in this session."""
    found: Boundaries | None = st.session_state.get(_BOUNDARIES)
    return found


def _offer_boundaries() -> None:
    """Let outlines of areas be put on the map, for as long as the window is open."""
    held = held_boundaries()
    with st.expander("Boundaries of areas" if held is None else f"Boundaries of {counted(len(held.names), 'area')}"):
        if held:
            st.button("Take the boundaries off the map", on_click=st.session_state.pop, args=(_BOUNDARIES,))
            return
        given = st.file_uploader(
            "Outlines as GeoJSON, in degrees or National Grid metres", type=["geojson", "json", "gz"], key="outlines"
        )
        st.caption("Only to draw them, and only while this window is open. Nothing is decided by them.")
        if given is None:
            return
        try:
            st.session_state[_BOUNDARIES] = read_boundaries(Source(given.name, given.getvalue()))
        except DataError as error:
            lines = [f"{one.message} {one.fix}" for one in error.problems[:_MOST_FAULTS]]
            st.html(markup.banner("These outlines cannot be drawn.", lines, kind="warning"))
            return
        st.rerun()


# ---- workload ------------------------------------------------------------------------------------------------------


def show_workload(opened: Opened) -> None:
    """Who has how much, and what one more place would be worth."""
    plan = opened.plan
    workload = frames.workload(plan)
    if workload.empty:
        st.html(markup.paragraph("Nobody can be deployed."))
        return
    used, offered = int(workload["used"].sum()), int((workload["used"] + workload["free"]).sum())
    full = int((workload["free"] == 0).sum())
    st.html(
        markup.paragraph(
            f"{of(used, offered)} places are used. {counted(full, 'person is', 'people are')} full, and "
            f"{counted(int((workload['used'] == 0).sum()), 'person has', 'people have')} no deployment."
        )
    )
    chosen = st.selectbox("Workload of", [_EVERYTHING, *sorted(workload["designation"].unique())], key="workload_of")
    rows = workload if chosen == _EVERYTHING else workload[workload["designation"] == chosen]
    drawn = rows.head(charts.MOST_BARS)
    st.altair_chart(charts.workload_chart(drawn), theme=None, alt="Places used and places left of each supporter")
    if len(drawn) < len(rows):
        st.caption(
            f"The {len(drawn)} people with the most deployments of {len(rows):,} are drawn; workload.csv on the Hand "
            "over screen has all."
        )
    with st.expander("The same as a table"):
        st.html(markup.table(frames.workload_table(drawn), "Places and days of each person", numeric=_WORKLOAD_NUMBERS))
    _show_prices(plan, frames.priced(plan, chosen if chosen != _EVERYTHING else None))


_WORKLOAD_NUMBERS = ("Places used", "Places left", "Days used", "Days offered")


def _show_prices(plan: Plan, supporter_ids: list[str]) -> None:
    st.header("What one more place would be worth", anchor=False)
    if not supporter_ids:
        words = "One more place with anybody would change nothing."
        if (plan.workload["price"] == "").all():
            words = "It cannot be said of this plan: days or packages bind, or it was changed since it was made."
        st.html(markup.paragraph(words))
        return
    sentences = [price_sentence(plan, one) for one in supporter_ids[:_MOST_PRICES]]
    st.html(markup.bullets(sentences))
    if len(supporter_ids) > _MOST_PRICES:
        st.caption(
            f"The {_MOST_PRICES} dearest of {len(supporter_ids):,} are told; workload.csv on the Hand over screen has "
            "all."
        )


# ---- distances -----------------------------------------------------------------------------------------------------


def show_distances(opened: Opened) -> None:
    """How far people go, against the limits of the rules."""
    limits: Mapping[str, float] = opened.market.inputs.policy.max_distance_km
    picture, numbers = st.columns([7, 4], gap="large")
    picture.altair_chart(
        charts.distance_chart(opened.needs, limits),
        theme=None,
        alt="Deployments by distance, with the limit of each designation. The table beside it holds the same.",
    )
    bars = charts.distance_bars(opened.needs.loc[opened.needs["met"], "distance_km"], max(limits.values(), default=0))
    table = pd.DataFrame({"Distance": bars["words"], "Deployments": bars["deployments"]})
    numbers.html(markup.table(table[bars["deployments"] > 0], "Deployments by distance", numeric=["Deployments"]))


# ---- fair to see ---------------------------------------------------------------------------------------------------


def show_fairness(opened: Opened) -> None:
    """How the plan serves each group of schools, and how it uses what people offer."""
    table = answers.equity_of(opened.live)
    st.html(markup.paragraph("Counts alone. Whether they are fair is for people to judge."))
    by = st.selectbox(
        "Needs met by",
        [one for one in dict.fromkeys(table["by"]) if one != TOTAL],
        format_func=lambda one: one[0].upper() + one[1:],
        key="fair_by",
    )
    rows = table[table["by"] == by]
    # The largest groups tell most; the table has them all.
    largest = rows.assign(size=rows["needs"].astype(int)).nlargest(charts.MOST_BARS, "size").sort_index()
    picture, numbers = st.columns(2, gap="large")
    with picture:
        drawn = pd.concat([table[table["by"] == TOTAL], largest.drop(columns="size")])
        st.altair_chart(
            charts.equity_chart(drawn, by),
            theme=None,
            alt=f"Share of needs met by {by}. The table beside it holds the same.",
        )
        if len(largest) < len(rows):
            st.caption(f"The {len(largest)} groups with the most needs of {len(rows):,} are drawn.")
    with numbers:
        shown = frames.equity_table(pd.concat([rows.head(_MOST_GROUPS), table[table["by"] == TOTAL]]))
        st.html(markup.table(shown, f"Needs met by {by}", numeric=list(shown.columns[1:])))
    st.header("What people offered, and what is used", anchor=False)
    fair = frames.fairness_table(workload_fairness(opened.plan))
    st.html(markup.table(fair, "By designation", numeric=list(fair.columns[1:])))
    st.caption("Unlimited days: the days used of people who set no limit to theirs.")
