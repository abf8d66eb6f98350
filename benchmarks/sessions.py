"""Let many people work on one server at once, each in a browser profile of their own, and time each step.

usage: python benchmarks/sessions.py --gias GIAS_EXTRACT [--sessions 20] [--supporters 150] [--needs 200]
                                     [--region "West Midlands"] [--days] [--chromium chromium]

Each uploads a round of its own size (made up at real schools, another seed each, so that nobody finds the work done by
somebody else), checks it, looks at the rules, makes the plan, records a decline and takes the files away. They all
begin within a second. Printed: every failure, and for each step the median and the worst time over the sessions, in
seconds. Exit 1 where a session failed. All browsers share this machine with the server: the seconds are an upper bound.
"""

import argparse
import asyncio
import os
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

from matching.export import csv_bytes
from matching.files import Source
from matching.inputs import read_schools
from matching.simulate import simulate

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))

from conftest import FLAGS, SETTLED, App

TABLES = ("schools", "supporters", "needs", "accreditation")
LONGEST_MS = 180_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--supporters", type=int, default=150)
    parser.add_argument("--needs", type=int, default=200)
    parser.add_argument("--region", default="West Midlands")
    parser.add_argument("--days", action="store_true")
    parser.add_argument("--chromium", default="chromium")
    asked = parser.parse_args()
    schools = read_schools(Source(asked.gias.name, asked.gias.read_bytes()))
    there = schools[schools["region"] == asked.region].reset_index(drop=True)
    uploads = [
        made_up(there, asked.supporters, asked.needs, seed, days=asked.days) for seed in range(1, asked.sessions + 1)
    ]
    with tempfile.TemporaryDirectory() as directory:
        app = App(Path(directory))
        app.start()
        try:
            results = asyncio.run(everybody(app.address, uploads, asked.chromium))
        finally:
            app.stop()
        complaints = [line for line in app.log().splitlines() if "Traceback" in line or "Error" in line]
    return report(results, complaints)


def made_up(schools: pd.DataFrame, supporters: int, needs: int, seed: int, *, days: bool) -> dict[str, bytes]:
    tables = simulate(schools, supporters, needs, seed, with_days=days)
    return {name: csv_bytes(tables[name]) for name in TABLES}


class Session:
    """One person's way from their tables to the files of a plan."""

    def __init__(self, number: int, address: str) -> None:
        self.number, self.address = number, address
        self.seconds: dict[str, float] = {}
        self.failure = ""
        self._at = "begin"

    @asynccontextmanager
    async def step(self, page: Page, name: str) -> AsyncIterator[None]:
        """Time what is done within, and what the screen does after it."""
        self._at, began = name, time.perf_counter()
        yield
        await page.wait_for_selector(SETTLED, state="attached", timeout=LONGEST_MS)
        self.seconds[name] = time.perf_counter() - began

    async def run(self, browser: Browser, tables: dict[str, bytes]) -> None:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(LONGEST_MS)
        try:
            await self._journey(await context.new_page(), tables)
        except Exception as error:
            # Whatever stops one of them is what is looked for.
            self.failure = f"{self._at}: {str(error).splitlines()[0]}"
        finally:
            await context.close()

    async def _journey(self, page: Page, tables: dict[str, bytes]) -> None:
        async with self.step(page, "open the app"):
            await page.goto(self.address)
            await expect(page.get_by_role("button", name="Open the demo", exact=True)).to_be_visible()
        async with self.step(page, "upload"):
            for name, content in tables.items():
                await upload(page, name, content)
        async with self.step(page, "check the files"):
            await press(page, "Check the files")
            await titled(page, "Check the data")
            await expect(page.get_by_text("the tables are sound", exact=True)).to_be_visible()
        async with self.step(page, "rules"):
            await go(page, "Rules")
        async with self.step(page, "make the plan"):
            await press(page, "Make the plan")
            await titled(page, "Plan")
            await expect(page.get_by_text(re.compile("^Proved: no plan is better|^A good plan")).first).to_be_visible()
        async with self.step(page, "choose a need"):
            need_id = await choose_met_need(page, tables["needs"].count(b"\n") - 1)
        async with self.step(page, "form of a decline"):
            await choose(page, "What do you want to record?", "somebody else, declined")
            await expect(page.get_by_role("button", name="Record that they declined")).to_be_visible()
        await choose(page, "Why?", "Too far")
        await page.wait_for_selector(SETTLED, state="attached")
        async with self.step(page, "decline"):
            await press(page, "Record that they declined")
            await expect(page.get_by_text(f"declined {need_id}. Reason: Too far")).to_be_visible()
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
    # While the screen is being made anew, a slot may be another one by the time the file arrives.
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


async def choose_met_need(page: Page, needs: int) -> str:
    """The first need that the plan meets."""
    box = page.get_by_role("combobox", name="Show", exact=True)
    await box.click()
    await page.get_by_role("option", name="Met", exact=True).click()
    await expect(page.get_by_role("heading", name=re.compile("^[0-9]+ needs?$"))).not_to_have_text(f"{needs} needs")
    await page.wait_for_selector(SETTLED, state="attached")
    await page.get_by_test_id("data-grid-canvas").first.focus()
    cell = page.get_by_test_id("glide-cell-1-0")
    await expect(cell).to_be_attached()
    need_id = await cell.inner_text()
    await choose(page, "Need", need_id)
    await expect(page.get_by_role("heading", name=re.compile(f"^{need_id}:"))).to_be_visible()
    return need_id


async def everybody(address: str, uploads: list[dict[str, bytes]], chromium: str) -> list[Session]:
    expect.set_options(timeout=LONGEST_MS)
    sessions = [Session(number, address) for number in range(1, len(uploads) + 1)]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(chromium), args=list(FLAGS))
        await asyncio.gather(*(one.run(browser, tables) for one, tables in zip(sessions, uploads, strict=True)))
        await browser.close()
    return sessions


def report(sessions: list[Session], complaints: list[str]) -> int:
    failed = [one for one in sessions if one.failure]
    print(f"{len(sessions)} sessions, {len(failed)} failed; {os.cpu_count()} cores for server and browsers\n")
    for one in failed:
        print(f"session {one.number} at {one.failure}")
    for line in complaints:
        print(f"server: {line}")
    print("| step | sessions | median s | worst s |\n| --- | --- | --- | --- |")
    for name in dict.fromkeys(name for one in sessions for name in one.seconds):
        seconds = [one.seconds[name] for one in sessions if name in one.seconds]
        print(f"| {name} | {len(seconds)} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |")
    return int(bool(failed or complaints))


if __name__ == "__main__":
    sys.exit(main())
