"""How exact the numbers of an answer are."""

import math

from airaware.science.pollutant import Pollutant


def five_digits(value: float) -> float:
    """Drop the digits that a `real` of the store does not have."""
    return float(f"{value:.5g}")


def rounded(value: float | None) -> float | None:
    """Return a number to five digits; None for None and NaN."""
    return None if value is None or math.isnan(value) else five_digits(value)


def displayed(pollutant: Pollutant, value: float) -> float:
    """Return a concentration in the display unit to five digits."""
    return five_digits(value * pollutant.display_factor)


def shown(pollutant: Pollutant, value: float | None) -> float | None:
    """As `displayed`; None for None and NaN."""
    return None if value is None or math.isnan(value) else displayed(pollutant, value)
