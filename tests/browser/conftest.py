"""The app as people meet it: a real server on a database of its own, and a real Chromium with one page a test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from serving import App
from window import BROWSERS, DESKTOP, FLAGS, Window, profile


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        words = f"no Chromium or Chrome is installed (looked for {', '.join(BROWSERS)})"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app(browser, tmp_path_factory) -> Iterator[App]:
    running = App(tmp_path_factory.mktemp("app"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=[DESKTOP], ids=["desktop"])
def window(app, browser, request) -> Iterator[Window]:
    """A page in a profile of its own, which must have called nobody else and complained of nothing."""
    with profile(browser, app, viewport=request.param) as context:
        opened = Window(context.new_page(), app.address)
        yield opened
    assert opened.strangers() == []
    assert opened.complaints == []
