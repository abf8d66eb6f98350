"""A tab of the app without a browser: it exchanges the same messages with the server, and draws nothing.

Its times are the server's own, and many tabs use no more memory than one browser. It handles the messages of Streamlit
that the journey of `sessions.py` needs.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import requests
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

_LARGEST_MESSAGE = 256 * 1024**2
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Tab:
    """One person's tab.

    Attributes
    ----------
    elements : dict of tuple to tuple
        The elements of the screen by position: kind, message and fragment.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        self.elements: dict[tuple[int, ...], tuple[str, Any, str]] = {}
        self._address, self._timeout_s = address, timeout_s
        self._http = requests.Session()
        self._states: dict[str, WidgetState] = {}
        self._pages: dict[str, str] = {}
        self._page = self._query = self._session_id = ""
        self._again: tuple[float, str] | None = None
        self._asked = 0
        self._stream: ClientConnection

    async def open(self) -> None:
        """Open the app, and wait for its first screen."""
        await self._get("/")
        # Sets the cookie that an upload needs; the one that a download needs came with the page.
        await self._get("/_stcore/health")
        address = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        cookies = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        self._stream = await connect(
            address,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers={"Cookie": cookies},
            max_size=_LARGEST_MESSAGE,
        )
        await self._run()

    async def close(self) -> None:
        """Close the tab."""
        await self._stream.close()

    # ---- looking ---------------------------------------------------------------------------------------------------

    def words(self) -> str:
        """Return the HTML and the headings of the screen."""
        return "\n".join(message.body for _, message, _ in self._of("html", "heading", "markdown"))

    def one(self, kind: str, label: str) -> tuple[Any, str]:
        """Return the widget of a kind with this label, or one that starts with it, and its fragment."""
        found = [(message, fragment) for _, message, fragment in self._of(kind)]
        named = [one for one in found if one[0].label == label] or [
            one for one in found if one[0].label.startswith(label)
        ]
        if not named:
            raise LookupError(f"no {kind} '{label}', only {[message.label for message, _ in found]}")
        return named[0]

    def cell(self, column: str) -> str:
        """Return a cell of the first row of the first grid."""
        grid = next(message for _, message, _ in self._of("dataframe", "arrow_data_frame"))
        return str(convert_arrow_bytes_to_pandas_df(grid.arrow_data.data)[column].iat[0])

    def _of(self, *kinds: str) -> Iterator[tuple[str, Any, str]]:
        return (one for _, one in sorted(self.elements.items()) if one[0] in kinds)

    # ---- doing -----------------------------------------------------------------------------------------------------

    async def go(self, screen: str) -> None:
        """Open a screen by the menu."""
        self._page = self._pages[screen]
        self._states.clear()
        await self._run()

    async def give_name(self, name: str) -> None:
        """Answer the first question."""
        box, _ = self.one("text_input", "Your name, for the record")
        self._states[box.id] = WidgetState(id=box.id, string_value=name)
        await self.press("Continue")
        self._states.clear()

    async def press(self, label: str) -> None:
        """Press a button, and wait for the screen."""
        button, fragment = self.one("button", label)
        await self._run(WidgetState(id=button.id, trigger_value=True), fragment=fragment)

    async def choose(self, label: str, words: str) -> None:
        """Choose the first option that contains these words; in a form, it is sent with the button."""
        box, fragment = self.one("selectbox", label)
        option = next(one for one in box.options if words in one)
        self._states[box.id] = WidgetState(id=box.id, string_value=option)
        if not box.form_id:
            await self._run(fragment=fragment)

    async def upload(self, label: str, name: str, content: bytes) -> None:
        """Put a file into a slot of a form."""
        slot, _ = self.one("file_uploader", label)
        request = BackMsg()
        request.file_urls_request.request_id = self._request_id()
        request.file_urls_request.file_names.append(name)
        answer = await self._answer(request, lambda message: message.HasField("file_urls_response"))
        (urls,) = answer.file_urls_response.file_urls
        headers = {"X-Xsrftoken": self._http.cookies.get("_streamlit_xsrf", "")}
        files = {"file": (name, content)}
        response = await asyncio.to_thread(
            self._http.put, self._address + urls.upload_url, files=files, headers=headers, timeout=self._timeout_s
        )
        response.raise_for_status()
        state = WidgetState(id=slot.id)
        given = state.file_uploader_state_value.uploaded_file_info.add()
        given.name, given.size, given.file_id = name, len(content), urls.file_id
        given.file_urls.CopyFrom(urls)
        self._states[slot.id] = state

    async def download(self, label: str) -> bytes:
        """Download a file that is made on request."""
        button, _ = self.one("download_button", label)
        request = BackMsg()
        request.backend_operation_request.request_id = self._request_id()
        request.backend_operation_request.session_id = self._session_id
        request.backend_operation_request.deferred_file.file_id = button.deferred_file_id
        answer = await self._answer(request, lambda message: message.HasField("backend_operation_response"))
        if answer.backend_operation_response.error_msg:
            raise RuntimeError(answer.backend_operation_response.error_msg)
        return await self._get(answer.backend_operation_response.deferred_file.url)

    async def until(self, words: str) -> None:
        """Wait until the screen shows these words, refreshing it as often as it requests."""
        while words not in self.words():
            if self._again is None:
                raise LookupError(f"'{words}' is not on the screen: {self.words()[-2000:]}")
            interval_s, fragment = self._again
            await asyncio.sleep(interval_s)
            await self._run(fragment=fragment, by_itself=True)

    # ---- speaking --------------------------------------------------------------------------------------------------

    async def _get(self, path: str) -> bytes:
        response = await asyncio.to_thread(self._http.get, self._address + path, timeout=self._timeout_s)
        response.raise_for_status()
        return response.content

    def _request_id(self) -> str:
        self._asked += 1
        return f"request-{self._asked}"

    async def _run(self, *triggers: WidgetState, fragment: str = "", by_itself: bool = False) -> None:
        request = BackMsg()
        state = request.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self._query, self._page, fragment
        state.is_auto_rerun = by_itself
        state.widget_states.widgets.extend([*self._states.values(), *triggers])
        state.context_info.timezone, state.context_info.locale = "Europe/London", "en-GB"
        await self._answer(
            request, lambda message: message.HasField("script_finished") and message.script_finished in _DONE
        )

    async def _answer(self, request: BackMsg, is_it: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        await self._stream.send(request.SerializeToString())
        async with asyncio.timeout(self._timeout_s):
            while True:
                message = ForwardMsg.FromString(await self._stream.recv())  # type: ignore[arg-type]
                self._take(message)
                if is_it(message):
                    return message

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            fragments = set(message.metadata.run.fragment_ids)
            if not fragments:
                self._again = None
            self._page = message.new_session.page_script_hash
            self._session_id = message.new_session.initialize.session_id
            # An element that a run does not draw again is gone.
            self.elements = {
                place: one for place, one in self.elements.items() if fragments and one[2] not in fragments
            }
        elif kind == "navigation":
            self._pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._again = (message.auto_rerun.interval, message.auto_rerun.fragment_id)
        elif kind == "delta" and message.delta.HasField("new_element"):
            what = message.delta.new_element.WhichOneof("type")
            element = getattr(message.delta.new_element, what)
            if what == "exception":
                raise RuntimeError(element.message)
            self.elements[tuple(message.metadata.delta_path)] = (what, element, message.delta.fragment_id)
