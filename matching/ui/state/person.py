"""The person at this browser: their name, for the record of what is changed.

The server keeps the name by browser, so that every tab has it as soon as it is given. The browser keeps it in a cookie,
so that it is not asked for again after the server was stopped. Streamlit cannot set a cookie by itself; see
`show_frame` in `widgets.layout`.
"""

import re
import secrets
from urllib.parse import quote, unquote

import streamlit as st

from matching.ui.browser import cookie, this_browser

NAME_COOKIE = "s2s_name"
LONGEST_NAME = 80

_QUOTED = re.compile(r"[\w%.~-]{1,1000}", re.ASCII)
_TAB = "tab"


def who() -> str:
    """Return the name that is recorded with every change; blank until one is given."""
    return _names().get(browser_or_tab()) or _tidy(unquote(cookie(NAME_COOKIE, _QUOTED)))


def be_called(name: str) -> bool:
    """Take a name for the record; False if it is blank, which changes nothing."""
    tidy = _tidy(name)
    if tidy:
        _names()[browser_or_tab()] = tidy
    return bool(tidy)


def quoted_name() -> str:
    """Return the name as the cookie has it: letters, digits and `%._~-` only."""
    return quote(who(), safe="")


def browser_or_tab() -> str:
    """Return what distinguishes this browser from others; in one that keeps no cookies, each tab counts for itself."""
    return this_browser() or str(st.session_state.setdefault(_TAB, secrets.token_urlsafe()))


@st.cache_resource(show_spinner=False)
def _names() -> dict[str, str]:
    """Return the names given since the server was started, by browser."""
    return {}


def _tidy(name: str) -> str:
    """Return a name on one line; anyone can write a cookie, so it need not be one that was given here."""
    return " ".join("".join(one if one.isprintable() else " " for one in name).split())[:LONGEST_NAME].strip()
