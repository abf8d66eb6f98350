"""Today: what there is to do in the round, the most urgent first; each line with its action, alone or many together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.rounds.desk.messages import kind_for
from matching.rounds.desk.settings import MOST_DAYS, PARTIES, DeskSettings
from matching.rounds.desk.today import ACTIONS, KINDS, URGENCIES, Line, line_in_words
from matching.rounds.history.events import Pair, new_event
from matching.rounds.round import Round
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries, record_and_confirm, show_recorded
from matching.ui.sections.desk.messages import KEPT, WRITING, show_messages
from matching.ui.sections.desk.statuses import Deployments, record_status, refuse, show_status_form
from matching.ui.sections.desk.support_forms import show_support_form
from matching.ui.sections.desk.visits_upload import offer_visits_table
from matching.ui.sections.filters import filter_by
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.state import person
from matching.ui.steps import PEOPLE, PLAN, TODAY
from matching.ui.widgets.layout import go_to, grid_height, round_or_stop, screen_heading, way_on

_DOES = {"approach": "approached", "agree": "agreed", "begin": "active"}
"""By kind of line, the status that its action records at once; the other actions lead to another screen."""
_RECORDS = {"log visits": "visit", "days left": "visit", "hold review": "review", "evaluate": "evaluation"}
"""By kind of line, what of the support itself is recorded for it: the form is there where the line is ticked alone."""
_WORDS = {"approached": "Mark as approached", "agreed": "Record as agreed", "active": "Record as begun"}
_WRITTEN = ("approach", "remind", "ask next", "consents")
"""The kinds of line that are answered with a message first of all."""
_EVERY_DEPLOYMENT = "every deployment"
_MINE = "mine"
_TICKED, _GRIDS = "today_ticked", "today_grids"


@dataclass(frozen=True)
class _Row:
    """A row of the table: a line, or a deployment with nothing to do (`line` is None)."""

    pair: Pair
    line: Line | None
    cells: dict[str, str] = field(repr=False)

    @property
    def is_deployment(self) -> bool:
        """Whether it is about a need and a supporter, so that something can be recorded for it with others."""
        return all(self.pair)

    @property
    def key(self) -> str:
        return f"{self.pair[0]}|{self.pair[1]}|{self.line.kind if self.line else ''}"


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(TODAY)
    if round_.files is None:
        screen_heading(TODAY, round_, "There is no plan yet, so there is no one to approach.")
        way_on(PLAN, "Go to the plan")
        return
    opened = opened_register(round_)
    screen_heading(TODAY, round_, "Tick lines to record the same for all of them.")
    show_recorded(round_)
    lines = opened.today
    _show_figures(lines)
    shown = _filtered(opened, lines)
    if shown:
        # What can be done is next to the table, so that it does not have to be looked for.
        table, beside = st.columns([13, 7], gap="medium")
        with table:
            ticked = _show_table(shown)
        with beside, st.container(key="answer"), st.container(border=True, key="chosen"):
            _offer_actions(opened, shown, ticked)
        _show_messages(opened, [one for one in ticked if one.is_deployment])
    else:
        st.html(markup.paragraph("Nothing to do here today." if lines else "Nothing to do today."))
    offer_visits_table(opened)
    _offer_settings(round_, opened.state.desk)


def _show_figures(lines: Sequence[Line]) -> None:
    items = [(one.capitalize(), f"{sum(line.urgency == one for line in lines):,}", "to do") for one in URGENCIES]
    approach = sum(line.kind == "approach" for line in lines)
    waiting = sum(line.kind in ("remind", "ask next") for line in lines)
    st.html(
        markup.figures(
            [*items, ("To be approached", f"{approach:,}", "deployments"), ("No answer", f"{waiting:,}", "deployments")]
        )
    )


def _filtered(opened: OpenedRegister, lines: Sequence[Line]) -> list[_Row]:
    first, second, third = st.columns([3, 3, 4], gap="medium", vertical_alignment="bottom")
    there = [kind for kind in KINDS if any(line.kind == kind for line in lines)]
    words = {**KINDS, _EVERY_DEPLOYMENT: "Every deployment, due or not"}
    kind = filter_by(first, "Show", [*there, _EVERY_DEPLOYMENT], "today_kind", words=words, every="All that is due")
    whose = filter_by(
        second, "Whose", [_MINE], "today_whose", words={_MINE: "Mine: I made the last entry"}, every="Everyone's"
    )
    text = third.text_input("Search", key="today_search", placeholder="School, person or identifier") or ""
    if kind == _EVERY_DEPLOYMENT:
        of_pair = {(line.need_id, line.supporter_id): line for line in lines}
        rows = [_row(opened, pair, of_pair.get(pair)) for pair in opened.supporter_of.items()]
    else:
        rows = [_row(opened, (one.need_id, one.supporter_id), one) for one in lines if kind in (None, one.kind)]
    wanted = text.strip().casefold().split()
    return [
        one
        for one in rows
        if (whose is None or _last_by(opened, one.pair) == person.who())
        and all(word in " ".join(one.cells.values()).casefold() for word in wanted)
    ]


def _last_by(opened: OpenedRegister, pair: Pair) -> str:
    last = opened.state.event(opened.state.touched.get(pair))
    return last.by if last else ""


def _row(opened: OpenedRegister, pair: Pair, line: Line | None) -> _Row:
    status = opened.state.status_of(*pair) if all(pair) else ""
    cells = {
        "What to do": ACTIONS[line.kind] if line else "Nothing is due",
        "Need": opened.need(pair[0]) if pair[0] else "Evidence of accreditation",
        "Supporter": opened.person(pair[1]) if pair[1] else "",
        "Status": status,
        "Why": _capital(line_in_words(line)) if line else "",
        "When": line.urgency.capitalize() if line else "",
        "So far": opened.so_far.get(pair, ""),
    }
    return _Row(pair, line, cells)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _show_table(shown: Sequence[_Row]) -> list[_Row]:
    """Show the table, and return the rows that are ticked."""
    keys = [one.key for one in shown]
    # Nothing stays ticked once something is recorded.
    held = f"{_TICKED}_{entries()}"
    if st.session_state.pop(KEPT, False):
        st.session_state.setdefault(held, st.session_state.get(f"{_TICKED}_{entries() - 1}", []))
    ticked = {*st.session_state.get(held, [])} & {*keys}
    with st.container(horizontal=True):
        # Evidence, and needs without a supporter, are looked at one by one.
        if together := [one.key for one in shown if one.is_deployment]:
            st.button(f"Tick all {len(together):,}", on_click=partial(_tick, held, together))
        st.button("Untick all", on_click=partial(_tick, held, []), disabled=not ticked)
    # A selection keeps its row numbers when the rows under it change.
    grid = f"today_grid_{hash(tuple(keys))}_{entries()}_{st.session_state.get(_GRIDS, 0)}"

    def take() -> None:
        rows = st.session_state[grid]["selection"]["rows"]
        st.session_state[held] = [keys[one] for one in rows]

    st.dataframe(
        pd.DataFrame([one.cells for one in shown]),
        hide_index=True,
        height=grid_height(len(shown)),
        on_select=take,
        selection_mode="multi-row",
        selection_default={
            "selection": {"rows": [at for at, key in enumerate(keys) if key in ticked], "columns": [], "cells": []}
        },
        key=grid,
        column_config={
            "What to do": st.column_config.TextColumn(width=150),
            "Need": st.column_config.TextColumn(width=190),
            "Supporter": st.column_config.TextColumn(width=155),
            "Status": st.column_config.TextColumn(width=90),
            "Why": st.column_config.TextColumn(width=190),
        },
        alt="What there is to do today",
        placeholder="",
    )
    return [one for one in shown if one.key in ticked]


def _tick(held: str, keys: Sequence[str]) -> None:
    st.session_state[held] = list(keys)
    # A new grid begins with what is ticked.
    st.session_state[_GRIDS] = st.session_state.get(_GRIDS, 0) + 1


# ---- what is done about it -----------------------------------------------------------------------------------------


def _offer_actions(opened: OpenedRegister, shown: Sequence[_Row], ticked: Sequence[_Row]) -> None:
    if not ticked:
        st.html(markup.paragraph("Tick lines in the table to record something for them."))
        if shown[0].line:
            st.html(
                markup.heading(f"First: {shown[0].cells['What to do'].lower()}", 2) + markup.paragraph(_about(shown[0]))
            )
            _offer_action(opened, shown[0])
        return
    deployments = [one for one in ticked if one.is_deployment]
    if len(ticked) == 1:
        (row,) = ticked
        st.html(markup.heading(row.cells["What to do"], 2) + markup.paragraph(_about(row)))
        if row.cells["So far"]:
            st.html(markup.paragraph(f"So far: {row.cells['So far']}.", quiet=True))
        _offer_action(opened, row)
        if row.line and row.line.kind in _RECORDS:
            _show_support(opened, row, _RECORDS[row.line.kind])
    else:
        st.html(markup.heading(f"{counted(len(ticked), 'line')} ticked", 2))
        if deployments:
            pairs = {one.pair for one in deployments}
            _offer_writing(f"Write to them: {counted(len(pairs), 'deployment')}", "many", deployments)
        for status in _DOES.values():
            theirs = [one for one in deployments if one.line and _DOES.get(one.line.kind) == status]
            if theirs:
                _offer_status(opened, theirs, status)
        if len(deployments) < len(ticked):
            alone = "Evidence, and needs without a supporter, are looked at one by one: tick one of these lines alone."
            st.html(markup.paragraph(alone))
    if deployments:
        digest = hash(tuple(one.key for one in deployments))
        st.html(markup.heading("Another status, or consents", 3))
        show_status_form(_deployments(opened, deployments), "What is the status now?", f"today_{digest}_{entries()}")


def _show_support(opened: OpenedRegister, row: _Row, kind: str) -> None:
    needs = opened.inputs.all_needs
    (asked,) = needs.loc[needs["need_id"] == row.pair[0], "days"]
    show_support_form(kind, _deployments(opened, [row]), float(asked), f"today_{row.key}_{entries()}")


def _about(row: _Row) -> str:
    why = f" {row.cells['Why']}." if row.cells["Why"] else ""
    return f"{', '.join(filter(None, (_capital(row.cells['Need']), row.cells['Supporter'])))}.{why}"


def _offer_action(opened: OpenedRegister, row: _Row) -> None:
    kind = row.line.kind if row.line else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if row.is_deployment:
            _offer_writing("Write to them", row.key, [row], tick=True)
        if kind in _DOES:
            _offer_status(opened, [row], _DOES[kind])
        if kind == "review":
            if st.button("Look at the evidence", key=f"go_{row.key}"):
                st.session_state["people_chosen"] = [row.pair[1]]
                go_to(PEOPLE)
        elif st.button("Open on the Plan screen", key=f"go_{row.key}"):
            go_to(PLAN, need=row.pair[0])


def _offer_writing(label: str, key: str, rows: Sequence[_Row], *, tick: bool = False) -> None:
    """Offer to write about deployments; `tick` ticks them first."""
    is_first = any(one.line and one.line.kind in _WRITTEN for one in rows)

    def write() -> None:
        if tick:
            _tick(f"{_TICKED}_{entries()}", [one.key for one in rows])
        st.session_state[WRITING] = True

    st.button(label, type="primary" if is_first else "secondary", key=f"write_{key}", on_click=write)


def _show_messages(opened: OpenedRegister, rows: Sequence[_Row]) -> None:
    if not rows or not st.session_state.get(WRITING):
        st.session_state.pop(WRITING, None)
        return
    # A deployment with several lines is written to once, about the most urgent.
    kinds: dict[Pair, str] = {}
    for one in rows:
        kinds.setdefault(one.pair, kind_for(one.line, opened.state.status_of(*one.pair)))
    led: dict[str, list[Pair]] = {}
    for pair, kind in kinds.items():
        led.setdefault(kind, []).append(pair)
    show_messages(opened, list(kinds), led)


def _offer_status(opened: OpenedRegister, rows: Sequence[_Row], status: str) -> None:
    count = f": {counted(len(rows), 'deployment')}" if len(rows) > 1 else ""
    if st.button(
        f"{_WORDS[status]}{count}",
        type="secondary" if status == "approached" else "primary",
        key=f"do_{status}_{len(rows)}_{rows[0].key}",
    ):
        record_status(_deployments(opened, rows), status)


def _deployments(opened: OpenedRegister, rows: Sequence[_Row]) -> Deployments:
    words: dict[Pair, str] = {
        one.pair: f"the support by {opened.person(one.pair[1])} for {opened.need(one.pair[0])}" for one in rows
    }
    return Deployments(opened.round_, opened.state, words)


# ---- the settings --------------------------------------------------------------------------------------------------


def _offer_settings(round_: Round, now: DeskSettings) -> None:
    with (
        st.expander("When to remind, and whose consent an agreement needs"),
        st.form(f"desk_{entries()}", border=False),
    ):
        remind = st.number_input("Days without an answer until a reminder", 1, MOST_DAYS, now.remind_after_days)
        ask = st.number_input(
            "Days without an answer until the next person is asked", 1, MOST_DAYS, now.ask_next_after_days
        )
        consents = st.multiselect(
            "An agreement needs the consent of", list(PARTIES), list(now.consents), format_func=_capital
        )
        st.caption("These settings change no plan. Agreements that are recorded already stand.")
        if st.form_submit_button("Save the settings"):
            _save_settings(round_, now, remind, ask, consents)


def _save_settings(round_: Round, now: DeskSettings, remind: Any, ask: Any, consents: Sequence[str]) -> None:
    chosen = DeskSettings(int(remind), int(ask), tuple(one for one in PARTIES if one in consents))
    if chosen == now:
        refuse("desk", "Nothing has changed.", "Change a setting first.")
        return
    record_and_confirm(round_, [new_event("desk", by=person.who(), **chosen.as_text())], "The settings are saved.")


if __name__ == "__main__":
    show()
