"""A workbook as messy as people keep them, taken to a sound round in few clicks, with a reload half way."""

import io

import workbooks
from openpyxl import Workbook
from playwright.sync_api import expect
from test_every_screen import inaccessible

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_CLICKS_AND_FIELDS = 12


def messy() -> bytes:
    """40 people and 60 needs: a title above each header, other headers, schools by name, other words."""
    schools, people, needs = (workbooks.demo(one) for one in ("schools", "supporters", "needs"))
    name_of = {row["urn"]: row["name"] for row in schools}
    book = Workbook()
    book.active.title = "Read me"
    book.active.append(["Please do not sort the sheets."])
    for title, rows, other in (
        ("Area", schools, {}),
        ("Our leaders", people[:40], {"name": "Full name", "max_deployments": "Maximum deployments"}),
        ("Requests", needs[:60], {"school_urn": "School URN", "notes": "Ring back on"}),
    ):
        sheet = book.create_sheet(title)
        sheet.append([f"{title}, autumn"])
        sheet.append([])
        sheet.append([other.get(column, column) for column in rows[0]])
        for at, row in enumerate(rows):
            cells = dict(row)
            if title == "Requests":
                cells["school_urn"] = name_of[row["school_urn"]].upper() if at % 3 == 0 else row["school_urn"]
                cells["priority"] = "Soonish" if at % 8 == 1 else row["priority"]
                cells["focus"] = "Phonix" if at in (5, 9) else row["focus"]
            sheet.append([cell or None for cell in cells.values()])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


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
        file = {"name": "round.xlsx", "mimeType": XLSX, "buffer": messy()}
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

    # One change for all the rows with the same word, by the keyboard alone.
    grid = page.get_by_test_id("data-grid-canvas").last
    grid.focus()
    expect(page.get_by_test_id("glide-cell-0-0").last).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("glide-cell-1-0").last).to_be_focused()
    page.keyboard.press("Enter")
    # A slow machine opens the list late, and what is typed before is lost.
    expect(page.locator(".gdg-style input").first).to_be_focused()
    page.keyboard.type("normal")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("glide-cell-1-0").last).to_have_text("normal")
    clicks += ["the cell", "its new value"]
    window.settle()
    page.get_by_role("button", name="Use these").click()
    clicks.append("Use these schools")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()
    assert len(clicks) <= MOST_CLICKS_AND_FIELDS

    window.settle()
    assert inaccessible(window) == []
    window.unfold("Show the files of this round, and download them")
    assert window.download("round.xlsx").startswith(b"PK")
