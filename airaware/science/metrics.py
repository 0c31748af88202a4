"""Daily metrics, AQI and days above the standard, by EPA's rules. Pure NumPy.

Hours are in local standard time; NaN is a missing hour, and a metric that EPA would not report.
EPA truncates to a last digit, which binary fractions would spoil: 0.07 stored as float32 or as a
sum of eighths may lie a hair below. So a value within `TOLERANCE` of the next digit is that digit.
An exact mean of at most 24 hours, each given to the last digit or the mean of at most three
instruments, is never so near by itself; float32 is finer than that up to 30,000 of the last digit.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airaware.science.pollutant import Pollutant

TOLERANCE = 0.002  # of one step of the last digit kept

DAY_HOURS = 24
WINDOW_HOURS = 8
# The hours before and after a period that its 8-hour means reach into.
MARGIN_HOURS = WINDOW_HOURS - 1
NEEDED_WINDOW_HOURS = 6
NEEDED_DAY_HOURS = 18

Floats = NDArray[np.float64]


def _steps(values: ArrayLike, decimals: int) -> Floats:
    """Values truncated to so many decimals, as whole numbers of the last digit's steps."""
    steps = np.asarray(values, np.float64) * 10.0**decimals
    return np.trunc(steps + np.copysign(TOLERANCE, steps))


def truncate(values: ArrayLike, decimals: int) -> Floats:
    """Drop all digits after so many decimals, as EPA does. Any shape; NaN stays NaN."""
    return _steps(values, decimals) / 10.0**decimals + 0.0  # no -0.0


def above(pollutant: Pollutant, values: ArrayLike) -> NDArray[np.bool_]:
    """Which daily metrics lie above the level of the standard. Any shape; NaN does not."""
    slack = TOLERANCE * 10.0**-pollutant.daily_decimals
    return np.asarray(values) >= pollutant.standard.above_from - slack


def _sums(values: np.ndarray, width: int) -> np.ndarray:
    """Sum `width` neighbours along the last axis: (…, n) -> (…, n - width + 1)."""
    last = values.shape[-1] - width + 1
    sums = values[..., :last].copy()
    for start in range(1, width):
        sums += values[..., start : start + last]
    return sums


def _mean_where_enough(
    pollutant: Pollutant, sums: Floats, counts: np.ndarray, hours: int, needed: int
) -> Floats:
    """Return truncated means of the hours present, NaN where fewer than needed.

    Where the pollutant's rule says so, a period with too few hours counts if its mean is above the
    standard even with zeros for the missing hours.
    """
    divisors = np.where(counts >= needed, counts, hours)
    means = truncate(sums / divisors, pollutant.daily_decimals)
    valid = counts >= needed
    if pollutant.zeros_for_missing:
        valid |= above(pollutant, means)
    return np.where(valid, means, np.nan)


def _by_day(hours: Floats) -> Floats:
    """(stations, 24*days) -> (stations, days, 24)."""
    stations, columns = hours.shape
    return hours.reshape(stations, columns // DAY_HOURS, DAY_HOURS)


def _maximum_where_enough(pollutant: Pollutant, values: Floats, needed: int) -> Floats:
    """Return the maximum along the last axis; NaN if too few values, unless it is above."""
    present = ~np.isnan(values)
    greatest = np.where(present, values, -np.inf).max(axis=-1)
    valid = (present.sum(axis=-1) >= needed) | above(pollutant, greatest)
    return np.where(valid, greatest, np.nan)


def eight_hour_means(pollutant: Pollutant, hours: Floats) -> Floats:
    """Return truncated 8-hour means, each at its first hour: (stations, n) -> (stations, n - 7).

    A mean needs 6 of 8 hours; NaN where invalid (40 CFR 50, Appendix U 3(b); 40 CFR 50.8(c)).
    """
    present = ~np.isnan(hours)
    sums = _sums(np.where(present, hours, 0.0), WINDOW_HOURS)
    counts = _sums(present.astype(np.int8), WINDOW_HOURS)
    return _mean_where_enough(pollutant, sums, counts, WINDOW_HOURS, NEEDED_WINDOW_HOURS)


def _eight_hour_maxima(pollutant: Pollutant, hours: Floats) -> Floats:
    """Return the greatest 8-hour mean of each day.

    A day needs enough of its means, or one above the standard. Appendix U 3(d) says so of ozone.
    40 CFR 50.8 knows no day: each mean of CO above the level counts.
    """
    rule = pollutant.eight_hours
    assert rule is not None
    means = eight_hour_means(pollutant, hours)
    first_hours = np.arange(MARGIN_HOURS, means.shape[1], DAY_HOURS)
    by_day = means[:, first_hours[:, np.newaxis] + np.array(rule.begin_hours)]
    return _maximum_where_enough(pollutant, by_day, rule.needed_means)


def reach(pollutant: Pollutant) -> tuple[int, int]:
    """Return how many hours of the day before and of the day after a day's metric rests on."""
    rule = pollutant.eight_hours
    if rule is None:
        return 0, 0
    return max(0, -rule.begin_hours[0]), max(0, rule.begin_hours[-1] + WINDOW_HOURS - DAY_HOURS)


def _days(hours: Floats) -> Floats:
    """Return the days without the margins: (stations, 7 + 24*days + 7) -> (stations, days, 24)."""
    return _by_day(hours[:, MARGIN_HOURS:-MARGIN_HOURS])


def _day_means(pollutant: Pollutant, hours: Floats) -> Floats:
    """Return the mean of each day.

    A mean needs 18 of 24 hours: Appendix N 3.0(c) says so of PM2.5. Appendix K has no word on the
    hours of PM10; AQS makes its 24-hour block averages by the same share.
    """
    days = _days(hours)
    present = ~np.isnan(days)
    sums = np.where(present, days, 0.0).sum(axis=-1)
    return _mean_where_enough(pollutant, sums, present.sum(axis=-1), DAY_HOURS, NEEDED_DAY_HOURS)


def _hour_maxima(pollutant: Pollutant, hours: Floats) -> Floats:
    """Return the greatest hour of each day.

    A day is complete with 18 of 24 hours (Appendix S 3.2(b), Appendix T 3(b)). The maximum of a
    shorter day is only a lower bound. It counts where it is above the standard: the annual
    percentile is also taken over all days with any hour (procedure 2 of S 5.2 and T 5).
    """
    days = truncate(_days(hours), pollutant.daily_decimals)
    return _maximum_where_enough(pollutant, days, NEEDED_DAY_HOURS)


_DAILY = {"max_8h": _eight_hour_maxima, "mean_24h": _day_means, "max_1h": _hour_maxima}


def daily(pollutant: Pollutant, hours: Floats) -> Floats:
    """Return the daily metric by EPA's rules: (stations, 7 + 24*days + 7) -> (stations, days).

    In the unit of EPA's file, truncated as EPA does; NaN where too few hours are there. The first
    and the last seven columns are the hours before and after the period, NaN where unknown: means
    that reach into them are then short of hours. Sources: 40 CFR 50, Appendix U (ozone), N
    (PM2.5), K (PM10), S (NO2), T (SO2), and section 50.8 (CO).
    """
    return _DAILY[pollutant.daily](pollutant, hours)


def category(pollutant: Pollutant, values: ArrayLike) -> NDArray[np.int8]:
    """Return the AQI category of daily metrics, an index into AQI_CATEGORIES; -1 where none.

    There is none for NaN, nor for a pollutant without a table.
    """
    values = np.asarray(values)
    if pollutant.aqi is None:
        return np.full(values.shape, -1, np.int8)
    slack = TOLERANCE * 10.0**-pollutant.aqi.decimals
    categories = np.zeros(values.shape, np.int8)
    for lowest, *_ in pollutant.aqi.rows[1:]:
        categories += values >= lowest - slack
    categories[np.isnan(values)] = -1
    return categories


def aqi(pollutant: Pollutant, values: ArrayLike) -> NDArray[np.int16]:
    """Return the Air Quality Index of daily metrics of any shape; -1 for NaN or without a table.

    Linear between breakpoints and rounded, 0 for negative values. Above 500 it goes on along the
    last row's line (EPA-454/B-24-002). A table that ends below 500 has no word on values beyond
    its end (ozone above 0.200 ppm, SO2 above 304 ppb): they get its last index, 300 or 200, which
    is the least that EPA's other averaging time could make it.
    """
    categories = category(pollutant, values)
    if pollutant.aqi is None:
        return categories.astype(np.int16)
    decimals = pollutant.aqi.decimals
    rows = np.array(pollutant.aqi.rows)
    rows[:, :2] = _steps(rows[:, :2], decimals)
    low, high, index_low, index_high = (column[categories] for column in rows.T)
    steps = np.maximum(_steps(values, decimals), 0)
    # All whole numbers with one division, so that halves are exact and go up.
    span = high - low
    index = index_low + np.floor((2 * (index_high - index_low) * (steps - low) + span) / (2 * span))
    top = rows[-1, 3]
    index = np.minimum(index, top if top < 500 else np.iinfo(np.int16).max)
    return np.where(categories < 0, -1, index).astype(np.int16)
