"""Starting the app: Streamlit on the screens in this package, with every setting given here and none asked for."""

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
    """Serve the screens on this machine until it is told to stop.

    Parameters
    ----------
    port : int
    demo : bool
        Open the fictional area straight away.
    open_browser : bool

    Raises
    ------
    DataError
        The port is taken, or the database cannot be used.
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
    """Load the screens and bring the database up to date now, so that the first visitor does not wait for either.

    What is loaded then stays as long as the server does. Python is told so: it would look through all of it for what
    can be thrown away every few seconds, with everybody waiting for a quarter of a second.
    """
    for step in STEPS:
        importlib.import_module(f"matching.ui.pages.{step.file.removesuffix('.py')}")
    open_store().close()
    gc.freeze()


def _settings() -> dict[str, Any]:
    """The settings of the checkout's .streamlit/config.toml, which a wheel carries in this package, as flags."""
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
