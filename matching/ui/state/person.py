"""The name of the person at this browser, for the record of what is changed."""

import getpass

import streamlit as st

_WHO = "who"


def who() -> str:
    """Return the name that is recorded with every change: the one given here, or else the machine's user name."""
    given: str = st.session_state.get(_WHO) or _names().get(_machine_user(), "")
    return given or _machine_user()


def be_called(name: str) -> None:
    """Take a name for the record; a blank one is ignored."""
    if shown := " ".join(name.split()):
        st.session_state[_WHO] = _names()[_machine_user()] = shown


@st.cache_resource(show_spinner=False)
def _names() -> dict[str, str]:
    """Return the name given last, by the machine's user: a refresh empties the memory of a tab."""
    return {}


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "Name not given"
