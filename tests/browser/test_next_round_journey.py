"""After the last evaluation: the next round begins from this one, and what was said of people is erased."""

import re

import pytest
from playwright.sync_api import expect
from test_every_screen import inaccessible, wider_than_the_window
from window import DESKTOP, Window


@pytest.mark.long
def test_the_next_round_knows_what_happened_and_the_old_one_forgets_what_was_said(window: Window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N026")
    page.get_by_role("combobox", name="What do you want to record?").click()
    page.get_by_role("option", name=re.compile("or another supporter declined")).click()
    window.settle()
    who = page.get_by_role("combobox", name="Who declined?").input_value()
    window.choose("Why?", "Too far to travel")
    window.press("Record that they declined")
    window.settle()

    window.go("Start")
    window.unfold("Begin the next round from this one")
    window.press("Begin the next round")
    expect(page.get_by_text("This is the next round")).to_be_visible()
    assert inaccessible(window) == []
    assert wider_than_the_window(window) == []
    window.resize(DESKTOP)
    window.go("Rules")
    window.make_plan()
    window.choose("Need", "N026")
    expect(page.get_by_text("N026: maths at").first).to_be_visible()
    window.choose("Why not another supporter?", who.split(",")[0])
    expect(page.get_by_text("declined on").first).to_contain_text("Too far to travel")

    window.go("Start")
    window.unfold("Rename, copy, archive or save this round")
    window.press("Archive this round")
    expect(page.get_by_text("The round is archived.")).to_be_visible()
    window.unfold("Erase contact details and remarks")
    page.get_by_text("I have read what is erased").click()
    window.settle()
    window.press("Erase for good")
    expect(page.get_by_text("Contact details and remarks are erased.")).to_be_visible()
    assert inaccessible(window) == []
    window.go("People")
    expect(page.locator("body")).not_to_contain_text("Too far to travel")
    assert window.complaints == []
