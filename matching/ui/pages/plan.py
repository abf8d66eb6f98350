"""Plan: the headline, the table of who supports which school, and beside it the need that was chosen."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.errors import DataError, counted
from matching.plan.write import Plan
from matching.rounds.round import Round
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import event_sentence, of
from matching.ui.sections.plan_decisions import show_told, take_back
from matching.ui.sections.plan_need import chosen_need, show_need, show_questions
from matching.ui.sections.plan_pictures import show_distances, show_fairness, show_map, show_workload
from matching.ui.sections.plan_rerun import show_changes
from matching.ui.state import drafted_rules, live_plan, plan_making
from matching.ui.state.live_plan import Opened
from matching.ui.steps import EXPORT, PLAN, RULES
from matching.ui.widgets.layout import grid_height, link, round_or_stop, screen_heading, way_on

_EVERYTHING = "All"
# Beyond this many needs the screen opens on one area, so that there is something to see.
_MOST_AT_ONCE = 1_000
_FIRST_UNMET, _MOST_UNMET = 10, 100
_MOST_UNDONE = 5
_PRIORITY_COLOURS = {"critical": "red", "high": "yellow", "normal": "grey"}


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(PLAN)
    if round_.files is None:
        screen_heading(PLAN, round_, "There is no plan yet: make it now, or look at the rules first.")
        _offer_first_plan(round_)
        return
    screen_heading(PLAN, round_, "Choose a row to see why, and to record what was decided.")
    try:
        opened = live_plan.opened(round_)
    except DataError as error:
        _show_knot(round_, error)
        return
    show_told(opened)
    _warn_if_outdated(opened)
    _warn_if_approved(opened)
    show_changes(opened)
    _show_headline(opened)
    shown = _filtered(opened.needs)
    _show_table(shown)
    words, picture = st.columns([11, 9], gap="large")
    with words:
        chosen = _show_chosen(opened)
    with picture:
        show_map(opened, shown)
    if chosen:
        show_questions(opened, chosen)
    _show_rest(opened, shown)
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
    st.html(markup.banner("You have changed the rules since this plan was made.", kind="warning"))
    if st.button("Make the plan again", type="primary"):
        _make(opened.round_)


def _warn_if_approved(opened: Opened) -> None:
    if opened.is_approved:
        words = "You may still note things and say where the support stands. To change who goes where, reopen it first."
        st.html(markup.banner("This plan is approved.", [words]))


def _show_knot(round_: Round, error: DataError) -> None:
    """What was decided cannot stand together: say why, and offer the way back."""
    lines = [f"{one.message} {one.fix}" for one in error.problems]
    st.html(markup.banner("What was decided cannot stand together.", lines, kind="warning"))
    undoable = [one for one in reversed(round_.events) if one.kind in ("pin", "swap", "forbid", "declined", "undo")]
    for one in undoable[:_MOST_UNDONE]:
        st.html(markup.paragraph(event_sentence(one)))
        if st.button("Undo", key=f"untie_{one.number}"):
            take_back(round_, [one.number])


# ---- headline ------------------------------------------------------------------------------------------------------


def _show_headline(opened: Opened) -> None:
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
    if not opened.live.is_changed:
        kind = "good" if opened.plan.manifest["status"] == "optimal" else "note"
        st.html(markup.banner(*_proof(opened.plan), kind=kind))


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
    why = plan_making.cut_short_words(plan)
    title = "A good plan, but it is not proved the best."
    return title, [*filter(None, [why]), f"It has {'; '.join(behind)}. {order}"]


# ---- table ---------------------------------------------------------------------------------------------------------


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
        status = _choice(popover, "Where it stands", frames.statuses_in(needs), "status")
    return frames.chosen_needs(
        needs,
        text=text or "",
        local_authority=area,
        focus=focus,
        priority=priority,
        phase=phase,
        designation=designation,
        met={"Met": True, "Unmet": False}.get(met),
        status=status,
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
    grid = frames.plan_grid(shown)

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
            "School": st.column_config.TextColumn(width=250),
            "Focus": st.column_config.TextColumn(width=170),
            "Km": st.column_config.NumberColumn(format="%.1f"),
            "Score": st.column_config.NumberColumn(format="%.3f"),
            "Days": st.column_config.NumberColumn(format="%g"),
        },
        alt="Needs and who supports them",
    )


def _show_chosen(opened: Opened) -> str | None:
    st.header("Why this person?", anchor=False)
    chosen = chosen_need(opened)
    if chosen is None:
        hint = "Choose a need to see why it has this person, and to record an answer, a change or a note."
        st.html(markup.paragraph(hint))
        return None
    show_need(opened, chosen)
    return chosen


# ---- under the plan ------------------------------------------------------------------------------------------------


@st.fragment
def _show_rest(opened: Opened, shown: pd.DataFrame) -> None:
    """What there is to know besides; only what is looked at is drawn, and nothing else is drawn anew with it."""
    notices = opened.plan.manifest["notices"]
    contents: dict[str, Callable[[], None]] = {
        "Unmet needs": partial(_show_unmet, shown),
        "Workload": partial(show_workload, opened),
        "Distances": partial(show_distances, opened),
        "Fair to see": partial(show_fairness, opened),
        f"Notices ({len(notices)})": partial(_show_notices, notices),
    }
    for tab, show_content in zip(
        st.tabs(list(contents), key="plan_tabs", on_change="rerun"), contents.values(), strict=True
    ):
        with tab:
            if tab.open:
                show_content()


def _show_notices(notices: Sequence[str]) -> None:
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
    st.html(markup.table(listed.head(_FIRST_UNMET), caption, tags=_PRIORITY_COLOURS))
    if len(rows) > _FIRST_UNMET:
        with st.expander(f"The other {len(rows) - _FIRST_UNMET:,}"):
            st.html(markup.table(listed[_FIRST_UNMET:_MOST_UNMET], "The other unmet needs", tags=_PRIORITY_COLOURS))
            if len(rows) > _MOST_UNMET:
                st.caption(f"{_MOST_UNMET} of {len(rows):,} are shown; unmet.csv on the Hand over screen has all.")


if __name__ == "__main__":
    show()
