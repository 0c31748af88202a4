"""How numbers and charts are drawn."""

import pytest

from airaware.web import chart, figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.00"), (0.31, "0.31"), (4.24, "4.2"), (-1.0, "-1.0"), (99.99, "100")],
)
def test_figures(value: float | None, text: str) -> None:
    assert figures.figure(value) == text


@pytest.mark.parametrize(
    ("km", "text"), [(None, "–"), (0.4, "0.25 mi (0.40 km)"), (8.5, "5.3 mi (8.5 km)")]
)
def test_distances(km: float | None, text: str) -> None:
    assert figures.distance(km) == text


def months(*values: float | None) -> list[dict]:
    """An answer's months, as far as a chart needs them."""
    return [
        {"month": number, "hourly_mean": value, "estimate": False}
        for number, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize("highest", [0.004, 0.3, 1, 9.99, 34.5, 50, 71, 1234])
def test_chart_s_lines_are_round_and_hold_every_bar(highest: float) -> None:
    drawn = chart.monthly(months(*[highest * number / 12 for number in range(1, 13)]))
    assert 3 <= len(drawn.lines) <= 6
    assert drawn.lines[0][0] == 0
    assert drawn.lines[-1][0] >= highest
    assert all(bar.y >= drawn.lines[-1][1] - 0.1 for bar in drawn.bars)
    assert drawn.bars[5].height == pytest.approx(drawn.bars[11].height / 2, abs=0.1)


def test_chart_of_nothing_and_of_negative_means() -> None:
    drawn = chart.monthly(months(None, -0.4, 0.0))
    assert [bar.height for bar in drawn.bars] == [0, 0, 0]
    assert [bar.value for bar in drawn.bars] == [None, -0.4, 0.0]
