"""The geometry of a chart of twelve months; templates/chart.svg draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 210
LEFT, RIGHT, TOP, BOTTOM = 34, 4, 22, 26
BAR_SHARE = 0.72  # of a month's slot


@dataclass(frozen=True)
class Bar:
    """A month's bar, in the chart's own units; None in `value` where there is nothing to draw."""

    month: int
    value: float | None
    estimate: bool
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Where its labels go."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Chart:
    """Bars, and the horizontal lines as (value, y)."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, float], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def monthly(months: Sequence[dict]) -> Chart:
    """The chart of an answer's months. Negative means, which do occur, are bars of no height."""
    known = [month["hourly_mean"] for month in months if month["hourly_mean"] is not None]
    step = _step(max([*known, 0.0]))
    top = max(step, math.ceil(max([*known, 0.0]) / step - 1e-9) * step)
    scale = (HEIGHT - TOP - BOTTOM) / top
    base = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT - RIGHT) / 12
    bars = []
    for index, month in enumerate(months):
        value = month["hourly_mean"]
        height = round(max(value or 0.0, 0.0) * scale, 1)
        bars.append(
            Bar(
                month["month"],
                value,
                month["estimate"],
                round(LEFT + slot * (index + (1 - BAR_SHARE) / 2), 1),
                round(base - height, 1),
                round(slot * BAR_SHARE, 1),
                height,
            )
        )
    ticks = round(top / step)
    lines = tuple(
        (round(step * tick, 6), round(base - step * tick * scale, 1)) for tick in range(ticks + 1)
    )
    return Chart(tuple(bars), lines)


def _step(highest: float) -> float:
    """The round number that makes three to five lines up to `highest`."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest / 4))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if highest / (factor * power) <= 5)
