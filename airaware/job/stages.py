"""The tasks: shares of a file -> station-months -> pieces of tables -> staging tables."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airaware.errors import AirAwareError
from airaware.job import model
from airaware.job.model import (
    CELL_PIECES,
    COPIED,
    PIECES,
    RANGES_PIECE,
    RESIDUALS_PIECE,
    STATION_DAYS,
    STATIONS_PIECE,
    Job,
)
from airaware.job.stations import StationMonth, assemble
from airaware.raw import gmt, rawstore, station_months, verdicts
from airaware.science import grid, metrics, ranges, ranking, summary, utc_offsets
from airaware.science.instants import align
from airaware.science.interpolate import Points, Weights, idw, mean_over_time, weights
from airaware.science.leave_one_out import (
    RESIDUALS,
    leave_one_out,
    left_out_months,
    month_sums,
)
from airaware.science.pollutant import Pollutant
from airaware.settings import Zone
from airaware.store import parents
from airaware.store.binary import Rows
from airaware.store.load import copy_piece, parent_rows
from airaware.store.shapes import RESOLUTIONS

# --- stage 1: shares of the file -> station-months ---


def read_shares(
    job: Job, beyond: list[pa.RecordBatch], shares: Iterable[int]
) -> Iterator[pa.RecordBatch]:
    """Shares of the file, by their numbers -> STATION_MONTHS.

    With the first share come the records from `beyond` the file: hours of neighbouring years.
    What a block says of its sites' clocks goes to every month, since all of them need the year's.
    """
    parameter, year = job.load.parameter, job.load.year
    with rawstore.open(job.raw).reading(job.file) as path:
        for share in shares:
            yield from beyond if share == 0 else ()
            for block in station_months.read(path, parameter, year, share, job.shares):
                yield block
                yield _for_all_months(block)


def _for_all_months(block: pa.RecordBatch) -> pa.RecordBatch:
    """Return the block's votes on clocks, STATION_MONTHS, once for each month of the year."""
    (notes,) = block.slice(len(block) - 1).to_pylist()
    return pa.RecordBatch.from_pylist(
        [notes | {"month": month, "counts": None} for month in range(1, 13)], station_months.SCHEMA
    )


# --- stage 2: a month's stations -> pieces ---

CELLS_AT_ONCE = 8192


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
        found["newest_change"] = pc.max(blocks.column("newest_change")).as_py()
        return _pieces([(STATIONS_PIECE, 0, None, json.dumps(found))])
    stations = assemble(table, job.days(month), clocks.offsets)
    daily = metrics.daily(job.pollutant, stations.hours)
    cells = month_cells(job.pollutant, stations, daily)
    spans = [
        slice(*np.searchsorted(cells["cell"], [own.start, family.stop]))
        for own, family in piece_spans()
    ]
    notes = {
        "counts": {
            verdicts.DUPLICATE: stations.duplicates,
            verdicts.UNCORRECTED: stations.replaced,
        },
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
    left_out = leave_one_out(
        stations.latitude, stations.longitude, stations.hours, daily, stations.offsets
    )
    residuals = month_sums(month, left_out)
    months_left_out = left_out_months(month, stations.sites, left_out)
    return _pieces(
        [
            *((piece, month, cells[span].tobytes(), None) for piece, span in enumerate(spans)),
            (CELL_PIECES + month, month, station_days.tobytes(), None),
            (STATIONS_PIECE, month, None, json.dumps(notes)),
            (RESIDUALS_PIECE, month, residuals.tobytes(), None),
            (RANGES_PIECE, month, months_left_out.tobytes(), None),
        ]
    )


def _pieces(rows: list[tuple[int, int, bytes | None, str | None]]) -> pa.Table:
    return pa.Table.from_arrays([list(c) for c in zip(*rows, strict=True)], schema=PIECES)


@lru_cache(maxsize=1)
def piece_spans() -> list[tuple[slice, slice]]:
    """Return each piece's cells, and those of the parents that begin in it: slices of the grid.

    The latter end beyond the former: parents are made where all their children are.
    """
    cells = grid.load().cells
    size = -(-len(cells) // CELL_PIECES)
    first = np.minimum(np.arange(CELL_PIECES + 1) * size, len(cells))
    begins = np.flatnonzero(np.diff(parents.of(cells, RESOLUTIONS[0]), prepend=0, append=0))
    of_parents = begins[np.searchsorted(begins, first)]
    return [
        (slice(*own), slice(*family))
        for own, family in zip(
            itertools.pairwise(first.tolist()), itertools.pairwise(of_parents.tolist()), strict=True
        )
    ]


@lru_cache(maxsize=1)
def _grid_points() -> Points:
    cells = grid.load()
    return Points(cells.latitude, cells.longitude)


@lru_cache(maxsize=2)
def _grid_weights(latitude: bytes, longitude: bytes) -> Weights:
    """Built once per set of stations in a worker; the key is their coordinates, float64."""
    return weights(_grid_points(), Points(np.frombuffer(latitude), np.frombuffer(longitude)))


def month_cells(pollutant: Pollutant, stations: StationMonth, daily: np.ndarray) -> np.ndarray:
    """Summarise the month of each cell that a station reaches: model.month_cells, in grid order.

    Hours are those of the cell's clock, each made of the stations' hours at the same instant. Days
    are made of the stations' own.
    """
    hours = stations.hours_of_month
    reporting = np.isfinite(hours).any(axis=1)
    if not reporting.any():
        return np.zeros(0, model.month_cells(pollutant))
    reach = _grid_weights(
        stations.latitude[reporting].tobytes(), stations.longitude[reporting].tobytes()
    )
    cells = np.zeros(len(reach.points), model.month_cells(pollutant))
    cells["cell"] = reach.points
    cells["stations"] = reach.stations
    cells["nearest_km"] = reach.nearest_km
    instants = align(stations.hours[reporting], stations.offsets[reporting], hours.shape[1])
    clock = utc_offsets.of_grid()[reach.points]
    for offset in sorted(set(clock.tolist())):
        rows = np.flatnonzero(clock == offset)
        cells["hourly_mean"][rows], cells["hours"][rows] = mean_over_time(
            reach.matrix[rows], instants.by_clock(offset)
        )
    # Some at a time: what fits into the processor's cache is worked on much faster.
    for begin in range(0, len(cells), CELLS_AT_ONCE):
        some = slice(begin, begin + CELLS_AT_ONCE)
        summary.summarise_days(pollutant, idw(reach.matrix[some], daily[reporting]), cells[some])
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
    found: np.ndarray = rows[np.isfinite(hours).any(axis=2)]
    return found


# --- stage 3: pieces -> the zones' staging tables ---


def copy_pieces(job: Job, table: pa.Table) -> pa.Table:
    """PIECES of one piece, all months -> the zones' staging tables; COPIED, a row per zone."""
    piece = table.column("piece")[0].as_py()
    notes = None
    if piece == STATIONS_PIECE:
        year = _joined_notes(table)
        notes = json.dumps(asdict(year) | {"stations": len(year.stations)})
        tables = {"station": _station_rows(job, year.stations)}
    elif piece == RESIDUALS_PIECE:
        tables = {"residual": _encoded(job, table, RESIDUALS)}
    elif piece == RANGES_PIECE:
        tables = {"count_range": range_rows(job, table)}
    elif piece >= CELL_PIECES:
        tables = {"station_day": _encoded(job, table, STATION_DAYS)}
    else:
        tables = cell_tables(job, table, piece)
    with ThreadPoolExecutor(len(job.zones)) as threads:
        errors = list(threads.map(lambda zone: _copy(job, zone, piece, tables), job.zones))
    many = len(job.zones)
    return pa.Table.from_arrays(
        [[piece] * many, [zone.name for zone in job.zones], errors, [notes] * many], schema=COPIED
    )


def _copy(job: Job, zone: Zone, piece: int, tables: Mapping[str, Rows]) -> str | None:
    """Copy a piece into one zone; return its error, so that the other zones get the piece."""
    try:
        copy_piece(zone, job.load, piece, tables)
    except AirAwareError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Notes:
    """What the months of a year noted.

    counts of rows by reason; uncorrected hours by site; the fields of gmt.Clocks; the year's
    stations (site, latitude, longitude, instruments), by site; and the newest change of a row.
    """

    counts: dict[str, int]
    uncorrected: dict[str, int]
    clocks: dict[str, dict[str, int]]
    stations: list[tuple[str, float, float, int]]
    newest_change: str | None


def _joined_notes(table: pa.Table) -> Notes:
    """Return the notes of all months.

    Clocks and the newest change are those of month 0, which every file has.
    """
    counts: Counter[str] = Counter()
    uncorrected: Counter[str] = Counter()
    places: dict[str, tuple[float, float]] = {}
    pocs: dict[str, set[int]] = {}
    clocks: dict[str, dict[str, int]] = {}
    newest_change = None
    for notes in table.sort_by("month").column("notes").to_pylist():
        found = json.loads(notes)
        counts.update(found["counts"])
        uncorrected.update(found["uncorrected"])
        clocks |= found.get("clocks", {})
        newest_change = newest_change or found.get("newest_change")
        for site, latitude, longitude, instruments in found["stations"]:
            places.setdefault(site, (latitude, longitude))
            pocs.setdefault(site, set()).update(instruments)
    stations = [(site, *places[site], len(pocs[site])) for site in sorted(places)]
    return Notes(dict(counts), dict(uncorrected), clocks, stations, newest_change)


def _station_rows(job: Job, stations: list[tuple[str, float, float, int]]) -> Rows:
    site, latitude, longitude, instruments = zip(*stations, strict=True) if stations else [()] * 4
    return Rows.of(
        *job.load.key_columns(len(stations)),
        np.array(site, "S11"),
        np.array(latitude, np.float64),
        np.array(longitude, np.float64),
        np.array(instruments, np.int16),
    )


def _encoded(job: Job, table: pa.Table, kind: np.dtype) -> Rows:
    """Encode the pieces' rows as the store's table has them, with its two key columns."""
    rows = np.frombuffer(b"".join(table.column("rows").to_pylist()), kind)
    return Rows.of(*job.load.key_columns(len(rows)), *(rows[name] for name in kind.names or ()))


def range_rows(job: Job, table: pa.Table) -> Rows:
    """Make the year's RANGES, encoded: arrays of several dimensions as flat ones.

    In the order of months: sums of floats depend on it, and tasks end in any order.
    """
    in_order = table.sort_by("month").column("rows").to_pylist()
    months = np.frombuffer(b"".join(in_order), ranges.LEFT_OUT_MONTHS)
    found = ranges.made_of(job.pollutant, months)
    columns = (found[name] for name in found.dtype.names or ())
    flat = (each.reshape(len(each), -1) if each.ndim > 1 else each for each in columns)
    return Rows.of(*job.load.key_columns(len(found)), *flat)


def cell_tables(job: Job, table: pa.Table, piece: int) -> dict[str, Rows]:
    """Join a piece's twelve months: the rows of the tables that are made of the grid's cells."""
    own, family = piece_spans()[piece]
    numbers, months = joined_months(job, table, slice(own.start, family.stop))
    cells = grid.load().cells[numbers]
    of_parents = numbers >= family.start
    figures = [months[name][of_parents] for name in parents.AVERAGED]
    parent_year = parent_rows(job.load, cells[of_parents], figures)

    end = np.searchsorted(numbers, own.stop)
    cells, year = cells[:end], months[:end]
    fields = [year[name] for name in summary.COLUMNS]
    columns = (field.reshape(len(year), np.prod(field.shape[1:])) for field in fields)
    tables = {
        "cell_year": Rows.of(*job.load.key_columns(len(year)), cells, *columns),
        "parent_year": parent_year,
    }
    ranked_by = ranking.figures(job.pollutant, year, job.load.year)
    ranked = np.isfinite(ranked_by)
    if ranked.any():
        of_piece = (np.array([piece], np.int16), cells[ranked][None], ranked_by[ranked][None])
        tables["ranking"] = Rows.of(*job.load.key_columns(1), *of_piece)
    return tables


def joined_months(job: Job, table: pa.Table, span: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return which cells of a span of the grid have any month (n,), and their months (n, 12)."""
    kind = model.month_cells(job.pollutant)
    without = np.zeros((1, 12), kind)
    for name in kind.names or ():
        if kind[name].base == np.float32:
            without[name] = np.nan
    # As opaque bytes: NumPy would copy structures field by field, which takes 15 times as long.
    whole = np.dtype((np.void, kind.itemsize))
    year = np.repeat(without.view(whole), span.stop - span.start, axis=0)
    for month, rows in zip(
        table.column("month").to_pylist(), table.column("rows").to_pylist(), strict=True
    ):
        found = np.frombuffer(rows, kind)
        found = found[slice(*np.searchsorted(found["cell"], [span.start, span.stop]))]
        year[found["cell"] - span.start, month - 1] = found.view(whole)
    covered = (year.view(kind)["hours"] > 0).any(axis=1)
    return span.start + np.flatnonzero(covered), year[covered].view(kind)
