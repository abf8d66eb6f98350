"""The second week in a real browser: a placement over capacity accepted and undone, and a repair done at once."""

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.long
def test_a_placement_beyond_what_a_person_offers_is_accepted_approved_reopened_and_undone(window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose("Why not another supporter?", "S015")
    page.get_by_role("button", name="Use this person").first.click()
    window.settle()
    for box in page.get_by_role("checkbox", name="I accept this").all():
        box.locator("xpath=ancestor::label").click()
    page.get_by_role("textbox", name="Why?").fill("They know the school")
    window.press("Place them here")
    confirmation = page.locator(".st-key-confirmation")
    expect(confirmation).to_contain_text("(S015) is placed by hand")
    expect(confirmation).to_be_in_viewport()
    window.press("Find the best plan from here")
    window.press("Accept this plan")
    expect(page.get_by_text("Accepted: this is the plan now.")).to_be_visible()
    window.settle()

    window.go("Hand over")
    window.tick_every_point()
    window.press("Approve this plan")
    expect(page.get_by_text("The plan is approved: download its files.")).to_be_visible()
    window.settle()
    page.get_by_role("tab", name="Approval").click()
    window.unfold("Reopen the plan")
    page.get_by_role("textbox", name="Reason for reopening").fill("The head rang")
    page.get_by_role("button", name="Reopen the plan").click()
    expect(page.get_by_role("button", name="Approve this plan")).to_be_visible()
    window.settle()

    window.go("History")
    window.choose("Entry", "placed by hand")
    page.get_by_role("textbox", name="Reason for undoing").fill("A slip")
    window.press("Undo this entry")
    expect(page.get_by_text(re.compile("^Undone: event"))).to_be_visible()
    window.go("Plan")
    expect(page.get_by_text("This plan no longer follows from what is recorded.")).to_be_visible()
    expect(page.get_by_text("Proved: no plan is better.")).not_to_be_visible()
    window.press("Find the best plan from here")
    window.press("Accept this plan")
    expect(page.get_by_text("Proved: no plan is better.")).to_be_visible()


@pytest.mark.long
def test_a_repair_is_done_as_the_change_that_it_is(window):
    page = window.page
    window.open_plan()
    window.choose("Show", "Unmet")
    window.choose("Need", "N043")
    window.press("Find the smallest changes that would meet it")
    page.get_by_role("button", name="Do this").first.click()
    expect(page.locator(".st-key-confirmation")).to_contain_text("Recorded: ")
    window.press("Find the best plan from here")
    window.press("Accept this plan")
    expect(page.get_by_text(re.compile("^70 of 90"))).to_be_visible()
