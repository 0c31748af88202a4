"""The kernel against a plain double loop in float64, and its distances against haversines."""

from math import asin, cos, radians, sin, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airaware.science.interpolate import Points, Weights, idw, mean_over_time, weights
from airaware.science.sphere import EARTH_RADIUS_KM, FAR_KM, FAR_STATIONS, MIN_DISTANCE_KM, REACH_KM

KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180


def haversine_km(latitude_1, longitude_1, latitude_2, longitude_2) -> float:
    """The great-circle distance by another formula than the kernel's chord."""
    half_lat = radians(latitude_2 - latitude_1) / 2
    half_lon = radians(longitude_2 - longitude_1) / 2
    cosines = cos(radians(latitude_1)) * cos(radians(latitude_2))
    return 2 * EARTH_RADIUS_KM * asin(sqrt(sin(half_lat) ** 2 + cosines * sin(half_lon) ** 2))


def plain_neighbours(point, stations) -> list[tuple[int, float]]:
    """(station, km) of those within 30 miles, or of the nearest few within 100."""
    distances = [(n, haversine_km(*point, *station)) for n, station in enumerate(stations)]
    near = [(n, km) for n, km in distances if km <= REACH_KM]
    by_distance = sorted(distances, key=lambda item: item[1])
    return near or [(n, km) for n, km in by_distance[:FAR_STATIONS] if km <= FAR_KM]


def plain_idw(point, stations, values) -> list[float]:
    """The values (stations, hours) at a point, hour by hour and station by station."""
    neighbours = plain_neighbours(point, stations)
    series = []
    for hour in range(values.shape[1]):
        numerator = denominator = 0.0
        for station, km in neighbours:
            value = values[station, hour]
            if value == value:
                weight = 1 / max(km, MIN_DISTANCE_KM) ** 2
                numerator += weight * value
                denominator += weight
        series.append(numerator / denominator if denominator else float("nan"))
    return series


def kernel(points, stations) -> Weights:
    return weights(Points(*np.transpose(points)), Points(*np.transpose(stations)))


def relative_error(found, expected) -> float:
    """The greatest difference over the greatest value; NaN must meet NaN."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (np.isnan(found) == np.isnan(expected)).all()
    if np.isnan(expected).all():
        return 0.0
    return np.nanmax(np.abs(found - expected)) / max(np.nanmax(np.abs(expected)), 1e-300)


def around(latitude: float, longitude: float, spread: float):
    """Places within `spread` degrees, on either side of the antimeridian where it runs through."""
    return st.tuples(
        st.floats(latitude - spread, latitude + spread),
        st.floats(longitude - spread, longitude + spread).map(lambda x: (x + 180) % 360 - 180),
    )


@st.composite
def scenes(draw):
    """Points, stations, and hours with gaps: near Chicago, Honolulu, and the Aleutians at 180."""
    where = draw(st.sampled_from([(41.9, -87.6), (21.3, -157.9), (52.0, 180.0)]))
    spread = draw(st.sampled_from([0.2, 1.0, 4.0]))
    stations = draw(st.lists(around(*where, spread), min_size=1, max_size=12))
    points = draw(st.lists(around(*where, spread), min_size=1, max_size=12))
    # Some points lie right on a station.
    points += draw(st.lists(st.sampled_from(stations), max_size=3))
    hours = draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.uniform(1, 100, (len(stations), hours))
    values[random.random(values.shape) < draw(st.sampled_from([0, 0.3, 0.9, 1]))] = np.nan
    return points, stations, values


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_the_kernel_agrees_with_a_double_loop(scene):
    points, stations, values = scene
    reach = kernel(points, stations)
    found = idw(reach.matrix, values)
    assert found.shape == (len(reach.points), values.shape[1])
    neighbours = [plain_neighbours(point, stations) for point in points]
    assert reach.points.tolist() == [n for n, near in enumerate(neighbours) if near]
    for row, n in enumerate(reach.points):
        assert relative_error(found[row], plain_idw(points[n], stations, values)) < 1e-6
        assert reach.stations[row] == len(neighbours[n])
        nearest_km = max(min(km for _, km in neighbours[n]), MIN_DISTANCE_KM)
        assert reach.nearest_km[row] == pytest.approx(nearest_km, rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_the_mean_over_time_is_that_of_the_hours(scene):
    points, stations, values = scene
    matrix = kernel(points, stations).matrix
    hourly = idw(matrix, values)
    mean, times = mean_over_time(matrix, values)
    assert times.tolist() == np.isfinite(hourly).sum(axis=1).tolist()
    for row in range(len(hourly)):
        reporting = hourly[row][np.isfinite(hourly[row])]
        expected = reporting.mean() if len(reporting) else np.nan
        assert relative_error([mean[row]], [expected]) < 1e-6


def test_the_mean_over_time_of_a_month_with_many_gaps():
    """More points than a run, more stations than eight, hours that are all different."""
    random = np.random.default_rng(1)
    stations = np.column_stack([random.uniform(40, 43, 40), random.uniform(-90, -86, 40)])
    points = np.column_stack([random.uniform(40, 43, 700), random.uniform(-90, -86, 700)])
    values = random.normal(10, 20, (40, 24 * 31))
    values[random.random(values.shape) < 0.1] = np.nan
    values[3] = np.nan  # a station that never reports
    matrix = kernel(points, stations).matrix
    mean, times = mean_over_time(matrix, values)
    hourly = idw(matrix, values)
    assert times.tolist() == np.isfinite(hourly).sum(axis=1).tolist()
    reported = times > 0
    assert np.isnan(mean[~reported]).all()
    assert relative_error(mean[reported], np.nanmean(hourly[reported], axis=1)) < 1e-9


def test_a_single_station_gives_its_value_to_all_in_reach():
    reach = kernel([(42.0, -88.0), (42.2, -88.0), (43.0, -88.0)], [(42.0, -88.1)])
    found = idw(reach.matrix, np.array([[7.0, np.nan]]))
    np.testing.assert_allclose(found, [[7.0, np.nan]] * 3, rtol=1e-12)


def test_a_point_on_a_station_takes_its_value():
    reach = kernel([(42.0, -88.0)], [(42.0, -88.0), (42.1, -88.0)])
    assert idw(reach.matrix, np.array([[3.0], [1000.0]]))[0, 0] == pytest.approx(3.0, rel=1e-3)
    assert reach.nearest_km[0] == MIN_DISTANCE_KM
    # While it is silent, the other one's.
    assert idw(reach.matrix, np.array([[np.nan], [1000.0]]))[0, 0] == 1000.0


def test_only_stations_within_thirty_miles_count_where_there_is_one():
    inside, outside = 0.999 * REACH_KM / KM_PER_DEGREE, 1.001 * REACH_KM / KM_PER_DEGREE
    reach = kernel([(42.0, -88.0)], [(42.0 + inside, -88.0), (42.0 - outside, -88.0)])
    assert reach.matrix.indices.tolist() == [0]
    assert reach.nearest_km[0] == pytest.approx(0.999 * REACH_KM)


def test_a_point_out_of_reach_is_estimated_from_the_nearest_few():
    stations = [(42.0, -88.0 + step) for step in np.linspace(0.8, 1.8, FAR_STATIONS + 3)]
    reach = kernel([(42.0, -88.0)], stations[::-1])
    assert len(stations) - 1 - reach.matrix.indices[::-1] == pytest.approx(range(FAR_STATIONS))
    assert reach.nearest_km[0] > REACH_KM
    assert reach.nearest_km[0] == pytest.approx(haversine_km(42.0, -88.0, *stations[0]))


def test_estimates_end_at_a_hundred_miles():
    inside, outside = 0.999 * FAR_KM / KM_PER_DEGREE, 1.001 * FAR_KM / KM_PER_DEGREE
    points = [(42.0 + inside, -88.0), (42.0 + outside, -88.0)]
    assert kernel(points, [(42.0, -88.0)]).points.tolist() == [0]


def test_a_place_that_nothing_reaches_has_no_row():
    reach = kernel([(21.3, -157.9)], [(42.0, -88.0)])
    assert reach.points.size == reach.stations.size == reach.nearest_km.size == 0
    assert idw(reach.matrix, np.ones((1, 4))).shape == (0, 4)
    mean, times = mean_over_time(reach.matrix, np.ones((1, 4)))
    assert mean.shape == times.shape == (0,)


def test_weights_fall_with_the_square_of_the_distance():
    reach = kernel([(42.0, -88.0)], [(42.1, -88.0), (41.8, -88.0)])
    assert reach.matrix.data[0] / reach.matrix.data[1] == pytest.approx(4, rel=1e-6)
    assert reach.matrix.data[0] == pytest.approx((0.1 * KM_PER_DEGREE) ** -2, rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(around(52.0, 180.0, 1.0), around(52.0, 180.0, 1.0))
def test_distances_are_great_circles_across_the_antimeridian(point, station):
    reach = kernel([point], [station])
    distance_km = max(haversine_km(*point, *station), MIN_DISTANCE_KM)
    if distance_km < FAR_KM * 0.999:
        assert reach.nearest_km[0] == pytest.approx(distance_km, rel=1e-6, abs=1e-6)


def test_places_on_either_side_of_the_antimeridian_are_neighbours():
    reach = kernel([(52.0, 179.9)], [(52.0, -179.9)])
    assert reach.nearest_km[0] == pytest.approx(0.2 * KM_PER_DEGREE * cos(radians(52)), rel=1e-3)
