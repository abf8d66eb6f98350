"""What can be recorded about people: added, changed, away, gone, back, and several of them at a time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import streamlit as st

from matching.errors import DataError, counted, listed
from matching.rounds.edits import (
    FIRST,
    LAST,
    NO_FAULTS,
    Cells,
    absence,
    added_supporter,
    back,
    edited_supporters,
    faults_in,
    free_identifier,
    left,
    unavailable,
)
from matching.rounds.history.events import Event
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries
from matching.ui.sections.next_round import Past
from matching.ui.sections.register.evidence_form import show_evidence
from matching.ui.sections.register.fields import Fields
from matching.ui.sections.register.opened import AVAILABLE, OpenedRegister
from matching.ui.sections.register.saving import Draft, offer_to_save
from matching.ui.state import person

_MOST_NAMED = 5
_ABOUT_ABSENCE = "Without a last day they are away from the first day on; without a first day, until the last."


def show_new_person(opened: OpenedRegister) -> None:
    """Show the form that adds a person."""
    key = f"person_new_{entries()}"
    first = free_identifier("S", opened.inputs.supporters["supporter_id"])
    fields = Fields(key)
    _person_fields(opened, fields, first)
    _contact_fields(fields)
    cells = fields.cells
    # Until something is typed there is nothing to look at.
    event = added_supporter(cells, by=person.who()) if cells["name"] or cells["school_urn"] else None
    done = f"Recorded: {cells['name']} ({cells['supporter_id']}) is added."
    offer_to_save(Draft(opened, key, fields, event, done, "Add this person"))


def show_person(opened: OpenedRegister, supporter_id: str) -> None:
    """Show a person, whom they support, and what can be recorded about them."""
    table = opened.people_table
    row = table[table["supporter_id"] == supporter_id].to_dict("records")[0]
    with st.container(border=True, key="chosen"):
        st.html(markup.heading(opened.person(supporter_id), 2))
        is_there = row["availability"] == AVAILABLE
        st.html(
            markup.tag(row["designation"], "blue")
            + " "
            + markup.tag(row["availability"], "green" if is_there else "yellow")
        )
        st.html(markup.paragraph(f"Works at {row['school']}."))
        _show_supported(opened, supporter_id)
        Past.of(opened.round_, opened.inputs).show(supporter_id)
        labels = {
            "change": "A change of what is known about them",
            "contact": "How to reach them",
            "unavailable": "They are unavailable for a time",
            "left": "They have left, or will leave",
            "back": "They are back",
            "evidence": "Evidence for their accreditation",
        }
        if opened.is_approved:
            labels = {"contact": labels["contact"]}
        chosen = st.selectbox(
            "What do you want to record?",
            list(labels),
            index=None,
            format_func=lambda one: labels.get(one, one),
            placeholder="Contact details" if opened.is_approved else "A change, an absence or evidence",
            key=f"record_{supporter_id}_{entries()}",
        )
        cells = opened.rows("supporters")[(supporter_id,)]
        if chosen == "evidence":
            show_evidence(opened, supporter_id)
        elif chosen:
            _FORMS[chosen](opened, supporter_id, cells)


def _show_supported(opened: OpenedRegister, supporter_id: str) -> None:
    theirs = [one for one, who in opened.supporter_of.items() if who == supporter_id]
    if not theirs:
        st.html(
            markup.paragraph(
                "They support no school in this round." if opened.round_.files else "There is no plan yet."
            )
        )
        return
    st.html(markup.bullets(f"{opened.need(one)}, {opened.state.status_of(one, supporter_id)}" for one in theirs))


# ---- one person ----------------------------------------------------------------------------------------------------


def _change(opened: OpenedRegister, supporter_id: str, row: Cells) -> None:
    fields = Fields(f"person_{supporter_id}_{entries()}", row)
    _person_fields(opened, fields)
    _offer_change(opened, supporter_id, row, fields)


def _contact(opened: OpenedRegister, supporter_id: str, row: Cells) -> None:
    fields = Fields(f"contact_{supporter_id}_{entries()}", row)
    _contact_fields(fields)
    _offer_change(opened, supporter_id, row, fields)


def _offer_change(opened: OpenedRegister, supporter_id: str, row: Cells, fields: Fields) -> None:
    key = fields.key
    why = _why(key)
    event = edited_supporters([row], fields.cells, by=person.who(), why=why)
    done = f"Recorded: what is known about {opened.person(supporter_id)} is changed."
    offer_to_save(Draft(opened, key, fields, event, done, "Save the change"))


def _unavailable(opened: OpenedRegister, supporter_id: str, row: Cells) -> None:
    key = f"away_{supporter_id}_{entries()}"
    _offer_absence(opened, key, [row], f"{opened.person(supporter_id)} is")


def _offer_absence(opened: OpenedRegister, key: str, rows: Sequence[Cells], who: str) -> None:
    fields = Fields(key)
    one, other = st.columns(2, gap="medium")
    with one:
        fields.day(FIRST, "First day")
    with other:
        fields.day(LAST, "Last day")
    st.caption(_ABOUT_ABSENCE)
    why = _why(key)
    event, faults = None, NO_FAULTS
    try:
        first, last = absence(fields.cells[FIRST], fields.cells[LAST])
        event = unavailable(rows, first, last, by=person.who(), why=why)
    except DataError as error:
        faults = faults_in(error.problems)
    done = f"Recorded: {who} unavailable {_span(fields)}."
    offer_to_save(Draft(opened, key, fields, event, done, "Record that they are unavailable", faults))


def _span(fields: Fields) -> str:
    words = [("from", fields.cells[FIRST]), ("until", fields.cells[LAST])]
    return " ".join(f"{word} {date.fromisoformat(cell):%d/%m/%Y}" for word, cell in words if _is_day(cell))


def _is_day(cell: str) -> bool:
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True


def _left(opened: OpenedRegister, supporter_id: str, row: Cells) -> None:
    words = f"Recorded: {opened.person(supporter_id)} leaves; the last day is"
    _offer_day(opened, f"left_{supporter_id}_{entries()}", row, "Last day", left, words, "Record that they leave")


def _back(opened: OpenedRegister, supporter_id: str, row: Cells) -> None:
    words = f"Recorded: {opened.person(supporter_id)} is back from"
    _offer_day(
        opened, f"back_{supporter_id}_{entries()}", row, "First day back", back, words, "Record that they are back"
    )


def _offer_day(
    opened: OpenedRegister,
    key: str,
    row: Cells,
    label: str,
    make: Callable[..., Event | None],
    words: str,
    button: str,
) -> None:
    fields = Fields(key, {LAST: opened.inputs.as_at.isoformat()})
    fields.day(LAST, label)
    why = _why(key)
    event, faults = None, NO_FAULTS
    try:
        _, on = absence("", fields.cells[LAST])
        event = make(row, on, by=person.who(), why=why)
    except DataError as error:
        faults = faults_in(error.problems)
    done = f"{words} {date.fromisoformat(fields.cells[LAST]):%d/%m/%Y}." if _is_day(fields.cells[LAST]) else ""
    offer_to_save(Draft(opened, key, fields, event, done, button, faults))


_FORMS: Mapping[str, Callable[[OpenedRegister, str, Cells], None]] = {
    "change": _change,
    "contact": _contact,
    "unavailable": _unavailable,
    "left": _left,
    "back": _back,
}


def _why(key: str) -> str:
    return st.text_input("Why? (optional)", key=f"{key}_why", max_chars=1_000) or ""


def _contact_fields(fields: Fields) -> None:
    one, other = st.columns(2, gap="medium")
    with one:
        fields.text("email", "Email address", most=320)
    with other:
        fields.text("phone", "Telephone")


def _person_fields(opened: OpenedRegister, fields: Fields, first: str = "") -> None:
    designations = {code: f"{code}: {one.title}" for code, one in standard_vocabulary().designations.items()}
    fields.text("name", "Name")
    fields.school("school_urn", "Home school", opened.schools)
    one, other = st.columns(2, gap="medium")
    with one:
        fields.one("supporters", "designation", "Designation", words=designations)
        fields.several("supporters", "phases", "Phases that they can support")
        fields.number("max_deployments", "Places", step=1, most=1_000, about="Schools at the same time. Blank: 1.")
        fields.number("max_distance_km", "Distance (km)", step=0.5, most=1_500, about="Blank: the limit of the rules.")
        fields.day("available_from", "Available from")
    with other:
        if first:
            fields.text("supporter_id", "Identifier", first, most=64)
        fields.several("supporters", "specialisms", "Specialisms", about="At least one for an SLE.")
        fields.number("days_available", "Days", step=0.25, most=10_000, about="Blank: no limit.")
        fields.text("alliance", "Alliance", about="The teaching school that places them.")
        fields.day("available_until", "Available until")
    fields.schools("conflicts", "Schools that they must not support", opened.schools)


# ---- several people ------------------------------------------------------------------------------------------------


def show_people_together(opened: OpenedRegister, supporter_ids: Sequence[str]) -> None:
    """Show what can be recorded about several people at a time."""
    with st.container(border=True, key="chosen"):
        st.html(markup.heading(f"{len(supporter_ids):,} people together", 2))
        st.html(markup.paragraph(f"{_named(opened, supporter_ids)}."))
        if opened.is_approved:
            return
        labels = {
            "unavailable": "They are unavailable for a time",
            "max_distance_km": "Their distance",
            "max_deployments": "Their places",
        }
        chosen = st.selectbox(
            "What do you want to record?",
            list(labels),
            index=None,
            format_func=lambda one: labels.get(one, one),
            placeholder="An absence, a distance or places",
            key=f"record_together_{entries()}",
        )
        rows = [opened.rows("supporters")[(one,)] for one in supporter_ids]
        if chosen == "unavailable":
            _offer_absence(
                opened, f"away_together_{entries()}", rows, f"{counted(len(rows), 'person is', 'people are')}"
            )
        elif chosen:
            _offer_number(opened, chosen, rows)


def _offer_number(opened: OpenedRegister, column: str, rows: Sequence[Cells]) -> None:
    key = f"{column}_together_{entries()}"
    fields = Fields(key)
    if column == "max_distance_km":
        fields.number(column, "Distance (km)", step=0.5, most=1_500, about="Blank: the limit of the rules.")
    else:
        fields.number(column, "Places", step=1, most=1_000, about="Schools at the same time. Blank: 1.")
    why = _why(key)
    event = edited_supporters(rows, fields.cells, by=person.who(), why=why)
    what = "the distance" if column == "max_distance_km" else "the number of places"
    changed = len(event.changes) if event else 0
    done = f"Recorded: {what} of {counted(changed, 'person', 'people')} is changed."
    offer_to_save(Draft(opened, key, fields, event, done, "Save the change"))


def _named(opened: OpenedRegister, supporter_ids: Sequence[str]) -> str:
    return listed([opened.person(one) for one in supporter_ids], _MOST_NAMED)
