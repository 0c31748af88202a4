"""The site as people and machines meet it, and what every page that a test visits must keep to."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, expect

# A busy machine may take several seconds for a page: the same as Playwright gives its actions.
expect.set_options(timeout=30_000)

# Nothing but the pages makes requests; and without a graphics card, the map is drawn all the same.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
TELL_THE_TITLE = (
    "addEventListener('DOMContentLoaded', () => visited(location.href, document.title))"
)


@dataclass(frozen=True)
class Site:
    """The site under gunicorn."""

    url: str
    log: Path


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium, without a window."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: run `make setup`"
    return playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)


@contextmanager
def visit(browser: Browser, site: Site, size: str = "desktop", **options: Any) -> Iterator[Page]:
    """A page whose visits are checked in the end, all of them.

    Each has its own title and the security headers; no request left the site; no script failed and
    no policy was broken.
    """
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=site.url, viewport={"width": width, "height": height}, locale="en-US", **options
    )
    titles: dict[str, str] = {}
    context.expose_function("visited", lambda url, title: titles.update({url: title}))
    context.add_init_script(TELL_THE_TITLE)
    page = context.new_page()
    requested: list[str] = []
    documents = []
    complaints: list[str] = []
    context.on("request", lambda each: requested.append(each.url))
    page.on(
        "response", lambda it: documents.append(it) if it.request.is_navigation_request() else None
    )
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        if options.get("java_script_enabled") is False:
            titles[page.url] = page.title()
        headers = {each.url: each.all_headers() for each in documents}
    finally:
        context.close()
    assert documents
    assert [url for url in requested if not url.startswith(f"{site.url}/")] == []
    # A page with status 404 is an error to Chromium; the visitor gets what the page says.
    assert [said for said in complaints if "responded with a status of 4" not in said] == []
    for url, each in headers.items():
        # Files of the API are for all sites.
        open_to_all = {"cross-origin-resource-policy": "cross-origin"} if "/api/" in url else {}
        assert (HEADERS | open_to_all).items() <= each.items()
        policy = each["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
    assert titles
    for title in titles.values():
        assert re.fullmatch(r"[^·]+ · AirAware", title)
    assert len(set(titles.values())) >= len({url.partition("?")[0] for url in titles})
