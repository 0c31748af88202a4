"""The schema: numbered SQL files, applied in order and recorded; and the grid's cells.

python -m airaware.store.schema            brings the databases of AIRAWARE_ZONES up to date
python -m airaware.store.schema --check    exits with 1 where one is not
"""

import argparse
import io
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable

from psycopg2 import extensions

from airaware import settings, store
from airaware.errors import AirAwareError
from airaware.science import grid
from airaware.settings import Zone
from airaware.store import shapes

# Any number that no other advisory lock of ours uses.
MIGRATION_LOCK = 4_420_101


def migrate(zone: Zone) -> list[str]:
    """Bring a zone's database up to date; the names of the migrations that were applied now.

    All in one transaction: a failing migration leaves the schema as it was.
    """
    applied = []
    connection = store.connect(zone)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS migration"
                " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
            cursor.execute("SELECT name FROM migration")
            done = {name for (name,) in cursor}
            for file in _migrations():
                if file.name not in done:
                    cursor.execute(file.read_text())
                    cursor.execute("INSERT INTO migration (name) VALUES (%s)", (file.name,))
                    applied.append(file.name)
            _fill_cells(cursor)
            shapes.fill(cursor)
    finally:
        connection.close()
    return applied


def is_current(zone: Zone) -> bool:
    """Whether a zone's database has all migrations and the package's cells."""
    connection = store.connect(zone)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('migration')")
            if cursor.fetchone() == (None,):
                return False
            cursor.execute("SELECT name FROM migration")
            done = {name for (name,) in cursor}
            return done >= {file.name for file in _migrations()} and _cells_are_current(cursor)
    finally:
        connection.close()


def _migrations() -> list[Traversable]:
    folder = files("airaware.store") / "migrations"
    return sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name
    )


def _cells_are_current(cursor: extensions.cursor) -> bool:
    cells = grid.load()
    cursor.execute("SELECT count(*), coalesce(sum(cell), 0) FROM cell")
    return bool(cursor.fetchone() == (len(cells), sum(cells.cells.tolist())))


def _fill_cells(cursor: extensions.cursor) -> None:
    """Fill the table `cell` from the package's grid."""
    if _cells_are_current(cursor):
        return
    cells = grid.load()
    cursor.execute("TRUNCATE cell")
    rows = zip(cells.cells.tolist(), cells.longitude.tolist(), cells.latitude.tolist(), strict=True)
    text = "".join(f"{cell}\tSRID=4326;POINT({lon!r} {lat!r})\n" for cell, lon, lat in rows)
    cursor.copy_expert("COPY cell (cell, center) FROM STDIN", io.StringIO(text))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Bring the zones' schema up to date.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; report by the exit status"
    )
    check = parser.parse_args(arguments).check
    status = 0
    for zone in settings.read().zones:
        if check:
            current = is_current(zone)
            print(f"zone {zone.name}: {'up to date' if current else 'not up to date'}")
            status |= not current
        else:
            print(f"zone {zone.name}: {', '.join(migrate(zone)) or 'up to date'}")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AirAwareError as error:
        sys.exit(f"schema: {error}")
