"""The questions that the site asks the store, and the answers as plain data."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from airaware.raw import epa
from airaware.science import grid, metrics, pollutants
from airaware.science.accuracy import Residuals
from airaware.science.ranges import RANGES
from airaware.store.prepared import Prepared
from airaware.store.zones import Key, Reader

# One for each load: the planner then drops all other partitions before it plans. As a join with
# `load`, or as one list of keys, it would look into every year that is loaded.
_YEAR = "SELECT * FROM cell_year WHERE parameter = {} AND year = {} AND cell = {}"
# Of more loads a plan takes too much of the database's memory to be kept.
MOST_PREPARED_LOADS = 12

# In binary, as airaware.store.tiles reads its values.
_RANKING = """
SELECT array_send(cells) AS cells, array_send(figures) AS figures FROM ranking
WHERE parameter = %(parameter)s AND year = %(year)s ORDER BY piece
"""

_SOURCES = """
SELECT year, input_name, input_sha256, code_version, edges FROM load
WHERE parameter = %(parameter)s AND year = ANY(%(years)s) ORDER BY year
"""

_UNCORRECTED = "SELECT uncorrected FROM load WHERE parameter = %s AND year = %s"

RESIDUALS = """
SELECT month, quantity, from_miles, observed, estimated, error, squared_error, value, squared_value
FROM residual WHERE parameter = %(parameter)s AND year = %(year)s
"""


# In binary, as _RANKING.
_RANGES = """
SELECT from_miles, stations, array_send(levels) AS levels, array_send(residuals) AS residuals,
       array_send(low) AS low, array_send(high) AS high
FROM count_range WHERE parameter = %(parameter)s AND year = %(year)s ORDER BY from_miles
"""


@dataclass(frozen=True)
class Load:
    """One parameter's year that the store serves.

    incomplete_days: those that reach into a year whose hours were not there; uncorrected: whether
    any station has T640 hours that EPA has not corrected; file_date: when its file was changed at
    EPA, newest_change: the newest "Date of Last Change" of its rows, None where not recorded.
    """

    parameter: int
    year: int
    synthetic: bool
    committed_at: datetime
    checksum: str  # of all its rows: the same in every zone
    incomplete_days: tuple[date, ...] = ()
    uncorrected: bool = False
    file_date: str | None = None
    newest_change: str | None = None

    @property
    def cite(self) -> str:
        """Return a line to cite the load by: its file, how old that is, and its checksum."""
        name = epa.file_name(self.parameter, self.year)
        origin = "Made up by a program" if self.synthetic else "U.S. EPA, AQS"
        return (
            f"{origin}, hourly file {name} of {self.file_date or 'a date not recorded'}, newest"
            f" change {self.newest_change or 'not recorded'} (AirAware load"
            f" {self.parameter}-{self.year}, checksum {self.checksum})"
        )


@dataclass(frozen=True)
class Served:
    """All loads that the store serves at a moment; equal where nothing was swapped in between."""

    texts: tuple[str, ...]  # each zone's list of its loads, as JSON
    loads: tuple[Load, ...] = field(compare=False)

    @cached_property
    def contents(self) -> frozenset[tuple[int, int, str]]:
        """Parameter, year and checksum of each load."""
        return frozenset((each.parameter, each.year, each.checksum) for each in self.loads)

    @cached_property
    def version(self) -> str:
        """What the answers of all loads depend on: the same in every zone."""
        return "\n".join(
            f"{each.parameter} {each.year} {each.checksum} {each.incomplete_days}"
            f" {each.uncorrected} {each.file_date} {each.newest_change}"
            for each in self.loads
        )


@dataclass(frozen=True)
class Source:
    """What a year was loaded from: a file, and the digests of neighbouring years' hours by year.

    code_version: the versions of the job's stages.
    """

    year: int
    input_name: str
    input_sha256: str
    code_version: str
    edges: Mapping[str, str | None]


@dataclass(frozen=True)
class YearOfMonths:
    """A year of one parameter at a place: twelve values each, January first; NaN where missing.

    Concentrations are in the unit of EPA's file; `aqi_days` has six counts per month, Good first.
    """

    parameter: int
    year: int
    hourly_mean: Sequence[float]
    hours: Sequence[int]
    daily_mean: Sequence[float]
    daily_max: Sequence[float]
    daily_median: Sequence[float]
    daily_p95: Sequence[float]
    days: Sequence[int]
    days_above: Sequence[int]
    aqi_days: Sequence[Sequence[int]]
    stations: Sequence[int]
    nearest_km: Sequence[float]


@dataclass(frozen=True)
class Nearest:
    """The cell whose centre (degrees) is nearest to a point, and all that the store serves."""

    cell: int
    latitude: float
    longitude: float
    distance_km: float
    served: Served


def nearest(served: Served, latitude: float, longitude: float) -> Nearest | None:
    """Return the cell of a point (degrees); None far from the grid."""
    cell = grid.nearest(latitude, longitude)
    if cell is None:
        return None
    return Nearest(cell.cell, cell.latitude, cell.longitude, cell.distance_km, served)


def served(reader: Reader) -> Served:
    """Return all that the zones serve; of a year that several hold, what the own zone says.

    Raises NoZoneError where no database answers.
    """
    texts = reader.held()
    return Served(texts, loads_of(texts))


@lru_cache(maxsize=4)
def loads_of(texts: tuple[str, ...]) -> tuple[Load, ...]:
    """Parse loads from what zones answer to HELD, the own zone's first.

    It is the same for every visitor until the next load.
    """
    # The first zone's come last, and so stay.
    rows = {(row[0], row[1]): row for text in reversed(texts) for row in json.loads(text)}
    return tuple(
        Load(
            parameter,
            year,
            synthetic,
            datetime.fromisoformat(committed_at),
            checksum,
            _incomplete_days(parameter, year, edges),
            *rest,
        )
        for _, (
            parameter,
            year,
            synthetic,
            committed_at,
            checksum,
            edges,
            *rest,
        ) in sorted(rows.items())
    )


def _incomplete_days(parameter: int, year: int, edges: Mapping[str, str]) -> tuple[date, ...]:
    """Return the first and last day of a year, where they reach into one that was not there."""
    before, after = metrics.reach(pollutants.get(parameter))
    days = (
        (before, year - 1, date(year, 1, 1)),
        (after, year + 1, date(year, 12, 31)),
    )
    return tuple(day for hours, other, day in days if hours and edges.get(str(other)) is None)


def cell_years(reader: Reader, cell: int, loads: Iterable[Load]) -> list[YearOfMonths]:
    """Return the cell's rows of some loads; a load that does not reach it has none.

    Raises NoZoneError where no database answers.
    """
    found = []
    for keys in reader.by_zone((load.parameter, load.year) for load in loads):
        if len(keys) > MOST_PREPARED_LOADS:
            found += reader.fetch(_years(keys, "%s"), [cell] * len(keys), of=keys)
        else:
            found += reader.fetch(Prepared("cell", _years(keys, "$1")), [cell], of=keys)
    return [_months(row) for row in found]


def _years(keys: Iterable[Key], cell: str) -> str:
    """Write SQL for a cell's rows of some loads."""
    return " UNION ALL ".join(_YEAR.format(*key, cell) for key in keys)


def ranking(reader: Reader, load: Load) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells that are ranked, ascending, and their figures in the unit of EPA's file.

    Raises NoZoneError where no database answers.
    """
    keys = {"parameter": load.parameter, "year": load.year}
    rows = reader.fetch(_RANKING, keys, of=[(load.parameter, load.year)])
    cells = [_elements(row.cells, ">i8") for row in rows]
    figures = [_elements(row.figures, ">f4") for row in rows]
    return (
        np.concatenate([np.zeros(0, np.int64), *cells]),
        np.concatenate([np.zeros(0, np.float32), *figures]),
    )


def _elements(array: bytes, kind: str) -> np.ndarray:
    """Return the elements of an array that array_send() wrote, after its header of 20 bytes."""
    rows = np.frombuffer(array, np.dtype([("length", ">i4"), ("value", kind)]), offset=20)
    return rows["value"].astype(kind[1:])


def sources(reader: Reader, parameter: int, years: Sequence[int]) -> list[Source]:
    """Return the files that some years of a parameter were loaded from.

    Raises NoZoneError where no database answers.
    """
    found: list[Source] = []
    for keys in reader.by_zone((parameter, year) for year in years):
        named = {"parameter": parameter, "years": [year for _, year in keys]}
        found += (Source(*row) for row in reader.fetch(_SOURCES, named, of=keys))
    return sorted(found, key=lambda source: source.year)


def uncorrected(reader: Reader, load: Load) -> dict[str, int]:
    """Return by site how many hours of a load are T640 hours that EPA has not corrected.

    Raises NoZoneError where no database answers.
    """
    key = (load.parameter, load.year)
    rows = reader.fetch(_UNCORRECTED, key, of=[key])
    return rows[0].uncorrected if rows else {}


def residuals(reader: Reader, parameter: int, year: int) -> tuple[Residuals, ...]:
    """Return the sums over a year's residuals; none where it was not loaded.

    Raises NoZoneError where no database answers.
    """
    of = [(parameter, year)]
    rows = reader.fetch(RESIDUALS, {"parameter": parameter, "year": year}, of=of)
    return tuple(Residuals(*row) for row in rows)


def ranges(reader: Reader, load: Load) -> np.ndarray:
    """Return a load's RANGES (airaware.science.ranges), by class; none of a load of before.

    Raises NoZoneError where no database answers.
    """
    keys = {"parameter": load.parameter, "year": load.year}
    rows = reader.fetch(_RANGES, keys, of=[(load.parameter, load.year)])
    found = np.zeros(len(rows), RANGES)
    for into, row in zip(found, rows, strict=True):
        into["from_miles"], into["stations"] = row.from_miles, row.stations
        for name in ("levels", "residuals", "low", "high"):
            into[name] = _elements(getattr(row, name), ">f4").reshape(into[name].shape)
    return found


def _months(row: Any) -> YearOfMonths:
    columns = row._asdict() | {"aqi_days": _by_month(row.aqi_days)}
    del columns["cell"]
    return YearOfMonths(**columns)


def _by_month(counts: Sequence[int]) -> list[Sequence[int]]:
    """72 counts as twelve months of six categories."""
    return [counts[start : start + 6] for start in range(0, len(counts), 6)]
