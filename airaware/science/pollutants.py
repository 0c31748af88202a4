"""The table of parameters: EPA's codes, units, standards and AQI breakpoints.

Concentrations are in the unit of EPA's hourly files; `display_factor` is for pages alone.
"""

from dataclasses import dataclass
from typing import Literal

from airaware.errors import AirAwareError

AQI_CATEGORIES = (
    "Good",
    "Moderate",
    "Unhealthy for Sensitive Groups",
    "Unhealthy",
    "Very Unhealthy",
    "Hazardous",
)


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
class Pollutant:
    """One parameter of EPA's Air Quality System, and how a day of it is judged."""

    code: int
    name: str  # as in the files' "Parameter Name"
    label: str  # short, for pages: tells 88101 from 88502
    file_units: tuple[str, ...]  # accepted in the files' "Units of Measure"
    unit: str
    display_unit: str
    display_factor: float
    default: bool  # fetched without being named
    first_year: int  # of EPA's hourly files
    possible: tuple[float, float]  # the lowest and the highest hour that a file may hold
    daily: Literal["max_8h", "mean_24h", "max_1h"]
    daily_decimals: int  # that the daily metric is truncated to
    standard: Standard
    aqi: Breakpoints | None
    eight_hours: EightHourRule | None = None  # where daily is "max_8h"
    # Whether a mean with too few hours counts if it is above the standard with zeros for them.
    zeros_for_missing: bool = False
    # "Method Code"s whose rows are left out where the same site and hour has one of the others.
    uncorrected_methods: tuple[str, ...] = ()
    corrected_methods: tuple[str, ...] = ()
    note: str = ""  # what a page must say beside it


# The AQI tables: EPA-454/B-24-002, "Technical Assistance Document for the Reporting of Daily Air
# Quality - the Air Quality Index" (May 2024), Table 6 = 40 CFR 58 Appendix G, Table 2.
AQI_EDITION = "2024 (EPA-454/B-24-002)"

# 8-hour values do not define the AQI above 300; EPA takes 1-hour values there.
OZONE_AQI = Breakpoints(
    AQI_EDITION,
    decimals=3,
    rows=(
        (0.000, 0.054, 0, 50),
        (0.055, 0.070, 51, 100),
        (0.071, 0.085, 101, 150),
        (0.086, 0.105, 151, 200),
        (0.106, 0.200, 201, 300),
    ),
)
PM25_AQI = Breakpoints(
    AQI_EDITION,
    decimals=1,
    rows=(
        (0.0, 9.0, 0, 50),
        (9.1, 35.4, 51, 100),
        (35.5, 55.4, 101, 150),
        (55.5, 125.4, 151, 200),
        (125.5, 225.4, 201, 300),
        (225.5, 325.4, 301, 500),
    ),
)
PM10_AQI = Breakpoints(
    AQI_EDITION,
    decimals=0,
    rows=(
        (0, 54, 0, 50),
        (55, 154, 51, 100),
        (155, 254, 101, 150),
        (255, 354, 151, 200),
        (355, 424, 201, 300),
        (425, 604, 301, 500),
    ),
)
NO2_AQI = Breakpoints(
    AQI_EDITION,
    decimals=0,
    rows=(
        (0, 53, 0, 50),
        (54, 100, 51, 100),
        (101, 360, 101, 150),
        (361, 649, 151, 200),
        (650, 1249, 201, 300),
        (1250, 2049, 301, 500),
    ),
)
# 1-hour values do not define the AQI above 200; EPA takes 24-hour values there.
SO2_AQI = Breakpoints(
    AQI_EDITION,
    decimals=0,
    rows=(
        (0, 35, 0, 50),
        (36, 75, 51, 100),
        (76, 185, 101, 150),
        (186, 304, 151, 200),
    ),
)
CO_AQI = Breakpoints(
    AQI_EDITION,
    decimals=1,
    rows=(
        (0.0, 4.4, 0, 50),
        (4.5, 9.4, 51, 100),
        (9.5, 12.4, 101, 150),
        (12.5, 15.4, 151, 200),
        (15.5, 30.4, 201, 300),
        (30.5, 50.4, 301, 500),
    ),
)

# 40 CFR 50 Appendix N: the 98th percentile is rounded to a whole microgram.
PM25_STANDARD = Standard(
    level=35,
    above_from=35.5,
    edition="2006, retained 2024",
    text="35 µg/m³, 24-hour mean (2006, retained 2024; 40 CFR 50.20)",
)

# What an hour can be: errors of the instrument below zero, and room above the highest on record.
# Sentinels (-999, -9999, 99999) and slips of unit lie outside.
#
# - Below zero: instruments drift and have noise. Hours of PM2.5 come to about -10 µg/m³; the limits
#   leave several times that, and for gases much more than their detection limits.
# - Gases: 40 CFR 51.151 names levels of significant harm, which must never be reached: ozone
#   0.6 ppm (2 hours), NO2 2.0 ppm and CO 125 ppm (1 hour), SO2 1.0 ppm (24 hours). The limits are
#   1.7 to 20 times those. Highest hours on record: ozone 0.39 ppm in the South Coast basin since
#   1983 (CARB, Almanac 2004, table 4-3); CO 30.9 ppm and SO2 2.5 ppm in 1980 ("Fundamentals of Air
#   Pollution", table 4-2). SO2 is higher beside a volcano.
# - PM2.5: continuous monitors measure to 10,000 µg/m³. Hours of wildfire smoke come to 1,000.
# - PM10: a day had 15,641 µg/m³ (Owens and Mono lakes, 2003; CARB on the Great Basin Valleys). The
#   limit is that day's dust in four hours.
PM25_POSSIBLE = (-50, 9_000)

_TABLE = (
    Pollutant(
        code=44201,
        name="Ozone",
        label="Ozone",
        file_units=("Parts per million",),
        unit="ppm",
        display_unit="ppb",
        display_factor=1000,
        default=True,
        first_year=1980,
        possible=(-0.05, 1.0),
        daily="max_8h",
        # 40 CFR 50 Appendix U (2015), section 3.
        eight_hours=EightHourRule(begin_hours=tuple(range(7, 24)), needed_means=13),
        zeros_for_missing=True,  # section 3(b)
        daily_decimals=3,
        standard=Standard(
            level=0.070,
            above_from=0.071,
            edition="2015",
            text="0.070 ppm, daily maximum 8-hour mean (2015; 40 CFR 50.19)",
        ),
        aqi=OZONE_AQI,
    ),
    Pollutant(
        code=88101,
        name="PM2.5 - Local Conditions",
        label="PM2.5 (FRM/FEM)",
        file_units=("Micrograms/cubic meter (LC)",),
        unit="µg/m³",
        display_unit="µg/m³",
        display_factor=1,
        default=True,
        first_year=2008,
        possible=PM25_POSSIBLE,
        daily="mean_24h",
        daily_decimals=1,
        standard=PM25_STANDARD,
        aqi=PM25_AQI,
        zeros_for_missing=True,  # 40 CFR 50 Appendix N, section 3.0(c)
        # T640 and T640X as measured: too high (Federal Register 2024-02935). EPA has added the
        # same hours again, corrected, as 736 and 738; 636 and 638 correct while they measure.
        # Files from before May 2024 and agencies that opted out have the hours as measured alone.
        uncorrected_methods=("236", "238"),
        corrected_methods=("736", "738", "636", "638"),
    ),
    Pollutant(
        code=88502,
        name="Acceptable PM2.5 AQI & Speciation Mass",
        label="PM2.5 (non-FRM)",
        file_units=("Micrograms/cubic meter (LC)",),
        unit="µg/m³",
        display_unit="µg/m³",
        display_factor=1,
        default=True,
        first_year=1998,
        possible=PM25_POSSIBLE,
        daily="mean_24h",
        daily_decimals=1,
        standard=PM25_STANDARD,
        aqi=PM25_AQI,
        note="Not a method of the national standard: level and AQI are shown for orientation.",
    ),
    Pollutant(
        code=42602,
        name="Nitrogen dioxide (NO2)",
        label="NO2",
        file_units=("Parts per billion",),
        unit="ppb",
        display_unit="ppb",
        display_factor=1,
        default=False,
        first_year=1980,
        possible=(-50, 5_000),
        daily="max_1h",
        daily_decimals=1,
        # Appendix S: the 98th percentile is rounded to a whole ppb.
        standard=Standard(
            level=100,
            above_from=100.5,
            edition="2010",
            text="100 ppb, daily maximum 1-hour mean (2010; 40 CFR 50.11)",
        ),
        aqi=NO2_AQI,
    ),
    Pollutant(
        code=42401,
        name="Sulfur dioxide",
        label="SO2",
        file_units=("Parts per billion",),
        unit="ppb",
        display_unit="ppb",
        display_factor=1,
        default=False,
        first_year=1980,
        possible=(-50, 20_000),
        daily="max_1h",
        daily_decimals=1,
        # Appendix T: the 99th percentile is rounded to a whole ppb.
        standard=Standard(
            level=75,
            above_from=75.5,
            edition="2010",
            text="75 ppb, daily maximum 1-hour mean (2010; 40 CFR 50.17)",
        ),
        aqi=SO2_AQI,
    ),
    Pollutant(
        code=42101,
        name="Carbon monoxide",
        label="CO",
        file_units=("Parts per million",),
        unit="ppm",
        display_unit="ppm",
        display_factor=1,
        default=False,
        first_year=1980,
        possible=(-5, 500),
        daily="max_8h",
        # 40 CFR 50.8 knows no day. AQS dates a mean by the hour in which it ends (duration "8-HR
        # RUN AVG END HOUR"); a day needs 75% of its 24 means, as all of AQS's daily summaries.
        eight_hours=EightHourRule(begin_hours=tuple(range(-7, 17)), needed_means=18),
        daily_decimals=1,
        # 40 CFR 50.8(d): compared as whole ppm, 0.5 rounded up.
        standard=Standard(
            level=9,
            above_from=9.5,
            edition="1971",
            text="9 ppm, daily maximum 8-hour mean (1971; 40 CFR 50.8)",
        ),
        aqi=CO_AQI,
    ),
    Pollutant(
        code=81102,
        name="PM10 Total 0-10um STP",
        label="PM10",
        file_units=("Micrograms/cubic meter (25 C)",),
        unit="µg/m³",
        display_unit="µg/m³",
        display_factor=1,
        default=False,
        first_year=1980,
        possible=(-50, 95_000),
        daily="mean_24h",
        # Appendix K names no decimals; the AQI takes whole micrograms.
        daily_decimals=0,
        # Appendix K: rounded to the nearest 10, so that 154 is 150, and 155 is 160.
        standard=Standard(
            level=150,
            above_from=155,
            edition="1987",
            text="150 µg/m³, 24-hour mean (1987; 40 CFR 50.6)",
        ),
        aqi=PM10_AQI,
    ),
)

POLLUTANTS = {pollutant.code: pollutant for pollutant in _TABLE}
DEFAULT_PARAMETERS = tuple(pollutant.code for pollutant in _TABLE if pollutant.default)


def get(code: int) -> Pollutant:
    """The pollutant of EPA's parameter code. Raises AirAwareError where it is not in the table."""
    try:
        return POLLUTANTS[code]
    except KeyError:
        known = ", ".join(f"{known.code} ({known.label})" for known in _TABLE)
        raise AirAwareError(f"Parameter {code} is not known. Known are: {known}") from None
