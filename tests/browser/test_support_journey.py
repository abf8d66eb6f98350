"""The support itself in a browser: a quarter of a day, more days than agreed, a review, an evaluation and an invoice."""

from datetime import date

import pytest
from playwright.sync_api import expect
from test_every_screen import inaccessible, wider_than_the_window
from window import DESKTOP, Window

from matching.rounds.desk.settings import PARTIES

RECORD = "What do you want to record?"


def sound(window: Window) -> None:
    """Nothing that axe finds, and nothing wider than a desktop, a zoomed one or a phone."""
    assert inaccessible(window) == []
    assert wider_than_the_window(window) == []
    window.resize(DESKTOP)


@pytest.mark.long
def test_support_is_agreed_visited_overrun_reviewed_evaluated_and_invoiced(window: Window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N026")
    window.choose(RECORD, "A new status")
    page.get_by_text("Agreed: a new plan keeps this deployment").click()
    for party in PARTIES:
        page.get_by_text(f"The {party} has consented").click()
    window.press("Record the status")
    expect(page.get_by_text("is now agreed")).to_be_visible()
    window.settle()

    window.choose(RECORD, "Dates, days")
    page.get_by_label("Days agreed").fill("0.5")
    page.get_by_label("Starts on (dd/mm/yyyy)").fill("18/12/2026")
    page.get_by_label("Ends on (dd/mm/yyyy)").fill("01/12/2026")
    window.press("Save what was agreed")
    expect(page.get_by_text("The support would end before it starts.")).to_be_visible()
    window.settle()
    sound(window)
    page.get_by_label("Ends on (dd/mm/yyyy)").fill("31/03/2027")
    window.press("Save what was agreed")
    expect(page.get_by_text("Agreed: 18 December 2026 to 31 March 2027.")).to_be_visible()
    window.settle()

    for length, words in (("Quarter day", "0.25 of 0.5 days."), ("Half day", "0.75 of 0.5 days, 0.25 days more than")):
        window.choose(RECORD, "A visit")
        page.get_by_text(length).click()
        window.press("Log the visit")
        expect(page.get_by_text(f"Days used: {words}")).to_be_visible()
        window.settle()
    expect(page.get_by_text("You can agree on more days.")).to_be_visible()
    window.choose(RECORD, "A visit")
    page.get_by_text("Half day").click()
    window.press("Log the visit")
    expect(page.get_by_text("With this one they would exceed one day.")).to_be_visible()
    window.settle()
    sound(window)

    window.choose(RECORD, "A review")
    page.get_by_label("What was said").fill("Going well.")
    window.press("Record the review")
    expect(page.get_by_text("Recorded: a review of")).to_be_visible()
    window.settle()
    window.choose(RECORD, "The school's evaluation")
    page.get_by_text("A clear difference").click()
    page.get_by_label("Impact, in the school's words (optional)").fill("Reading is better.")
    window.press("Record the evaluation")
    expect(page.get_by_text("made a clear difference, says the school.")).to_be_visible()
    window.settle()

    page.get_by_role("tab", name="Days and cost").click()
    window.settle()
    page.get_by_label("Pounds a day of an SLE").fill("333.34")
    window.press("Save the rates")
    expect(page.get_by_text("and the days used so far £250.01.")).to_be_visible()
    window.settle()
    sound(window)

    window.go("Today")
    window.unfold("Log visits from a table")
    visits = f"need_id,supporter_id,on,days\nN026,S015,{date.today():%d/%m/%Y},0.25\n"
    page.locator("input[type=file]").set_input_files(
        [{"name": "visits.csv", "mimeType": "", "buffer": visits.encode()}]
    )
    expect(page.get_by_text("1 visit is logged already: row 2.")).to_be_visible()
    window.settle()
    sound(window)

    window.go("Hand over")
    page.get_by_role("tab", name="Visits, invoices and evaluations").click()
    window.settle()
    expect(page.get_by_text("0.75 days of visits in 1 deployment. Together they cost £250.01.")).to_be_visible()
    with page.expect_download() as caught:
        window.press("Download the invoice table (CSV)")
    assert "333.34,250.01" in caught.value.path().read_text(encoding="utf-8-sig")
    sound(window)
    assert window.complaints == []
