"""The driver: runs the stages for each file, and commits what they staged."""

import json
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, TextIO

import psycopg2
import pyarrow as pa
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext

from airaware.errors import AirAwareError
from airaware.job.model import PIECES, RANGES_PIECE, Job
from airaware.job.shuffle import Keyed, by_key, together
from airaware.job.stages import copy_pieces, month_pieces, read_shares
from airaware.job.versions import code_version
from airaware.raw import edges, epa, rawstore, station_months, verdicts
from airaware.science.pollutants import DEFAULT_PARAMETERS, get
from airaware.settings import Settings
from airaware.store.load import Counts, Load, Source, ZoneLoad, sweep

# How a task's traceback ends where the error is one of ours: AirAwareError or a class of it.
KNOWN_ERROR = r"\bairaware\.[\w.]+: (.*)"
# January to December, and 0 for what concerns the whole file.
MONTHS = 13
# Tasks that copy pieces. Each costs a tenth of a second beside its work; few would end unevenly.
COPIES_PER_CORE = 4


class Outcome(Enum):
    """What became of a file, as the table at the end says it."""

    LOADED = "loaded"
    KEPT = "kept"
    NO_ROWS = "no rows that year"
    FAILED = "failed: the lines above say why"


def load_year(
    spark: SparkContext, config: Settings, parameter: int, year: int, shares: int, again: bool
) -> Outcome:
    """Load a parameter's year into every zone that lacks it, and return the outcome.

    With `again`, zones that hold it are loaded too.

    A year without rows for the grid changes nothing. Raises AirAwareError where the input cannot be
    used; no zone has changed then.
    """
    started_at = datetime.now(UTC)
    name = epa.file_name(parameter, year)
    raw = rawstore.open(config.raw)
    file = raw.exact(name)
    with raw.reading(file) as path:
        info = epa.identify(path, parameter, year)
    if not info.has_rows:
        say(name, "only a header: no rows that year; the zones stay as they are")
        return Outcome.NO_ROWS
    beyond = edges.neighbours(raw, parameter, year, info.synthetic, partial(say, name))
    version, synthetic = code_version(parameter), info.synthetic
    source = Source(name, info.sha256, version, synthetic, beyond.digests, file.date)
    load = Load(parameter, year, uuid.uuid4().hex[:12])
    with ExitStack() as stack:
        zones, complete = _zones_to_load(stack, config, load, source, again)
        if not zones:
            return Outcome.KEPT if complete else Outcome.FAILED
        say(name, f"reading with {shares} tasks, for zones {_names(zones)}")
        job = Job(load, config.raw, tuple(zone.zone for zone in zones), shares, file)
        copied = run(spark, job, beyond.records)
        notes = json.loads(next(row["notes"] for row in copied if row["notes"]))
        counts = replace(
            _checked_counts(name, Counter(notes["counts"]), config.max_bad_rows),
            uncorrected=notes["uncorrected"],
            utc_offsets=notes["clocks"]["offsets"],
            gmt_misfits=notes["clocks"]["misfits"],
            newest_change=notes["newest_change"],
        )
        if not counts.candidates:
            say(name, f"no row for the grid; the zones stay as they are: {_in_words(counts)}")
            return Outcome.NO_ROWS
        errors = {row["zone"]: row["error"] for row in copied if row["error"]}
        for failed, error in errors.items():
            say(name, f"zone {failed} stays as it was: {error}")
        if raw.exact(name) != file:
            raise AirAwareError(
                f"{name} was replaced in {raw} while it was read; the zones stay as they were."
                " Submit the year again."
            )
        good = [zone for zone in zones if zone.zone.name not in errors]
        pieces = len({row["piece"] for row in copied})
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
                say(source.input_name, f"zone {zone.name}: another submit is loading it; waiting")
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


def run(spark: SparkContext, job: Job, beyond: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    """Run the three stages; return rows of COPIED. A task's AirAwareError comes out as one.

    `beyond`: records of neighbouring years, as `read_shares` takes them.
    """

    def to_pieces(records: Iterable[Keyed]) -> Iterator[Keyed]:
        for month in together(station_months.SCHEMA, records):
            yield from by_key("piece", month_pieces(job, month).to_batches())

    def to_zones(rows: Iterable[Keyed]) -> Iterator[dict[str, Any]]:
        for piece in together(PIECES, rows):
            yield from copy_pieces(job, piece).to_pylist()

    chain = (
        station_month_records(spark, job, beyond)
        .partitionBy(MONTHS, int)
        .mapPartitions(to_pieces)
        .partitionBy(min(RANGES_PIECE + 1, COPIES_PER_CORE * spark.defaultParallelism), int)
        .mapPartitions(to_zones)
    )
    try:
        return chain.collect()
    except Py4JJavaError as error:
        known = re.search(KNOWN_ERROR, str(error))
        if known:
            raise AirAwareError(known[1]) from None
        raise


def station_month_records(
    spark: SparkContext, job: Job, beyond: list[pa.RecordBatch]
) -> "RDD[Keyed]":
    """Read the file: its STATION_MONTHS, by month. `beyond`: as `read_shares` takes them."""

    def read(shares: Iterable[int]) -> Iterator[Keyed]:
        return by_key("month", read_shares(job, beyond, shares))

    return spark.parallelize(range(job.shares), job.shares).mapPartitions(read)


def _checked_counts(name: str, counts: Counter[str], max_bad_rows: float) -> Counts:
    """Return the counts by kind.

    Raises:
        AirAwareError: more rows are bad than AIRAWARE_MAX_BAD_ROWS allows.
    """
    excluded = {reason: counts[reason] for reason in verdicts.EXCLUDED if counts[reason]}
    rejected = {reason: counts[reason] for reason in verdicts.REJECTED if counts[reason]}
    found = Counts(counts[verdicts.READ], excluded, rejected)
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
    def listed(reasons: Mapping[str, int]) -> str:
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
    """Print a line of progress, for people and logs alike."""
    _print_line(f"{datetime.now().astimezone():%H:%M:%S} {name}: {text}", sys.stdout)


def _print_line(line: str, stream: TextIO) -> None:
    """Print a line at once: another thread's may come between a text and an end of its own."""
    print(f"{line}\n", end="", file=stream, flush=True)


def files_to_load(
    config: Settings, parameters: list[int] | None, years: list[int]
) -> list[tuple[int, int]]:
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


def context(conf: SparkConf) -> SparkContext:
    """Return Spark, which the three stages need without its data frames."""
    return SparkContext.getOrCreate(conf.setAppName("AirAware"))


def submit(config: Settings, parameters: list[int] | None, years: list[int], again: bool) -> bool:
    """Load all files of the years, several at a time; whether every zone holds all of them.

    `again`: also where a zone holds them already.
    """
    if not config.zones:
        raise AirAwareError("AIRAWARE_ZONES names no zone; docs/settings.md says how")
    for code in parameters or ():
        get(code)
    files = files_to_load(config, parameters, years)
    for zone in config.zones:
        with suppress(AirAwareError):  # each load says of a zone that cannot be reached
            sweep(zone)
    spark = context(SparkConf())
    cores = spark.defaultParallelism
    shares = max(1, cores // len(files))

    def load(key: tuple[int, int]) -> Outcome:
        try:
            return load_year(spark, config, *key, shares, again)
        except AirAwareError as error:
            _print_line(f"error: {error}", sys.stderr)
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
