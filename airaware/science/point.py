"""The air at one exact point, from the stations near it: the grid's rule for a single place.

Pure NumPy, since a point has few stations: the web server works it out while a visitor waits.
"""

from dataclasses import dataclass

import numpy as np

from airaware.science.instants import align
from airaware.science.pollutant import Pollutant
from airaware.science.sphere import FAR_KM, FAR_STATIONS, REACH_KM
from airaware.science.summary import month_fields, summarise_days

MISSING = ("hourly_mean", "daily_mean", "daily_max", "daily_median", "daily_p95", "nearest_km")


@dataclass(frozen=True)
class Month:
    """A month at the point: hours (24*days,), the daily metric (days,); NaN where missing.

    used: indices of the stations that it rests on; nearest_km: distance to the nearest of them,
    beyond REACH_KM for an estimate; station_days: their own daily metrics (used, days).
    """

    used: np.ndarray
    nearest_km: float
    hours: np.ndarray
    daily: np.ndarray
    station_days: np.ndarray


def month(
    distance_km: np.ndarray,
    hours: np.ndarray,
    daily: np.ndarray,
    offsets: np.ndarray,
    offset: int,
) -> Month | None:
    """Return a month from its stations.

    The stations are all that report within the reach, or else the nearest few of those that report
    within FAR_KM; weights are 1/distance^2, as `airaware.science.interpolate` has them for the
    grid. None where no station reports so near. Days are made of the stations' own days, hours of
    those at the same instant.

    Args:
        distance_km: of each station (n,).
        hours: (n, margin + 24*days + margin), by the stations' own clocks.
        daily: the daily metrics (n, days).
        offsets: the stations' clocks, in hours from UTC (n,).
        offset: the point's clock.
    """
    period = 24 * daily.shape[1]
    margin = (hours.shape[1] - period) // 2
    reports = np.isfinite(hours[:, margin : margin + period]).any(axis=1)
    used = reporting_in_reach(distance_km, reports)
    if not len(used):
        return None
    return weigh(used, distance_km, hours, daily, offsets, offset)


def weigh(
    used: np.ndarray,
    distance_km: np.ndarray,
    hours: np.ndarray,
    daily: np.ndarray,
    offsets: np.ndarray,
    offset: int,
) -> Month:
    """Return a month, or several in a row, of the stations `used`; the rest is as for `month`."""
    weight = weights(distance_km[used])
    shown = align(hours[used], offsets[used], 24 * daily.shape[1]).by_clock(offset)
    return Month(
        used,
        float(distance_km[used].min()),
        _idw(weight, shown),
        _idw(weight, daily[used]),
        daily[used],
    )


def weights(distance_km: np.ndarray) -> np.ndarray:
    """Return how much stations count, in 1/km², by their distances (n,)."""
    weight: np.ndarray = distance_km**-2.0
    return weight


def reporting_in_reach(distance_km: np.ndarray, reports: np.ndarray) -> np.ndarray:
    """Return the indices of the stations that make a month; `reports`: who has an hour of it."""
    reporting = np.flatnonzero(reports)
    near = reporting[distance_km[reporting] <= REACH_KM]
    if len(near):
        return near
    far = reporting[distance_km[reporting] <= FAR_KM]
    return far[np.argsort(distance_km[far], kind="stable")[:FAR_STATIONS]]


def _idw(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted mean over the stations that report: (n,), (n, times) -> (times,)."""
    reports = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: np.ndarray = (weights @ np.where(reports, values, 0)) / (weights @ reports)
    return mean


def figures(pollutant: Pollutant, *months: Month | None) -> np.ndarray:
    """Summarise months, `month_fields` (n,), by the grid's own code; of None, all is missing."""
    kind = np.dtype(month_fields(pollutant))
    rows = np.zeros(len(months), kind)
    for name in MISSING:
        rows[name] = np.nan
    found = [(n, month) for n, month in enumerate(months) if month]
    if not found:
        return rows
    days = max(len(month.daily) for _, month in found)
    daily, hours = np.full((len(found), days), np.nan), np.full((len(found), 24 * days), np.nan)
    for row, (_, month) in enumerate(found):
        daily[row, : len(month.daily)] = month.daily
        hours[row, : len(month.hours)] = month.hours
    known = np.isfinite(hours)
    summaries = np.zeros(len(found), kind)
    summaries["hours"] = count = known.sum(axis=1)
    # NaN where all that was measured is another month's by the point's clock.
    with np.errstate(invalid="ignore"):
        summaries["hourly_mean"] = np.where(known, hours, 0).sum(axis=1) / count
    summaries["stations"] = [len(month.used) for _, month in found]
    summaries["nearest_km"] = [month.nearest_km for _, month in found]
    summarise_days(pollutant, daily, summaries)
    rows[[n for n, _ in found]] = summaries
    return rows
