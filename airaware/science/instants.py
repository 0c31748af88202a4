"""Hours of stations whose clocks differ, at equal instants. Pure NumPy.

A clock is local standard time all year, given by its offset: whole hours from UTC, -6 in Chicago.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Instants:
    """Stations' hours at common instants: values (n, instants), NaN where there is none.

    period: hours of the period that the values are of; utc: the column in which it begins by UTC.
    """

    values: np.ndarray
    period: int
    utc: int

    def by_clock(self, offset: int) -> np.ndarray:
        """Return the period of one clock, whose offset is near the stations': (n, period)."""
        begin = self.utc - offset
        return self.values[:, begin : begin + self.period]

    def by_own_clocks(self, offsets: np.ndarray) -> np.ndarray:
        """Return the period of each row by a clock of its own: (n, period)."""
        own = np.empty((len(self.values), self.period), self.values.dtype)
        for offset in np.unique(offsets).tolist():
            rows = offsets == offset
            own[rows] = replace(self, values=self.values[rows]).by_clock(offset)
        return own


def align(hours: np.ndarray, offsets: np.ndarray, period: int) -> Instants:
    """Put stations' hours at common instants.

    Args:
        hours: (n, margin + period + margin), each row by its own clock, n > 0.
        offsets: the stations' hours from UTC, whole numbers (n,).
        period: a whole number of days, in hours.
    """
    margin = (hours.shape[1] - period) // 2
    behind = offsets.max() - offsets  # how many hours later each station's clock shows an hour
    values = np.full((len(hours), hours.shape[1] + int(behind.max())), np.nan)
    for lag in np.unique(behind).tolist():
        rows = behind == lag
        values[rows, lag : lag + hours.shape[1]] = hours[rows]
    return Instants(values, period, margin + int(offsets.max()))
