"""The first AirAware's algorithm of 2018, small and faithful: what the main job is held against.

Each station-hour becomes a record for every point of the lattice within 30 miles, keyed by the
point and the hour; Spark adds up the records of a key; the month's mean is that of its hours. Plain
Python in an RDD, one tuple per record. Which points a station reaches was known beforehand.
"""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyspark import RDD, SparkContext

from airaware.job.stations import StationMonth, assemble
from airaware.raw import station_months
from airaware.science import grid
from airaware.science.sphere import EARTH_RADIUS_KM, MIN_DISTANCE_KM, REACH_KM

# Its lattice, degrees: first, last, and how many.
LATITUDES = (18.0, 72.0, 430)
LONGITUDES = (-178.0, -65.0, 860)
LEFT_OUT = "PR"

Lattice = tuple[np.ndarray, np.ndarray]
Place = tuple[float, float]


# A clean row: place (degrees), month, hour from the month's beginning, value.
StationHour = tuple[Place, int, int, float]


def lattice() -> Lattice:
    """Latitude and longitude, (points,) each, of the lattice's points in the 50 states and DC.

    The original's outlines (1:20,000,000) hold 67,353 of its 369,800 points; these, 1:500,000 and
    true to bays and islands, 66,683.
    """
    latitude, longitude = (
        axis.ravel()
        for axis in np.meshgrid(np.linspace(*LATITUDES), np.linspace(*LONGITUDES), indexing="ij")
    )
    inside = np.zeros(len(latitude), dtype=bool)
    for state, outline in grid.outlines().items():
        if state != LEFT_OUT:
            shape = shapely.geometry.shape(outline)
            shapely.prepare(shape)
            inside |= shapely.contains_xy(shape, longitude, latitude)
    return latitude[inside], longitude[inside]


def stations_of(path: Path, parameter: int, year: int, month: int) -> StationMonth:
    """A month of a file's stations, clean as the batch has them."""
    batches = station_months.read(path, parameter, year)
    records = [found.filter(pc.equal(found.column("month"), month)) for found in batches]
    days = calendar.monthrange(year, month)[1]
    return assemble(pa.Table.from_batches(records), days)


def rows_of_days(stations: StationMonth, month: int, days: int) -> list[StationHour]:
    """The rows of the month's first days, in plain Python."""
    hours = stations.hours_of_month[:, : 24 * days]
    places = list(zip(stations.latitude.tolist(), stations.longitude.tolist(), strict=True))
    station, hour = np.nonzero(np.isfinite(hours))
    return [
        (places[s], month, h, value)
        for s, h, value in zip(
            station.tolist(), hour.tolist(), hours[station, hour].tolist(), strict=True
        )
    ]


def neighbours(
    rows: Sequence[StationHour], points: Lattice
) -> dict[Place, list[tuple[int, float]]]:
    """Of each place in the rows, the points within 30 miles: (index, 1/distance^2 in 1/km^2)."""
    latitude, longitude = np.radians(points)
    found = {}
    for place in {row[0] for row in rows}:
        lat, lon = np.radians(place)
        # The haversine formula.
        square = (
            np.sin((latitude - lat) / 2) ** 2
            + np.cos(lat) * np.cos(latitude) * np.sin((longitude - lon) / 2) ** 2
        )
        distance_km = np.maximum(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(square)), MIN_DISTANCE_KM)
        near = np.flatnonzero(distance_km <= REACH_KM)
        found[place] = list(zip(near.tolist(), (distance_km[near] ** -2.0).tolist(), strict=True))
    return found


def monthly_means(
    context: SparkContext,
    rows: Sequence[StationHour],
    near: Mapping[Place, Sequence[tuple[int, float]]],
) -> "RDD[tuple[tuple[int, int], float]]":
    """((point, month), mean over the month's hours) for `near` of `neighbours`."""
    reach = context.broadcast(near)

    # Workers get all of these by value: nothing of this module is imported there.
    def records(row: StationHour) -> Iterator[tuple]:
        place, month, hour, value = row
        for point, weight in reach.value[place]:
            yield (point, month, hour), (value * weight, weight)

    def hourly_mean(record: tuple) -> tuple:
        (point, month, _), (weighted, weight) = record
        return (point, month), (weighted / weight, 1)

    def add(one: Any, other: Any) -> Any:
        return one[0] + other[0], one[1] + other[1]

    return (
        context.parallelize(rows)
        .flatMap(records)
        .reduceByKey(add)
        .map(hourly_mean)
        .reduceByKey(add)
        .mapValues(lambda total: total[0] / total[1])
    )
