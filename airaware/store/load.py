"""A load: one parameter's year, whole or not at all, into one zone's database.

The driver holds the zone's lock of that year from `lock` on. Tasks copy pieces into the
attempt's own staging tables, each at most once however often it is tried. `commit` makes them the
served partitions, and the manifest's row with them, in one transaction.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

import numpy as np
import psycopg2
from psycopg2 import extensions, sql
from psycopg2.extras import Json

from airaware import store
from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import parents, rowhash
from airaware.store.binary import Rows, decode

TABLES = (
    "cell_year",
    "parent_year",
    "station",
    "station_day",
    "residual",
    "ranking",
    "count_range",
)
_KEYS = {
    "cell_year": "cell",
    "parent_year": "cell",
    "station": "site",
    "station_day": "site, day",
    "residual": "month, quantity, from_miles",
    "ranking": "piece",
    "count_range": "from_miles",
}
# Of the parents that a zone makes itself; others come with the cells they are made of.
PARENTS_PIECE = -1
_STAGED = re.compile(r"[a-z_]+_(\d+)_(\d{4})_")  # parameter and year of a staging table
# What is staged need not be on the disk at each commit. A crash of the server may lose the newest
# pieces, and ends the load with them; the swap's commit is durable, and all that was before it.
LATER_DURABLE = "SET synchronous_commit = off"
# By autovacuum, which would gather statistics of all columns in the midst of a load; see `_finish`.
NEVER_ANALYZED = sql.SQL("autovacuum_analyze_threshold = 2147483647")
# A swap waits this long for readers before it lets them pass and tries again. Those that come
# meanwhile wait behind it: less than PostgreSQL's deadlock_timeout, so that none of them is ended.
SWAP_PATIENCE_SECONDS = 0.5
SWAP_TRIES = 120


@dataclass(frozen=True)
class Load:
    """Which year of which parameter, and which attempt at it (a word fit for a table's name)."""

    parameter: int
    year: int
    attempt: str

    def partition(self, table: str) -> str:
        """Return the name of the table's served partition of this year."""
        return f"{table}_{self.parameter}_{self.year}"

    def staging(self, table: str) -> sql.Identifier:
        """Return the attempt's own staging table."""
        return sql.Identifier("staging", f"{self.partition(table)}_{self.attempt}")

    def key_columns(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the parameter (int32) and the year (int16), as the tables' first two columns."""
        return np.full(rows, self.parameter, np.int32), np.full(rows, self.year, np.int16)


@dataclass(frozen=True)
class Source:
    """What a load is made from: files and code. Two loads of equal sources are equal.

    edges: a digest of the hours used of each neighbouring year that a day of the load reaches into,
    None where they were not there; file_date: when the file was changed at its source, as
    2014-06-12, None where nothing says so.
    """

    input_name: str
    input_sha256: str
    code_version: str
    synthetic: bool
    edges: Mapping[str, str | None] = field(default_factory=dict)
    file_date: str | None = None


@dataclass(frozen=True)
class Counts:
    """What became of a file's rows.

    By site: hours that EPA has not corrected; its clock's hours from UTC; and rows with a GMT time
    that does not fit that clock. newest_change: the newest "Date of Last Change" of a row kept.
    """

    rows_read: int
    excluded: Mapping[str, int]
    rejected: Mapping[str, int]
    uncorrected: Mapping[str, int] = field(default_factory=dict)
    utc_offsets: Mapping[str, int] = field(default_factory=dict)
    gmt_misfits: Mapping[str, int] = field(default_factory=dict)
    newest_change: str | None = None

    @property
    def candidates(self) -> int:
        """Rows that no rule leaves out."""
        return self.rows_read - sum(self.excluded.values())


class ZoneLoad:
    """A load into one zone. Use as a context: what was not committed is dropped."""

    def __init__(self, zone: Zone, load: Load) -> None:
        """Connect to the zone. Raises AirAwareError where it cannot be reached."""
        self.zone = zone
        self.load = load
        self._connection = store.connect(zone)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(LATER_DURABLE)

    def __enter__(self) -> "ZoneLoad":
        """Return the attempt."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what was staged and not committed, and release the lock."""
        try:
            if not self._connection.closed:
                self.drop_staging(self.load.attempt)
                self._unlock()
        except psycopg2.Error:
            pass  # The zone is gone; the next load of this year drops what is left.
        finally:
            self._connection.close()

    def lock(self, wait: bool) -> bool:
        """Take the zone's lock of this year, which goes with the driver; whether we have it."""
        key = (self.load.parameter, self.load.year)
        with self._connection.cursor() as cursor:
            if wait:
                cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
                return True
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
            return bool(cursor.fetchone()[0])

    def _unlock(self) -> None:
        """Give the lock up at once: the server may end the connection a moment after we have."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")

    def holds(self, source: Source) -> bool:
        """Whether the zone serves this very load already."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT input_sha256, code_version, edges, hash FROM load"
                " WHERE parameter = %s AND year = %s",
                (self.load.parameter, self.load.year),
            )
            made_of = (source.input_sha256, source.code_version, source.edges)
            return bool(cursor.fetchone() == (*made_of, rowhash.NAME))

    def stage(self) -> None:
        """Make the attempt's staging tables, and drop those of dead attempts at the same year."""
        with self._connection.cursor() as cursor:
            self.drop_staging()
            for table in TABLES:
                cursor.execute(
                    sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL) WITH ({})").format(
                        self.load.staging(table), sql.Identifier(table), NEVER_ANALYZED
                    )
                )
            cursor.execute(
                sql.SQL(
                    "CREATE TABLE {} (piece integer, table_name text, rows bigint,"
                    " checksum numeric, PRIMARY KEY (piece, table_name))"
                ).format(self.load.staging("piece"))
            )

    def copy(self, piece: int, table: str, stream: IO[bytes]) -> None:
        """Copy a whole table (a binary COPY stream) into the attempt's own, as one piece."""
        staging = self.load.staging(table)
        with self._connection.cursor() as cursor:
            cursor.copy_expert(
                sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(staging), stream
            )
            rows, checksum = rowhash.add_up(cursor, staging)
            _arrived(cursor, self.load, piece, table, rows, checksum)

    def commit(
        self,
        source: Source,
        counts: Counts,
        pieces: int,
        started_at: datetime,
        expected: str | None = None,
    ) -> str:
        """Put keys on the staging tables, add the pieces up, and serve them; the checksum.

        The checksum is that of the rows as they were sent: `fab verify` adds up those that arrived.

        Raises AirAwareError where not all pieces have arrived, or where a checksum is `expected`
        and they have another.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT count(DISTINCT piece) FROM {}").format(self.load.staging("piece"))
            )
            arrived = cursor.fetchone()[0]
            if arrived != pieces:
                raise AirAwareError(
                    f"zone {self.zone.name}: {arrived} of {pieces} pieces of"
                    f" {source.input_name} arrived. Submit the year again."
                )
            self._finish(cursor, "cell_year")
            if not self._has_parents(cursor):
                self._make_parents(cursor)
            for table in TABLES[1:]:
                self._finish(cursor, table)
            rows, checksum = self._added_up(cursor)
        if expected not in (None, checksum):
            raise AirAwareError(
                f"zone {self.zone.name}: the copy of {source.input_name}'s load has the checksum"
                f" {checksum}, not {expected}: it is damaged. Submit the year again."
            )
        self._swap(source, counts, rows, checksum, started_at)
        return checksum

    def _has_parents(self, cursor: extensions.cursor) -> bool:
        """Return whether rows of `parent_year` came with the pieces."""
        cursor.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE table_name = 'parent_year'").format(
                self.load.staging("piece")
            )
        )
        return bool(cursor.fetchone()[0])

    def _added_up(self, cursor: extensions.cursor) -> tuple[dict[str, int], str]:
        """Return each table's rows, and the checksum of all."""
        cursor.execute(
            sql.SQL("SELECT table_name, sum(rows), sum(checksum) FROM {} GROUP BY 1").format(
                self.load.staging("piece")
            )
        )
        sums = {table: (int(rows), int(checksum)) for table, rows, checksum in cursor}
        rows = {table: sums.get(table, (0, 0))[0] for table in TABLES}
        return rows, str(sum(checksum for _, checksum in sums.values()))

    def _finish(self, cursor: extensions.cursor, table: str) -> None:
        staging = self.load.staging(table)
        cursor.execute(
            sql.SQL(
                "ALTER TABLE {} ADD PRIMARY KEY ({}),"
                " ADD CHECK (parameter = {} AND year = {} AND parameter IS NOT NULL)"
            ).format(
                staging,
                sql.SQL(_KEYS[table]),
                sql.Literal(self.load.parameter),
                sql.Literal(self.load.year),
            )
        )
        # Only what queries look for: statistics of long arrays cost much and serve nobody. Without
        # those of parameter and year the planner takes a load for one row, and joins by a loop.
        looked_for = sql.SQL(f"{_KEYS[table]}, parameter, year")
        cursor.execute(sql.SQL("ANALYZE {} ({})").format(staging, looked_for))

    def _make_parents(self, cursor: extensions.cursor) -> None:
        """Fill `parent_year` from `cell_year`, for a load whose pieces have no parents."""
        content = io.BytesIO()
        cursor.copy_expert(
            sql.SQL(
                "COPY (SELECT cell, {} FROM {} ORDER BY cell) TO STDOUT (FORMAT binary)"
            ).format(
                sql.SQL(", ").join(map(sql.Identifier, parents.AVERAGED)),
                self.load.staging("cell_year"),
            ),
            content,
        )
        kinds = dict.fromkeys(parents.AVERAGED, ("f4", 12)) | {"days_above": ("i2", 12)}
        cells, *figures = decode(content.getvalue(), cell="i8", **kinds).values()
        rows = parent_rows(self.load, cells, figures)
        _send(cursor, self.load, PARENTS_PIECE, {"parent_year": rows})

    def _swap(
        self,
        source: Source,
        counts: Counts,
        rows: dict[str, int],
        checksum: str,
        started_at: datetime,
    ) -> None:
        for attempt in range(1, SWAP_TRIES + 1):
            try:
                with self._connection, self._connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit = on")
                    cursor.execute("SET LOCAL lock_timeout = %s", (SWAP_PATIENCE_SECONDS * 1000,))
                    for table in TABLES:
                        self._serve(cursor, table)
                    self._record(cursor, source, counts, rows, checksum, started_at)
                return
            except psycopg2.errors.LockNotAvailable:
                if attempt == SWAP_TRIES:
                    raise AirAwareError(
                        f"zone {self.zone.name}: readers held {source.input_name}'s tables for"
                        f" {SWAP_TRIES * SWAP_PATIENCE_SECONDS:g} s. Submit the year again."
                    ) from None

    def _serve(self, cursor: extensions.cursor, table: str) -> None:
        partition = sql.Identifier(self.load.partition(table))
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition))
        cursor.execute(sql.SQL("ALTER TABLE {} SET SCHEMA public").format(self.load.staging(table)))
        cursor.execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                sql.Identifier(f"{self.load.partition(table)}_{self.load.attempt}"), partition
            )
        )
        parameter, year = self.load.parameter, self.load.year
        cursor.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(table),
                partition,
                sql.SQL(", ").join(map(sql.Literal, (parameter, year))),
                sql.SQL(", ").join(map(sql.Literal, (parameter, year + 1))),
            )
        )

    def _record(
        self,
        cursor: extensions.cursor,
        source: Source,
        counts: Counts,
        rows: dict[str, int],
        checksum: str,
        started_at: datetime,
    ) -> None:
        key = (self.load.parameter, self.load.year)
        cursor.execute("DELETE FROM load WHERE parameter = %s AND year = %s", key)
        cursor.execute(
            "INSERT INTO load (parameter, year, attempt, input_name, input_sha256, code_version,"
            " synthetic, edges, rows_read, excluded, rejected, uncorrected, utc_offsets,"
            " gmt_misfits, rows_loaded, hash, checksum, found_checksum, started_at, file_date,"
            " newest_change) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " %s, %s, %s, %s, %s, %s)",
            (
                *key,
                self.load.attempt,
                source.input_name,
                source.input_sha256,
                source.code_version,
                source.synthetic,
                Json(source.edges),
                counts.rows_read,
                Json(counts.excluded),
                Json(counts.rejected),
                Json(counts.uncorrected),
                Json(counts.utc_offsets),
                Json(counts.gmt_misfits),
                Json(rows),
                rowhash.NAME,
                checksum,
                checksum,
                started_at,
                source.file_date,
                counts.newest_change,
            ),
        )

    def drop_staging(self, attempt: str = "") -> None:
        """Drop an attempt's staging tables; or all attempts' at this year, by who has the lock."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'staging' AND tablename ~ %s",
                (f"^[a-z_]+_{self.load.parameter}_{self.load.year}_{attempt}",),
            )
            for (name,) in cursor.fetchall():
                table = sql.Identifier("staging", name)
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))


def sweep(zone: Zone) -> None:
    """Drop the staging tables of loads whose driver has gone: their lock is free."""
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")
        names = [_STAGED.match(name) for (name,) in cursor.fetchall()]
    for parameter, year in sorted({(int(name[1]), int(name[2])) for name in names if name}):
        with ZoneLoad(zone, Load(parameter, year, "sweep")) as zone_load:
            if zone_load.lock(wait=False):
                zone_load.drop_staging()


def copy_piece(zone: Zone, load: Load, piece: int, tables: Mapping[str, Rows]) -> None:
    """Copy a piece's rows into the attempt's tables, unless they are there already.

    Raises AirAwareError that names the zone where its database fails.
    """
    connection = store.connect(zone)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(LATER_DURABLE)
            _send(cursor, load, piece, tables)
    except psycopg2.Error as error:
        raise AirAwareError(f"zone {zone.name}: {str(error).strip()}") from None
    finally:
        connection.close()


def _send(cursor: extensions.cursor, load: Load, piece: int, tables: Mapping[str, Rows]) -> None:
    """Copy a piece's rows into the attempt's tables, unless they are there already."""
    for table, rows in tables.items():
        if _arrived(cursor, load, piece, table, rows.count, rows.checksum):
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(load.staging(table))
            cursor.copy_expert(statement, io.BytesIO(rows.stream))


def _arrived(
    cursor: extensions.cursor, load: Load, piece: int, table: str, rows: int, checksum: int
) -> bool:
    """Note that a piece of a table arrives; whether it is the first time."""
    cursor.execute(
        sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING").format(
            load.staging("piece")
        ),
        (piece, table, rows, checksum),
    )
    return bool(cursor.rowcount)


def parent_rows(load: Load, cells: np.ndarray, figures: Sequence[np.ndarray]) -> Rows:
    """Return the rows of `parent_year` that `parents.averaged` makes of cells and their months."""
    found, *means = parents.averaged(cells, figures)
    return Rows.of(*load.key_columns(len(found)), found, *means)
