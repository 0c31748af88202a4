"""A year at a place beside the annual standards and the WHO's guidelines. Pure NumPy.

Concentrations are in the unit of EPA's files. What comes out is an estimate at a place, not a
regulatory finding: EPA judges monitors, over three years.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from airaware.science import metrics
from airaware.science.pollutant import Pollutant

QUARTERS = ((1, 3), (4, 6), (7, 9), (10, 12))  # first and last month
# 40 CFR 50 Appendix N, section 4: a quarter needs values on 75% of its days.
NEEDED_SHARE = 0.75
FORM_YEARS = 3
OZONE_RANK = 4


@dataclass(frozen=True)
class Level:
    """The level of an annual standard or a guideline, and its edition."""

    level: float
    edition: str
    text: str


PM25_ANNUAL = Level(9.0, "2024", "9.0 µg/m³, annual mean over three years (2024; 40 CFR 50.20)")
WHO_ANNUAL = Level(5.0, "2021", "5 µg/m³, annual mean (WHO global air quality guidelines, 2021)")
WHO_DAILY = Level(
    15.0,
    "2021",
    "15 µg/m³, 24-hour mean, not to be exceeded on more than three to four days a year (WHO global"
    " air quality guidelines, 2021)",
)


@dataclass(frozen=True)
class Quarter:
    """A calendar quarter: its mean, None without a day; `short` where it has too few days."""

    mean: float | None
    days: int
    short: bool


@dataclass(frozen=True)
class AnnualMean:
    """The mean of the quarterly means, of those that have any day."""

    mean: float
    quarters: tuple[Quarter, ...]

    @property
    def of_whole_year(self) -> bool:
        """Whether each quarter has a day: without one, a season is missing from the mean."""
        return all(quarter.mean is not None for quarter in self.quarters)


def annual_mean(daily: np.ndarray, year: int) -> AnnualMean | None:
    """Return the annual mean of a year's daily metrics (days,), None without any.

    40 CFR 50 Appendix N, section 4: the mean of the four quarters' means, so that a season with
    fewer measurements counts as much as the others.
    """
    quarters = tuple(_quarter(daily, year, *months) for months in QUARTERS)
    means = [quarter.mean for quarter in quarters if quarter.mean is not None]
    return AnnualMean(float(np.mean(means)), quarters) if means else None


def _quarter(daily: np.ndarray, year: int, first: int, last: int) -> Quarter:
    begin = (date(year, first, 1) - date(year, 1, 1)).days
    end = (date(year + last // 12, last % 12 + 1, 1) - date(year, 1, 1)).days
    known = daily[begin:end][np.isfinite(daily[begin:end])]
    return Quarter(
        float(known.mean()) if len(known) else None,
        len(known),
        len(known) < NEEDED_SHARE * (end - begin),
    )


def fourth_highest(pollutant: Pollutant, daily: np.ndarray) -> float | None:
    """Return the fourth-highest daily metric of a year (days,), None with fewer than four.

    40 CFR 50 Appendix U, section 4, takes it of ozone; truncated as each daily value is.
    """
    known = np.sort(daily[np.isfinite(daily)])
    if len(known) < OZONE_RANK:
        return None
    return float(metrics.truncate(known[-OZONE_RANK], pollutant.daily_decimals))


def days_above(pollutant: Pollutant, daily: np.ndarray, level: float) -> int:
    """Count the days above a level that has no rounding rule of its own.

    A value within the metrics' tolerance of the level is the level.
    """
    slack = metrics.TOLERANCE * 10.0**-pollutant.daily_decimals
    return int((daily > level + slack).sum())


def mean_of_annual_means(means: Sequence[float]) -> float:
    """Return the mean of years' annual means of PM2.5, rounded half up to 0.1 µg/m³.

    This is how they compare with the level (40 CFR 50 Appendix N, section 4: of three years).
    """
    return float(metrics.truncate(np.mean(means) + 0.05, 1))


def mean_of_fourth_highest(pollutant: Pollutant, values: Sequence[float]) -> float:
    """Return the mean of years' fourth-highest days of ozone, truncated as a daily value is.

    This is how they compare with the level (40 CFR 50 Appendix U, section 4: of three years).
    """
    return float(metrics.truncate(np.mean(values), pollutant.daily_decimals))
