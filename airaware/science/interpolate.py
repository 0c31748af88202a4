"""Inverse-distance weighting: stations' values -> points. Pure NumPy and SciPy, float64 throughout.

The rule is the first AirAware's: at each hour, the mean of the stations that report, weighted by
1/distance^2, over all stations within 30 miles of the point. A point with none in reach gets an
estimate from the nearest few within 100 miles, to be marked as such wherever it is shown.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import KDTree

from airaware.science.sphere import (
    EARTH_RADIUS_KM,
    FAR_KM,
    FAR_STATIONS,
    REACH_KM,
    great_circle_km,
    unit_vectors,
)

# Points are taken in runs of this many: neighbours share stations, and those share gaps.
RUN = 256


class Points:
    """Places on the sphere (degrees, shape (n,)), with a tree to find neighbours in."""

    def __init__(self, latitude: np.ndarray, longitude: np.ndarray) -> None:
        """Take the places' coordinates in degrees: (n,) each."""
        self.xyz = unit_vectors(latitude, longitude)
        self.tree = KDTree(self.xyz)

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.xyz)


def _chord(distance_km: float) -> float:
    """Straight line through the unit sphere for a great-circle distance."""
    return float(2 * np.sin(distance_km / EARTH_RADIUS_KM / 2))


@dataclass(frozen=True)
class Weights:
    """How stations make points: for the m points that any station reaches, in ascending order.

    points: indices into the points asked for, (m,); matrix: (m, stations), 1/km^2;
    nearest_km: distance to the nearest station, (m,), beyond REACH_KM for a far estimate.
    """

    points: np.ndarray
    matrix: csr_matrix
    nearest_km: np.ndarray

    @property
    def stations(self) -> np.ndarray:
        """How many stations each point's value may rest on, (m,)."""
        return np.diff(self.matrix.indptr)


def weights(points: Points, stations: Points) -> Weights:
    """Weigh the stations in reach of each point, or the nearest few where none is in reach."""
    point, station = _in_reach(points, stations)
    far = _all_but(point, len(points))
    return _weigh(points, stations, (point, station), _nearest(points, far, stations, FAR_STATIONS))


def weights_of_others(stations: Points) -> Weights:
    """Weigh the other stations for an estimate of each station, by the rule of `weights`.

    Another station may stand at the same place.
    """
    point, station = _but_self(_in_reach(stations, stations))
    far = _all_but(point, len(stations))
    few = _but_self(_nearest(stations, far, stations, FAR_STATIONS + 1))
    return _weigh(stations, stations, (point, station), few)


Pairs = tuple[np.ndarray, np.ndarray]  # indices of points, and of a station of each


def _in_reach(points: Points, stations: Points) -> Pairs:
    found = points.tree.query_ball_point(stations.xyz, _chord(REACH_KM))
    station = np.repeat(np.arange(len(stations)), [len(hits) for hits in found])
    return np.concatenate([np.asarray(hits, dtype=np.int64) for hits in found]), station


def _all_but(some: np.ndarray, many: int) -> np.ndarray:
    """Return the indices below `many` that are not among some, ascending."""
    left = np.ones(many, bool)
    left[some] = False
    return np.flatnonzero(left)


def _nearest(points: Points, which: np.ndarray, stations: Points, few: int) -> Pairs:
    """Of the points `which`, each with the nearest stations within FAR_KM, at most `few`."""
    _, neighbour = stations.tree.query(
        points.xyz[which],
        k=np.arange(1, min(few, len(stations)) + 1),
        distance_upper_bound=_chord(FAR_KM),
    )
    row, column = np.nonzero(neighbour < len(stations))
    return which[row], neighbour[row, column]


def _but_self(pairs: Pairs) -> Pairs:
    point, station = pairs
    others = point != station
    return point[others], station[others]


def _weigh(points: Points, stations: Points, *pairs: Pairs) -> Weights:
    point, station = (np.concatenate(indices) for indices in zip(*pairs, strict=True))
    order = np.argsort(point * len(stations) + station)  # by point, then by station
    point, station = point[order], station[order]
    distance_km = great_circle_km(points.xyz[point], stations.xyz[station])
    reached, starts = np.unique(point, return_index=True)
    matrix = csr_matrix(
        (distance_km**-2.0, station, [*starts, len(point)]), shape=(len(reached), len(stations))
    )
    # Of no pair at all there is no least distance.
    nearest_km = np.minimum.reduceat(distance_km, starts) if len(starts) else np.zeros(0)
    return Weights(reached, matrix, nearest_km)


def idw(matrix: csr_matrix, values: np.ndarray) -> np.ndarray:
    """Average the stations that report, by weight: (stations, times) -> (points, times).

    NaN in `values` is a station that does not report; NaN in the result, a point without any.
    """
    reports = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: np.ndarray = (matrix @ np.where(reports, values, 0)) / (
            matrix @ reports.astype(float)
        )
    return mean


def mean_over_time(matrix: csr_matrix, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over time of `idw(matrix, values)`, and its number of times: (points,) each.

    The same arithmetic in another order: times at which the same of a run's stations report have
    the same denominator, so their values are added up before they are weighted.
    """
    mean = np.full(matrix.shape[0], np.nan)
    times = np.zeros(matrix.shape[0], dtype=np.int64)
    reports = np.isfinite(values)
    filled = np.where(reports, values, 0)
    for begin in range(0, matrix.shape[0], RUN):
        rows = slice(begin, begin + RUN)
        bounds = matrix.indptr[begin : begin + RUN + 1]
        span = slice(bounds[0], bounds[-1])
        used, column = _distinct(matrix.indices[span], matrix.shape[1])
        run = csr_matrix(
            (matrix.data[span], column, bounds - bounds[0]), shape=(len(bounds) - 1, len(used))
        )
        order, starts = _alike(reports[used])
        sums = np.add.reduceat(filled[used][:, order], starts, axis=1)
        # Sums and weights by one product, since each call has its costs.
        weighted, weight = np.hsplit(
            run @ np.hstack([sums, reports[used][:, order[starts]]]), [len(starts)]
        )
        many = np.diff([*starts, len(order)])
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.where(weight > 0, weighted / weight, 0).sum(axis=1)
            times[rows] = (weight > 0) @ many
            mean[rows] = total / times[rows]
    return mean, times


def _distinct(indices: np.ndarray, many: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct indices below `many`, ascending, and which of them each index is."""
    there = np.zeros(many, bool)
    there[indices] = True
    return np.flatnonzero(there), (np.cumsum(there, dtype=np.int32) - 1)[indices]


def _alike(reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an order that groups equal columns of a boolean matrix, and where groups begin."""
    packed = np.packbits(reports, axis=0)
    whole = np.zeros((-(-len(packed) // 8) * 8, packed.shape[1]), np.uint8)
    whole[: len(packed)] = packed
    # Numbers of 64 bits, (times, words): they are compared much faster than bytes.
    words = np.ascontiguousarray(whole.T).view(">u8").astype(np.uint64)
    order = np.lexsort(words.T[::-1])
    ordered = words[order]
    changes = np.ones(len(order), bool)
    changes[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return order, np.flatnonzero(changes)
