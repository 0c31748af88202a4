"""EPA replaces its files: what changed between two versions of a year's file.

The raw store keeps a file that was replaced for KEEP_DAYS (`rawstore.Store.kept`).
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airaware.raw import station_months
from airaware.science.metrics import MARGIN_HOURS

# One measurement: of duplicates the first in the file counts, as in a load.
KEY = ("site", "poc", "method", "hour")
# What of it goes into a load.
MEASURED = ("value", "smoke", "latitude", "longitude")


@dataclass(frozen=True)
class Change:
    """A site's day with other hours in the newer file: how many came, went, and changed."""

    site: str
    day: date
    came: int
    went: int
    changed: int


def changes(older: Path, newer: Path, parameter: int, year: int) -> list[Change]:
    """Compare the hours that a load takes from two files of a parameter's year, by site and day.

    Raises BadFileError for a file that is not what its name says.
    """
    before, after = (_records(path, parameter, year) for path in (older, newer))
    found = (
        change
        for first in (date(year, month, 1) for month in range(1, 13))
        for change in _of_month(first, _hours(before, first), _hours(after, first))
    )
    return sorted(found, key=lambda change: (change.site, change.day))


def _records(path: Path, parameter: int, year: int) -> pa.Table:
    batches = station_months.read(path, parameter, year)
    return pa.Table.from_batches(batches, station_months.SCHEMA)


def _hours(records: pa.Table, first: date) -> pa.Table:
    """Return a month's measurements, a row each: KEY and MEASURED; `hour` is of the month."""
    records = records.filter(pc.equal(records["month"], first.month))
    hours = [np.frombuffer(hour, np.uint16) for hour in records["hour"].to_pylist()]
    methods = [
        np.zeros(len(hour), np.uint8) if kinds is None else np.frombuffer(kinds, np.uint8)
        for hour, kinds in zip(hours, records["method"].to_pylist(), strict=True)
    ]
    row = np.repeat(np.arange(len(hours)), [len(each) for each in hours])
    table = records.select(["site", "poc", "latitude", "longitude"]).take(pa.array(row, pa.int64()))
    hour = np.concatenate([np.zeros(0, np.uint16), *hours]).astype(int) - MARGIN_HOURS
    for name, column in {
        "hour": hour,
        "method": np.concatenate([np.zeros(0, np.uint8), *methods]),
        "value": np.frombuffer(b"".join(records["value"].to_pylist()), np.float32),
        "smoke": np.frombuffer(b"".join(records["smoke"].to_pylist()), bool),
    }.items():
        table = table.append_column(name, pa.array(column))
    # The margins are measurements of the months before and after.
    inside = (hour >= 0) & (hour < 24 * monthrange(first.year, first.month)[1])
    kept = table.filter(pa.array(inside)).group_by(list(KEY), use_threads=False)
    found = kept.aggregate([(name, "first") for name in MEASURED])
    return found.rename_columns([name.removesuffix("_first") for name in found.column_names])


def _of_month(first: date, before: pa.Table, after: pa.Table) -> Iterator[Change]:
    """Yield the changed days of a month, given the measurements of both files."""
    both = before.join(after, list(KEY), join_type="full outer", right_suffix=" after")
    came, went = pc.is_null(both["value"]), pc.is_null(both["value after"])
    differs = np.zeros(len(both), bool)
    for name in MEASURED:
        differs |= pc.fill_null(pc.not_equal(both[name], both[f"{name} after"]), False).to_numpy()
    counts = {"came": came, "went": went, "changed": pa.array(differs)}
    table = pa.table(
        {"site": both["site"], "day": pa.array(both["hour"].to_numpy() // 24), **counts}
    )
    table = table.filter(pc.or_(pc.or_(came, went), counts["changed"]))
    for row in table.group_by(["site", "day"]).aggregate([(n, "sum") for n in counts]).to_pylist():
        day = first + timedelta(row["day"])
        yield Change(row["site"], day, *(row[f"{name}_sum"] for name in counts))
