"""The columns of the files of hours, days and months, and what each holds.

A column of days or months has the name of the JSON answer's member, joined by underscores where it
lies in an object. A file's head and the API's page say what an entry here says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from airaware.science.pollutant import AQI_CATEGORIES

NEAREST = (
    "distance to the nearest monitor that reported in the month, in km; beyond 48.28 (30 miles) the"
    " value is an estimate, far from any monitor"
)
ABOVE = "above the level of the national standard, which is not by itself a violation"


def _name(*parts: str) -> str:
    return "_".join(parts).lower().replace(" ", "_")


HOURS = {
    "hour": "beginning of the hour, in the place's local standard time, all year",
    "value": "concentration, in the file's unit; empty where no monitor reported",
    "expected_error": "root mean square error to expect of the hour's value, in the file's unit",
    "nearest_km": NEAREST,
}
DAYS = {
    "date": "the day, from midnight to midnight of the monitors' local standard time",
    "value": "the day's metric as a concentration, in the file's unit; empty where it has none",
    "above_standard": f"whether the day is {ABOVE}: true or false",
    "aqi": "Air Quality Index of the day, a number without unit; empty where it has none",
    "category": "the AQI's category",
    "nearest_km": NEAREST,
    "expected_error": "root mean square error to expect of the day's value, in the file's unit",
    "smoke_hours": "the most hours flagged as smoke from a vegetation fire at any monitor that the"
    " day rests on",
}
MONTHS = {
    "month": "the month, as 2017-07",
    "hourly_mean": "mean of the month's hours, in the file's unit",
    "hours": "how many hours have a value",
    "daily_mean": "mean of the days' metric, in the file's unit",
    "daily_median": "median of the days' metric, in the file's unit",
    "daily_p95": "95th percentile of the days' metric, in the file's unit",
    "daily_max": "highest day's metric, in the file's unit",
    "daily_days": "how many days have a value",
    "daily_days_above_standard": f"how many days are {ABOVE}",
    **{
        _name("daily aqi days", category): f"how many days have the AQI category {category};"
        " empty for a pollutant without AQI"
        for category in AQI_CATEGORIES
    },
    "stations": "how many monitors the month rests on",
    "nearest_km": NEAREST,
    "estimate": "whether the month rests on monitors beyond 30 miles only: true or false",
    "expected_error_hourly_mean": "root mean square error to expect of the mean of hours",
    "expected_error_hour": "root mean square error to expect of one hour's value",
    "expected_error_day": "root mean square error to expect of one day's value",
}
FILES = {"hours": HOURS, "days": DAYS, "months": MONTHS}


def flat(row: Any, *names: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each value of an answer's object: None is empty."""
    for name, value in (row if isinstance(row, Mapping) else vars(row)).items():
        if isinstance(value, Mapping) or is_dataclass(value):
            yield from flat(value, *names, name)
        else:
            yield _name(*names, name), _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
