"""Plan: the headline, who supports which school and why, on a table, a map and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.directory import SavedPlan
from matching.errors import DataError, counted
from matching.explain import explain_need, explain_pair
from matching.graph import around, bottleneck
from matching.market import Market
from matching.plan import Plan
from matching.rounds import Round
from matching.tables import PRIORITIES
from matching.ui import charts, frames, markup, session
from matching.ui.parts import grid_height, link, round_or_stop, screen_heading, way_on
from matching.ui.steps import EXPORT, PLAN, RULES
from matching.ui.words import of

_EVERYTHING = "All"
# Beyond this many needs the screen opens on one area, so that there is something to see.
_MOST_AT_ONCE = 1_000
_MOST_CANDIDATES = 8
_MOST_UNMET = 100
_PRIORITY_COLOURS = {"critical": "red", "high": "yellow", "normal": "grey"}


@dataclass(frozen=True)
class _Opened:
    """A plan with what is needed to explain it."""

    round_: Round
    files: Mapping[str, bytes]
    saved: SavedPlan
    market: Market
    needs: pd.DataFrame

    @property
    def plan(self) -> Plan:
        return self.saved.plan


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(PLAN)
    if round_.files is None:
        screen_heading(PLAN, round_, "There is no plan yet: make it now, or look at the rules first.")
        _offer_first_plan(round_)
        return
    screen_heading(PLAN, round_, "Choose a row to see why. Next: take it away as files.")
    saved = session.saved_plan(round_.files)
    market = session.market_of(saved)
    opened = _Opened(round_, round_.files, saved, market, frames.needs(market, saved.plan))
    _warn_if_outdated(opened)
    _show_headline(opened)
    shown = _filtered(opened.needs)
    _show_table(shown)
    words, picture = st.columns([11, 9], gap="large")
    with words:
        chosen = _chosen_need(opened)
    with picture:
        _show_map(opened, shown)
    if chosen:
        _show_surroundings(opened, chosen)
    _show_rest(opened, shown)
    way_on(EXPORT, "Next: Export")


def _offer_first_plan(round_: Round) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the plan", type="primary"):
            session.make_plan(round_, session.drafted_sources(round_, stay_close="baseline" in round_.sources))
            st.rerun()
        link(RULES, "Look at the rules")


def _warn_if_outdated(opened: _Opened) -> None:
    if not session.is_outdated(opened.round_, opened.saved):
        return
    st.html(markup.banner("You have changed the rules since this plan was made.", kind="warning"))
    if st.button("Make the plan again", type="primary"):
        sources = session.drafted_sources(opened.round_, stay_close="baseline" in opened.round_.sources)
        session.make_plan(opened.round_, sources)
        st.rerun()


# ---- headline ------------------------------------------------------------------------------------------------------


def _show_headline(opened: _Opened) -> None:
    needs = opened.needs
    met = needs[needs["met"]]
    cells = [("Needs met", of(len(met), len(needs)), f"{counted(len(needs) - len(met), 'need')} unmet")]
    for priority in PRIORITIES:
        asked = int((needs["priority"] == priority).sum())
        cells.append((priority.capitalize(), of(int((met["priority"] == priority).sum()), asked), "needs met"))
    mean = f"{met['distance_km'].mean():.1f} km" if len(met) else "–"
    cells.append(("Mean distance", mean, "from school to school"))
    cells.append(
        ("Supporters used", f"{met['supporter_id'].nunique():,}", f"of {len(opened.plan.workload):,} available")
    )
    st.html(markup.figures(cells))
    st.html(markup.banner(*_proof(opened.plan), kind="good" if opened.plan.manifest["status"] == "optimal" else "note"))


def _proof(plan: Plan) -> tuple[str, list[str]]:
    """What is known of how good the plan is: a title and sentences."""
    order = "Critical needs come first, then high, then normal; among equals, the best total score."
    if plan.manifest["status"] == "optimal":
        return f"Proved: no plan is better. {order}", []
    behind = [
        f"{level['level']} {level['value']:,} of at most {level['bound']:,}"
        for level in plan.manifest["objective"]
        if level["value"] != level["bound"]
    ]
    return "A good plan, but time ran out before it was proved the best.", [f"It has {'; '.join(behind)}. {order}"]


# ---- table and map -------------------------------------------------------------------------------------------------


def _filtered(needs: pd.DataFrame) -> pd.DataFrame:
    """The needs that the filters leave."""
    by_area = needs["local_authority"].value_counts()
    opens_on = by_area.index[0] if len(needs) > _MOST_AT_ONCE and len(by_area) > 1 else _EVERYTHING
    search, area_slot, met_slot, more = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
    text = search.text_input("Search", placeholder="School, person or identifier", key="search")
    area = _choice(area_slot, "Local authority", sorted(by_area.index), "area", opens_on)
    met = met_slot.selectbox("Show", ["All needs", "Met", "Unmet"], key="met")
    with more.popover("More filters", width="stretch") as popover:
        focus = _choice(popover, "Focus", sorted(needs["focus"].unique()), "focus")
        priority = _choice(popover, "Priority", list(PRIORITIES), "priority")
        phase = _choice(popover, "Phase", sorted(needs["phase"].unique()), "phase")
        designation = _choice(popover, "Designation", sorted(needs["designation"].dropna().unique()), "designation")
    return frames.chosen_needs(
        needs,
        text=text or "",
        local_authority=area,
        focus=focus,
        priority=priority,
        phase=phase,
        designation=designation,
        met={"Met": True, "Unmet": False}.get(met),
    )


def _choice(place: DeltaGenerator, label: str, values: list[str], key: str, first: str = _EVERYTHING) -> str | None:
    options = [_EVERYTHING, *values]
    chosen = place.selectbox(
        label, options, index=options.index(first), key=f"filter_{key}", format_func=lambda one: one or "Not given"
    )
    return None if chosen == _EVERYTHING else chosen


def _show_table(shown: pd.DataFrame) -> None:
    st.header(f"{counted(len(shown), 'need')}", anchor=False)
    if shown.empty:
        st.html(markup.paragraph("No need fits these filters. Clear one of them."))
        return
    grid = pd.DataFrame(
        {
            "Need": shown["need_id"],
            "Priority": shown["priority"].astype(str),
            "School": shown["school"],
            "Focus": shown["focus"],
            "Supporter": shown["supporter"].fillna("Unmet"),
            "Km": shown["distance_km"],
            "Score": shown["score"],
            "Designation": shown["designation"].fillna(""),
            "Local authority": shown["local_authority"],
            "Phase": shown["phase"],
            "Home school": shown["home_school"].fillna(""),
            "Days": shown["days"],
        }
    )

    def take() -> None:
        rows = st.session_state["plan_grid"]["selection"]["rows"]
        st.session_state["need"] = shown["need_id"].iat[rows[0]] if rows else None

    st.dataframe(
        grid,
        hide_index=True,
        height=grid_height(len(grid)),
        on_select=take,
        selection_mode="single-row",
        key="plan_grid",
        placeholder="",
        column_config={
            "School": st.column_config.TextColumn(width=270),
            "Focus": st.column_config.TextColumn(width=190),
            "Km": st.column_config.NumberColumn(format="%.1f"),
            "Score": st.column_config.NumberColumn(format="%.3f"),
            "Days": st.column_config.NumberColumn(format="%g"),
        },
        alt="Needs and who supports them",
    )


def _show_map(opened: _Opened, shown: pd.DataFrame) -> None:
    st.header("On the map", anchor=False)
    if shown.empty:
        st.html(markup.paragraph("There is nothing to draw."))
        return
    drawn = shown.head(charts.MOST_ON_MAP)
    st.altair_chart(
        charts.map_chart(_ground(opened.market, drawn), drawn, st.session_state.get("need")),
        theme=None,
        alt=f"Map of {counted(len(drawn), 'need')}: lines lead from the supporter's own school to the one supported. "
        "The table beside it holds the same.",
    )
    if len(drawn) < len(shown):
        st.caption(
            f"The first {len(drawn):,} of {len(shown):,} needs are drawn. Choose one local authority to see all."
        )


def _ground(market: Market, drawn: pd.DataFrame) -> pd.DataFrame:
    """The schools in and just around what is drawn."""
    schools = market.inputs.schools
    eastings = drawn[["easting", "home_easting"]].to_numpy(dtype=float)
    northings = drawn[["northing", "home_northing"]].to_numpy(dtype=float)
    inside = schools["easting"].between(np.nanmin(eastings) - 2000, np.nanmax(eastings) + 2000) & schools[
        "northing"
    ].between(np.nanmin(northings) - 2000, np.nanmax(northings) + 2000)
    return schools[inside].head(5000)


# ---- one need ------------------------------------------------------------------------------------------------------


def _chosen_need(opened: _Opened) -> str | None:
    """Let a need be chosen, and tell why it has whom it has."""
    st.header("Why this person?", anchor=False)
    labels = dict(zip(opened.needs["need_id"], opened.needs["focus"] + ", " + opened.needs["school"], strict=True))
    asked = st.query_params.get("need")
    if "need" not in st.session_state and asked in labels:
        st.session_state["need"] = asked
    chosen: str | None = st.selectbox(
        "Need",
        list(labels),
        index=None,
        format_func=lambda one: f"{one}: {labels.get(one, '')}",
        placeholder="Choose a row in the table above, or a need here",
        key="need",
    )
    # In the address, so that a refresh keeps it and a link to it can be sent.
    if chosen and chosen != asked:
        st.query_params["need"] = chosen
    elif asked and not chosen:
        del st.query_params["need"]
    if chosen is None or chosen not in labels:
        hint = "Choose a need to see why it has this person, who else could support it, and why not somebody you name."
        st.html(markup.paragraph(hint))
        return None
    row = _row(opened, chosen)
    answer = explain_need(opened.market, opened.plan, chosen)
    with st.container(border=True):
        st.html(
            markup.heading(answer.headline)
            + (markup.tag("Met", "green") if row["met"] else markup.tag("Unmet", "red"))
            + markup.sentences(answer.sentences)
        )
    _show_why_not(opened, chosen, row)
    return chosen


def _row(opened: _Opened, need_id: str) -> pd.Series:
    return opened.needs[opened.needs["need_id"] == need_id].iloc[0]


def _show_surroundings(opened: _Opened, need_id: str) -> None:
    """Who else could support a need, as a table and as a picture."""
    candidates = explain_need(opened.market, opened.plan, need_id).candidates
    if candidates.empty:
        return
    words, picture = st.columns([11, 9], gap="large")
    with words:
        st.header("Who else could support it?", anchor=False)
        _show_candidates(candidates)
    with picture:
        st.header("Whom do they support?", anchor=False)
        _show_neighbourhood(opened, need_id)


def _show_candidates(candidates: pd.DataFrame) -> None:
    listed = pd.DataFrame(
        {
            "Supporter": candidates["supporter_name"] + " (" + candidates["supporter_id"] + ")",
            "Designation": candidates["designation"],
            "Km": [f"{float(one):.1f}" for one in candidates["distance_km"]],
            "Score": candidates["score"],
            "In this plan": candidates["instead"],
        }
    )
    caption = "Everybody who could support it, best score first"
    st.html(markup.table(listed.head(_MOST_CANDIDATES), caption, numeric=["Km", "Score"]))
    if len(listed) > _MOST_CANDIDATES:
        with st.expander(f"All {len(listed):,} people who could support it"):
            st.html(markup.table(listed.head(charts.MOST_ON_MAP), caption, numeric=["Km", "Score"]))


def _show_neighbourhood(opened: _Opened, need_id: str) -> None:
    try:
        whole = session.graph_of(opened.files)
    except DataError as error:
        st.html(markup.paragraph(*(f"{one.message} {one.fix}" for one in error.problems), quiet=True))
        return
    part = around(whole, [need_id], steps=2)
    found = charts.neighbourhood(part, need_id)
    st.altair_chart(
        charts.bipartite_chart(found),
        theme=None,
        alt="Supporters on the left and needs on the right. The table beside it holds the same people.",
    )
    left_out = (
        f" The best {charts.MOST_PEOPLE} of {charts.MOST_PEOPLE + found.left_out} people are drawn."
        if found.left_out
        else ""
    )
    st.caption(f"Thick line: in this plan. Dashed line: could support this need too.{left_out}")
    group = bottleneck(whole, need_id)
    if group:
        st.html(
            markup.banner(
                "Too few places",
                [
                    f"{counted(len(group.need_ids), 'need')} can only be served by the same "
                    f"{counted(len(group.supporter_ids), 'person', 'people')}, who offer "
                    f"{counted(group.places, 'place')} in all."
                ],
            )
        )


def _show_why_not(opened: _Opened, need_id: str, row: pd.Series) -> None:
    people = opened.market.inputs.supporters
    names = dict(zip(people["supporter_id"], people["name"] + ", " + people["designation"], strict=True))
    others = [one for one in names if one != row["supporter_id"]]
    asked = st.selectbox(
        "Why not somebody else?",
        others,
        index=None,
        format_func=lambda one: f"{names.get(one, '')} ({one})",
        placeholder="Choose somebody you expected here",
        key="why_not",
    )
    if asked:
        st.html(markup.sentences(explain_pair(opened.market, opened.plan, need_id, asked).sentences))


# ---- unmet needs and workload --------------------------------------------------------------------------------------


def _show_rest(opened: _Opened, shown: pd.DataFrame) -> None:
    notices = opened.plan.manifest["notices"]
    unmet, workload, noted = st.tabs(["Unmet needs", "Workload", f"Notices ({len(notices)})"])
    with unmet:
        _show_unmet(shown)
    with workload:
        _show_workload(opened.plan)
    with noted:
        st.html(markup.bullets(notices) if notices else markup.paragraph("There is nothing to note."))


def _show_unmet(shown: pd.DataFrame) -> None:
    rows = shown[~shown["met"]].sort_values(["priority", "need_id"])
    if rows.empty:
        st.html(markup.paragraph("Every need that the filters leave is met."))
        return
    listed = pd.DataFrame(
        {
            "Need": rows["need_id"],
            "Priority": rows["priority"].astype(str),
            "School": rows["school"],
            "Focus": rows["focus"],
            "Why it is unmet": rows["reason"],
            "Nearest option": rows["nearest_option"],
        }
    )
    caption = f"{counted(len(rows), 'need')} without a supporter, and what would come nearest"
    st.html(markup.table(listed.head(_MOST_UNMET), caption, tags=_PRIORITY_COLOURS))
    if len(rows) > _MOST_UNMET:
        st.caption(f"The first {_MOST_UNMET} of {len(rows):,} are shown; unmet.csv on the Export screen holds all.")


def _show_workload(plan: Plan) -> None:
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
            f"The {len(drawn)} people with the most deployments of {len(rows):,} are drawn; workload.csv on the Export "
            "screen holds all."
        )


if __name__ == "__main__":
    show()
