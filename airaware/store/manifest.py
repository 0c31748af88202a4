"""The manifest: which years a zone serves, and what they were made from."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from airaware import store
from airaware.settings import Zone
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


def loads(zone: Zone) -> list[Loaded]:
    """What the zone serves, by year and parameter.

    Raises AirAwareError where its database cannot be reached.
    """
    connection = store.connect(zone)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT parameter, year, synthetic, rows_read,"
                " (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(excluded)),"
                " (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(rejected)),"
                " checksum, committed_at FROM load ORDER BY year, parameter"
            )
            return [Loaded(*row) for row in cursor]
    finally:
        connection.close()


def sizes(zone: Zone) -> dict[tuple[int, int], dict[str, int]]:
    """Bytes of each load (parameter, year) in the zone, by table, with keys.

    Raises AirAwareError where its database cannot be reached.
    """
    connection = store.connect(zone)
    try:
        with connection, connection.cursor() as cursor:
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
    finally:
        connection.close()
