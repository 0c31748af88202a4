"""What the site answers: the API sends it as JSON, the pages show it.

`airaware.web.openapi` derives the API's description from these classes; `Keywords` add
what a type does not say. Distances are in km, concentrations in each pollutant's display unit; None
where there is no value.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.science.pollutants import POLLUTANTS
from airaware.web.json_schema import Keywords

Count = Annotated[int, Keywords(minimum=0)]
DayText = Annotated[str, Keywords(format="date")]
Figures = Literal["grid", "point"]
AqiDays = Annotated[
    dict[str, int],
    Keywords(
        properties=dict.fromkeys(AQI_CATEGORIES, {"type": "integer", "minimum": 0}),
        required=list(AQI_CATEGORIES),
    ),
]
Category = Annotated[str | None, Keywords(enum=[*AQI_CATEGORIES, None])]
Estimate = Annotated[bool, Keywords(description="from monitors beyond 30 miles")]


@dataclass(frozen=True)
class Place:
    """Where an address lies (degrees), how it was found, and how exact that is."""

    label: str
    latitude: float
    longitude: float
    method: Annotated[str, Keywords(enum=["coordinates", "census", "zip", "city"])]
    precision_km: float
    precision: str
    note: str


@dataclass(frozen=True)
class Cell:
    """The grid cell nearest to a place, and its centre (degrees)."""

    id: str
    latitude: float
    longitude: float
    distance_km: float


@dataclass(frozen=True)
class Standard:
    """A national standard, as it bears on one day."""

    level: float
    edition: str
    text: str


@dataclass(frozen=True)
class UncorrectedMonitor:
    """A monitor, and how many of its year's T640 hours EPA has not corrected."""

    site: str
    year: int
    hours: Count


UncorrectedMonitors = Annotated[
    list[UncorrectedMonitor],
    Keywords(
        description="monitors used that are Teledyne T640s, and how many of their hours EPA has"
        " not corrected: these tend to be too high"
    ),
]


@dataclass(frozen=True)
class DailyStatistics:
    """A month's daily metrics."""

    mean: float | None
    median: float | None
    p95: float | None
    max: float | None
    days: Count
    days_above_standard: Count
    aqi_days: AqiDays | None


@dataclass(frozen=True)
class MonthErrors:
    """The errors to expect of a month's mean, of one of its hours, and of one of its days."""

    hourly_mean: float | None
    hour: float | None
    day: float | None


@dataclass(frozen=True)
class Month:
    """One month of a pollutant."""

    month: Annotated[int, Keywords(minimum=1, maximum=12)]
    hourly_mean: float | None
    hours: Count
    daily: DailyStatistics
    stations: Count
    nearest_km: float | None
    estimate: Estimate
    expected_error: MonthErrors


@dataclass(frozen=True)
class YearErrors:
    """The errors to expect of a year's mean, and of one of its days."""

    hourly_mean: float | None
    day: float | None


@dataclass(frozen=True)
class Summary:
    """A pollutant's year as a whole."""

    hourly_mean: float
    hours: Count
    daily_mean: float | None
    days: Count
    days_above_standard: Count
    aqi_days: AqiDays | None
    nearest_km: float
    months_estimated: Count
    expected_error: YearErrors


@dataclass(frozen=True)
class Day:
    """One day of a pollutant; without a value where too little was measured."""

    date: DayText
    value: float | None
    above_standard: bool
    aqi: int | None
    category: Category
    nearest_km: float | None
    expected_error: float | None


@dataclass(frozen=True)
class Year:
    """One year of the trend, at the nearest grid point."""

    year: int
    synthetic: bool
    months: Count
    hourly_mean: float
    daily_mean: float | None
    days: Count
    days_above_standard: Count
    nearest_km: float
    expected_error: YearErrors


@dataclass(frozen=True)
class Monitor:
    """A monitor that some months rest on, and how many."""

    site: str
    latitude: float
    longitude: float
    distance_km: float
    months: Count


@dataclass(frozen=True)
class ZipCodes:
    """How many ZIP codes with a monitor in reach had more, as many, and fewer days above."""

    more_days: Count
    as_many_days: Count
    fewer_days: Count


@dataclass(frozen=True)
class Pollutant:
    """A pollutant, and how a day of it is judged."""

    parameter: Annotated[int, Keywords(description="EPA's code", enum=sorted(POLLUTANTS))]
    name: str
    label: str
    note: str
    unit: Annotated[str, Keywords(description="of all concentrations")]
    synthetic: Annotated[bool, Keywords(description="made up by a program: not the real air")]
    loaded_at: Annotated[str, Keywords(format="date-time")]
    daily_metric: str
    standard: Standard
    aqi_edition: str | None


@dataclass(frozen=True)
class LoadedPollutant(Pollutant):
    """A pollutant's year, and what its figures at a place lack."""

    incomplete_days: Annotated[
        list[DayText],
        Keywords(description="their 8-hour means reach into a year that is not there"),
    ]
    uncorrected_monitors: UncorrectedMonitors


@dataclass(frozen=True)
class GridPollutant(LoadedPollutant):
    """A pollutant's year, month by month."""

    summary: Summary | None
    months: Annotated[list[Month], Keywords(maxItems=12)]


@dataclass(frozen=True)
class PointPollutant(GridPollutant):
    """A pollutant's year at the very place."""

    sentence: Annotated[str, Keywords(description="the year in plain words")]
    zip_codes: ZipCodes | None
    days: list[Day]
    years: list[Year]
    monitors: list[Monitor]


@dataclass(frozen=True)
class DaysPollutant(LoadedPollutant):
    """A pollutant's year at the very place, day by day."""

    days: list[Day]


@dataclass(frozen=True)
class Air:
    """A place and a year."""

    place: Place
    cell: Cell
    figures: Figures
    year: int
    years: list[int]
    synthetic: bool


@dataclass(frozen=True)
class GridAir(Air):
    """The air of a year at the nearest grid point."""

    figures: Literal["grid"]
    pollutants: list[GridPollutant]


@dataclass(frozen=True)
class PointAir(Air):
    """The air of a year at the very place."""

    figures: Literal["point"]
    pollutants: list[PointPollutant]


@dataclass(frozen=True)
class Days(Air):
    """Each day of a year at the very place."""

    pollutants: list[DaysPollutant]


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
    """Each hour of some days at the very place; in JSON, `from_` is `from`."""

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


@dataclass(frozen=True)
class Compared:
    """The same year at several places."""

    year: int
    places: list[PointAir]


def members(answer: Any) -> dict[str, Any]:
    """Return an answer's members by their names in JSON: a trailing _ only escapes a keyword."""
    return {name.rstrip("_"): value for name, value in vars(answer).items()}
