"""What the site answers when asked how the figure of a day came about; see `answers`."""

from dataclasses import dataclass
from typing import Annotated

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.web.answers import Day, Place, Pollutant
from airaware.web.json_schema import Keywords


@dataclass(frozen=True)
class MonitorDay:
    """A monitor (degrees) that a day may rest on, its own day, and how much it counts."""

    site: str
    latitude: float
    longitude: float
    distance_km: float
    weight: Annotated[float, Keywords(description="1/distance², in 1/km²")]
    value: Annotated[
        float | None,
        Keywords(
            description="its own day's metric, in the unit of EPA's file, as stored (single"
            " precision); null where it has too few hours"
        ),
    ]
    share: Annotated[
        float | None,
        Keywords(
            minimum=0,
            maximum=1,
            description="its weight's part of the weights that count; null where it does not count",
        ),
    ]


@dataclass(frozen=True)
class AqiRow:
    """A category of the AQI's table: concentrations in the unit of EPA's file, and indices."""

    category: Annotated[str, Keywords(enum=list(AQI_CATEGORIES))]
    lowest: float
    highest: float
    lowest_aqi: int
    highest_aqi: int


@dataclass(frozen=True)
class AqiTable:
    """The AQI's table for a pollutant; a concentration is truncated to `decimals` first."""

    edition: str
    decimals: int
    rows: list[AqiRow]


@dataclass(frozen=True)
class Rule:
    """How monitors' hours become the figure of a day at a place."""

    day: Annotated[str, Keywords(description="how a monitor's day is made of its hours")]
    interpolation: Annotated[str, Keywords(description="how the monitors make the place's day")]
    file_unit: Annotated[str, Keywords(description="unit of EPA's file")]
    display_factor: Annotated[
        float, Keywords(description="from the unit of EPA's file to that of the answer")
    ]
    decimals: Annotated[
        int, Keywords(description="that a monitor's day is truncated to, in EPA's unit")
    ]
    above_from: Annotated[
        float,
        Keywords(description="the least value above the level of the standard, in EPA's unit"),
    ]
    aqi: AqiTable | None


@dataclass(frozen=True)
class FileDigest:
    """The digest of a file of EPA's that was loaded."""

    name: str
    sha256: str


@dataclass(frozen=True)
class NeighbouringHours:
    """The digest of the hours of a neighbouring year that the first or last day reaches into."""

    year: int
    sha256: Annotated[str | None, Keywords(description="null where they were not there")]


@dataclass(frozen=True)
class Working(Pollutant):
    """What the figure of one day at a place rests on, to recompute it from."""

    place: Place
    sentence: Annotated[str, Keywords(description="the figure in plain words")]
    day: Day
    monitors: Annotated[
        list[MonitorDay], Keywords(description="those of the day's month, the nearest first")
    ]
    rule: Rule
    digests: list[FileDigest]
    neighbouring_hours: list[NeighbouringHours]
    stages: Annotated[str, Keywords(description="the versions of the job's stages")]
