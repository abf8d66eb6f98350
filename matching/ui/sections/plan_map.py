"""The map of the plan, and the boundaries that can be drawn on it."""

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.inputs.official.boundaries import Boundaries, Box, area_labels, boundary_lines, read_boundaries
from matching.pairs.market import Market
from matching.tables.files import Source
from matching.ui.formatting import markup
from matching.ui.state.live_plan import Opened
from matching.ui.widgets import maps

_MOST_SCHOOLS = 5_000
_MARGIN_M = 2_000
_MOST_FAULTS = 3
_BOUNDARIES, _MAP = "boundaries", "plan_map"


def show_map(opened: Opened, shown: pd.DataFrame) -> None:
    """Draw the needs that are shown and their deployments; a click on a school chooses its need."""
    st.header("On the map", anchor=False)
    if shown.empty:
        st.html(markup.paragraph("There is no need to draw. Clear one of the filters."))
        return
    drawn = shown.head(maps.MOST_ON_MAP)
    box = box_of(drawn)
    boundaries = given_boundaries()
    st.vega_lite_chart(
        maps.plan_map(
            schools_in(opened.market, box),
            drawn,
            st.session_state.get("need"),
            boundaries=boundary_lines(boundaries, box) if boundaries else None,
            labels=area_labels(boundaries, box) if boundaries else None,
            selectable=True,
        ),
        theme=None,
        key=_MAP,
        on_select=_choose_clicked,
        selection_mode=[maps.MAP_SELECTION],
        alt=f"Map of {counted(len(drawn), 'need')}. A line leads from the supporter's own school to the school that "
        "is supported. The table above holds the same needs.",
    )
    st.caption("Click a school to choose its need. The style of a line shows the status of the deployment.")
    if len(drawn) < len(shown):
        st.caption(
            f"The first {len(drawn):,} of {len(shown):,} needs are drawn. Choose one local authority to see all of its "
            "needs."
        )
    _offer_boundaries()


def _choose_clicked() -> None:
    if clicked := maps.clicked_need(st.session_state.get(_MAP)):
        st.session_state["need"] = clicked


def box_of(drawn: pd.DataFrame) -> Box:
    """Return the part of the map that holds the needs, with a margin around it."""
    eastings = drawn[["easting", "home_easting"]].to_numpy(dtype=float)
    northings = drawn[["northing", "home_northing"]].to_numpy(dtype=float)
    return Box(
        float(np.nanmin(eastings)) - _MARGIN_M,
        float(np.nanmin(northings)) - _MARGIN_M,
        float(np.nanmax(eastings)) + _MARGIN_M,
        float(np.nanmax(northings)) + _MARGIN_M,
    )


def schools_in(market: Market, box: Box) -> pd.DataFrame:
    """Return the schools in a part of the map, with their grid metres."""
    schools = market.inputs.schools
    inside = schools["easting"].between(box.west, box.east) & schools["northing"].between(box.south, box.north)
    return schools.loc[inside, ["name", "easting", "northing"]].head(_MOST_SCHOOLS)


def given_boundaries() -> Boundaries | None:
    """Return the boundaries that were uploaded in this window, or None."""
    found: Boundaries | None = st.session_state.get(_BOUNDARIES)
    return found


def _offer_boundaries() -> None:
    given = given_boundaries()
    title = "Boundaries of areas" if given is None else f"Boundaries of {counted(len(given.names), 'area')}"
    with st.expander(title):
        if given:
            st.button("Remove the boundaries from the map", on_click=st.session_state.pop, args=(_BOUNDARIES,))
            return
        file = st.file_uploader(
            "GeoJSON file, in degrees or National Grid metres", type=["geojson", "json", "gz"], key="outlines"
        )
        st.caption("Boundaries are drawn only while this window is open. They have no effect on the plan.")
        if file is None:
            return
        try:
            st.session_state[_BOUNDARIES] = read_boundaries(Source(file.name, file.getvalue()))
        except DataError as error:
            lines = [f"{one.message} {one.fix}" for one in error.problems[:_MOST_FAULTS]]
            st.html(markup.banner("These boundaries cannot be drawn.", lines, kind="warning"))
            return
        st.rerun()
