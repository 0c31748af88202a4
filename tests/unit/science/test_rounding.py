"""Five digits, of one number and of many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airaware.science.rounding import rounded, rounded_each


@given(st.lists(st.floats(allow_infinity=False) | st.decimals(-1000, 1000, places=6).map(float)))
def test_many_numbers_are_rounded_as_each_of_them(values: list[float]) -> None:
    assert rounded_each(np.array(values, float)) == [rounded(value) for value in values]


@pytest.mark.parametrize("value", [1.00005, 2.5e-4, 12.3455, 0.100005, 99999.5, 123456.0, 1e-30])
def test_halves_are_decided_by_their_exact_value(value: float) -> None:
    assert rounded_each(np.array([value, -value])) == [rounded(value), rounded(-value)]
