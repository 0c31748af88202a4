"""The answer in one sentence: true, and in plain words."""

from types import SimpleNamespace
from typing import Any

import pytest

from airaware.science import pollutants
from airaware.web.answers import Range, Ranges, Rank, RankIn
from airaware.web.summary_sentence import aqi_sentence, plain_name, sentence, trend_sentence

OZONE = pollutants.get(44201)
COMPARED = "of the ZIP codes that have a monitor within 30 miles"


def ranked(*counts: tuple[int, int, int], value: float = 74.0) -> Rank:
    """Higher, alike and lower in the country, and in the state."""
    areas = [RankIn(area, 1 + n[0], *n) for area, n in zip(("US", "IL"), counts, strict=False)]
    return Rank("fourth-highest day", value, areas)


def said(
    days_above: int,
    rank: Rank | None,
    days: int = 365,
    parameter: int = 44201,
    nearest_km: float = 5.0,
    above: Range | None = None,
) -> str:
    summary: Any = SimpleNamespace(days=days, days_above_standard=days_above, nearest_km=nearest_km)
    ranges = Ranges(above, None) if above else None
    return sentence(pollutants.get(parameter), 2017, summary, rank, ranges)


def test_the_whole_sentence():
    assert said(14, ranked((10, 4, 86), (50, 0, 10))) == (
        "In 2017 ozone was above 70 ppb, the level of the 2015 standard, on 14 days. Its"
        f" fourth-highest day, 74.0 ppb, was higher than in 86% {COMPARED}, and lower than in 83%"
        " of those in IL."
    )


@pytest.mark.parametrize(
    ("counts", "compared"),
    [
        ((86, 4, 10), "lower than in 86%"),
        ((30, 60, 10), "the same as in 60%"),
        ((0, 1, 999), "higher than in 99%"),
    ],
)
def test_the_largest_share_is_named_and_never_too_much(counts, compared):
    assert said(3, ranked(counts)).endswith(
        f"on 3 days. Its fourth-highest day, 74.0 ppb, was {compared} {COMPARED}."
    )


def test_counts_of_days():
    assert "on no day. " in said(0, ranked((1, 5, 0)))
    assert "on 1 day. " in said(1, ranked((1, 5, 0)))
    assert "on 14 days of the 210 that can be judged. " in said(14, ranked((1, 5, 0)), days=210)


def test_the_range_of_the_days_above():
    assert said(14, None, above=Range(9, 20)).endswith("on 14 days (90% range: 9 to 20).")
    assert "on no day (90% range: 0). " in said(0, ranked((1, 5, 0)), above=Range(0, 0))


def test_units_and_editions():
    assert "above 35 µg/m³, the level of the 2006 standard," in said(3, None, parameter=88101)


def test_far_from_monitors_nothing_is_compared():
    assert said(14, None, nearest_km=80.0) == (
        "No monitor near you: in 2017 the nearest ozone monitor was 50 mi (80 km) away."
        " The figures below are estimates from distant monitors."
    )


def test_without_figures():
    assert sentence(OZONE, 2017, None, None, None) == (
        "No monitor near you: none within 100 miles measured ozone in 2017."
    )
    assert "too few hours" in said(0, None, days=0)


def test_plain_names():
    names = [plain_name(pollutants.get(code)) for code in (44201, 88101, 42602, 81102)]
    assert names == ["ozone", "PM2.5 (FRM/FEM)", "NO2", "PM10"]


def of_aqi(name: str, leads: int, ties: int = 0) -> SimpleNamespace:
    return SimpleNamespace(name=name, leads=leads, ties=ties, nearest_km=5.0)


def test_the_daily_aqi_in_words():
    days = {"Good": 148, "Moderate": 216, "Unhealthy for Sensitive Groups": 1, "Unhealthy": 0}
    both = [of_aqi("ozone", 73, 4), of_aqi("PM2.5", 288, 4)]
    said = (
        "In 2013 the air was estimated to be Good on 148 days, Moderate on 216 and Unhealthy for"
        " Sensitive Groups on 1. The pollutant with the highest index was PM2.5 on 288 days, ozone"
        " on 73 days and PM2.5 and ozone together on 4 days."
    )
    assert aqi_sentence(2013, days, both, 4, []) == said
    assert aqi_sentence(2013, days, both, 4, ["PM2.5"]) == (
        f"How far off PM2.5 may be is not known on some days here. {said}"
    )


def test_the_daily_aqi_far_from_all_monitors():
    far = [of_aqi("ozone", 1), of_aqi("PM2.5", 2)]
    far[0].nearest_km, far[1].nearest_km = 80.0, 120.0
    assert aqi_sentence(2013, {"Good": 3}, far, 0, ["PM2.5"]) == (
        "How far off PM2.5 may be is not known on some days here. No monitor near you: in 2013 the"
        " nearest was 50 mi (80 km) away. The days below are estimates from distant monitors."
    )


def test_the_daily_aqi_of_one_pollutant_and_of_a_part_of_the_year():
    assert aqi_sentence(2013, {"Good": 1, "Moderate": 0}, [of_aqi("ozone", 1)], 0, []) == (
        "In 2013 the air was estimated to be Good on 1 day, of the 1 that has an Air Quality"
        " Index. The index rests on ozone alone."
    )
    for year, whole in ((2015, True), (2016, False)):
        said = aqi_sentence(year, {"Good": 365}, [of_aqi("ozone", 365)], 0, [])
        assert ("of the 365 that have" in said) != whole
    three = [of_aqi("ozone", 1, 1), of_aqi("NO2", 0, 2), of_aqi("PM2.5", 2, 2)]
    said = aqi_sentence(2013, {"Good": 6}, three, 3, [])
    assert said.endswith("PM2.5 on 2 days, ozone on 1 day and several together on 3 days.")


def test_the_daily_aqi_names_what_is_far_and_what_is_not_in_it():
    near, far, idle = of_aqi("NO2", 4), of_aqi("PM2.5", 2), of_aqi("SO2", 0)
    far.nearest_km = idle.nearest_km = 80.0
    assert aqi_sentence(2013, {"Good": 6}, [near, far, idle], 0, []).endswith(
        "was NO2 on 4 days and PM2.5 on 2 days. The nearest monitor of PM2.5 was far, 50 mi (80 km)"
        " away. There are no data of ozone here, so the index does not include it."
    )
    assert aqi_sentence(2013, {"Good": 6}, [near, of_aqi("SO2", 2)], 0, []).endswith(
        "There are no data of ozone and PM2.5 here, so the index does not include them."
    )


def of_year(year: int, mean: float | None, months: int = 12, *, synthetic: bool = False):
    return SimpleNamespace(year=year, daily_mean=mean, months=months, synthetic=synthetic)


def test_the_trend_compares_the_first_year_that_is_like_the_last():
    years = [
        of_year(1990, 90.0, months=7),
        of_year(1991, 50.0),
        of_year(1992, 70.0, synthetic=True),
        of_year(2013, 40.0),
    ]
    assert trend_sentence(OZONE, years) == (
        "The daily maximum 8-hour mean of ozone averaged 40.0 ppb in 2013 and 50.0 in 1991: 20%"
        " lower."
    )
    same = [of_year(1991, 40.0), of_year(2013, 40.01)]
    assert trend_sentence(OZONE, same).endswith("in 1991: no change.")
    higher = [of_year(1991, 40.0), of_year(2013, 44.0)]
    assert trend_sentence(OZONE, higher).endswith("in 1991: 10% higher.")


@pytest.mark.parametrize(
    "years", [[], [of_year(2013, 40.0)], [of_year(1991, None), of_year(2013, 40.0)]]
)
def test_no_trend_without_two_years_that_compare(years):
    assert trend_sentence(OZONE, years) is None
