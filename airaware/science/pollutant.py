"""What an entry of the pollutants' table says.

Concentrations are in the unit of EPA's hourly files; `display_factor` is for pages alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

AQI_CATEGORIES = (
    "Good",
    "Moderate",
    "Unhealthy for Sensitive Groups",
    "Unhealthy",
    "Very Unhealthy",
    "Hazardous",
)

DailyMetric = Literal["max_8h", "mean_24h", "max_1h"]
DAILY_LABELS: Mapping[DailyMetric, str] = {
    "max_8h": "daily maximum 8-hour mean",
    "mean_24h": "24-hour mean",
    "max_1h": "daily maximum 1-hour mean",
}


# What places are ranked by (airaware/science/ranking.py).
RankedBy = Literal["mean_of_days", "mean_of_hours", "fourth_highest", "highest"]
RANKED_LABELS: Mapping[RankedBy, str] = {
    "mean_of_days": "annual mean",
    "mean_of_hours": "annual mean",
    "fourth_highest": "fourth-highest day",
    "highest": "highest day",
}


@dataclass(frozen=True)
class Standard:
    """A national ambient air quality standard (40 CFR 50), as it bears on one day.

    `above_from` is the least daily metric that counts as above the level: each standard's own
    rounding decides it (35.4 is 35, and 35.5 is 36, which is above).
    """

    level: float
    above_from: float
    edition: str
    text: str


@dataclass(frozen=True)
class Breakpoints:
    """A row per AQI category, from Good upwards: (lowest, highest, AQI of lowest, AQI of highest).

    Concentrations are truncated to `decimals` before they are looked up.
    """

    edition: str
    decimals: int
    rows: tuple[tuple[float, float, int, int], ...]


@dataclass(frozen=True)
class EightHourRule:
    """Which 8-hour means make a day, and how many of them are needed.

    `begin_hours` are the hours (LST) in which they begin; negative ones are of the day before.
    """

    begin_hours: tuple[int, ...]
    needed_means: int


@dataclass(frozen=True)
class MapScales:
    """What the map's colours stretch over, in the display unit: (lowest, highest).

    They are the same in each year, so that years compare.
    """

    hourly_mean: tuple[float, float]
    daily_mean: tuple[float, float]
    daily_max: tuple[float, float]


@dataclass(frozen=True)
class Method:
    """A method of measuring, as AQS names it."""

    code: str
    name: str


@dataclass(frozen=True)
class SyntheticProfile:
    """How synthetic files imitate a pollutant; concentrations are in EPA's unit.

    Amplitudes (`season`, `daily`, `smoke`) and `spread` are of the value's logarithm; `noise` is an
    instrument's standard error; `seasonal` is the share of the sites that measure in summer alone.
    """

    stations: int  # in a national file
    methods: tuple[Method, ...]
    detection_limit: float
    decimals: int
    lowest: float
    highest: float
    level: float
    season: float
    peak_day: int
    daily: float
    peak_hour: int
    spread: float
    noise: float
    smoke: float
    seasonal: float = 0.0


@dataclass(frozen=True)
class Pollutant:
    """One parameter of EPA's Air Quality System, and how a day of it is judged."""

    code: int
    name: str  # as in the files' "Parameter Name"
    label: str  # short, for pages; distinguishes 88101 from 88502
    file_units: tuple[str, ...]  # accepted in the files' "Units of Measure"
    unit: str
    display_unit: str
    display_factor: float
    default: bool  # fetched without being named
    first_year: int  # of EPA's hourly files
    possible: tuple[float, float]  # the lowest and the highest hour that a file may hold
    daily: DailyMetric
    daily_decimals: int  # that the daily metric is truncated to
    ranked_by: RankedBy
    standard: Standard
    aqi: Breakpoints | None
    map_scales: MapScales
    synthetic: SyntheticProfile
    eight_hours: EightHourRule | None = None  # where daily is "max_8h"
    # Whether a mean with too few hours counts if it is above the standard with zeros for them.
    zeros_for_missing: bool = False
    # "Method Code"s whose rows are left out where the same site and hour has one of the others.
    uncorrected_methods: tuple[str, ...] = ()
    corrected_methods: tuple[str, ...] = ()
    note: str = ""  # what a page must say beside it

    @property
    def daily_label(self) -> str:
        """What pages call the daily metric."""
        return DAILY_LABELS[self.daily]
