"""Three weeks at the telephone, in a real browser: decisions, what follows from them, and the way back."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from test_every_screen import inaccessible, wider_than_the_window
from window import DESKTOP

RECORD = "What do you want to record?"


def states(window):
    """A decline, its rerun, why not, a swap by hand, a repair, an undo and a comparison."""
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose("Why not another supporter?", "S015")
    page.get_by_text("Who would move").first.wait_for()
    yield "why not"
    window.choose(RECORD, "swap")
    window.choose("Who should support it instead?", "S015")
    expect(page.get_by_text("offers 4 places and would then have 5 needs")).to_be_visible()
    yield "swap, with rules to tick"
    window.choose(RECORD, "another supporter declined")
    window.choose("Why?", "Too far")
    yield "decline"
    window.press("Record that they declined")
    expect(page.get_by_text("(N012) is without a supporter now")).to_be_visible()
    yield "declined"
    window.press("Find the smallest changes that would meet it")
    expect(page.get_by_text("Cost: ").first).to_be_visible()
    yield "repairs"
    window.press("Find the best plan from here")
    page.get_by_role("button", name="Accept this plan").wait_for()
    yield "preview"
    window.press("Accept this plan")
    expect(page.get_by_text(re.compile("^12 of 12"))).to_be_visible()
    window.settle()
    for tab, words in (("Distances", "Deployments by distance"), ("Fairness", "These are counts only.")):
        page.get_by_role("tab", name=tab).click()
        page.get_by_text(words).first.wait_for()
        yield tab
    window.go("Compare")
    window.choose("Before", "Plan 1")
    expect(page.get_by_role("heading", name="Who moved")).to_be_visible()
    yield "compare"


@pytest.mark.long
def test_a_decision_and_all_that_follows_is_accessible_and_fits(window):
    faults = []
    for state in states(window):
        window.settle()
        found = [*inaccessible(window), *wider_than_the_window(window)]
        # The window is a phone's now.
        found += [f"on a phone: {fault}" for fault in inaccessible(window)]
        faults += [f"{state}: {fault}" for fault in found]
        window.resize(DESKTOP)
    assert faults == []


@pytest.mark.long
def test_what_was_recorded_is_undone_with_one_button(window):
    page = window.page
    window.open_plan()
    window.choose("Need", "N012")
    window.choose(RECORD, "(pin)")
    window.press("Keep Manjit Martínez here")
    expect(page.get_by_text("Martínez (S027) is pinned to")).to_be_visible()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Undone. The history keeps both")).to_be_visible()


RED = (0xD4, 0x35, 0x1C)
WEXBOROUGH = [[400_000, 280_000], [480_000, 280_000], [480_000, 360_000], [400_000, 360_000], [400_000, 280_000]]
OUTLINE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "Wexborough and *around*"},
            "geometry": {"type": "Polygon", "coordinates": [WEXBOROUGH]},
        }
    ],
}


def the_map(page):
    return page.get_by_test_id("stVegaLiteChart").filter(has=page.locator("canvas, svg")).first


def easternmost(picture: bytes, colour: tuple[int, int, int]) -> tuple[int, int]:
    """The place of the pixel of a colour that lies furthest to the right."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    down, across = np.nonzero((pixels == colour).all(axis=2))
    return int(across.max()), int(down[across.argmax()])


@pytest.mark.long
def test_a_click_on_a_school_of_the_map_chooses_its_need(window):
    page = window.page
    window.open_plan()
    drawn = the_map(page)
    drawn.scroll_into_view_if_needed()
    x, y = easternmost(drawn.screenshot(), RED)
    # From the tip of the cross into it: the school that lies furthest to the east has an unmet need.
    drawn.click(position={"x": x - 3, "y": y})
    expect(page.get_by_role("heading", name="N090: maths")).to_be_visible()
    expect(page).to_have_url(re.compile("need=N090"))
    expect(page.get_by_role("heading", name="What would meet this need?")).to_be_visible()


def put_outlines(window, name: str, content: str) -> None:
    slot = window.page.get_by_test_id("stExpander").filter(has_text="Boundaries of areas")
    file = {"name": name, "mimeType": "application/json", "buffer": content.encode()}
    slot.locator("input[type=file]").set_input_files([file])


@pytest.mark.long
def test_outlines_of_areas_are_put_on_the_map_and_taken_off(window):
    page = window.page
    window.open_plan()
    window.unfold("Boundaries of areas")
    put_outlines(window, "wrong.json", '{"type": "Topology"}')
    expect(page.get_by_text("These boundaries cannot be drawn.")).to_be_visible()
    before = the_map(page).screenshot()
    put_outlines(window, "areas.geojson", json.dumps(OUTLINE))
    expect(page.get_by_text("Boundaries of 1 area")).to_be_visible()
    window.settle()
    page.wait_for_timeout(500)
    assert the_map(page).screenshot() != before
    window.unfold("Boundaries of 1 area")
    window.press("Remove the boundaries from the map")
    expect(page.get_by_text("Boundaries of areas")).to_be_visible()
