"""Who may ask the server: pages of its own, on this machine; and which browser a request comes from.

A loopback address keeps other machines out, but not the other pages that a browser on this machine has open. A page of
another server can name any address (and, by DNS rebinding, under a name of its own). So every request is checked here
first, before Streamlit looks at it: its host, its origin and what the browser states about the page that sent it.

Cookies do not depend on the port. A program that serves another port of this machine can therefore read the cookies set
here, if the user opens its pages; only a browser profile of its own would prevent that.
"""

import re
import secrets
from contextvars import ContextVar

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

BROWSER_COOKIE = "s2s_browser"

_OWN_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[\w-]{43}", re.ASCII)
_REFUSAL = "School support matching answers only its own pages, on this machine."
_POLICY_VIOLATION = 1008

_asking: ContextVar[str] = ContextVar("asking", default="")


class OwnPagesOnly:
    """Middleware that refuses requests from elsewhere and gives each browser an identifier that cannot be guessed.

    It covers pages, files, uploads, the health check and the websocket alike. Streamlit's own check of origins ignores
    the port, and looks the addresses of this machine up; it is never reached by a request from elsewhere.

    Parameters
    ----------
    app : ASGIApp
        Answers the requests that are not refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _is_own(headers, scope.get("method", "")):
            is_page = scope["type"] == "http"
            refusal = PlainTextResponse(_REFUSAL, 403) if is_page else WebSocketClose(_POLICY_VIOLATION)
            await refusal(scope, receive, send)
            return
        known = HTTPConnection(scope).cookies.get(BROWSER_COOKIE, "")
        if _IDENTIFIER.fullmatch(known):
            _asking.set(known)
        elif scope["type"] == "http":
            # Without a cookie every request is from a browser of its own, so that none gets the files of another.
            _asking.set(secrets.token_urlsafe(32))
            send = _with_cookie(send, _asking.get()) if _is_navigation(headers) else send
        await self._app(scope, receive, send)


def this_browser() -> str:
    """Return the identifier of the browser that is being answered; blank if it keeps no cookies."""
    if asking := _asking.get():
        return asking
    # A screen runs in a thread of its own, where the request that opened its tab is found in Streamlit's context.
    return cookie(BROWSER_COOKIE, _IDENTIFIER)


def cookie(name: str, form: re.Pattern[str]) -> str:
    """Return a cookie as it was when this tab was opened; blank if there is none or it has another form."""
    value = str(st.context.cookies.get(name, ""))
    return value if form.fullmatch(value) else ""


def _is_own(headers: Headers, method: str) -> bool:
    """Return whether a request names this server, and comes from a page of this server or from the user."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _OWN_HOST.fullmatch(hosts[0]):
        return False
    if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in headers.getlist("origin")):
        return False
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return True
    # A link on another page may open the app in a tab, never inside that page.
    return method == "GET" and _is_navigation(headers) and headers.get("sec-fetch-dest") == "document"


def _is_navigation(headers: Headers) -> bool:
    return headers.get("sec-fetch-mode", "navigate") == "navigate"


def _with_cookie(send: Send, identifier: str) -> Send:
    """Return `send` so that the answer sets the cookie. Scripts cannot read it, and it ends with the browser."""

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            value = f"{BROWSER_COOKIE}={identifier}; Path=/; HttpOnly; SameSite=Lax"
            MutableHeaders(scope=message).append("set-cookie", value)
        await send(message)

    return send_with_cookie
