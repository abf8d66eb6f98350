"""What goes wrong around the app while somebody is at work: a locked database, a browser that dies, others at work."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from serving import App
from window import BROWSERS, DESKTOP, FLAGS, Window

from matching.rounds.store import open_store

RECORD = "What do you want to record?"
PINNED = "Martínez (S027) is pinned to"


def fill_in_a_pin(window: Window) -> None:
    window.choose("Need", "N012")
    window.choose(RECORD, "(pin)")


def round_of(window: Window) -> str:
    return window.page.url.partition("round=")[2].partition("&")[0]


def pins(app: App, round_id: str) -> int:
    with closing(open_store(f"sqlite:///{app.database}")) as store:
        found = store.get(round_id)
    return sum(one.kind == "pin" for one in found.events)


@contextmanager
def locked_for(database: Path, seconds: float) -> Iterator[None]:
    """Hold the database as another program might, from before what is done within until so long after it began."""
    holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(seconds, holder.execute, ["ROLLBACK"])
    release.start()
    try:
        yield
    finally:
        release.join()
        holder.close()


@pytest.mark.long
def test_a_decision_waits_for_a_database_that_another_program_holds_for_five_seconds(window, app):
    window.open_plan()
    fill_in_a_pin(window)
    began = time.monotonic()
    with locked_for(app.database, 5):
        window.press("Keep Manjit Martínez here")
        expect(window.page.get_by_text(PINNED)).to_be_visible()
    assert time.monotonic() - began >= 5
    assert pins(app, round_of(window)) == 1


@pytest.fixture
def doomed(browser: Browser, tmp_path: Path) -> Iterator[tuple[Browser, subprocess.Popen[bytes]]]:
    """A browser that can be killed, with its process."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    program = next(filter(None, map(shutil.which, BROWSERS)))
    flags = [*FLAGS, "--headless", f"--remote-debugging-port={port}", f"--user-data-dir={tmp_path / 'profile'}"]
    process = subprocess.Popen(
        [program, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(f"http://localhost:{port}/json/version")
        yield browser.browser_type.connect_over_cdp(f"http://localhost:{port}"), process
    finally:
        kill(process)


def wait_for(address: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{address} does not answer")


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a browser with all its processes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)


@pytest.mark.long
def test_a_browser_that_dies_takes_nothing_with_it(window, app, doomed):
    other_browser, process = doomed
    other = Window(other_browser.contexts[0].new_page(), app.address)
    other.page.set_viewport_size(DESKTOP)
    other.open()
    other.give_name("Rosa Quill")
    other.open_plan()
    fill_in_a_pin(other)
    address = other.page.url.removeprefix(app.address)
    other.press("Keep Manjit Martínez here")
    kill(process)

    window.open(address)
    expect(window.page.get_by_role("heading", name="N012: English")).to_be_visible()
    # Pressed just before the end: it is recorded once or not at all, and where it is not it can be pressed again.
    assert pins(app, round_of(window)) in (0, 1)
    if not pins(app, round_of(window)):
        window.choose(RECORD, "(pin)")
        window.press("Keep Manjit Martínez here")
        expect(window.page.get_by_text(PINNED)).to_be_visible()
    window.go("History")
    expect(window.page.get_by_role("cell", name="N012")).to_have_count(1)
    assert pins(app, round_of(window)) == 1


@pytest.mark.long
def test_a_file_stays_until_it_is_taken_away_however_busy_the_others_are(window, app):
    window.open_plan()
    window.open_files()
    with window.page.expect_request(lambda one: "/media/" in one.url) as asked:
        window.download("Download the Excel workbook")
    other = Window(window.page.context.new_page(), app.address)
    other.open()
    for screen in ("Rules", "Plan", "History"):
        other.go(screen)
    # Only the browser that asked for the file may have it.
    assert window.page.context.request.get(asked.value.url).ok
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(asked.value.url)
    assert other.complaints == []
