"""Writing to everyone of a new plan in a browser: the words, the drafts, and all approached in a few clicks."""

import csv
import email
import io
import re
import zipfile
from email import policy
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import expect
from test_every_screen import inaccessible, wider_than_the_window
from window import DESKTOP, PHONE, Window

MOST_CLICKS = 8


@pytest.mark.long
def test_everyone_is_written_to_and_approached_in_few_clicks(window: Window):
    page = window.page
    window.open_plan()
    page.evaluate("window.clicks = 0; addEventListener('click', () => window.clicks++, true)")
    window.go("Today")
    page.get_by_role("button", name=re.compile("^Tick all")).click()
    window.settle()
    window.press("Write to them: 69 deployments")
    window.settle()
    with zipfile.ZipFile(io.BytesIO(window.download("Download 38 drafts (.eml in a zip)"))) as drafts:
        read = [email.message_from_bytes(drafts.read(one), policy=policy.strict) for one in drafts.namelist()]
    assert len({one["To"] for one in read}) == 38
    assert all("Could you give the following support?" in one.get_content() for one in read)
    rows = [*csv.DictReader(io.StringIO(window.download("Download the rows for mail merge").decode("utf-8-sig")))]
    assert len(rows) == 39
    window.press("Mark all 39 as sent")
    expect(page.get_by_text("Recorded: 39 messages were sent, one for each person.")).to_be_visible()
    expect(page.get_by_text("69 deployments are approached now.")).to_be_visible()
    assert 0 < page.evaluate("window.clicks") <= MOST_CLICKS
    window.settle()

    # The words of a reminder are changed; a field that is not known is named beside the box.
    window.choose("Show", "Every deployment")
    page.get_by_role("textbox", name="Search").fill("N026")
    page.keyboard.press("Enter")
    window.settle()
    page.get_by_role("button", name="Tick all 1").click()
    window.settle()
    window.press("Write to them")
    window.settle()
    expect(page.locator("code").get_by_text("and have not heard from you yet")).to_be_visible()
    window.unfold("Change the words")
    text = page.get_by_role("textbox", name="Text", exact=True)
    text.fill("Dear {{ nmae }}")
    text.blur()
    expect(page.get_by_text("'nmae' is not a field. Did you mean 'name'?")).to_be_visible()
    window.settle()
    assert inaccessible(window) == []
    text.fill("Dear {{ name }},\n\nAny news?\n{{ deployments }}")
    text.blur()
    expect(page.locator("code").get_by_text("Any news?")).to_be_visible()
    window.settle()
    window.press("Save the words")
    expect(page.get_by_text("The words are saved for this round.")).to_be_visible()
    window.settle()
    link = page.get_by_role("link", name="Open in the mail program").get_attribute("href")
    assert re.fullmatch(r"[a-z.-]+@[a-z-]+\.example", unquote(urlsplit(link).path))
    assert "Any news?\r\n" in parse_qs(urlsplit(link).query)["body"][0]
    assert inaccessible(window) == []
    assert wider_than_the_window(window) == []
    window.resize(PHONE)
    assert inaccessible(window) == []
    window.resize(DESKTOP)
    window.press("Mark it as sent")
    expect(page.get_by_text("was sent.")).to_be_visible()
    window.settle()
    window.go("History")
    expect(page.get_by_text("Message sent: remind").first).to_be_visible()

    # What is handed over has the status of each deployment, and a page to sign.
    window.open_files()
    handed = csv.DictReader(io.StringIO(window.download("Download plan.csv").decode("utf-8-sig")))
    assert [row["status"] for row in handed] == ["approached"] * 69
    assert window.download("Download the agreements to sign").count(b'<section class="agreement">') == 69
    assert window.complaints == []
