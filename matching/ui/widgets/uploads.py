"""Upload slots for the files of a round, and the form that they are in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.errors import DataError
from matching.inputs.locations import COLUMNS
from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES
from matching.inputs.recognise import WORKBOOK, with_places, with_sheets_apart, without_workbook
from matching.rounds.register import blank_table
from matching.tables.files import Source
from matching.ui.formatting import markup
from matching.ui.state import attempts, open_round
from matching.ui.state.params import screen_params
from matching.ui.steps import CHECK, NEWER
from matching.ui.widgets.layout import error_summary, go_to

_TABLE_TYPES = ("csv", "xlsx", "gz", "zip")
_PEOPLE_TABLES = (*REQUIRED_TABLES, *OPTIONAL_TABLES)


@dataclass(frozen=True)
class Slot:
    """The place to upload one file; `about` is the sentence next to it."""

    name: str
    about: str
    title: str = ""
    types: tuple[str, ...] = _TABLE_TYPES

    @property
    def label(self) -> str:
        """The name of the slot on the screen."""
        if self.title:
            return self.title
        return self.name.capitalize() + ("" if self.name in REQUIRED_TABLES else " (optional)")


SLOTS = {
    slot.name: slot
    for slot in (
        Slot("schools", "One row for each school, or the official GIAS extract as downloaded (csv, gz or zip)."),
        Slot("supporters", "One row for each accredited leader: home school, phases, specialisms, places and days."),
        Slot("needs", "One row for each request for support: the school and the focus."),
        Slot(
            WORKBOOK,
            "An Excel workbook with a sheet for each table, instead of separate files.",
            "One workbook with several tables",
            ("xlsx", "gz"),
        ),
        Slot("accreditation", "The evidence for each criterion. Without it, designations are taken as stated."),
        Slot("decisions", "Pairs that are already decided: pinned, forbidden or declined."),
        Slot(
            "policy",
            "Weights, limits and rules. Without it, the defaults are used; you can change them later under Rules.",
            types=("toml",),
        ),
        Slot(
            "columns",
            "How the files are read, as kept from an earlier upload: their sheets, headers and columns.",
            "Columns file (optional)",
            ("toml",),
        ),
        Slot(
            "ofsted",
            "Ofsted's management information on state-funded schools. Its grades are newer than those in GIAS.",
            "Ofsted's file (optional)",
        ),
        Slot(
            "links",
            "The GIAS file of predecessors and successors. It finds schools whose URN has changed.",
            "Links file (optional)",
        ),
        Slot(
            "results",
            "A performance table with a column URN and measures such as P8MEA or PTRWM_EXP.",
            "Results (optional)",
        ),
    )
}

ROUND_SLOTS = tuple(name for name in SLOTS if name != "results")


def limit_sentence() -> str:
    """Return the sentence about how large a file may be."""
    return (
        f"Each file may be up to {screen_params().largest_file_mb} MB, unpacked 256 MB, with 1,048,576 rows. "
        "Official files may stay zipped, as they are downloaded."
    )


def upload_form(occasion: str) -> DeltaGenerator:
    """Return a form for upload slots; its own button sends them.

    With a form the screen is drawn again when the button is pressed, not at each file. That is quicker. It also avoids
    a fault of Streamlit: a browser that asks where to send a file just as the screen is drawn again gets no answer, so
    a second file, chosen straight after the first, would never arrive.
    """
    return st.form(f"files_{occasion}", border=False, enter_to_submit=False)


def upload_slots(names: Iterable[str], occasion: str) -> dict[str, Source]:
    """Show slots in two columns, and return the uploaded files without those that are too large.

    Parameters
    ----------
    names : iterable of str
        Which tables.
    occasion : str
        Part of the slots' keys: with a new one the slots are empty again.
    """
    found: dict[str, Source] = {}
    listed = [SLOTS[name] for name in names]
    # Row by row, so that neighbours stay level and one column on a phone keeps the order.
    for pair in (listed[start : start + 2] for start in range(0, len(listed), 2)):
        for slot, column in zip(pair, st.columns(2, gap="medium", vertical_alignment="bottom"), strict=False):
            with column, st.container(gap="xsmall"):
                given = _slot(slot, occasion)
            if given is not None:
                found[slot.name] = given
    return found


def _slot(slot: Slot, occasion: str) -> Source | None:
    st.html(markup.term(slot.label, slot.about))
    return uploaded_file(slot.label, f"upload_{slot.name}_{occasion}", slot.types, label_visibility="collapsed")


def uploaded_file(
    label: str,
    key: str,
    types: tuple[str, ...] = _TABLE_TYPES,
    *,
    label_visibility: Literal["visible", "collapsed"] = "visible",
) -> Source | None:
    """Show the place to upload one file, and return the file unless it is too large."""
    file = st.file_uploader(label, type=types, key=key, label_visibility=label_visibility)
    if file is None:
        return None
    if file.size > screen_params().largest_file_mb * 1024**2:
        st.html(markup.banner(f"{file.name} is too large.", [limit_sentence()], kind="warning"))
        return None
    return Source(file.name, file.getvalue())


def upload_round_files(name: str | None, kept: dict[str, Source]) -> None:
    """Ask for the files of the open round; or, if `name` is None, for those of a new round and for its name.

    Parameters
    ----------
    name : str, optional
        Of the round that begins with the files where they cannot go into the open one.
    kept : dict of str to Source
        The files that the round has already.
    """
    is_new = name is None
    with upload_form("start"):
        if name is None:
            name = st.text_input("Name of this round", value=open_round.suggested_name(), max_chars=80)
        st.html(
            markup.paragraph(
                f"Tables are CSV or Excel (.xlsx) files, and the policy is a TOML file. {limit_sentence()}", quiet=True
            )
        )
        uploaded = upload_slots(ROUND_SLOTS, "start")
        with st.container(horizontal=True):
            pressed = st.form_submit_button("Check the files", type="primary")
            alone = is_new and st.form_submit_button("Begin with the schools only")
        if is_new:
            about = "With the schools only, you type people and needs in later, under People and Needs."
            st.html(markup.paragraph(about, quiet=True))
    if not (pressed or alone):
        return
    if not uploaded:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        advice = "Choose at least one file above, then press the button again."
        error_summary("No file was uploaded", [advice], occasion=st.session_state["pressed"])
        return
    try:
        with st.spinner("Checking the files…"):
            newer = without_workbook(uploaded)
            sources = {**kept, **newer}
            # A columns file is taken as it is.
            if COLUMNS not in newer:
                sources = with_places(sources, newer, attempts.remembered_options())
            sources = with_sheets_apart(sources, uploaded)
            if alone:
                sources = {**{one: blank_table(one) for one in ("supporters", "needs")}, **sources}
            waiting = attempts.attempt()
            attempts.try_files(
                name.strip() or open_round.suggested_name(),
                sources,
                new_round=is_new,
                # The files that waited here are replaced.
                upload_id=waiting.upload_id if waiting and waiting.new_round == is_new else "",
            )
    except DataError as error:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        lines = [f"{one.table}: {one.message} {one.fix}" for one in error.problems]
        error_summary("The workbook cannot be used", lines, occasion=st.session_state["pressed"])
        return
    go_to(NEWER if attempts.proposal() and not attempts.attempt() else CHECK)
