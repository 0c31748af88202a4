"""`make screenshots`: pictures of the site's main pages from the demo's data, into docs/."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import requests
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from airaware.errors import AirAwareError
from tools.environments import catalog
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import Step, carry_out

FOLDER = CHECKOUT / "docs" / "screenshots"
PLACE, OTHERS = "60614", ("Houston, TX", "Fargo, ND")
DESKTOP, PHONE = 1280, 390
# What a sheet of paper has within its margins: Letter, at CSS's 96 pixels an inch.
SHEET, SHEET_HEIGHT = 740, 980
# The map is drawn without a graphics card.
BROWSER_ARGUMENTS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
SECONDS = 60.0


@dataclass(frozen=True)
class Picture:
    """A page in a window of this size (CSS pixels); `query` is sent to `path`.

    The window begins at the element with the id `anchor`, where one is named.
    """

    name: str
    path: str
    query: dict[str, str | list[str]]
    width: int = DESKTOP
    height: int = 860
    scheme: str = "light"
    media: Literal["screen", "print"] = "screen"
    anchor: str = ""

    @property
    def file(self) -> Path:
        """Where it goes."""
        return FOLDER / f"{self.name}.png"


def pictures(measured: str, latest: str) -> Iterator[Picture]:
    """Yield the pictures, of a measured year and of the latest one, which has the country."""
    here: dict[str, str | list[str]] = {"address": PLACE, "year": measured}
    week: dict[str, str | list[str]] = {"address": PLACE, "from": f"{measured}-07-01"}
    yield Picture("home", "/", {}, height=760)
    yield Picture("air", "/air", here, height=1240)
    yield Picture("pollutant", "/air", here, height=1330, anchor="pollutant-44201")
    yield Picture("history", "/history", week, height=760)
    yield Picture("compare", "/compare", {"address": [PLACE, *OTHERS], "year": latest}, height=1290)
    yield Picture("map", "/map", {"year": latest, "month": "7"})
    yield Picture("map-dark", "/map", {"year": latest, "month": "7"}, scheme="dark")
    yield Picture("phone", "/air", here, PHONE, 844)
    sheet = partial(Picture, width=SHEET, height=SHEET_HEIGHT, media="print")
    yield sheet("printed-air", "/air", here)
    yield sheet("printed-map", "/map", {"year": latest, "month": "7"})


def years(site: str) -> tuple[str, str]:
    """Return the latest year that was measured and not made up, and the latest at all, at PLACE.

    Where all are made up, the latest is both. Raises AirAwareError where none is loaded.
    """
    answer = requests.get(f"{site}/api/v1/air", {"address": PLACE}, timeout=SECONDS).json()
    if not answer.get("years"):
        raise AirAwareError(f"The site has no pictures to show: {answer['detail']}")
    for year in answer["years"]:
        found = requests.get(
            f"{site}/api/v1/air", {"address": PLACE, "year": year}, timeout=SECONDS
        ).json()
        if not found["synthetic"]:
            return str(year), str(answer["year"])
    return str(answer["year"]), str(answer["year"])


def take(browser: Browser, site: str, picture: Picture) -> None:
    """Take one picture. Raises AirAwareError where a part of the page did not come."""
    page = browser.new_page(
        base_url=site,
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        locale="en-US",
    )
    page.set_default_timeout(1000 * SECONDS)
    failed: list[str] = []
    page.on("response", lambda each: failed.append(each.url) if each.status >= 400 else None)
    address = requests.Request("GET", f"{site}{picture.path}", params=picture.query).prepare().url
    page.goto(str(address))
    if picture.path == "/map":
        page.locator("#map-page[data-drawn]").wait_for(state="attached")
        page.locator("#legend-error:not(:empty)").wait_for()
        page.wait_for_load_state("networkidle")
    for chart in page.locator("[data-chart]").all():
        chart.and_(page.locator("[data-drawn]")).wait_for(state="attached")
    page.emulate_media(media=picture.media)
    if picture.anchor:
        page.locator(f"#{picture.anchor}").evaluate("(it) => it.scrollIntoView()")
    png = page.screenshot()
    if failed:
        raise AirAwareError(f"The site did not answer {failed[0]}. Take the pictures again.")
    save(png, picture.file)
    page.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the machine's own browser. Raises AirAwareError where it has none."""
    path = shutil.which("chromium")
    if path is None:
        raise AirAwareError("Chromium is missing. Install it: tools/setup.sh tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


def save(png: bytes, file: Path) -> None:
    """Keep a picture with few colours, so that it is small."""
    taken = Image.open(io.BytesIO(png)).convert("RGB")
    # Other methods lose the colours of small patches, as of a single bad day; kmeans keeps tints.
    few = taken.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def main() -> None:
    """Take all pictures of the site that runs. Raises AirAwareError where none does."""
    site = catalog.local("").web.address()
    if site is None:
        raise AirAwareError("The site does not run. Start it with a year of air: make demo")
    measured, latest = years(site)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        steps = (
            Step(f"take {each.file.relative_to(CHECKOUT)}", partial(take, browser, site, each))
            for each in pictures(measured, latest)
        )
        carry_out(steps, dry_run=False)


if __name__ == "__main__":
    try:
        main()
    except AirAwareError as error:
        sys.exit(f"screenshots: {error}")
