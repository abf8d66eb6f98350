"""The first minute: a name, the demo once, the way to all rounds; and two people with a browser each."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import tiny
from playwright.sync_api import expect
from serving import App
from window import PHONE, Window, profile

from matching.rounds.store import open_store
from matching.ui.steps import STEPS


@pytest.fixture
def demo_app(browser, tmp_path) -> Iterator[App]:
    """A server that was started with the README's own command."""
    running = App(tmp_path)
    running.start("--demo")
    yield running
    running.stop()


def recorded(app: App) -> list[tuple[str, str]]:
    """Return who did what, in the only round."""
    store = open_store(f"sqlite:///{app.database}")
    (only,) = store.list()
    events = [(one.by, one.kind) for one in store.get(only.round_id).events]
    store.close()
    return events


@pytest.mark.long
def test_two_browsers_record_under_two_names(demo_app, browser):
    with profile(browser, demo_app, name=None) as first, profile(browser, demo_app, name=None) as second:
        rosa, omar = Window(first.new_page(), demo_app.address), Window(second.new_page(), demo_app.address)
        rosa.open()
        rosa.give_name("Rosa Quill")
        rosa.go("Plan")
        rosa.make_plan()
        address = rosa.page.url
        omar.page.goto(address)
        omar.give_name("Omar Ní Dhúill")
        for window, need_id in ((omar, "N012"), (rosa, "N001")):
            window.page.goto(f"{address}&need={need_id}")
            window.title("Plan")
            window.choose("What do you want to record?", "another supporter declined")
            window.choose("Why?", "Too far")
            window.press("Record that they declined")
            expect(window.page.get_by_text(re.compile(rf"declined .*\({need_id}\)\. Reason: Too far"))).to_be_visible()
    assert recorded(demo_app) == [
        ("Rosa Quill", "created"),
        ("Rosa Quill", "plan"),
        ("Omar Ní Dhúill", "declined"),
        ("Rosa Quill", "declined"),
    ]


@pytest.mark.long
def test_a_name_is_asked_for_once_whatever_is_opened_or_stopped(demo_app, browser):
    with profile(browser, demo_app, name=None) as context:
        window = Window(context.new_page(), demo_app.address)
        waiting = Window(context.new_page(), demo_app.address)
        for one in (window, waiting):
            one.open("/history")
            one.title("Your name")
        window.give_name("<b>Rosa</b> *Quill* £100;")
        # A tab that was open already has it with the next click.
        waiting.press("Continue")
        expect(waiting.page.get_by_text("Recorded as <b>Rosa</b> *Quill* £100;")).to_be_visible()
        demo_app.stop()
        demo_app.start("--demo")
        again = Window(context.new_page(), demo_app.address)
        again.open("/history")
        again.title("History")
        expect(again.page.get_by_text("Recorded as <b>Rosa</b> *Quill* £100;")).to_be_visible()
        again.page.get_by_role("button", name="Recorded as").click()
        box = again.page.get_by_role("textbox", name="Your name, for the record")
        expect(box).to_have_value("<b>Rosa</b> *Quill* £100;")


@pytest.mark.long
def test_the_demo_opens_once_and_own_files_can_always_be_reached(demo_app, browser):
    with profile(browser, demo_app) as context:
        window = Window(context.new_page(), demo_app.address)
        window.open()
        window.title("Start")
        window.open()
        window.title("School support matching")
        window.upload(schools=tiny.SCHOOLS, supporters=tiny.SUPPORTERS, needs=tiny.NEEDS)
        window.press("Check the files")
        window.title("Check the data")
        other_tab = Window(context.new_page(), demo_app.address)
        other_tab.open()
        other_tab.title("School support matching")
    with profile(browser, demo_app) as context:
        newcomer = Window(context.new_page(), demo_app.address)
        newcomer.open()
        newcomer.title("Start")
        expect(newcomer.page.get_by_text("Demo area")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize("window", [PHONE], ids=["phone"], indirect=True)
def test_all_rounds_are_one_click_away_from_every_screen(window):
    window.open_demo()
    for step in STEPS:
        if step is not STEPS[0]:
            window.go(step.title)
        window.go_to_all_rounds()
        expect(window.page.get_by_role("button", name="Open the demo")).to_be_visible()
    window.go("Plan")
    expect(window.page.get_by_role("button", name="Make the plan")).to_be_visible()


@pytest.mark.long
def test_back_and_forward_lead_from_need_to_need(window):
    page = window.page
    window.open_plan()
    needs = ("N012", "N001", "N044")
    for need_id in needs:
        window.choose("Need", need_id)
        expect(page.get_by_role("heading", name=f"{need_id}:")).to_be_visible()
    for need_id in ("N001", "N012"):
        page.go_back()
        expect(page).to_have_url(re.compile(f"need={need_id}"))
        expect(page.get_by_role("heading", name=f"{need_id}:")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Choose a need to see why")).to_be_visible()
    for need_id in needs:
        page.go_forward()
        expect(page.get_by_role("heading", name=f"{need_id}:")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="N001:")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="N001:")).to_be_visible()


@pytest.mark.long
def test_the_address_of_a_download_is_worth_nothing_to_another_browser(window, app, browser):
    window.open_plan()
    window.open_files()
    with window.page.expect_download() as caught:
        window.press("Download plan.csv")
    address = caught.value.url
    assert window.page.context.request.get(address).status == 200
    with profile(browser, app) as context:
        other = Window(context.new_page(), app.address)
        other.open()
        assert context.request.get(address).status == 404
        assert other.page.evaluate("async url => (await fetch(url)).status", address) == 404
    assert window.page.evaluate("async url => (await fetch(url)).status", address) == 200


FROM_ELSEWHERE = """async address => {
    const opened = await new Promise(done => {
        const socket = new WebSocket(address.replace("http", "ws") + "/_stcore/stream", ["streamlit"])
        socket.onopen = () => done(true)
        socket.onerror = () => done(false)
    })
    await fetch(address + "/_stcore/health", {mode: "no-cors", credentials: "include"})
    const frame = document.createElement("iframe")
    await new Promise(done => {
        frame.onload = done
        frame.src = address + "/plan"
        document.body.append(frame)
    })
    return opened
}
"""


@pytest.mark.long
def test_a_page_of_another_port_gets_nothing_but_can_link_to_the_app(app, browser, tmp_path):
    (tmp_path / "index.html").write_text(f'<title>Elsewhere</title><body><a href="{app.address}">Matching</a></body>')
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("localhost", 0), handler) as elsewhere, profile(browser, app) as context:
        Thread(target=elsewhere.serve_forever, daemon=True).start()
        page = context.new_page()
        answers: dict[str, int] = {}
        page.on("response", lambda one: answers.update({one.url: one.status}))
        page.goto(f"http://localhost:{elsewhere.server_port}/")
        assert page.evaluate(FROM_ELSEWHERE, app.address) is False
        assert answers[f"{app.address}/_stcore/health"] == 403
        assert answers[f"{app.address}/plan"] == 403
        page.get_by_role("link", name="Matching").click()
        expect(page.get_by_role("heading", name="School support matching")).to_be_visible()
        elsewhere.shutdown()
