"""Needs: what schools have asked for; a need can be added, changed, paused, withdrawn and opened again."""

import pandas as pd
import streamlit as st

from matching.tables.formats import NEED_STATES, PRIORITIES
from matching.ui.formatting import frames, markup
from matching.ui.sections.confirmation import show_recorded
from matching.ui.sections.filters import filter_by
from matching.ui.sections.register.lists import ADD, LOOK, chosen_task, warn_of_contacts
from matching.ui.sections.register.need_forms import show_need, show_new_need
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.steps import NEEDS, RULES
from matching.ui.widgets.layout import grid_height, round_or_stop, screen_heading, way_on

_TASKS = {LOOK: "Look at a need or change it", ADD: "Add a need"}


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(NEEDS)
    opened = opened_register(round_)
    screen_heading(NEEDS, round_, "Each change shows what it touches before it is saved.")
    show_recorded(round_)
    warn_of_contacts(opened)
    table = opened.needs_table
    if len(table):
        _show_figures(table)
        _show_table(_filtered(table))
    _show_forms(opened)
    way_on(RULES, "Next: Rules")


def _show_figures(table: pd.DataFrame) -> None:
    counts = table["state"].value_counts()
    supported = int((table["supporter_id"] != "").sum())
    items = [(one.capitalize(), f"{counts.get(one, 0):,}", "needs") for one in NEED_STATES]
    st.html(markup.figures([*items, ("With a supporter", f"{supported:,}", f"of {len(table):,}")]))


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    words, first, second, third = st.columns([3, 2, 2, 2], gap="medium")
    text = words.text_input("Search", key="needs_search", placeholder="School, focus, name or identifier")
    state = filter_by(
        first, "Show state", NEED_STATES, "needs_state", words={one: one.capitalize() for one in NEED_STATES}
    )
    priority = filter_by(second, "Show priority", PRIORITIES, "needs_priority")
    area = filter_by(third, "Show local authority", sorted({*table["local_authority"]}), "needs_area")
    keep = frames.with_words(table, text, ("need_id", "school", "focus", "supporter_id", "supporter"))
    for column, wanted in (("state", state), ("priority", priority), ("local_authority", area)):
        if wanted is not None:
            keep &= table[column] == wanted
    return table[keep].reset_index(drop=True)


def _show_table(shown: pd.DataFrame) -> None:
    if shown.empty:
        st.html(markup.paragraph("No need matches these filters. Clear one of them."))
        return
    grid = pd.DataFrame(
        {
            "School": shown["school"],
            "Focus": shown["focus"],
            "Need": shown["need_id"],
            "Priority": shown["priority"],
            "State": shown["state"],
            "Supporter": shown["supporter"],
            "Status": shown["status"],
            "Days": shown["days"],
            "Starts by": shown["start_by"],
            "Local authority": shown["local_authority"],
        }
    )
    # A selection keeps its row number when the rows under it change.
    key = f"needs_grid_{hash(tuple(shown['need_id']))}"

    def choose_row() -> None:
        cells = st.session_state[key]["selection"]["cells"]
        st.session_state["need_chosen"] = shown["need_id"].iat[cells[0][0]] if cells else None
        st.session_state["needs_task"] = LOOK

    st.dataframe(
        grid,
        hide_index=True,
        column_config={name: st.column_config.TextColumn(width="medium") for name in ("School", "Focus")},
        height=grid_height(len(grid)),
        on_select=choose_row,
        selection_mode="single-cell",
        key=key,
        alt="Needs of this round",
    )
    st.caption(f"{len(shown):,} needs. Choose one in the table, or in the list below it.")


@st.fragment
def _show_forms(opened: OpenedRegister) -> None:
    table = opened.needs_table
    task = chosen_task(opened, table, _TASKS, "needs_task")
    if task == ADD:
        if table.empty:
            st.html(markup.banner("This round has no needs yet.", ["Add the first one here."]))
        with st.container(border=True, key="chosen"):
            show_new_need(opened)
        return
    words = {one: opened.need(one) for one in table["need_id"]}
    chosen = st.selectbox(
        "Need",
        list(words),
        index=None,
        format_func=lambda one: words.get(one, one),
        placeholder="Choose a need",
        key="need_chosen",
    )
    # A need that was added may be undone.
    if chosen is not None and chosen in words:
        show_need(opened, chosen)


if __name__ == "__main__":
    show()
