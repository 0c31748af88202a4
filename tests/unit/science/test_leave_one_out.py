"""Stations left out, against a plain double loop; their residuals as sums, against plain means."""

from math import asin, cos, isnan, nan, radians, sin, sqrt

import numpy as np
import pyarrow as pa
import pytest

from airaware.job import model
from airaware.job.stations import assemble
from airaware.raw import epa, rawstore, station_months
from airaware.science import accuracy, metrics, pollutants
from airaware.science.accuracy import (
    FROM_MILES,
    QUANTITIES,
    SEASONS,
    Residuals,
    errors,
    expected_errors,
)
from airaware.science.leave_one_out import leave_one_out, month_sums
from airaware.science.sphere import EARTH_RADIUS_KM, FAR_STATIONS, KM_PER_MILE
from airaware.store.load import Load

DAYS = 10


def miles(a, b) -> float:
    half_lat, half_lon = radians(b[0] - a[0]) / 2, radians(b[1] - a[1]) / 2
    cosines = cos(radians(a[0])) * cos(radians(b[0]))
    haversine = sin(half_lat) ** 2 + cosines * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(haversine)) / KM_PER_MILE


def plain_neighbours(places, left_out) -> list[tuple[int, float]]:
    """(station, miles) of the others within 30 miles, or of the nearest few within 100."""
    others = [
        (n, miles(places[left_out], place)) for n, place in enumerate(places) if n != left_out
    ]
    near = [(n, distance) for n, distance in others if distance <= 30]
    by_distance = sorted(others, key=lambda other: other[1])
    return near or [other for other in by_distance[:FAR_STATIONS] if other[1] <= 100]


def plain_estimates(neighbours, values) -> list[float]:
    """The series of a station from its neighbours', hour by hour and station by station."""
    series = []
    for time in range(values.shape[1]):
        numerator = denominator = 0.0
        for station, distance in neighbours:
            if not isnan(values[station][time]):
                # Nearer than 10 m counts as 10 m.
                weight = 1 / max(distance * KM_PER_MILE, 0.01) ** 2
                numerator += weight * values[station][time]
                denominator += weight
        series.append(numerator / denominator if denominator else nan)
    return series


def plain_residuals(places, hours, daily) -> dict[tuple[str, int], list[tuple[float, float]]]:
    """(measured, estimated or NaN) of every measurement, by quantity and distance class."""
    places, hours, daily = zip(
        *(row for row in zip(places, hours, daily, strict=True) if np.isfinite(row[1]).any()),
        strict=True,
    )
    hours, daily = np.array(hours), np.array(daily)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for left_out in range(len(places)):
        neighbours = plain_neighbours(places, left_out)
        nearest = min((distance for _, distance in neighbours), default=1000.0)
        begin = max(begin for begin in FROM_MILES if begin <= nearest)
        pairs = {}
        for quantity, values in (("hours", hours), ("daily", daily)):
            estimates = plain_estimates(neighbours, values)
            pairs[quantity] = [
                pair for pair in zip(values[left_out], estimates, strict=True) if not isnan(pair[0])
            ]
        both = [estimate for _, estimate in pairs["hours"] if not isnan(estimate)]
        needed = 0.75 * hours.shape[1]
        pairs["month"] = []
        if len(pairs["hours"]) >= needed:
            measured = sum(value for value, _ in pairs["hours"]) / len(pairs["hours"])
            pairs["month"] = [(measured, sum(both) / len(both) if len(both) >= needed else nan)]
        for quantity, of_station in pairs.items():
            found.setdefault((quantity, begin), []).extend(of_station)
    return {key: pairs for key, pairs in found.items() if pairs}


def assert_agrees(rows, plain) -> None:
    found = {(row["quantity"].decode(), int(row["from_miles"])): row for row in rows}
    assert found.keys() == plain.keys()
    for key, pairs in plain.items():
        both = [(value, estimate) for value, estimate in pairs if not isnan(estimate)]
        row = found[key]
        assert (row["observed"], row["estimated"]) == (len(pairs), len(both))
        expected_sums = {
            "error": sum(estimate - value for value, estimate in both),
            "squared_error": sum((estimate - value) ** 2 for value, estimate in both),
            "value": sum(value for value, _ in both),
            "squared_value": sum(value**2 for value, _ in both),
        }
        scale = sum(abs(value) for value, _ in both) + 1e-300
        for name, total in expected_sums.items():
            assert row[name] == pytest.approx(total, rel=1e-6, abs=1e-9 * scale), (key, name)


# Around Chicago: a dense core, two stations at one place, some far out, and one on its own.
PLACES = [
    *((41.9 + 0.05 * n, -87.7 - 0.03 * (n % 3)) for n in range(5)),
    (41.95, -87.9), (41.95, -87.9),
    (40.6, -89.3), (40.5, -88.9), (39.9, -88.2), (42.3, -89.1), (43.1, -88.0), (43.3, -88.0),
    (47.0, -97.0),
]  # fmt: skip
CENTRAL = np.full(len(PLACES), -6)


def air(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    hours = random.uniform(5, 60, (len(PLACES), 24 * DAYS))
    hours[random.random(hours.shape) < 0.1] = nan
    hours[3, 24:] = nan
    hours[6] = nan  # the one at the same place falls silent
    daily = hours.reshape(len(PLACES), DAYS, 24).max(axis=2)
    return hours, daily


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sums_are_those_of_a_double_loop(seed):
    hours, daily = air(seed)
    plain = plain_residuals(PLACES, hours, daily)
    assert {begin for _, begin in plain} == set(FROM_MILES)
    assert_agrees(month_sums(7, leave_one_out(*np.transpose(PLACES), hours, daily, CENTRAL)), plain)


@pytest.mark.parametrize("parameter", [44201, 88101])
def test_the_sums_are_those_of_a_double_loop_in_chicago(real_epa, parameter):
    """The whole year as EPA published it."""
    batches = station_months.read(real_epa / epa.file_name(parameter, 2013), parameter, 2013)
    job = model.Job(
        Load(parameter, 2013, "test"), raw="", zones=(), shares=1, file=rawstore.Exact("", "")
    )
    year = pa.Table.from_batches(batches)
    estimated = 0
    for month in range(1, 13):
        table = year.filter(pa.compute.equal(year["month"], month))
        stations = assemble(table, job.days(month))
        daily = metrics.daily(pollutants.get(parameter), stations.hours)
        places = list(zip(stations.latitude.tolist(), stations.longitude.tolist(), strict=True))
        hours = stations.hours_of_month
        clocks = np.full(len(hours), -6)
        left_out = leave_one_out(stations.latitude, stations.longitude, hours, daily, clocks)
        rows = month_sums(month, left_out)
        assert (rows["month"] == month).all()
        assert_agrees(rows, plain_residuals(places, hours, daily))
        estimated += rows["estimated"].sum()
    assert estimated > 20_000


def test_a_known_point():
    """Two stations that see 10 and 14: each is off by 4, one up and one down."""
    hours = np.repeat([[10.0], [14.0]], 24, axis=1)
    places = np.array([41.0, 41.1]), np.array([-87.0, -87.0])
    rows = month_sums(3, leave_one_out(*places, hours, hours[:, :1], CENTRAL[:2]))
    found = [Residuals(*row) for row in rows.tolist()]
    assert [r.from_miles for r in found] == [5, 5, 5]  # a tenth of a degree: 6.9 miles
    for residuals, times in zip(found, (24, 1, 1), strict=True):
        assert residuals.observed == residuals.estimated == 2 * times
        assert errors([residuals]) == accuracy.Errors(2 * times, 2 * times, 4.0, 0.0, -3.0)


def test_a_station_alone_has_no_estimate_and_lowers_the_coverage():
    hours = np.full((3, 24), 30.0)
    places = np.array([41, 41.1, 61]), np.array([-87, -87, -150])
    rows = month_sums(3, leave_one_out(*places, hours, hours[:, :1], np.array([-6, -6, -9])))
    found = [Residuals(*row) for row in rows.tolist()]
    assert {r.from_miles for r in found} == {5, 100}
    alone = errors(r for r in found if r.from_miles == 100)
    assert (alone.observed, alone.estimated, alone.coverage) == (26, 0, 0)
    assert (alone.rmse, alone.bias, alone.r2) == (None, None, None)
    assert errors(found).coverage == pytest.approx(2 / 3)


def test_another_station_at_the_same_place_is_another_station():
    hours = np.repeat([[10.0], [13.0], [90.0]], 24, axis=1)
    left_out = leave_one_out(
        np.array([41, 41, 41.3]), np.array([-87, -87, -87]), hours, hours[:, :1], CENTRAL[:3]
    )
    assert left_out
    assert left_out.from_miles.tolist() == [0, 0, 20]
    estimated = left_out.estimated["month"][:, 0]
    np.testing.assert_allclose(estimated, [13, 10, 11.5], rtol=1e-5)


@pytest.mark.parametrize("stations", [1, 2])
def test_stations_that_nobody_is_near_have_no_estimate(stations):
    hours = np.full((stations, 24), 30.0)
    places = np.array([41.0, 61.0]), np.array([-87.0, -150.0])
    clocks = np.array([-6, -9])[:stations]
    rows = month_sums(
        3, leave_one_out(*(axis[:stations] for axis in places), hours, hours[:, :1], clocks)
    )
    assert rows["observed"].sum() == 26 * stations
    assert rows["estimated"].sum() == 0


def test_a_month_without_a_measurement_has_no_residuals():
    silent = np.full((2, 24), nan)
    left_out = leave_one_out(np.zeros(2), np.zeros(2), silent, silent[:, :1], CENTRAL[:2])
    assert left_out is None
    assert len(month_sums(3, left_out)) == 0


# --- groups ---


def residuals(pairs, month=1, quantity="daily", begin=5) -> Residuals:
    value, estimate = np.transpose(pairs)
    error = estimate - value
    return Residuals(
        *(month, quantity, begin, len(pairs) + 1, len(pairs)),
        *(float(total) for total in (error.sum(), error @ error, value.sum(), value @ value)),
    )


def test_errors_of_groups_come_out_by_addition():
    random = np.random.default_rng(3)
    parts = [random.uniform(10, 50, (n, 2)) for n in (4, 9, 30)]
    value, estimate = np.concatenate(parts).T
    found = errors(residuals(part, month) for month, part in enumerate(parts, 1))
    assert (found.observed, found.estimated) == (46, 43)
    assert found.coverage == pytest.approx(43 / 46)
    assert found.rmse == pytest.approx(np.sqrt(np.mean((estimate - value) ** 2)))
    assert found.bias == pytest.approx(np.mean(estimate - value))
    deviation = np.sum((value - value.mean()) ** 2)
    assert found.r2 == pytest.approx(1 - np.sum((estimate - value) ** 2) / deviation)


def test_nothing_has_no_errors():
    assert errors([]) == accuracy.Errors(0, 0, None, None, None)
    assert errors([]).coverage is None
    assert errors([residuals([(5, 6)] * 3)]).r2 is None  # no spread to explain


def test_every_month_has_a_season():
    assert [accuracy.season(month) for month in range(1, 13)] == [
        *["DJF"] * 2, *["MAM"] * 3, *["JJA"] * 3, *["SON"] * 3, "DJF",
    ]  # fmt: skip
    assert list(SEASONS) == ["DJF", "MAM", "JJA", "SON"]


@pytest.mark.parametrize(
    ("distance", "begin"), [(0, 0), (4.9, 0), (5, 5), (29.9, 20), (30.1, 30), (99, 30), (100, 100)]
)
def test_distance_classes(distance, begin):
    assert accuracy.from_miles(distance) == begin


def test_the_expected_error_is_that_of_season_and_distance():
    year = [
        *(residuals([(10, 13)] * 20, month) for month in SEASONS["DJF"]),
        *(residuals([(10, 15)] * 20, month) for month in SEASONS["JJA"]),
        residuals([(10, 50)] * 20, 7, begin=10),
        residuals([(10, 90)] * 99, 7, quantity="month"),
        residuals([(10, 70)] * 5, 4),
    ]
    found = expected_errors(year)
    # Few in spring, none in autumn: the year's.
    whole = sqrt((60 * 9 + 60 * 25 + 5 * 3600) / 125)
    by_season = {season: found["daily", 5, season] for season in SEASONS}
    assert by_season == pytest.approx({"DJF": 3, "MAM": whole, "JJA": 5, "SON": whole})
    # Few in the whole year: nothing to say.
    assert {key[:2] for key in found} == {("daily", 5), ("month", 5)}
    assert {quantity for quantity, *_ in found} < set(QUANTITIES)
