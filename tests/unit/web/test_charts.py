"""What the charts show."""

from types import SimpleNamespace as Of

import pytest

from airaware.science.sphere import KM_PER_MILE
from airaware.web import charts


def ozone(*means: float | None, far: tuple[int, ...] = ()) -> Of:
    """Return an answer's pollutant as far as charts need it; the highest day is twice the mean."""
    return Of(
        unit="ppb",
        standard=Of(level=70.0, edition="2015"),
        months=[
            Of(
                month=number,
                daily=Of(mean=mean, max=None if mean is None else 2 * mean),
                estimate=number in far,
            )
            for number, mean in enumerate(means, start=1)
        ],
    )


def looks(chart: charts.Chart) -> dict[str, list[float | None]]:
    """The values of a chart's series, by how they look."""
    return {each["look"]: each["values"] for each in chart["series"]}


def test_months_have_bars_highest_days_and_the_level_of_the_standard():
    found = charts.months(ozone(*[30.0] * 11, None))
    assert looks(found) == {
        "bar": [30.0] * 11 + [None],
        "dot": [60.0] * 11 + [None],
        "level": [70.0] * 12,
    }
    assert found["series"][-1]["name"] == "Level of the 2015 standard"
    assert found["ticks"][0] == (1, "Jan")


def test_months_far_from_any_monitor_look_otherwise():
    found = looks(charts.months(ozone(*range(1, 13), far=(1, 2))))
    assert found["faint-bar"] == [1, 2] + [None] * 10
    assert found["bar"][:3] == [None, None, 3]


def test_places_are_lines_beside_each_other_and_one_without_figures_is_left_out():
    here, nowhere, there = ozone(*[20.0] * 12), ozone(), ozone(*[25.0] * 12)
    found = charts.places([here, nowhere, there], ["A", "B", "C"])
    assert looks(found) == {
        "place-1": [20.0] * 12,
        "place-3": [25.0] * 12,
        "level": [70.0] * 12,
    }
    assert [each["name"] for each in found["series"]][:2] == ["A", "C"]


def week(values: list[float | None], error: float | None) -> Of:
    """Return an answer's hours, each with the same expected error."""
    return Of(
        unit="ppb",
        first_hour="2017-07-01T00:00",
        values=values,
        months=[Of(hours=len(values), expected_error=Of(hour=error))],
    )


def test_the_band_is_the_expected_error_about_the_line():
    found = charts.hours(week([10.0, 1.0, None, -2.0] * 6, 4.0))
    assert looks(found)["band-top"][:4] == [14.0, 5.0, None, 2.0]
    # It ends at 0, but holds its line.
    assert looks(found)["band-bottom"][:4] == [6.0, 0.0, None, -2.0]
    assert found["ticks"] == [(12, "Sat Jul 1")]
    assert found["names"][13] == "Sat Jul 1, 13:00"


def test_no_band_where_no_error_is_known():
    found = looks(charts.hours(week([10.0] * 24, None)))
    assert found["line"] == [10.0] * 24
    assert set(found["band-top"]) == {None}


def test_a_trend_breaks_where_years_are_missing():
    years = [Of(year=1990, daily_mean=5.0), Of(year=1992, daily_mean=4.0)]
    found = charts.years(Of(unit="ppb", years=years))
    assert found is not None
    assert found["names"] == ["1990", "1991", "1992"]
    assert looks(found)["dotted-line"] == [5.0, None, 4.0]
    assert charts.years(Of(unit="ppb", years=years[:1])) is None


def test_monitors_lie_where_they_are_about_the_place():
    north = Of(latitude=41.1, longitude=-87.0, distance_km=11.12)
    east = Of(latitude=41.0, longitude=-86.9, distance_km=8.39)
    found = charts.monitors((41.0, -87.0), [east, north])
    middle = found.size / 2
    first, second = found.monitors
    assert first.x > middle
    assert first.y == middle
    assert second.x == middle
    assert second.y < middle
    per_km = (middle - second.y) / 11.12
    assert found.scale == pytest.approx(found.scale_miles * KM_PER_MILE * per_km, rel=0.01)


def test_a_map_over_the_date_line():
    found = charts.monitors((52.0, 179.9), [Of(latitude=52.0, longitude=-179.9, distance_km=14.0)])
    assert 0 < found.monitors[0].x < found.size
