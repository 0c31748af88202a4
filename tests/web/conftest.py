"""The site on a small load made by hand."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import SIZES, Site, launch, visit
from flask import Flask
from flask.testing import FlaskClient
from handmade import LOADS, remove, submit
from playwright.sync_api import Browser, Page, sync_playwright
from serving import served

from airaware.job import bulk
from airaware.settings import Settings, Zone
from airaware.web import create_app


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have test_golden_pages.py write its digests anew."""
    parser.addoption("--renew-golden", action="store_true")


@pytest.fixture(scope="package")
def loaded(zones: tuple[Zone, ...]) -> Iterator[None]:
    """LOADS, in both zones; made once for all files here."""
    _each_load(submit, zones)
    yield
    _each_load(remove, zones)


@pytest.fixture(scope="module")
def nothing_loaded(
    loaded: None,  # noqa: ARG001 (it has to be there before)
    zones: tuple[Zone, ...],
) -> Iterator[None]:
    """Databases without a load, for a file that makes its own; LOADS come back in the end."""
    _each_load(remove, zones)
    yield
    _each_load(submit, zones)


def _each_load(do: Callable[[Zone, int, int], None], zones: tuple[Zone, ...]) -> None:
    for zone in zones:
        for parameter, year in LOADS:
            do(zone, parameter, year)


@pytest.fixture(scope="session")
def settings_for() -> Callable[..., Settings]:
    """Makes settings of a web server for some zones; its own is the first, offline by default."""

    def make(zones: tuple[Zone, ...], census_url: str = "") -> Settings:
        return Settings("", "", zones, zones[0].name, 0.05, 0, census_url)

    return make


@pytest.fixture(scope="session")
def publisher(zones: tuple[Zone, ...]) -> Callable[..., Settings]:
    """Makes settings of a job that keeps files of years in bulk in a folder."""

    def make(folder: Path, population: str = "") -> Settings:
        base = Settings("", "", zones, zones[0].name, 0.05, 0, "")
        return replace(base, bulk=str(folder), population=population)

    return make


@pytest.fixture(scope="package")
def in_bulk(
    loaded: None,  # noqa: ARG001 (it has to be there)
    publisher: Callable[..., Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """The folder of the files of years in bulk of LOADS."""
    folder = tmp_path_factory.mktemp("bulk")
    assert bulk.publish(publisher(folder), [], [year for _, year in LOADS])
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def app(
    in_bulk: Path, reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> Flask:
    """The application on both zones."""
    return create_app(replace(settings_for(reader_zones), bulk=str(in_bulk)))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application in this process."""
    return app.test_client()


@pytest.fixture(scope="module")
def site(
    in_bulk: Path, reader_zones: tuple[Zone, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The site as it is deployed, on both zones."""
    folder = tmp_path_factory.mktemp("site")
    with served(reader_zones, folder, bulk=str(in_bulk)) as site:
        yield site
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser of real visitors."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """A page, on a desktop and on a phone, whose visits are all checked."""
    with visit(browser, site, request.param) as page:
        yield page
