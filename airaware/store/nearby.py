"""What the stations near a point measured, read from the store while a visitor waits."""

import calendar
import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from airaware.science import point, utc_offsets
from airaware.science.sphere import EARTH_RADIUS_KM, FAR_KM, REACH_KM, great_circle_km, unit_vectors
from airaware.store.zones import Reader

# A load of before clocks' offsets were kept has none: its stations' are those of their places.
_STATIONS = """
SELECT site, latitude, longitude, utc_offset::int
FROM station LEFT JOIN (
  SELECT entry.* FROM load, jsonb_each_text(utc_offsets) AS entry(site, utc_offset)
  WHERE parameter = %(parameter)s AND year = %(year)s
) AS clock USING (site)
WHERE parameter = %(parameter)s AND year = %(year)s
  AND latitude BETWEEN %(latitude)s - %(band)s AND %(latitude)s + %(band)s
ORDER BY site
"""
# One value per station, its days one after another as PostgreSQL sends them in binary: reading
# 24 numbers a day as text would take most of the answer's time.
_DAYS = """
SELECT site, string_agg(int4send(day - %(first)s) || float4send(daily) || int2send(smoke_hours)
                        || array_send(hours), '') AS days
FROM station_day
WHERE parameter = %(parameter)s AND year = ANY(%(years)s) AND site = ANY(%(sites)s)
  AND day BETWEEN %(first)s AND %(last)s
GROUP BY site
"""
_DAY = np.dtype(
    [
        ("day", ">i4"),
        ("daily", ">f4"),
        ("smoke_hours", ">i2"),
        # Dimensions, has no NULL, element type, length, first index: as airaware.store.binary.
        ("header", ">i4", (5,)),
        ("hours", [("bytes", ">i4"), ("value", ">f4")], (24,)),
    ]
)
_BAND_DEGREES = float(np.degrees(FAR_KM / EARTH_RADIUS_KM))


@dataclass(frozen=True)
class Stations:
    """The stations within FAR_KM of a point, the nearest first.

    Degrees and distances (n,); offsets, their clocks' hours from UTC (n,).
    """

    sites: tuple[str, ...]
    latitude: np.ndarray
    longitude: np.ndarray
    distance_km: np.ndarray
    offsets: np.ndarray

    def take(self, which: np.ndarray) -> "Stations":
        """Return some of them by their indices."""
        return Stations(
            tuple(self.sites[n] for n in which),
            self.latitude[which],
            self.longitude[which],
            self.distance_km[which],
            self.offsets[which],
        )


@dataclass(frozen=True)
class Air:
    """Months (by number) of one parameter's year at a point, and the stations they rest on.

    `Month.used` are indices into `stations`; a month that no station reaches is missing.
    smoke_hours: the most hours flagged as wildfire smoke at any station that a day rests on, for
    each month (days,).
    """

    stations: Stations
    months: Mapping[int, point.Month]
    smoke_hours: Mapping[int, np.ndarray]

    def used(self) -> dict[str, int]:
        """Return the sites that any month rests on, the nearest first, and how many months do."""
        months = Counter(n for month in self.months.values() for n in month.used.tolist())
        return {self.stations.sites[n]: months[n] for n in sorted(months)}


def air(
    reader: Reader,
    parameter: int,
    year: int,
    place: tuple[float, float],
    months: Sequence[int] = range(1, 13),
    beyond: Collection[int] = (),
) -> Air:
    """Return the air at a place (latitude, longitude in degrees) in neighbouring months of a year.

    Its hours are by the place's clock. At the ends of the year, monitors with another clock have
    them in the years before and after: those in `beyond` are read for that.

    Raises NoZoneError where no database answers.
    """
    found = stations(reader, parameter, year, place)
    near = found.take(np.flatnonzero(found.distance_km <= REACH_KM))
    asked = _Asked(reader, parameter, year, [year, *beyond], utc_offsets.at(*place))
    at_place = _months(asked, near, months)
    lacking = [month for month in months if month not in at_place.months]
    # The nearest come first, so that indices into `near` are indices into `found`.
    if lacking and len(found.sites) > len(near.sites):
        from_far = _months(asked, found, range(lacking[0], lacking[-1] + 1))
        at_place = Air(
            found,
            {**from_far.months, **at_place.months},
            {**from_far.smoke_hours, **at_place.smoke_hours},
        )
    return dataclasses.replace(at_place, stations=found)


def stations(reader: Reader, parameter: int, year: int, place: tuple[float, float]) -> Stations:
    """All stations of a load within FAR_KM of a place (degrees), the nearest first.

    Raises NoZoneError where no database answers.
    """
    latitude, longitude = place
    rows = reader.fetch(
        _STATIONS,
        {"parameter": parameter, "year": year, "latitude": latitude, "band": _BAND_DEGREES},
    )
    at = np.array([(row.latitude, row.longitude) for row in rows], np.float64).reshape(-1, 2)
    distance_km = great_circle_km(
        unit_vectors(at[:, 0], at[:, 1]), unit_vectors(np.array(latitude), np.array(longitude))
    )
    offsets = [
        row.utc_offset or utc_offsets.at(*where)
        for row, where in zip(rows, at.tolist(), strict=True)
    ]
    all_of_them = Stations(
        tuple(row.site for row in rows), at[:, 0], at[:, 1], distance_km, np.array(offsets, int)
    )
    order = np.argsort(distance_km, kind="stable")
    return all_of_them.take(order[distance_km[order] <= FAR_KM])


@dataclass(frozen=True)
class _Asked:
    """What is asked of the store: a parameter's year, years to read hours of, a place's clock."""

    reader: Reader
    parameter: int
    year: int
    years: list[int]
    offset: int


def _months(asked: _Asked, near: Stations, months: Sequence[int]) -> Air:
    """Return the months that any of the stations makes."""
    first = date(asked.year, months[0], 1)
    last = date(asked.year, months[-1], calendar.monthrange(asked.year, months[-1])[1])
    # Clocks differ: the days before and after have hours of the first and last day, too.
    hours, daily, smoke = _measured(asked, near.sites, first - timedelta(1), last + timedelta(1))
    found, smoke_hours = {}, {}
    begin = 1
    for month in months:
        end = begin + calendar.monthrange(asked.year, month)[1]
        made = point.month(
            near.distance_km,
            hours[:, 24 * (begin - 1) : 24 * (end + 1)],
            daily[:, begin:end],
            near.offsets,
            asked.offset,
        )
        if made:
            found[month] = made
            rests_on = np.isfinite(daily[made.used, begin:end])
            smoke_hours[month] = np.where(rests_on, smoke[made.used, begin:end], 0).max(axis=0)
        begin = end
    return Air(near, found, smoke_hours)


def _measured(
    asked: _Asked, sites: Iterable[str], first: date, last: date
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hours (n, 24*days), daily metrics and hours of smoke (n, days) of some stations."""
    row = {site: number for number, site in enumerate(sites)}
    days = (last - first).days + 1
    hours = np.full((len(row), days, 24), np.nan)
    daily = np.full((len(row), days), np.nan)
    smoke = np.zeros((len(row), days), np.int16)
    keys = {"parameter": asked.parameter, "years": asked.years, "sites": list(row)}
    for found in asked.reader.fetch(_DAYS, keys | {"first": first, "last": last}) if row else ():
        measured = np.frombuffer(found.days, _DAY)
        hours[row[found.site], measured["day"]] = measured["hours"]["value"]
        daily[row[found.site], measured["day"]] = measured["daily"]
        smoke[row[found.site], measured["day"]] = measured["smoke_hours"]
    return hours.reshape(len(row), 24 * days), daily, smoke
