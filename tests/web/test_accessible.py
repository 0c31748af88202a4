"""Every page for everybody: what axe-core, an auditor of accessibility, finds on each."""

from typing import Any

import pytest
from browser import AXE, Site, visit
from handmade import PAGES
from playwright.sync_api import Browser, expect

# A small phone, a phone and a desktop, in CSS pixels.
WIDTHS = (320, 390, 1280)


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser: Browser, site: Site, name: str) -> None:
    with visit(browser, site) as page:
        page.add_init_script(path=AXE)
        page.goto(PAGES[name])
        if name == "map":
            expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                found = page.evaluate("axe.run()")
                assert found["passes"]
                assert list(map(_described, found["violations"])) == [], (width, scheme)


def _described(violation: dict[str, Any]) -> str:
    nodes = "; ".join(node["html"][:200] for node in violation["nodes"][:5])
    return f"{violation['id']}: {violation['help']}: {nodes}"
