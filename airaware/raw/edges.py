"""The edges of a year: its file's first and last hours, which its neighbours' days need.

An 8-hour mean of 31 December reaches into the next year, whose file is ordered by site: finding its
first hours takes a whole parse. So they lie beside the zip, as hourly_P_Y.edges in Parquet.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airaware.raw import epa, rawstore, station_months
from airaware.science import metrics
from airaware.science.pollutants import get

HOURS = 12  # at each end
DECEMBER_HOURS = 24 * 31
EDGES = pa.schema(
    [
        ("site", pa.string()),
        ("poc", pa.int32()),
        ("hour", pa.int8()),  # from the year's beginning, or (negative) from its end
        ("method", pa.uint8()),  # its kind, as station_months.SCHEMA has it
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("value", pa.float32()),
    ]
)
# Rows are sorted by these, and there is one of each: equal hours make equal tables.
KEY = ("site", "poc", "hour", "method")
ZIP_SHA256, SYNTHETIC = b"zip sha256", b"synthetic"
# Where records of a neighbour stand among those of the year's own file: after them.
BEHIND = 1 << 62


@dataclass(frozen=True)
class Neighbours:
    """What a load takes from the years before and after it.

    records: of station_months.SCHEMA; digests: of the hours of each year that its days reach
    into, None where they cannot be had.
    """

    records: list[pa.RecordBatch]
    digests: Mapping[str, str | None]


def file_name(parameter: int, year: int) -> str:
    """Return the name of a year's edges: hourly_44201_2017.edges."""
    return epa.file_name(parameter, year).replace(".zip", ".edges")


def make(store: rawstore.Store, parameter: int, year: int, path: Path) -> pa.Table:
    """Make the edges of the zip at `path`, which the store has, and store them beside it."""
    name = epa.file_name(parameter, year)
    table = _read_zip(path, parameter, year).replace_schema_metadata(
        {
            ZIP_SHA256: store.sha256(name).encode(),
            SYNTHETIC: str(epa.identify(path, parameter, year).synthetic).encode(),
        }
    )
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        made = Path(folder) / file_name(parameter, year)
        pq.write_table(table, made, compression="zstd")
        store.put(made.name, made, hashlib.sha256(made.read_bytes()).hexdigest())
    return table


def ensure(store: rawstore.Store, parameter: int, year: int) -> pa.Table:
    """Return the edges of a stored zip; make them where they are absent, damaged, or of another.

    Raises AirAwareError where the zip is absent or cannot be read.
    """
    found = _stored(store, parameter, year)
    if found is None:
        with store.local(epa.file_name(parameter, year)) as path:
            found = make(store, parameter, year, path)
    return found


def neighbours(
    store: rawstore.Store,
    parameter: int,
    year: int,
    synthetic: bool,
    say: Callable[[str], None],
) -> Neighbours:
    """Return the hours beyond a year that its days reach into; `say` reports what is missing.

    Raises AirAwareError where the store cannot be read or written.
    """
    records: list[pa.RecordBatch] = []
    digests: dict[str, str | None] = {}
    for other, hours in _reached(parameter, year):
        digests[str(other)] = None
        name = epa.file_name(parameter, other)
        if not store.exists(name):
            say(f"{name} is not in the raw store: a day that reaches into {other} is incomplete")
            continue
        try:
            found = ensure(store, parameter, other)
        except (epa.BadFileError, rawstore.DamagedError) as error:
            say(f"a day that reaches into {other} is incomplete: {error}")
            continue
        if _usable(found, synthetic):
            rows = _within(found, hours)
            digests[str(other)] = _digest(rows)
            records += _records(rows, parameter, year)
        else:
            say(f"{name} is synthetic: a day that reaches into {other} is incomplete")
    return Neighbours(records, digests)


def changed(
    store: rawstore.Store,
    parameter: int,
    year: int,
    synthetic: bool,
    digests: Mapping[str, str | None],
) -> list[int]:
    """Return the neighbouring years whose hours are others than those that a load had (`digests`).

    Nothing is made: of a zip whose edges are not there yet only its arrival is known.
    """
    return [
        other
        for other, hours in _reached(parameter, year)
        if _differ(store, parameter, other, hours, synthetic, digests.get(str(other)))
    ]


def _differ(
    store: rawstore.Store,
    parameter: int,
    year: int,
    hours: range,
    synthetic: bool,
    digest: str | None,
) -> bool:
    """Return whether a year's hours are known to have another digest; None is that of no hours."""
    if not store.exists(epa.file_name(parameter, year)):
        return digest is not None
    found = _stored(store, parameter, year)
    if found is None:
        return digest is None
    return digest != (_digest(_within(found, hours)) if _usable(found, synthetic) else None)


def _reached(parameter: int, year: int) -> Iterator[tuple[int, range]]:
    """Yield the years that a year's first and last day reach into, and the hours of each."""
    before, after = metrics.reach(get(parameter))
    if before:
        yield year - 1, range(-before, 0)
    if after:
        yield year + 1, range(after)


def _usable(table: pa.Table, synthetic: bool) -> bool:
    """Return whether the hours may go into a load: real days are not made of made-up hours."""
    return synthetic or table.schema.metadata[SYNTHETIC] == b"False"


def _stored(store: rawstore.Store, parameter: int, year: int) -> pa.Table | None:
    """Return the stored edges if they are whole, and the stored zip's."""
    name = file_name(parameter, year)
    if not store.exists(name) or not store.whole(name):
        return None
    with store.local(name) as path, suppress(pa.ArrowException):
        table = pq.read_table(path)
        made_of = (table.schema.metadata or {}).get(ZIP_SHA256, b"").decode()
        if table.schema.equals(EDGES) and made_of == store.sha256(epa.file_name(parameter, year)):
            return table
    return None


def _read_zip(path: Path, parameter: int, year: int) -> pa.Table:
    """Read the first and last HOURS of each site and instrument: EDGES, sorted by KEY."""
    ends = (f"{year}-01-01", f"{year}-12-31")
    batches = list(station_months.read(path, parameter, year, days=ends))
    records = pa.Table.from_batches(batches, station_months.SCHEMA)
    records = records.filter(pc.greater(records["month"], 0)).sort_by("position")
    hours = [np.frombuffer(hour, np.uint16) for hour in records["hour"].to_pylist()]
    row = np.repeat(np.arange(len(hours)), [len(each) for each in hours])
    values = b"".join(records["value"].to_pylist())
    methods = [
        np.zeros(len(each), np.uint8) if kinds is None else np.frombuffer(kinds, np.uint8)
        for each, kinds in zip(hours, records["method"].to_pylist(), strict=True)
    ]
    hour = np.concatenate([np.zeros(0, np.uint16), *hours]).astype(int) - metrics.MARGIN_HOURS
    # January's count from its beginning, December's from its end.
    month = records["month"].to_numpy()[row]
    hour = np.where(month == 1, hour, hour - DECEMBER_HOURS)
    rows = records.select(["site", "poc", "latitude", "longitude"]).take(pa.array(row))
    rows = rows.append_column("hour", pa.array(hour, pa.int64()))
    rows = rows.append_column("method", pa.array(np.concatenate([np.zeros(0, np.uint8), *methods])))
    rows = rows.append_column("value", pa.array(np.frombuffer(values, np.float32)))
    edge = rows.filter(pa.array((hour >= -HOURS) & (hour < HOURS)))
    # Of duplicates, the first in the file stays.
    first = edge.group_by(list(KEY), use_threads=False).aggregate(
        [(name, "first") for name in EDGES.names if name not in KEY]
    )
    named = first.rename_columns([name.removesuffix("_first") for name in first.column_names])
    return named.select(EDGES.names).cast(EDGES).sort_by([(name, "ascending") for name in KEY])


def _within(table: pa.Table, hours: range) -> pa.Table:
    return table.filter(pc.is_in(table["hour"], pa.array(hours, pa.int8())))


def _digest(rows: pa.Table) -> str:
    """Return a digest of what is measured when and where; coordinates do not count."""
    columns = rows.select([*KEY, "value"]).to_pylist()
    return hashlib.sha256(repr([tuple(row.values()) for row in columns]).encode()).hexdigest()


def _records(rows: pa.Table, parameter: int, year: int) -> list[pa.RecordBatch]:
    """Return the rows as records of the months whose margins they are, one an instrument."""
    hour = rows["hour"].to_numpy().astype(int)
    month = np.where(hour < 0, 1, 12)
    in_month = np.where(hour < 0, hour, hour + DECEMBER_HOURS)
    in_month = (in_month + metrics.MARGIN_HOURS).astype(np.uint16)
    value, method = rows["value"].to_numpy(), rows["method"].to_numpy()
    sites, pocs = rows["site"].to_pylist(), rows["poc"].to_pylist()
    starts = [
        n
        for n in range(len(rows))
        if n == 0 or (sites[n], pocs[n], month[n]) != (sites[n - 1], pocs[n - 1], month[n - 1])
    ]
    return [
        pa.RecordBatch.from_pylist(
            [
                {
                    "parameter": parameter,
                    "year": year,
                    "month": month[begin],
                    "site": sites[begin],
                    "latitude": rows["latitude"][begin].as_py(),
                    "longitude": rows["longitude"][begin].as_py(),
                    "poc": pocs[begin],
                    "position": BEHIND,
                    "hour": in_month[begin:end].tobytes(),
                    "value": value[begin:end].tobytes(),
                    "smoke": np.zeros(end - begin, bool).tobytes(),
                    "method": method[begin:end].tobytes(),
                }
                for begin, end in zip(starts, [*starts, len(rows)][1:], strict=True)
            ],
            station_months.SCHEMA,
        )
    ]
