"""Let many people work on one server at once, and time each step.

usage: python benchmarks/sessions.py --gias GIAS_EXTRACT [--sessions 20] [--browsers 1] [--think 0] [--supporters 150]
                                     [--needs 200] [--region "West Midlands"] [--days] [--chromium chromium]

Each person uploads a round (made up at real schools, with a seed of its own, so that no result is cached for another),
checks it, opens the rules, makes the plan, records a decline and downloads the files. All begin within a second. Some
are real browsers, each with a profile of its own; they share this machine with the server, and twenty of them would
measure the cores rather than the server. The others exchange the same messages with the server, and draw nothing.
`--think` is the longest pause between two steps, in seconds.

Prints every failure, and for each step the median and the worst time over the sessions, in seconds, with and without a
browser. Exits with 1 where a session failed.
"""

import argparse
import asyncio
import itertools
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pandas as pd
from playwright.async_api import Browser, Page, async_playwright, expect

from matching.inputs.read import read_schools
from matching.inputs.simulation.simulate import simulate
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from conftest import FLAGS, SETTLED, App
from tab import Tab

TABLES = ("schools", "supporters", "needs", "accreditation")
LONGEST_MS = 180_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=1)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--supporters", type=int, default=150)
    parser.add_argument("--needs", type=int, default=200)
    parser.add_argument("--region", default="West Midlands")
    parser.add_argument("--days", action="store_true")
    parser.add_argument("--chromium", default="chromium")
    options = parser.parse_args()
    schools = read_schools(Source(options.gias.name, options.gias.read_bytes()))
    there = schools[schools["region"] == options.region].reset_index(drop=True)
    uploads = [
        made_up(there, options.supporters, options.needs, seed, days=options.days)
        for seed in range(1, options.sessions + 1)
    ]
    with tempfile.TemporaryDirectory() as directory:
        app = App(Path(directory))
        app.start()
        try:
            results = asyncio.run(run_sessions(app.address, uploads, options.browsers, options.think, options.chromium))
        finally:
            app.stop()
        complaints = [line for line in app.log().splitlines() if "Traceback" in line or "Error" in line]
    return report(results, complaints)


def made_up(schools: pd.DataFrame, supporters: int, needs: int, seed: int, *, days: bool) -> dict[str, bytes]:
    tables = simulate(schools, supporters, needs, seed, with_days=days)
    return {name: csv_bytes(tables[name]) for name in TABLES}


class Session:
    """One person's journey from their tables to the files of a plan."""

    def __init__(self, number: int, address: str, think_s: float) -> None:
        self.number, self.address = number, address
        self.seconds: dict[str, float] = {}
        self.failure = ""
        self._at = "begin"
        chance = random.Random(number)
        self._pauses_s = (chance.uniform(0, think_s) for _ in itertools.count())

    async def run(self, tables: dict[str, bytes]) -> None:
        try:
            await self._journey(tables)
        except Exception as error:
            # Any error that stops a session is a result.
            self.failure = f"{self._at}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"

    async def _journey(self, tables: dict[str, bytes]) -> None:
        raise NotImplementedError


class WithoutBrowser(Session):
    """A person whose screen is not drawn."""

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Time the block."""
        await asyncio.sleep(next(self._pauses_s))
        self._at, began = name, time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began

    async def _journey(self, tables: dict[str, bytes]) -> None:
        tab = Tab(self.address, LONGEST_MS / 1000)
        async with self.step("open the app"):
            await tab.open()
        await tab.give_name(f"Session {self.number}")
        try:
            await self._in(tab, tables)
        finally:
            await tab.close()

    async def _in(self, tab: Tab, tables: dict[str, bytes]) -> None:
        async with self.step("upload"):
            for name, content in tables.items():
                await tab.upload(name.capitalize(), f"{name}.csv", content)
        async with self.step("check the files"):
            await tab.press("Check the files")
            await tab.until("in the tables")
        async with self.step("rules"):
            await tab.go("Rules")
        await tab.go("Plan")
        async with self.step("make the plan"):
            await tab.press("Make the plan")
            await tab.until("the best total score wins.")
        async with self.step("filter"):
            await tab.choose("Show", "Met")
        need_id = tab.cell("Need")
        async with self.step("choose a need"):
            await tab.choose("Need", f"({need_id})")
        async with self.step("form of a decline"):
            await tab.choose("What do you want to record?", "another supporter declined")
        async with self.step("decline"):
            await tab.choose("Why?", "Too far")
            await tab.press("Record that they declined")
            await tab.until(f"({need_id}). Reason: Too far")
        async with self.step("hand over"):
            await tab.go("Hand over")
        async with self.step("download the workbook"):
            await tab.download("Download the Excel workbook")


class InBrowser(Session):
    """A person in a browser on this machine, with a profile of their own."""

    def __init__(self, number: int, address: str, think_s: float, browser: Browser) -> None:
        super().__init__(number, address, think_s)
        self._browser = browser

    @asynccontextmanager
    async def step(self, page: Page, name: str) -> AsyncIterator[None]:
        """Time the block and the screen's answer."""
        await asyncio.sleep(next(self._pauses_s))
        self._at, began = name, time.perf_counter()
        yield
        await page.wait_for_selector(SETTLED, state="attached", timeout=LONGEST_MS)
        self.seconds[name] = time.perf_counter() - began

    async def _journey(self, tables: dict[str, bytes]) -> None:
        context = await self._browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(LONGEST_MS)
        try:
            await self._on(await context.new_page(), tables)
        finally:
            await context.close()

    async def _on(self, page: Page, tables: dict[str, bytes]) -> None:
        async with self.step(page, "open the app"):
            await page.goto(self.address)
            await expect(page.get_by_role("heading", name="Your name", exact=True)).to_be_visible()
        await page.get_by_role("textbox", name="Your name, for the record").fill(f"Session {self.number}")
        await press(page, "Continue")
        await expect(page.get_by_role("button", name="Open the demo", exact=True)).to_be_visible()
        async with self.step(page, "upload"):
            for name, content in tables.items():
                await upload(page, name, content)
        async with self.step(page, "check the files"):
            await press(page, "Check the files")
            await titled(page, "Check the data")
            await expect(page.get_by_text("in the tables", exact=True)).to_be_visible()
        async with self.step(page, "rules"):
            await go(page, "Rules")
        async with self.step(page, "make the plan"):
            # The button of the Rules screen leads to the plan by itself.
            await press(page, "Make the plan")
            await titled(page, "Plan")
            await expect(page.get_by_text(re.compile("^Proved: no plan is better|^A good plan")).first).to_be_visible()
        async with self.step(page, "filter"):
            await show_met(page, tables["needs"].count(b"\n") - 1)
        need_id = await first_need(page)
        async with self.step(page, "choose a need"):
            await choose(page, "Need", need_id)
            await expect(page.get_by_role("heading", name=re.compile(f"^{need_id}:"))).to_be_visible()
        async with self.step(page, "form of a decline"):
            await choose(page, "What do you want to record?", "another supporter declined")
            await expect(page.get_by_role("button", name="Record that they declined")).to_be_visible()
        await choose(page, "Why?", "Too far")
        await page.wait_for_selector(SETTLED, state="attached")
        async with self.step(page, "decline"):
            await press(page, "Record that they declined")
            await expect(page.get_by_text(f"({need_id}). Reason: Too far")).to_be_visible()
        async with self.step(page, "hand over"):
            await go(page, "Hand over")
            await page.get_by_role("tab", name="Files").click()
            await expect(page.get_by_role("heading", name="To read and share")).to_be_visible()
        async with self.step(page, "download the workbook"):
            async with page.expect_download() as caught:
                await press(page, "Download the Excel workbook")
            await (await caught.value).path()


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()


async def titled(page: Page, words: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(words)


async def go(page: Page, screen: str) -> None:
    await page.get_by_test_id("stTopNavLink").filter(has_text=screen).click()
    await titled(page, screen)


async def upload(page: Page, name: str, content: bytes) -> None:
    # While the screen is redrawn, the slot may be replaced before the file arrives.
    await page.wait_for_timeout(100)
    await page.wait_for_selector(SETTLED, state="attached")
    slot = page.locator(f"[class*=st-key-upload_{name}_]")
    file = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content}
    async with page.expect_response(lambda answer: answer.request.method == "PUT"):
        await slot.locator("input[type=file]").set_input_files([file])
    await expect(slot.get_by_test_id("stFileChipName")).to_have_text(f"{name}.csv")


async def choose(page: Page, label: str, words: str) -> None:
    box = page.get_by_role("combobox", name=label).first
    await box.click()
    await box.fill(words)
    await page.get_by_role("option").filter(has_text=words).first.click()


async def show_met(page: Page, needs: int) -> None:
    """Show only the needs that the plan meets."""
    box = page.get_by_role("combobox", name="Show", exact=True)
    await box.click()
    await page.get_by_role("option", name="Met", exact=True).click()
    await expect(page.get_by_role("heading", name=re.compile("^[0-9]+ needs?$"))).not_to_have_text(f"{needs} needs")


async def first_need(page: Page) -> str:
    """Return the need in the first row of the table."""
    await page.get_by_test_id("data-grid-canvas").first.focus()
    cell = page.get_by_test_id("glide-cell-1-0")
    await expect(cell).to_be_attached()
    return await cell.inner_text()


async def run_sessions(
    address: str, uploads: list[dict[str, bytes]], browsers: int, think_s: float, chromium: str
) -> list[Session]:
    expect.set_options(timeout=LONGEST_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(chromium), args=list(FLAGS))
        sessions: list[Session] = [
            InBrowser(number, address, think_s, browser)
            if number <= browsers
            else WithoutBrowser(number, address, think_s)
            for number in range(1, len(uploads) + 1)
        ]
        await asyncio.gather(*(one.run(tables) for one, tables in zip(sessions, uploads, strict=True)))
        await browser.close()
    return sessions


def report(sessions: list[Session], complaints: list[str]) -> int:
    failed = [one for one in sessions if one.failure]
    print(f"{len(sessions)} sessions, {len(failed)} failed; {os.cpu_count()} cores for server and browsers\n")
    for one in failed:
        print(f"session {one.number} at {one.failure}")
    for line in complaints:
        print(f"server: {line}")
    for kind, words in ((WithoutBrowser, "without a browser"), (InBrowser, "in a browser")):
        these = [one for one in sessions if isinstance(one, kind)]
        print(f"| {words} | sessions | median s | worst s |\n| --- | --- | --- | --- |")
        for name in dict.fromkeys(name for one in these for name in one.seconds):
            seconds = [one.seconds[name] for one in these if name in one.seconds]
            print(f"| {name} | {len(seconds)} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |")
        every = [one for session in these for one in session.seconds.values()]
        if every:
            print(f"| every step | {len(these)} | {statistics.median(every):.2f} | {max(every):.2f} |\n")
    return int(bool(failed or complaints))


if __name__ == "__main__":
    sys.exit(main())
