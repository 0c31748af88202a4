"""Reading from zones that stop, hang, or have nothing yet."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from deadline import until
from flask.testing import FlaskClient
from psycopg2 import sql

from airaware.errors import AirAwareError
from airaware.settings import Settings, Zone
from airaware.store.zones import PROBE_SECONDS, NoZoneError, Reader, TooSlowError
from airaware.web import create_app
from bench import zone_loss
from tools.environments.local import Local
from tools.machine.postgres import READER

PORT = "SELECT current_setting('port')::int AS port, pg_backend_pid() AS pid"
# No wait of the reader is unbounded: without a deadline TCP itself gives up after two minutes.
DEADLINE_SECONDS = 15


@pytest.fixture
def silent() -> Iterator[Zone]:
    """A zone that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Zone("silent", f"host=127.0.0.1 port={server.getsockname()[1]} dbname=airaware")


def test_no_zone_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(AirAwareError, match="AIRAWARE_ZONES"):
        Reader([])


def test_the_first_zone_is_asked_over_one_connection(
    region: Local, reader_zones: tuple[Zone, ...]
) -> None:
    reader = Reader(reader_zones)
    first, second = (reader.fetch(PORT)[0] for _ in range(2))
    assert first == second
    assert first.port == region.clusters["a"].port


def test_sessions_only_read(zones: tuple[Zone, ...]) -> None:
    rows = Reader(zones).fetch("SHOW default_transaction_read_only")
    assert rows[0].default_transaction_read_only == "on"


def test_a_query_that_fails_leaves_no_trace_of_its_place(
    region: Local, reader_zones: tuple[Zone, ...]
) -> None:
    log = region.clusters["a"].folder / "server.log"
    with pytest.raises(psycopg2.DataError):
        Reader(reader_zones).fetch("SELECT 1 / (%s - 41.9229)::int", [41.9229])
    until(lambda: "division by zero" in log.read_text(), 5)
    assert "41.9229" not in log.read_text()


def test_silent_zone_is_waited_for_once(silent: Zone, reader_zones: tuple[Zone, ...]) -> None:
    changes: list[tuple[str, bool]] = []
    reader = Reader((silent, *reader_zones), lambda *change: changes.append(change))
    started = time.monotonic()
    reader.fetch(PORT)
    assert time.monotonic() - started < DEADLINE_SECONDS
    started = time.monotonic()
    for _ in range(20):
        reader.fetch(PORT)
    # Twenty waits for the silent zone would take at least half a minute.
    assert time.monotonic() - started < DEADLINE_SECONDS
    assert changes == [("silent", True)]


@pytest.mark.usefixtures("region")
def test_zone_without_a_schema_is_passed_over(reader_zones) -> None:
    empty = Zone("empty", reader_zones[0].dsn.replace("dbname=airaware", "dbname=postgres"))
    reader = Reader((empty, reader_zones[1]))
    assert reader.fetch("SELECT count(*) AS cells FROM cell")[0].cells > 0


def test_a_zone_without_grants_answers_once_it_has_them(
    region: Local, zones: tuple[Zone, ...], reader_zones: tuple[Zone, ...]
) -> None:
    """A new database is so between its schema and its grants, while its web hosts ask already."""

    def change(text: str) -> None:
        with psycopg2.connect(zones[0].dsn) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL(text).format(sql.Identifier(READER)))

    def refusals() -> int:
        log = region.clusters["a"].folder / "server.log"
        return log.read_text().count("permission denied for table load")

    reader, before = Reader(reader_zones[:1]), refusals()
    change("REVOKE SELECT ON load FROM {}")
    try:
        assert not reader.ready()
        until(lambda: refusals() >= before + 3, DEADLINE_SECONDS)
    finally:
        change("GRANT SELECT ON load TO {}")
    until(reader.ready, DEADLINE_SECONDS)


def test_hanging_server_is_given_up(region: Local, reader_zones: tuple[Zone, ...]) -> None:
    reader = Reader(reader_zones)
    pid = reader.fetch(PORT)[0].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert reader.fetch(PORT)[0].port == region.clusters["b"].port
        assert time.monotonic() - started < DEADLINE_SECONDS
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: reader.fetch(PORT)[0].port == region.clusters["a"].port, PROBE_SECONDS * 5)


def test_a_query_that_is_slow_in_every_zone_costs_nobody_a_zone(
    reader_zones: tuple[Zone, ...],
) -> None:
    changes: list[tuple[str, bool]] = []
    reader = Reader(reader_zones, lambda *change: changes.append(change))
    with pytest.raises(TooSlowError, match=r"took more than 1.5 s"):
        reader.fetch("SELECT pg_sleep(5)")
    reader.fetch(PORT)
    assert changes == []


def test_a_zone_that_is_slow_where_another_is_not_is_not_blamed(
    region: Local, reader_zones: tuple[Zone, ...]
) -> None:
    changes: list[tuple[str, bool]] = []
    reader = Reader(reader_zones, lambda *change: changes.append(change))
    own, other = (region.clusters[zone].port for zone in ("a", "b"))
    slow = f"{PORT}, CASE WHEN current_setting('port') = %s THEN pg_sleep(5) END"
    assert reader.fetch(slow, [str(own)])[0].port == other
    assert reader.fetch(PORT)[0].port == own
    assert changes == []


def test_a_zone_whose_server_was_restarted_has_not_failed(
    region: Local, reader_zones: tuple[Zone, ...]
) -> None:
    changes: list[tuple[str, bool]] = []
    reader = Reader(reader_zones, lambda *change: changes.append(change))
    own, other = region.clusters["a"], region.clusters["b"]
    try:
        own.stop()
        assert reader.fetch(PORT)[0].port == other.port
        own.start()
        until(lambda: reader.fetch(PORT)[0].port == own.port, PROBE_SECONDS * 5)
        # The connection to the other zone has been idle since.
        other.stop()
        other.start()
        own.stop()
        assert reader.fetch(PORT)[0].port == other.port
        # Before the probe finds that it is back.
        assert changes == [("a", True), ("a", False), ("a", True)]
    finally:
        own.start()
        other.start()


def measured(client: FlaskClient, metric: str, zone: str) -> float:
    found = re.search(
        rf'^airaware_{metric}{{zone="{zone}"}} (.*)$',
        client.get("/metrics").text,
        re.MULTILINE,
    )
    return float(found[1]) if found else 0


def test_names_that_do_not_resolve_are_counted(settings_for: Callable[..., Settings]) -> None:
    lost = Zone("a", "host=database.invalid dbname=airaware")
    client = create_app(settings_for((lost,))).test_client()

    def counted() -> float:
        (value,) = re.findall(
            "^airaware_names_unresolved_total (.*)$", client.get("/metrics").text, re.MULTILINE
        )
        return float(value)

    before = counted()
    assert client.get("/readyz").status_code == 503
    until(lambda: counted() > before)


@pytest.mark.usefixtures("loaded")
def test_site_outlives_one_zone_and_returns_to_it(
    region: Local, reader_zones: tuple[Zone, ...], settings_for: Callable[..., Settings]
) -> None:
    app = create_app(settings_for(reader_zones))
    client = app.test_client()
    reader = app.extensions["reader"]
    own, other = region.clusters["a"], region.clusters["b"]

    def answers(client: FlaskClient) -> None:
        for path in ("/air?address=60614", "/api/v1/air?address=60614", "/readyz"):
            assert client.get(path).status_code == 200

    answers(client)
    before = measured(client, "database_failovers_total", "b")
    try:
        own.stop()
        answers(client)
        assert reader.fetch(PORT)[0].port == other.port
        assert measured(client, "zone_passed_over", "a") == 1
        other.stop()
        assert client.get("/readyz").status_code == 503
        assert client.get("/air?address=60614").status_code == 503
        own.start()
        until(lambda: client.get("/readyz").status_code == 200, 20)
        answers(client)
        assert reader.fetch(PORT)[0].port == own.port
        assert measured(client, "zone_passed_over", "a") == 0
    finally:
        own.start()
        other.start()
    # The counter is the process's: other tests' sites have added to it.
    assert measured(client, "database_failovers_total", "b") == before + 1


def test_nothing_answers(silent: Zone) -> None:
    reader = Reader((silent,))
    with pytest.raises(NoZoneError, match="silent"):
        reader.fetch(PORT)
    started = time.monotonic()
    assert not reader.ready()
    # A connection that is tried takes two seconds to fail.
    assert time.monotonic() - started < 1.5


@pytest.mark.skipif(
    not zone_loss.can_be_measured(), reason="a network of one's own takes root, unshare and ip"
)
@pytest.mark.usefixtures("loaded")
def test_no_visitor_is_failed_by_a_zone_that_stops_or_falls_silent(region: Local) -> None:
    """Silent: its packets are dropped. How long answers are slow is the benchmark's."""
    clusters = region.clusters.values()
    try:
        for cluster in clusters:
            cluster.stop()
        losses = zone_loss.measured(region.folder, rate=50)
    finally:
        for cluster in clusters:
            cluster.start()
    for loss in losses.values():
        assert loss.requests > 300
        assert loss.failed == 0
    # Who asks a silent database waits: else nothing was dropped.
    assert losses["silent"].slow > 0
