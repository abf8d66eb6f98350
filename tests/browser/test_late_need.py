"""A late need, typed in after the plan in a real browser, while an agreement and a decline stand."""

import re

import pytest
from playwright.sync_api import expect

from matching.rounds.desk.settings import PARTIES

RECORD = "What do you want to record?"


@pytest.mark.long
def test_a_late_need_comes_into_the_plan_and_what_was_recorded_stays(window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose(RECORD, "another supporter declined")
    window.choose("Why?", "Too far")
    window.press("Record that they declined")
    expect(page.get_by_text("(N012) is without a supporter now")).to_be_visible()
    window.choose("Need", "N026")
    window.choose(RECORD, "A new status")
    page.get_by_text("Agreed: a new plan keeps this deployment").click()
    for party in PARTIES:
        page.get_by_text(f"The {party} has consented").click()
    window.press("Record the status")
    expect(page.get_by_text("is now agreed")).to_be_visible()
    window.go("Needs")
    page.get_by_text("Add a need", exact=True).click()
    window.choose("School", "999999")
    window.choose("Focus", "maths")
    expect(page.get_by_text("School 999999 is not in the schools table.").first).to_be_visible()
    window.choose("School", "900002")
    expect(page.get_by_role("heading", name="What this touches")).to_be_visible()
    window.press("Add this need")
    expect(page.get_by_text(re.compile(r"Recorded: maths at .* \(N091\) is added\."))).to_be_visible()
    window.go("Plan")
    expect(page.get_by_text(re.compile("^68 of 91|of 91")).first).to_be_visible()
    window.choose("Need", "N091")
    expect(page.get_by_role("heading", name="N091: maths")).to_be_visible()
    expect(page.get_by_role("heading", name="What would meet this need?")).to_be_visible()
    window.choose("Need", "N012")
    expect(page.get_by_text("declined").first).to_be_visible()
