"""Plan: who supports which school, and why; decisions on one need; and the best plan from here."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from matching.errors import DataError, counted, listed
from matching.plan.write import Plan
from matching.rounds.history.events import UNDOABLE
from matching.rounds.round import Round
from matching.tables.formats import PRIORITIES
from matching.tables.grid import kilometres
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import event_sentence, of
from matching.ui.sections.confirmation import need_name, show_confirmation, undo_and_confirm
from matching.ui.sections.desk.days_and_cost import show_days_and_cost
from matching.ui.sections.filters import filter_by
from matching.ui.sections.plan_charts import show_distances, show_fairness, show_workload
from matching.ui.sections.plan_map import show_map
from matching.ui.sections.plan_need import chosen_need, show_need, show_questions
from matching.ui.sections.plan_rerun import show_changes
from matching.ui.sections.proof import unproved_levels
from matching.ui.sections.unmet_needs import PRIORITY_COLOURS, unmet_table
from matching.ui.state import drafted_rules, live_plan, plan_making
from matching.ui.state.live_plan import Opened
from matching.ui.steps import EXPORT, PLAN, RULES
from matching.ui.widgets.layout import grid_height, link, round_or_stop, screen_heading, way_on

_FIRST_UNMET, _MOST_UNMET = 10, 100
_MOST_UNDONE = 5
_MOST_URGENT = 5
_CHOSEN_IN_TABLE, _CHOSEN_ELSEWHERE = "chosen_in_table", "chosen_elsewhere"


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(PLAN)
    if round_.files is None:
        screen_heading(PLAN, round_, "There is no plan yet. Make one now, or look at the rules first.")
        _offer_first_plan(round_)
        return
    screen_heading(PLAN, round_, "Click a row to see the reasons and to record a decision.")
    try:
        opened = live_plan.opened(round_)
    except DataError as error:
        _show_contradiction(round_, error)
        return
    _warn_if_outdated(opened)
    _note_if_approved(opened)
    show_changes(opened)
    _show_headline(opened)
    shown = _filtered(opened.needs)
    # The answer is next to the table, so that neither a reason nor a confirmation has to be looked for.
    table, beside = st.columns([11, 9], gap="medium")
    with table:
        slot = st.container()
    with beside, st.container(key="answer"):
        show_confirmation(opened)
        chosen = _show_chosen(opened)
    with slot:
        _show_table(opened, shown, chosen)
    if chosen:
        show_questions(opened, chosen)
    show_map(opened, shown)
    _show_tabs(opened, shown)
    way_on(EXPORT, "Next: Hand over")


def _offer_first_plan(round_: Round) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the plan", type="primary"):
            _make(round_)
        link(RULES, "Look at the rules")


def _make(round_: Round) -> None:
    plan_making.make_plan(round_, plan_making.undecided_sources(round_, stay_close="baseline" in round_.sources))
    st.rerun()


def _warn_if_outdated(opened: Opened) -> None:
    if not drafted_rules.is_outdated(opened.round_, opened.live.accepted):
        return
    line = "The plan below was made with the earlier rules. Make it again to use the new ones."
    st.html(markup.banner("You have changed the rules since this plan was made.", [line], kind="warning"))
    if st.button("Make the plan again", type="primary"):
        _make(opened.round_)


def _note_if_approved(opened: Opened) -> None:
    if opened.is_approved:
        line = (
            "You can still add notes and record how the support gets on. What ends it reopens the plan. To change who "
            "supports whom by hand, reopen it under Hand over."
        )
        st.html(markup.banner("This plan is approved.", [line]))


def _show_contradiction(round_: Round, error: DataError) -> None:
    lines = [f"{one.message} {one.fix}" for one in error.problems]
    st.html(markup.banner("What is recorded does not fit together.", lines, kind="warning"))
    undoable = [one for one in reversed(round_.events) if one.kind in UNDOABLE and one.kind != "note"]
    if undoable:
        st.html(markup.paragraph("These are the latest entries. Undo the one that is wrong."))
    for one in undoable[:_MOST_UNDONE]:
        st.html(markup.paragraph(event_sentence(one)))
        if st.button("Undo", key=f"undo_contradiction_{one.number}"):
            undo_and_confirm(round_, [one.number])


# ---- headline ------------------------------------------------------------------------------------------------------


def _show_headline(opened: Opened) -> None:
    needs = opened.needs
    met = needs[needs["met"]]
    cells = [("Needs met", of(len(met), len(needs)), f"{counted(len(needs) - len(met), 'need')} unmet")]
    for priority in PRIORITIES:
        total = int((needs["priority"] == priority).sum())
        cells.append((priority.capitalize(), of(int((met["priority"] == priority).sum()), total), "needs met"))
    mean = kilometres(met["distance_km"].mean()) if len(met) else "–"
    cells.append(("Mean distance", mean, "from school to school"))
    cells.append(
        ("Supporters deployed", f"{met['supporter_id'].nunique():,}", f"of {len(opened.plan.workload):,} available")
    )
    st.html(markup.figures(cells))
    if not opened.live.is_changed:
        kind = "good" if opened.plan.manifest["status"] == "optimal" else "note"
        st.html(markup.banner(*_proof(opened.plan), kind=kind))


def _proof(plan: Plan) -> tuple[str, list[str]]:
    """Return a title and sentences on how good the plan is proved to be."""
    order = "Critical needs come first, then high, then normal. Among equal plans the best total score wins."
    if plan.manifest["status"] == "optimal":
        return f"Proved: no plan is better. {order}", []
    why = plan_making.cut_short_words(plan)
    title = "This is a good plan, but it is not proved to be the best."
    return title, [*filter(None, [why]), f"So far: {'; '.join(unproved_levels(plan))}. {order}"]


# ---- table ---------------------------------------------------------------------------------------------------------


def _filtered(needs: pd.DataFrame) -> pd.DataFrame:
    """Show the filters and return the needs that pass them."""
    search, area_slot, met_slot, more = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
    text = search.text_input("Search", placeholder="School, person or identifier", key="search")
    area = filter_by(area_slot, "Local authority", sorted(needs["local_authority"].unique()), "filter_area")
    met = filter_by(met_slot, "Show", ["met", "unmet"], "met", words=_MET_WORDS, every="All needs")
    with more.popover("More filters", width="stretch") as popover:
        focus = filter_by(popover, "Focus", sorted(needs["focus"].unique()), "filter_focus")
        priority = filter_by(popover, "Priority", PRIORITIES, "filter_priority")
        phase = filter_by(popover, "Phase", sorted(needs["phase"].unique()), "filter_phase")
        designations = sorted(needs["designation"].dropna().unique())
        designation = filter_by(popover, "Designation", designations, "filter_designation")
        status = filter_by(popover, "Status", frames.statuses_in(needs), "filter_status")
    return frames.chosen_needs(
        needs,
        text=text or "",
        local_authority=area,
        focus=focus,
        priority=priority,
        phase=phase,
        designation=designation,
        met=None if met is None else met == "met",
        status=status,
    )


_MET_WORDS = {"met": "Met", "unmet": "Unmet"}


def _show_table(opened: Opened, shown: pd.DataFrame, chosen: str | None) -> None:
    total = len(opened.needs)
    title = counted(len(shown), "need") if len(shown) == total else f"{of(len(shown), total)} needs"
    st.html(markup.heading(title, 2))
    if len(shown) < total:
        st.html(markup.paragraph(_hidden_words(opened.needs, shown), quiet=True))
    if shown.empty:
        st.html(markup.paragraph("No need matches these filters. Clear one of them."))
        return
    # A table that shows other rows, or whose need was chosen elsewhere, is a new one that begins with the need marked.
    if st.session_state.get(_CHOSEN_IN_TABLE) != chosen:
        st.session_state[_CHOSEN_IN_TABLE] = st.session_state[_CHOSEN_ELSEWHERE] = chosen
    rows = f"{' '.join(shown['need_id'])} {st.session_state.get(_CHOSEN_ELSEWHERE)}"
    key = f"plan_grid_{zlib.crc32(rows.encode()):x}"

    def choose_row() -> None:
        if cells := st.session_state[key]["selection"]["cells"]:
            chosen_here = shown["need_id"].iat[cells[0][0]]
            st.session_state["need"] = st.session_state[_CHOSEN_IN_TABLE] = chosen_here

    at = np.flatnonzero(shown["need_id"] == chosen).tolist()
    st.dataframe(
        frames.plan_grid(shown),
        hide_index=True,
        height=grid_height(len(shown)),
        on_select=choose_row,
        selection_mode="single-cell",
        selection_default={"selection": {"rows": [], "columns": [], "cells": [(row, "School") for row in at]}},
        key=key,
        placeholder="",
        column_config={
            "School": st.column_config.TextColumn(width=190),
            "Focus": st.column_config.TextColumn(width=120),
            "Km": st.column_config.NumberColumn(format="%.2f"),
            "Score": st.column_config.NumberColumn(format="%.3f"),
            "Days": st.column_config.NumberColumn(format="%g"),
            "Days used": st.column_config.NumberColumn(format="%g"),
        },
        alt="Needs and who supports them; click a row to choose its need",
    )


def _hidden_words(needs: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return what the filters hide; critical needs without a supporter are always named."""
    hidden = needs[~needs["need_id"].isin(shown["need_id"])]
    urgent = hidden[~hidden["met"] & (hidden["priority"] == PRIORITIES[0])]
    words = f"The filters hide {counted(len(hidden), 'need')}"
    if urgent.empty:
        return f"{words}, none of them critical and unmet."
    named = listed([need_name(row) for row in urgent.to_dict("records")], _MOST_URGENT, "; ")
    return f"{words}. Critical and unmet among them: {named}."


def _show_chosen(opened: Opened) -> str | None:
    chosen = chosen_need(opened)
    if chosen is None:
        hint = "Choose a need to see why it has this supporter, and to record an answer, a change or a note."
        st.html(markup.paragraph(hint))
        return None
    show_need(opened, chosen)
    return chosen


# ---- tabs under the plan -------------------------------------------------------------------------------------------


@st.fragment
def _show_tabs(opened: Opened, shown: pd.DataFrame) -> None:
    """Show the tabs; only the open one is drawn, and opening one draws nothing else again."""
    notices = opened.plan.manifest["notices"]
    contents: dict[str, Callable[[], None]] = {
        "Unmet needs": partial(_show_unmet, shown),
        "Workload": partial(show_workload, opened),
        "Days and cost": partial(show_days_and_cost, opened.round_),
        "Distances": partial(show_distances, opened),
        "Fairness": partial(show_fairness, opened),
        f"Notices ({len(notices)})": partial(_show_notices, notices),
    }
    for tab, show_content in zip(
        st.tabs(list(contents), key="plan_tabs", on_change="rerun"), contents.values(), strict=True
    ):
        with tab:
            if tab.open:
                show_content()


def _show_notices(notices: Sequence[str]) -> None:
    st.html(markup.bullets(notices) if notices else markup.paragraph("There are no notices."))


def _show_unmet(shown: pd.DataFrame) -> None:
    table = unmet_table(shown[~shown["met"]])
    if table.empty:
        st.html(markup.paragraph("Every need in the table above is met."))
        return
    caption = f"{counted(len(table), 'unmet need')}, with the reason and the nearest option"
    st.html(markup.table(table.head(_FIRST_UNMET), caption, tags=PRIORITY_COLOURS))
    if len(table) > _FIRST_UNMET:
        others = table[_FIRST_UNMET:_MOST_UNMET]
        with st.expander(f"Show {len(others):,} more"):
            st.html(markup.table(others, "More unmet needs", tags=PRIORITY_COLOURS))
            if len(table) > _MOST_UNMET:
                st.caption(
                    f"The first {_MOST_UNMET} of {len(table):,} are shown. Download unmet.csv on the Hand over screen "
                    "to see all of them."
                )


if __name__ == "__main__":
    show()
