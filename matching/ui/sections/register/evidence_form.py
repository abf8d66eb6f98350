"""The evidence of one person's accreditation, criterion by criterion, and the form that changes it."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from matching.errors import counted
from matching.pairs.market import open_market
from matching.rounds.edits import evidence_changed
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import day
from matching.ui.sections.confirmation import entries
from matching.ui.sections.register.fields import Fields
from matching.ui.sections.register.opened import OpenedRegister
from matching.ui.sections.register.saving import Draft, offer_to_save
from matching.ui.state import person

VERDICT_COLOURS: Mapping[str, str] = {
    "met": "green",
    "not met": "red",
    "not evidenced": "yellow",
    "due for review": "blue",
}


def show_evidence(opened: OpenedRegister, supporter_id: str) -> None:
    """Show a person's criteria with the evidence, and a form for one of them."""
    inputs = opened.inputs
    people = inputs.supporters[inputs.supporters["supporter_id"] == supporter_id].reset_index(drop=True)
    designation = str(people["designation"].iat[0])
    if inputs.accreditation is None:
        st.html(markup.banner("This round has no evidence yet.", [_about_first(opened)], kind="warning"))
    else:
        evidence = inputs.accreditation
        own = evidence[evidence["supporter_id"] == supporter_id].reset_index(drop=True)
        market = open_market(replace(inputs, supporters=people, accreditation=own, baseline=None))
        caption = f"Evidence for each criterion, as at {day(inputs.as_at)}"
        st.html(markup.table(frames.evidence(market, supporter_id), caption, tags=VERDICT_COLOURS))
    criteria = {
        code: f"{code}: {one.wording}"
        for code, one in inputs.vocabulary.criteria.items()
        if one.designation == designation
    }
    key = f"evidence_{supporter_id}_{entries()}"
    criterion = st.selectbox(
        "Criterion",
        list(criteria),
        index=None,
        format_func=lambda one: criteria.get(one, one),
        placeholder="Choose a criterion",
        key=f"{key}_criterion",
    )
    if criterion:
        _offer(opened, supporter_id, criterion, f"{key}_{criterion}")


def _offer(opened: OpenedRegister, supporter_id: str, criterion: str, key: str) -> None:
    rows = opened.rows("accreditation")
    row = rows.get((supporter_id, criterion))
    fields = Fields(key, row)
    left, right = st.columns(2, gap="medium")
    with left:
        fields.one("accreditation", "met", "Is it met?")
    with right:
        fields.day("checked_on", "Checked on")
    fields.notes("evidence", "Evidence")
    cells = fields.cells
    about = {"supporter_id": supporter_id, "criterion": criterion}
    is_given = row is not None or any(cells.values())
    event = evidence_changed(row, {**about, **cells}, by=person.who()) if is_given else None
    done = f"Recorded: the evidence for {criterion} of {opened.person(supporter_id)}."
    offer_to_save(Draft(opened, key, fields, event, done, "Save the evidence"))


def _about_first(opened: OpenedRegister) -> str:
    others = len(opened.inputs.supporters) - 1
    start = "Designations are taken as stated until the first evidence is saved."
    return f"{start} Then every person needs evidence, {counted(others, 'other', 'others')} too."
