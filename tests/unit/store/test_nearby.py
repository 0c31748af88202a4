"""Hours of the stations near a place, by the place's clock; without a database."""

from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from airaware.store import nearby
from airaware.store.queries import Load

YEAR = 2013
# On either side of Indiana's border, and a place between them in the west.
WEST, EAST, BETWEEN = (41.5, -87.05), (41.5, -86.45), (41.5, -86.75)
Station = namedtuple("Station", "site latitude longitude utc_offset")
Days = namedtuple("Days", "site days")


class Store:
    """Stands in for a Memory: station_day by (year, site), and the queries' own conditions."""

    def __init__(self, stations: list[Station], days: dict[tuple[int, str], np.ndarray]) -> None:
        self.stations = stations
        self.days = days
        self.smoke: dict[tuple[int, int], int] = {}

    def remember(self, _kind: str, _of: list, _key: str, make: Callable) -> object:
        return make()

    def remember_each(self, _kind: str, _of: list, keys: list, make: Callable) -> dict:
        return make(keys)

    def by_zone(self, keys: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
        return [keys] if keys else []

    def fetch(self, sql: str, keys: dict, **_of: object) -> list:
        if sql is nearby._STATIONS:
            return self.stations
        found = []
        for site in keys["sites"]:
            rows = [
                self._row(year, number, hours, keys["first"])
                for (year, name), by_day in self.days.items()
                if name == site and year in keys["years"]
                for number, hours in enumerate(by_day)
                if keys["first"] <= self._day(year, number) <= keys["last"]
            ]
            if rows:
                found.append(Days(site, b"".join(row.tobytes() for row in rows)))
        return found

    @staticmethod
    def _day(year: int, number: int) -> date:
        return date.fromordinal(date(year, 1, 1).toordinal() + number)

    def _row(self, year: int, number: int, hours: np.ndarray, first: date) -> np.ndarray:
        row = np.zeros(1, nearby._DAY)
        row["day"] = (self._day(year, number) - first).days
        row["daily"] = hours.max()
        row["hours"]["value"] = hours
        row["smoke_hours"] = self.smoke.get((year, number), 0)
        return row


@pytest.fixture
def eastern() -> Store:
    """A station in the east alone; its hours are their numbers since 2012 began."""
    numbers = np.arange(24.0 * (366 + 365)).reshape(-1, 24)
    days = {(2012, "east"): numbers[:366], (YEAR, "east"): numbers[366:]}
    return Store([Station("east", *EAST, -5)], days)


def load(year: int) -> Load:
    return Load(44201, year, False, datetime(2026, 1, 1, tzinfo=UTC), "1")


def hours(store: Store, month: int, beyond=()) -> np.ndarray:
    memory: Any = store
    found = nearby.air(memory, load(YEAR), BETWEEN, [month], [*map(load, beyond)])
    return found.months[month].hours


def test_hours_are_shown_by_the_places_clock(eastern):
    """Midnight in the west is one o'clock in the east, where the last hour is the next month's."""
    first = 24 * (366 + 31)
    assert hours(eastern, 2) == pytest.approx(np.arange(first + 1, first + 24 * 28 + 1))


def test_the_last_hour_of_a_year_is_in_the_next_years_load(eastern):
    assert np.isnan(hours(eastern, 12)[-1])
    assert np.isfinite(hours(eastern, 12)[:-1]).all()
    eastern.days[2014, "east"] = np.full((2, 24), 7.0)
    assert np.isnan(hours(eastern, 12)[-1])
    assert hours(eastern, 12, beyond=[2014])[-1] == 7


def test_the_first_hour_of_a_year_is_in_the_load_of_the_year_before():
    numbers = np.arange(24.0 * (366 + 365)).reshape(-1, 24)
    days = {(2012, "west"): numbers[:366], (YEAR, "west"): numbers[366:]}
    store = Store([Station("west", *WEST, -6)], days)
    place = (41.5, -86.48)  # in the east
    january = nearby.air(store, load(YEAR), place, [1], [load(2012)]).months[1].hours
    assert january == pytest.approx(np.arange(24 * 366 - 1, 24 * (366 + 31) - 1))
    assert np.isnan(nearby.air(store, load(YEAR), place, [1]).months[1].hours[0])


def test_a_load_without_offsets_takes_them_from_its_stations_places(eastern):
    """One of before they were kept."""
    known = hours(eastern, 2)
    eastern.stations = [eastern.stations[0]._replace(utc_offset=None)]
    assert (hours(eastern, 2) == known).all()


def test_smoke_counts_on_days_that_rest_on_its_monitor(eastern: Store) -> None:
    """The third day has no daily metric, so that nothing of it is used."""
    eastern.smoke = {(YEAR, 0): 5, (YEAR, 2): 7}
    eastern.days[YEAR, "east"] = eastern.days[YEAR, "east"].copy()
    eastern.days[YEAR, "east"][2, 0] = np.nan
    memory: Any = eastern
    found = nearby.air(memory, load(YEAR), BETWEEN, [1])
    assert found.smoke_hours[1][:4].tolist() == [5, 0, 0, 0]
