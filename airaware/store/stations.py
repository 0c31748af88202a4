"""What a load's stations measured, read back from the store."""

import calendar
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from airaware import store
from airaware.science import utc_offsets
from airaware.settings import Zone

# A load of before offsets were kept has none: its stations' are those of their places.
_STATIONS = """
SELECT site, latitude, longitude, (utc_offsets ->> site)::int
FROM station JOIN load USING (parameter, year) WHERE parameter = %s AND year = %s
"""
_DAYS = """
SELECT site, day - %s, hours, daily FROM station_day
WHERE parameter = %s AND year = %s AND day BETWEEN %s AND %s ORDER BY site
"""


@dataclass(frozen=True)
class StationMonth:
    """The stations that report in a month, by site; NaN where one does not.

    latitude, longitude in degrees (n,); offsets, their clocks' hours from UTC (n,); hours
    (n, 24 + 24*days + 24), with the days before and after as far as the year has them, and the
    daily metric (n, days) in the unit of EPA's file.
    """

    month: int
    latitude: np.ndarray
    longitude: np.ndarray
    offsets: np.ndarray
    hours: np.ndarray
    daily: np.ndarray


def months(zone: Zone, parameter: int, year: int) -> Iterator[StationMonth]:
    """Yield the months of a load in which any station reports.

    Raises AirAwareError where the zone's database cannot be reached.
    """
    with closing(store.connect(zone)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_STATIONS, (parameter, year))
        places = {
            site: (latitude, longitude, offset or utc_offsets.at(latitude, longitude))
            for site, latitude, longitude, offset in cursor
        }
        for month in range(1, 13):
            days = calendar.monthrange(year, month)[1]
            before = date(year, month, 1) - timedelta(1)
            after = before + timedelta(days + 1)
            cursor.execute(_DAYS, (before, parameter, year, before, after))
            rows = cursor.fetchall()
            reporting = {site for site, day, *_ in rows if 1 <= day <= days}
            if reporting:
                found = [row for row in rows if row[0] in reporting]
                yield _station_month(month, days, places, found)


def _station_month(
    month: int, days: int, places: dict[str, Any], rows: list[tuple[Any, ...]]
) -> StationMonth:
    sites, day, hours, daily = zip(*rows, strict=True)
    reporting, station = np.unique(sites, return_inverse=True)
    by_day = np.full((len(reporting), days + 2, 24), np.nan)
    by_day[station, day] = hours
    metric = np.full((len(reporting), days + 2), np.nan)
    metric[station, day] = daily
    latitude, longitude = np.array([places[site][:2] for site in reporting.tolist()]).T
    return StationMonth(
        month,
        latitude,
        longitude,
        np.array([places[site][2] for site in reporting.tolist()]),
        by_day.reshape(len(reporting), -1),
        metric[:, 1:-1],
    )
