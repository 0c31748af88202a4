"""What the batch computes is what the zones hold."""

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pytest
from psycopg2 import sql
from small_load import COUNTS, PARAMETER, STARTED, YEAR, ask, nothing_left, source

from airaware.job import model, stages, versions
from airaware.job.stations import assemble
from airaware.raw import rawstore, station_months
from airaware.science import grid, metrics, pollutants, summary
from airaware.science.metrics import MARGIN_HOURS
from airaware.settings import Zone
from airaware.store import parents
from airaware.store.binary import Rows
from airaware.store.load import Load, ZoneLoad, copy_piece


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
    job = model.Job(load, raw="", zones=zones, shares=1, file=rawstore.Exact("", ""))
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

    names = summary.COLUMNS
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

    # Parents are made piece by piece, also where a parent's children are of two pieces.
    cells = np.array(sorted(rows))
    made = parents.averaged(
        cells,
        [
            np.array([rows[cell][name] for cell in cells.tolist()], np.float32)
            for name in parents.AVERAGED
        ],
    )
    found = zip(*parents_of(zones[0]), strict=True)
    for expected, column in zip(made, found, strict=True):
        order = np.argsort(made[0])
        np.testing.assert_array_equal(np.array(column, expected.dtype), expected[order])
    borders = grid.load().cells[[own.start for own, _ in stages.piece_spans()[1:]]]
    inside = (cells[0] < borders) & (borders < cells[-1])
    assert (parents.of(borders, 3) == parents.of(borders - 1, 3))[inside].any()

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


def parents_of(zone: Zone) -> list[tuple]:
    """Return the rows of `parent_year` in the order of their cells."""
    names = sql.SQL(", ").join(map(sql.Identifier, ("cell", *parents.AVERAGED)))
    statement = sql.SQL("SELECT {} FROM parent_year WHERE year = %s ORDER BY cell").format(names)
    return ask(zone, statement, YEAR)


# Of the coarser cells made of `cells_of_a_formula`, numbers to five digits: renew it with the
# version of "coarse", and for no other reason.
COARSE = {"version": 1, "digest": "21e896544b943b14"}


def cells_of_a_formula() -> Rows:
    """Return cell_year rows of 300 neighbouring cells, with months and cells that lack a value."""
    cells = grid.load().cells[1000:1300]
    many = len(cells)
    value = 10 + np.sin(np.arange(many)[:, None] + np.arange(12)) * 5
    value[::7, :6] = np.nan
    value[:, 11] = np.nan
    real = [(value * factor).astype(np.float32) for factor in (1, 2, 3, 4, 5)]
    small = np.nan_to_num(value).astype(np.int16)
    return Rows.of(
        np.full(many, PARAMETER, np.int32),
        np.full(many, YEAR, np.int16),
        cells,
        real[0],
        small,
        *real[1:],
        small,
        small,
        np.repeat(small, 6, axis=1),
        small,
        real[0],
    )


def coarse(zone: Zone) -> str:
    """Return the digest of the coarser cells that a zone makes of the formula's cells."""
    load = Load(PARAMETER, YEAR, "coarse")
    with ZoneLoad(zone, load) as zone_load:
        zone_load.stage()
        copy_piece(zone, load, 0, {"cell_year": cells_of_a_formula()})
        zone_load.commit(source(), COUNTS, 1, STARTED)
    lines = [
        f"{cell} {' '.join(f'{value:.4e}' for value in itertools.chain(*figures))}"
        for cell, *figures in parents_of(zone)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_coarser_cells_change_only_with_their_version(zones):
    assert {"version": versions.VERSIONS["coarse"], "digest": coarse(zones[0])} == COARSE


def test_another_mean_of_coarser_cells_is_noticed(zones, monkeypatch):
    means = parents._means
    monkeypatch.setattr(parents, "_means", lambda months, starts: means(months, starts) + 1)
    assert coarse(zones[0]) != COARSE["digest"]
