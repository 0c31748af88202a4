"""The site on a small load made by hand."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from handmade import LOADS, remove, submit

from airaware.settings import Settings, Zone
from airaware.web import create_app


@pytest.fixture(scope="module")
def loaded(zones: tuple[Zone, ...]) -> Iterator[None]:
    """LOADS, in both zones."""
    for zone in zones:
        for parameter, year in LOADS:
            submit(zone, parameter, year)
    yield
    for zone in zones:
        for parameter, year in LOADS:
            remove(zone, parameter, year)


@pytest.fixture(scope="session")
def settings_for() -> Callable[..., Settings]:
    """Makes settings of a web server for some zones; its own is the first, offline by default."""

    def make(zones: tuple[Zone, ...], census_url: str = "") -> Settings:
        return Settings("", "", zones, zones[0].name, 0.05, 0, census_url)

    return make


@pytest.fixture
def app(
    loaded: None, reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> Flask:
    """The application on both zones."""
    return create_app(settings_for(reader_zones))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application in this process."""
    return app.test_client()
