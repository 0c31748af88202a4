"""EPA's rows -> station-months: the hours of an instrument in a month, as arrays."""

import calendar
import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from airaware.raw import gmt, verdicts
from airaware.raw.epa import BLOCK_BYTES, METHOD, SITE_CODES, VALUE, open_csv, parts, read_header
from airaware.science.metrics import MARGIN_HOURS
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import get

# Kinds of methods: those that need a correction, those that have it, and all others.
PLAIN, AS_MEASURED, CORRECTED = 0, 1, 2

# One record per run of rows of a site, instrument and month. `hour` counts from MARGIN_HOURS before
# the month's beginning. A record of month 0 carries a block's counts of rows by verdict (JSON),
# what the rows say of their sites' clocks (`gmt.votes`), and their newest change; nothing else.
SCHEMA = pa.schema(
    [
        ("parameter", pa.int32()),
        ("year", pa.int32()),
        ("month", pa.int32()),
        ("site", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("poc", pa.int32()),
        ("position", pa.int64()),  # in the file: the first of two duplicates stays
        ("hour", pa.binary()),  # uint16
        ("value", pa.binary()),  # float32, EPA's unit
        ("smoke", pa.binary()),  # bool
        ("method", pa.binary()),  # uint8, kinds of methods; null where all are PLAIN
        ("counts", pa.string()),
        ("gmt", pa.string()),
        ("newest_change", pa.string()),  # of the rows kept, as 2014-05-01; null where none says so
    ]
)


def read(
    path: Path,
    parameter: int,
    year: int,
    share: int = 0,
    shares: int = 1,
    days: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Read one of `shares` equal parts of a file, in batches of SCHEMA.

    A row of the first or last MARGIN_HOURS hours of a month goes to the neighbouring month as well.
    With `days` (as 2013-12-31), lines that name none of them are left out, and not even counted.
    """
    pollutant = get(parameter)
    with open_csv(path) as (archive, member):
        with archive.open(member) as stream:
            line = stream.readline()
        header = read_header(path, line)
        begin = max(len(line), member.file_size * share // shares)
        end = member.file_size * (share + 1) // shares
        with archive.open(member) as stream:
            for position, block in _lines(cast(BinaryIO, stream), begin, end):
                if days:
                    block = _naming(block, [day.encode() for day in days])
                yield _block(header, block, position, pollutant, year)


def _lines(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines that begin in [begin, end) as (position, block)."""
    for _ in parts(stream, begin - 1):
        pass  # Not by seek(), which is slower.
    position = begin - 1 + len(stream.readline())
    while position < end:
        lines = [*parts(stream, min(BLOCK_BYTES, end - position))]
        if not (lines and lines[-1].endswith(b"\n")):
            lines.append(stream.readline())
        block = b"".join(lines)
        if not block:
            return
        yield position, block
        position += len(block)


def _naming(block: bytes, texts: list[bytes]) -> bytes:
    """Return the lines that hold any of the texts, in their order. No other line is looked at."""
    lines: set[tuple[int, int]] = set()
    for text in texts:
        found = block.find(text)
        while found >= 0:
            end = (block.find(b"\n", found) + 1) or len(block)
            lines.add((block.rfind(b"\n", 0, found) + 1, end))
            found = block.find(text, end)
    return b"".join(block[begin:end] for begin, end in sorted(lines))


def _block(
    header: list[str], block: bytes, position: int, pollutant: Pollutant, year: int
) -> pa.RecordBatch:
    table, bad_lines = verdicts.read_csv(header, block, pollutant)
    poc, value = verdicts.numbers(table, "POC"), verdicts.numbers(table, VALUE)
    latitude, longitude = (
        verdicts.numbers(table, name, blank=0) for name in ("Latitude", "Longitude")
    )
    day, hour = (
        verdicts.judged(table, "Date Local", verdicts.day_of(year)),
        verdicts.judged(table, "Time Local", verdicts.hour_of),
    )
    verdict = verdicts.judge(table, pollutant, latitude, longitude, poc, value, day, hour)

    counts = Counter(
        {verdicts.VERDICTS[c]: int(n) for c, n in enumerate(np.bincount(verdict)) if n}
    )
    counts[verdicts.BAD_LINE] += bad_lines
    counts[verdicts.READ] = table.num_rows + bad_lines

    kept = np.flatnonzero(verdict == 0)
    hour_of_year = (day[kept] * 24 + hour[kept]).astype(np.int64)
    month, hour_of_month, row = _months(year, hour_of_year)
    row = kept[row]
    ids = [table.column(name).combine_chunks() for name in SITE_CODES]
    starts = verdicts.runs(
        month, poc[row], latitude[row], longitude[row], *(c.indices.to_numpy()[row] for c in ids)
    )
    first = row[starts]
    smoke = verdicts.judged(table, "Qualifier", verdicts.is_smoke).astype(bool)[row]
    method = _methods(table, pollutant)[row]
    ends = [*starts[1:].tolist(), len(row)]
    begins = verdicts.runs(*(c.indices.to_numpy()[kept] for c in ids))
    votes = gmt.votes(
        _sites(ids, kept[begins]),
        np.column_stack([latitude, longitude])[kept[begins]],
        begins,
        hour[kept],
        verdicts.gmt_hours(table)[kept],
    )

    def pieces(values: np.ndarray) -> list[bytes | None]:
        return [values[a:b].tobytes() for a, b in zip(starts.tolist(), ends, strict=False)] + [None]

    runs = len(starts)
    return pa.record_batch(
        [
            [pollutant.code] * (runs + 1),
            [year] * (runs + 1),
            [*month[starts].tolist(), 0],
            [*_sites(ids, first), None],
            [*latitude[first].tolist(), None],
            [*longitude[first].tolist(), None],
            [*poc[first].astype(int).tolist(), None],
            [*(position + starts).tolist(), position],
            pieces(hour_of_month.astype(np.uint16)),
            pieces(value[row].astype(np.float32)),
            pieces(smoke),
            pieces(method) if method.any() else [None] * (runs + 1),
            [None] * runs + [json.dumps(counts)],
            [None] * runs + [json.dumps(votes)],
            [None] * runs + [verdicts.newest_change(table, kept)],
        ],
        schema=SCHEMA,
    )


def _sites(ids: list[pa.DictionaryArray], rows: np.ndarray) -> list[str]:
    """Return the site of each of some rows, as 17-031-4201."""
    return ["-".join(parts) for parts in zip(*(c.take(rows).to_pylist() for c in ids), strict=True)]


def _methods(table: pa.Table, pollutant: Pollutant) -> np.ndarray:
    """Return the kind of each row's method, uint8."""
    if METHOD not in table.column_names:
        return np.zeros(table.num_rows, np.uint8)
    kinds = dict.fromkeys(pollutant.uncorrected_methods, AS_MEASURED)
    kinds |= dict.fromkeys(pollutant.corrected_methods, CORRECTED)
    return verdicts.judged(table, METHOD, lambda text: kinds.get(text, PLAIN)).astype(np.uint8)


def _months(year: int, hour_of_year: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the month, the hour in it and the row of each record: (n,) -> three of (m,), m >= n.

    The hour counts from MARGIN_HOURS before the month. A row in a month's margin comes a second
    time, for that month.
    """
    days = [calendar.monthrange(year, month)[1] for month in range(1, 13)]
    begins = np.cumsum([0, *days]) * 24
    month = np.searchsorted(begins[:-1], hour_of_year, side="right")
    before = np.flatnonzero((hour_of_year >= begins[month] - MARGIN_HOURS) & (month < 12))
    after = np.flatnonzero((hour_of_year < begins[month - 1] + MARGIN_HOURS) & (month > 1))
    months = np.concatenate([month, month[before] + 1, month[after] - 1])
    row = np.concatenate([np.arange(len(month)), before, after])
    return months, hour_of_year[row] - begins[months - 1] + MARGIN_HOURS, row
