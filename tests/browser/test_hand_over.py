"""From a plan to its approved version and back, two windows at once, and a search that the server does not survive."""

import io
import signal
import zipfile

import openpyxl
import pytest
from playwright.sync_api import expect
from test_every_screen import inaccessible, wider_than_the_window
from window import DESKTOP, Window

SUPPORTERS, NEEDS = 700, 900
# With limits the proof is out of reach: such a search never ends by itself before somebody has seen it.
LIMITS = "[rules]\nmax_supporters_per_school = 1\nmax_per_home_school = 2\n"


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> dict[str, str]:
    """Made-up tables whose days and limits bind, so that the search takes its time: a minute."""
    from matching.inputs.bundled import demo_sources
    from matching.inputs.read import read_schools
    from matching.inputs.simulation.simulate import simulate
    from matching.tables.csv_out import csv_bytes

    source = demo_sources()["schools"]
    tables = simulate(read_schools(source), SUPPORTERS, NEEDS, 1, with_days=True)
    texts = {name: csv_bytes(table).decode("utf-8-sig") for name, table in tables.items()}
    made = {name: texts[name] for name in ("supporters", "needs")}
    return {"schools": source.content.decode("utf-8-sig"), **made, "policy": LIMITS}


def approve(window: Window, name: str) -> None:
    window.go("Hand over")
    window.tick_every_point()
    window.change_name(name)
    window.press("Approve this plan")
    window.settle()


def reopen(window: Window, why: str) -> None:
    page = window.page
    page.get_by_role("tab", name="Approval").click()
    window.unfold("Reopen the plan")
    reason = page.get_by_role("textbox", name="Reason for reopening")
    reason.fill(why)
    reason.press("Enter")
    window.settle()
    window.press("Reopen the plan")
    expect(page.get_by_text("What differs from version 1")).to_be_visible()
    window.settle()


@pytest.mark.long
def test_a_plan_is_approved_frozen_downloaded_and_reopened(window):
    page = window.page
    window.open_plan()
    approve(window, "Rosa Quill")
    expect(page.get_by_text("Approved by Rosa Quill on")).to_be_visible()
    expect(page.get_by_text("(version 1)")).to_be_visible()

    book = openpyxl.load_workbook(io.BytesIO(window.download("Download the Excel workbook")))
    assert book.sheetnames == ["Plan", "Unmet", "Workload", "Excluded", "Equity"]
    book.close()
    assert b"Approved" in window.download("Download the plan by school")
    assert b"Rosa Quill" in window.download("Download the rows for supporters")
    assert b"supporter_name" not in window.download("Download the plan without names")
    with zipfile.ZipFile(io.BytesIO(window.download("Download everything (zip)"))) as everything:
        assert everything.testzip() is None
        assert "manifest.json" in everything.namelist()

    window.go("Rules")
    window.press("Make the plan")
    expect(page.locator("#error-summary")).to_contain_text("The plan is approved")
    window.go("Hand over")
    reopen(window, "A head has left")
    approve(window, "Rosa Quill")
    expect(page.get_by_text("(version 2)")).to_be_visible()
    window.go("History")
    expect(page.get_by_role("cell", name="A head has left")).to_be_visible()


@pytest.mark.long
def test_the_second_of_two_windows_is_refused_and_told_what_changed(window, app):
    page = window.page
    window.open_plan()
    window.go("Hand over")
    other = Window(page.context.new_page(), app.address)
    other.open(page.url.removeprefix(app.address))
    window.tick_every_point()
    approve(other, "Rosa Quill")
    window.press("Approve this plan")
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Rosa Quill: plan approved")
    window.press("Open the round as it is now")
    expect(page.get_by_text("Approved by Rosa Quill on")).to_be_visible()
    assert other.complaints == []


def begin_large(window: Window, tables: dict[str, str]) -> None:
    window.open()
    window.upload(**tables)
    window.press("Check the files")
    window.title("Check the data")
    window.go("Plan")
    window.press("Make the plan")
    expect(window.page.get_by_role("heading", name="The plan is being made")).to_be_visible()


@pytest.mark.long
def test_a_long_search_survives_a_refresh_and_is_stopped_with_what_it_has(window, large):
    page = window.page
    begin_large(window, large)
    assert inaccessible(window) == []
    page.reload()
    stop = page.get_by_role("button", name="Stop and keep the best plan so far")
    expect(stop).to_be_visible()
    stop.click()
    expect(page.get_by_text("Needs met", exact=True)).to_be_visible(timeout=90_000)


@pytest.mark.long
def test_a_search_that_dies_with_its_server_can_be_begun_again(window, app, large):
    page = window.page
    begin_large(window, large)
    address = page.url
    app.stop(signal.SIGKILL)
    app.start()
    page.wait_for_timeout(500)
    page.goto(address)
    window.title("Plan")
    window.press("Make the plan")
    stop = page.get_by_role("button", name="Stop and keep the best plan so far")
    expect(stop).to_be_visible()
    stop.click()
    expect(page.get_by_text("Needs met", exact=True)).to_be_visible(timeout=90_000)
    window.complaints.clear()


def approved_screens(window: Window):
    window.open_plan()
    approve(window, "Rosa Quill")
    yield "approved"
    window.page.get_by_role("tab", name="Approval").click()
    window.unfold("Reopen the plan")
    yield "approval"
    window.go("Plan")
    yield "approved plan"
    window.go("Hand over")
    reopen(window, "A head has left")
    yield "reopened"


@pytest.mark.long
def test_the_screens_of_an_approved_plan_are_accessible_and_fit_a_phone(window):
    faults = []
    for screen in approved_screens(window):
        window.settle()
        faults += [f"{screen}: {fault}" for fault in (*inaccessible(window), *wider_than_the_window(window))]
        window.resize(DESKTOP)
    assert faults == []
