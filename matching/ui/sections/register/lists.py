"""What the lists of people and of needs have in common: the choice to look at what is there or to add one."""

import pandas as pd
import streamlit as st

from matching.ui.sections.register.opened import OpenedRegister

LOOK, ADD = "look", "add"


def chosen_task(opened: OpenedRegister, table: pd.DataFrame, words: dict[str, str], key: str) -> str:
    """Show what can be done, and return which was chosen: `LOOK` at what is there, or `ADD` one."""
    tasks = [LOOK, ADD] if len(table) else [ADD]
    if opened.is_approved:
        tasks = [LOOK]
    return str(st.radio("What do you want to do?", tasks, format_func=words.__getitem__, horizontal=True, key=key))
