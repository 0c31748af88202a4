"""EPA's own daily values are the truth: the rules of their day reproduce them, on real hours."""

import csv
import io
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from airaware.science import metrics, pollutants
from airaware.science.pollutant import Breakpoints, EightHourRule, Standard

DATA = Path(__file__).parents[4] / "shared" / "data" / "epa"
SITE = ("17", "031", "4201")
YEAR_START = date(2013, 1, 1)
DAYS = 365

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"EPA's measurements are not there: no folder {DATA}"
)

# 73 FR 16436 (2008) and 40 CFR 50 Appendix P: any hour may begin a mean, three quarters needed.
OZONE_2008 = replace(
    pollutants.get(44201),
    eight_hours=EightHourRule(begin_hours=tuple(range(24)), needed_means=18),
    standard=Standard(0.075, above_from=0.076, edition="2008", text="0.075 ppm (2008)"),
    aqi=Breakpoints(
        "2008",
        decimals=3,
        rows=(
            (0.000, 0.059, 0, 50),
            (0.060, 0.075, 51, 100),
            (0.076, 0.095, 101, 150),
            (0.096, 0.115, 151, 200),
            (0.116, 0.374, 201, 300),
        ),
    ),
)


@pytest.fixture(scope="module")
def hours() -> np.ndarray:
    """The site's hours of ozone, as `metrics.daily` takes them: (1, 7 + 24*365 + 7)."""
    matrix = np.full((1, 24 * DAYS + 2 * metrics.MARGIN_HOURS), np.nan)
    with zipfile.ZipFile(DATA / "hourly_44201_2013.zip") as archive:
        text = io.TextIOWrapper(archive.open("hourly_44201_2013.csv"), encoding="utf-8")
        for row in csv.DictReader(text):
            if (row["State Code"], row["County Code"], row["Site Num"]) == SITE:
                day = (date.fromisoformat(row["Date Local"]) - YEAR_START).days
                hour = 24 * day + int(row["Time Local"][:2])
                matrix[0, metrics.MARGIN_HOURS + hour] = float(row["Sample Measurement"])
    return matrix


@pytest.fixture(scope="module")
def truth() -> dict[int, tuple[float, int]]:
    """EPA's daily maximum 8-hour ozone (ppm) and AQI, by day of the year from 0."""
    with (DATA / "daily_ozone_17-031-4201_2013.csv").open(newline="") as file:
        return {
            (_us_date(row["Date"]) - YEAR_START).days: (
                float(row["Daily Max 8-hour Ozone Concentration"]),
                int(row["DAILY_AQI_VALUE"]),
            )
            for row in csv.DictReader(file)
        }


def _us_date(text: str) -> date:
    month, day, year = map(int, text.split("/"))
    return date(year, month, day)


@pytest.mark.parametrize("stored", [np.float64, np.float32])
def test_the_rules_of_2008_reproduce_every_day_and_its_aqi(hours, truth, stored):
    ozone = metrics.daily(OZONE_2008, hours.astype(stored))[0].astype(stored)
    index = metrics.aqi(OZONE_2008, ozone)

    assert len(truth) == 339
    days = sorted(truth)
    expected, expected_index = zip(*(truth[day] for day in days), strict=True)
    np.testing.assert_array_equal(ozone[days], np.array(expected, stored))
    np.testing.assert_array_equal(index[days], expected_index)


def test_days_that_epa_does_not_report_have_too_few_hours(hours, truth):
    ozone = metrics.daily(OZONE_2008, hours)[0]
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(ozone)), sorted(truth))


def test_todays_rules_never_raise_a_day_and_lower_some(hours):
    """Appendix U leaves out the means that begin from 00 to 06: yesterday evening's ozone."""
    before = metrics.daily(OZONE_2008, hours)[0]
    today = metrics.daily(pollutants.get(44201), hours)[0]
    both = ~np.isnan(before) & ~np.isnan(today)
    assert np.all(today[both] <= before[both])
    assert np.any(today[both] < before[both])
