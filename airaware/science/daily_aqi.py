"""One Air Quality Index a day over several pollutants. Pure NumPy.

The index of a day is the highest of its pollutants' indices, and the pollutant that has it leads
(40 CFR 58, Appendix G). A day without an index is -1, as in `airaware.science.metrics`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airaware.science.sphere import REACH_KM

NO_INDEX = -1
# The least index of each category after Good (40 CFR 58, Appendix G, table 2).
CATEGORY_FROM = (51, 101, 151, 201, 301)


@dataclass(frozen=True)
class DailyAqi:
    """The days of a place.

    aqi: the index (days,); known, leads: which pollutants have an index, and which of them the
    highest (pollutants, days). Several lead where they tie.
    """

    aqi: NDArray[np.int16]
    known: NDArray[np.bool_]
    leads: NDArray[np.bool_]

    @property
    def ties(self) -> NDArray[np.bool_]:
        """Which days several pollutants lead: (days,)."""
        ties: NDArray[np.bool_] = self.leads.sum(axis=0) > 1
        return ties


def highest(indices: np.ndarray) -> DailyAqi:
    """Return the daily index over pollutants (pollutants, days)."""
    aqi = indices.max(axis=0, initial=NO_INDEX)
    known = indices > NO_INDEX
    return DailyAqi(aqi, known, known & (indices == aqi))


def category(aqi: np.ndarray) -> NDArray[np.int8]:
    """Return the category of each index, an index into AQI_CATEGORIES; -1 where there is none."""
    return np.where(aqi < 0, NO_INDEX, np.digitize(aqi, CATEGORY_FROM)).astype(np.int8)


def from_regulatory_monitors(
    regulatory: np.ndarray, nearest_km: np.ndarray, other: np.ndarray
) -> NDArray[np.bool_]:
    """Return which days' PM2.5 is that of FRM/FEM monitors (88101): (days,).

    It is where one within 30 miles has an index, else that of other monitors (88502). Far FRM/FEM
    monitors decide only where neither kind is near and 88502 has no index at all.

    Args:
        regulatory: the index from FRM/FEM monitors (days,).
        nearest_km: the distance to the nearest of them (days,), NaN where there is none.
        other: the index from other monitors (days,).
    """
    near = nearest_km <= REACH_KM
    chosen: NDArray[np.bool_] = (regulatory > NO_INDEX) & (near | (other == NO_INDEX))
    return chosen
