"""A database with the fleet's `max_connections` has one for everybody who may come."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import connections
import psycopg2
import pytest

from airaware.settings import Zone
from airaware.store.zones import FullError, Reader
from tools.environments.local import Local
from tools.machine.postgres import OWNER, READER, SUPERUSER, Cluster

KEPT = 3  # superuser_reserved_connections
MOST = connections.of_web_hosts() + connections.of_others()


@pytest.fixture
def sized(region: Local) -> Iterator[Cluster]:
    """The first zone's server, of the size that Puppet gives it."""
    cluster = region.clusters["a"]
    _restart(cluster, f"ALTER SYSTEM SET max_connections = {MOST}")
    yield cluster
    _restart(cluster, "ALTER SYSTEM RESET max_connections")


def _restart(cluster: Cluster, change: str) -> None:
    with closing(psycopg2.connect(cluster.dsn(SUPERUSER))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(change)
    cluster.stop()
    cluster.start()


def test_none_of_the_fleet_is_refused_and_the_next_one_knows_why(
    sized: Cluster, reader_zones: tuple[Zone, ...]
) -> None:
    fleet = [READER] * connections.of_web_hosts() + [OWNER] * (connections.of_others() - KEPT)
    with ExitStack() as held:
        for role in fleet:
            held.enter_context(closing(psycopg2.connect(sized.dsn(role))))
        with pytest.raises(FullError):
            Reader(reader_zones[:1]).fetch("SELECT 1")
        # Whom it still lets in finds out who the others are.
        held.enter_context(closing(psycopg2.connect(sized.dsn(SUPERUSER))))
        assert Reader(reader_zones).fetch("SELECT 1")
