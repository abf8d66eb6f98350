"""People: who can support a school; a person can be added and changed, be away, leave, come back, and give evidence."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import frames, markup
from matching.ui.sections.confirmation import show_recorded
from matching.ui.sections.filters import filter_by
from matching.ui.sections.register.lists import ADD, LOOK, chosen_task, warn_of_contacts
from matching.ui.sections.register.opened import AVAILABLE, OpenedRegister, opened_register
from matching.ui.sections.register.person_forms import show_new_person, show_people_together, show_person
from matching.ui.steps import NEEDS, PEOPLE
from matching.ui.widgets.layout import grid_height, round_or_stop, screen_heading, way_on

_TASKS = {LOOK: "Look at people or change them", ADD: "Add a person"}
_CHOSEN, _TICKED = "people_chosen", "people_ticked"
_THERE, _NOT_THERE = "there", "not there"


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(PEOPLE)
    opened = opened_register(round_)
    screen_heading(PEOPLE, round_, "Each change shows what it touches before it is saved.")
    show_recorded(round_)
    warn_of_contacts(opened)
    table = opened.people_table
    if len(table):
        _show_figures(table)
        _show_table(_filtered(table))
    _show_forms(opened)
    way_on(NEEDS, "Next: Needs")


def _show_figures(table: pd.DataFrame) -> None:
    counts = table["designation"].value_counts()
    there = int((table["availability"] == AVAILABLE).sum())
    items = [(one, f"{counts.get(one, 0):,}", "people") for one in standard_vocabulary().designations]
    busy = int((table["supports"] > 0).sum())
    st.html(
        markup.figures(
            [
                *items,
                ("Available", f"{there:,}", f"of {len(table):,}, with no absence recorded"),
                ("Supporting a school", f"{busy:,}", f"of {len(table):,}"),
            ]
        )
    )


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    words, first, second, third = st.columns([3, 2, 2, 2], gap="medium")
    text = words.text_input("Search", key="people_search", placeholder="Name, school, specialism or identifier")
    designation = filter_by(first, "Show designation", standard_vocabulary().designations, "people_designation")
    shown = {_THERE: "Available", _NOT_THERE: "Away or gone, now or later"}
    is_there = filter_by(second, "Show availability", shown, "people_there", words=shown)
    area = filter_by(third, "Show local authority", sorted({*table["local_authority"]}), "people_area")
    keep = frames.with_words(table, text, ("supporter_id", "name", "school", "specialisms"))
    if designation is not None:
        keep &= table["designation"] == designation
    if is_there is not None:
        keep &= (table["availability"] == AVAILABLE) == (is_there == _THERE)
    if area is not None:
        keep &= table["local_authority"] == area
    return table[keep].reset_index(drop=True)


def _show_table(shown: pd.DataFrame) -> None:
    if shown.empty:
        st.html(markup.paragraph("No person matches these filters. Clear one of them."))
        return
    grid = pd.DataFrame(
        {
            "Name": shown["name"],
            "Identifier": shown["supporter_id"],
            "Designation": shown["designation"],
            "Home school": shown["school"],
            "Availability": shown["availability"],
            "Supports": shown["supports"],
            "Places": shown["places"],
            **({"Days used": shown["days_used"]} if (shown["days_used"] != "").any() else {}),
            "Days": shown["days"].replace(np.inf, np.nan),
            "Km": shown["km"].replace(np.inf, np.nan),
            "Specialisms": shown["specialisms"],
            "Local authority": shown["local_authority"],
        }
    )
    # A selection keeps its row numbers when the rows under it change.
    key = f"people_grid_{hash(tuple(shown['supporter_id']))}"

    def choose_rows() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        now = [str(shown["supporter_id"].iat[one]) for one in rows]
        before = st.session_state.get(_TICKED, [])
        chosen = [one for one in st.session_state.get(_CHOSEN, []) if one not in before]
        st.session_state[_CHOSEN] = list(dict.fromkeys([*chosen, *now]))
        st.session_state[_TICKED] = now
        st.session_state["people_task"] = LOOK

    st.dataframe(
        grid,
        hide_index=True,
        height=grid_height(len(grid)),
        on_select=choose_rows,
        selection_mode="multi-row",
        key=key,
        column_config={
            "Home school": st.column_config.TextColumn(width=230),
            "Days": st.column_config.NumberColumn(width=75, format="%g"),
            "Km": st.column_config.NumberColumn(width=75, format="%g"),
        },
        alt="People of this round",
        placeholder="no limit",
    )
    st.caption(f"{len(shown):,} people. Tick one or several in the table, or choose them in the list below it.")


@st.fragment
def _show_forms(opened: OpenedRegister) -> None:
    table = opened.people_table
    task = chosen_task(opened, table, _TASKS, "people_task")
    if task == ADD:
        if table.empty:
            st.html(markup.banner("This round has no people yet.", ["Add the first one here."]))
        with st.container(border=True, key="chosen"):
            show_new_person(opened)
        return
    chosen = _chosen(opened, table)
    if len(chosen) == 1:
        show_person(opened, chosen[0])
    elif chosen:
        show_people_together(opened, chosen)


def _chosen(opened: OpenedRegister, table: pd.DataFrame) -> Sequence[str]:
    words = {one: opened.person(one) for one in table["supporter_id"]}
    # Someone who was added may be undone.
    st.session_state[_CHOSEN] = [one for one in st.session_state.get(_CHOSEN, []) if one in words]
    return st.multiselect(
        "People",
        list(words),
        format_func=lambda one: words.get(one, one),
        placeholder="Choose one person, or several to change together",
        key=_CHOSEN,
    )


if __name__ == "__main__":
    show()
