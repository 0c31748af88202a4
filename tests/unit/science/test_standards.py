"""A year beside the annual standards and the WHO's guidelines."""

import numpy as np
import pytest

from airaware.science import pollutants, standards

OZONE, PM25 = pollutants.get(44201), pollutants.get(88101)


def test_a_short_quarter_counts_as_much_and_is_marked() -> None:
    """Of 90, 91, 92 and 92 days, 75% are 67.5, 68.25, 69 and 69."""
    daily = np.full(365, 10.0)
    daily[:90] = np.nan
    daily[:67] = 50.0
    daily[181 : 181 + 23] = np.nan  # 69 of 92 are left
    found = standards.annual_mean(daily, 2013)
    assert found is not None
    assert [(quarter.days, quarter.short) for quarter in found.quarters] == [
        (67, True), (91, False), (69, False), (92, False),
    ]  # fmt: skip
    assert found.mean == pytest.approx((50 + 3 * 10) / 4)


def test_a_quarter_without_a_day_has_no_mean() -> None:
    daily = np.full(366, 8.0)
    daily[91:182] = np.nan
    found = standards.annual_mean(daily, 2012)
    assert found is not None
    assert found.quarters[1] == standards.Quarter(None, 0, short=True)
    assert [quarter.days for quarter in found.quarters] == [91, 0, 92, 92]
    assert found.mean == 8
    assert standards.annual_mean(np.full(365, np.nan), 2013) is None


def test_the_fourth_highest_day_is_truncated() -> None:
    daily = np.array([0.08, np.nan, 0.0789, 0.0709, 0.09, 0.01])
    assert standards.fourth_highest(OZONE, daily) == pytest.approx(0.070)
    assert standards.fourth_highest(OZONE, daily[:4]) is None


def test_a_day_at_the_level_is_not_above_it() -> None:
    daily = np.array([15, 15.0001, 15.1, np.nan, 14.9], np.float32).astype(float)
    assert standards.days_above(PM25, daily, 15.0) == 1


def test_forms_of_three_years() -> None:
    """PM2.5's is rounded, ozone's truncated."""
    truncated = [
        standards.mean_of_fourth_highest(OZONE, years)
        for years in ([0.070, 0.071, 0.072], [0.070, 0.071, 0.071])
    ]
    assert truncated == pytest.approx([0.071, 0.070])
    rounded = [
        standards.mean_of_annual_means(years) for years in ([9.0, 9.1, 9.05], [9.04], [9.0, 9.09])
    ]
    assert rounded == pytest.approx([9.1, 9.0, 9.0])
