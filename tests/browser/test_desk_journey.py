"""The contact desk in a browser: all approached in a few clicks, three consents, and a home school that says no."""

import re

import pytest
from playwright.sync_api import expect
from test_every_screen import inaccessible
from window import Window

from matching.rounds.desk.settings import PARTIES

MOST_CLICKS = 8


@pytest.mark.long
def test_all_are_approached_in_few_clicks_and_then_consent_or_say_no(window: Window):
    page = window.page
    window.open_plan()
    page.evaluate("window.clicks = 0; addEventListener('click', () => window.clicks++, true)")
    window.go("Today")
    page.get_by_role("button", name=re.compile("^Tick all")).click()
    window.settle()
    window.press("Mark as approached: 69 deployments")
    expect(page.get_by_text("Recorded for 69 deployments: approached.")).to_be_visible()
    assert 0 < page.evaluate("window.clicks") <= MOST_CLICKS
    window.settle()

    # Three consents and the agreement of one deployment, from its row.
    window.choose("Show", "Every deployment")
    page.get_by_role("textbox", name="Search").fill("N026")
    page.keyboard.press("Enter")
    window.settle()
    page.get_by_role("button", name="Tick all 1").click()
    window.settle()
    page.get_by_text("Agreed: a new plan keeps this deployment").click()
    page.get_by_text(f"The {PARTIES[0]} has consented").click()
    window.press("Record the status")
    expect(page.get_by_text("It cannot be agreed without the consent of the home school and").first).to_be_visible()
    window.settle()
    for party in PARTIES[1:]:
        page.get_by_text(f"The {party} has consented").click()
    window.press("Record the status")
    expect(page.get_by_text("is now agreed")).to_be_visible()
    window.settle()

    # A home school that says no is asked how far that goes.
    window.go("Plan")
    window.choose("Need", "N012")
    window.choose("What do you want to record?", "A school said no")
    page.get_by_text("They support no school any more").click()
    window.settle()
    window.press("Record the no")
    expect(page.get_by_text("is withdrawn, because the home school said no.")).to_be_visible()
    assert inaccessible(window) == []
    window.go("History")
    expect(page.get_by_text("Consent of the home school: no (altogether)").first).to_be_visible()
    expect(page.get_by_text("Consent of the receiving school: yes").first).to_be_visible()
    assert window.complaints == []
