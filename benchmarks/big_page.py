"""Time the Plan screen on a round of a region's size, in a real browser and on a real server.

usage: python benchmarks/big_page.py --gias GIAS_EXTRACT [--supporters 1400] [--needs 1700] [--region "North West"]
                                     [--days] [--runs 5] [--chromium chromium]

The round is made up at real schools with a fixed seed, and its plan is made beforehand. A time runs from the key or the
click until the result is visible, the screen is no longer busy and the browser has finished drawing. Opening a list and
finding a choice in it is a step of its own. Prints a table with the median and the worst time of each step, in seconds.
"""

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from matching.allocation import allocate
from matching.inputs.read import read_inputs, read_schools
from matching.inputs.simulation.simulate import simulate
from matching.plan.as_bytes import plan_files
from matching.plan.write import Plan
from matching.rounds.store import open_store
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from conftest import FLAGS, SETTLED, App, Window, profile

RECORD, DECLINED = "What do you want to record?", "another supporter declined"
LONGEST_MS = 30_000
# Charts are drawn after the screen has received all its elements.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestIdleCallback(() => done())))"


class Times:
    """Seconds of each step."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = {}

    @contextmanager
    def step(self, page: Page, name: str) -> Iterator[None]:
        """Time the block and the screen's answer, until the browser has finished drawing."""
        began = time.perf_counter()
        yield
        page.wait_for_selector(SETTLED, state="attached", timeout=LONGEST_MS)
        page.evaluate(DRAWN)
        self.of.setdefault(name, []).append(time.perf_counter() - began)

    def table(self) -> str:
        lines = ["| step | runs | median s | worst s |", "| --- | --- | --- | --- |"]
        for name, seconds in self.of.items():
            lines.append(f"| {name} | {len(seconds)} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |")
        return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--supporters", type=int, default=1_400)
    parser.add_argument("--needs", type=int, default=1_700)
    parser.add_argument("--region", default="North West")
    parser.add_argument("--days", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--chromium", default="chromium")
    options = parser.parse_args()
    expect.set_options(timeout=LONGEST_MS)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        tables = made_up(options.gias, options.region, options.supporters, options.needs, days=options.days)
        round_id, plan = planned_round(folder, tables)
        app, times = App(folder), Times()
        app.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which(options.chromium), args=list(FLAGS))
                with profile(browser, app) as context:
                    walk(Window(context.new_page(), app.address), times, round_id, plan, options.runs)
                browser.close()
        finally:
            app.stop()
            # The times so far are useful even where a step failed.
            print(f"{len(plan.deployments):,} deployments, {len(plan.unmet):,} unmet needs; {os.cpu_count()} cores\n")
            print(times.table(), flush=True)


def made_up(gias: Path, region: str, supporters: int, needs: int, *, days: bool) -> dict[str, Source]:
    """Return the files of a made-up round at the real schools of a region."""
    schools = read_schools(Source(gias.name, gias.read_bytes()))
    there = schools[schools["region"] == region].reset_index(drop=True)
    tables = simulate(there, supporters, needs, 3, with_days=days)
    return {name: Source(f"{name}.csv", csv_bytes(table)) for name, table in tables.items()}


def planned_round(folder: Path, sources: dict[str, Source]) -> tuple[str, Plan]:
    """Save a round with its plan in the database of the server that starts in this folder."""
    inputs = read_inputs(sources)
    plan = allocate(inputs)
    with closing(open_store(f"sqlite:///{folder / 'rounds.db'}")) as store:
        begun = store.create("A region", sources, by="Benchmark")
        files = plan_files(plan, inputs)
        return store.save_plan(begun, files, sources=sources, by="Benchmark").round_id, plan


def walk(window: Window, times: Times, round_id: str, plan: Plan, runs: int) -> None:
    """Go through every timed step."""
    page = window.page
    page.set_default_timeout(LONGEST_MS)
    address = f"{window.address}/plan?round={round_id}"
    for number in range(runs):
        # The first opening reads the tables; later ones find them cached.
        with times.step(page, "open the Plan screen, for the first time" if number == 0 else "open the Plan screen"):
            page.goto(address)
            expect(page.get_by_text(f"of {len(plan.deployments) + len(plan.unmet):,}").first).to_be_visible()
    offer(page, times, "Local authority", "All")
    with times.step(page, "filter: all local authorities"):
        take(page, "All")
        expect(count_of_needs(page, len(plan.deployments) + len(plan.unmet))).to_be_visible()
    for _ in range(runs):
        offer(page, times, "Show", "Unmet")
        with times.step(page, "filter: unmet"):
            take(page, "Unmet")
            expect(count_of_needs(page, len(plan.unmet))).to_be_visible()
        offer(page, times, "Show", "All needs")
        with times.step(page, "filter: all needs"):
            take(page, "All needs")
            expect(count_of_needs(page, len(plan.deployments) + len(plan.unmet))).to_be_visible()
    for _ in range(runs):
        grid(page).focus()
        expect(page.get_by_test_id("glide-cell-1-0")).to_be_attached()
        before = first_cell(page)
        with times.step(page, "sort by school"):
            click_grid(page, 300, 15)
            until(page, lambda before=before: first_cell(page) != before)
    for row in range(runs):
        need_id = select(page, times, row)
        if need_id in set(plan.unmet["need_id"]):
            continue
        offer(page, times, RECORD, DECLINED)
        with times.step(page, "open the form of a decline"):
            take(page, DECLINED)
            expect(page.get_by_role("button", name="Record that they declined")).to_be_visible()
        offer(page, times, "Why?", "Too far to travel")
        take(page, "Too far to travel")
        page.wait_for_selector(SETTLED, state="attached")
        with times.step(page, "decline"):
            window.press("Record that they declined")
            expect(page.get_by_text(f"({need_id}). Reason: Too far")).to_be_visible()
        with times.step(page, "undo"):
            page.get_by_role("button", name="Undo", exact=True).first.click()
            expect(page.get_by_text("Undone. The history keeps both")).to_be_visible()


def offer(page: Page, times: Times, label: str, words: str) -> None:
    """Open a list of choices, and find one."""
    with times.step(page, "open a list of choices"):
        box = page.get_by_role("combobox", name=label).first
        box.click()
        box.fill(words)
        expect(choice(page, words)).to_be_visible()


def take(page: Page, words: str) -> None:
    """Choose from the open list."""
    choice(page, words).click()


def choice(page: Page, words: str) -> Locator:
    return page.get_by_role("option").filter(has_text=re.compile(f"{words}$")).first


def count_of_needs(page: Page, count: int) -> object:
    return page.get_by_role("heading", name=f"{count:,} need{'' if count == 1 else 's'}", exact=True)


def grid(page: Page) -> object:
    return page.get_by_test_id("data-grid-canvas").first


def select(page: Page, times: Times, row: int) -> str:
    """Tick a row of the table, and return the need that is then shown next to the plan."""
    heading = page.get_by_role("heading", name=re.compile("^N[0-9]+:"))
    before = heading.inner_text() if heading.count() else ""
    with times.step(page, "select a need"):
        click_grid(page, 18, 52 + 35 * row)
        until(page, lambda: heading.count() == 1 and heading.inner_text() != before)
    return heading.inner_text().split(":")[0]


def click_grid(page: Page, x: int, y: int) -> None:
    # The bar at the top of the window would cover a grid scrolled only just into view.
    grid(page).evaluate("it => it.scrollIntoView({block: 'center'})")
    box = grid(page).bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)


def first_cell(page: Page) -> str:
    cell = page.get_by_test_id("glide-cell-1-0")
    return cell.inner_text() if cell.count() else ""


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        page.wait_for_timeout(10)
    raise SystemExit("The screen did not change.")


if __name__ == "__main__":
    main()
