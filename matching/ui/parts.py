"""What every screen has: its heading, the way on, and the red summary that takes focus."""

import json
from collections.abc import Sequence

import streamlit as st

from matching.rounds import Round
from matching.ui import markup, session
from matching.ui.steps import START, Step
from matching.ui.words import moment


def screen_heading(step: Step, round_: Round | None, what_next: str) -> None:
    """The title, one sentence on what the screen is for and what to do next, and which round is open."""
    if round_ and step is not START:
        st.html(markup.paragraph(f"{round_.name}, begun on {moment(round_.created_at)}", quiet=True))
    st.title(step.title, anchor=False)
    st.html(markup.lead(f"{step.purpose} {what_next}"))


def round_or_stop(step: Step) -> Round:
    """The open round; without one the screen says so and ends here."""
    round_ = session.current()
    if round_ is None:
        st.title(step.title, anchor=False)
        missing = "The round in the address is not in the database of this machine. "
        st.html(
            markup.lead(f"{missing if session.is_missing() else ''}No round is open. Open the demo or your tables.")
        )
        link(START, "Go to Start")
        st.stop()
    return round_


def link(step: Step, words: str, *, round_: Round | None = None) -> None:
    """A link to a screen, which keeps the round open."""
    st.page_link(step.path, label=words, query_params={"round": round_.round_id} if round_ else None)


def go_to(step: Step) -> None:
    """Show a screen now."""
    held = session.held()
    st.switch_page(step.path, query_params={"round": held.round_id} if held else None)


def error_summary(title: str, lines: Sequence[str], *, target: str = "", occasion: int = 0) -> None:
    """The red summary; it takes the focus each time that `occasion` is a new one."""
    st.html(markup.error_summary(title, lines, link=target))
    # Only numbers and names of ours go into the script; the summary itself stays outside it.
    st.html(
        f"<script>/* {json.dumps(occasion)} */ setTimeout(() => document.getElementById('error-summary')?.focus(), 50);"
        "</script>",
        unsafe_allow_javascript=True,
    )
