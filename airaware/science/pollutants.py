"""The table of pollutants: EPA's codes, units, standards, AQI breakpoints, and the map's scales.

One entry is all that a pollutant needs (docs/adding.md). Concentrations are in the unit of EPA's
hourly files, but for the map's scales, which are in the display unit.
"""

from airaware.errors import AirAwareError
from airaware.science.pollutant import (
    Breakpoints,
    EightHourRule,
    MapScales,
    Method,
    Pollutant,
    Standard,
    SyntheticProfile,
)

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

_ULTRAVIOLET = (
    Method("047", "INSTRUMENTAL - ULTRA VIOLET"),
    Method("087", "INSTRUMENTAL - ULTRA VIOLET ABSORPTION"),
)
_BETA = (Method("170", "Met One BAM-1020 Mass Monitor w/VSCC - Beta Attenuation"),)
_BETA_NOT_FEM = (Method("731", "Met-One BAM-1020 W/PM2.5 SCC - Beta Attenuation"),)
_CHEMILUMINESCENCE = (
    Method("074", "INSTRUMENTAL - CHEMILUMINESCENCE"),
    Method("099", "INSTRUMENTAL - GAS PHASE CHEMILUMINESCENCE"),
)
_FLUORESCENCE = (Method("060", "INSTRUMENTAL - PULSED FLUORESCENT"),)
_INFRARED = (Method("054", "INSTRUMENTAL - NONDISPERSIVE INFRARED"),)
_BETA_PM10 = (Method("122", "INSTRUMENT MET ONE 4 MODELS - BETA ATTENUATION"),)

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
        ranked_by="fourth_highest",
        standard=Standard(
            level=0.070,
            above_from=0.071,
            edition="2015",
            text="0.070 ppm, daily maximum 8-hour mean (2015; 40 CFR 50.19)",
        ),
        aqi=OZONE_AQI,
        map_scales=MapScales(hourly_mean=(10, 50), daily_mean=(20, 70), daily_max=(40, 100)),
        synthetic=SyntheticProfile(
            stations=1270,
            methods=_ULTRAVIOLET,
            detection_limit=0.005,
            decimals=3,
            lowest=0,
            highest=0.25,
            level=0.021,
            season=0.35,
            peak_day=165,
            daily=0.6,
            peak_hour=15,
            spread=0.22,
            noise=0.0025,
            smoke=0.25,
            seasonal=0.58,
        ),
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
        ranked_by="mean_of_days",
        standard=PM25_STANDARD,
        aqi=PM25_AQI,
        zeros_for_missing=True,  # 40 CFR 50 Appendix N, section 3.0(c)
        # T640 and T640X as measured: too high (Federal Register 2024-02935). EPA has added the
        # same hours again, corrected, as 736 and 738; 636 and 638 correct while they measure.
        # Files from before May 2024 and agencies that opted out have the hours as measured alone.
        uncorrected_methods=("236", "238"),
        corrected_methods=("736", "738", "636", "638"),
        map_scales=MapScales(hourly_mean=(0, 20), daily_mean=(0, 20), daily_max=(0, 60)),
        synthetic=SyntheticProfile(
            stations=650,
            methods=_BETA,
            detection_limit=5,
            decimals=1,
            lowest=-9,
            highest=985,
            level=8,
            season=0.15,
            peak_day=15,
            daily=0.15,
            peak_hour=7,
            spread=0.45,
            noise=2.1,
            smoke=1.8,
        ),
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
        ranked_by="mean_of_days",
        standard=PM25_STANDARD,
        aqi=PM25_AQI,
        note="Not a method of the national standard: level and AQI are shown for orientation.",
        map_scales=MapScales(hourly_mean=(0, 20), daily_mean=(0, 20), daily_max=(0, 60)),
        synthetic=SyntheticProfile(
            stations=200,
            methods=_BETA_NOT_FEM,
            detection_limit=5,
            decimals=1,
            lowest=-9,
            highest=985,
            level=7,
            season=0.15,
            peak_day=15,
            daily=0.15,
            peak_hour=7,
            spread=0.45,
            noise=2.1,
            smoke=1.8,
        ),
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
        ranked_by="mean_of_hours",
        # Appendix S: the 98th percentile is rounded to a whole ppb.
        standard=Standard(
            level=100,
            above_from=100.5,
            edition="2010",
            text="100 ppb, daily maximum 1-hour mean (2010; 40 CFR 50.11)",
        ),
        aqi=NO2_AQI,
        map_scales=MapScales(hourly_mean=(0, 25), daily_mean=(0, 50), daily_max=(0, 80)),
        synthetic=SyntheticProfile(
            stations=450,
            methods=_CHEMILUMINESCENCE,
            detection_limit=5,
            decimals=1,
            lowest=0,
            highest=400,
            level=9,
            season=0.25,
            peak_day=15,
            daily=0.35,
            peak_hour=7,
            spread=0.5,
            noise=0.8,
            smoke=0.2,
        ),
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
        ranked_by="highest",
        # Appendix T: the 99th percentile is rounded to a whole ppb.
        standard=Standard(
            level=75,
            above_from=75.5,
            edition="2010",
            text="75 ppb, daily maximum 1-hour mean (2010; 40 CFR 50.17)",
        ),
        aqi=SO2_AQI,
        map_scales=MapScales(hourly_mean=(0, 5), daily_mean=(0, 20), daily_max=(0, 75)),
        synthetic=SyntheticProfile(
            stations=480,
            methods=_FLUORESCENCE,
            detection_limit=2,
            decimals=1,
            lowest=0,
            highest=1000,
            level=1.2,
            season=0.1,
            peak_day=15,
            daily=0.2,
            peak_hour=11,
            spread=0.9,
            noise=0.3,
            smoke=0.1,
        ),
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
        ranked_by="highest",
        # 40 CFR 50.8(d): compared as whole ppm, 0.5 rounded up.
        standard=Standard(
            level=9,
            above_from=9.5,
            edition="1971",
            text="9 ppm, daily maximum 8-hour mean (1971; 40 CFR 50.8)",
        ),
        aqi=CO_AQI,
        map_scales=MapScales(hourly_mean=(0, 0.8), daily_mean=(0, 1.6), daily_max=(0, 4)),
        synthetic=SyntheticProfile(
            stations=300,
            methods=_INFRARED,
            detection_limit=0.5,
            decimals=1,
            lowest=0,
            highest=50,
            level=0.35,
            season=0.25,
            peak_day=15,
            daily=0.25,
            peak_hour=8,
            spread=0.4,
            noise=0.05,
            smoke=0.8,
        ),
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
        ranked_by="mean_of_days",
        # Appendix K: rounded to the nearest 10, so that 154 is 150, and 155 is 160.
        standard=Standard(
            level=150,
            above_from=155,
            edition="1987",
            text="150 µg/m³, 24-hour mean (1987; 40 CFR 50.6)",
        ),
        aqi=PM10_AQI,
        map_scales=MapScales(hourly_mean=(0, 50), daily_mean=(0, 50), daily_max=(0, 150)),
        synthetic=SyntheticProfile(
            stations=350,
            methods=_BETA_PM10,
            detection_limit=4,
            decimals=0,
            lowest=-15,
            highest=4000,
            level=20,
            season=0.2,
            peak_day=200,
            daily=0.2,
            peak_hour=17,
            spread=0.6,
            noise=3,
            smoke=1.3,
        ),
    ),
)

POLLUTANTS = {pollutant.code: pollutant for pollutant in _TABLE}
DEFAULT_PARAMETERS = tuple(pollutant.code for pollutant in _TABLE if pollutant.default)


def get(code: int) -> Pollutant:
    """Return the pollutant of EPA's parameter code.

    Raises:
        AirAwareError: the code is not in the table.
    """
    try:
        return POLLUTANTS[code]
    except KeyError:
        known = ", ".join(f"{known.code} ({known.label})" for known in _TABLE)
        raise AirAwareError(f"Parameter {code} is not known. Known are: {known}") from None
