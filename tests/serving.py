"""The app as a process of its own, on a database of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest


class App:
    """The server of one database; it can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.database = folder / "rounds.db"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, **variables: str) -> None:
        """Start the server with more options, and with more environment variables."""
        command = [sys.executable, "-m", "matching", "app", "--no-browser", "--port", str(self.port), *options]
        environment = os.environ | {"S2S_DATABASE_URL": f"sqlite:///{self.database}"} | variables
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1):
                    return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        self.stop(signal.SIGKILL)
        pytest.fail(f"The server did not start.\n{self.log()}")

    def log(self) -> str:
        return (self._folder / "server.log").read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(timeout=20)
