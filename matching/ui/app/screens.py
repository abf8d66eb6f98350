"""The entry to the screens: the frame around them, and the message when one of them fails."""

import sys
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from matching.errors import DataError
from matching.rounds.store import StaleRoundError
from matching.ui.state import open_round, person, scheduling, setbacks
from matching.ui.steps import SCREENS, START, STEPS, Step
from matching.ui.widgets.layout import ask_name, close_menu, show_frame, show_setback

DEMO_FLAG = "--demo"

_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' fill='#1d70b8'/>"
    "<path d='M8 9L24 16M8 16L24 9M8 23L24 23' stroke='#fff' stroke-width='2'/>"
    "<g fill='#fff'><circle cx='8' cy='9' r='3'/><circle cx='8' cy='16' r='3'/><circle cx='8' cy='23' r='3'/>"
    "<circle cx='24' cy='9' r='3'/><circle cx='24' cy='16' r='3'/><circle cx='24' cy='23' r='3'/></g></svg>"
)


def open_screens() -> None:
    """Show the screen that the address names."""
    st.set_page_config(page_title="School support matching", page_icon=_ICON, layout="wide")
    st.html(Path(__file__).parents[1] / "widgets" / "style.css")
    has_name = bool(person.who())
    screen = st.navigation([_page(step) for step in SCREENS], position="top" if has_name else "hidden")
    close_menu(screen.url_path)
    if not has_name:
        ask_name()
        return
    show_frame()
    try:
        if DEMO_FLAG in sys.argv[1:]:
            open_round.open_demo_once()
        if setback := setbacks.take_setback():
            show_setback(setback)
        with scheduling.click():
            screen.run()
    except (DataError, StaleRoundError) as error:
        show_setback(setbacks.setback_of(error))


def _page(step: Step) -> StreamlitPage:
    return st.Page(
        step.path,
        title=step.title,
        url_path=step.url_path,
        default=step is START,
        visibility="visible" if step in STEPS else "hidden",
    )


if __name__ == "__main__":
    open_screens()
