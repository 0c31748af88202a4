"""Pictures of the newest reports of drills, into docs/.

python -m tools.screenshots.drills ENVIRONMENT DRILL ...
"""

import sys
from pathlib import Path

from airaware.errors import AirAwareError
from tools.drill.report import folder
from tools.screenshots.site import FOLDER, chromium, save

WIDTH, HEIGHT = 1000, 1330


def newest(environment: str, drill: str) -> Path:
    """Return the newest report of a drill. Raises AirAwareError where there is none."""
    pages = sorted(folder(environment).glob(f"{drill}-[0-9]*.html"))
    if not pages:
        raise AirAwareError(f"There is no report: fab drill {drill} --env {environment}")
    return pages[-1]


def main(environment: str, *drills: str) -> None:
    """Take a picture of each drill's newest report: its head, to the picture of its course."""
    pages = [newest(environment, drill) for drill in drills]
    with chromium() as browser:
        for drill, page in zip(drills, pages, strict=True):
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            tab.goto(page.as_uri())
            save(tab.screenshot(), FOLDER / f"drill-{drill}.png")
            tab.close()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AirAwareError as error:
        sys.exit(f"screenshots: {error}")
