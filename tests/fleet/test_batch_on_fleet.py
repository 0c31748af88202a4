"""A real year on a fleet: submitted by an operator, loaded into both zones, asked for by visitors.

In the end both zones are equal, and equal to what this machine alone makes of the same files.
"""

import re
from pathlib import Path

import pytest
import requests
from browser import Site, launch, visit
from fleets import Fab
from playwright.sync_api import sync_playwright
from wait import until
from years import YEAR, Checksums, assert_both_hold

from tools.environments.fleet import Fleet
from tools.fleet.controller import DONE

pytestmark = pytest.mark.slow


def test_both_zones_hold_what_this_machine_makes(lab: Fleet, fab: Fab, loaded: Checksums) -> None:
    assert_both_hold(lab, loaded)
    told = fab("status", "--env", "lab").stdout
    for checksum in loaded.values():
        assert re.search(rf"{YEAR} .* EPA .* equal .* {checksum}", told), told


@pytest.mark.usefixtures("lab", "loaded")
def test_a_second_submit_changes_nothing(fab: Fab) -> None:
    done = fab("submit-year", YEAR, "--env", "lab")
    assert done.returncode == 0
    assert done.stdout.count("holds it already") == 4
    listed = fab("jobs", "--env", "lab").stdout
    assert listed.count(DONE) >= 2


@pytest.mark.usefixtures("loaded")
def test_a_visitor_gets_the_year_through_the_balancer(lab: Fleet) -> None:
    url = lab.urls()["site"]
    until(lambda: requests.get(f"{url}/readyz", timeout=5).ok, "ready", 60)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with visit(browser, Site(url, Path())) as page:
            page.goto("/")
            page.get_by_role("searchbox").fill("60614")
            page.get_by_role("searchbox").press("Enter")
            page.wait_for_url("**/air?**")
            assert page.get_by_role("heading", level=1).is_visible()
            assert YEAR in page.inner_text("main")
        browser.close()
    answer = requests.get(f"{url}/api/v1/air", params={"address": "60614"}, timeout=10).json()
    assert (answer["year"], answer["synthetic"]) == (int(YEAR), False)


@pytest.mark.usefixtures("lab", "loaded")
def test_the_errors_of_the_year_are_told(fab: Fab) -> None:
    done = fab("accuracy", YEAR, "--parameter", "44201", "--env", "lab")
    assert done.returncode == 0, done.stderr
    assert f"Ozone (44201) {YEAR}, in ppb" in done.stdout


@pytest.mark.usefixtures("lab", "loaded")
def test_a_mistake_is_told_and_fails(fab: Fab) -> None:
    done = fab("submit-year", "1999", "--env", "lab")
    assert done.returncode == 1
    assert "has no hourly_44201_1999.zip" in done.stdout
    assert "failed, exit status 1" in done.stderr
