"""The slots for a round's files, on the screens that take them."""

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from matching.files import Source
from matching.inputs import REQUIRED_TABLES

LIMIT_SENTENCE = "Each file may be up to 20 MB."


@dataclass(frozen=True)
class Slot:
    """Where one table is given; `about` is one sentence for people."""

    name: str
    about: str

    @property
    def label(self) -> str:
        """The slot's words."""
        return self.name.capitalize() + ("" if self.name in REQUIRED_TABLES else " (optional)")

    @property
    def types(self) -> list[str]:
        """Endings of the files it takes."""
        return ["toml"] if self.name == "policy" else ["csv", "xlsx", "gz"]


SLOTS = {
    slot.name: slot
    for slot in (
        Slot("schools", "One row for each school, or the official GIAS extract as it is."),
        Slot("supporters", "One row for each accredited leader, with their home school and what they offer."),
        Slot("needs", "One row for each request of a school, with what it is about."),
        Slot("accreditation", "The evidence for each criterion. Without it, designations are taken as stated."),
        Slot("decisions", "What people have settled already: pinned, forbidden or declined."),
        Slot("policy", "Weights, limits and rules. Without it, the usual ones; you can change them later."),
    )
}


def upload_slots(names: Iterable[str], occasion: str) -> dict[str, Source]:
    """Slots in two columns; returns what has been uploaded.

    Parameters
    ----------
    names : iterable of str
        Which tables.
    occasion : str
        Tells these slots from others, so that old files do not linger in them.
    """
    columns = st.columns(2, gap="medium")
    found: dict[str, Source] = {}
    for position, slot in enumerate(SLOTS[name] for name in names):
        with columns[position % 2]:
            file = st.file_uploader(slot.label, type=slot.types, key=f"upload_{slot.name}_{occasion}", help=None)
            st.caption(slot.about)
        if file is not None:
            found[slot.name] = Source(file.name, file.getvalue())
    return found
