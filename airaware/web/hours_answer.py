"""What the site answers when asked for hours; see `answers`."""

from dataclasses import dataclass
from typing import Annotated

from airaware.web.answers import DayText, Estimate, Place, Pollutant, UncorrectedMonitors
from airaware.web.json_schema import Keywords


@dataclass(frozen=True)
class HourErrors:
    """The error to expect of an hour."""

    hour: float | None


@dataclass(frozen=True)
class MonthOfHours:
    """What some of the hours rest on: those of a month, as far as it was asked for."""

    month: Annotated[str, Keywords(pattern="^[0-9]{4}-[0-9]{2}$")]
    hours: Annotated[int, Keywords(minimum=24, description="how many of the values")]
    nearest_km: float | None
    estimate: Estimate
    expected_error: HourErrors


@dataclass(frozen=True)
class Hours(Pollutant):
    """Each hour of some days at the exact place; in JSON, `from_` is `from`."""

    place: Place
    uncorrected_monitors: UncorrectedMonitors
    method: str
    from_: DayText
    to: DayText
    utc_offset: Annotated[
        str,
        Keywords(
            pattern="^[+-][0-9]{2}:00$",
            description="of the hours: the place's standard time, which holds all year",
        ),
    ]
    first_hour: str
    values: Annotated[
        list[float | None], Keywords(description="one an hour, from the first hour on")
    ]
    months: Annotated[list[MonthOfHours], Keywords(description="what the values rest on")]
