"""The questions that the site asks the store, and the answers as plain data."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from airaware.accuracy import Residuals
from airaware.store.zones import Reader

# Nothing in the US is farther than 4.0 km from a cell's centre (the grid's worst distance, at
# resolution 6). Thrice that is a cell of the grid or a neighbour of one: piers and islets count.
OUTSIDE_KM = 12.0

_NEAREST = """
WITH nearest AS (
    SELECT cell, center, center <-> ST_Point(%(longitude)s, %(latitude)s, 4326)::geography AS metres
    FROM cell
    ORDER BY metres
    LIMIT 1
)
SELECT cell,
       ST_Y(center::geometry) AS latitude,
       ST_X(center::geometry) AS longitude,
       metres / 1000 AS distance_km,
       (SELECT json_agg(json_build_array(parameter, year, synthetic, committed_at)
                        ORDER BY parameter, year) FROM load) AS loads
FROM nearest
"""
# One for each load: the planner then drops all other partitions before it plans. As a join with
# `load`, or as one list of keys, it would look into every year that is loaded.
_YEAR = "SELECT * FROM cell_year WHERE parameter = %s AND year = %s AND cell = %s"

_RESIDUALS = """
SELECT month, quantity, from_miles, observed, estimated, error, squared_error, value, squared_value
FROM residual WHERE parameter = %(parameter)s AND year = %(year)s
"""


@dataclass(frozen=True)
class Load:
    """One parameter's year that the store serves."""

    parameter: int
    year: int
    synthetic: bool
    committed_at: datetime


@dataclass(frozen=True)
class CellYear:
    """A cell's year of one parameter: twelve values each, January first; None where missing.

    Concentrations are in the unit of EPA's file; `aqi_days` has six counts per month, Good first.
    """

    parameter: int
    year: int
    hourly_mean: tuple[float | None, ...]
    hours: tuple[int, ...]
    daily_mean: tuple[float | None, ...]
    daily_max: tuple[float | None, ...]
    daily_median: tuple[float | None, ...]
    daily_p95: tuple[float | None, ...]
    days: tuple[int, ...]
    days_above: tuple[int, ...]
    aqi_days: tuple[tuple[int, ...], ...]
    stations: tuple[int, ...]
    nearest_km: tuple[float | None, ...]


@dataclass(frozen=True)
class Nearest:
    """The cell whose centre (degrees) is nearest to a point, and all that the store serves."""

    cell: int
    latitude: float
    longitude: float
    distance_km: float
    loads: tuple[Load, ...]


def nearest(reader: Reader, latitude: float, longitude: float) -> Nearest | None:
    """The cell of a point (degrees). None where the point lies outside the US.

    Raises NoZoneError where no database answers.
    """
    rows = reader.fetch(_NEAREST, {"latitude": latitude, "longitude": longitude})
    if not rows or rows[0].distance_km > OUTSIDE_KM:
        return None
    (row,) = rows
    loads = (
        Load(parameter, year, synthetic, datetime.fromisoformat(committed_at))
        for parameter, year, synthetic, committed_at in row.loads or ()
    )
    return Nearest(row.cell, row.latitude, row.longitude, row.distance_km, tuple(loads))


def cell_years(reader: Reader, cell: int, loads: Iterable[Load]) -> list[CellYear]:
    """The cell's rows of some loads; a load that does not reach the cell has none.

    Raises NoZoneError where no database answers.
    """
    keys = [(load.parameter, load.year, cell) for load in loads]
    if not keys:
        return []
    rows = reader.fetch(" UNION ALL ".join([_YEAR] * len(keys)), list(chain.from_iterable(keys)))
    return [_cell_year(row) for row in rows]


def residuals(reader: Reader, parameter: int, year: int) -> tuple[Residuals, ...]:
    """The sums over the residuals of a parameter's year; none where it was not loaded.

    Raises NoZoneError where no database answers.
    """
    rows = reader.fetch(_RESIDUALS, {"parameter": parameter, "year": year})
    return tuple(Residuals(*row) for row in rows)


def _cell_year(row: Any) -> CellYear:
    return CellYear(
        parameter=row.parameter,
        year=row.year,
        hourly_mean=_numbers(row.hourly_mean),
        hours=tuple(row.hours),
        daily_mean=_numbers(row.daily_mean),
        daily_max=_numbers(row.daily_max),
        daily_median=_numbers(row.daily_median),
        daily_p95=_numbers(row.daily_p95),
        days=tuple(row.days),
        days_above=tuple(row.days_above),
        aqi_days=_by_month(row.aqi_days),
        stations=tuple(row.stations),
        nearest_km=_numbers(row.nearest_km),
    )


def _numbers(values: Iterable[float]) -> tuple[float | None, ...]:
    return tuple(value if math.isfinite(value) else None for value in values)


def _by_month(counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """72 counts as twelve months of six categories."""
    return tuple(tuple(counts[start : start + 6]) for start in range(0, len(counts), 6))
