"""Files as people really keep them, taken to a plan without leaving the browser."""

import re

import openpyxl
import pytest
import workbooks
from playwright.sync_api import expect

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def give_workbook(window) -> None:
    slot = window.page.locator("[class*=st-key-upload_workbook_]")
    file = {"name": "round.xlsx", "mimeType": XLSX, "buffer": workbooks.as_kept_by_people()}
    with window.page.expect_response(lambda answer: answer.request.method == "PUT"):
        slot.locator("input[type=file]").set_input_files([file])
    expect(slot.get_by_test_id("stFileChipName")).to_have_text("round.xlsx")
    window.settle()


@pytest.mark.long
def test_a_workbook_as_bad_as_they_come_is_taken_to_a_plan(window, tmp_path):
    page = window.page
    window.open()
    give_workbook(window)
    window.press("Check the files")
    expect(page.locator("#error-summary")).to_contain_text("There are 3 problems in your files")

    expect(page.get_by_role("heading", name="Say which column is which")).to_be_visible()
    expect(page.get_by_role("combobox", name="“Full name” is")).to_have_value(re.compile("^name [(]needed[)]"))
    window.press("Use these columns")
    expect(page.locator("#error-summary")).to_contain_text("There are 2 problems in your files")

    window.settle()
    window.choose("Which school is", workbooks.NAMED_SCHOOL[0])
    # The suggested word is in the grid already.
    window.press("Save and check again")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()

    window.settle()
    mended = tmp_path / "round.xlsx"
    mended.write_bytes(window.download("Download the corrected round.xlsx"))
    book = openpyxl.load_workbook(mended, read_only=True)
    assert book.sheetnames == ["Read me", "Schools 2026", "Our leaders", "Requests", "Evidence"]
    assert [cell.value for cell in book["Requests"][4]][1] == workbooks.NAMED_SCHOOL[0]
    assert [cell.value for cell in book["Requests"][5]][2] == "phonics"
    book.close()

    expect(page.get_by_text("columns read under the names that you gave: 'Full name' as name.")).to_be_visible()
    expect(page.get_by_text("'SEND' read as 'special educational needs'").first).to_be_visible()
    window.go("Plan")
    window.make_plan()
    expect(page.get_by_text(re.compile(r"\d+ of 90")).first).to_be_visible()


@pytest.mark.long
def test_ticked_needs_become_a_new_round(window):
    page = window.page
    window.open_demo()
    window.go("Who needs help")
    expect(page.get_by_text("This list is a proposal")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Tick all")).click()
    expect(page.get_by_text(re.compile("needs? at .* ticked"))).to_be_visible()
    window.settle()
    assert window.download("Download needs.csv").decode("utf-8-sig").startswith("need_id,school_urn,focus,")
    window.press("Start a new round with these needs")
    window.title("Check the data")
    expect(page.get_by_text("in the tables", exact=True)).to_be_visible()
