"""What tests of loads share: a year that no other test loads, and the look into a zone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from psycopg2 import sql

from airaware import store
from airaware.raw import verdicts
from airaware.settings import Zone
from airaware.store.load import TABLES, Counts, Load, Source

PARAMETER, YEAR = 44201, 1985
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = Counts(1000, {verdicts.CANADA: 7}, {verdicts.BAD_NUMBER: 3})


@contextmanager
def nothing_left(zones: tuple[Zone, ...]) -> Iterator[None]:
    """Expect no staging table in the end, and remove the year and the one after it."""
    yield
    for zone in zones:
        for year in (YEAR, YEAR + 1):
            assert ask(zone, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []
            with closing(store.connect(zone)) as connection, connection, connection.cursor() as c:
                for table in TABLES:
                    name = sql.Identifier(Load(PARAMETER, year, "").partition(table))
                    c.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
                c.execute("DELETE FROM load WHERE parameter = %s AND year = %s", (PARAMETER, year))


def ask(zone: Zone, statement, *values: object) -> list[tuple]:
    """Return the rows of a statement in a zone."""
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def source(version: str = "1") -> Source:
    """Return what a load is made from; `version` is the code's."""
    return Source("hourly_44201_1985.zip", "ab" * 32, version, synthetic=True)
