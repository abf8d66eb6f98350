"""Take the picture of the Plan screen that the README shows: python benchmarks/picture.py [--chromium chromium]"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "tests" / "browser"))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from conftest import FLAGS, App, Window, profile

PICTURE = Path(__file__).parents[1] / "docs" / "plan.png"
VIEWPORT = {"width": 1280, "height": 1490}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        app = App(Path(directory))
        app.start()
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which(options.chromium), args=list(FLAGS))
            with profile(browser, app, viewport=VIEWPORT) as context:
                window = Window(context.new_page(), app.address)
                window.open_plan()
                window.select_first_row()
                window.page.evaluate("scrollTo(0, 0)")
                window.settle()
                window.page.screenshot(path=PICTURE)
            browser.close()
        finally:
            app.stop()


if __name__ == "__main__":
    main()
