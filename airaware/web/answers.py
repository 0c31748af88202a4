"""What the site answers: the API sends it as JSON, the pages show it.

`airaware.web.openapi` derives the API's description from these classes; `Keywords` add
what a type does not say. Distances are in km, concentrations in each pollutant's display unit; None
where there is no value. Days and months are made by the thousand, so they are not frozen: that
takes thrice as long.
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
        properties={name: {"type": "integer", "minimum": 0} for name in AQI_CATEGORIES},
        required=list(AQI_CATEGORIES),
    ),
]
Category = Annotated[str | None, Keywords(enum=[*AQI_CATEGORIES, None])]
WithoutSmoke = Annotated[
    float | None,
    Keywords(
        description="the figure without the days that have hours flagged as smoke, which EPA may"
        " exclude as exceptional events; null where it is the same, or no day is left"
    ),
]
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


@dataclass
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


@dataclass
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


@dataclass
class Day:
    """One day of a pollutant; without a value where too little was measured."""

    date: DayText
    value: float | None
    above_standard: bool
    aqi: int | None
    category: Category
    nearest_km: float | None
    expected_error: float | None
    smoke_hours: Annotated[
        int,
        Keywords(
            minimum=0,
            description="the most hours flagged as smoke from a vegetation fire at any monitor that"
            " the day rests on",
        ),
    ]


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
class RankIn:
    """How many ZIP codes of an area have a higher figure, the same, and a lower one."""

    area: Annotated[str, Keywords(description="US, or the two letters of the place's state")]
    rank: Annotated[int, Keywords(minimum=1, description="1 is the highest figure")]
    higher: Count
    alike: Count
    lower: Count


@dataclass(frozen=True)
class Rank:
    """The figure that places are ranked by, among ZIP codes with a monitor within 30 miles."""

    measure: str
    value: float
    areas: Annotated[list[RankIn], Keywords(description="the country, and the place's state")]


@dataclass(frozen=True)
class Range:
    """The least and the greatest count of a range, both within it."""

    low: Count
    high: Count


@dataclass(frozen=True)
class Ranges:
    """Between which counts the real ones lie, with a chance of 90%."""

    days_above_standard: Range
    aqi_days: Annotated[
        dict[str, Range] | None, Keywords(description="by category; of each by itself")
    ]


@dataclass(frozen=True)
class LoadedFile:
    """EPA's file of a year that was loaded, and how to cite it."""

    file: str
    date: Annotated[
        DayText | None, Keywords(description="when EPA changed the file; null where not recorded")
    ]
    newest_change: Annotated[
        DayText | None,
        Keywords(
            description='the newest "Date of Last Change" of its rows; null where not recorded'
        ),
    ]
    checksum: Annotated[str, Keywords(description="of the load: of all that was made of the file")]
    cite: str


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
    sources: Annotated[list[LoadedFile], Keywords(description="a file of each year, by year")]
    data_since: Annotated[int, Keywords(description="the first year of EPA's hourly data of it")]
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
    """A pollutant's year at the exact place."""

    sentence: Annotated[str, Keywords(description="the year in plain words")]
    rank: Annotated[
        Rank | None, Keywords(description="null of too few days with a monitor within 30 miles")
    ]
    ranges: Annotated[
        Ranges | None, Keywords(description="null where too few monitors measured to know them")
    ]
    days_above_with_smoke: Annotated[
        int,
        Keywords(minimum=0, description="days above with hours flagged as smoke"),
    ]
    days: list[Day]
    trend: Annotated[
        str | None, Keywords(description="since the first loaded year, in plain words")
    ]
    years: list[Year]
    monitors: list[Monitor]


@dataclass(frozen=True)
class DaysPollutant(LoadedPollutant):
    """A pollutant's year at the exact place, day by day."""

    days: list[Day]


@dataclass(frozen=True)
class AqiPollutant:
    """A pollutant of the daily index: on how many days it has an index, leads, and ties."""

    name: str
    parameters: Annotated[
        list[int], Keywords(description="EPA's codes; PM2.5 is decided day by day")
    ]
    unit: str
    days: Count
    leads: Annotated[int, Keywords(minimum=0, description="days that it leads alone")]
    ties: Count
    nearest_km: Annotated[
        float | None, Keywords(description="to its nearest monitor on any of its days")
    ]
    expected_error: Annotated[
        float | None, Keywords(description="of a day, root mean square; null where not known")
    ]


@dataclass
class Leader:
    """A pollutant that leads a day, its monitor's distance, and the error to expect of its day."""

    parameter: int
    nearest_km: float
    expected_error: float | None


@dataclass
class AqiDay:
    """The index of a day; several pollutants lead where they tie."""

    date: DayText
    aqi: int | None
    category: Category
    leading: list[Leader]
    rests_on: Annotated[
        list[int], Keywords(description="EPA's codes of the pollutants with an index on the day")
    ]
    smoke_hours: Annotated[
        int,
        Keywords(
            minimum=0,
            description="the most hours flagged as smoke from a vegetation fire at any monitor of"
            " the pollutants with an index on the day",
        ),
    ]


@dataclass(frozen=True)
class DailyAqi:
    """The daily Air Quality Index: the highest over the pollutants, an estimate."""

    sentence: Annotated[str, Keywords(description="the year in plain words")]
    error_not_known: Annotated[
        list[str], Keywords(description="pollutants that lead a day whose error is not known")
    ]
    synthetic: bool
    edition: Annotated[str, Keywords(description="of the AQI's tables")]
    days: Annotated[int, Keywords(minimum=0, description="days that have an index")]
    aqi_days: AqiDays
    ties: Count
    pollutants: list[AqiPollutant]
    by_day: list[AqiDay]


@dataclass(frozen=True)
class Quarter:
    """A calendar quarter of PM2.5."""

    quarter: Annotated[int, Keywords(minimum=1, maximum=4)]
    mean: float | None
    days: Count
    short: Annotated[bool, Keywords(description="fewer than 75% of its days have a value")]


@dataclass(frozen=True)
class Pm25Standards:
    """PM2.5's year beside its annual standard and the WHO's guidelines."""

    parameter: int
    unit: str
    synthetic: bool
    note: str
    annual_mean: Annotated[
        float,
        Keywords(
            description="the mean of the quarterly means; of fewer than four where one is null"
        ),
    ]
    above_standard: Annotated[
        bool | None,
        Keywords(
            description="the rounded annual mean is above the level, which is not a finding; null"
            " where a quarter has no day"
        ),
    ]
    quarters: list[Quarter]
    standard: Standard
    guideline: Standard
    days: Count
    daily_guideline: Standard
    days_above_daily_guideline: Count
    three_year_mean: Annotated[
        float | None,
        Keywords(
            description="of this year and the two before, where all are loaded and each quarter has"
            " a day"
        ),
    ]
    annual_mean_without_smoke: WithoutSmoke
    nearest_km: float
    estimate: Annotated[bool, Keywords(description="some days are from monitors beyond 30 miles")]


@dataclass(frozen=True)
class OzoneStandards:
    """Ozone's year beside its standard."""

    parameter: int
    unit: str
    synthetic: bool
    days: Count
    fourth_highest: float
    above_standard: Annotated[
        bool, Keywords(description="the fourth-highest day is above the level; not a finding")
    ]
    standard: Standard
    three_year_mean: Annotated[
        float | None, Keywords(description="of this year and the two before, where all are loaded")
    ]
    fourth_highest_without_smoke: WithoutSmoke
    nearest_km: float
    estimate: Annotated[bool, Keywords(description="some days are from monitors beyond 30 miles")]


@dataclass(frozen=True)
class AgainstStandards:
    """The year beside the standards: estimates at the place, not a regulatory finding."""

    note: str
    pm25: Pm25Standards | None
    ozone: OzoneStandards | None


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
    """The air of a year at the exact place."""

    figures: Literal["point"]
    daily_aqi: DailyAqi | None
    against_standards: AgainstStandards
    pollutants: list[PointPollutant]


@dataclass(frozen=True)
class Days(Air):
    """Each day of a year at the exact place."""

    pollutants: list[DaysPollutant]


@dataclass(frozen=True)
class Compared:
    """The same year at several places."""

    year: int
    places: list[PointAir]


def members(answer: Any) -> dict[str, Any]:
    """Return an answer's members by their names in JSON: a trailing _ only escapes a keyword."""
    return {name.rstrip("_"): value for name, value in vars(answer).items()}
