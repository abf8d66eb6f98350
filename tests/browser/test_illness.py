"""The third week in a real browser: somebody with four deployments falls ill, and two people write at the same time."""

import csv
import io
import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from window import Window, profile

from matching.rounds.desk.settings import PARTIES

RECORD = "What do you want to record?"
WHO = "Folasade Pickering (S015)"
TODAY = date.today()


def day(ahead: int) -> str:
    return f"{TODAY + timedelta(days=ahead):%d/%m/%Y}"


def agree(window: Window, need_id: str) -> None:
    window.choose("Need", need_id)
    window.choose(RECORD, "A new status")
    window.page.get_by_text("Agreed: a new plan keeps this deployment").click()
    for party in PARTIES:
        window.page.get_by_text(f"The {party} has consented").click()
    window.press("Record the status")
    expect(window.page.get_by_text("is now agreed")).to_be_visible()
    window.settle()


def open_person(window: Window, who: str, what: str) -> None:
    window.go("People")
    window.choose("People", who)
    # A list of which several are chosen stays open.
    window.page.keyboard.press("Escape")
    window.choose(RECORD, what)


def fill(window: Window, label: str, words: str) -> None:
    box = window.page.get_by_role("textbox", name=label)
    box.fill(words)
    box.press("Tab")
    window.settle()


def written_plan(window: Window) -> dict[str, dict[str, str]]:
    """The rows of plan.csv as it is handed over, by need."""
    window.open_files()
    text = window.download("Download plan.csv").decode("utf-8-sig")
    return {row["need_id"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.long
def test_someone_with_four_deployments_falls_ill_and_recovers(window):
    page = window.page
    window.open_plan()
    agree(window, "N020")
    agree(window, "N070")

    open_person(window, "S015", "They are unavailable for a time")
    fill(window, "First day", day(0))
    fill(window, "Last day", day(60))
    touched = page.locator(".st-key-touches")
    expect(touched).to_contain_text("2 deployments are agreed. Agreed deployments stay until you end them.")
    expect(touched).to_contain_text("2 deployments are not agreed yet. The next plan may propose another supporter.")
    expect(touched).to_contain_text("maths at Quenbridge Westover Primary School (N026) with")
    page.get_by_text("End this deployment: maths at Stannerley Abbey Middle School (N070)").click()
    window.settle()
    window.press("Record that they are unavailable")
    confirmation = page.locator(".st-key-confirmation")
    expect(confirmation).to_contain_text(f"{WHO} is unavailable from {day(0)} until {day(60)}.")
    expect(confirmation).to_contain_text(f"Kept: {WHO} at maths at Quenbridge Castle Hill Primary School (N020).")
    expect(confirmation).to_contain_text(f"Ended: {WHO} at maths at Stannerley Abbey Middle School (N070).")

    window.go("Plan")
    expect(page.get_by_text("This plan no longer follows from what is recorded.")).to_be_visible()
    window.press("Find the best plan from here")
    window.press("Accept this plan")
    expect(page.get_by_text("Accepted: this is the plan now.")).to_be_visible()
    page.reload()
    window.settle()
    plan = written_plan(window)
    assert {need_id for need_id, row in plan.items() if row["supporter_id"] == "S015"} == {"N020"}
    assert (plan["N020"]["status"], plan["N020"]["rules_broken"]) == ("agreed", "dates")

    # Recovered early: the absence is undone, and with it what it kept and ended.
    window.go("History")
    window.choose("Entry", "unavailable")
    fill(window, "Reason for undoing", "Recovered")
    window.press("Undo this entry")
    expect(page.get_by_text(re.compile("^Undone: event"))).to_be_visible()
    window.go("Plan")
    window.press("Find the best plan from here")
    window.press("Accept this plan")
    expect(page.get_by_text("Accepted: this is the plan now.")).to_be_visible()
    window.settle()
    kept = written_plan(window)["N020"]
    assert (kept["supporter_id"], kept["status"], kept["rules_broken"]) == ("S015", "agreed", "")


@pytest.mark.long
def test_two_people_write_at_once_and_neither_loses_a_word(window, app, browser):
    page = window.page
    window.open_demo()
    open_person(window, "S016", "A change of what is known about them")
    fill(window, "Alliance", "North")
    with profile(browser, app, name="Rosa Quill") as context:
        other = Window(context.new_page(), app.address)
        other.open("/" + page.url.split("/", 3)[3])
        # Of another person: neither notices.
        open_person(other, "S024", "They have left, or will leave")
        other.press("Record that they leave")
        expect(other.page.get_by_text("Recorded: Leanne Moreau (S024) leaves")).to_be_visible()
        window.press("Save the change")
        expect(page.get_by_text("Recorded: what is known about Gareth Wright (S016) is changed.")).to_be_visible()
        window.settle()
        # Of the same person: the second is told, and what was typed stays.
        other.page.reload()
        other.settle()
        open_person(other, "S016", "A change of what is known about them")
        fill(other, "Alliance", "South")
        window.choose(RECORD, "They are unavailable for a time")
        fill(window, "First day", day(1))
        window.press("Record that they are unavailable")
        expect(page.get_by_text("Recorded: Gareth Wright (S016) is unavailable")).to_be_visible()
        other.press("Save the change")
        expect(other.page.get_by_role("heading", name="The round was changed in another window")).to_be_visible()
        other.settle()
        expect(other.page.get_by_role("textbox", name="Alliance")).to_have_value("South")
        assert other.complaints == []
    window.go("History")
    expect(page.get_by_text("Rosa Quill").first).to_be_attached()
