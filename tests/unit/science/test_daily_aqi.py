"""One index a day, and who leads it."""

from collections import Counter

import chicago
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airaware.job.stations import assemble
from airaware.raw import epa, station_months
from airaware.science import daily_aqi, metrics, point, pollutants, standards
from airaware.science.metrics import MARGIN_HOURS
from airaware.science.pollutant import AQI_CATEGORIES
from airaware.science.sphere import great_circle_km, unit_vectors

NEAR, FAR = 10.0, 90.0


def test_the_highest_leads_and_ties_name_both() -> None:
    found = daily_aqi.highest(np.array([[40, 51, -1, 0, -1], [51, 51, 30, 0, -1]]))
    assert found.aqi.tolist() == [51, 51, 30, 0, -1]
    assert found.leads.T.tolist() == [
        [False, True], [True, True], [False, True], [True, True], [False, False],
    ]  # fmt: skip
    assert found.known.T.tolist()[2:] == [[False, True], [True, True], [False, False]]
    assert found.ties.tolist() == [False, True, False, True, False]


def test_no_pollutant_has_no_day() -> None:
    assert daily_aqi.highest(np.zeros((0, 3), np.int16)).aqi.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("regulatory", "nearest_km", "other", "expected"),
    [
        (50, NEAR, 60, True),
        (-1, NEAR, 60, False),
        (50, FAR, 60, False),
        (50, FAR, -1, True),
        (-1, np.nan, -1, False),
    ],
)
def test_pm25_is_decided_day_by_day(
    regulatory: int, nearest_km: float, other: int, *, expected: bool
) -> None:
    found = daily_aqi.from_regulatory_monitors(
        np.array([regulatory]), np.array([nearest_km]), np.array([other])
    )
    assert found.tolist() == [expected]


@pytest.fixture(scope="module")
def by_hand(real_epa) -> tuple[chicago.Days, chicago.Days]:
    """Ozone and PM2.5 at 60614 as an independent calculation has them."""
    return chicago.ozone_and_pm25(real_epa)


@pytest.fixture(scope="module")
def by_product(real_epa) -> list[np.ndarray]:
    """The same as the product has them."""
    return [product_days(real_epa, parameter) for parameter in (44201, 88101)]


def product_days(folder, parameter: int) -> np.ndarray:
    """Return a year's daily metrics at 60614 as the product makes them from EPA's file."""
    pollutant = pollutants.get(parameter)
    file = folder / epa.file_name(parameter, chicago.YEAR)
    rows = pa.Table.from_batches(list(station_months.read(file, parameter, chicago.YEAR)))
    place = unit_vectors(*(np.array(degrees) for degrees in chicago.ZIP_60614))
    days = []
    for month in range(1, 13):
        long = (np.datetime64("2013-01") + month).astype("datetime64[D]") - (
            np.datetime64("2013-01") + month - 1
        ).astype("datetime64[D]")
        stations = assemble(rows.filter(pc.equal(rows["month"], month)), int(long.astype(int)))
        found = point.month(
            great_circle_km(unit_vectors(stations.latitude, stations.longitude), place),
            # As the store has them: a day is read with those about it.
            np.pad(stations.hours[:, MARGIN_HOURS:-MARGIN_HOURS], ((0, 0), (24, 24)),
                   constant_values=np.nan),
            metrics.daily(pollutant, stations.hours).astype(np.float32),
            stations.offsets,
            -6,
        )  # fmt: skip
        assert found is not None
        days.append(found.daily)
    return np.concatenate(days)


def test_chicago_2013_as_an_independent_calculation_has_it(by_hand, by_product) -> None:
    """60614: 148 Good, 216 Moderate, 1 Unhealthy for Sensitive Groups; PM2.5 leads on 288."""
    for ours, theirs in zip(by_product, by_hand, strict=True):
        expected = [theirs.get(day, np.nan) for day in chicago.every_day()]
        assert ours == pytest.approx(expected, rel=1e-5, nan_ok=True)
    aqi = np.array(
        [
            metrics.aqi(pollutants.get(parameter), days)
            for parameter, days in zip((44201, 88101), by_product, strict=True)
        ]
    )
    found = daily_aqi.highest(aqi)
    ozone, pm25 = chicago.indices(*by_hand)
    expected_aqi = [max(ozone.get(day, -1), pm25.get(day, -1)) for day in chicago.every_day()]
    assert found.aqi.tolist() == expected_aqi
    counts = Counter(chicago.category(aqi) for aqi in expected_aqi)
    assert [counts[name] for name in AQI_CATEGORIES] == [148, 216, 1, 0, 0, 0]
    assert (found.leads[1] & ~found.ties).sum() == 288
    assert found.ties.sum() == 4


def test_chicago_2013_against_the_standards(by_hand, by_product) -> None:
    """The mean of the quarters' means, the fourth-highest day, and days above the WHO's 15."""
    (ozone, pm25), days = by_hand, by_product
    found = standards.annual_mean(days[1], chicago.YEAR)
    quarters = [[v for day, v in pm25.items() if (day.month - 1) // 3 == n] for n in range(4)]
    means = [sum(each) / len(each) for each in quarters]
    assert found is not None
    assert [quarter.mean for quarter in found.quarters] == pytest.approx(means, rel=1e-5)
    assert found.mean == pytest.approx(sum(means) / 4, rel=1e-5)
    assert found.mean == pytest.approx(11.05, abs=0.01)  # above 9.0
    assert [quarter.days for quarter in found.quarters] == [90, 90, 89, 89]
    assert not any(quarter.short for quarter in found.quarters)
    fourth = standards.fourth_highest(pollutants.get(44201), days[0])
    assert fourth == pytest.approx(chicago.truncated(sorted(ozone.values())[-4], 1000))
    above = standards.days_above(pollutants.get(88101), days[1], standards.WHO_DAILY.level)
    assert above == sum(value > 15 for value in pm25.values()) == 70
