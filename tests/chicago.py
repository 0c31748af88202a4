"""The air of a place in Chicago in 2013 from EPA's files, in plain Python without the product.

It follows the rules as they are written: 40 CFR 50 Appendices N and U, the AQI table of 2024
(EPA-454/B-24-002), inverse squared distances within 30 miles.
"""

import csv
import io
import math
import zipfile
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

YEAR = 2013
ZIP_60614 = (41.9227, -87.6472)
REACH_KM = 48.28032
OZONE_TABLE = ((0, 54, 0, 50), (55, 70, 51, 100), (71, 85, 101, 150), (86, 105, 151, 200))
PM25_TABLE = ((0, 90, 0, 50), (91, 354, 51, 100), (355, 554, 101, 150), (555, 1254, 151, 200))
NAMES = ("Good", "Moderate", "Unhealthy for Sensitive Groups", "Unhealthy")

Hours = dict[tuple[date, int], float]
Days = dict[date, float]


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance by the haversine formula."""
    a, b, c, d = map(math.radians, (*one, *other))
    part = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(part))


def sites(file: Path) -> dict[tuple[float, float], Hours]:
    """Return each site's hours by its coordinates: the mean of its instruments."""
    found: dict[tuple[float, float], dict[tuple[date, int], list[float]]] = {}
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
        for row in csv.DictReader(io.TextIOWrapper(member, "utf-8")):
            at = float(row["Latitude"]), float(row["Longitude"])
            hour = date.fromisoformat(row["Date Local"]), int(row["Time Local"][:2])
            hours = found.setdefault(at, defaultdict(list))
            hours[hour].append(float(row["Sample Measurement"]))
    return {
        at: {hour: sum(values) / len(values) for hour, values in hours.items()}
        for at, hours in found.items()
    }


def every_day() -> list[date]:
    """Return the days of the year."""
    return [date(YEAR, 1, 1) + timedelta(n) for n in range(365)]


def truncated(value: float, steps: int) -> float:
    """Return whole steps (1/steps each) of a value; binary noise is not a step."""
    return math.floor(value * steps + 1e-6) / steps


def ozone_days(hours: Hours) -> Days:
    """Return each day's highest 8-hour mean in ppm: 17 begin-hours from 07:00, 13 needed."""
    found = {}
    for day in every_day():
        means = []
        for begin in range(7, 24):
            at = [(day + timedelta((begin + n) // 24), (begin + n) % 24) for n in range(8)]
            known = [hours[hour] for hour in at if hour in hours]
            mean = truncated(sum(known) / (len(known) if len(known) >= 6 else 8), 1000)
            if len(known) >= 6 or mean > 0.070:
                means.append(mean)
        if len(means) >= 13 or (means and max(means) > 0.070):
            found[day] = max(means)
    return found


def pm25_days(hours: Hours) -> Days:
    """Return each day's mean in µg/m³: 18 hours needed, or above 35 even with zeros."""
    found = {}
    for day in every_day():
        known = [hours[day, hour] for hour in range(24) if (day, hour) in hours]
        mean = truncated(sum(known) / (len(known) if len(known) >= 18 else 24), 10)
        if len(known) >= 18 or mean >= 35.5:
            found[day] = mean
    return found


def at_place(days_of_sites: dict[tuple[float, float], Days], place: tuple[float, float]) -> Days:
    """Return the place's days: the mean of the sites within 30 miles, weighted by 1/km²."""
    found = {}
    for day in every_day():
        known = [
            (days[day], kilometres(at, place) ** -2)
            for at, days in days_of_sites.items()
            if day in days and kilometres(at, place) <= REACH_KM
        ]
        if known:
            total = sum(weight for _, weight in known)
            found[day] = sum(value * weight for value, weight in known) / total
    return found


def index(table: tuple[tuple[int, int, int, int], ...], steps: int) -> int:
    """Return the AQI of a concentration in the table's steps, rounded half up."""
    for low, high, index_low, index_high in table:
        if steps <= high:
            exact = index_low + (index_high - index_low) * (max(steps, 0) - low) / (high - low)
            return math.floor(exact + 0.5)
    raise ValueError(f"{steps} lies beyond the table")


def category(aqi: int) -> str:
    """Return the name of an index's category."""
    return next(NAMES[n] for n, (*_, high) in enumerate(OZONE_TABLE) if aqi <= high)


def ozone_and_pm25(folder: Path, place: tuple[float, float] = ZIP_60614) -> tuple[Days, Days]:
    """Return the daily ozone (ppm) and PM2.5 (µg/m³) of a place."""
    ozone = sites(folder / f"hourly_44201_{YEAR}.zip")
    pm25 = sites(folder / f"hourly_88101_{YEAR}.zip")
    return (
        at_place({at: ozone_days(hours) for at, hours in ozone.items()}, place),
        at_place({at: pm25_days(hours) for at, hours in pm25.items()}, place),
    )


def indices(ozone: Days, pm25: Days) -> tuple[dict[date, int], dict[date, int]]:
    """Return the AQI of each day that has a value."""
    return (
        {day: index(OZONE_TABLE, math.floor(value * 1000 + 0.002)) for day, value in ozone.items()},
        {day: index(PM25_TABLE, math.floor(value * 10 + 0.002)) for day, value in pm25.items()},
    )
