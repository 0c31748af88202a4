"""What places are ranked by: one figure of a year for each pollutant. Pure NumPy.

Only months with a station in reach count, and enough of the year has to be there: a place that was
measured in its clean season alone would rank too low.
"""

from calendar import monthrange

import numpy as np

from airaware.science.pollutant import Pollutant
from airaware.science.sphere import REACH_KM
from airaware.science.standards import NEEDED_SHARE, OZONE_RANK

# Each state's ozone season has these months (40 CFR 58, Appendix D, table D-3).
OZONE_SEASON = slice(4, 9)  # May to September


def figures(pollutant: Pollutant, months: np.ndarray, year: int) -> np.ndarray:
    """Return what places are ranked by (n,), float32; NaN where too little is there.

    Enough is 75% of the days of each quarter (40 CFR 50 Appendix N, section 4), of ozone from May
    to September; of a mean of hours, 75% of the year's (Appendix S, section 3.1).

    Args:
        pollutant: says which figure it is.
        months: `summary.month_fields` of the pollutant (n, 12); NaN where a month has no value.
        year: the year, which knows how many days its months have.
    """
    near = months["nearest_km"] <= REACH_KM  # of NaN it is not
    length = np.array([monthrange(year, month)[1] for month in range(1, 13)])
    days = np.where(near, months["days"], 0)
    by_quarter = days.reshape(-1, 4, 3).sum(axis=2)
    enough = (by_quarter >= NEEDED_SHARE * length.reshape(4, 3).sum(axis=1)).all(axis=1)
    if pollutant.ranked_by == "mean_of_days":
        sums = np.where(days > 0, days * months["daily_mean"], 0).reshape(-1, 4, 3).sum(axis=2)
        # The mean of the quarters' means, as the annual standard's.
        found = (sums / np.maximum(by_quarter, 1)).mean(axis=1)
    elif pollutant.ranked_by == "mean_of_hours":
        hours = np.where(near, months["hours"], 0)
        sums = np.where(hours > 0, hours * months["hourly_mean"], 0).sum(axis=1)
        found = sums / np.maximum(hours.sum(axis=1), 1)
        enough = hours.sum(axis=1) >= NEEDED_SHARE * 24 * length.sum()
    elif pollutant.ranked_by == "fourth_highest":
        found = _fourth_highest(months, near)
        season = length[OZONE_SEASON].sum()
        enough = days[:, OZONE_SEASON].sum(axis=1) >= NEEDED_SHARE * season
    else:
        found = np.where(days > 0, months["daily_max"], -np.inf).max(axis=1)
    return np.where(enough, found, np.nan).astype(np.float32)


def _fourth_highest(months: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the fourth-highest day of months (n, 12) that are near; -inf of fewer than four."""
    highest = np.concatenate([months["daily_max"][..., np.newaxis], months["next_highest"]], axis=2)
    known = np.fmax(highest, -np.inf)  # NaN is -inf
    known[~near] = -np.inf
    every = known.reshape(len(months), 12 * known.shape[2])
    fourth: np.ndarray = np.partition(every, -OZONE_RANK, axis=1)[:, -OZONE_RANK]
    return fourth
