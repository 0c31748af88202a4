"""Between which counts a year's days above, and its days in each AQI category, lie: 90% ranges.

Each station of a load is left out and its days are estimated from the others (leave_one_out.py).
What its residuals (estimate - measurement) were, by distance class, season and level of the
estimate, gives the chance that a day estimated so was really above a level. The chances add up to
an expected count and its variance, were the days independent. They are not: a place that is
estimated too low is so for weeks. So how far the stations' real counts were from the expected ones,
in these standard deviations, says between which multiples of it 90% of them lie ("locally weighted
conformal inference": Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, J. Am. Stat. Assoc.
113:1094, section 5.2). Pure NumPy.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from airaware.science.accuracy import ENOUGH, FROM_MILES, SEASONS
from airaware.science.metrics import TOLERANCE
from airaware.science.pollutant import AQI_CATEGORIES, Pollutant
from airaware.science.sphere import KM_PER_MILE

COVERED = 0.9
# Levels of the estimate within a class and season begin at these shares of its days; the last ones
# are narrow, since the days that are counted are there.
LEVELS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.97)
QUANTILES = 41  # of the residuals of a level, each in the middle of an equal share
# What is counted: the days above the level of the standard, and those in each category.
COUNTS = ("above", *AQI_CATEGORIES)
# A station needs so many days to count, and so many of these stations say where 90% lie.
NEEDED_DAYS = 90
NEEDED_STATIONS = 19
_SEASONS = tuple(SEASONS)
_SEASON_OF = np.array(
    [next(n for n, name in enumerate(SEASONS) if month in SEASONS[name]) for month in range(1, 13)]
)

# A month of a station that was left out: its days as the others estimate them and as it measured
# them, NaN where one of both is missing, and beyond the month's end.
LEFT_OUT_MONTHS = np.dtype(
    [
        ("site", "S11"),
        ("month", np.int8),
        ("from_miles", np.int16),
        ("estimated", np.float32, (31,)),
        ("observed", np.float32, (31,)),
    ]
)
# A distance class: of each season and level its lowest estimate and its residuals, NaN where there
# is no such level; of each count, between which multiples of its deviation it lies.
RANGES = np.dtype(
    [
        ("from_miles", np.int16),
        ("stations", np.int16),
        ("levels", np.float32, (len(SEASONS), len(LEVELS))),
        ("residuals", np.float32, (len(SEASONS), len(LEVELS), QUANTILES)),
        ("low", np.float32, (len(COUNTS),)),
        ("high", np.float32, (len(COUNTS),)),
    ]
)


@dataclass(frozen=True)
class Expected:
    """What is expected of counts (…, COUNTS), and the variances were the days independent."""

    mean: np.ndarray
    variance: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviation; of one day at least, so that a sure count can be off as well."""
        found: np.ndarray = np.sqrt(self.variance + 1)
        return found


@dataclass(frozen=True)
class _Days:
    """Days of stations (n,): which station's (a number), month, distance class and both values."""

    station: np.ndarray
    month: np.ndarray
    from_miles: np.ndarray
    estimated: np.ndarray
    observed: np.ndarray

    def only(self, which: np.ndarray) -> "_Days":
        """Return some of the days."""
        return _Days(*(values[which] for values in vars(self).values()))


def made_of(pollutant: Pollutant, months: np.ndarray) -> np.ndarray:
    """Make RANGES of a year's LEFT_OUT_MONTHS, a row for each class.

    A class with fewer than ENOUGH days has no residuals. One with fewer than NEEDED_STATIONS gets
    the bounds of all classes together; NaN where these have too few as well.
    """
    _, station = np.unique(months["site"], return_inverse=True)
    both = np.isfinite(months["estimated"]) & np.isfinite(months["observed"])
    many = both.sum(axis=1)
    days = _Days(
        np.repeat(station, many),
        np.repeat(months["month"], many),
        np.repeat(months["from_miles"], many),
        months["estimated"][both],
        months["observed"][both],
    )
    found = np.zeros(len(FROM_MILES), RANGES)
    for row, begin in zip(found, FROM_MILES, strict=True):
        row["from_miles"] = begin
        row["levels"], row["residuals"] = _levels(days.only(days.from_miles == begin))
    known = found["from_miles"][np.isfinite(found["levels"][:, 0, 0])]
    classes, off = _deviations(pollutant, found, days.only(np.isin(days.from_miles, known)))
    for row in found:
        of_class = off[classes == row["from_miles"]]
        of_class = of_class if len(of_class) >= NEEDED_STATIONS else off
        row["stations"] = len(of_class)
        row["low"], row["high"] = _bounds(of_class)
    return found


def _levels(days: _Days) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest estimate of each season and level, and the residuals' quantiles."""
    lowest = np.full((len(SEASONS), len(LEVELS)), np.nan, np.float32)
    residuals = np.full((*lowest.shape, QUANTILES), np.nan, np.float32)
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    many = len(days.station)
    order = np.argsort(days.estimated)
    of_season = _SEASON_OF[days.month[order] - 1]
    for season in range(len(SEASONS)) if many >= ENOUGH else ():
        which = order[of_season == season]
        which = which if len(which) >= ENOUGH else order
        shares = [share for share in LEVELS if (1 - share) * len(which) >= ENOUGH]
        begins = [int(share * len(which)) for share in shares]
        for level, (begin, end) in enumerate(zip(begins, [*begins[1:], None], strict=True)):
            group = which[begin:end]
            off = days.estimated[group] - days.observed[group]
            lowest[season, level] = days.estimated[group[0]]
            residuals[season, level] = np.quantile(off, middles)
    return lowest, residuals


def chances(
    pollutant: Pollutant,
    ranges: np.ndarray,
    months: np.ndarray,
    from_miles: np.ndarray,
    estimated: np.ndarray,
) -> np.ndarray:
    """Return the chance of each day to be one of each of COUNTS: (n, COUNTS).

    NaN where the day's distance class has no residuals in `ranges`.
    """
    edges = _edges(pollutant)
    order, groups = _alike(ranges, months, from_miles, estimated)
    # The measurement is the estimate without the residual.
    off = estimated[order, np.newaxis] - edges
    places = np.full(off.shape, np.nan)
    for days, residuals in groups:
        places[days] = np.searchsorted(residuals, off[days], side="right")
    at_least = np.empty(off.shape)
    at_least[order] = places / QUANTILES
    # Each count by itself in memory, since stations add theirs up one by one.
    found = np.zeros((len(COUNTS), len(estimated))).T
    found[:, 0] = at_least[:, 0]
    ends = [1.0, *at_least.T[1:], 0.0]
    for category, (begin, end) in enumerate(pairwise(ends), 1):
        found[:, category] = begin - end
    return found


def _edges(pollutant: Pollutant) -> np.ndarray:
    """Return the least day above the level, and the least of each AQI category but the first."""
    slack = TOLERANCE * 10.0**-pollutant.daily_decimals
    categories = [row[0] for row in pollutant.aqi.rows[1:]] if pollutant.aqi else []
    return np.array([pollutant.standard.above_from, *categories]) - slack


def _alike(
    ranges: np.ndarray, months: np.ndarray, from_miles: np.ndarray, estimated: np.ndarray
) -> tuple[np.ndarray, list[tuple[slice, np.ndarray]]]:
    """Return an order of the days, and which of it share class, season and level, with residuals.

    Days of a class without residuals are in no group.
    """
    known = ranges[np.isfinite(ranges["levels"][:, 0, 0])]
    if not len(known):
        return np.arange(len(estimated)), []
    number = np.minimum(np.searchsorted(known["from_miles"], from_miles), len(known) - 1)
    season = _SEASON_OF[months - 1]
    lowest = known["levels"][number, season]  # NaN, which is above nothing, comes last
    level = (lowest[:, 1:] <= estimated[:, np.newaxis]).sum(axis=1)
    group = (number * len(SEASONS) + season) * len(LEVELS) + level
    group[known["from_miles"][number] != from_miles] = -1
    residuals = known["residuals"].reshape(-1, QUANTILES)
    order = np.argsort(group, kind="stable")
    numbers, begins = np.unique(group[order], return_index=True)
    bounds = [*begins.tolist(), len(order)]
    return order, [
        (slice(*of_group), residuals[each])
        for each, of_group in zip(numbers.tolist(), pairwise(bounds), strict=True)
        if each >= 0
    ]


def _deviations(
    pollutant: Pollutant, ranges: np.ndarray, days: _Days
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stations' classes, and how many deviations their counts are off: (n, COUNTS)."""
    stations = int(days.station.max(initial=-1)) + 1

    def by_station(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(days.station, each, stations) for each in values.T]
        return np.stack(sums, axis=1)

    chance = chances(pollutant, ranges, days.month, days.from_miles, days.estimated)
    found = Expected(by_station(chance), by_station(chance * (1 - chance)))
    off = (by_station(counted(pollutant, days.observed)) - found.mean) / found.deviation
    by_class = by_station(days.from_miles[:, np.newaxis] == np.array(FROM_MILES))
    enough = by_class.sum(axis=1) >= NEEDED_DAYS
    return np.take(FROM_MILES, by_class.argmax(axis=1))[enough], off[enough]


def counted(pollutant: Pollutant, values: np.ndarray) -> np.ndarray:
    """Return which of COUNTS each day is one of (n, COUNTS), as 0 and 1."""
    at_least = values[:, np.newaxis] >= _edges(pollutant)
    found = np.zeros((len(values), len(COUNTS)))
    found[:, 0] = at_least[:, 0]
    category = at_least[:, 1:].sum(axis=1)
    if pollutant.aqi:
        found[np.arange(len(values)), 1 + category] = 1
    return found


def _bounds(off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return between which values 90% of another station's would lie: (n, COUNTS) -> two."""
    if len(off) < NEEDED_STATIONS:
        unknown = np.full(len(COUNTS), np.nan)
        return unknown, unknown
    aside = (1 - COVERED) / 2
    # Of n and one more, each is as likely to be at any place among them: hence n + 1.
    low, high = np.quantile(off, (aside, 1 - aside), axis=0, method="weibull")
    return low, high


def of_days(
    pollutant: Pollutant,
    ranges: np.ndarray,
    months: np.ndarray,
    nearest_km: np.ndarray,
    daily: np.ndarray,
) -> np.ndarray | None:
    """Return the least and the greatest of COUNTS in their 90% ranges: (COUNTS, 2).

    None where too little is known of how far off such days are.

    Args:
        pollutant: whose days they are.
        ranges: RANGES of the load.
        months: of each day (n,).
        nearest_km: how far the nearest monitor was on each day (n,).
        daily: the estimates (n,), NaN where there is none.
    """
    known = np.isfinite(daily)
    if not known.any() or not len(ranges):
        return None
    miles = nearest_km[known] / KM_PER_MILE
    number = np.searchsorted(FROM_MILES, miles, side="right") - 1
    from_miles = np.take(FROM_MILES, number)
    chance = chances(pollutant, ranges, months[known], from_miles, daily[known])
    if np.isnan(chance).any():
        return None
    (row,) = ranges[ranges["from_miles"] == FROM_MILES[np.bincount(number).argmax()]]
    of_year = Expected(chance.sum(axis=0), (chance * (1 - chance)).sum(axis=0))
    low, high = (of_year.mean + row[name] * of_year.deviation for name in ("low", "high"))
    if np.isnan(low).any():
        return None
    low, high = (np.clip(each, 0, known.sum()) for each in (low, high))
    least, most = np.ceil(low), np.floor(high)
    # Between two neighbouring numbers there is none: the nearer one.
    nearest, none = np.rint((low + high) / 2), least > most
    found = np.stack([np.where(none, nearest, least), np.where(none, nearest, most)], axis=1)
    return found.astype(int)
