"""Every page for everybody: what axe-core, an auditor of accessibility, finds on each."""

from typing import Any

import pytest
from browser import AXE
from handmade import PAGES
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(page: Page, name: str) -> None:
    page.add_init_script(path=AXE)
    page.goto(PAGES[name])
    if name == "map":
        expect(page.locator("#map-page[data-drawn]")).to_be_attached(timeout=30_000)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")
        assert found["passes"]
        assert [_told(each) for each in found["violations"] if _is_serious(each)] == [], scheme


def _is_serious(violation: dict[str, Any]) -> bool:
    return violation["impact"] in ("serious", "critical")


def _told(violation: dict[str, Any]) -> str:
    nodes = "; ".join(node["html"][:200] for node in violation["nodes"][:5])
    return f"{violation['id']}: {violation['help']}: {nodes}"
