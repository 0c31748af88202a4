"""The air at an exact point: the grid's rule, and how far the grid is from it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airaware.job import stages
from airaware.job.stations import assemble
from airaware.raw import station_months
from airaware.science import grid, metrics, point, pollutants
from airaware.science.interpolate import Points, idw, mean_over_time, weights
from airaware.science.sphere import FAR_KM, REACH_KM, great_circle_km, unit_vectors

OZONE = pollutants.get(44201)
DAYS = 3


def stations_around(random: np.random.Generator, many: int, spread_degrees: float) -> np.ndarray:
    """Stations at random about 40 N, 100 W: (many, 2), degrees."""
    return np.array([40.0, -100.0]) + random.uniform(-spread_degrees, spread_degrees, (many, 2))


def distances(place: tuple[float, float], stations: np.ndarray) -> np.ndarray:
    return great_circle_km(unit_vectors(*stations.T), unit_vectors(*np.array(place)))


@given(
    seed=st.integers(0, 10_000),
    many=st.integers(1, 12),
    spread_degrees=st.sampled_from([0.2, 1.0, 2.0]),
)
def test_a_point_is_what_the_grid_s_kernel_makes_there(seed, many, spread_degrees):
    random = np.random.default_rng(seed)
    stations = stations_around(random, many, spread_degrees)
    hours = random.uniform(0, 0.09, (many, 24 * DAYS))
    hours[random.random(hours.shape) < 0.3] = np.nan
    hours[random.random(many) < 0.3] = np.nan  # some do not report at all
    daily = random.uniform(0, 0.09, (many, DAYS))
    daily[random.random(daily.shape) < 0.3] = np.nan
    found = point.month(distances((40, -100), stations), hours, daily, np.full(many, -7), -7)

    reporting = np.isfinite(hours).any(axis=1)
    if not reporting.any():
        assert found is None
        return
    kernel = weights(Points(np.array([40.0]), np.array([-100.0])), Points(*stations[reporting].T))
    if not len(kernel.points):
        assert found is None
        return
    np.testing.assert_allclose(found.hours, idw(kernel.matrix, hours[reporting])[0], rtol=1e-12)
    np.testing.assert_allclose(found.daily, idw(kernel.matrix, daily[reporting])[0], rtol=1e-12)
    assert found.nearest_km == kernel.nearest_km[0]
    mean, times = mean_over_time(kernel.matrix, hours[reporting])
    figures = point.figures(OZONE, found)
    np.testing.assert_allclose(figures["hourly_mean"], mean, rtol=1e-6)
    assert figures["hours"] == times
    assert figures["stations"] == kernel.stations


def test_stations_that_do_not_report_make_room_for_farther_ones():
    hours = np.full((3, 24), np.nan)
    hours[1:] = [[10.0], [20.0]]
    distance_km = np.array([5.0, REACH_KM + 1, FAR_KM + 1])
    daily = np.array([[np.nan], [12.0], [24.0]])
    found = point.month(distance_km, hours, daily, np.full(3, -6), -6)
    assert found.used.tolist() == [1]
    assert found.nearest_km == REACH_KM + 1
    assert found.hours.tolist() == [10.0] * 24
    assert found.daily.tolist() == [12.0]


def test_no_station_near_enough_is_no_month():
    silent, clock = np.full((1, 24), np.nan), np.array([-6])
    assert point.month(np.array([5.0]), silent, np.full((1, 1), np.nan), clock, -6) is None
    far = np.array([FAR_KM + 1])
    assert point.month(far, np.ones((1, 24)), np.ones((1, 1)), clock, -6) is None
    assert point.month(np.zeros(0), np.zeros((0, 24)), np.zeros((0, 1)), clock[:0], -6) is None


def test_without_a_month_the_figures_are_missing():
    figures = point.figures(OZONE, None)
    assert figures["hours"] == figures["days"] == figures["stations"] == 0
    assert all(np.isnan(figures[name]) for name in ("hourly_mean", "daily_p95", "nearest_km"))


@pytest.fixture(scope="module")
def chicago_july(real_epa):
    """Chicago's ozone in July 2013, as the batch has it: stations, and their daily metrics."""
    rows = pa.Table.from_batches(
        list(station_months.read(real_epa / "hourly_44201_2013.zip", 44201, 2013))
    )
    stations = assemble(rows.filter(pc.equal(rows["month"], 7)), 31)
    return stations, metrics.daily(OZONE, stations.hours)


def test_the_grid_is_near_the_exact_point(chicago_july):
    """A cell's centre lies up to 4 km off: small beside the way to a monitor, unless one is near.

    In the real July of Chicago, at points 3 km apart: the month's mean is off by at most 8%, and
    by 1% in the median; days above the standard by at most one.
    """
    stations, daily = chicago_july
    cells = grid.load()
    made = stages.month_cells(OZONE, stations, daily)
    by_cell = dict(zip(made["cell"].tolist(), made, strict=True))
    reach = Points(cells.latitude, cells.longitude)
    hours, clocks = stations.hours, stations.offsets
    off, days_off = [], []
    for latitude in np.arange(41.6, 42.2, 0.05):
        for longitude in np.arange(-88.2, -87.7, 0.05):
            place = (latitude, longitude)
            _, cell = reach.tree.query(unit_vectors(*np.array(place)))
            at_stations = np.column_stack([stations.latitude, stations.longitude])
            month = point.month(distances(place, at_stations), hours, daily, clocks, -6)
            exact = point.figures(OZONE, month)[0]
            off.append(abs(by_cell[cell]["hourly_mean"] / exact["hourly_mean"] - 1))
            days_off.append(abs(int(by_cell[cell]["days_above"]) - int(exact["days_above"])))
    print(f"the grid is off by {np.median(off):.2%} in the median, {max(off):.2%} at most")
    assert np.median(off) < 0.01
    assert max(off) < 0.08
    assert max(days_off) <= 1
