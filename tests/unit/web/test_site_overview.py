"""The daily AQI and the standards, from years that are made up here."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from airaware.store.nearby import Air
from airaware.store.queries import Load
from airaware.web import overview
from airaware.web.point_year import PointYear

NEAR, FAR = 10.0, 90.0


def year(parameter: int, daily: float | np.ndarray, number: int = 2013, km: float = NEAR):
    """Return a year at a place, with the same error each day."""
    load = Load(parameter, number, synthetic=False, committed_at=datetime.now(UTC), checksum="")
    days = np.broadcast_to(np.asarray(daily, float), 365)
    nowhere: Any = None
    return PointYear(
        load, Air(nowhere, {}, {}), days, np.full(365, km), np.full(365, 4.0), np.zeros(365, int)
    )


def test_a_smoke_year_shows_what_its_figures_are_without_smoke() -> None:
    """Five days of smoke, 90 ppb and 200 µg/m³ among days of 40 and 8."""
    ozone, pm25 = np.full(365, 0.040), np.full(365, 8.0)
    ozone[220:225], pm25[220:225] = 0.090, 200.0
    years = [year(44201, ozone), year(88101, pm25)]
    for each in years:
        each.smoke_hours[220:225] = 9
    found = overview.against_standards(years, {})
    assert found.ozone
    assert found.pm25
    assert (found.ozone.fourth_highest, found.ozone.fourth_highest_without_smoke) == (90, 40)
    mean = (3 * 8 + (87 * 8 + 5 * 200) / 92) / 4  # days 220 to 224 are August's
    assert found.pm25.annual_mean == pytest.approx(mean, rel=1e-4)
    assert found.pm25.annual_mean_without_smoke == 8
    clear = overview.against_standards([year(44201, ozone), year(88101, pm25)], {})
    assert clear.ozone
    assert clear.pm25
    assert clear.ozone.fourth_highest_without_smoke is None
    assert clear.pm25.annual_mean_without_smoke is None


def test_ties_name_both() -> None:
    """Ozone of 0.054 ppm and PM2.5 of 9.0 µg/m³ both have an index of 50."""
    found = overview.daily_aqi([year(44201, 0.054), year(88101, 9.0)])
    assert found is not None
    assert found.ties == 365
    assert [(each.leads, each.ties) for each in found.pollutants] == [(0, 365)] * 2
    assert [each.parameter for each in found.by_day[0].leading] == [44201, 88101]
    assert found.aqi_days["Good"] == 365
    assert found.error_not_known == []
    assert [each.expected_error for each in found.pollutants] == [4000, 4]


def test_pm25_of_the_other_kind_fills_days_and_replaces_far_ones() -> None:
    daily = np.full(365, 20.0)
    daily[100:] = np.nan
    found = overview.daily_aqi([year(88101, daily), year(88502, 40.0)])
    assert found is not None
    (pm25,) = found.pollutants
    assert (pm25.parameters, pm25.days, pm25.leads) == ([88101, 88502], 365, 365)
    assert found.by_day[99].leading[0].parameter == 88101
    assert found.by_day[100].leading[0].parameter == 88502
    found = overview.daily_aqi([year(88101, daily, km=FAR), year(88502, 40.0)])
    assert found is not None
    assert found.pollutants[0].parameters == [88502]


def test_pollutants_without_a_value_lead_nothing() -> None:
    assert overview.daily_aqi([]) is None
    assert overview.daily_aqi([year(44201, np.nan)]) is None
    found = overview.daily_aqi([year(44201, 0.03), year(42602, np.nan)])
    assert found is not None
    assert [each.name for each in found.pollutants] == ["ozone"]


@pytest.mark.parametrize(("days", "whole"), [(1, True), (0, False)])
def test_a_year_without_a_quarter_is_not_held_against_the_level(days: int, whole: bool) -> None:
    """The second quarter, days 90 to 180, has one day or none."""
    daily = np.full(365, 12.0)
    daily[90 + days : 181] = np.nan
    before = [year(88101, 12.0, 2010), year(88101, daily, 2011)]
    lacking = overview.against_standards([year(88101, daily)], {88101: before}).pm25
    after = overview.against_standards([year(88101, 12.0)], {88101: before}).pm25
    assert lacking
    assert after
    assert (lacking.annual_mean, lacking.quarters[1].mean) == (12, 12 if whole else None)
    assert lacking.above_standard is (True if whole else None)
    assert after.above_standard is True
    assert after.three_year_mean == (12 if whole else None)


def test_smoke_that_fills_a_quarter_leaves_no_figure_without_it() -> None:
    daily = np.full(365, 12.0)
    daily[90:181] = 40
    one = year(88101, daily)
    one.smoke_hours[90:181] = 5
    found = overview.against_standards([one], {}).pm25
    assert found
    assert found.annual_mean == 19
    assert found.annual_mean_without_smoke is None


def test_three_year_forms_where_the_years_are_there() -> None:
    years = [year(44201, 0.072), year(88101, 9.3)]
    before = {
        44201: [year(44201, 0.070, 2011), year(44201, 0.0705, 2012)],
        88101: [year(88101, 9.0, 2011), year(88101, 9.0, 2012)],
    }
    found = overview.against_standards(years, before)
    assert found.ozone is not None
    assert found.pm25 is not None
    assert found.ozone.three_year_mean == 70  # 70.67, truncated
    assert found.pm25.three_year_mean == pytest.approx(9.1)
    assert found.pm25.above_standard
    alone = overview.against_standards(years, {})
    assert alone.ozone is not None
    assert alone.ozone.three_year_mean is None
    assert (alone.ozone.fourth_highest, alone.ozone.above_standard) == (72, True)
