"""Starting the app: Streamlit with the screens of this package, and every setting given here."""

import gc
import importlib
import socket
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from streamlit.web import bootstrap

from matching.errors import DataError, Problem
from matching.rounds.store import open_store
from matching.ui import screens
from matching.ui.state.params import server_params
from matching.ui.steps import STEPS
from matching.ui.widgets.downloads import keep_downloads


def serve(*, port: int, demo: bool, open_browser: bool) -> None:
    """Serve the screens on this machine until the program is stopped.

    Parameters
    ----------
    port : int
    demo : bool
        Open the fictional area on the first screen of each tab.
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
        "server_port": port,
        "server_headless": not open_browser,
        "server_maxUploadSize": params.largest_file_mb,
        "logger_hideWelcomeMessage": True,
    }
    address = settings["browser_serverAddress"]
    _check_free(address, port)
    print(f"School support matching is open at http://{address}:{port} (stop it with Ctrl+C).", flush=True)
    keep_downloads(params.download_kept_s)
    bootstrap.load_config_options(settings)
    bootstrap.run(str(Path(screens.__file__)), False, [screens.DEMO_FLAG] if demo else [], settings)


def _warm_up() -> None:
    """Load the screens and migrate the database now, so that the first visitor does not wait for either.

    Everything loaded by then is exempted from garbage collection: it lives as long as the server, and searching it
    every few seconds would stop all screens for a quarter of a second.
    """
    for step in STEPS:
        importlib.import_module(f"matching.ui.pages.{step.file.removesuffix('.py')}")
    open_store().close()
    gc.freeze()


def _settings() -> dict[str, Any]:
    """Return the settings of .streamlit/config.toml as flags; a wheel has a copy of the file in this package."""
    packed = files("matching.ui") / "config.toml"
    source = packed if packed.is_file() else Path(__file__).parents[2] / ".streamlit" / "config.toml"
    sections = tomllib.loads(source.read_text(encoding="utf-8"))
    return {f"{section}_{name}": value for section, values in sections.items() for name, value in values.items()}


def _check_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            message = f"Port {port} is in use, perhaps by this app in another window."
            raise DataError([Problem("--port", None, "", str(port), message, "Name another, such as 8600.")]) from error
