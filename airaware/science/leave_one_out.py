"""Each station of a month estimated from the others, by the rule that makes the grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from airaware.science.accuracy import DAILY, FROM_MILES, HOURS, MONTH
from airaware.science.instants import align
from airaware.science.interpolate import Points, idw, weights_of_others
from airaware.science.ranges import LEFT_OUT_MONTHS
from airaware.science.sphere import KM_PER_MILE

# The mean of a month stands for it where this share of its hours is there (as EPA's summaries
# ask of a period).
NEEDED_SHARE = 0.75

# accuracy.Residuals, as the store takes it.
RESIDUALS = np.dtype(
    [
        ("month", np.int16),
        ("quantity", "S5"),  # all of this length, as binary COPY wants it
        ("from_miles", np.int16),
        ("observed", np.int64),
        ("estimated", np.int64),
        ("error", np.float64),
        ("squared_error", np.float64),
        ("value", np.float64),
        ("squared_value", np.float64),
    ]
)


@dataclass(frozen=True)
class LeftOut:
    """A month's stations that report, with what was measured and what the others say, by quantity.

    which: their indices among all; observed, estimated: (stations, times), NaN where there is none;
    from_miles (stations,), the distance class of each.
    """

    which: np.ndarray
    stations: Points
    from_miles: np.ndarray
    observed: Mapping[str, np.ndarray]
    estimated: Mapping[str, np.ndarray]


def leave_one_out(
    latitude: np.ndarray,
    longitude: np.ndarray,
    hours: np.ndarray,
    daily: np.ndarray,
    offsets: np.ndarray,
) -> LeftOut | None:
    """Estimate each station from the others: an hour from those of the same instant.

    The month's estimate is the mean of those hours that the station itself has, so that the error
    is that of the estimates and not of the gaps. None where no station reports.

    Args:
        latitude: in degrees (n,).
        longitude: in degrees (n,).
        hours: (n, margin + 24*days + margin), by the stations' own clocks.
        daily: (n, days).
        offsets: the clocks' hours from UTC (n,).
    """
    period = 24 * daily.shape[1]
    reporting = np.isfinite(_without_margins(hours, period)).any(axis=1)
    if not reporting.any():
        return None
    hours, daily, offsets = hours[reporting], daily[reporting], offsets[reporting]
    stations = Points(latitude[reporting], longitude[reporting])
    others = weights_of_others(stations)
    from_miles = np.full(len(stations), FROM_MILES[-1], np.int16)
    nearest = np.searchsorted(FROM_MILES, others.nearest_km / KM_PER_MILE, side="right") - 1
    from_miles[others.points] = np.take(FROM_MILES, nearest)

    def estimate(values: np.ndarray) -> np.ndarray:
        estimated = np.full(values.shape, np.nan)
        estimated[others.points] = idw(others.matrix, values)
        return estimated

    observed = {HOURS: _without_margins(hours, period), DAILY: daily}
    instants = align(hours, offsets, period)
    at_instants = replace(instants, values=estimate(instants.values))
    estimated = {HOURS: at_instants.by_own_clocks(offsets), DAILY: estimate(daily)}
    alike = np.where(np.isfinite(observed[HOURS]), estimated[HOURS], np.nan)
    observed[MONTH], estimated[MONTH] = month_mean(observed[HOURS]), month_mean(alike)
    return LeftOut(np.flatnonzero(reporting), stations, from_miles, observed, estimated)


def _without_margins(hours: np.ndarray, period: int) -> np.ndarray:
    margin = (hours.shape[1] - period) // 2
    return hours[:, margin : margin + period]


def month_mean(hours: np.ndarray) -> np.ndarray:
    """Means of (n, hours) as (n, 1); NaN where too few hours are there."""
    reports = np.isfinite(hours)
    count = reports.sum(axis=1, keepdims=True)
    total = np.where(reports, hours, 0).sum(axis=1, keepdims=True)
    enough = count >= NEEDED_SHARE * hours.shape[1]
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=enough)
    return mean


def sums(month: int, left_out: LeftOut, estimated: Mapping[str, np.ndarray]) -> np.ndarray:
    """RESIDUALS of the quantities in `estimated`, a row per distance class with a measurement."""
    classes = np.searchsorted(FROM_MILES, left_out.from_miles)
    rows = np.zeros((len(estimated), len(FROM_MILES)), RESIDUALS)
    rows["month"] = month
    rows["from_miles"] = FROM_MILES
    for of_quantity, (quantity, estimates) in zip(rows, estimated.items(), strict=True):
        of_quantity["quantity"] = quantity
        by_station = _sums_by_station(left_out.observed[quantity], estimates)
        for name, values in by_station.items():
            of_quantity[name] = np.bincount(classes, values, len(FROM_MILES))
    return rows[rows["observed"] > 0]


def _sums_by_station(observed: np.ndarray, estimated: np.ndarray) -> dict[str, np.ndarray]:
    """Sum RESIDUALS over the times of each station: (n, times) -> (n,)."""
    error = estimated - observed
    both = np.isfinite(error)
    error = np.where(both, error, 0)
    value = np.where(both, observed, 0)
    return {
        "observed": np.isfinite(observed).sum(axis=1),
        "estimated": both.sum(axis=1),
        "error": error.sum(axis=1),
        "squared_error": np.einsum("st,st->s", error, error),
        "value": value.sum(axis=1),
        "squared_value": np.einsum("st,st->s", value, value),
    }


def month_sums(month: int, left_out: LeftOut | None) -> np.ndarray:
    """RESIDUALS of a month by the grid's rule; none of a month without stations."""
    return sums(month, left_out, left_out.estimated) if left_out else np.zeros(0, RESIDUALS)


def left_out_months(month: int, sites: Sequence[str], left_out: LeftOut | None) -> np.ndarray:
    """Return LEFT_OUT_MONTHS of a month; none of a month without stations.

    Args:
        month: 1 to 12.
        sites: of all stations of the month.
        left_out: those that report.
    """
    if left_out is None:
        return np.zeros(0, LEFT_OUT_MONTHS)
    found = np.zeros(len(left_out.which), LEFT_OUT_MONTHS)
    found["site"] = np.array(sites, "S11")[left_out.which]
    found["month"], found["from_miles"] = month, left_out.from_miles
    for name, values in (("estimated", left_out.estimated), ("observed", left_out.observed)):
        daily = values[DAILY]
        found[name] = np.nan
        found[name][:, : daily.shape[1]] = daily
    return found
