"""A month's days -> the figures that the store and the pages have of it. Pure NumPy."""

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


def summarise_days(pollutant: Pollutant, days: np.ndarray, into: np.ndarray) -> None:
    """Daily metrics (points, days) -> the daily ones of MONTH_FIELDS; NaN is a day without one."""
    count = np.isfinite(days).sum(axis=1)
    ascending = np.sort(days, axis=1)  # NaN last
    into["days"] = count
    with np.errstate(invalid="ignore", divide="ignore"):
        into["daily_mean"] = np.nansum(days, axis=1) / count
    into["daily_max"] = _quantile(ascending, count, 1)
    into["daily_median"] = _quantile(ascending, count, 0.5)
    into["daily_p95"] = _quantile(ascending, count, 0.95)
    into["days_above"] = metrics.above(pollutant, days).sum(axis=1)
    category = metrics.category(pollutant, days)
    for number in range(len(AQI_CATEGORIES)):
        into["aqi_days"][:, number] = (category == number).sum(axis=1)


def _quantile(ascending: np.ndarray, count: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile of each row's first `count` values, linear between neighbours; NaN where none."""
    position = np.maximum(count - 1, 0) * quantile
    low = position.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ascending))
    below, over = ascending[rows, low], ascending[rows, high]
    value: np.ndarray = below + (over - below) * (position - low)
    return value
