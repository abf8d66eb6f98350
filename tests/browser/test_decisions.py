"""Three weeks at the telephone, in a real browser: decisions, what follows from them, and the way back."""

import re

import pytest
from conftest import DESKTOP
from playwright.sync_api import expect
from test_every_screen import KNOWN, NO_WIDER_THAN_THE_WINDOW, violations

RECORD = "What do you want to record?"


def states(window):
    """A decline, its rerun, why not, a swap by hand, a repair, an undo and a comparison."""
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose("Why not somebody else?", "S015")
    page.get_by_text("Who would move").first.wait_for()
    yield "why not"
    window.choose(RECORD, "swap")
    window.choose("Who comes instead?", "S015")
    expect(page.get_by_text("offers 4 places and would then have 5 needs")).to_be_visible()
    yield "swap, with rules to tick"
    window.choose(RECORD, "somebody else, declined")
    window.choose("Why?", "Too far")
    yield "decline"
    window.press("Record that they declined")
    expect(page.get_by_text("N012 is open now")).to_be_visible()
    yield "declined"
    window.press("Find the smallest changes that would meet it")
    expect(page.get_by_text("Price: ").first).to_be_visible(timeout=20_000)
    yield "repairs"
    window.press("Find the best plan from here")
    page.get_by_role("button", name="Accept this plan").wait_for()
    yield "preview"
    window.press("Accept this plan")
    expect(page.get_by_text(re.compile("^12 of 12"))).to_be_visible()
    for tab in ("Distances", "Fair to see"):
        page.get_by_role("tab", name=tab).click()
        yield tab
    window.go("Compare")
    window.choose("Before", "Plan 1")
    expect(page.get_by_role("heading", name="Who moved")).to_be_visible()
    yield "compare"


@pytest.mark.parametrize("window", [DESKTOP], ids=["desktop"], indirect=True)
def test_a_decision_and_all_that_follows_is_accessible_and_fits(window):
    for state in states(window):
        window.settle()
        for rule, place, where in violations(window):
            assert (rule, place) in KNOWN, f"{state}: {rule} at {where}"
        assert window.page.wait_for_function(NO_WIDER_THAN_THE_WINDOW, timeout=3000), state


def test_what_was_recorded_is_undone_with_one_button(window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose(RECORD, "(pin)")
    window.press("Keep Manjit Martínez here")
    expect(page.get_by_text("is kept at N012 (pinned)")).to_be_visible()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Undone. The history keeps both")).to_be_visible()
