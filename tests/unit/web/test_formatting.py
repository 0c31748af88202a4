"""How numbers are written."""

import pytest

from airaware.web import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.00"), (0.31, "0.31"), (4.24, "4.2"), (-1.0, "-1.0"), (99.99, "100")],
)
def test_figures(value: float | None, text: str) -> None:
    assert formatting.figure(value) == text


@pytest.mark.parametrize(
    ("km", "text"), [(None, "–"), (0.4, "0.25 mi (0.40 km)"), (8.5, "5.3 mi (8.5 km)")]
)
def test_distances(km: float | None, text: str) -> None:
    assert formatting.distance(km) == text


@pytest.mark.parametrize(
    ("years", "text"),
    [([2013], "2013"), ([2015, 2016], "2015 to 2016"), ([2013, 2015, 2016], "2013, 2015 to 2016")],
)
def test_years(years: list[int], text: str) -> None:
    assert formatting.years(years) == text
