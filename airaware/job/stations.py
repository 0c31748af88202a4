"""A month's stations, assembled from the records of many shares of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from airaware.raw import station_months
from airaware.science import metrics, utc_offsets

# The columns of a month between its margins.
MONTH = slice(metrics.MARGIN_HOURS, -metrics.MARGIN_HOURS)

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
    rows = rows[~replaced] if replaced.any() else rows
    by_instrument = np.full((len(first), columns), np.nan)
    as_measured = np.zeros(by_instrument.shape, dtype=bool)
    # Backwards: of duplicates, the first in the file is written last. By copies, as NumPy walks
    # views like row[::-1] in the order of memory.
    row, hour = rows["instrument"][::-1].copy(), rows["hour"][::-1].copy()
    by_instrument[row, hour] = rows["value"][::-1].copy()
    as_measured[row, hour] = rows["method"][::-1] == station_months.AS_MEASURED
    reports = np.isfinite(by_instrument)
    duplicates = int(in_month[hour].sum() - reports[:, MONTH].sum())
    smoky = _marked(rows, rows["smoke"], (len(starts), columns))

    with np.errstate(invalid="ignore"):
        hours = np.add.reduceat(np.where(reports, by_instrument, 0), starts, axis=0) / (
            np.add.reduceat(reports, starts, axis=0, dtype=np.int16)
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
    corrected = _marked(rows, rows["method"] == station_months.CORRECTED, shape)
    replaced: np.ndarray = (rows["method"] == station_months.AS_MEASURED) & corrected[
        rows["site"], rows["hour"]
    ]
    return replaced


def _marked(rows: np.ndarray, chosen: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return at which sites and hours any of the chosen rows is: (sites, hours)."""
    cells = np.zeros(shape, dtype=bool)
    cells[rows["site"][chosen], rows["hour"][chosen]] = True
    return cells
