"""Ordinary kriging of stations that were left out, to measure beside inverse distances.

Existing libraries solve one field at a time and leave no station out, which makes a national year
some 400,000 objects; here the systems of a month are solved together (docs/accuracy.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.spatial import KDTree

from airaware.science.accuracy import DAILY, MONTH
from airaware.science.interpolate import Points
from airaware.science.leave_one_out import LeftOut, sums
from airaware.science.sphere import great_circle_km

NEIGHBOURS = 30
# The variogram is fitted to pairs of stations up to this far apart, in bins of equal width.
FIT_KM = 500.0
BINS = 25
RANGES_KM = np.geomspace(10, 2000, 60)
# Systems solved at a time.
RUN = 2000


@dataclass(frozen=True)
class Variogram:
    """The exponential model: nugget + sill * (1 - exp(-distance / range))."""

    nugget: float
    sill: float
    range_km: float

    def __call__(self, distance_km: np.ndarray) -> np.ndarray:
        """Half the expected squared difference of two stations so far apart."""
        return self.nugget + self.sill * -np.expm1(-distance_km / self.range_km)


def fit(stations: Points, values: np.ndarray) -> Variogram:
    """Fit the model to a month: (stations, times) in, NaN where missing; one variogram for all.

    Least squares over the bins of the empirical variogram, weighted by the pairs in them; nugget
    and sill are not negative.
    """
    one, other = np.triu_indices(len(stations), 1)
    distance_km = great_circle_km(stations.xyz[one], stations.xyz[other])
    near = distance_km < FIT_KM
    distance_km, one, other = distance_km[near], one[near], other[near]
    squared = (values[one] - values[other]) ** 2 / 2
    times = np.isfinite(squared).sum(axis=1)
    bins = (distance_km / FIT_KM * BINS).astype(int)
    pairs = np.bincount(bins, times, BINS)
    used = pairs > 0
    lag_km = np.bincount(bins, times * distance_km, BINS)[used] / pairs[used]
    empirical = np.bincount(bins, np.nansum(squared, axis=1), BINS)[used] / pairs[used]
    if not empirical.any():
        return Variogram(1.0, 0.0, FIT_KM)  # nothing varies: any nugget makes plain means

    weight = np.sqrt(pairs[used])
    best: tuple[float, Variogram] | None = None
    for range_km in RANGES_KM:
        shape = np.column_stack([np.ones(len(lag_km)), -np.expm1(-lag_km / range_km)])
        (nugget, sill), misfit = nnls(shape * weight[:, None], empirical * weight)
        if best is None or misfit < best[0]:
            best = misfit, Variogram(nugget, sill, range_km)
    assert best
    return best[1]


def leave_one_out(stations: Points, values: np.ndarray, variogram: Variogram) -> np.ndarray:
    """Each value (stations, times) from the NEIGHBOURS nearest others that report at that time.

    NaN where the station itself is silent, or all others are.
    """
    semivariance = between(stations, variogram)
    found = list(_neighbours(stations, values))
    estimated = np.full(values.shape, np.nan)
    if not found:
        return estimated
    systems = np.concatenate([system for _, system in found])
    time = np.repeat([time for time, _ in found], [len(system) for _, system in found])
    # A station often has the same neighbours for days.
    kinds, kind = np.unique(systems, axis=0, return_inverse=True)
    runs = (kinds[begin : begin + RUN] for begin in range(0, len(kinds), RUN))
    by_kind = np.concatenate([weights(semivariance, run[:, 0], run[:, 1:]) for run in runs])
    place, neighbours = systems[:, 0], systems[:, 1:]
    # A neighbour that is not there has no weight, whatever the value that -1 leads to.
    known = np.where(neighbours >= 0, values[neighbours, time[:, None]], 0)
    estimated[place, time] = np.einsum("sn,sn->s", by_kind[kind.ravel()], known)
    return estimated


def month_sums(month: int, left_out: LeftOut) -> np.ndarray:
    """RESIDUALS of days and months, of the very measurements that the grid's rule can estimate."""
    estimated = {}
    for quantity in (DAILY, MONTH):
        observed = left_out.observed[quantity]
        kriged = leave_one_out(left_out.stations, observed, fit(left_out.stations, observed))
        estimated[quantity] = np.where(np.isfinite(left_out.estimated[quantity]), kriged, np.nan)
    return sums(month, left_out, estimated)


def between(stations: Points, variogram: Variogram) -> np.ndarray:
    """Return the semivariance of each pair of stations, 0 on the diagonal: (n, n).

    Two at the same place are different stations, and differ by the nugget.
    """
    semivariance = variogram(great_circle_km(stations.xyz[:, None], stations.xyz[None]))
    np.fill_diagonal(semivariance, 0)
    return semivariance


def weights(semivariance: np.ndarray, place: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return the weights of each place's neighbours, which sum to 1: (m,), (m, k) -> (m, k).

    Indices into `semivariance`; a neighbour of -1 is not there, and has weight 0.
    """
    many, k = neighbours.shape
    there = neighbours >= 0
    systems = np.zeros((many, k + 1, k + 1))
    systems[:, :k, :k] = semivariance[neighbours[:, :, None], neighbours[:, None, :]]
    systems[:, :k, :k] *= there[:, :, None] & there[:, None, :]
    systems[:, range(k), range(k)] = ~there
    systems[:, :k, k] = systems[:, k, :k] = there
    right = np.ones((many, k + 1, 1))
    right[:, :k, 0] = semivariance[place[:, None], neighbours] * there
    return np.linalg.solve(systems, right)[:, :k, 0]


def _neighbours(stations: Points, values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """For each time, rows of a station that reports and the nearest others that do, then -1."""
    for time, reports in enumerate(np.isfinite(values).T):
        station = np.flatnonzero(reports)
        few = min(NEIGHBOURS + 1, len(station))
        if few < 2:
            continue
        tree = KDTree(stations.xyz[station])
        _, nearest = tree.query(stations.xyz[station], k=few)
        nearest = station[nearest]
        # Itself goes last, and out: of two at the same place either may come first.
        order = np.argsort(nearest == station[:, None], axis=1, kind="stable")
        rows = np.full((len(station), 1 + NEIGHBOURS), -1)
        rows[:, 0] = station
        rows[:, 1:few] = np.take_along_axis(nearest, order, axis=1)[:, :-1]
        yield time, rows
