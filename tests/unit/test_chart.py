"""The geometry of the pictures."""

from datetime import date, timedelta

import pytest

from airaware.pollutants import AQI_CATEGORIES
from airaware.sphere import KM_PER_MILE
from airaware.web import chart


@pytest.mark.parametrize(
    ("values", "bottom", "top"),
    [([42.0], 0, 50), ([0.31], 0, 0.4), ([-3.0, 9.0], -5, 10), ([], 0, 1), ([0.0], 0, 1)],
)
def test_an_axis_holds_zero_and_all_values_between_round_lines(values, bottom, top):
    axis = chart.Axis.over(values)
    assert (axis.bottom, axis.top) == pytest.approx((bottom, top))
    assert axis.lines[0][0] == axis.bottom
    assert axis.lines[-1][0] == pytest.approx(axis.top)
    assert 2 <= len(axis.lines) <= 7
    assert axis.y(axis.bottom) > axis.y(axis.top)


def months(*values: float | None) -> list[dict]:
    """An answer's months, as far as the chart needs them; the highest day is twice the mean."""
    return [
        {
            "month": number,
            "daily": {"mean": value, "max": None if value is None else 2 * value},
            "estimate": False,
        }
        for number, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize("highest", [0.004, 0.3, 1, 9.99, 34.5, 50, 71, 1234])
def test_months_stand_between_round_lines(highest):
    drawn = chart.monthly(months(*[highest * number / 12 for number in range(1, 13)]), highest)
    lines = drawn.axis.lines
    assert 3 <= len(lines) <= 6
    assert lines[0][0] == 0
    assert lines[-1][0] >= 2 * highest
    assert drawn.bars[5].height == pytest.approx(drawn.bars[11].height / 2, abs=0.1)
    assert drawn.bars[11].y == pytest.approx(drawn.level_y)
    assert all(bar.highest_y >= lines[-1][1] - 0.1 for bar in drawn.bars)


def test_months_of_nothing_and_below_zero_have_no_height():
    drawn = chart.monthly(months(None, -0.4, 0.0), 70.0)
    assert [bar.height for bar in drawn.bars] == [0, 0, 0]
    assert [bar.mean for bar in drawn.bars] == [None, -0.4, 0.0]
    assert drawn.axis.top >= 70  # the level of the standard is always on the chart


def test_a_line_breaks_where_hours_are_missing():
    found = chart.hours([1.0, 2.0, None, 3.0] * 6, [None] * 24, date(2017, 7, 1))
    assert [len(run) for run in found.runs] == [2, *[3] * 5, 1]
    assert [text for _, text in found.labels] == ["Sat Jul 1"]


def test_the_band_is_the_expected_error_about_the_line():
    found = chart.hours([10.0] * 12 + [1.0] * 12, [4.0] * 24, date(2017, 7, 1))
    assert found.axis.top >= 14
    (band,) = found.bands
    assert len(band) == 48
    assert [y for _, y in band[:12]] == [found.axis.y(14)] * 12
    assert [y for _, y in band[-12:]] == [found.axis.y(6)] * 12
    assert [y for _, y in band[24:36]] == [found.axis.y(0)] * 12  # and not at -3


def test_a_trend_breaks_where_years_are_missing():
    found = chart.years([(1990, 5.0), (1991, 6.0), (1995, 4.0), (1996, None)])
    assert [len(run) for run in found.runs] == [2, 1]


def test_the_calendar_s_weeks_begin_on_sunday():
    days = [
        {"date": f"{date(2017, 1, 1) + timedelta(n)}", "category": "Moderate" if n else None}
        for n in range(365)
    ]
    months = chart.year_of_days(days, AQI_CATEGORIES)
    assert [len(month.days) for month in months][:2] == [31, 28]
    first, second = months[0].days[:2]  # a Sunday, and a Monday
    assert (first.x, first.y, first.category) == (0, 0, 0)
    assert (second.x > 0, second.y, second.category) == (True, 0, 2)
    assert months[0].days[7].x == 0
    assert months[1].days[0].x == months[0].days[3].x  # a Wednesday


def test_monitors_lie_where_they_are_about_the_place():
    north = {"latitude": 41.1, "longitude": -87.0, "distance_km": 11.12}
    east = {"latitude": 41.0, "longitude": -86.9, "distance_km": 8.39}
    found = chart.monitors((41.0, -87.0), [east, north])
    middle = found.size / 2
    first, second = found.monitors
    assert first.x > middle
    assert first.y == middle
    assert second.x == middle
    assert second.y < middle
    per_km = (middle - second.y) / 11.12
    assert found.scale == pytest.approx(found.scale_miles * KM_PER_MILE * per_km, rel=0.01)


def test_a_map_over_the_date_line():
    found = chart.monitors(
        (52.0, 179.9), [{"latitude": 52.0, "longitude": -179.9, "distance_km": 14.0}]
    )
    assert 0 < found.monitors[0].x < found.size
