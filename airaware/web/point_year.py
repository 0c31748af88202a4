"""A load's year at the exact place: read from the store once, its days as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

import numpy as np

from airaware.science import metrics, point, pollutants
from airaware.science.accuracy import DAILY, season
from airaware.science.pollutant import Pollutant
from airaware.store import nearby
from airaware.store.queries import Load
from airaware.web.asking import At

YEARS = 100  # more than there are


@dataclass(frozen=True)
class PointYear:
    """The days of a load (days,); NaN where a day has no value, monitor or known error.

    daily: the metric, and expected_error: of it, in the unit of EPA's file; nearest_km: to the
    nearest monitor that reported in the month; smoke_hours: the most hours flagged as wildfire
    smoke at any monitor that the day rests on.
    """

    load: Load
    air: nearby.Air
    daily: np.ndarray
    nearest_km: np.ndarray
    expected_error: np.ndarray
    smoke_hours: np.ndarray

    @property
    def pollutant(self) -> Pollutant:
        """The load's pollutant."""
        return pollutants.get(self.load.parameter)

    @cached_property
    def aqi(self) -> np.ndarray:
        """The Air Quality Index (days,), -1 where there is none."""
        return metrics.aqi(self.pollutant, self.daily)

    @cached_property
    def above(self) -> np.ndarray:
        """Which days lie above the level of the standard (days,)."""
        return metrics.above(self.pollutant, self.daily)

    @cached_property
    def months(self) -> np.ndarray:
        """Its months, `summary.month_fields` (12,); NaN where one has no value."""
        return point.figures(self.pollutant, *map(self.air.months.get, range(1, 13)))

    @property
    def dates(self) -> tuple[str, ...]:
        """The days' dates, as 2017-07-04."""
        return _dates(self.load.year)

    @property
    def month(self) -> np.ndarray:
        """Each day's month, 1 for January (days,)."""
        return _month_of_days(self.load.year)


@lru_cache(maxsize=YEARS)
def _dates(year: int) -> tuple[str, ...]:
    first = date(year, 1, 1)
    days = (date(year + 1, 1, 1) - first).days
    return tuple((first + timedelta(number)).isoformat() for number in range(days))


@lru_cache(maxsize=YEARS)
def _month_of_days(year: int) -> np.ndarray:
    return np.array([int(day[5:7]) for day in _dates(year)])


def read(at: At, load: Load) -> PointYear:
    """Return a load's year at a place. Raises NoZoneError where no database answers."""
    found = measured(at, load)
    errors = at.expected_errors(load)
    first = date(load.year, 1, 1)
    days = (date(load.year + 1, 1, 1) - first).days
    daily, nearest_km, expected_error = (np.full(days, np.nan) for _ in range(3))
    smoke_hours = np.zeros(days, np.int16)
    for number, month in found.months.items():
        begin = (date(load.year, number, 1) - first).days
        of_month = slice(begin, begin + len(month.daily))
        daily[of_month] = month.daily
        nearest_km[of_month] = month.nearest_km
        error = errors.of(DAILY, month.nearest_km, season(number))
        expected_error[of_month] = np.nan if error is None else error
        smoke_hours[of_month] = found.smoke_hours[number]
    return PointYear(load, found, daily, nearest_km, expected_error, smoke_hours)


def measured(at: At, load: Load, months: Sequence[int] = range(1, 13)) -> nearby.Air:
    """Return neighbouring months of a load at a place, their hours by the place's clock."""
    # Real hours are not made of made-up ones.
    beyond = [
        other
        for other in at.of(load.parameter)
        if abs(other.year - load.year) == 1 and (load.synthetic or not other.synthetic)
    ]
    return nearby.air(at.reader, load, at.point, months, beyond)
