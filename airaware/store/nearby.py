"""What the stations near a point measured, read from the store while a visitor waits."""

import calendar
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import groupby

import numpy as np

from airaware.science import point, utc_offsets
from airaware.science.sphere import FAR_KM, REACH_KM, great_circle_km, unit_vectors
from airaware.store.memory import Memory
from airaware.store.queries import Load

# A load of before clocks' offsets were kept has none: its stations' are those of their places.
_STATIONS = """
SELECT site, latitude, longitude, utc_offset::int
FROM station LEFT JOIN (
  SELECT entry.* FROM load, jsonb_each_text(utc_offsets) AS entry(site, utc_offset)
  WHERE parameter = %(parameter)s AND year = %(year)s
) AS clock USING (site)
WHERE parameter = %(parameter)s AND year = %(year)s ORDER BY site
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
_ALL_YEAR = range(1, 13)


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

    def first(self, many: int) -> "Stations":
        """Return the nearest ones."""
        return Stations(
            self.sites[:many],
            self.latitude[:many],
            self.longitude[:many],
            self.distance_km[:many],
            self.offsets[:many],
        )


@dataclass(frozen=True)
class _Everywhere:
    """All stations of a load, by site: as Stations has them, and their unit vectors (n, 3)."""

    sites: tuple[str, ...]
    latitude: np.ndarray
    longitude: np.ndarray
    offsets: np.ndarray
    xyz: np.ndarray


@dataclass(frozen=True)
class _Days:
    """A station's days that have any hour: which (n,), hours (n, 24), metrics, and hours of smoke.

    Days count from the first one that was asked for.
    """

    day: np.ndarray
    hours: np.ndarray
    daily: np.ndarray
    smoke_hours: np.ndarray


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
    reader: Memory,
    load: Load,
    place: tuple[float, float],
    months: Sequence[int] = _ALL_YEAR,
    beyond: Collection[Load] = (),
) -> Air:
    """Return the air at a place (latitude, longitude in degrees) in neighbouring months of a year.

    Its hours are by the place's clock. At the ends of the year, monitors with another clock have
    them in the years before and after: the loads in `beyond` are read for that.

    Raises NoZoneError where no database answers.
    """
    found = stations(reader, load, place)
    near = found.first(int((found.distance_km <= REACH_KM).sum()))
    asked = _Asked(reader, load.parameter, load.year, (load, *beyond), utc_offsets.at(*place))
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
    return replace(at_place, stations=found)


def stations(reader: Memory, load: Load, place: tuple[float, float]) -> Stations:
    """Return all stations of a load within FAR_KM of a place (degrees), the nearest first.

    Raises NoZoneError where no database answers.
    """
    everywhere = reader.remember("stations", [load], "", lambda: _everywhere(reader, load))
    distance_km = great_circle_km(everywhere.xyz, unit_vectors(*np.array(place)))
    near = np.flatnonzero(distance_km <= FAR_KM)
    which = near[np.argsort(distance_km[near], kind="stable")]
    return Stations(
        tuple(everywhere.sites[n] for n in which.tolist()),
        everywhere.latitude[which],
        everywhere.longitude[which],
        distance_km[which],
        everywhere.offsets[which],
    )


def _everywhere(reader: Memory, load: Load) -> _Everywhere:
    keys = {"parameter": load.parameter, "year": load.year}
    rows = reader.fetch(_STATIONS, keys, of=[(load.parameter, load.year)])
    at = np.array([(row.latitude, row.longitude) for row in rows], np.float64).reshape(-1, 2)
    offsets = [
        row.utc_offset or utc_offsets.at(*where)
        for row, where in zip(rows, at.tolist(), strict=True)
    ]
    sites = tuple(row.site for row in rows)
    return _Everywhere(
        sites, at[:, 0], at[:, 1], np.array(offsets, int), unit_vectors(at[:, 0], at[:, 1])
    )


@dataclass(frozen=True)
class _Asked:
    """What is asked of the store: a parameter's year, loads to read hours of, a place's clock."""

    reader: Memory
    parameter: int
    year: int
    loads: tuple[Load, ...]
    offset: int


def _months(asked: _Asked, near: Stations, months: Sequence[int]) -> Air:
    """Return the months that any of the stations makes."""
    found: dict[int, point.Month] = {}
    smoke_hours: dict[int, np.ndarray] = {}
    if not near.sites:
        return Air(near, found, smoke_hours)
    hours, daily, smoke = _measured(asked, near.sites, months)
    lengths = [calendar.monthrange(asked.year, month)[1] for month in months]
    begins = np.cumsum([1, *lengths]).tolist()  # the days before and after come, too
    firsts = [24 * begin for begin in begins[:-1]]
    reports = np.logical_or.reduceat(np.isfinite(hours[:, : 24 * begins[-1]]), firsts, axis=1)

    @cache  # in most months the same stations report
    def used_of(reporting: bytes) -> np.ndarray:
        return point.reporting_in_reach(near.distance_km, np.frombuffer(reporting, bool))

    spans = [
        (month, begin, end, used_of(of_month.tobytes()))
        for month, begin, end, of_month in zip(months, begins, begins[1:], reports.T, strict=False)
    ]
    # Months in a row that rest on the same stations, often all of them, are made at once.
    for _, run in groupby(spans, key=lambda span: span[-1].tobytes()):
        alike = list(run)
        (_, begin, _, used), (_, _, end, _) = alike[0], alike[-1]
        if not len(used):
            continue
        made = point.weigh(
            used,
            near.distance_km,
            hours[:, 24 * (begin - 1) : 24 * (end + 1)],
            daily[:, begin:end],
            near.offsets,
            asked.offset,
        )
        rests_on = np.isfinite(daily[used, begin:end])
        most_smoke = np.where(rests_on, smoke[used, begin:end], 0).max(axis=0)
        for month, first, last, _ in alike:
            first, last = first - begin, last - begin
            found[month] = point.Month(
                used,
                made.nearest_km,
                made.hours[24 * first : 24 * last],
                made.daily[first:last],
                made.station_days[:, first:last],
            )
            smoke_hours[month] = most_smoke[first:last]
    return Air(near, found, smoke_hours)


def _measured(
    asked: _Asked, sites: Sequence[str], months: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hours (n, 24*days), daily metrics and hours of smoke (n, days) of some stations.

    The days are those of the months, and one before and after: clocks differ, so these have hours
    of the first and last day, too. Whole years are remembered, station by station.
    """
    first = date(asked.year, months[0], 1) - timedelta(1)
    last_month = months[-1]
    last = date(asked.year, last_month, calendar.monthrange(asked.year, last_month)[1])
    days = (last - first).days + 2
    hours = np.full((len(sites), days, 24), np.nan)
    daily = np.full((len(sites), days), np.nan)
    smoke = np.zeros((len(sites), days), np.int16)

    def read(lacking: Sequence[str]) -> dict[str, _Days]:
        return _read_days(asked, lacking, first, last + timedelta(1))

    if len(months) == len(_ALL_YEAR):
        found = asked.reader.remember_each("days", asked.loads, sites, read)
    else:
        found = read(sites)
    for row, site in enumerate(sites):
        of_site = found[site]
        hours[row, of_site.day] = of_site.hours
        daily[row, of_site.day] = of_site.daily
        smoke[row, of_site.day] = of_site.smoke_hours
    return hours.reshape(len(sites), 24 * days), daily, smoke


def _read_days(asked: _Asked, sites: Sequence[str], first: date, last: date) -> dict[str, _Days]:
    """Return the days of each station; one that has none has an empty entry."""
    none = np.zeros(0, _DAY)
    wanted = {"parameter": asked.parameter, "sites": list(sites), "first": first, "last": last}
    loads = [(load.parameter, load.year) for load in asked.loads] if sites else []
    found: dict[str, list[np.ndarray]] = {}
    for of in asked.reader.by_zone(loads):
        for row in asked.reader.fetch(_DAYS, wanted | {"years": [y for _, y in of]}, of=of):
            found.setdefault(row.site, []).append(np.frombuffer(row.days, _DAY))
    return {site: _days(np.concatenate(found.get(site, [none]))) for site in sites}


def _days(rows: np.ndarray) -> _Days:
    return _Days(
        rows["day"].astype(np.int32),
        rows["hours"]["value"].astype(np.float32),
        rows["daily"].astype(np.float32),
        rows["smoke_hours"].astype(np.int16),
    )
