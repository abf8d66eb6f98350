"""A newer workbook of people, weeks into a round: what it changes is seen first, and what was agreed stays."""

import csv
import io

import pytest
from openpyxl import Workbook
from playwright.sync_api import expect
from workbooks import demo

from matching.rounds.history.events import new_event
from matching.rounds.history.state import state_of
from matching.rounds.store import open_store

AGREED, DECLINED = "N012", "N013"


def newer_people(gone: list[str]) -> bytes:
    """The people of the demo area without two, with more days for seven and with five more."""
    rows = [row for row in demo("supporters") if row["supporter_id"] not in gone]
    for row in rows[:7]:
        row["days_available"] = "33"
    rows += [{**rows[at], "supporter_id": f"S9{at:02d}", "name": f"New Person {at}"} for at in range(5)]
    book, packed = Workbook(), io.BytesIO()
    book.active.title = "People"
    for line in (["Our leaders, October"], [], list(rows[0]), *(list(row.values()) for row in rows)):
        book.active.append([cell or None for cell in line])
    book.save(packed)
    return packed.getvalue()


@pytest.mark.long
def test_a_newer_workbook_of_people_keeps_what_is_agreed_and_declined(window, app):
    page = window.page
    window.open_plan()
    round_id = page.url.partition("round=")[2].partition("&")[0]
    store = open_store(f"sqlite:///{app.database}")
    found = store.get(round_id)
    plan = csv.DictReader(io.StringIO(found.files["plan.csv"].decode("utf-8-sig")))
    row_of = {row["need_id"]: row for row in plan}
    about = [{"need_id": one, "supporter_id": row_of[one]["supporter_id"]} for one in (AGREED, DECLINED)]
    status = new_event("status", by="Ann Ash", status="agreed", **about[0])
    waits_for_no_one = new_event("desk", by="Ann Ash", consents="")
    store.record(
        found, [waits_for_no_one, status, new_event("declined", by="Ann Ash", why="No time at present", **about[1])]
    )
    agreed, declined = (one["supporter_id"] for one in about)
    other = next(
        one["supporter_id"] for one in demo("supporters")[20:] if one["supporter_id"] not in (agreed, declined)
    )

    page.reload()
    window.go("Start")
    window.unfold("Upload newer tables")
    slot = page.locator("[class*=st-key-upload_workbook_]")
    book = {"name": "people.xlsx", "mimeType": "", "buffer": newer_people([agreed, other])}
    slot.locator("input[type=file]").set_input_files([book])
    window.press("Check the files")
    window.title("Newer tables")
    expect(page.get_by_text(f"1 person with agreed deployments: {row_of[AGREED]['supporter_name']}")).to_be_visible()
    for kind, count in (("added", "5"), ("changed", "7"), ("gone", "2")):
        figure = page.locator(".s2s-figure", has_text=f"Supporters {kind}")
        expect(figure.locator(".s2s-number")).to_have_text(count)
    expect(page.get_by_role("checkbox", name="End this deployment")).not_to_be_checked()
    window.settle()
    page.get_by_test_id("data-grid-canvas").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Accept what is ticked (13 rows of 14)")).to_be_visible()
    window.press("Tick supporters gone (2)")
    window.press("Accept all")
    expect(page.get_by_text("Newer table accepted:")).to_be_visible()
    expect(page.get_by_text(f"Kept: {row_of[AGREED]['supporter_name']}")).to_be_visible()

    window.go("Plan")
    window.choose("Need", AGREED)
    expect(page.get_by_role("heading", name=f"{AGREED}:")).to_be_visible()
    after = store.get(round_id)
    assert state_of(after.events).status_of(AGREED, agreed) == "agreed"
    assert after.current == found.current
    assert [one.kind for one in after.events[-4:]] == ["status", "declined", "newer_table", "pin"]
    assert [one.pair for one in after.events[-3:] if one.kind != "newer_table"] == [
        (DECLINED, declined),
        (AGREED, agreed),
    ]
