"""Hours at equal instants: by any clock, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airaware.science.instants import align

PERIOD = 48


@given(
    offsets=st.lists(st.integers(-10, -4), min_size=1, max_size=5),
    clock=st.integers(-10, -4),
    margin=st.sampled_from([7, 24]),
)
def test_an_hour_is_the_same_instant_on_every_clock(offsets, clock, margin):
    """Each hour holds its number since midnight UTC: any clock shows its own, shifted."""
    offsets = np.array(offsets)
    hours = np.arange(-margin, PERIOD + margin, dtype=float) - offsets[:, np.newaxis]
    shown = align(hours, offsets, PERIOD).by_clock(clock)
    expected = np.arange(PERIOD) - clock
    assert shown.shape == (len(offsets), PERIOD)
    for row, offset in zip(shown, offsets.tolist(), strict=True):
        reached = np.isfinite(row)
        assert (row[reached] == expected[reached]).all()
        assert (~reached).sum() == max(0, abs(offset - clock) - margin)


def test_rows_come_back_as_they_were():
    offsets = np.array([-5, -6, -5, -8])
    hours = np.random.default_rng(1).random((4, 7 + PERIOD + 7))
    found = align(hours, offsets, PERIOD).by_own_clocks(offsets)
    assert (found == hours[:, 7:-7]).all()


@pytest.mark.parametrize("clock", [-5, -6])
def test_stations_of_one_clock_need_no_margin(clock):
    hours = np.random.default_rng(2).random((3, PERIOD))
    assert (align(hours, np.full(3, clock), PERIOD).by_clock(clock) == hours).all()
