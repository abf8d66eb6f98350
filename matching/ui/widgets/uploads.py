"""The slots for a round's files, on the screens that take them."""

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES
from matching.inputs.recognise import WORKBOOK
from matching.tables.files import Source
from matching.ui.formatting import markup
from matching.ui.state.params import screen_params

_TABLE_TYPES = ("csv", "xlsx", "gz", "zip")
_PEOPLE_TABLES = (*REQUIRED_TABLES, *OPTIONAL_TABLES)


@dataclass(frozen=True)
class Slot:
    """Where one file is given; `about` is one sentence for people."""

    name: str
    about: str
    title: str = ""
    types: tuple[str, ...] = _TABLE_TYPES

    @property
    def label(self) -> str:
        """What the slot is called."""
        if self.title:
            return self.title
        return self.name.capitalize() + ("" if self.name in REQUIRED_TABLES else " (optional)")


SLOTS = {
    slot.name: slot
    for slot in (
        Slot("schools", "One row for each school, or the official GIAS extract as it is (csv, gz or zip)."),
        Slot("supporters", "One row for each accredited leader, with their home school and what they offer."),
        Slot("needs", "One row for each request of a school, with what it is about."),
        Slot(
            WORKBOOK,
            "Instead of the tables one by one: an Excel workbook with a sheet for each.",
            "One workbook with several tables",
            ("xlsx", "gz"),
        ),
        Slot("accreditation", "The evidence for each criterion. Without it, designations are taken as stated."),
        Slot("decisions", "What people have settled already: pinned, forbidden or declined."),
        Slot(
            "policy",
            "Weights, limits and rules. Without it, the usual ones; you can change them later.",
            types=("toml",),
        ),
        Slot(
            "ofsted",
            "Ofsted's management information of state-funded schools: newer grades than those in GIAS.",
            "Ofsted's file (optional)",
        ),
        Slot(
            "links",
            "The GIAS file of predecessors and successors: finds schools that got a new URN.",
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
    """What slots stand in, with a button of their own to send them.

    The screen is made anew when the button is pressed, not at each file. That is quicker; and Streamlit forgets to
    answer a browser that asks where to send a file in the moment when a screen begins to be made, so that a second
    file, chosen at once after the first, would never arrive.
    """
    return st.form(f"files_{occasion}", border=False, enter_to_submit=False)


def upload_slots(names: Iterable[str], occasion: str) -> dict[str, Source]:
    """Slots in two columns; returns what has been uploaded, without files that are too large.

    Parameters
    ----------
    names : iterable of str
        Which tables.
    occasion : str
        Tells these slots from others, so that old files do not linger in them.
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
    key = f"upload_{slot.name}_{occasion}"
    file = st.file_uploader(slot.label, type=slot.types, key=key, label_visibility="collapsed")
    if file is None:
        return None
    if file.size > screen_params().largest_file_mb * 1024**2:
        st.html(markup.banner(f"{file.name} is not read.", [limit_sentence()], kind="warning"))
        return None
    return Source(file.name, file.getvalue())
