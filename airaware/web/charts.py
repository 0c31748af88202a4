"""What the charts of the pages show.

A chart is said in words, and frontend/src/charts.js draws it: `x` and its `names`; `ticks` below it
as (x, text), within `range`; and `series`, each with its `look` and a value or None for each x.
The map of monitors is an SVG, in its own units: templates/_charts.html.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airaware.science.sphere import KM_PER_MILE, REACH_KM
from airaware.web import answers, hours_answer
from airaware.web.formatting import MONTHS

Chart = dict[str, Any]

MAP_SIZE, MAP_MARGIN = 360, 26
# Of the scale bar of a map, in miles: the longest that fits a third of it.
SCALE_MILES = (50, 20, 10, 5, 2, 1)
KM_PER_DEGREE = 111.2


def months(pollutant: answers.GridPollutant) -> Chart:
    """Chart the twelve months of a pollutant: means as bars, highest days as dots."""
    found = pollutant.months
    near = [None if month.estimate else month.daily.mean for month in found]
    far = [month.daily.mean if month.estimate else None for month in found]
    series = [
        _series("Mean of the days", "bar", near),
        _series("Mean, estimated from far monitors", "faint-bar", far),
        _series("Highest day", "dot", [month.daily.max for month in found]),
    ]
    return _of_months(pollutant, [each for each in series if set(each["values"]) != {None}])


def places(pollutants: Sequence[answers.GridPollutant], labels: Sequence[str]) -> Chart:
    """Chart the months of one pollutant at several places, each a line of the days' means."""
    lines = [
        _series(label, f"place-{number}", [month.daily.mean for month in each.months])
        for number, (each, label) in enumerate(zip(pollutants, labels, strict=True), 1)
        if each.months
    ]
    return _of_months(pollutants[0], lines)


def _of_months(pollutant: answers.GridPollutant, series: Sequence[dict[str, Any]]) -> Chart:
    standard = pollutant.standard
    level = f"Level of the {standard.edition[:4]} standard"
    return {
        "unit": pollutant.unit,
        "x": list(range(1, 13)),
        "range": (0.5, 12.5),
        "names": MONTHS,
        "ticks": list(enumerate(MONTHS, 1)),
        "series": [*series, _series(level, "level", [standard.level] * 12)],
    }


def years(pollutant: answers.PointPollutant) -> Chart | None:
    """Chart the trend of a pollutant, None of one year; a missing year breaks the line."""
    found = {year.year: year.daily_mean for year in pollutant.years}
    if len(found) < 2:
        return None
    every = range(min(found), max(found) + 1)
    names = [str(year) for year in every]
    return {
        "unit": pollutant.unit,
        "x": list(every),
        "range": (every[0] - 0.5, every[-1] + 0.5),
        "names": names,
        "ticks": list(zip(every, names, strict=True)),
        "series": [_series("Mean of the days", "dotted-line", [found.get(year) for year in every])],
    }


def hours(found: hours_answer.Hours) -> Chart:
    """Chart hours within the error to expect of each, with a tick for each day.

    The band of the error ends at 0, or at the value where that is below 0 itself.
    """
    values = found.values
    errors = [month.expected_error.hour for month in found.months for _ in range(month.hours)]
    band = [
        (None, None)
        if value is None or error is None
        else (max(min(value, 0.0), value - error), value + error)
        for value, error in zip(values, errors, strict=True)
    ]
    times = [
        datetime.fromisoformat(found.first_hour) + timedelta(hours=hour)
        for hour in range(len(values))
    ]
    return {
        "unit": found.unit,
        "x": list(range(len(values))),
        "range": (0, len(values)),
        "names": [f"{time:%a %b %-d, %H:00}" for time in times],
        "ticks": [(hour + 12, f"{time:%a %b %-d}") for hour, time in enumerate(times)][::24],
        "series": [
            _series("Hour", "line", values),
            _series("Within the error to expect", "band-top", [top for _, top in band]),
            _series("", "band-bottom", [bottom for bottom, _ in band]),
        ],
    }


def _series(name: str, look: str, values: Sequence[float | None]) -> dict[str, Any]:
    return {"name": name, "look": look, "values": list(values)}


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


def monitors(place: tuple[float, float], found: Sequence[answers.Monitor]) -> MonitorMap:
    """Return the map of the monitors about a place (latitude, longitude in degrees)."""
    shrink = math.cos(math.radians(place[0]))
    farthest_km = max([each.distance_km for each in found] + [KM_PER_MILE])
    per_km = (MAP_SIZE / 2 - MAP_MARGIN) / farthest_km
    at = []
    for number, each in enumerate(found, 1):
        east = ((each.longitude - place[1] + 540) % 360 - 180) * shrink * KM_PER_DEGREE
        north = (each.latitude - place[0]) * KM_PER_DEGREE
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
