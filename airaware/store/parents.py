"""The map's coarser cells: each figure of a month is the mean over the children that have one."""

from collections.abc import Sequence

import numpy as np

from airaware.science import grid
from airaware.store.shapes import RESOLUTIONS

# What parents have of a year, in the order of `parent_year`.
AVERAGED = ("hourly_mean", "daily_mean", "daily_max", "days_above", "nearest_km")


def of(cells: np.ndarray, resolution: int) -> np.ndarray:
    """Return the parents of cells: their resolution set anew, their finer digits all 7.

    https://h3geo.org/docs/core-library/h3Indexing
    """
    digits = (1 << 3 * (15 - resolution)) - 1
    return cells & ~(15 << 52) | (resolution << 52) | digits


def averaged(cells: np.ndarray, figures: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return the parents (m,) of all coarser resolutions, and their figures (m, 12), float32.

    Args:
        cells: of the grid's resolution (n,), ascending: so children of a parent stand together.
        figures: months (n, 12) by AVERAGED; NaN where there is none.
    """
    levels = []
    for resolution in range(grid.RESOLUTION - 1, RESOLUTIONS[0] - 1, -1):
        parents = of(cells, resolution)
        starts = np.flatnonzero(np.diff(parents, prepend=0))
        cells, figures = parents[starts], [_means(months, starts) for months in figures]
        levels.append((cells, *figures))
    return tuple(map(np.concatenate, zip(*levels, strict=True)))


def _means(months: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the means of groups of rows, of what is not NaN: (n, 12) -> (groups, 12), float32."""
    values = months.astype(np.float64)
    there = ~np.isnan(values)
    totals = np.add.reduceat(np.where(there, values, 0), starts, axis=0) + 0.0  # no -0.0
    counts = np.add.reduceat(there, starts, axis=0, dtype=np.int64)
    # Not 0/0, a NaN of other bits, by which another checksum.
    means = np.full(totals.shape, np.nan, np.float32)
    np.divide(totals, counts, out=means, where=counts > 0, casting="same_kind")
    return means
