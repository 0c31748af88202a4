"""What the batch computes is what the zones hold."""

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pytest
from psycopg2 import sql
from small_load import COUNTS, PARAMETER, STARTED, YEAR, ask, nothing_left, source

from airaware.job import model, stages
from airaware.job.stations import assemble
from airaware.raw import station_months
from airaware.science import grid, metrics, pollutants
from airaware.science.metrics import MARGIN_HOURS
from airaware.settings import Zone
from airaware.store.load import Load, ZoneLoad


@pytest.fixture(autouse=True)
def leave_nothing(zones: tuple[Zone, ...]) -> Iterator[None]:
    with nothing_left(zones):
        yield


def station_month(month: int, site: str, level: float, days: int) -> dict:
    hours = np.arange(24 * days, dtype=np.uint16)
    return {
        "parameter": PARAMETER,
        "year": YEAR,
        "month": month,
        "site": site,
        "latitude": 42.14 if site == "17-031-4201" else 41.98,
        "longitude": -87.80,
        "poc": 1,
        "position": month,
        "hour": (hours + MARGIN_HOURS).tobytes(),
        "value": (level + 0.0001 * (hours % 24)).astype(np.float32).tobytes(),
        "smoke": np.zeros(24 * days, bool).tobytes(),
    }


def test_what_the_batch_computes_is_what_the_zones_hold(zones):
    """January and July, of two stations and of one, from the second stage to the tables."""
    load = Load(PARAMETER, YEAR, "batch")
    job = model.Job(load, raw="", zones=zones, shares=1)
    months = {
        1: [station_month(1, "17-031-4201", 0.02, 31), station_month(1, "17-031-7002", 0.03, 31)],
        7: [station_month(7, "17-031-7002", 0.08, 31)],
    }
    tables = {m: pa.Table.from_pylist(r, schema=station_months.SCHEMA) for m, r in months.items()}
    found = pa.concat_tables(stages.month_pieces(job, table) for table in tables.values())
    numbers = sorted(set(found.column("piece").to_pylist()))
    with ExitStack() as stack:
        loads = [stack.enter_context(ZoneLoad(zone, load)) for zone in zones]
        for zone_load in loads:
            zone_load.stage()
        for number in numbers:
            rows = found.filter(pa.compute.equal(found["piece"], number))
            copied = stages.copy_pieces(job, rows)
            assert copied.schema == model.COPIED
            assert copied.column("zone").to_pylist() == [zone.name for zone in zones]
            assert copied.column("error").to_pylist() == [None, None]
        checksums = {
            zone_load.commit(source(), COUNTS, len(numbers), STARTED) for zone_load in loads
        }
    assert len(checksums) == 1

    names = [name for name in model.MONTH_CELLS.names if name != "cell"]
    columns = sql.SQL(", ").join(map(sql.Identifier, ("cell", *names)))
    statement = sql.SQL("SELECT {} FROM cell_year WHERE year = %s").format(columns)
    rows = {cell: dict(zip(names, values, strict=True)) for cell, *values in ask(
        zones[1], statement, YEAR
    )}  # fmt: skip
    covered = set()
    for month, table in tables.items():
        stations = assemble(table, 31)
        ozone = pollutants.get(PARAMETER)
        cells = stages.month_cells(ozone, stations, metrics.daily(ozone, stations.hours))
        covered.update(grid.load().cells[cells["cell"]].tolist())
        for expected in cells[::97]:
            row = rows[int(grid.load().cells[expected["cell"]])]
            for name in names:
                values = np.reshape(row[name], (12, -1))[month - 1]
                assert values.astype(np.float32).tolist() == np.ravel(expected[name]).tolist()
            # Months without any station.
            assert np.isnan(row["hourly_mean"][1])
            assert row["hours"][1] == row["stations"][1] == 0
    assert set(rows) == covered

    statement = "SELECT site, latitude, instruments FROM station WHERE year = %s ORDER BY site"
    assert ask(zones[0], statement, YEAR) == [("17-031-4201", 42.14, 1), ("17-031-7002", 41.98, 1)]
    days = ask(
        zones[0],
        "SELECT site, count(*), min(day)::text, max(day)::text, max(hours[24]) FROM station_day"
        " WHERE year = %s GROUP BY site ORDER BY site",
        YEAR,
    )
    assert days == [
        ("17-031-4201", 31, "1985-01-01", "1985-01-31", pytest.approx(0.0223)),
        ("17-031-7002", 62, "1985-01-01", "1985-07-31", pytest.approx(0.0823)),
    ]
