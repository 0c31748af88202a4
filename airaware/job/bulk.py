"""The year in bulk: files of all ZIP codes and of all counties, made of what a zone serves.

They are made once a load is committed, in a step of its own, and anew where anything that decides
them has changed: the load, the places, the population, or this code. Equal loads give equal files.
"""

import hashlib
import io
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from airaware.errors import AirAwareError
from airaware.gazetteer import counties, places, population
from airaware.job.driver import say
from airaware.raw import epa
from airaware.science import grid, pollutants, yearly
from airaware.science.rounding import rounded_array
from airaware.settings import Settings, Zone
from airaware.store import bulk, whole
from airaware.store.bulk import COUNTIES, CSV, PARQUET, PLACES, SUFFIXES, ZIP_CODES, BulkFile
from airaware.store.bulk_columns import COLUMNS, FIGURES, ROWS
from airaware.store.queries import Load

# Raise it when what the files hold changes: tests/web/test_downloads.py fails where it was not.
VERSION = 1
# Figures of counties are means, and so no whole numbers.
COUNTS = frozenset(yearly.COUNTS)


@dataclass(frozen=True)
class Weights:
    """Of pairs of a county (its number) and a cell (its H3 index): how much the cell counts.

    by_population: of each county, whether its people weigh its cells; edition: a digest of all that
    decides the files beside their load.
    """

    county: np.ndarray
    cell: np.ndarray
    weight: np.ndarray
    by_population: np.ndarray
    edition: str

    @classmethod
    def read(cls, people_file: str) -> "Weights":
        """Weigh cells by a file of the Census's counts, or alike where there is none.

        Raises AirAwareError where the file cannot be used.
        """
        known = counties.load()
        files = [places.FILE, counties.FILE, grid.CELLS_FILE]
        people = {}
        if people_file:
            people = population.read(Path(people_file), known)
            files.append(Path(people_file))
        digests = "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
        # A cell's index has more digits than a float: all of them are whole numbers.
        county, cell = np.array(list(people), np.int64).reshape(-1, 2).T
        by_population = np.zeros(len(known.fips), bool)
        by_population[county] = True
        alike = ~by_population[known.county]
        return cls(
            np.concatenate([known.county[alike], county]),
            np.concatenate([known.cell[alike], cell]),
            np.concatenate([np.ones(alike.sum()), np.array(list(people.values()), float)]),
            by_population,
            hashlib.sha256(f"{VERSION} {digests}".encode()).hexdigest()[:12],
        )


def publish(config: Settings, parameters: Collection[int], years: Collection[int]) -> bool:
    """Make the files that the zones' loads of some years lack; whether all are there.

    No parameters: of all. Files of loads that no zone serves any more are deleted, once all zones
    have said what they serve.
    """
    current: set[BulkFile] = set()
    complete = True
    try:
        store, weights = bulk.open(config.bulk), Weights.read(config.population)
        there = store.files()
    except AirAwareError as error:
        return _say_wanting(error)
    for zone in config.zones:
        try:
            for load in whole.loads(zone):
                if load.year in years and (not parameters or load.parameter in parameters):
                    files = _files(there, load, weights.edition)
                    if len(files) < len(PLACES) * len(SUFFIXES):
                        files = _make(store, zone, load, weights)
                        there += files
                    current.update(files)
        except (AirAwareError, psycopg2.Error) as error:
            complete = _say_wanting(error)
    if complete:
        replaced = {(file.parameter, file.year) for file in current}
        for file in there:
            if file not in current and (file.parameter, file.year) in replaced:
                store.delete(file)
    return complete


def _say_wanting(error: Exception) -> bool:
    """Say why files of years in bulk are wanting; return that they are not all there."""
    why = str(error).strip().rstrip(".")
    say("bulk", f"files are wanting: {why}. Once that is mended, submit the year again.")
    return False


def _files(there: list[BulkFile], load: Load, edition: str) -> list[BulkFile]:
    """Return the files of a load and an edition."""
    wanted = (load.parameter, load.year, load.checksum, edition)
    return [f for f in there if (f.parameter, f.year, f.checksum, f.edition) == wanted]


def _make(store: bulk.Store, zone: Zone, load: Load, weights: Weights) -> list[BulkFile]:
    began, files = time.monotonic(), []
    cells, figures = _figures(zone, load)
    tables = {
        ZIP_CODES: zip_codes_table(cells, figures),
        COUNTIES: counties_table(weights, cells, figures),
    }
    for of, table in tables.items():
        facts = _facts(load, of)
        for suffix, content in ((PARQUET, _parquet(table, facts)), (CSV, as_csv(table, facts))):
            sha256 = hashlib.sha256(content).hexdigest()
            key = (of, load.parameter, load.year, load.checksum, suffix, len(content))
            files.append(BulkFile(weights.edition, sha256, *key))
            store.put(files[-1], content)
    sizes = ", ".join(f"{file.places}.{file.suffix} {file.size:,} bytes" for file in files)
    name = epa.file_name(load.parameter, load.year)
    say(name, f"in bulk: {sizes}; {time.monotonic() - began:.1f} s")
    return files


def _figures(zone: Zone, load: Load) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the load's cells, ascending, and each figure of their year."""
    pollutant, pieces, cells = pollutants.get(load.parameter), [], []
    with whole.reading(zone, load) as source:
        errors = source.expected_errors()
        for months in source.months():
            cells.append(months.pop("cell"))
            pieces.append(yearly.of_months(pollutant, errors, months))
    return np.concatenate(cells), {
        name: np.concatenate([piece[name] for piece in pieces]) for name in FIGURES
    }


@lru_cache(maxsize=1)
def _zip_codes() -> tuple[dict[str, list[str] | list[float]], np.ndarray]:
    """Return the columns of all ZIP codes that the site covers, and the cell of each."""
    covered = sorted(places.covered_zip_codes().items())
    found = [
        (code, each, cell)
        for code, each in covered
        if (cell := grid.nearest(each.latitude, each.longitude))
    ]
    return {
        "zip_code": [code for code, *_ in found],
        "city": [each.city for _, each, _ in found],
        "state": [each.state for _, each, _ in found],
        "latitude": [each.latitude for _, each, _ in found],
        "longitude": [each.longitude for _, each, _ in found],
    }, np.array([cell.cell for *_, cell in found], np.int64)


def zip_codes_table(cells: np.ndarray, figures: Mapping[str, np.ndarray]) -> pa.Table:
    """Return the figures, each (n,) of cells in ascending order, that ZIP codes have."""
    named, of = _zip_codes()
    numbers, there = grid.among(cells, of)
    columns: dict[str, pa.Array] = {name: pa.array(values) for name, values in named.items()}
    for name, values in figures.items():
        own = np.where(there, values[numbers], np.nan)
        column = pa.array(own, from_pandas=True)  # NaN becomes null
        columns[name] = column.cast(pa.int32()) if name in COUNTS else column
    return pa.table(columns)


def counties_table(
    weights: Weights, cells: np.ndarray, figures: Mapping[str, np.ndarray]
) -> pa.Table:
    """Return the means of figures, as `zip_codes_table` takes them, over each county's cells."""
    known = counties.load()
    numbers, there = grid.among(cells, weights.cell)

    def added(weight: np.ndarray, among: np.ndarray) -> np.ndarray:
        return np.bincount(weights.county[among], weight[among], minlength=len(known.fips))

    def mean(values: np.ndarray, among: np.ndarray) -> np.ndarray:
        total = added(weights.weight, among)
        sums = added(weights.weight * np.where(among, values, 0), among)
        found: np.ndarray = np.divide(sums, total, np.full(len(total), np.nan), where=total > 0)
        return found

    everywhere = np.ones(len(numbers), bool)
    own = {name: np.where(there, values[numbers], np.nan) for name, values in figures.items()}
    reached = np.isfinite(own["hourly_mean"])
    columns: dict[str, pa.Array] = {
        "fips": pa.array(known.fips),
        "county": pa.array(known.name),
        "state": pa.array(known.state),
        "cells": pa.array(added(np.ones(len(numbers)), everywhere).astype(np.int32)),
        "weighted_by": pa.array(np.where(weights.by_population, "population", "cells").tolist()),
        "covered": _rounded(mean(reached.astype(float), everywhere)),
    }
    for name, values in own.items():
        # An error that one of the cells lacks is not known of their mean either.
        among = reached if name.startswith("expected_error") else np.isfinite(values)
        columns[name] = _rounded(mean(values, among))
    return pa.table(columns)


def _rounded(values: np.ndarray) -> pa.Array:
    return pa.array(rounded_array(values), from_pandas=True)


def _facts(load: Load, of: str) -> dict[str, str]:
    """Return what a file says of itself: by name, in words."""
    pollutant = pollutants.get(load.parameter)
    facts = {
        "title": f"{pollutant.label} in {load.year}, all {of.replace('_', ' ')}",
        "pollutant": f"{pollutant.name} (EPA parameter {pollutant.code})",
        "unit": pollutant.display_unit,
        "daily metric": pollutant.daily_label,
        "standard": pollutant.standard.text,
        "rows": ROWS[of],
        **COLUMNS[of],
        "cite": load.cite,
        "made": "by AirAware; estimates, not a regulatory finding",
    }
    if load.synthetic:
        facts["synthetic"] = "made up by a program; not the real air"
    return facts


def _parquet(table: pa.Table, facts: Mapping[str, str]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(facts), sink, compression="zstd")
    return sink.getvalue()


def as_csv(table: pa.Table, facts: Mapping[str, str]) -> bytes:
    """Return a CSV file that begins with what it says of itself."""
    sink = io.BytesIO()
    head = "".join(f"# {name}: {text}\n" for name, text in facts.items())
    sink.write(f"{head}{','.join(table.column_names)}\n".encode())
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    pa.csv.write_csv(table, sink, options)
    return sink.getvalue()
