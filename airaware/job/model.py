"""What the job's stages pass on: the job itself, pieces of tables, and their rows."""

import calendar
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from airaware.raw.rawstore import Exact
from airaware.science.pollutant import Pollutant
from airaware.science.pollutants import get
from airaware.science.summary import month_fields
from airaware.settings import Zone
from airaware.store.load import Load

# The grid is copied in this many pieces, each with its own index range.
CELL_PIECES = 16
# A month's station-days are one piece; then come the year's stations, its residuals, and its
# ranges.
STATIONS_PIECE = CELL_PIECES + 13
RESIDUALS_PIECE = STATIONS_PIECE + 1
RANGES_PIECE = RESIDUALS_PIECE + 1

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


def month_cells(pollutant: Pollutant) -> np.dtype:
    """Return a month at a cell as stage 2 passes it on; `cell` is an index into the grid."""
    return np.dtype([("cell", np.int32), *month_fields(pollutant)])


@dataclass(frozen=True)
class Job:
    """What the tasks of one load need to know; no secret is in it."""

    load: Load
    raw: str
    zones: tuple[Zone, ...]
    shares: int
    file: Exact  # of the raw store: what every task reads

    @property
    def pollutant(self) -> Pollutant:
        """The load's pollutant."""
        return get(self.load.parameter)

    def days(self, month: int) -> int:
        """Return the number of days of a month, 1 for January."""
        return calendar.monthrange(self.load.year, month)[1]
