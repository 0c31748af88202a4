"""Views begin with the last look at the loads, however old, and rest on what is served at last."""

import json

import pytest
from flask import Flask

from airaware.settings import Zone
from airaware.store import memory
from airaware.store.memory import Memory
from airaware.store.zones import Reader
from airaware.web import asking
from airaware.web.errors import YearNotLoadedError


class Store:
    """The years of a database, by what a Reader holds."""

    years: tuple[int, ...] = (2016,)

    def held(self, *_: object) -> tuple[str, ...]:
        loads = [
            [44201, year, False, "2026-01-01T00:00:00+00:00", "1", {}, False] for year in self.years
        ]
        return (json.dumps(loads),)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(Reader, "held", store.held)
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    return store


@pytest.fixture
def app(store: Store) -> Flask:  # noqa: ARG001 (it has to be there)
    """A site that has looked at the loads once."""
    app = Flask(__name__)
    app.extensions["reader"] = Memory([Zone("a", "")], {})
    app.extensions["reader"].served()
    return app


@asking.settled
def years_at(year: int) -> list[int]:
    """Return the years that are there, and refuse one that is not."""
    years = [load.year for load in asking.served().loads]
    if year not in years:
        raise YearNotLoadedError(f"no {year}", years)
    return years


def test_an_answer_rests_on_what_is_served_at_its_end(app: Flask, store: Store) -> None:
    store.years = (2016, 2017)
    with app.app_context():
        assert years_at(2016) == [2016, 2017]


def test_a_year_that_came_since_the_last_look_is_not_denied(app: Flask, store: Store) -> None:
    store.years = (2016, 2017)
    with app.app_context():
        assert years_at(2017) == [2016, 2017]


def test_a_year_that_never_came_is_denied(app: Flask, store: Store) -> None:
    store.years = (2017,)
    with app.app_context(), pytest.raises(YearNotLoadedError):
        years_at(2015)
