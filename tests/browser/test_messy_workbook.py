"""A workbook as messy as people keep them, taken to a sound round in few clicks, with a reload half way."""

import pytest
import workbooks
from playwright.sync_api import expect
from test_every_screen import inaccessible

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_CLICKS_AND_FIELDS = 12


@pytest.mark.long
def test_a_messy_workbook_becomes_a_sound_round_in_few_clicks(window):
    page, clicks = window.page, []

    def press(button: str) -> None:
        clicks.append(button)
        window.settle()
        window.press(button)

    window.open()
    slot = page.locator("[class*=st-key-upload_workbook_]")
    clicks.append("the file")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        file = {"name": "round.xlsx", "mimeType": XLSX, "buffer": workbooks.as_kept_by_a_teaching_school()}
        slot.locator("input[type=file]").set_input_files([file])
    expect(slot.get_by_test_id("stFileChipName")).to_have_text("round.xlsx")
    press("Check the files")
    expect(page.get_by_role("heading", name="Say which column is which")).to_be_visible()
    window.settle()
    assert inaccessible(window) == []
    press("Use these columns")
    expect(page.get_by_role("heading", name="Fix the problems")).to_be_visible()
    window.settle()
    assert inaccessible(window) == []

    # Nothing is lost by a reload.
    page.reload()
    expect(page.get_by_role("heading", name="Go on with an upload")).to_be_visible()
    window.settle()
    # Other tests may have left uploads of theirs.
    mine = page.locator("[class*=st-key-upload_]", has_text="round.xlsx").filter(has=page.get_by_role("button"))
    mine.first.get_by_role("button", name="Go on").click()
    clicks.append("Go on")
    expect(page.get_by_role("heading", name="Fix the problems")).to_be_visible()
    window.settle()

    # What only a person can know, by the keyboard alone; everything else is filled in.
    for column, typed, wanted in (
        ("phases", ("Backspace", "Middle deemed secondary", "Enter", "Tab"), "Middle deemed secondary"),
        ("days", ("ControlOrMeta+A", "6", "Enter"), "6"),
        ("priority", ("critical", "Enter"), "critical"),
    ):
        heading = page.get_by_role("heading", name=f", {column}: ")
        grid = page.locator("[data-testid=stElementContainer]", has=heading).locator(
            "xpath=following::canvas[@data-testid='data-grid-canvas'][1]"
        )
        cell = grid.get_by_test_id("glide-cell-1-0")
        grid.focus()
        expect(grid.get_by_test_id("glide-cell-0-0")).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(cell).to_be_focused()
        page.keyboard.press("Enter")
        # A slow machine opens the cell late, and what is typed before is lost.
        field = page.locator(".gdg-style input, .gdg-style textarea").first
        expect(field).to_be_focused()
        for word in typed:
            # As fast as people type: an Enter within the same moment leaves the cell as it was.
            page.wait_for_timeout(200)
            if word in ("Backspace", "ControlOrMeta+A", "Enter", "Tab"):
                page.keyboard.press(word)
            else:
                page.keyboard.type(word)
        expect(cell).to_have_text(wanted)
        expect(page.locator(".gdg-style")).to_have_count(0)
        clicks += [f"the cell of {column}", "its new value"]
        window.settle()
    page.get_by_role("button", name="Use these 83 schools").click()
    clicks.append("Use these schools")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()
    assert len(clicks) <= MOST_CLICKS_AND_FIELDS

    window.settle()
    assert inaccessible(window) == []
    window.unfold("Show the files of this round, and download them")
    assert window.download("round.xlsx").startswith(b"PK")
