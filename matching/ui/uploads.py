"""The slots for a round's files, on the screens that take them."""

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from matching.files import Source
from matching.inputs import REQUIRED_TABLES
from matching.ui import markup

LIMIT_SENTENCE = "Each file may be up to 20 MB."


@dataclass(frozen=True)
class Slot:
    """Where one table is given; `about` is one sentence for people."""

    name: str
    about: str

    @property
    def label(self) -> str:
        """What the slot is called."""
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
    found: dict[str, Source] = {}
    listed = [SLOTS[name] for name in names]
    # Row by row, so that neighbours stay level and one column on a phone keeps the order.
    for pair in (listed[start : start + 2] for start in range(0, len(listed), 2)):
        for slot, column in zip(pair, st.columns(2, gap="medium", vertical_alignment="bottom"), strict=False):
            with column, st.container(gap="xsmall"):
                st.html(markup.term(slot.label, slot.about))
                key = f"upload_{slot.name}_{occasion}"
                file = st.file_uploader(slot.label, type=slot.types, key=key, label_visibility="collapsed")
            if file is not None:
                found[slot.name] = Source(file.name, file.getvalue())
    return found
