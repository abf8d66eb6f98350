"""What the lists of people and of needs have in common: the choice to look at what is there or to add one."""

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.ui.formatting import markup
from matching.ui.sections.register.opened import OpenedRegister

LOOK, ADD = "look", "add"
_MOST_CONTACTS = 5


def warn_of_contacts(opened: OpenedRegister) -> None:
    """Show which contact details of the tables cannot be used, and are blank until they are corrected."""
    found = [str(one) for one in opened.inputs.unusable_contacts]
    if found:
        more = [f"and {len(found) - _MOST_CONTACTS:,} more"] if len(found) > _MOST_CONTACTS else []
        title = f"{counted(len(found), 'contact detail')} cannot be used until corrected here or in a newer table."
        st.html(markup.banner(title, [*found[:_MOST_CONTACTS], *more], kind="warning"))


def chosen_task(opened: OpenedRegister, table: pd.DataFrame, words: dict[str, str], key: str) -> str:
    """Show what can be done, and return which was chosen: `LOOK` at what is there, or `ADD` one."""
    tasks = [LOOK, ADD] if len(table) else [ADD]
    if opened.is_approved:
        tasks = [LOOK]
    return str(st.radio("What do you want to do?", tasks, format_func=words.__getitem__, horizontal=True, key=key))
