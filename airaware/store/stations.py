"""What a load's stations measured, read back from the store."""

import calendar
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import numpy as np

from airaware import store
from airaware.settings import Zone

_STATIONS = "SELECT site, latitude, longitude FROM station WHERE parameter = %s AND year = %s"
_DAYS = """
SELECT site, extract(day FROM day)::int - 1, hours, daily FROM station_day
WHERE parameter = %s AND year = %s AND day BETWEEN %s AND %s ORDER BY site
"""


@dataclass(frozen=True)
class StationMonth:
    """The stations that report in a month, by site; NaN where one does not.

    latitude, longitude in degrees (n,); hours (n, 24*days) and the daily metric (n, days) in the
    unit of EPA's file.
    """

    month: int
    latitude: np.ndarray
    longitude: np.ndarray
    hours: np.ndarray
    daily: np.ndarray


def months(zone: Zone, parameter: int, year: int) -> Iterator[StationMonth]:
    """The months of a load in which any station reports.

    Raises AirAwareError where the zone's database cannot be reached.
    """
    with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_STATIONS, (parameter, year))
        places = {site: place for site, *place in cursor}
        for month in range(1, 13):
            days = calendar.monthrange(year, month)[1]
            span = date(year, month, 1), date(year, month, days)
            cursor.execute(_DAYS, (parameter, year, *span))
            if cursor.rowcount:
                yield _station_month(month, days, places, cursor.fetchall())


def _station_month(month: int, days: int, places: dict, rows: list[tuple]) -> StationMonth:
    sites, day, hours, daily = zip(*rows, strict=True)
    reporting, station = np.unique(sites, return_inverse=True)
    by_day = np.full((len(reporting), days, 24), np.nan)
    by_day[station, day] = hours
    metric = np.full((len(reporting), days), np.nan)
    metric[station, day] = daily
    latitude, longitude = np.array([places[site] for site in reporting.tolist()]).T
    return StationMonth(month, latitude, longitude, by_day.reshape(len(reporting), -1), metric)
