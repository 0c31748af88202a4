"""The error to expect of what the site shows (docs/accuracy.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from airaware.science import pollutants
from airaware.science.accuracy import (
    DAILY,
    FROM_MILES,
    HOURS,
    MONTH,
    SEASONS,
    expected_errors,
    from_miles,
)
from airaware.science.pollutant import Pollutant
from airaware.science.rounding import shown
from airaware.science.sphere import KM_PER_MILE
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load
from airaware.web import answers

_NOT_KNOWN = answers.MonthErrors(None, None, None)


@dataclass(frozen=True)
class ExpectedErrors:
    """The errors to expect of a load's estimates.

    by_class: by quantity, distance class and season, in the unit of EPA's file.
    """

    pollutant: Pollutant
    by_class: Mapping[tuple[str, int, str], float]

    def __len__(self) -> int:
        """Return how many are known: a load without any is asked for again."""
        return len(self.by_class)

    def of(self, quantity: str, nearest_km: float | None, in_season: str) -> float | None:
        """Return the error of a quantity in a season, so far from the nearest monitor.

        None where there is no estimate, or too few monitors to know it.
        """
        if nearest_km is None:
            return None
        return self.by_class.get((quantity, from_miles(nearest_km / KM_PER_MILE), in_season))

    def of_month(self, nearest_km: float, in_season: str) -> answers.MonthErrors:
        """Return those of a month, in the display unit; `nearest_km` may be NaN."""
        if nearest_km != nearest_km:
            return _NOT_KNOWN
        return self._months[from_miles(nearest_km / KM_PER_MILE), in_season]

    @cached_property
    def _months(self) -> Mapping[tuple[int, str], answers.MonthErrors]:
        def of(quantity: str, begin: int, in_season: str) -> float | None:
            return shown(self.pollutant, self.by_class.get((quantity, begin, in_season)))

        return {
            (begin, in_season): answers.MonthErrors(
                *(of(quantity, begin, in_season) for quantity in (MONTH, HOURS, DAILY))
            )
            for begin in FROM_MILES
            for in_season in SEASONS
        }


def remembered(reader: Memory) -> Callable[[Load], ExpectedErrors]:
    """Return a function that gives the expected errors of a load and asks the store once."""

    def of_load(load: Load) -> ExpectedErrors:
        def read() -> ExpectedErrors:
            found = expected_errors(queries.residuals(reader, load.parameter, load.year))
            return ExpectedErrors(pollutants.get(load.parameter), found)

        return reader.remember("errors", [load], "", read)

    return of_load
