"""The schema comes whole or not at all, and however often it is asked for."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from small_load import COUNTS, PARAMETER, STARTED, YEAR, source

from airaware import store
from airaware.science import grid
from airaware.settings import Zone
from airaware.store import manifest, queries, schema, verify
from airaware.store.load import Load, ZoneLoad
from airaware.store.zones import Reader
from tools.environments.local import Local
from tools.machine.postgres import OWNER, SUPERUSER

MIGRATIONS = Path(schema.__file__).parent / "migrations"
SCRATCH = "scratch"


def ask(zone: Zone, statement: str, *values: object) -> list[tuple]:
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@pytest.fixture
def scratch(region: Local, zones: tuple[Zone, ...]) -> Iterator[Zone]:
    """A database without any schema, PostGIS aside, beside the first zone's own."""
    cluster = next(iter(region.clusters.values()))

    def run(database: str, *statements: str) -> None:
        with closing(psycopg2.connect(cluster.dsn(SUPERUSER, database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    run("postgres", f"CREATE DATABASE {SCRATCH} OWNER {OWNER}")
    run(SCRATCH, "CREATE EXTENSION postgis")
    yield Zone("scratch", make_dsn(zones[0].dsn, dbname=SCRATCH))
    run("postgres", f"DROP DATABASE {SCRATCH} WITH (FORCE)")


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, in a folder that a test may add to."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    monkeypatch.setattr(schema, "files", lambda _package: tmp_path)
    return tmp_path / "migrations"


@pytest.fixture
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid that is filled in at once."""
    air = grid.load()
    few = grid.Grid(air.cells[:100], air.latitude[:100], air.longitude[:100])
    monkeypatch.setattr(grid, "load", lambda: few)


def names() -> list[str]:
    return sorted(file.name for file in MIGRATIONS.glob("*.sql"))


def test_migrating_again_changes_nothing(zones):
    for zone in zones:
        before = ask(zone, "SELECT name, applied_at FROM migration ORDER BY name")
        assert [name for name, _ in before] == names()
        assert schema.migrate(zone) == []
        assert ask(zone, "SELECT name, applied_at FROM migration ORDER BY name") == before


def test_the_cells_are_the_grids(zones):
    air = grid.load()
    for zone in zones:
        rows = ask(
            zone,
            "SELECT cell, ST_Y(center::geometry), ST_X(center::geometry) FROM cell ORDER BY cell",
        )
        cells, latitude, longitude = zip(*rows, strict=True)
        assert np.array_equal(cells, air.cells)
        assert np.array_equal(latitude, air.latitude)
        assert np.array_equal(longitude, air.longitude)


def test_the_nearest_cell_is_found_by_the_index(zones):
    air = grid.load()
    query = "SELECT cell FROM cell ORDER BY center <-> ST_Point(%s, %s, 4326)::geography LIMIT 1"
    for n in range(0, len(air), 20_000):
        point = (float(air.longitude[n]), float(air.latitude[n]))
        assert ask(zones[0], query, *point) == [(int(air.cells[n]),)]
    plan = "\n".join(line for (line,) in ask(zones[0], f"EXPLAIN {query}", *point))
    assert "cell_center" in plan


@pytest.mark.usefixtures("few_cells")
def test_a_failing_migration_leaves_the_schema_as_it_was(scratch, migrations):
    bad = migrations / "9998_bad.sql"
    bad.write_text("CREATE TABLE fine (a integer); CREATE TABLE wrong (a nonsense);")
    with pytest.raises(psycopg2.Error, match="nonsense"):
        schema.migrate(scratch)
    assert ask(scratch, "SELECT tablename FROM pg_tables WHERE tableowner = %s", OWNER) == []

    bad.write_text("CREATE TABLE fine (a integer);")
    assert schema.migrate(scratch) == [*names(), bad.name]

    (migrations / "9999_worse.sql").write_text("DROP TABLE fine; SELECT 1 / 0;")
    with pytest.raises(psycopg2.Error, match="division by zero"):
        schema.migrate(scratch)
    assert ask(scratch, "SELECT count(*) FROM fine") == [(0,)]
    assert ask(scratch, "SELECT count(*) FROM migration") == [(len(names()) + 1,)]


@pytest.mark.usefixtures("few_cells")
def test_a_database_that_ends_in_a_migration_is_told_as_such(scratch, migrations):
    bad = migrations / "9998_end.sql"
    bad.write_text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(psycopg2.OperationalError, match=r"(terminating|closed the) connection"):
        schema.migrate(scratch)


@pytest.mark.usefixtures("few_cells")
def test_two_at_the_same_time_apply_each_migration_once(scratch):
    with ThreadPoolExecutor(2) as threads:
        applied = list(threads.map(schema.migrate, [scratch, scratch]))
    assert sorted(applied) == [[], names()]


@pytest.mark.usefixtures("few_cells")
def test_cells_of_another_grid_are_replaced(scratch, monkeypatch):
    schema.migrate(scratch)
    assert ask(scratch, "SELECT count(*) FROM cell") == [(100,)]
    monkeypatch.undo()
    assert schema.migrate(scratch) == []
    air = grid.load()
    assert ask(scratch, "SELECT count(*), max(cell) FROM cell") == [(len(air), air.cells[-1])]


@pytest.mark.usefixtures("few_cells")
def test_the_command_brings_up_to_date_and_checks(scratch, monkeypatch, capsys):
    monkeypatch.setenv("AIRAWARE_ZONES", f"{scratch.name}={scratch.dsn}")
    assert schema.main(["--check"]) == 1
    assert schema.main([]) == 0
    assert schema.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "zone scratch: not up to date",
        f"zone scratch: {', '.join(names())}",
        "zone scratch: up to date",
    ]


# A load as the release before wrote it: with its hash of rows, and without dates.
OLD_LOAD = """
INSERT INTO load (parameter, year, attempt, input_name, input_sha256, code_version, synthetic,
                  rows_read, excluded, rejected, rows_loaded, checksum, started_at)
VALUES (%s, %s, 'before', %s, %s, %s, true, 0, '{}', '{}', '{}', 12345, now())
"""


@pytest.mark.usefixtures("few_cells")
def test_a_database_of_the_version_before_is_opened_and_its_years_renewed(scratch, migrations):
    newest = migrations / names()[-1]
    statements = newest.read_text()
    newest.unlink()
    schema.migrate(scratch)
    made_of = source()
    row = (PARAMETER, YEAR, made_of.input_name, made_of.input_sha256, made_of.code_version)
    with closing(store.connect(scratch)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(OLD_LOAD, row)

    newest.write_text(statements)
    assert not schema.is_current(scratch)
    assert schema.migrate(scratch) == [newest.name]
    (old,) = manifest.loads(scratch)
    assert (old.verifiable, old.damaged) == (False, False)
    (found,) = verify.verify(scratch)
    assert not found.damaged
    assert f"Renew it: fab submit-year {YEAR} --parameter {PARAMETER}" in str(found)
    assert list(verify.differences([scratch])) == []
    (served,) = queries.served(Reader([scratch])).loads
    assert (served.checksum, served.file_date, served.newest_change) == ("12345", None, None)

    # What submit-year does: a zone that does not hold the very load gets it.
    with ZoneLoad(scratch, Load(PARAMETER, YEAR, "renewed")) as zone_load:
        assert not zone_load.holds(made_of)
        zone_load.stage()
        zone_load.commit(made_of, COUNTS, 0, STARTED)
        assert zone_load.holds(made_of)
    (renewed,) = manifest.loads(scratch)
    assert (renewed.verifiable, renewed.damaged) == (True, False)
    assert [str(each) for each in verify.verify(scratch)] == [
        f"zone scratch: {YEAR} of {PARAMETER} is sound"
    ]
