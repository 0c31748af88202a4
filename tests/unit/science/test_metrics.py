"""Every rule of the daily metrics and the AQI, at its edges and against a plain slow loop."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airaware.science import metrics, pollutants
from airaware.science.pollutants import POLLUTANTS

OZONE = pollutants.get(44201)
PM25 = pollutants.get(88101)
OTHER_PM25 = pollutants.get(88502)
NO2 = pollutants.get(42602)
SO2 = pollutants.get(42401)
CO = pollutants.get(42101)
PM10 = pollutants.get(81102)

EVERY = pytest.mark.parametrize("pollutant", POLLUTANTS.values(), ids=lambda known: known.label)
NAN = float("nan")


def day_of(*hours: float, last_evening: float = NAN, next_morning: float = NAN) -> np.ndarray:
    """One station's 24 hours, and the seven before and after them: (1, 38)."""
    assert len(hours) == 24
    return np.array([[*[last_evening] * 7, *hours, *[next_morning] * 7]])


def of_day(*hours: int) -> list[int]:
    """The columns of hours of the day in what `day_of` makes."""
    return [metrics.MARGIN_HOURS + hour for hour in hours]


def only_day(pollutant, hours: np.ndarray) -> float:
    (value,) = metrics.daily(pollutant, hours)[0]
    return float(value)


# Truncation


@given(st.integers(-50_000, 50_000), st.integers(0, 3), st.sampled_from([np.float32, np.float64]))
def test_a_number_of_so_many_decimals_survives_truncation(steps, decimals, stored):
    value = steps / 10**decimals
    if stored is np.float32 and abs(steps) > 30_000:
        return
    assert metrics.truncate(stored(value), decimals) == value


@given(st.integers(0, 30_000), st.integers(0, 3), st.floats(0.003, 0.99))
def test_the_digits_after_are_dropped_not_rounded(steps, decimals, rest):
    value = (steps + rest) / 10**decimals
    assert metrics.truncate(value, decimals) == steps / 10**decimals
    assert metrics.truncate(-value, decimals) == -steps / 10**decimals


def test_truncation_keeps_shape_and_nan_and_has_no_minus_zero():
    values = metrics.truncate(np.array([[NAN, -0.04], [35.49, -0.3]]), 1)
    np.testing.assert_array_equal(values, [[NAN, 0.0], [35.4, -0.3]])
    assert not np.signbit(values[0, 1])


def test_float32_seven_hundredths_is_not_sixty_nine_thousandths():
    assert metrics.truncate(np.float32(0.07), 3) == 0.07
    assert metrics.aqi(OZONE, np.float32(0.071)) == 101
    assert metrics.above(OZONE, np.float32(0.071))
    assert not metrics.above(OZONE, np.float32(0.07))


# Ozone: 40 CFR 50 Appendix U


def test_a_mean_belongs_to_the_day_it_begins_in_and_begins_from_07():
    early = [0.080] * 7 + [0.030] * 17  # the best 8 hours begin at 00
    assert only_day(OZONE, day_of(*early, next_morning=0.030)) == 0.030

    late = [0.030] * 16 + [0.062] * 8  # the best begins at 23, and ends at 07
    assert only_day(OZONE, day_of(*late, next_morning=0.066)) == 0.065


def test_the_last_day_is_short_of_hours_where_the_next_morning_is_unknown():
    hours = day_of(*[0.040] * 24)
    means = metrics.eight_hour_means(OZONE, hours)[0, 7:]
    np.testing.assert_array_equal(np.isnan(means), [False] * 19 + [True] * 5)
    # 07 to 18 are 12 of 17 means: one too few.
    assert math.isnan(only_day(OZONE, hours))
    hours[0, of_day(24)] = 0.040
    assert only_day(OZONE, hours) == 0.040


def test_a_mean_of_six_hours_is_divided_by_six():
    hours = day_of(*[0.040] * 24, next_morning=0.040)
    hours[0, of_day(9, 11)] = NAN
    assert metrics.eight_hour_means(OZONE, hours)[0, of_day(7)] == 0.040
    hours[0, of_day(13)] = NAN
    assert np.isnan(metrics.eight_hour_means(OZONE, hours)[0, of_day(7)])


def test_a_short_mean_counts_if_zeros_for_the_missing_leave_it_above_the_standard():
    hours = day_of(*[NAN] * 24)
    hours[0, of_day(10, 11, 12, 13)] = 0.142  # sum 0.568: 0.071 with four zeros
    assert only_day(OZONE, hours) == 0.071
    hours[0, of_day(13)] = 0.141  # sum 0.567: 0.070
    assert math.isnan(only_day(OZONE, hours))


def test_a_day_needs_13_of_17_means_or_a_maximum_above_the_standard():
    hours = day_of(*[0.050] * 24, next_morning=0.050)
    of_rule = of_day(*range(7, 24))
    hours[0, of_day(*range(9, 15))] = NAN  # the means from 07 to 12 lack three hours or more
    assert np.isnan(metrics.eight_hour_means(OZONE, hours)[0, of_rule]).sum() == 6
    assert math.isnan(only_day(OZONE, hours))
    hours[0, of_day(13, 14)] = 0.050
    assert np.isnan(metrics.eight_hour_means(OZONE, hours)[0, of_rule]).sum() == 4
    assert only_day(OZONE, hours) == 0.050
    hours[0, of_day(*range(9, 15))] = NAN
    hours[0, of_day(*range(15, 23))] = 0.071
    assert only_day(OZONE, hours) == 0.071


def test_the_mean_is_truncated_to_one_ppb():
    hours = day_of(*[0.070] * 23, 0.077, next_morning=0.070)  # 0.070875 at best
    assert only_day(OZONE, hours) == 0.070
    assert not metrics.above(OZONE, only_day(OZONE, hours))


# The others


@pytest.mark.parametrize(
    "pollutant", [PM25, OTHER_PM25, PM10, NO2, SO2], ids=lambda known: known.label
)
def test_a_day_needs_eighteen_hours(pollutant):
    hours = day_of(*[12.0] * 18, *[NAN] * 6, last_evening=500.0, next_morning=500.0)
    assert only_day(pollutant, hours) == 12.0
    hours[0, of_day(0)] = NAN
    assert math.isnan(only_day(pollutant, hours))


def test_fine_particles_are_a_mean_truncated_to_a_tenth():
    assert only_day(PM25, day_of(*[35.4] * 12, *[35.5] * 12)) == 35.4
    assert only_day(PM25, day_of(*[-0.5] * 24)) == -0.5


def test_a_short_day_of_88101_counts_if_zeros_for_the_missing_leave_it_above_the_standard():
    hours = day_of(*[71.0] * 12, *[NAN] * 12)  # 35.5 with twelve zeros
    assert only_day(PM25, hours) == 35.5
    hours[0, of_day(0)] = 70.0
    assert math.isnan(only_day(PM25, hours))


@pytest.mark.parametrize("pollutant", [OTHER_PM25, PM10], ids=lambda known: known.label)
def test_no_zeros_stand_for_missing_hours_of_other_particles(pollutant):
    assert math.isnan(only_day(pollutant, day_of(*[900.0] * 17, *[NAN] * 7)))


def test_no_zeros_stand_for_missing_hours_of_carbon_monoxide():
    hours = day_of(*[40.0] * 5, *[NAN] * 19)  # each mean lacks three hours
    assert math.isnan(only_day(CO, hours))
    hours[0, of_day(5)] = 40.0
    assert only_day(CO, hours) == 40.0  # a valid mean above the standard


def test_pm10_is_truncated_to_whole_micrograms():
    assert only_day(PM10, day_of(*[154.9] * 24)) == 154


def test_the_greatest_hour_counts_alone_where_it_is_above_the_standard():
    hours = day_of(101.26, *[NAN] * 23)
    assert only_day(NO2, hours) == 101.2
    assert only_day(SO2, hours) == 101.2
    hours[0, of_day(0)] = 60.0
    assert math.isnan(only_day(NO2, hours))
    assert math.isnan(only_day(SO2, hours))


def test_carbon_monoxide_takes_the_means_that_end_in_the_day():
    assert only_day(CO, day_of(*[9.57] * 8, *[1.0] * 16)) == 9.5
    assert only_day(CO, day_of(*[1.0] * 24, next_morning=9.0)) == 1.0
    # The mean that ends at 00 has seven hours of the evening before: (7 * 9 + 1) / 8.
    assert only_day(CO, day_of(*[1.0] * 24, last_evening=9.0)) == 8.0


@EVERY
def test_no_station_has_no_days(pollutant):
    assert metrics.daily(pollutant, np.empty((0, 7 + 24 * 31 + 7))).shape == (0, 31)


# Above the standard


@pytest.mark.parametrize(
    ("pollutant", "at_level", "above"),
    [
        (OZONE, 0.0709, 0.071),
        (PM25, 35.49, 35.5),
        (NO2, 100.4, 100.5),
        (SO2, 75.4, 75.5),
        (CO, 9.49, 9.5),
        (PM10, 154.9, 155),
    ],
    ids=lambda known: getattr(known, "label", None),
)
def test_above_follows_the_standards_own_rounding(pollutant, at_level, above):
    found = metrics.above(pollutant, np.array([at_level, above, NAN, -1.0]))
    np.testing.assert_array_equal(found, [False, True, False, False])


# AQI


@EVERY
def test_every_breakpoint_has_its_index_and_category(pollutant):
    for number, (low, high, index_low, index_high) in enumerate(pollutant.aqi.rows):
        ends = np.array([low, high])
        np.testing.assert_array_equal(metrics.aqi(pollutant, ends), [index_low, index_high])
        np.testing.assert_array_equal(metrics.category(pollutant, ends), [number, number])


def test_between_breakpoints_the_index_is_linear_and_rounded_half_up():
    # 49/26.3 * (12.0 - 9.1) + 51 = 56.4;  50/9 * 4.5 = 25;  9/10 of a step of 50/54: 25/27
    np.testing.assert_array_equal(metrics.aqi(PM25, [12.0, 4.5, 12.09]), [56, 25, 56])
    np.testing.assert_array_equal(metrics.aqi(OZONE, [0.027, 0.0279, 0.064]), [25, 25, 80])
    assert metrics.aqi(PM10, 1.9) == 1


def test_the_index_of_nothing_is_minus_one_and_of_negatives_zero():
    values = np.array([NAN, -3.0, 0.0])
    np.testing.assert_array_equal(metrics.aqi(PM25, values), [-1, 0, 0])
    np.testing.assert_array_equal(metrics.category(PM25, values), [-1, 0, 0])


def test_above_500_the_index_goes_on_along_its_line():
    # 199/99.9 * (425.4 - 225.5) + 301
    assert metrics.aqi(PM25, 425.4) == 699
    assert metrics.category(PM25, 425.4) == 5
    assert metrics.aqi(PM25, 1e6) == np.iinfo(np.int16).max


def test_eight_hour_ozone_ends_at_300_and_one_hour_sulfur_dioxide_at_200():
    assert metrics.aqi(OZONE, 0.25) == 300
    assert metrics.category(OZONE, 0.25) == 4
    assert metrics.aqi(SO2, 500.0) == 200
    assert metrics.category(SO2, 500.0) == 3


def test_without_a_table_there_is_no_index():
    bare = replace(OZONE, aqi=None)
    np.testing.assert_array_equal(metrics.aqi(bare, np.ones((2, 3))), np.full((2, 3), -1))
    np.testing.assert_array_equal(metrics.category(bare, np.ones((2, 3))), np.full((2, 3), -1))


def test_types_and_shapes():
    values = np.full((2, 3, 4), 0.06, np.float32)
    for found, kind in (
        (metrics.aqi(OZONE, values), np.int16),
        (metrics.category(OZONE, values), np.int8),
        (metrics.above(OZONE, values), np.bool_),
    ):
        assert found.shape == values.shape
        assert found.dtype == kind


@EVERY
@given(share=st.lists(st.floats(-0.1, 2), min_size=2, max_size=30))
def test_the_index_never_falls_as_the_value_rises(pollutant, share):
    values = np.sort(np.array(share)) * pollutant.aqi.rows[-1][1]
    assert np.all(np.diff(metrics.aqi(pollutant, values)) >= 0)


@EVERY
@given(share=st.floats(-0.1, 2))
def test_the_category_is_the_one_of_the_index(pollutant, share):
    value = np.float32(share * pollutant.aqi.rows[-1][1])
    tops = np.array([50, 100, 150, 200, 300])
    expected = np.searchsorted(tops, metrics.aqi(pollutant, value))
    assert metrics.category(pollutant, value) == expected


# Against a plain loop


def hours_of(pollutant, days: int):
    """Hours around the standard, in steps of the metric's last digit, with gaps and negatives."""
    step = 10.0**-pollutant.daily_decimals
    top = round(3 * pollutant.standard.level / step)
    hour = st.integers(-2, top).map(lambda steps: steps * step) | st.just(NAN)
    # The fill makes most hours alike, so that many days are whole.
    return arrays(np.float64, (2, 7 + 24 * days + 7), elements=hour, fill=hour)


def slow_mean(pollutant, hours, needed):
    """The mean of a period in whole steps, truncated, or None."""
    present = [hour for hour in hours if hour is not None]
    divisor = len(present) if len(present) >= needed else len(hours)
    total = sum(present)
    mean = total // divisor if total >= 0 else -(-total // divisor)
    stands = pollutant.zeros_for_missing and above_level(pollutant, mean)
    return mean if len(present) >= needed or stands else None


def above_level(pollutant, steps):
    return Fraction(steps, 10**pollutant.daily_decimals) >= Fraction(
        str(pollutant.standard.above_from)
    )


def in_steps(pollutant, hour):
    """An hour in steps of the metric's last digit: a whole number, so that sums are exact."""
    return None if math.isnan(hour) else round(hour * 10**pollutant.daily_decimals)


def slow_day(pollutant, hours, first):
    """One station's daily metric of the day that begins at hour `first` in steps, or None."""
    day = hours[first : first + 24]
    if pollutant.daily == "mean_24h":
        return slow_mean(pollutant, day, 18)
    if pollutant.daily == "max_8h":
        needed = pollutant.eight_hours.needed_means
        values = [
            slow_mean(pollutant, hours[first + hour : first + hour + 8], 6)
            for hour in pollutant.eight_hours.begin_hours
        ]
    else:
        needed = 18
        values = [slow_mean(pollutant, [hour], 1) for hour in day]
    present = [value for value in values if value is not None]
    if not present:
        return None
    greatest = max(present)
    return greatest if len(present) >= needed or above_level(pollutant, greatest) else None


@EVERY
@given(data=st.data())
def test_the_daily_metric_is_that_of_a_plain_loop(pollutant, data):
    hours = data.draw(hours_of(pollutant, days=2))
    steps = [[in_steps(pollutant, hour) for hour in station] for station in hours]
    days = [[slow_day(pollutant, station, first) for first in (7, 31)] for station in steps]
    unit = 10**pollutant.daily_decimals
    expected = np.array([[NAN if day is None else day / unit for day in row] for row in days])
    np.testing.assert_array_equal(metrics.daily(pollutant, hours), expected)


@given(data=st.data())
def test_one_hour_more_missing_never_makes_more_valid_means(data):
    hours = np.abs(data.draw(hours_of(OZONE, days=1)))
    fewer = hours.copy()
    fewer[:, data.draw(st.integers(0, hours.shape[1] - 1))] = NAN
    valid = ~np.isnan(metrics.eight_hour_means(OZONE, hours))
    still = ~np.isnan(metrics.eight_hour_means(OZONE, fewer))
    assert np.all(still <= valid)
