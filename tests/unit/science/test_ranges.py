"""Ranges of counts: do they cover as much as they say, of years that a program made up?"""

from calendar import monthrange
from dataclasses import dataclass

import numpy as np
import pytest

from airaware.science import metrics, pollutants, ranges
from airaware.science.accuracy import DAILY, FROM_MILES
from airaware.science.interpolate import Points, idw, weights, weights_of_others
from airaware.science.leave_one_out import LeftOut, left_out_months
from airaware.science.sphere import KM_PER_MILE

OZONE = pollutants.get(44201)
YEAR = 2013
LENGTHS = [monthrange(YEAR, month)[1] for month in range(1, 13)]
MONTHS = np.repeat(np.arange(1, 13), LENGTHS)
STATIONS, PLACES, YEARS = 250, 100, 24


def waves(chance: np.random.Generator, places: np.ndarray, degrees: float) -> np.ndarray:
    """Return 40 random patterns of so many degrees at places: (n, 40)."""
    turn = places @ chance.normal(0, 1 / degrees, (2, 40)) + chance.uniform(0, 2 * np.pi, 40)
    return np.cos(turn) / np.sqrt(20)


def weather(chance: np.random.Generator, many: int, memory: float) -> np.ndarray:
    """Return series that go on like the day before, as much as `memory` says: (n, 365)."""
    found = chance.normal(size=(many, 365))
    for day in range(1, 365):
        found[:, day] = memory * found[:, day - 1] + np.sqrt(1 - memory**2) * found[:, day]
    return found


def air(chance: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """Return a year of ozone at places, in ppm (n, 365), as monitors there would have it.

    Seasons, weather of large and of small patterns, what a place is always above the others and
    what it is for weeks, and noise.
    """
    season = 38 + 15 * np.sin(2 * np.pi * (np.arange(365) - 100) / 365)
    large = 9 * waves(chance, places, 4.0) @ weather(chance, 40, 0.7)
    small = 4 * waves(chance, places, 0.4) @ weather(chance, 40, 0.5)
    own = chance.normal(0, 4, (len(places), 1)) + 2 * weather(chance, len(places), 0.95)
    noise = chance.normal(0, 3, (len(places), 365))
    return np.floor(np.maximum(season + large + small + own + noise, 0)) / 1000


def left_out_of(stations: Points, measured: np.ndarray) -> np.ndarray:
    """Return LEFT_OUT_MONTHS of a year, each station estimated from the others as the job does."""
    others = weights_of_others(stations)
    estimated = np.full(measured.shape, np.nan)
    estimated[others.points] = idw(others.matrix, measured)
    from_miles = np.full(len(stations), FROM_MILES[-1])
    from_miles[others.points] = classes(others.nearest_km)
    sites = [f"17-031-{n:04}" for n in range(len(stations))]
    found = []
    for month in range(1, 13):
        days = month == MONTHS
        values = ({DAILY: each[:, days]} for each in (measured, estimated))
        left_out = LeftOut(np.arange(len(stations)), stations, from_miles, *values)
        found.append(left_out_months(month, sites, left_out))
    return np.concatenate(found)


def classes(nearest_km: np.ndarray) -> np.ndarray:
    number = np.searchsorted(FROM_MILES, nearest_km / KM_PER_MILE, side="right") - 1
    return np.take(FROM_MILES, number)


@dataclass(frozen=True)
class Simulated:
    """Of each place and year, its real counts (n, COUNTS) and their ranges (n, COUNTS, 2)."""

    real: np.ndarray
    found: np.ndarray

    def coverage(self, count: str) -> float:
        """Return the share of the real counts that lie in their ranges."""
        which = ranges.COUNTS.index(count)
        real, (low, high) = self.real[:, which], np.moveaxis(self.found[:, which], 1, 0)
        return float(((low <= real) & (real <= high)).mean())


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    """YEARS of stations, and of places in between that nobody measures; half are in towns."""
    chance = np.random.default_rng(1)
    real, found = [], []
    for _ in range(YEARS):
        many = STATIONS + PLACES
        places = np.stack([chance.uniform(34, 42, many), chance.uniform(-95, -83, many)], axis=1)
        towns = chance.permutation(many)[: many // 2]
        places[towns] = places[chance.integers(0, many, many // 2)]
        places[towns] += chance.normal(0, 0.12, (many // 2, 2))
        places = chance.permutation(places)
        values = air(chance, places)
        stations = Points(*places[:STATIONS].T)
        table = ranges.made_of(OZONE, left_out_of(stations, values[:STATIONS]))
        reach = weights(Points(*places[STATIONS:].T), stations)
        daily = idw(reach.matrix, values[:STATIONS])
        for place, nearest_km, estimates in zip(reach.points, reach.nearest_km, daily, strict=True):
            of_place = ranges.of_days(OZONE, table, MONTHS, np.full(365, nearest_km), estimates)
            assert of_place is not None
            found.append(of_place)
            real.append(ranges.counted(OZONE, values[STATIONS + place]).sum(axis=0))
    return Simulated(np.array(real), np.array(found))


@pytest.mark.parametrize("count", ["above", "Good", "Moderate", "Unhealthy for Sensitive Groups"])
def test_ranges_cover_90_percent_of_simulated_years(simulated: Simulated, count: str) -> None:
    assert len(simulated.real) > 1000
    assert 0.88 <= simulated.coverage(count) <= 0.92


def test_were_days_independent_the_ranges_would_be_too_narrow(simulated: Simulated) -> None:
    """So the coverage above is no matter of course: half of a range's width loses a third."""
    low, high = np.moveaxis(simulated.found, 2, 0)
    quarter = (high - low) // 4
    narrow = Simulated(simulated.real, np.stack([low + quarter, high - quarter], axis=2))
    assert narrow.coverage("Good") < 0.7


def test_days_are_counted_by_the_rules_of_the_metrics():
    values = np.array([0, 0.0545, 0.055, 0.070, 0.0709, 0.071, 0.0860, 0.3], np.float32)
    found = ranges.counted(OZONE, values)
    assert found[:, 0].tolist() == metrics.above(OZONE, values).tolist()
    category = metrics.category(OZONE, values)
    assert found[:, 1:].argmax(axis=1).tolist() == category.tolist()
    assert (found[:, 1:].sum(axis=1) == 1).all()


def months_of(stations: int, days: int = 31) -> np.ndarray:
    """Return twelve months of stations 8 km from the next that are 1 ppb too high, or too low."""
    found = np.zeros((stations, 12), ranges.LEFT_OUT_MONTHS)
    found["site"] = np.array([f"17-031-{n:04}" for n in range(stations)], "S11")[:, None]
    found["month"], found["from_miles"] = np.arange(1, 13), 5
    found["observed"] = found["estimated"] = np.nan
    chance = np.random.default_rng(1)
    found["observed"][:, :, :days] = chance.integers(40, 100, (stations, 12, days)) / 1000
    found["estimated"] = found["observed"] + chance.choice([-0.001, 0.001], found["observed"].shape)
    return found.ravel()


def of_a_place(table: np.ndarray, nearest_km: float = 9.0) -> np.ndarray | None:
    daily = np.full(365, 0.060)
    return ranges.of_days(OZONE, table, MONTHS, np.full(365, nearest_km), daily)


def test_too_few_stations_or_none_so_far_have_no_range():
    assert of_a_place(ranges.made_of(OZONE, months_of(18))) is None
    enough = ranges.made_of(OZONE, months_of(19))
    assert of_a_place(enough) is not None
    assert of_a_place(enough, nearest_km=30.0) is None
    assert of_a_place(ranges.made_of(OZONE, months_of(19, days=7))) is None  # 84 days
    assert of_a_place(enough[:0]) is None  # as of a load of before
    assert of_a_place(ranges.made_of(OZONE, np.zeros(0, ranges.LEFT_OUT_MONTHS))) is None


def test_days_far_from_an_edge_are_certain_but_for_one():
    found = of_a_place(ranges.made_of(OZONE, months_of(40)))
    assert found is not None
    assert found[ranges.COUNTS.index("Moderate")].min() >= 364
    assert found[ranges.COUNTS.index("above")].max() <= 1
