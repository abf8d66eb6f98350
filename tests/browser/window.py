"""One page of the app in a real browser, and what a person does there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from serving import App

from matching.ui.state.person import NAME_COOKIE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Two pages that every window has ready for its address bar: nobody sees them, and they took a seventh of the time.
ADDRESS_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
# Playwright's own list, which this one takes the place of.
OFF_ANYWAY = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join((*ADDRESS_BAR, *OFF_ANYWAY))}",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 400, "height": 800}
NAME = "Robin Fry"
# What is left of the desktop's window where everything is twice as large.
ZOOMED = {"width": 640, "height": 450}
# Of a narrower window, the menu is behind a button.
_NARROW_PX = 768
# While an expander opens, what is in it moves: what is pressed then may be elsewhere before the mouse is let go.
SETTLED = (
    "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
    ":not(:has([data-stale=true]), :has(details[style*=overflow]))"
)

# Long, for a machine that has other work to do: what is expected is mostly there at once.
expect.set_options(timeout=30_000)


class Window:
    """One page of the app, with everything that it asked for and complained of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        # Streamlit finds out by trial which part of an address is the screen's, and the browser tells of each trial.
        if message.type in ("error", "warning") and "/_stcore/" not in message.location["url"]:
            self.complaints.append(message.text)

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)
        self.settle()

    def settle(self) -> None:
        """Wait until what was done has had its effect on the screen."""
        # It has to reach the server first.
        self.page.wait_for_timeout(100)
        self.page.wait_for_selector(SETTLED, state="attached", timeout=30_000)

    def resize(self, size: dict[str, int]) -> None:
        """Make the window so large, and wait until the screen has found its place in it."""
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)
            self.settle()

    def title(self, words: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words)
        self.settle()

    def press(self, button: str) -> None:
        found = self.page.get_by_role("button", name=button, exact=True)
        # As a person does. Pressed from far away on a long page, a button now and then did not hear of it.
        found.scroll_into_view_if_needed()
        found.click()

    def unfold(self, words: str | re.Pattern[str]) -> None:
        """Open the expander with these words on it, wholly."""
        self.page.get_by_text(words).first.click()
        self.settle()

    def go(self, screen: str) -> None:
        """By the menu, which a narrow window has behind a button."""
        # Wholly, because "Who needs help" ends in another screen's name.
        named = self.page.get_by_text(screen, exact=True)
        if self.page.evaluate("innerWidth") < _NARROW_PX:
            self.page.get_by_test_id("stExpandSidebarButton").click()
            self.page.get_by_test_id("stSidebarNavLink").filter(has=named).click()
        else:
            self.page.get_by_test_id("stTopNavLink").filter(has=named).click()
        self.title(screen)

    def go_to_all_rounds(self) -> None:
        self.page.get_by_role("link", name="All rounds").click()
        self.title("School support matching")

    def give_name(self, name: str) -> None:
        """Answer the first question."""
        self.title("Your name")
        self.page.get_by_role("textbox", name="Your name, for the record").fill(name)
        self.press("Continue")
        expect(self.page.get_by_text(f"Recorded as {name}")).to_be_visible()
        self.settle()

    def change_name(self, name: str) -> None:
        self.page.get_by_role("button", name="Recorded as").click()
        box = self.page.get_by_role("textbox", name="Your name, for the record")
        box.fill(name)
        box.press("Enter")
        expect(self.page.get_by_text(f"Recorded as {name}")).to_be_visible()
        self.page.keyboard.press("Escape")
        self.settle()

    def move_first_slider(self) -> None:
        """One step up; a slider that is still being drawn does not hear a key."""
        self.settle()
        # By its name: on a busy machine another slider is now and then drawn before it, and heard the key.
        slider = self.page.get_by_role("slider", name=re.compile("^Specialism: "))
        slider.focus()
        expect(slider).to_be_focused()
        slider.press("ArrowRight")

    def open_demo(self) -> None:
        self.open()
        self.press("Open the demo")
        self.title("Start")

    def open_plan(self) -> None:
        """The demo area with its plan, on the Plan screen."""
        self.open_demo()
        self.go("Plan")
        self.make_plan()

    def make_plan(self) -> None:
        self.press("Make the plan")
        expect(self.page.get_by_text("Proved: no plan is better.")).to_be_visible()
        self.settle()

    def open_files(self) -> None:
        """The files of the plan, on the Hand over screen."""
        self.go("Hand over")
        self.page.get_by_role("tab", name="Files").click()
        expect(self.page.get_by_role("heading", name="To read and share")).to_be_visible()
        self.settle()

    def tick_every_point(self) -> None:
        """Look at every point before approval."""
        for box in self.page.get_by_role("checkbox", name="I have checked").all():
            box.locator("xpath=ancestor::label").click()
            expect(box).to_be_checked()
            self.settle()

    def choose(self, label: str, words: str) -> None:
        """Choose from a list by typing."""
        box = self.page.get_by_role("combobox", name=label)
        box.click()
        box.fill(words)
        self.page.get_by_role("option").first.click()
        self.settle()

    def upload(self, **tables: str) -> None:
        """Put tables into the slots of their names."""
        for name, table in tables.items():
            slot = self.page.locator(f"[class*=st-key-upload_{name}_]")
            file_name = f"{name}.toml" if name == "policy" else f"{name}.csv"
            file = {"name": file_name, "mimeType": "", "buffer": table.encode()}
            with self.page.expect_response(lambda answer: answer.request.method == "PUT"):
                slot.locator("input[type=file]").set_input_files([file])
            expect(slot.get_by_test_id("stFileChipName")).to_have_text(file_name)
            self.settle()

    def select_first_row(self) -> None:
        """Choose the first row of a grid with the keyboard: what is seen of a grid is a picture."""
        self.page.get_by_test_id("data-grid-canvas").first.focus()
        expect(self.page.get_by_test_id("glide-cell-0-0").first).to_be_focused()
        self.page.keyboard.press("ArrowRight")
        self.settle()

    def download(self, button: str) -> bytes:
        with self.page.expect_download() as caught:
            self.press(button)
        return Path(caught.value.path()).read_bytes()

    def strangers(self) -> list[str]:
        """What was asked of any other computer."""
        own = urlsplit(self.address).netloc
        return [
            url for url in self.requests if urlsplit(url).scheme not in ("data", "blob") and own != urlsplit(url).netloc
        ]


@contextmanager
def profile(
    browser: Browser, app: App, name: str | None = NAME, viewport: dict[str, int] = DESKTOP
) -> Iterator[BrowserContext]:
    """A browser of its own, as it is after its user has given their name; with None, as before."""
    context = browser.new_context(viewport=viewport, accept_downloads=True, reduced_motion="reduce")
    if name is not None:
        context.add_cookies([{"name": NAME_COOKIE, "value": quote(name), "url": app.address}])
    yield context
    context.close()
