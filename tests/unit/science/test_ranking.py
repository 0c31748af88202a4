"""What places are ranked by, against the days themselves."""

from calendar import monthrange

import numpy as np
import pytest

from airaware.science import pollutants, ranking, standards, summary

YEAR = 2013
LENGTHS = [monthrange(YEAR, month)[1] for month in range(1, 13)]
OZONE, PM25, NO2, CO = (pollutants.get(code) for code in (44201, 88101, 42602, 42101))


def days_of(lacking: slice = slice(0)) -> np.ndarray:
    """Return a year's days (365,): random, no two alike; some of them are missing."""
    days = np.random.default_rng(25).permutation(365) / 1000 + 0.001
    days[lacking] = np.nan
    return days


def months_of(pollutant, days: np.ndarray, nearest_km: float | list[float] = 5.0) -> np.ndarray:
    """Summarise a year's days as the job does: (1, 12)."""
    months = np.zeros((1, 12), summary.month_fields(pollutant))
    begin = 0
    for month, length in enumerate(LENGTHS):
        of_month = days[begin : begin + length]
        summary.summarise_days(pollutant, of_month[np.newaxis], months[:, month])
        months["hourly_mean"][0, month] = of_month.mean()
        months["hours"][0, month] = 24 * np.isfinite(of_month).sum()
        begin += length
    months["nearest_km"] = nearest_km
    return months


def figure(pollutant, days: np.ndarray, **how) -> float:
    (found,) = ranking.figures(pollutant, months_of(pollutant, days, **how), YEAR)
    return float(found)


def test_each_is_the_figure_of_the_days_themselves():
    days = days_of()
    annual = standards.annual_mean(days, YEAR)
    assert annual
    assert figure(PM25, days) == pytest.approx(annual.mean, rel=1e-6)
    assert figure(NO2, days) == pytest.approx(days.mean(), rel=1e-6)
    assert figure(OZONE, days) == pytest.approx(np.sort(days)[-4], rel=1e-6)
    assert figure(CO, days) == pytest.approx(days.max(), rel=1e-6)


@pytest.mark.parametrize("month", range(12))
def test_the_fourth_highest_is_found_wherever_the_days_lie(month):
    """Also where one month has all of the year's highest days, or nearly."""
    days = days_of()
    begin = sum(LENGTHS[:month])
    days[begin : begin + 5] += 1
    assert figure(OZONE, days) == pytest.approx(np.sort(days)[-4], rel=1e-6)
    days[begin : begin + 2] -= 1
    assert figure(OZONE, days) == pytest.approx(np.sort(days)[-4], rel=1e-6)


def test_too_little_of_a_year_is_not_ranked():
    assert np.isfinite(figure(PM25, days_of(slice(22))))  # 68 of 90 days
    assert np.isnan(figure(PM25, days_of(slice(23))))
    assert np.isnan(figure(CO, days_of(slice(23))))
    assert np.isfinite(figure(OZONE, days_of(slice(120))))  # no winter
    assert np.isfinite(figure(OZONE, days_of(slice(120, 158))))  # 115 of 153 days
    assert np.isnan(figure(OZONE, days_of(slice(120, 159))))


def test_an_annual_mean_of_hours_needs_its_hours():
    days = days_of()
    for lacking, enough in ((3, True), (4, False)):
        months = months_of(NO2, days)
        months["hours"][:, :lacking], months["hourly_mean"][:, :lacking] = 0, np.nan
        assert np.isfinite(ranking.figures(NO2, months, YEAR)).all() == enough


def test_months_far_from_monitors_do_not_count():
    days = days_of()
    days[:4] += 1  # January's
    far = [80.0, *[5.0] * 11]
    assert figure(OZONE, days, nearest_km=far) == pytest.approx(np.sort(days[31:])[-4], rel=1e-6)
    for pollutant in (PM25, CO):
        assert np.isnan(figure(pollutant, days, nearest_km=far))
    assert np.isnan(figure(OZONE, days, nearest_km=80.0))
    assert np.isnan(figure(OZONE, days, nearest_km=np.nan))


def test_months_of_fewer_than_four_days_have_no_fourth_highest():
    days = np.full(31, np.nan)
    days[[3, 9]] = 0.05, 0.07
    into = np.zeros(1, summary.month_fields(OZONE))
    summary.summarise_days(OZONE, days[np.newaxis], into)
    np.testing.assert_array_equal(into["next_highest"][0], np.float32([0.05, np.nan, np.nan]))
