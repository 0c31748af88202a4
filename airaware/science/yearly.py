"""Cells' months -> their years, for the whole grid at once. Pure NumPy.

A year is digit by digit the one that an answer's summary has of a cell (`airaware.web.view_model`):
it is made of the months as they are shown, rounded.
"""

from collections.abc import Mapping
from functools import reduce

import numpy as np

from airaware.science.accuracy import DAILY, FROM_MILES, MONTH, season
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant
from airaware.science.rounding import rounded_array
from airaware.science.sphere import KM_PER_MILE, REACH_KM

# What is counted, in days; an AQI category's column has the name of its member in the API's answer.
AQI_DAYS = tuple(f"aqi_days_{category.lower().replace(' ', '_')}" for category in AQI_CATEGORIES)
COUNTS = ("hours", "days", "days_above_standard", *AQI_DAYS, "months_estimated")


def of_months(
    pollutant: Pollutant,
    errors: Mapping[tuple[str, int, str], float],
    months: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the years of cells, each figure (n,), concentrations in the display unit.

    NaN where there is none; a cell without any month with a value has NaN throughout.

    Args:
        pollutant: what the months are of.
        errors: as `accuracy.expected_errors` returns them.
        months: columns of the store's `cell_year` by name, (n, 12), but `aqi_days` (n, 72);
            concentrations in EPA's unit.
    """
    known = np.isfinite(months["hourly_mean"])
    hours, days, above = (
        np.where(known, months[name], 0) for name in ("hours", "days", "days_above")
    )
    nearest_km = np.where(known, months["nearest_km"], np.nan)
    aqi_days = months["aqi_days"].reshape(len(known), 12, len(AQI_CATEGORIES))
    in_category = np.where(known[:, :, np.newaxis], aqi_days, 0).sum(axis=1)
    year = {
        "hourly_mean": _mean(pollutant, months["hourly_mean"], hours),
        "hours": hours.sum(axis=1),
        "daily_mean": _mean(pollutant, months["daily_mean"], days),
        "days": days.sum(axis=1),
        "days_above_standard": above.sum(axis=1),
        **dict(zip(AQI_DAYS, in_category.T, strict=True)),
        "nearest_km": np.fmin.reduce(rounded_array(nearest_km), axis=1),
        "months_estimated": (nearest_km > REACH_KM).sum(axis=1),
        "expected_error_hourly_mean": _error(pollutant, errors, MONTH, nearest_km, hours),
        "expected_error_day": _error(pollutant, errors, DAILY, nearest_km, hours),
    }
    if pollutant.aqi is None:
        year |= dict.fromkeys(AQI_DAYS, np.full(len(known), np.nan))
    reached = known.any(axis=1)
    return {name: np.where(reached, column, np.nan) for name, column in year.items()}


def _mean(pollutant: Pollutant, months: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of months as they are shown; NaN where all weights are 0."""
    shown = rounded_array(np.where(weights, months, 0.0) * pollutant.display_factor)
    return rounded_array(_weighted(shown, weights))


def _error(
    pollutant: Pollutant,
    errors: Mapping[tuple[str, int, str], float],
    quantity: str,
    nearest_km: np.ndarray,
    hours: np.ndarray,
) -> np.ndarray:
    """Return the root mean square over months of the errors to expect; NaN where one is not known.

    A month's hours are its weight.
    """
    table = [
        [errors.get((quantity, begin, season(month)), np.nan) for month in range(1, 13)]
        for begin in FROM_MILES
    ]
    shown = rounded_array(np.array(table) * pollutant.display_factor)
    number = np.searchsorted(FROM_MILES, nearest_km / KM_PER_MILE, side="right") - 1
    squares = shown[number, np.arange(12)] ** 2
    return rounded_array(np.sqrt(_weighted(np.where(hours, squares, 0.0), hours)))


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each row, its terms added up from January on."""
    total = weights.sum(axis=1)
    added = reduce(np.add, (values * weights).T)
    found: np.ndarray = np.divide(added, total, out=np.full(len(total), np.nan), where=total > 0)
    return found
