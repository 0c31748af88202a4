"""The Spark job: a year of EPA's hourly files -> every zone's database.

    spark-submit airaware/job/batch.py --years 2013,2015-2017 --parameters 44201,88101

Per file, three stages (docs/design.md): shares of the file -> station-months; a month's stations ->
pieces of the store's tables; pieces -> the zones' staging tables. Then the driver commits.
"""

import argparse
import calendar
import hashlib
import json
import re
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import psycopg2
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import edges, epa, gmt, rawstore
from airaware.science import grid, metrics, spans, utc_offsets
from airaware.science.instants import align
from airaware.science.interpolate import Points, Weights, idw, mean_over_time, weights
from airaware.science.leave_one_out import RESIDUALS, month_sums
from airaware.science.pollutants import DEFAULT_PARAMETERS, Pollutant, get
from airaware.science.summary import MONTH_FIELDS, summarise_days
from airaware.settings import Settings, Zone
from airaware.store.binary import encode
from airaware.store.load import Counts, Load, Source, ZoneLoad, copy_piece

# The code that decides the figures: a change in it makes the loads before it out of date.
FIGURES = (
    "data/us_cells.npz", "data/utc_offsets.npz", "job/batch.py", "raw/edges.py", "raw/epa.py",
    "raw/gmt.py", "science/accuracy.py", "science/grid.py", "science/instants.py",
    "science/interpolate.py", "science/leave_one_out.py", "science/metrics.py",
    "science/pollutants.py", "science/sphere.py", "science/summary.py", "science/utc_offsets.py",
    "store/migrations",
)  # fmt: skip
# The grid is copied in this many pieces, each with its own index range.
CELL_PIECES = 16
# A month's station-days are one piece; then come the year's stations, and its residuals.
STATIONS_PIECE = CELL_PIECES + 13
RESIDUALS_PIECE = STATIONS_PIECE + 1

MONTH_CELLS = np.dtype([("cell", np.int32), *MONTH_FIELDS])  # cell: index into the grid
STATION_DAYS = np.dtype(
    [
        ("site", "S11"),
        ("day", "datetime64[D]"),
        ("hours", np.float32, (24,)),
        ("daily", np.float32),
        ("aqi", np.int16),
        ("smoke_hours", np.int16),
    ]
)
PIECES = pa.schema(
    [("piece", pa.int32()), ("month", pa.int32()), ("rows", pa.binary()), ("notes", pa.string())]
)
COPIED = pa.schema(
    [("piece", pa.int32()), ("zone", pa.string()), ("error", pa.string()), ("notes", pa.string())]
)


# How a task's traceback ends where the error is one of ours: AirAwareError or a class of it.
KNOWN_ERROR = r"\bairaware\.[\w.]+: (.*)"


@dataclass(frozen=True)
class Job:
    """What the tasks of one load need to know; no secret is in it."""

    load: Load
    raw: str
    zones: tuple[Zone, ...]
    shares: int

    @property
    def pollutant(self) -> Pollutant:
        return get(self.load.parameter)

    def days(self, month: int) -> int:
        return calendar.monthrange(self.load.year, month)[1]


# --- stage 1: shares of the file -> station-months ---


def read_shares(
    job: Job, beyond: list[pa.RecordBatch], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Rows of one column `id`, a share each -> STATION_MONTHS.

    With the first share come the records from `beyond` the file: hours of neighbouring years.
    What a block says of its sites' clocks goes to every month, since all of them need the year's.
    """
    parameter, year = job.load.parameter, job.load.year
    with rawstore.open(job.raw).local(epa.file_name(parameter, year)) as path:
        for batch in batches:
            for share in batch.column("id").to_pylist():
                yield from beyond if share == 0 else ()
                for block in epa.station_months(path, parameter, year, share, job.shares):
                    yield block
                    yield _for_all_months(block)


def _for_all_months(block: pa.RecordBatch) -> pa.RecordBatch:
    """Return the block's votes on clocks, STATION_MONTHS, once for each month of the year."""
    (notes,) = block.slice(len(block) - 1).to_pylist()
    return pa.RecordBatch.from_pylist(
        [notes | {"month": month, "counts": None} for month in range(1, 13)], epa.STATION_MONTHS
    )


# --- stage 2: a month's stations -> pieces ---


@dataclass(frozen=True)
class StationMonth:
    """All stations of a month, in order of their sites.

    sites (n,); latitude, longitude in degrees (n,); pocs, the instruments of each that report in
    the month; hours (n, 7 + 24*days + 7), the mean of the instruments, with the margins of
    `metrics.daily`;
    smoke_hours (n, days); uncorrected_hours (n,), those with a value that needs a correction;
    duplicates, rows that were left out because an earlier one had their hour; replaced, because
    their site and hour has a corrected one; offsets (n,), their clocks' hours from UTC.
    """

    sites: list[str]
    latitude: np.ndarray
    longitude: np.ndarray
    pocs: list[list[int]]
    hours: np.ndarray
    smoke_hours: np.ndarray
    uncorrected_hours: np.ndarray
    duplicates: int
    replaced: int
    offsets: np.ndarray

    @property
    def hours_of_month(self) -> np.ndarray:
        """The hours without the margins: (n, 24*days)."""
        return self.hours[:, MONTH]


# The columns of a month between its margins.
MONTH = slice(metrics.MARGIN_HOURS, -metrics.MARGIN_HOURS)


def assemble(
    table: pa.Table, days: int, offsets: Mapping[str, int] = MappingProxyType({})
) -> StationMonth:
    """STATION_MONTHS of one month -> its stations. The order of the records does not matter.

    `offsets`: hours from UTC by site; a site without one has those of its place.
    """
    table = table.filter(table.column("site").is_valid())
    table = table.sort_by([(name, "ascending") for name in ("site", "poc", "position")])
    site, poc = (table.column(name).to_pylist() for name in ("site", "poc"))
    # Where records of another instrument begin, and where instruments of another site.
    first = [
        n
        for n, key in enumerate(zip(site, poc, strict=True))
        if n == 0 or key != (site[n - 1], poc[n - 1])
    ]
    starts = np.array(
        [n for n, record in enumerate(first) if n == 0 or site[record] != site[first[n - 1]]], int
    )
    columns = 24 * days + 2 * metrics.MARGIN_HOURS
    rows = _rows(table, first, starts)
    in_month = np.zeros(columns, bool)
    in_month[MONTH] = True

    replaced = _replaced(rows, (len(starts), columns))
    left_out = int(in_month[rows["hour"][replaced]].sum())
    rows = rows[~replaced]
    by_instrument = np.full((len(first), columns), np.nan)
    as_measured = np.zeros(by_instrument.shape, dtype=bool)
    # Backwards: of duplicates, the first in the file is written last. By copies, as NumPy walks
    # views like row[::-1] in the order of memory.
    row, hour = rows["instrument"][::-1].copy(), rows["hour"][::-1].copy()
    by_instrument[row, hour] = rows["value"][::-1].copy()
    as_measured[row, hour] = rows["method"][::-1] == epa.AS_MEASURED
    reports = np.isfinite(by_instrument)
    duplicates = int(in_month[hour].sum() - reports[:, MONTH].sum())
    smoky = _marked(rows, rows["smoke"], (len(starts), columns))

    with np.errstate(invalid="ignore"):
        hours = np.add.reduceat(np.where(reports, by_instrument, 0), starts, axis=0) / (
            np.add.reduceat(reports, starts, axis=0, dtype=float)
        )
    spans = list(zip(starts.tolist(), [*starts.tolist(), len(first)][1:], strict=True))
    # An instrument may have hours in the margins alone; its coordinates may be another year's.
    reporting = reports[:, MONTH].any(axis=1)
    place = [first[next((n for n in range(a, b) if reporting[n]), a)] for a, b in spans]
    sites = [site[first[n]] for n in starts]
    latitude, longitude = (table.column(n).to_numpy()[place] for n in ("latitude", "longitude"))
    return StationMonth(
        sites=sites,
        latitude=latitude,
        longitude=longitude,
        pocs=[[poc[first[n]] for n in range(a, b) if reporting[n]] for a, b in spans],
        hours=hours,
        smoke_hours=smoky[:, MONTH].reshape(len(starts), days, 24).sum(axis=2),
        uncorrected_hours=np.logical_or.reduceat(as_measured[:, MONTH], starts).sum(axis=1),
        duplicates=duplicates,
        replaced=left_out,
        offsets=np.array(
            [
                offsets[name] if name in offsets else utc_offsets.at(*at)
                for name, *at in zip(sites, latitude.tolist(), longitude.tolist(), strict=True)
            ]
        ),
    )


ROWS = np.dtype(
    [
        ("instrument", np.int32),
        ("site", np.int32),
        ("hour", np.uint16),
        ("value", np.float32),
        ("smoke", bool),
        ("method", np.uint8),
    ]
)


def _rows(table: pa.Table, first: list[int], starts: np.ndarray) -> np.ndarray:
    """Return the records' rows: ROWS.

    Args:
        table: STATION_MONTHS, sorted by site and instrument.
        first: the first record of each instrument.
        starts: the first instrument of each site.
    """
    hours = table.column("hour").to_pylist()
    lengths = [len(hour) // 2 for hour in hours]
    methods = [
        bytes(length) if method is None else method  # null: all PLAIN
        for method, length in zip(table.column("method").to_pylist(), lengths, strict=True)
    ]
    instrument = np.repeat(np.arange(len(first)), np.diff([*first, len(hours)]))
    site = np.repeat(np.arange(len(starts)), np.diff([*starts, len(first)]))
    rows = np.empty(sum(lengths), ROWS)
    rows["instrument"] = np.repeat(instrument, lengths)
    rows["site"] = site[rows["instrument"]]
    rows["hour"] = np.frombuffer(b"".join(hours), np.uint16)
    for name in ("value", "smoke"):
        rows[name] = np.frombuffer(b"".join(table.column(name).to_pylist()), ROWS[name])
    rows["method"] = np.frombuffer(b"".join(methods), np.uint8)
    return rows


def _replaced(rows: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return which rows, as measured, have a corrected one of their site and hour: (rows,)."""
    corrected = _marked(rows, rows["method"] == epa.CORRECTED, shape)
    return (rows["method"] == epa.AS_MEASURED) & corrected[rows["site"], rows["hour"]]


def _marked(rows: np.ndarray, chosen: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return at which sites and hours any of the chosen rows is: (sites, hours)."""
    cells = np.zeros(shape, dtype=bool)
    cells[rows["site"][chosen], rows["hour"][chosen]] = True
    return cells


def month_pieces(job: Job, table: pa.Table) -> pa.Table:
    """STATION_MONTHS of one month -> PIECES; of month 0, the counts of rows."""
    month = table.column("month")[0].as_py()
    blocks = table.filter(table.column("site").is_null()).sort_by("position")
    clocks = gmt.clocks(map(json.loads, blocks.column("gmt").drop_null().to_pylist()))
    if month == 0:
        counts: Counter[str] = Counter()
        for notes in blocks.column("counts").to_pylist():
            counts.update(json.loads(notes))
        found = {"counts": counts, "uncorrected": {}, "stations": [], "clocks": asdict(clocks)}
        return _pieces([(STATIONS_PIECE, 0, None, json.dumps(found))])
    stations = assemble(table, job.days(month), clocks.offsets)
    daily = metrics.daily(job.pollutant, stations.hours)
    cells = month_cells(job.pollutant, stations, daily)
    pieces = np.searchsorted(cells["cell"], np.arange(CELL_PIECES + 1) * _cells_per_piece())
    notes = {
        "counts": {epa.DUPLICATE: stations.duplicates, epa.UNCORRECTED: stations.replaced},
        "uncorrected": {
            site: hours
            for site, hours in zip(stations.sites, stations.uncorrected_hours.tolist(), strict=True)
            if hours
        },
        "stations": [
            (site, latitude, longitude, pocs)
            for site, latitude, longitude, pocs in zip(
                stations.sites,
                stations.latitude.tolist(),
                stations.longitude.tolist(),
                stations.pocs,
                strict=True,
            )
            if pocs
        ],
    }
    station_days = _station_days(job, month, stations, daily)
    residuals = month_sums(
        month, stations.latitude, stations.longitude, stations.hours, daily, stations.offsets
    )
    return _pieces(
        [
            *(
                (piece, month, cells[pieces[piece] : pieces[piece + 1]].tobytes(), None)
                for piece in range(CELL_PIECES)
            ),
            (CELL_PIECES + month, month, station_days.tobytes(), None),
            (STATIONS_PIECE, month, None, json.dumps(notes)),
            (RESIDUALS_PIECE, month, residuals.tobytes(), None),
        ]
    )


def _pieces(rows: list[tuple[int, int, bytes | None, str | None]]) -> pa.Table:
    return pa.Table.from_arrays([list(c) for c in zip(*rows, strict=True)], schema=PIECES)


def _cells_per_piece() -> int:
    return -(-len(grid.load()) // CELL_PIECES)


@lru_cache(maxsize=1)
def _grid_points() -> Points:
    cells = grid.load()
    return Points(cells.latitude, cells.longitude)


@lru_cache(maxsize=2)
def _grid_weights(latitude: bytes, longitude: bytes) -> Weights:
    """Built once per set of stations in a worker; the key is their coordinates, float64."""
    return weights(_grid_points(), Points(np.frombuffer(latitude), np.frombuffer(longitude)))


def month_cells(pollutant: Pollutant, stations: StationMonth, daily: np.ndarray) -> np.ndarray:
    """The month of every cell that a reporting station reaches: MONTH_CELLS, in grid order.

    Hours are those of the cell's clock, each made of the stations' hours at the same instant. Days
    are made of the stations' own.
    """
    hours = stations.hours_of_month
    reporting = np.isfinite(hours).any(axis=1)
    if not reporting.any():
        return np.zeros(0, MONTH_CELLS)
    reach = _grid_weights(
        stations.latitude[reporting].tobytes(), stations.longitude[reporting].tobytes()
    )
    cells = np.zeros(len(reach.points), MONTH_CELLS)
    cells["cell"] = reach.points
    cells["stations"] = reach.stations
    cells["nearest_km"] = reach.nearest_km
    instants = align(stations.hours[reporting], stations.offsets[reporting], hours.shape[1])
    clock = utc_offsets.of_grid()[reach.points]
    for offset in np.unique(clock).tolist():
        rows = np.flatnonzero(clock == offset)
        cells["hourly_mean"][rows], cells["hours"][rows] = mean_over_time(
            reach.matrix[rows], instants.by_clock(offset)
        )
    summarise_days(pollutant, idw(reach.matrix, daily[reporting]), cells)
    return cells


def _station_days(job: Job, month: int, stations: StationMonth, daily: np.ndarray) -> np.ndarray:
    """STATION_DAYS of the month, without days of no hour at all."""
    days = job.days(month)
    hours = stations.hours_of_month.reshape(len(stations.sites), days, 24)
    rows = np.zeros((len(stations.sites), days), STATION_DAYS)
    rows["site"] = np.array(stations.sites, dtype="S11")[:, None]
    rows["day"] = np.datetime64(f"{job.load.year}-{month:02}-01") + np.arange(days)
    rows["hours"] = hours
    rows["daily"] = daily
    rows["aqi"] = metrics.aqi(job.pollutant, daily)
    rows["smoke_hours"] = stations.smoke_hours
    return rows[np.isfinite(hours).any(axis=2)]


# --- stage 3: pieces -> the zones' staging tables ---


def copy_pieces(job: Job, table: pa.Table) -> pa.Table:
    """PIECES of one piece, all months -> the zones' staging tables; COPIED, a row per zone."""
    piece = table.column("piece")[0].as_py()
    notes = None
    if piece == STATIONS_PIECE:
        year = _joined_notes(table)
        notes = json.dumps(asdict(year) | {"stations": len(year.stations)})
        target, rows = "station", _station_rows(job, year.stations)
    elif piece == RESIDUALS_PIECE:
        target, rows = "residual", _encoded(job, table, RESIDUALS)
    elif piece >= CELL_PIECES:
        target, rows = "station_day", _encoded(job, table, STATION_DAYS)
    else:
        target, rows = "cell_year", _cell_year_rows(job, table, piece)
    with ThreadPoolExecutor(len(job.zones)) as threads:
        errors = list(threads.map(lambda zone: _copy(job, zone, piece, target, rows), job.zones))
    many = len(job.zones)
    return pa.Table.from_arrays(
        [[piece] * many, [zone.name for zone in job.zones], errors, [notes] * many], schema=COPIED
    )


def _copy(job: Job, zone: Zone, piece: int, table: str, rows: bytes) -> str | None:
    """What went wrong in a zone must not keep the others from the piece."""
    try:
        copy_piece(zone, job.load, piece, table, rows)
    except AirAwareError as error:
        return str(error)
    return None


def _key_columns(job: Job, rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(rows, job.load.parameter, np.int32), np.full(rows, job.load.year, np.int16)


@dataclass(frozen=True)
class Notes:
    """What the months of a year noted.

    counts of rows by reason; uncorrected hours by site; the fields of gmt.Clocks; and the year's
    stations (site, latitude, longitude, instruments), by site.
    """

    counts: dict[str, int]
    uncorrected: dict[str, int]
    clocks: dict[str, dict[str, int]]
    stations: list[tuple[str, float, float, int]]


def _joined_notes(table: pa.Table) -> Notes:
    """Return the notes of all months; the clocks are those of month 0, which every file has."""
    counts: Counter[str] = Counter()
    uncorrected: Counter[str] = Counter()
    places: dict[str, tuple[float, float]] = {}
    pocs: dict[str, set[int]] = {}
    clocks: dict[str, dict[str, int]] = {}
    for notes in table.sort_by("month").column("notes").to_pylist():
        found = json.loads(notes)
        counts.update(found["counts"])
        uncorrected.update(found["uncorrected"])
        clocks |= found.get("clocks", {})
        for site, latitude, longitude, instruments in found["stations"]:
            places.setdefault(site, (latitude, longitude))
            pocs.setdefault(site, set()).update(instruments)
    stations = [(site, *places[site], len(pocs[site])) for site in sorted(places)]
    return Notes(dict(counts), dict(uncorrected), clocks, stations)


def _station_rows(job: Job, stations: list[tuple[str, float, float, int]]) -> bytes:
    site, latitude, longitude, instruments = zip(*stations, strict=True) if stations else [()] * 4
    return encode(
        *_key_columns(job, len(stations)),
        np.array(site, "S11"),
        np.array(latitude, np.float64),
        np.array(longitude, np.float64),
        np.array(instruments, np.int16),
    )


def _encoded(job: Job, table: pa.Table, kind: np.dtype) -> bytes:
    """The pieces' rows, which are those of the store's table but for its first two columns."""
    rows = np.frombuffer(b"".join(table.column("rows").to_pylist()), kind)
    return encode(*_key_columns(job, len(rows)), *(rows[name] for name in kind.names or ()))


def _cell_year_rows(job: Job, table: pa.Table, piece: int) -> bytes:
    """A piece's twelve months, joined: a row per cell with any month."""
    first = piece * _cells_per_piece()
    cells = grid.load().cells[first : first + _cells_per_piece()]
    year = np.zeros((len(cells), 12), MONTH_CELLS)
    for name in MONTH_CELLS.names or ():
        if MONTH_CELLS[name] == np.float32:
            year[name] = np.nan
    for month, rows in zip(
        table.column("month").to_pylist(), table.column("rows").to_pylist(), strict=True
    ):
        found = np.frombuffer(rows, MONTH_CELLS)
        year[found["cell"] - first, month - 1] = found
    covered = (year["hours"] > 0).any(axis=1)
    year = year[covered]
    fields = [year[name] for name in (MONTH_CELLS.names or ())[1:]]
    columns = (field.reshape(len(year), np.prod(field.shape[1:])) for field in fields)
    return encode(*_key_columns(job, len(year)), cells[covered], *columns)


# --- the driver ---


class Outcome(Enum):
    """What became of a file, as the table at the end says it."""

    LOADED = "loaded"
    KEPT = "kept"
    NO_ROWS = "no rows that year"
    FAILED = "failed: the lines above say why"


@lru_cache(maxsize=1)
def code_version() -> str:
    """A digest of the code that decides the figures."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for name in FIGURES:
        path = package / name
        for file in sorted(path.glob("*.sql")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def load_year(
    spark: SparkSession, config: Settings, parameter: int, year: int, shares: int, again: bool
) -> Outcome:
    """Load a parameter's year into every zone that does not hold it; return what became of it.
    `again`: into those that hold it, too.

    A year without rows for the grid changes nothing. Raises AirAwareError where the input cannot be
    used; no zone has changed then.
    """
    started_at = datetime.now(UTC)
    name = epa.file_name(parameter, year)
    raw = rawstore.open(config.raw)
    with raw.local(name) as path:
        info = epa.identify(path, parameter, year)
    if not info.has_rows:
        say(name, "only a header: no rows that year; the zones stay as they are")
        return Outcome.NO_ROWS
    beyond = edges.neighbours(raw, parameter, year, info.synthetic, partial(say, name))
    source = Source(name, info.sha256, code_version(), info.synthetic, beyond.digests)
    load = Load(parameter, year, uuid.uuid4().hex[:12])
    with ExitStack() as stack:
        zones, complete = _zones_to_load(stack, config, load, source, again)
        if not zones:
            return Outcome.KEPT if complete else Outcome.FAILED
        say(name, f"reading with {shares} tasks, for zones {_names(zones)}")
        job = Job(load, config.raw, tuple(zone.zone for zone in zones), shares)
        copied = run(spark, job, beyond.records)
        notes = json.loads(next(row.notes for row in copied if row.notes))
        counts = replace(
            _checked_counts(name, Counter(notes["counts"]), config.max_bad_rows),
            uncorrected=notes["uncorrected"],
            utc_offsets=notes["clocks"]["offsets"],
            gmt_misfits=notes["clocks"]["misfits"],
        )
        if not counts.candidates:
            say(name, f"no row for the grid; the zones stay as they are: {_in_words(counts)}")
            return Outcome.NO_ROWS
        errors = {row.zone: row.error for row in copied if row.error}
        for failed, error in errors.items():
            say(name, f"zone {failed} stays as it was: {error}")
        good = [zone for zone in zones if zone.zone.name not in errors]
        pieces = len({row.piece for row in copied})
        with ThreadPoolExecutor(len(zones)) as threads:
            commits = [
                threads.submit(zone.commit, source, counts, pieces, started_at) for zone in good
            ]
            for zone, commit in zip(good, commits, strict=True):
                try:
                    say(name, f"zone {zone.zone.name} holds it, checksum {commit.result()}")
                except (AirAwareError, psycopg2.Error) as error:
                    say(name, f"zone {zone.zone.name} stays as it was: {str(error).strip()}")
                    complete = False
    seconds = (datetime.now(UTC) - started_at).total_seconds()
    say(name, f"{_in_words(counts)}; {notes['stations']} stations; {seconds:.1f} s")
    return Outcome.LOADED if complete and not errors else Outcome.FAILED


def _zones_to_load(
    stack: ExitStack, config: Settings, load: Load, source: Source, again: bool
) -> tuple[list[ZoneLoad], bool]:
    """Zones that do not hold the source yet (or all), locked and staged; whether all answered."""
    zones, complete = [], True
    for zone in config.zones:
        try:
            zone_load = stack.enter_context(ZoneLoad(zone, load))
            if not zone_load.lock(wait=False):
                say(source.input_name, f"zone {zone.name}: another submit is at it; waiting")
                zone_load.lock(wait=True)
            if not again and zone_load.holds(source):
                say(source.input_name, f"zone {zone.name} holds it already")
            else:
                zone_load.stage()
                zones.append(zone_load)
        except (AirAwareError, psycopg2.Error) as error:
            say(source.input_name, f"zone {zone.name} stays as it was: {str(error).strip()}")
            complete = False
    return zones, complete


def run(spark: SparkSession, job: Job, beyond: list[pa.RecordBatch]) -> list:
    """Run the three stages; return rows of COPIED. A task's AirAwareError comes out as one.

    `beyond`: records of neighbouring years, as `read_shares` takes them.
    """

    # Spark reads how to call these from their annotations.
    def to_pieces(table: pa.Table) -> pa.Table:
        return month_pieces(job, table)

    def to_zones(table: pa.Table) -> pa.Table:
        return copy_pieces(job, table)

    chain = (
        spark.range(0, job.shares, 1, job.shares)
        .mapInArrow(partial(read_shares, job, beyond), from_arrow_schema(epa.STATION_MONTHS))
        .groupBy("month")
        .applyInArrow(to_pieces, from_arrow_schema(PIECES))
        .groupBy("piece")
        .applyInArrow(to_zones, from_arrow_schema(COPIED))
    )
    try:
        return chain.collect()
    except PythonException as error:
        known = re.search(KNOWN_ERROR, str(error))
        if known:
            raise AirAwareError(known[1]) from None
        raise


def _checked_counts(name: str, counts: Counter[str], max_bad_rows: float) -> Counts:
    """The counts by kind. Raises AirAwareError where too many rows are bad."""
    excluded = {reason: counts[reason] for reason in epa.EXCLUDED if counts[reason]}
    rejected = {reason: counts[reason] for reason in epa.REJECTED if counts[reason]}
    found = Counts(counts[epa.READ], excluded, rejected)
    bad = sum(rejected.values())
    if bad > max_bad_rows * found.candidates:
        raise AirAwareError(
            f"{name}: {bad} of {found.candidates} rows are bad, more than AIRAWARE_MAX_BAD_ROWS"
            f" ({max_bad_rows:.0%}): {_in_words(found)}. Nothing was loaded. Fetch a newer file, if"
            " EPA has one: `fab fetch-year YEAR --refresh`; or raise the limit if you know why."
        )
    if found.candidates and bad == found.candidates:
        raise AirAwareError(f"{name}: not one row to use: {_in_words(found)}. Nothing was loaded.")
    return found


def _in_words(counts: Counts) -> str:
    def listed(reasons) -> str:
        return ", ".join(f"{n:,} {reason}" for reason, n in reasons.items()) or "none"

    text = (
        f"{counts.rows_read:,} rows read; excluded by rule: {listed(counts.excluded)};"
        f" rejected as bad: {listed(counts.rejected)}"
    )
    if counts.uncorrected:
        hours, sites = sum(counts.uncorrected.values()), len(counts.uncorrected)
        text += f"; {hours:,} uncorrected T640 hours at {sites} stations, kept"
    if counts.gmt_misfits:
        hours, sites = sum(counts.gmt_misfits.values()), len(counts.gmt_misfits)
        text += f"; {hours:,} rows at {sites} stations with a GMT time that is not their clock's"
    return text


def _names(zones: list[ZoneLoad]) -> str:
    return " and ".join(zone.zone.name for zone in zones)


def say(name: str, text: str) -> None:
    """A line of progress, for people and logs alike."""
    print(f"{datetime.now():%H:%M:%S} {name}: {text}", flush=True)


def files_to_load(config: Settings, parameters: list[int] | None, years: list[int]) -> list:
    """(parameter, year) of each file in the raw store. A named parameter's file must be there."""
    there = set(rawstore.open(config.raw).names())
    wanted = [(p, year) for year in years for p in parameters or DEFAULT_PARAMETERS]
    found = [key for key in wanted if epa.file_name(*key) in there]
    missing = [epa.file_name(*key) for key in wanted if key not in found]
    if missing and (parameters or not found):
        raise AirAwareError(
            f"The raw store {config.raw} has no {', '.join(missing)}."
            " Fetch it first: `fab fetch-year YEAR`."
        )
    for name in missing:
        say(name, "not in the raw store; skipped")
    return found


def session(builder: SparkSession.Builder) -> SparkSession:
    """A Spark session with what the three stages need."""
    return (
        builder.appName("AirAware")
        # Groups are few and heavy: a task each, never merged.
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.shuffle.partitions", "64")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "512")
        .config("spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", "true")
        .getOrCreate()
    )


def submit(config: Settings, parameters: list[int] | None, years: list[int], again: bool) -> bool:
    """Load all files of the years, several at a time; whether every zone holds all of them.

    `again`: also where a zone holds them already.
    """
    if not config.zones:
        raise AirAwareError("AIRAWARE_ZONES names no zone; docs/settings.md says how")
    for code in parameters or ():
        get(code)
    files = files_to_load(config, parameters, years)
    spark = session(SparkSession.builder)
    cores = spark.sparkContext.defaultParallelism
    shares = max(1, cores // len(files))

    def load(key: tuple[int, int]) -> Outcome:
        try:
            return load_year(spark, config, *key, shares, again)
        except AirAwareError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            return Outcome.FAILED

    started = time.monotonic()
    try:
        # More than one at a time: while one commits, another computes.
        with ThreadPoolExecutor(max(2, cores)) as threads:
            outcomes = list(threads.map(load, files))
        for key, outcome in zip(files, outcomes, strict=True):
            print(f"{epa.file_name(*key):26}{outcome.value}", flush=True)
        # Without the session's start; the benchmark reads this line.
        say("submit", f"{len(files)} files in {time.monotonic() - started:.1f} s")
        return Outcome.FAILED not in outcomes
    finally:
        # Ctrl-C ends Spark's JVM as well, and then there is nothing left to stop.
        with suppress(Py4JError, OSError):
            spark.stop()


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status: 0 where every zone holds all that was asked for."""
    parser = argparse.ArgumentParser(description="Load years of EPA's hourly files into the zones.")
    parser.add_argument("--years", required=True, help="as 2017, 1980-2017 or 2013,2015-2017")
    parser.add_argument("--parameters", default="", help="EPA's codes, as 44201,88101")
    parser.add_argument("--again", action="store_true", help="also where a zone holds it already")
    options = parser.parse_args(arguments)
    try:
        parameters = [int(code) for code in options.parameters.split(",") if code.strip()]
        years = spans.years(options.years)
        if submit(settings.read(), parameters or None, years, options.again):
            return 0
        print(
            "error: not every zone holds all that was asked for; the lines above say why."
            " Submit again once that is mended: what is loaded already is not loaded twice.",
            file=sys.stderr,
        )
    except ValueError:
        print(f"error: '{options.parameters}' is not a list of codes", file=sys.stderr)
    except AirAwareError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: every zone holds each year wholly old or wholly new", file=sys.stderr)
        return 128 + signal.SIGINT
    return 1


if __name__ == "__main__":
    # The tasks' functions must be found under the module's own name, where their caches live.
    from airaware.job.batch import main as batch_main

    sys.exit(batch_main())
