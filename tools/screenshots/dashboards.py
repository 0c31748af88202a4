"""Takes pictures of the page that `fab dashboards` writes, one of each dashboard.

    python -m tools.screenshots.dashboards PAGE.html FOLDER

It needs Chromium, as the tests do.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from airaware.errors import AirAwareError

WIDTH, HEIGHT = 1280, 900
COLOURS = 64


def take(page: Path, folder: Path) -> list[Path]:
    """Return a file dashboard-NAME.png in `folder` for each dashboard of the page.

    Raises AirAwareError where there is no page, or no browser.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise AirAwareError("Chromium is missing. Install it: tools/setup.sh tests")
    if not page.is_file():
        raise AirAwareError(f"There is no {page}. Write it: fab dashboards --env lab")
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", locale="en-US"
        )
        shown.goto(page.resolve().as_uri())
        shown.locator("body[data-drawn]").wait_for(state="attached")
        for heading in shown.locator("h2").all():
            file = folder / f"dashboard-{heading.get_attribute('id')}.png"
            panels = heading.locator("xpath=following-sibling::div[1]")
            picture = Image.open(io.BytesIO(panels.screenshot())).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
            taken.append(file)
        browser.close()
    return taken


def main() -> None:
    """Take the pictures, and print their paths."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        for file in take(Path(sys.argv[1]), Path(sys.argv[2])):
            print(file)
    except AirAwareError as error:
        sys.exit(f"pictures: {error}")


if __name__ == "__main__":
    main()
