"""The error to expect of what the site shows (docs/accuracy.md)."""

from collections.abc import Callable, Mapping

from airaware.science.accuracy import expected_errors, from_miles
from airaware.science.sphere import KM_PER_MILE
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load

ExpectedErrors = Mapping[tuple[str, int, str], float]


def remembered(reader: Memory) -> Callable[[Load], ExpectedErrors]:
    """Return a function that gives the expected errors of a load and asks the store once."""

    def of_load(load: Load) -> ExpectedErrors:
        def read() -> ExpectedErrors:
            return expected_errors(queries.residuals(reader, load.parameter, load.year))

        return reader.remember("errors", [load], "", read)

    return of_load


def expected(
    errors: ExpectedErrors, quantity: str, nearest_km: float | None, in_season: str
) -> float | None:
    """Return the expected error of a quantity in a season, so far from the nearest monitor.

    In the unit of EPA's file; None where there is no estimate, or too few monitors to know it.
    """
    if nearest_km is None:
        return None
    return errors.get((quantity, from_miles(nearest_km / KM_PER_MILE), in_season))
