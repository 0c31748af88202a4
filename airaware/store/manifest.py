"""The manifest: which years a zone serves, and what they were made from."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from airaware import store
from airaware.settings import Zone


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
