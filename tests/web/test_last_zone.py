"""What is left when a zone has failed: its loss, its return, and names that do not resolve."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import connections
import psycopg2
import pytest
import requests
from browser import Site
from deadline import until
from handmade import LOADS
from psycopg2 import sql
from serving import served

from airaware.settings import Settings, Zone
from airaware.store import zones as zones_module
from airaware.store.zones import FullError, NoZoneError, Reader
from airaware.web import create_app
from tools.environments.local import Local
from tools.machine.postgres import READER, SUPERUSER, Cluster, free_port

AIR = "/api/v1/air?address=60614"
PORT = "SELECT current_setting('port')::int AS port"
# A silent resolver costs glibc 30 s for each address that it asks.
DEADLINE_SECONDS = 15
UNRESOLVED = "database-b.airaware.internal"


@pytest.fixture
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to requests to find that a zone is back."""
    monkeypatch.setattr(zones_module, "PROBE_SECONDS", 3600)


def down(name: str) -> Zone:
    return Zone(name, f"host=127.0.0.1 port={free_port()} dbname=airaware user=nobody")


@contextmanager
def superuser(cluster: Cluster) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(cluster.dsn(SUPERUSER))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@pytest.mark.usefixtures("loaded", "no_probe")
def test_both_zones_are_tried_again_by_the_first_who_asks(
    region: Local, reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> None:
    client = create_app(settings_for(reader_zones)).test_client()
    assert client.get(AIR).status_code == 200
    try:
        for cluster in region.clusters.values():
            cluster.stop()
        for _ in range(2):
            refused = client.get(AIR)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        for zone in ("b", "a"):
            region.clusters[zone].start()
            assert client.get(AIR).status_code == 200
            assert client.get("/readyz").status_code == 200
            region.clusters[zone].stop()
    finally:
        for cluster in region.clusters.values():
            cluster.start()


@pytest.mark.usefixtures("no_probe")
def test_a_query_that_its_server_ends_is_asked_again_where_no_other_zone_is_left(
    region: Local, reader_zones: tuple[Zone, ...]
) -> None:
    reader = Reader((reader_zones[0], down("b")))
    with superuser(region.clusters["a"]) as cursor, ThreadPoolExecutor(1) as aside:

        def ended() -> bool:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = %s AND query LIKE 'SELECT 7, pg_sleep%%' AND state = 'active'",
                (READER,),
            )
            return bool(cursor.fetchall())

        answer = aside.submit(reader.fetch, "SELECT 7, pg_sleep(1)")
        until(ended)
        assert answer.result(DEADLINE_SECONDS)[0][0] == 7


@pytest.mark.usefixtures("no_probe")
def test_a_request_tries_once_more_and_not_again_and_again(reader_zones: tuple[Zone, ...]) -> None:
    """A zone that says what it holds, and answers nothing else."""
    changes: list[tuple[str, bool]] = []
    reader = Reader(reader_zones[:1], lambda *change: changes.append(change))
    with pytest.raises(NoZoneError):
        reader.fetch("SELECT * FROM a_table_that_is_not_there")
    assert changes == [("a", True), ("a", False), ("a", True)]


def end_connections(cursor: psycopg2.extensions.cursor) -> None:
    """End the readers' connections, those of other tests among them."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (READER,)
    )


@contextmanager
def full(region: Local, *zones: str) -> Iterator[None]:
    """Let the reader have one connection in each of some zones, and take it."""
    role, held = sql.Identifier(READER), []
    try:
        for zone in zones:
            with superuser(region.clusters[zone]) as cursor:
                cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(role))
                end_connections(cursor)
            held.append(psycopg2.connect(region.clusters[zone].dsn(READER)))
        yield
    finally:
        for connection in held:
            connection.close()
        for zone in zones:
            with superuser(region.clusters[zone]) as cursor:
                cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT -1").format(role))


@pytest.mark.usefixtures("loaded", "no_probe")
def test_a_zone_without_a_free_connection_is_not_a_dead_one(
    region: Local, reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> None:
    changes: list[tuple[str, bool]] = []
    reader = Reader(reader_zones, lambda *change: changes.append(change))
    with full(region, "a"):
        assert reader.fetch(PORT)[0].port == region.clusters["b"].port
    assert reader.fetch(PORT)[0].port == region.clusters["a"].port
    with full(region, "a", "b"):
        with pytest.raises(FullError):
            Reader(reader_zones).fetch(PORT)
        client = create_app(settings_for(reader_zones)).test_client()
        refused = client.get(AIR)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "as many others as they can" in refused.text
        assert client.get("/healthz").status_code == 200
    assert client.get(AIR).status_code == 200
    assert 'zone_passed_over{zone="a"} 0.0' in client.get("/metrics").text
    assert changes == []


@pytest.fixture
def silent_resolver(tmp_path: Path) -> Iterator[list[str]]:
    """The beginning of a command whose resolver takes questions and never says a word."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a resolv.conf of one's own takes root and unshare")
    conf = tmp_path / "resolv.conf"
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.85.0.53", 53))
        conf.write_text("nameserver 127.85.0.53\noptions timeout:30 attempts:2\n")
        bind = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        yield ["unshare", "--mount", "sh", "-c", bind, str(conf)]


@pytest.mark.usefixtures("loaded")
def test_a_name_that_does_not_resolve_costs_no_answer_of_the_own_zone(
    region: Local, reader_zones: tuple[Zone, ...], tmp_path: Path, silent_resolver: list[str]
) -> None:
    """Nor does the restart of the own database cost one, once it is back."""
    zones = (reader_zones[0], Zone("b", f"host={UNRESOLVED} dbname=airaware user={READER}"))
    own = region.clusters["a"]
    with served(zones, tmp_path, silent_resolver) as site, ThreadPoolExecutor(8) as visitors:

        def status(path: str) -> int:
            return requests.get(f"{site.url}{path}", timeout=DEADLINE_SECONDS).status_code

        # Both workers' threads, whose other zone was never asked before.
        assert set(visitors.map(status, 16 * [AIR])) == {200}
        try:
            own.stop()
            assert set(visitors.map(status, [AIR, "/readyz"] * 4)) == {503}
            assert status("/healthz") == 200
        finally:
            own.start()
        assert set(visitors.map(status, [AIR, "/readyz"] * 8)) == {200}
        assert f"could not resolve {UNRESOLVED}: no answer within 1 s" in site.log.read_text()


def test_a_worker_holds_no_more_connections_than_databases_reckon_with(
    region: Local, site: Site
) -> None:
    """One for each thread, and one for what it asks aside."""
    paths = [f"{AIR}&year={year}" for _, year in LOADS] + ["/readyz", "/map"]
    with superuser(region.clusters["a"]) as cursor:
        end_connections(cursor)
    with ThreadPoolExecutor(32) as visitors:
        list(visitors.map(lambda path: requests.get(site.url + path, timeout=60), 40 * paths))
    with superuser(region.clusters["a"]) as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'airaware-web'"
        )
        ((held,),) = cursor.fetchall()
    assert 2 <= held <= 2 * (connections.THREADS + 1)
