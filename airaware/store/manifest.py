"""The manifest: which years a zone serves, and what they were made from."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import psycopg2
from psycopg2 import sql

from airaware import store
from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store import rowhash
from airaware.store.load import TABLES


@dataclass(frozen=True)
class Loaded:
    """One parameter's year that a zone serves."""

    parameter: int
    year: int
    synthetic: bool
    rows_read: int
    excluded: int
    rejected: int
    checksum: Decimal
    committed_at: datetime
    edges: dict[str, str | None] = field(default_factory=dict)  # as store.load.Source has them
    hash: str = rowhash.NAME
    verified_at: datetime | None = None
    found_checksum: Decimal | None = None  # what its rows added up to then, or were sent as
    input_sha256: str = ""

    @property
    def verifiable(self) -> bool:
        """Whether its checksum can be computed again."""
        return self.hash == rowhash.NAME

    @property
    def damaged(self) -> bool:
        """Whether its rows were found to be others than those that were loaded."""
        return self.verifiable and self.found_checksum not in (None, self.checksum)


def loads(zone: Zone) -> list[Loaded]:
    """Return what the zone serves, by year and parameter.

    Raises AirAwareError if its database cannot be reached, or was never migrated.
    """
    with _reading(zone) as cursor:
        cursor.execute(
            "SELECT parameter, year, synthetic, rows_read,"
            " (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(excluded)),"
            " (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(rejected)),"
            " checksum, committed_at, edges, hash, verified_at, found_checksum,"
            " input_sha256 FROM load ORDER BY year, parameter"
        )
        return [Loaded(*row) for row in cursor]


def sizes(zone: Zone) -> dict[tuple[int, int], dict[str, int]]:
    """Bytes of each load (parameter, year) in the zone, by table, with keys.

    Raises AirAwareError if its database cannot be reached, or was never migrated.
    """
    with _reading(zone) as cursor:
        cursor.execute(
            "SELECT parameter, year, name, coalesce(pg_total_relation_size("
            " to_regclass(format('%%s_%%s_%%s', name, parameter, year))), 0)"
            " FROM load, unnest(%s) AS name",
            (list(TABLES),),
        )
        found: dict[tuple[int, int], dict[str, int]] = {}
        for parameter, year, table, size in cursor:
            found.setdefault((parameter, year), {})[table] = size
        return found


@contextmanager
def _reading(zone: Zone) -> Iterator["psycopg2.extensions.cursor"]:
    """Give a cursor of the zone; what its database refuses becomes an AirAwareError."""
    with closing(store.connect(zone)) as connection:
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn):
            raise AirAwareError(
                f"zone {zone.name}: its database does not have this release's tables yet:"
                " run `fab deploy`"
            ) from None
        except psycopg2.Error as error:
            raise AirAwareError(f"zone {zone.name}: its database says: {error}") from None


@dataclass(frozen=True)
class Held:
    """A year in a zone: what the manifest says, and what its tables hold, at one moment."""

    attempt: str
    input_sha256: str
    checksum: Decimal
    rows: dict[str, int]
    found_checksum: Decimal
    found_rows: dict[str, int]

    @property
    def whole(self) -> bool:
        """Whether the tables hold what the manifest says."""
        return (self.checksum, self.rows) == (self.found_checksum, self.found_rows)


def held(zone: Zone, parameter: int, year: int) -> Held | None:
    """Read the whole year in the zone, by one statement and so at one moment.

    Raises AirAwareError where its database cannot be reached.
    """
    key = sql.SQL("parameter = {} AND year = {}").format(sql.Literal(parameter), sql.Literal(year))

    def each(template: str, glue: str) -> sql.Composed:
        return sql.SQL(glue).join(
            sql.SQL(template).format(table=sql.Identifier(table), name=sql.Literal(table), key=key)
            for table in TABLES
        )

    statement = sql.SQL(
        "SELECT attempt, input_sha256, checksum, rows_loaded, {}, jsonb_build_object({})"
        " FROM load WHERE {}"
    ).format(
        each(f"(SELECT {rowhash.SUM} FROM {{table}} t WHERE {{key}})", " + "),  # noqa: S608
        each("{name}, (SELECT count(*) FROM {table} WHERE {key})", ", "),
        key,
    )
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return Held(*row) if row else None
