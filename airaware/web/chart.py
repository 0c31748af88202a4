"""The geometry of the pictures; templates/_chart.html draws them as SVG.

All in the picture's own units, which the browser scales to the page.
"""

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from airaware.sphere import KM_PER_MILE, REACH_KM

WIDTH, HEIGHT = 480, 230
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 24, 26
BAR_SHARE = 0.66  # of a month's slot
WIDE, LOW = 960, 260  # of a week's hours

DAY_SIZE, DAY_GAP = 22, 3
MAP_SIZE, MAP_MARGIN = 360, 26
# Of the scale bar of a map, in miles: the longest that fits a third of it.
SCALE_MILES = (50, 20, 10, 5, 2, 1)


@dataclass(frozen=True)
class Axis:
    """A vertical axis from `bottom` to `top` (values), with a line at each `step`."""

    bottom: float
    top: float
    step: float
    height: int

    @classmethod
    def over(cls, values: Sequence[float], height: int = HEIGHT) -> "Axis":
        """The axis that holds 0 and all values."""
        step = _step(max([*values, 0.0]) - min([*values, 0.0]))
        bottom = math.floor(min([*values, 0.0]) / step + 1e-9) * step
        top = max(step, math.ceil(max([*values, 0.0]) / step - 1e-9) * step)
        return cls(bottom, top, step, height)

    def y(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self.bottom) / (self.top - self.bottom)
        return round(self.height - BOTTOM - share * (self.height - TOP - BOTTOM), 1)

    @property
    def lines(self) -> list[tuple[float, float]]:
        """The round values, and where they lie."""
        count = round((self.top - self.bottom) / self.step)
        values = [round(self.bottom + self.step * n, 6) for n in range(count + 1)]
        return [(value, self.y(value)) for value in values]


def _step(span: float) -> float:
    """The round number that makes three to five lines over a span."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if span / (factor * power) <= 5)


@dataclass(frozen=True)
class Bar:
    """A month: the mean of its days as a bar, its highest day as a dot; None where it has none."""

    month: int
    mean: float | None
    highest: float | None
    estimate: bool
    x: float
    width: float
    y: float
    height: float
    highest_y: float

    @property
    def middle(self) -> float:
        """Where its labels go."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Months:
    """The chart of twelve months, and where the level of the standard lies."""

    axis: Axis
    bars: tuple[Bar, ...]
    level_y: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def monthly(months: Sequence[Mapping[str, Any]], level: float) -> Months:
    """The chart of an answer's months. Negative means, which do occur, are bars of no height."""
    highest = [month["daily"]["max"] for month in months if month["daily"]["max"] is not None]
    axis = Axis.over([max(value, 0.0) for value in [*highest, level]])
    slot = (WIDTH - LEFT - RIGHT) / 12
    bars = []
    for index, month in enumerate(months):
        mean, top = month["daily"]["mean"], month["daily"]["max"]
        y = axis.y(max(mean or 0.0, 0.0))
        bars.append(
            Bar(
                month["month"],
                mean,
                top,
                month["estimate"],
                round(LEFT + slot * (index + (1 - BAR_SHARE) / 2), 1),
                round(slot * BAR_SHARE, 1),
                y,
                round(axis.y(0) - y, 1),
                axis.y(max(top or 0.0, 0.0)),
            )
        )
    return Months(axis, tuple(bars), axis.y(level))


@dataclass(frozen=True)
class Line:
    """A line over time: points as (x, y), in unbroken runs, and labels below as (x, text).

    Around it the error to expect, as outlines of (x, y).
    """

    axis: Axis
    runs: tuple[tuple[tuple[float, float], ...], ...]
    labels: tuple[tuple[float, str], ...]
    width: int
    height: int
    bands: tuple[tuple[tuple[float, float], ...], ...] = ()
    left: int = LEFT

    @property
    def right(self) -> int:
        """Where the lines of the axis end."""
        return self.width - RIGHT


def years(points: Sequence[tuple[int, float | None]]) -> Line:
    """The trend: (year, value), ascending; years may be missing."""
    values = [value for _, value in points if value is not None]
    axis = Axis.over(values)
    first, last = points[0][0], points[-1][0]
    room = WIDTH - LEFT - RIGHT - 24

    def x(year: int) -> float:
        return round(LEFT + 12 + room * (year - first) / max(1, last - first), 1)

    runs: list[list[tuple[float, float]]] = [[]]
    before = first - 1
    for year, value in points:
        if year != before + 1:
            runs.append([])
        if value is not None:
            runs[-1].append((x(year), axis.y(value)))
            before = year
    every = math.ceil((last - first + 1) / 10)
    labels = tuple((x(year), str(year)) for year in range(last, first - 1, -every))
    return Line(axis, tuple(tuple(run) for run in runs if run), labels, WIDTH, HEIGHT)


def hours(values: Sequence[float | None], errors: Sequence[float | None], first: date) -> Line:
    """The hours of some days in a row, each with its expected error; a label for each day.

    The band of the error ends at 0, or at the value where that is below 0 itself.
    """
    pairs = list(zip(values, errors, strict=True))
    axis = Axis.over([value + (error or 0.0) for value, error in pairs if value is not None], LOW)
    room = WIDE - LEFT - RIGHT

    def x(hour: float) -> float:
        return round(LEFT + room * hour / len(values), 1)

    runs: list[tuple[tuple[float, float], ...]] = []
    bands: list[tuple[tuple[float, float], ...]] = []
    for known, run in groupby(enumerate(pairs), lambda pair: pair[1][0] is not None):
        if not known:
            continue
        points = [(x(hour + 0.5), value or 0.0, error or 0.0) for hour, (value, error) in run]
        runs.append(tuple((at, axis.y(value)) for at, value, _ in points))
        above = [(at, axis.y(value + error)) for at, value, error in points]
        below = [(at, axis.y(max(min(value, 0.0), value - error))) for at, value, error in points]
        bands.append((*above, *reversed(below)))
    days = range(len(values) // 24)
    labels = tuple(
        (x(24 * day + 12), f"{date.fromordinal(first.toordinal() + day):%a %b %-d}") for day in days
    )
    return Line(axis, tuple(runs), labels, WIDE, LOW, tuple(bands))


@dataclass(frozen=True)
class Day:
    """A day of the calendar: its square's corner; `category` 1 (Good) to 6, 0 where none."""

    day: Mapping[str, Any]
    number: int
    category: int
    x: int
    y: int


@dataclass(frozen=True)
class CalendarMonth:
    """A month of the calendar: weeks below each other, Sunday first."""

    month: int
    days: tuple[Day, ...]
    size: int = DAY_SIZE
    width: int = 7 * (DAY_SIZE + DAY_GAP) - DAY_GAP
    height: int = 6 * (DAY_SIZE + DAY_GAP) - DAY_GAP


def year_of_days(
    days: Sequence[Mapping[str, Any]], categories: Sequence[str]
) -> list[CalendarMonth]:
    """The calendar of an answer's days, which are those of whole months."""
    months: dict[int, list[Day]] = {}
    for day in days:
        at = date.fromisoformat(day["date"])
        sunday_first = (calendar.weekday(at.year, at.month, 1) + 1) % 7
        week, weekday = divmod(sunday_first + at.day - 1, 7)
        category = categories.index(day["category"]) + 1 if day["category"] else 0
        step = DAY_SIZE + DAY_GAP
        months.setdefault(at.month, []).append(
            Day(day, at.day, category, weekday * step, week * step)
        )
    return [CalendarMonth(month, tuple(found)) for month, found in months.items()]


@dataclass(frozen=True)
class Monitor:
    """A monitor on the map, by its number in the list."""

    number: int
    x: float
    y: float


@dataclass(frozen=True)
class MonitorMap:
    """The monitors about a place, which lies in the middle; north is up."""

    monitors: tuple[Monitor, ...]
    reach: float  # radius of 30 miles
    scale_miles: int
    scale: float  # length of the scale bar
    size: int = MAP_SIZE


def monitors(place: tuple[float, float], found: Sequence[Mapping[str, Any]]) -> MonitorMap:
    """The map of an answer's monitors about a place (latitude, longitude in degrees)."""
    km_per_degree = 111.2
    shrink = math.cos(math.radians(place[0]))
    farthest_km = max([each["distance_km"] for each in found] + [KM_PER_MILE])
    per_km = (MAP_SIZE / 2 - MAP_MARGIN) / farthest_km
    at = []
    for number, each in enumerate(found, 1):
        east = ((each["longitude"] - place[1] + 540) % 360 - 180) * shrink * km_per_degree
        north = (each["latitude"] - place[0]) * km_per_degree
        at.append(
            Monitor(
                number,
                round(MAP_SIZE / 2 + east * per_km, 1),
                round(MAP_SIZE / 2 - north * per_km, 1),
            )
        )
    miles = next(
        (m for m in SCALE_MILES if m * KM_PER_MILE * per_km <= MAP_SIZE / 3), SCALE_MILES[-1]
    )
    return MonitorMap(
        tuple(at), round(REACH_KM * per_km, 1), miles, round(miles * KM_PER_MILE * per_km, 1)
    )
