"""Starting the app: Streamlit with the screens of this package, and every setting given here."""

import gc
import importlib
import socket
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit.cli_util import open_browser as open_in_browser
from streamlit.starlette import App

from matching.errors import DataError, Problem
from matching.rounds.store import open_store
from matching.ui.app import screens
from matching.ui.browser import OwnPagesOnly
from matching.ui.state.params import server_params
from matching.ui.steps import SCREENS
from matching.ui.widgets.downloads import keep_downloads


def serve(*, port: int, demo: bool, open_browser: bool) -> None:
    """Serve the screens on this machine until the program is stopped.

    Parameters
    ----------
    port : int
    demo : bool
        Open the fictional area in each browser that comes, once.
    open_browser : bool
        Open the app in the default browser.

    Raises
    ------
    DataError
        The port is taken, or the database or the settings of the screens cannot be used.
    """
    params = server_params()
    _warm_up()
    settings = {
        **_settings(),
        "server.port": port,
        "server.headless": True,
        "server.maxUploadSize": params.largest_file_mb,
        "logger.hideWelcomeMessage": True,
    }
    host = settings["browser.serverAddress"]
    _check_free(host, port)
    address = f"http://{host}:{port}"

    @asynccontextmanager
    async def while_served(_: App) -> AsyncIterator[None]:
        if open_browser:
            open_in_browser(address)
        yield

    print(f"School support matching is open at {address} (stop it with Ctrl+C).", flush=True)
    keep_downloads(params.download_kept_s)
    script = str(Path(screens.__file__))
    # Streamlit hands these words on to the screens, and finds other files of the script next to the first.
    sys.argv = [script, *([screens.DEMO_FLAG] if demo else [])]
    with suppress(KeyboardInterrupt):
        App(script, middleware=[Middleware(OwnPagesOnly)], lifespan=while_served).run(config=settings)


def _warm_up() -> None:
    """Load the screens and migrate the database now, so that the first visitor does not wait for either.

    Everything loaded by then is exempted from garbage collection: it lives as long as the server, and searching it
    every few seconds would stop all screens for a quarter of a second.
    """
    for step in SCREENS:
        importlib.import_module(f"matching.ui.pages.{step.file.removesuffix('.py')}")
    open_store().close()
    gc.freeze()


def _settings() -> dict[str, Any]:
    """Return the settings of .streamlit/config.toml by name; a wheel has a copy of the file in this package."""
    packed = files("matching.ui") / "config.toml"
    source = packed if packed.is_file() else Path(__file__).parents[3] / ".streamlit" / "config.toml"
    sections = tomllib.loads(source.read_text(encoding="utf-8"))
    return {f"{section}.{name}": value for section, values in sections.items() for name, value in values.items()}


def _check_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            message = f"Port {port} is in use, perhaps by this app in another window."
            raise DataError([Problem("--port", None, "", str(port), message, "Name another, such as 8600.")]) from error
