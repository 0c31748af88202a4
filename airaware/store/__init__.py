"""The store: one PostgreSQL with PostGIS in each zone, every one whole by itself."""

import psycopg2
import psycopg2.extensions

from airaware.errors import AirAwareError
from airaware.settings import Zone
from airaware.store.names import Names

CONNECT_SECONDS = 5


class Connection(psycopg2.extensions.connection):  # type: ignore[misc]  # it has no types
    """A connection whose loss is reported by the error that showed it."""

    def rollback(self) -> None:
        """Roll back; do nothing after a loss, where psycopg2 would raise another error."""
        if not self.closed:
            super().rollback()


def connect(zone: Zone) -> Connection:
    """Connect to a zone, for loading. The password comes from libpq's own file (PGPASSFILE).

    A peer that has gone silent is given up within some 10 seconds. Raises AirAwareError that names
    the zone where it cannot be reached.
    """
    try:
        connection: Connection = psycopg2.connect(
            zone.dsn, connection_factory=Connection,
            connect_timeout=CONNECT_SECONDS, tcp_user_timeout=10_000,
            keepalives_idle=5, keepalives_interval=2, keepalives_count=3,
            **Names(zone.dsn).options(CONNECT_SECONDS),
        )  # fmt: skip
    except psycopg2.OperationalError as error:
        raise AirAwareError(f"zone {zone.name}: its database cannot be reached: {error}") from None
    return connection
