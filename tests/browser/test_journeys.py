"""Whole ways through the app, from opening it to the file on the disk."""

import io
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import tiny
from playwright.sync_api import expect

DEMO = Path(__file__).parents[2] / "data" / "demo"
TABLES = ("plan.csv", "unmet.csv", "workload.csv", "excluded.csv", "equity.csv")
BROKEN = tiny.SUPPORTERS.replace("Primary;Secondary", "Primary;Secondry")


def allocate(out: Path, policy: Path) -> None:
    tables = [(f"--{name}", str(DEMO / f"{name}.csv")) for name in ("schools", "supporters", "needs")]
    tables += [(f"--{name}", str(DEMO / f"{name}.csv")) for name in ("accreditation", "decisions")]
    options = [word for option in tables for word in option]
    command = [sys.executable, "-m", "matching", "allocate", *options, "--policy", str(policy), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.long
def test_the_plan_leaves_to_the_byte_as_the_command_line_writes_it(window, tmp_path):
    page = window.page
    window.open_demo()
    window.go("Rules")
    window.move_first_slider()
    expect(page.get_by_text("specialism 52%")).to_be_visible()
    window.settle()
    window.press("Make the plan")
    window.title("Plan")
    expect(page.get_by_text("Proved: no plan is better.")).to_be_visible()

    window.select_first_row()
    expect(page.get_by_role("heading", name="N001")).to_be_visible()
    expect(page).to_have_url(re.compile("need=N001"))

    window.open_files()
    policy = (DEMO / "policy.toml").read_text()
    changed = tmp_path / "policy.toml"
    changed.write_text(policy.replace("specialism = 0.5\n", "specialism = 0.55\n", 1))
    assert changed.read_text() != policy
    allocate(tmp_path / "plan", changed)
    written = {name: (tmp_path / "plan" / name).read_bytes() for name in TABLES}
    assert {name: window.download(f"Download {name}") for name in TABLES} == written

    with zipfile.ZipFile(io.BytesIO(window.download("Download everything (zip)"))) as everything:
        assert everything.testzip() is None
        assert {name: everything.read(name) for name in TABLES} == written
        everything.extractall(tmp_path / "unpacked")
    verify = [sys.executable, "-m", "matching", "verify", str(tmp_path / "unpacked")]
    assert b"The plan holds." in subprocess.run(verify, check=True, capture_output=True).stdout

    book = openpyxl.load_workbook(io.BytesIO(window.download("Download the Excel workbook")))
    assert book.sheetnames == ["Plan", "Unmet", "Workload", "Excluded", "Equity"]
    assert book["Plan"].max_row == written["plan.csv"].count(b"\n")
    book.close()


@pytest.mark.long
def test_a_fault_in_own_tables_is_found_mended_and_the_plan_made(window):
    page = window.page
    window.open()
    window.upload(schools=tiny.SCHOOLS, supporters=BROKEN, needs=tiny.NEEDS)
    window.press("Check the files")
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("There is 1 problem in your files")
    expect(page.get_by_text("Supporters, phases: 1 cell to change")).to_be_visible()
    expect(page.get_by_test_id("stFileUploader")).to_have_count(1)

    window.upload(supporters=BROKEN)
    window.press("Check again")
    expect(page.get_by_test_id("stFileUploader").get_by_text("supporters.csv")).to_have_count(0)
    expect(summary).to_be_focused()

    window.upload(supporters=tiny.SUPPORTERS)
    window.press("Check again")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()
    window.go("Plan")
    window.make_plan()
    expect(page.get_by_text("3 of 3")).to_be_visible()


def test_files_chosen_one_right_after_the_other_all_arrive(window):
    page = window.page
    tables = {
        "schools": tiny.SCHOOLS,
        "supporters": tiny.SUPPORTERS,
        "needs": tiny.NEEDS,
        "policy": "[weights]\ndistance = 0.2\n",
    }
    window.open()
    for name, table in tables.items():
        slot = page.locator(f"[class*=st-key-upload_{name}_]")
        file = {"name": f"{name}.{'toml' if name == 'policy' else 'csv'}", "mimeType": "", "buffer": table.encode()}
        slot.locator("input[type=file]").set_input_files([file])
    # The button can be pressed once every file has arrived.
    window.press("Check the files")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()


@pytest.mark.long
def test_a_refresh_loses_nothing(window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    expect(page).to_have_url(re.compile("need=N012"))
    page.reload()
    expect(page.get_by_role("heading", name="N012: English")).to_be_visible()
    expect(page.get_by_text("69 of 90")).to_be_visible()

    window.go("Rules")
    window.move_first_slider()
    expect(page.get_by_text("specialism 52%")).to_be_visible()
    page.reload()
    window.title("Rules")
    expect(page.get_by_text("specialism 52%")).to_be_visible()


@pytest.mark.long
def test_a_server_that_is_killed_and_started_again_still_has_the_plan(window, app):
    page = window.page
    window.open_plan()
    address = page.url
    app.stop(signal.SIGKILL)
    app.start()
    # That a server is gone, the browser may complain of.
    page.wait_for_timeout(500)
    page.goto(address)
    window.title("Plan")
    expect(page.get_by_text("69 of 90")).to_be_visible()
    window.complaints.clear()


@pytest.mark.long
def test_an_open_page_finds_its_way_back_to_a_server_that_was_started_again(window, app):
    page = window.page
    window.open_plan()
    app.stop(signal.SIGKILL)
    page.wait_for_selector("[data-test-connection-state]:not([data-test-connection-state=CONNECTED])")
    app.start()
    page.wait_for_selector("[data-test-connection-state=CONNECTED]")
    page.wait_for_timeout(1000)
    window.settle()
    window.choose("Need", "N012")
    expect(page.get_by_role("heading", name="N012: English")).to_be_visible()
    window.open_files()
    expect(page.get_by_role("heading", name="Plan: 69 rows")).to_be_visible()
    window.complaints.clear()
