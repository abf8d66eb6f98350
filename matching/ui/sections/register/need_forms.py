"""What can be recorded about a need: added, changed, paused, withdrawn, open again."""

from collections.abc import Callable, Mapping

import streamlit as st

from matching.rounds.edits import Cells, added_need, edited_need, free_identifier, paused, resumed, withdrawn
from matching.rounds.history.events import Event
from matching.tables.formats import NEED_STATES
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries
from matching.ui.sections.register.fields import Fields
from matching.ui.sections.register.opened import OpenedRegister
from matching.ui.sections.register.saving import Draft, offer_to_save
from matching.ui.state import person

STATE_COLOURS = {"open": "green", "paused": "yellow", "withdrawn": "red"}

_Move = Callable[..., Event | None]
_MOVES: Mapping[str, tuple[str, str, str, _Move]] = {
    "paused": (
        "It is paused",
        "Pause this need",
        "It is not assigned and not counted as unmet until it is open again.",
        paused,
    ),
    "withdrawn": (
        "It is withdrawn",
        "Withdraw this need",
        "It is not assigned any more. Nothing is deleted.",
        withdrawn,
    ),
    "open": ("It is open again", "Open this need again", "The next plan may assign it.", resumed),
}
"""By the state that a need gets: the words of the list, of the button and of what follows."""


def show_new_need(opened: OpenedRegister) -> None:
    """Show the form that adds a need."""
    key = f"need_new_{entries()}"
    first = free_identifier("N", opened.inputs.all_needs["need_id"])
    fields = Fields(key)
    _need_fields(opened, fields, first)
    _contact_fields(opened, fields)
    cells = fields.cells
    # Until something is chosen there is nothing to look at.
    event = added_need(cells, by=person.who()) if cells["school_urn"] or cells["focus"] else None
    done = f"Recorded: {cells['focus']} at {opened.school(cells['school_urn'])} ({cells['need_id']}) is added."
    offer_to_save(Draft(opened, key, fields, event, done, "Add this need"))


def show_need(opened: OpenedRegister, need_id: str) -> None:
    """Show a need, who supports it, and what can be recorded about it."""
    row = opened.rows("needs")[(need_id,)]
    state = next(iter(opened.needs_table.loc[opened.needs_table["need_id"] == need_id, "state"]))
    with st.container(border=True, key="chosen"):
        st.html(markup.heading(opened.need(need_id), 2))
        st.html(markup.tag(state.capitalize(), STATE_COLOURS[state]))
        st.html(markup.paragraph(_supported(opened, need_id)))
        labels = {"contact": "Whom to write to about it, or the fund"}
        if not opened.is_approved:
            labels = {"change": "A change of what it asks for", **{to: _MOVES[to][0] for to in _others(state)}} | labels
        chosen = st.selectbox(
            "What do you want to record?",
            list(labels),
            index=None,
            format_func=lambda one: labels.get(one, one),
            placeholder=_placeholder(opened, state),
            key=f"record_{need_id}_{state}_{entries()}",
        )
        if chosen in ("change", "contact"):
            _change(opened, need_id, row, _FIELDS[chosen])
        elif chosen:
            _move(opened, need_id, row, chosen)


def _placeholder(opened: OpenedRegister, state: str) -> str:
    if opened.is_approved:
        return "Contact details or the fund"
    return "A change, a pause or a withdrawal" if state == NEED_STATES[0] else "A change"


def _others(state: str) -> tuple[str, ...]:
    return tuple(one for one in ("paused", "withdrawn", "open") if one != state)


def _supported(opened: OpenedRegister, need_id: str) -> str:
    who = opened.supporter_of.get(need_id)
    if who:
        return f"Supported by {opened.person(who)}, {opened.state.status_of(need_id, who)}."
    return "No one supports it yet." if opened.round_.files else "There is no plan yet."


def _change(
    opened: OpenedRegister, need_id: str, row: Cells, show_fields: Callable[[OpenedRegister, Fields, str], None]
) -> None:
    key = f"need_{need_id}_{entries()}"
    fields = Fields(key, row)
    show_fields(opened, fields, "")
    why = st.text_input("Why? (optional)", key=f"{key}_why", max_chars=1_000)
    event = edited_need(row, fields.cells, by=person.who(), why=why)
    done = f"Recorded: {opened.need(need_id)} is changed."
    offer_to_save(Draft(opened, key, fields, event, done, "Save the change"))


def _move(opened: OpenedRegister, need_id: str, row: Cells, to: str) -> None:
    _, button, about, make = _MOVES[to]
    key = f"need_{to}_{need_id}_{entries()}"
    st.html(markup.paragraph(about))
    why = st.text_input("Why? (optional)", key=f"{key}_why", max_chars=1_000)
    event = make(row, by=person.who(), why=why)
    verb = "open again" if to == NEED_STATES[0] else to
    done = f"Recorded: {opened.need(need_id)} is {verb}."
    offer_to_save(Draft(opened, key, Fields(key, row), event, done, button))


def _need_fields(opened: OpenedRegister, fields: Fields, first: str = "") -> None:
    fields.school("school_urn", "School", opened.schools)
    left, right = st.columns(2, gap="medium")
    with left:
        fields.one("needs", "focus", "Focus")
        fields.one("needs", "priority", "Priority", "normal")
        fields.day("requested_on", "Requested on")
        fields.text(
            "package", "Package", about="Needs of one school with the same word are met together or not at all."
        )
    with right:
        fields.number("days", "Days", step=0.25, most=10_000)
        fields.several("needs", "designations", "Accepted designations", about="Blank: those that suit the focus.")
        fields.day("start_by", "Starts by")
        if first:
            fields.text("need_id", "Identifier", first, most=64)
    fields.notes("notes", "Notes")


def _contact_fields(_: OpenedRegister, fields: Fields, __: str = "") -> None:
    """Show the fields that no plan depends on: they can be changed once it is approved."""
    left, right = st.columns(2, gap="medium")
    with left:
        fields.text("contact_name", "Whom to write to", about="Blank: the contact in the schools table.")
        fields.text("fund", "Fund that pays for it", about="For the cost and the invoices. No plan depends on it.")
    with right:
        fields.text("contact_email", "Their email address", most=320)


_FIELDS = {"change": _need_fields, "contact": _contact_fields}
