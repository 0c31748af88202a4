"""The data dictionary of the files of years in bulk: their columns, and what each holds.

The figures of a ZIP code are those of the API's answer at its nearest grid point, and have the
names of the members of its `summary`, joined by underscores.
"""

from airaware.science.pollutant import AQI_CATEGORIES
from airaware.science.yearly import AQI_DAYS
from airaware.store.bulk import COUNTIES, ZIP_CODES

FIGURES = {
    "hourly_mean": "mean of the year's hours, in the file's unit",
    "hours": "how many hours have a value",
    "daily_mean": "mean of the days' metric, in the file's unit",
    "days": "how many days have a value",
    "days_above_standard": "how many days are above the level of the national standard, which is"
    " not by itself a violation",
    **{
        name: f"how many days have the AQI category {category}; empty for a pollutant without AQI"
        for name, category in zip(AQI_DAYS, AQI_CATEGORIES, strict=True)
    },
    "nearest_km": "distance to the nearest monitor of any month, in km",
    "months_estimated": "how many months rest on monitors beyond 30 miles only",
    "expected_error_hourly_mean": "root mean square error to expect of the mean of hours, in the"
    " file's unit; empty where it is not known",
    "expected_error_day": "root mean square error to expect of one day's value, in the file's unit;"
    " empty where it is not known",
}
TEXT = "import the column as text, else leading zeros are lost"
COLUMNS = {
    ZIP_CODES: {
        "zip_code": f"ZIP code, five digits: {TEXT}",
        "city": "the city that the Postal Service names first",
        "state": "two letters",
        "latitude": "of the ZIP code's centre, in degrees",
        "longitude": "of the ZIP code's centre, in degrees",
        **FIGURES,
    },
    COUNTIES: {
        "fips": f"the county's FIPS code of 2017, five digits: {TEXT}",
        "county": "its name",
        "state": "two letters",
        "cells": "how many cells of the grid are the county's; where weighted by population, how"
        " many of them are inhabited",
        "weighted_by": "what the means over cells are weighted by: cells (all alike) or population",
        "covered": "the share of the cells, or of the people, that has figures: 0 to 1",
        **FIGURES,
    },
}
ROWS = {
    ZIP_CODES: "one for each ZIP code, with the figures of the grid point nearest to its centre,"
    " as /api/v1/air gives them; all empty where no monitor is within 100 miles",
    COUNTIES: "one for each county; each figure is the mean over the county's cells that have it,"
    " of errors only where all of these have one",
}
