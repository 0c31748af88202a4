"""A whole load, read at one moment: the months of all its cells, for files of everything."""

import io
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import numpy as np
from psycopg2 import extensions, sql

from airaware import store
from airaware.errors import AirAwareError
from airaware.science import grid
from airaware.science.accuracy import Residuals, expected_errors
from airaware.settings import Zone
from airaware.store import binary, queries
from airaware.store.queries import Load
from airaware.store.zones import HELD

# The grid is read in so many pieces: each takes some 40 MB on its way.
PIECES = 8
# As the site gets them: psycopg2 reads a real's decimal digits, which are not its binary value.
_MONTHS = """
COPY (SELECT cell, hourly_mean::text::float8[], hours, daily_mean::text::float8[], days, days_above,
             aqi_days, nearest_km::text::float8[]
      FROM {table} WHERE cell BETWEEN {first} AND {last} ORDER BY cell) TO STDOUT (FORMAT binary)
"""


class WholeLoad:
    """A load of a zone, all of one moment."""

    def __init__(self, cursor: extensions.cursor, load: Load) -> None:
        """Read with a cursor of a transaction that sees one moment."""
        self._cursor = cursor
        self._load = load

    def expected_errors(self) -> Mapping[tuple[str, int, str], float]:
        """Return the errors to expect of its estimates."""
        keys = {"parameter": self._load.parameter, "year": self._load.year}
        self._cursor.execute(queries.RESIDUALS, keys)
        return expected_errors(Residuals(*row) for row in self._cursor)

    def months(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield columns of `cell_year` by name, (n,) or (n, 12) or (n, 72), cells ascending."""
        for piece in np.array_split(grid.load().cells, PIECES):
            statement = sql.SQL(_MONTHS).format(
                table=sql.Identifier(f"cell_year_{self._load.parameter}_{self._load.year}"),
                first=sql.Literal(int(piece[0])),
                last=sql.Literal(int(piece[-1])),
            )
            stream = io.BytesIO()
            self._cursor.copy_expert(statement, stream)
            yield binary.decode(
                stream.getvalue(),
                cell="i8",
                hourly_mean=("f8", 12),
                hours=("i2", 12),
                daily_mean=("f8", 12),
                days=("i2", 12),
                days_above=("i2", 12),
                aqi_days=("i2", 72),
                nearest_km=("f8", 12),
            )


def loads(zone: Zone) -> tuple[Load, ...]:
    """Return what a zone serves. Raises AirAwareError where it cannot be reached."""
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(HELD.sql)
        return queries.loads_of((cursor.fetchone()[0] or "[]",))


@contextmanager
def reading(zone: Zone, load: Load) -> Iterator[WholeLoad]:
    """Read a load that a zone serves.

    Raises AirAwareError where the zone cannot be reached, or serves another load by now.
    """
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute(
            "SELECT checksum::text FROM load WHERE parameter = %s AND year = %s",
            (load.parameter, load.year),
        )
        if cursor.fetchone() != (load.checksum,):
            raise AirAwareError(
                f"zone {zone.name}: {load.year} of {load.parameter} was loaded anew meanwhile."
                " Submit the year again."
            )
        yield WholeLoad(cursor, load)
