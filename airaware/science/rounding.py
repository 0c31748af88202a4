"""How exact the numbers of an answer are."""

import math

import numpy as np

from airaware.science.pollutant import Pollutant


def five_digits(value: float) -> float:
    """Drop the digits that a `real` of the store does not have."""
    return float(f"{value:.5g}")


# Powers of ten that a float holds exactly.
_POWERS = np.array([float(f"1e{digits}") for digits in range(23)])


def rounded_array(values: np.ndarray) -> np.ndarray:
    """As `rounded` of each of many numbers, ten times as fast; NaN stays."""
    size = np.abs(values)
    is_number = (size > 0) & (size < np.inf)
    size[~is_number] = 1.0
    decimals = (4 - np.floor(np.log10(size))).astype(np.int64)
    power = _POWERS.take(decimals, mode="clip")
    scaled = size * power
    whole = np.rint(scaled)
    found: np.ndarray = np.copysign(whole / power, values)
    # A value on the middle between two decimals, or nearly, is rounded by its exact value.
    halfway = np.abs(scaled - whole) > 0.5 - 1e-6
    unsure = halfway | (decimals < 0) | (decimals > 22)
    found[unsure] = [five_digits(value) for value in values[unsure].tolist()]
    return np.where(is_number, found, values)


def rounded_each(values: np.ndarray) -> list[float | None]:
    """As `rounded` of each of many numbers (n,): None for NaN."""
    return or_none(rounded_array(values))


def or_none(values: np.ndarray) -> list[float | None]:
    """Return numbers (n,) as they are; None for NaN."""
    found: list[float | None] = values.tolist()
    for n in np.flatnonzero(np.isnan(values)).tolist():
        found[n] = None
    return found


def rounded(value: float | None) -> float | None:
    """Return a number to five digits; None for None and NaN."""
    return None if value is None or math.isnan(value) else five_digits(value)


def displayed(pollutant: Pollutant, value: float) -> float:
    """Return a concentration in the display unit to five digits."""
    return five_digits(value * pollutant.display_factor)


def shown_each(pollutant: Pollutant, values: np.ndarray) -> list[float | None]:
    """As `shown` of each of many concentrations (n,)."""
    return rounded_each(values * pollutant.display_factor)


def shown(pollutant: Pollutant, value: float | None) -> float | None:
    """As `displayed`; None for None and NaN. It is asked so often that it calls nothing."""
    return (
        None
        if value is None or value != value
        else float(f"{value * pollutant.display_factor:.5g}")
    )
