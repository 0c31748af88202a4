"""A month's days -> the figures that the store and the pages have of it. Pure NumPy."""

from typing import Any

import numpy as np

from airaware.science import metrics
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant

# A month at one place: the columns of the store's cell_year, in their order.
MONTH_FIELDS = [
    ("hourly_mean", np.float32),
    ("hours", np.int16),
    ("daily_mean", np.float32),
    ("daily_max", np.float32),
    ("daily_median", np.float32),
    ("daily_p95", np.float32),
    ("days", np.int16),
    ("days_above", np.int16),
    ("aqi_days", np.int16, (len(AQI_CATEGORIES),)),
    ("stations", np.int16),
    ("nearest_km", np.float32),
]
COLUMNS: tuple[str, ...] = np.dtype(MONTH_FIELDS).names or ()
# The second to the fourth-highest day of a month, NaN where it has fewer: what the year's
# fourth-highest is found among. Not stored.
NEXT_HIGHEST = ("next_highest", np.float32, (3,))


def month_fields(pollutant: Pollutant) -> list[tuple[Any, ...]]:
    """Return the fields of a month that a pollutant's year is made of."""
    by_fourth = pollutant.ranked_by == "fourth_highest"
    return [*MONTH_FIELDS, NEXT_HIGHEST] if by_fourth else [*MONTH_FIELDS]


def summarise_days(pollutant: Pollutant, days: np.ndarray, into: np.ndarray) -> None:
    """Daily metrics (points, days) -> those of `month_fields`; NaN is a day without one."""
    # A day's points side by side: so NumPy counts days much faster than along a row of days.
    by_day = np.ascontiguousarray(days.T)
    count = _days_that(np.isfinite(by_day))
    ascending = np.sort(days, axis=1)  # NaN last
    into["days"] = count
    with np.errstate(invalid="ignore", divide="ignore"):
        into["daily_mean"] = np.nansum(days, axis=1) / count
    into["daily_max"] = _quantile(ascending, count, 1)
    into["daily_median"] = _quantile(ascending, count, 0.5)
    into["daily_p95"] = _quantile(ascending, count, 0.95)
    if NEXT_HIGHEST[0] in (into.dtype.names or ()):
        rows = np.arange(len(ascending))
        for number in range(3):
            place = count - 2 - number
            highest = ascending[rows, np.maximum(place, 0)]
            into[NEXT_HIGHEST[0]][:, number] = np.where(place >= 0, highest, np.nan)
    into["days_above"] = _days_that(metrics.above(pollutant, by_day))
    category = metrics.category(pollutant, by_day)
    for number in range(len(AQI_CATEGORIES)):
        into["aqi_days"][:, number] = _days_that(category == number)


def _days_that(are: np.ndarray) -> np.ndarray:
    """Count a month's days by point: (days, points), bool -> (points,), int16."""
    counts: np.ndarray = are.view(np.int8).sum(axis=0, dtype=np.int8).astype(np.int16)
    return counts


def _quantile(ascending: np.ndarray, count: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile of each row's first `count` values, linear between neighbours; NaN where none."""
    position = np.maximum(count - 1, 0) * quantile
    low = position.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ascending))
    below, over = ascending[rows, low], ascending[rows, high]
    value: np.ndarray = below + (over - below) * (position - low)
    return value
