"""The schema: numbered SQL files, applied in order and recorded; and the grid's cells."""

import io
from importlib.resources import files

from airaware import grid, store
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
            for file in sorted(
                (files("airaware.store") / "migrations").iterdir(), key=lambda f: f.name
            ):
                if file.name.endswith(".sql") and file.name not in done:
                    cursor.execute(file.read_text())
                    cursor.execute("INSERT INTO migration (name) VALUES (%s)", (file.name,))
                    applied.append(file.name)
            _fill_cells(cursor)
            shapes.fill(cursor)
    finally:
        connection.close()
    return applied


def _fill_cells(cursor) -> None:
    """The table `cell` as the package's grid has it."""
    cells = grid.load()
    cursor.execute("SELECT count(*), coalesce(sum(cell), 0) FROM cell")
    if cursor.fetchone() == (len(cells), sum(cells.cells.tolist())):
        return
    cursor.execute("TRUNCATE cell")
    rows = zip(cells.cells.tolist(), cells.longitude.tolist(), cells.latitude.tolist(), strict=True)
    text = "".join(f"{cell}\tSRID=4326;POINT({lon!r} {lat!r})\n" for cell, lon, lat in rows)
    cursor.copy_expert("COPY cell (cell, center) FROM STDIN", io.StringIO(text))
