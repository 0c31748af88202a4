"""How far estimates are from measurements: residuals of stations that were left out, as sums.

Each station is estimated from the others (airaware/science/leave_one_out.py), and what comes out is
kept as sums, so that the errors of any group of residuals come out by addition.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

# Single hours, the daily metric by EPA's rules, and the mean of a month's hours.
HOURS, DAILY, MONTH = QUANTITIES = ("hours", "daily", "month")
# Classes of the distance to the nearest other station begin at these miles. Beyond the last one
# there is no estimate; from 30 miles on it comes from the nearest few.
FROM_MILES = (0, 5, 10, 20, 30, 100)
SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}
_SEASON_OF = {month: name for name, months in SEASONS.items() for month in months}
# An error of fewer residuals than this says little.
ENOUGH = 30


@dataclass(frozen=True)
class Residuals:
    """Sums over the residuals (estimate - measurement) of one month, quantity and distance class.

    `observed` counts the measurements, `estimated` those of them with an estimate; the other sums
    are over the latter. In the unit of EPA's file.
    """

    month: int
    quantity: str
    from_miles: int
    observed: int
    estimated: int
    error: float
    squared_error: float
    value: float
    squared_value: float


@dataclass(frozen=True)
class Errors:
    """The errors of a group of residuals; None where it has too few estimates for them."""

    observed: int
    estimated: int
    rmse: float | None
    bias: float | None
    r2: float | None

    @property
    def coverage(self) -> float | None:
        """The share of measurements that have an estimate."""
        return self.estimated / self.observed if self.observed else None


def errors(group: Iterable[Residuals]) -> Errors:
    """RMSE, bias and R2 (1 - squared errors / squared deviations from the group's mean)."""
    group = list(group)
    observed, estimated = sum(r.observed for r in group), sum(r.estimated for r in group)
    if not estimated:
        return Errors(observed, 0, None, None, None)
    squared_error = sum(r.squared_error for r in group)
    deviation = sum(r.squared_value for r in group) - sum(r.value for r in group) ** 2 / estimated
    return Errors(
        observed,
        estimated,
        rmse=sqrt(squared_error / estimated),
        bias=sum(r.error for r in group) / estimated,
        r2=1 - squared_error / deviation if deviation > 0 else None,
    )


def from_miles(nearest_miles: float) -> int:
    """Return the distance class (miles) of a place by the distance of its nearest station."""
    return FROM_MILES[bisect_right(FROM_MILES, nearest_miles) - 1]


def season(month: int) -> str:
    """Return the season, a key of SEASONS, of a month from 1 to 12."""
    return _SEASON_OF[month]


def expected_errors(residuals: Iterable[Residuals]) -> dict[tuple[str, int, str], float]:
    """Return the RMSE to expect of a year's estimates by quantity, distance class and season.

    A season with few residuals gets those of the whole year; where those are few as well, nothing
    is to be said, and no key is there.
    """
    groups: dict[tuple[str, int], list[Residuals]] = {}
    for r in residuals:
        groups.setdefault((r.quantity, r.from_miles), []).append(r)
    found = {}
    for (quantity, begin), year in groups.items():
        for name, months in SEASONS.items():
            of_season = errors(r for r in year if r.month in months)
            best = of_season if of_season.estimated >= ENOUGH else errors(year)
            if best.estimated >= ENOUGH and best.rmse is not None:
                found[quantity, begin, name] = best.rmse
    return found
