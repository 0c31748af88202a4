"""Kriging against its own definition: a dense solve in the other, covariance form."""

import numpy as np
import pytest

from airaware.science import kriging
from airaware.science.interpolate import Points
from airaware.science.kriging import NEIGHBOURS, Variogram
from airaware.science.sphere import great_circle_km

VARIOGRAM = Variogram(nugget=2.0, sill=9.0, range_km=80.0)


def scene(stations: int, times: int, seed: int = 1) -> tuple[Points, np.ndarray]:
    """Stations around Chicago and values that vary slowly over the land."""
    random = np.random.default_rng(seed)
    latitude, longitude = random.uniform(40, 43, stations), random.uniform(-90, -86, stations)
    values = 30 + 8 * np.sin(latitude[:, None] * 2) + 5 * np.cos(longitude[:, None])
    return Points(latitude, longitude), values + random.normal(0, 1, (stations, times))


def by_covariance(points: Points, left_out: int, others: np.ndarray, values, variogram) -> float:
    """Simple kriging about the generalised least squares mean: ordinary kriging in other words."""
    xyz = points.xyz

    def covariance(a, b) -> np.ndarray:
        km = great_circle_km(xyz[a][:, None], xyz[b][None])
        return variogram.sill * np.exp(-km / variogram.range_km)

    inverse = np.linalg.inv(covariance(others, others) + variogram.nugget * np.eye(len(others)))
    # The distance of a station to itself counts as 10 m above.
    np.testing.assert_allclose(np.diag(covariance(others, others)), variogram.sill, rtol=1e-3)
    known = values[others]
    mean = inverse.sum(axis=0) @ known / inverse.sum()
    return mean + (covariance(np.array([left_out]), others) @ inverse @ (known - mean))[0]


def test_it_agrees_with_a_dense_solve():
    points, values = scene(12, 5)
    values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan
    found = kriging.leave_one_out(points, values, VARIOGRAM)
    assert (np.isnan(found) == np.isnan(values)).all()
    for station, time in np.argwhere(np.isfinite(values)):
        others = np.flatnonzero(np.isfinite(values[:, time]))
        others = others[others != station]
        expected = by_covariance(points, station, others, values[:, time], VARIOGRAM)
        assert found[station, time] == pytest.approx(expected, rel=1e-4)


def test_only_the_nearest_others_that_report_count():
    points, values = scene(60, 2)
    values[5, 0] = np.nan
    found = kriging.leave_one_out(points, values, VARIOGRAM)
    for station, time in ((0, 0), (7, 0), (5, 1)):
        km = great_circle_km(points.xyz, points.xyz[station])
        km[station] = np.inf
        km[~np.isfinite(values[:, time])] = np.inf
        nearest = np.argsort(km)[:NEIGHBOURS]
        expected = by_covariance(points, station, nearest, values[:, time], VARIOGRAM)
        assert found[station, time] == pytest.approx(expected, rel=1e-4)


def test_weights_add_up_to_one():
    points, _ = scene(9, 1)
    neighbours = np.array([[1, 2, 3, 4], [5, 6, -1, -1], [8, -1, -1, -1]])
    found = kriging.weights(kriging.between(points, VARIOGRAM), np.array([0, 1, 2]), neighbours)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found[neighbours < 0] == 0).all()
    assert found[2, 0] == pytest.approx(1)


@pytest.mark.parametrize(("nugget", "honours"), [(0.0, True), (2.0, False)])
def test_data_are_honoured_where_there_is_no_nugget(nugget, honours):
    """A station that another stands beside gets that one's value, unless each is noisy."""
    latitude, longitude = np.array([41.0, 41.0, 41.2, 40.7]), np.array([-87.0, -87.0, -87.3, -87.1])
    values = np.array([[3.0], [20.0], [30.0], [40.0]])
    variogram = Variogram(nugget, 9.0, 80.0)
    found = kriging.leave_one_out(Points(latitude, longitude), values, variogram)
    assert np.isclose(found[:2, 0], [20, 3], rtol=1e-2).tolist() == [honours, honours]


def test_the_variogram_of_a_field_is_found_again():
    random = np.random.default_rng(4)
    points, _ = scene(150, 1)
    km = great_circle_km(points.xyz[:, None], points.xyz[None])
    covariance = VARIOGRAM.sill * np.exp(-km / VARIOGRAM.range_km)
    covariance[np.diag_indices(150)] += VARIOGRAM.nugget
    values = np.linalg.cholesky(covariance) @ random.normal(size=(150, 200))
    values[random.random(values.shape) < 0.1] = np.nan
    found = kriging.fit(points, values)
    assert found.nugget == pytest.approx(2, rel=0.25)
    assert found.sill == pytest.approx(9, rel=0.15)
    assert found.range_km == pytest.approx(80, rel=0.25)


def test_what_does_not_vary_is_estimated_exactly():
    points, _ = scene(5, 1)
    values = np.full((5, 3), 7.0)
    found = kriging.leave_one_out(points, values, kriging.fit(points, values))
    np.testing.assert_allclose(found, 7)


@pytest.mark.parametrize("stations", [1, 2])
def test_where_all_others_are_silent_there_is_no_estimate(stations):
    points, values = scene(stations, 2)
    values[1:] = np.nan
    found = kriging.leave_one_out(points, values, kriging.fit(points, values))
    assert np.isnan(found).all()
