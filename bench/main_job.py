"""The main job on a synthetic ozone year of national size, against what bounds it.

Other work on the machine slows all of a run alike, so the figures to keep are ratios: against
pyarrow's own parse of the same zip, and against the first AirAware's algorithm.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.csv
from pyspark import RDD, SparkConf

from airaware.job import driver, model
from airaware.job.shuffle import Keyed, together
from airaware.job.stations import assemble
from airaware.raw import epa, rawstore, station_months, synthetic
from airaware.science.interpolate import Points, mean_over_time, weights
from airaware.science.sphere import REACH_KM
from airaware.store.load import Load
from bench import original
from bench.measure import Figure, peak_memory, seconds
from tools.environments.local import Local
from tools.machine.postgres import HOST, OWNER
from tools.machine.steps import carry_out

OZONE = 44201
YEARS = (2016, 2017)
YEAR = YEARS[-1]
LEAST_ROWS = 8_900_000
LEAST_STATIONS = 1_200
ORIGINAL_DAYS = 3
ROUNDS = 3
# What is made up for it: by parameter and year, from so many stations (None: as many as EPA has).
FILES: dict[tuple[int, int], int | None] = {(OZONE, year): None for year in YEARS}
# "Ten columns" of the file, and the size of a block, as the first measurements had them.
PARSED_BLOCK_BYTES = 16 << 20
PARSED_COLUMNS = [*list(epa.COLUMNS_24[:7]), "Date Local", "Time Local", "Sample Measurement"]


def figures(place: Local, raw: Path) -> list[Figure]:
    """All figures of the main job, which leaves both years in the place's databases."""
    zip_path = raw / epa.file_name(OZONE, YEAR)
    rounds: list[tuple[float, Submit]] = []
    for _ in range(ROUNDS):
        forget_loads(place)
        rounds.append((seconds(lambda: parse(zip_path)), submit(place, raw, str(YEAR))))
    parse_seconds = float(np.median([parsed for parsed, _ in rounds]))
    ratio = float(np.median([one.seconds / parsed for parsed, one in rounds]))
    one = sorted((one for _, one in rounds), key=lambda each: each.seconds)[ROUNDS // 2]
    rows, stations = loaded(place)
    forget_loads(place)
    two = submit(place, raw, f"{YEARS[0]}-{YEARS[-1]}")
    return [
        Figure("rows of the year", rows, "rows", LEAST_ROWS, at_least=True),
        Figure("stations of the year", stations, "stations", LEAST_STATIONS, at_least=True),
        Figure("pyarrow's one-thread parse of the zip", parse_seconds, "s"),
        Figure("zip to both zones committed", one.seconds, "s"),
        Figure("zip to both zones / parse", ratio, "times", 3.5, 2.5),
        Figure("two years / one year", two.seconds / one.seconds, "times", 2.1),
        Figure("peak memory of all processes, one year", one.peak_gb, "GB", 4),
        Figure("peak memory of all processes, two years", two.peak_gb, "GB", 4),
        *against_the_original(raw, rows),
    ]


@contextmanager
def databases(raw: Path, files: Mapping[tuple[int, int], int | None] = FILES) -> Iterator[Local]:
    """Two zones' empty databases, gone afterwards; and the input in `raw`, which stays there."""
    make_input(raw, files)
    folder = Path(tempfile.mkdtemp(prefix="airaware-bench-"))
    place = Local(folder)
    try:
        place.make_folder()
        carry_out(place.start_databases(), dry_run=False)
        for zone in place.clusters:
            place.migrate(zone)
        yield place
    finally:
        carry_out(place.destroy(), dry_run=False)
        shutil.rmtree(folder, ignore_errors=True)


def make_input(raw: Path, files: Mapping[tuple[int, int], int | None]) -> None:
    """Make synthetic years that are not there yet, by parameter and year, of so many stations."""
    raw.mkdir(parents=True, exist_ok=True)
    for (parameter, year), stations in files.items():
        path = raw / epa.file_name(parameter, year)
        if not path.exists():
            print(f"making {path.name} ...", flush=True)
            synthetic.write(path, parameter, year, stations=stations)


def parse(zip_path: Path) -> int:
    """pyarrow's streaming CSV reader on one thread, straight out of the zip; the rows."""
    with zipfile.ZipFile(zip_path) as archive, archive.open(archive.namelist()[0]) as stream:
        reader = pyarrow.csv.open_csv(
            stream,
            pyarrow.csv.ReadOptions(use_threads=False, block_size=PARSED_BLOCK_BYTES),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=PARSED_COLUMNS,
                # The other types are found by pyarrow; a state code may be "CC".
                column_types={"State Code": pa.string()},
            ),
        )
        return sum(rows.num_rows for rows in reader)


class Submit:
    """One run of spark-submit: seconds without the session's start, and peak memory."""

    def __init__(self, status: int, output: str, peak_bytes: int):
        match = re.search(r"submit: \d+ files in ([\d.]+) s", output)
        if status or not match:
            raise SystemExit(f"the submit failed:\n{output}")
        self.seconds = float(match[1])
        self.peak_gb = peak_bytes / 2**30


def submit(place: Local, raw: Path, years: str, parameters: Sequence[int] = (OZONE,)) -> Submit:
    """Load years with two local cores."""
    environ = place.submit_environ("local[2]") | {"AIRAWARE_RAW": str(raw)}
    process = subprocess.Popen(
        place.submit_command(years, list(parameters), "local[2]"),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def roots() -> list[int]:
        databases = (cluster.pid() for cluster in place.clusters.values())
        return [process.pid, *(pid for pid in databases if pid)]

    with peak_memory(roots) as memory:
        output, _ = process.communicate()
    return Submit(process.returncode, output, memory.peak_bytes)


def loaded(place: Local) -> tuple[int, int]:
    """Rows read and stations of the year, by the first zone's manifest."""
    with psycopg2.connect(place.zones(OWNER)[0].dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rows_read, (rows_loaded ->> 'station')::int FROM load"
            " WHERE parameter = %s AND year = %s",
            (OZONE, YEAR),
        )
        return cursor.fetchone()


def forget_loads(place: Local) -> None:
    """Empty the manifests, so that what is there is loaded again."""
    for zone in place.zones(OWNER):
        with psycopg2.connect(zone.dsn) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM load")


def against_the_original(raw: Path, rows: int) -> list[Figure]:
    """Both algorithms on the first AirAware's lattice with its one metric, the monthly mean.

    Both from the same clean rows in memory: the original's on three days, scaled by rows to the
    year; ours on the year, before and after it. And ours from the zip on, beside them.
    """
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": HOST}
    spark = driver.context(
        SparkConf()
        .setMaster("local[2]")
        .set("spark.ui.enabled", "false")
        .set("spark.ui.showConsoleProgress", "false")
    )
    lattice = original.lattice()
    file = rawstore.FolderStore(raw).exact(epa.file_name(OZONE, YEAR))
    job = model.Job(Load(OZONE, YEAR, "bench"), str(raw), (), 2, file)
    july = original.stations_of(raw / epa.file_name(OZONE, YEAR), OZONE, YEAR, month=7)
    few = original.rows_of_days(july, 7, ORIGINAL_DAYS)
    near = original.neighbours(few, lattice)
    try:
        from_zip = seconds(
            lambda: lattice_months(driver.station_month_records(spark, job, []), job, lattice)
        )
        clean = driver.station_month_records(spark, job, []).persist()
        clean.count()
        ours = [seconds(lambda: lattice_months(clean, job, lattice))]
        theirs = seconds(lambda: original.monthly_means(spark, few, near).count())
        ours.append(seconds(lambda: lattice_months(clean, job, lattice)))
    finally:
        spark.stop()
    scaled = theirs * rows / len(few)
    return [
        Figure("points of the original's lattice", len(lattice[0]), "points"),
        Figure("its algorithm, three days", theirs, "s"),
        Figure("its algorithm, scaled by rows to the year", scaled, "s"),
        Figure("ours on its lattice with its metric", float(np.mean(ours)), "s"),
        Figure("its algorithm / ours", scaled / float(np.mean(ours)), "times", 100, at_least=True),
        Figure("its algorithm / ours from the zip on", scaled / from_zip, "times"),
    ]


def lattice_months(clean: "RDD[Keyed]", job: model.Job, lattice: original.Lattice) -> list[bytes]:
    """The monthly means on a lattice, of stations within 30 miles: the batch's second stage."""
    points = Points(*lattice)

    def months(records: Iterable[Keyed]) -> Iterator[bytes]:
        for table in together(station_months.SCHEMA, records):
            month = table.column("month")[0].as_py()
            if month == 0:
                continue
            stations = assemble(table, job.days(month))
            reach = weights(points, Points(stations.latitude, stations.longitude))
            matrix = reach.matrix[reach.nearest_km <= REACH_KM]
            mean, _ = mean_over_time(matrix, stations.hours_of_month)
            yield mean.tobytes()

    return clean.partitionBy(driver.MONTHS, int).mapPartitions(months).collect()
