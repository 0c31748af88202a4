"""A worker of the site has all that it needs before its first visitor comes."""

import gc
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from airaware.settings import Settings, Zone
from airaware.web import answers, create_app
from airaware.web.app import Site
from tools.machine.postgres import HOST, READER, free_port

THREADS = 3
SESSIONS = "SELECT pid, backend_start FROM pg_stat_activity WHERE usename = %s"


def sessions(zones: tuple[Zone, ...]) -> set[tuple[Any, ...]]:
    """Those of the site; an application of an earlier test may still end some."""
    found: set[tuple[Any, ...]] = set()
    for zone in zones:
        with closing(psycopg2.connect(zone.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(SESSIONS, (READER,))
            found |= {(zone.name, *row) for row in cursor}
    return found


def requests_counted() -> float:
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "airaware_request_seconds_count"
    )


@pytest.mark.usefixtures("in_bulk")
def test_the_first_visitor_waits_for_no_connection(app: Site, zones: tuple[Zone, ...]) -> None:
    counted = requests_counted()
    before = sessions(zones)
    app.warm(THREADS)
    there = sessions(zones)
    assert zones[0].name in {zone for zone, *_ in there - before}
    assert requests_counted() == counted
    assert app.test_client().get("/api/v1/air?address=Chicago, IL").status_code == 200
    assert sessions(zones) <= there
    assert requests_counted() == counted + 1


def test_a_worker_begins_without_a_database_too(
    settings_for: Callable[..., Settings],
) -> None:
    nobody = Zone("gone", f"host={HOST} port={free_port()} dbname=airaware user={READER}")
    app = create_app(settings_for((nobody,)))
    app.warm(THREADS)
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/air?address=60614").status_code == 503


def test_what_a_page_was_made_of_goes_with_it(client: FlaskClient) -> None:
    """Cycles would keep it until Python looks for them: a twentieth of a page's CPU."""
    client.get("/air?address=60614")
    gc.collect()
    gc.disable()
    try:
        client.get("/air?address=60614").close()
        left = [each for each in gc.get_objects() if isinstance(each, answers.Day)]
    finally:
        gc.enable()
    assert not left
