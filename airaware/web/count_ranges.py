"""Between which counts a place's days above, and its days by AQI category, lie."""

from collections.abc import Callable

import numpy as np

from airaware.science import ranges
from airaware.science.pollutant import AQI_CATEGORIES
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load
from airaware.web import answers
from airaware.web.asking import At
from airaware.web.point_year import PointYear


def remembered(reader: Memory) -> Callable[[Load], np.ndarray]:
    """Return a function that gives a load's RANGES and asks the store once."""
    return lambda load: reader.remember(
        "errors", [load], "ranges", lambda: queries.ranges(reader, load)
    )


def of(at: At, year: PointYear) -> answers.Ranges | None:
    """Return the ranges of a place's year; None where too little is known of its errors."""
    pollutant = year.pollutant
    table = at.ranges(year.load)
    found = ranges.of_days(pollutant, table, year.month, year.nearest_km, year.daily)
    if found is None:
        return None
    above, *by_category = (answers.Range(*both) for both in found.tolist())
    by_name = dict(zip(AQI_CATEGORIES, by_category, strict=True)) if pollutant.aqi else None
    return answers.Ranges(above, by_name)
