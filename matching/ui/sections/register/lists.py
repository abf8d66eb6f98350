"""What the lists of people and of needs have in common: the search, and the choice to add one."""

from collections.abc import Sequence

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


def with_words(table: pd.DataFrame, text: str, columns: Sequence[str]) -> pd.Series:
    """Return by row whether its cells in these columns together hold every word of a text."""
    keep = pd.Series(True, index=table.index)
    words = text.casefold().split()
    if words and len(table):
        line = table[list(columns)].astype(str).agg(" ".join, axis=1).str.casefold()
        for word in words:
            keep &= line.str.contains(word, regex=False)
    return keep
