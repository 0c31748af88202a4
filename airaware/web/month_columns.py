"""A load's months at a place as columns, and what an answer says of them.

Column by column costs a third of month by month.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from math import sqrt
from operator import mul
from typing import TypeVar

import numpy as np

from airaware.science.accuracy import season
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant
from airaware.science.rounding import five_digits, rounded_each
from airaware.science.sphere import REACH_KM
from airaware.store.queries import YearOfMonths
from airaware.web import answers
from airaware.web.certainty import ExpectedErrors

_MONTHS = range(1, 13)
_SEASONS = [season(month) for month in _MONTHS]

Column = Sequence[float | None]
Item = TypeVar("Item")


@dataclass(frozen=True)
class MonthColumns:
    """The months of a load as they are shown, January first; None where there is no value."""

    stored: YearOfMonths
    has_aqi: bool
    hourly_mean: Column
    daily_mean: Column
    daily_median: Column
    daily_p95: Column
    daily_max: Column
    nearest_km: Column
    estimate: Sequence[bool]
    errors: Sequence[answers.MonthErrors]

    def months(self) -> list[answers.Month]:
        """Return each month."""
        stored, nothing = self.stored, repeat(None)
        aqi_days = map(_by_category, stored.aqi_days) if self.has_aqi else nothing
        daily = map(
            answers.DailyStatistics,
            *(self.daily_mean, self.daily_median, self.daily_p95, self.daily_max),
            *(stored.days, stored.days_above, aqi_days),
        )
        return [
            *map(
                answers.Month,
                *(_MONTHS, self.hourly_mean, stored.hours, daily),
                *(stored.stations, self.nearest_km, self.estimate, self.errors),
            )
        ]

    def summary(self) -> answers.Summary | None:
        """Return the year as a whole; None where no month has a value."""
        stored = self.stored
        known = [mean is not None for mean in self.hourly_mean]

        def kept(column: Sequence[Item]) -> list[Item]:
            return [*compress(column, known)]

        hours, days, errors = kept(stored.hours), kept(stored.days), kept(self.errors)
        aqi_days = zip(*kept(stored.aqi_days), strict=True)
        hourly_mean = _mean(kept(self.hourly_mean), hours)
        if hourly_mean is None:
            return None
        return answers.Summary(
            hourly_mean=hourly_mean,
            hours=sum(hours),
            daily_mean=_mean(kept(self.daily_mean), days),
            days=sum(days),
            days_above_standard=sum(kept(stored.days_above)),
            aqi_days=_by_category(map(sum, aqi_days)) if self.has_aqi else None,
            nearest_km=min(km for km in kept(self.nearest_km) if km is not None),
            months_estimated=sum(kept(self.estimate)),
            expected_error=answers.YearErrors(
                hourly_mean=_root_mean_square([each.hourly_mean for each in errors], hours),
                day=_root_mean_square([each.day for each in errors], hours),
            ),
        )


def of(pollutant: Pollutant, year: YearOfMonths, errors: ExpectedErrors) -> MonthColumns:
    """Return a year's months with the errors to expect of them."""
    figures = np.array(
        [
            *(year.hourly_mean, year.daily_mean, year.daily_median, year.daily_p95),
            *(year.daily_max, year.nearest_km),
        ],
        np.float64,
    )
    nearest_km = figures[-1].tolist()
    figures[:-1] *= pollutant.display_factor
    shown = rounded_each(figures.ravel())
    mean, daily_mean, median, p95, most, nearest = (
        shown[begin : begin + 12] for begin in range(0, len(shown), 12)
    )
    return MonthColumns(
        stored=year,
        has_aqi=pollutant.aqi is not None,
        hourly_mean=mean,
        daily_mean=daily_mean,
        daily_median=median,
        daily_p95=p95,
        daily_max=most,
        nearest_km=nearest,
        estimate=[km > REACH_KM for km in nearest_km],
        errors=[*map(errors.of_month, nearest_km, _SEASONS)],
    )


def _by_category(counts: Iterable[int]) -> dict[str, int]:
    return dict(zip(AQI_CATEGORIES, counts, strict=True))


def _mean(values: Column, weights: Sequence[int]) -> float | None:
    """Return the weighted mean; None where all weights are 0. What weighs 0 may be None."""
    total = sum(weights)
    if not total:
        return None
    return five_digits(sum(map(mul, [value or 0.0 for value in values], weights)) / total)


def _root_mean_square(errors: Column, hours: Sequence[int]) -> float | None:
    """Return the error to expect over months: of a day in any of them, or of the mean of them all.

    Of the mean it is the most to be expected: as if the months erred all in one direction.
    """
    if None in errors:
        return None
    squares = sum(n * (error or 0.0) ** 2 for n, error in zip(hours, errors, strict=True))
    return five_digits(sqrt(squares / sum(hours)))
