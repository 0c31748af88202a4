"""The site on a synthetic ozone year of national size: an address's answer, load, map and hours."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import requests

from airaware.settings import Settings
from airaware.store import manifest, tiles
from airaware.store.zones import Reader
from airaware.web import create_app
from airaware.web.geocode import covered_zip_codes
from bench import zone_loss
from bench.main_job import OZONE, YEAR, submit
from bench.measure import Figure
from loadtest.tiles import tile_of
from tools.drill.http_load import SEED, Answer, closed_loop, one_by_one, open_loop
from tools.environments.local import Local
from tools.machine.postgres import HOST, OWNER, READER, free_port

ADDRESSES = 1_000
CLIENTS = 8
CLOSED_SECONDS = 10
LOAD_RATE, LOAD_SECONDS = 150, 60
TILES_A_ZOOM = 25
HOURS_ASKED = 60
START_SECONDS = 30

Query = tuple[str, Any]


def figures(place: Local, raw: Path) -> list[Figure]:
    """All figures of the site. The place gets the year where nothing has loaded it yet."""
    if not manifest.loads(place.zones(OWNER)[0]):
        submit(place, raw, str(YEAR))
    codes = zip_codes()
    paths = [f"/api/v1/air?address={code}&year={YEAR}" for code in codes]
    with first_site(place) as address:
        first = closed_loop(address, paths, CLIENTS, CLOSED_SECONDS)
    bare = bare_loop(place, queries_of(place, paths))
    with site(place, workers=1) as address:
        worker = closed_loop(address, paths, CLIENTS, CLOSED_SECONDS)
    with site(place) as address:
        ours = closed_loop(address, paths, CLIENTS, CLOSED_SECONDS)
        load = open_loop(address, paths, LOAD_RATE, LOAD_SECONDS)
        tile = one_by_one(address, tile_paths(codes))
        hours = one_by_one(address, [hours_path(code) for code in codes[:HOURS_ASKED]])
        pages = one_by_one(address, [f"/air?address={code}" for code in codes[:HOURS_ASKED]])
    return [
        Figure("the first AirAware's answer to an address", first, "1/s"),
        Figure("ours", ours, "1/s"),
        Figure("ours / the first AirAware's", ours / first, "times", 10, at_least=True, aim=True),
        Figure("a bare loop of its queries, one connection", bare, "1/s"),
        Figure("one worker alone", worker, "1/s"),
        Figure("one worker / bare loop", worker / bare, "times", 0.5, at_least=True, aim=True),
        *load_figures(load),
        Figure("a map tile uncached, p95", milliseconds(tile, 95), "ms", 30),
        Figure("one year of hours at an address, p95", milliseconds(hours, 95), "ms", 150),
        Figure("an address's page, p95", milliseconds(pages, 95), "ms"),
        *zone_figures(place),
        *size_figures(place),
    ]


def zip_codes() -> list[str]:
    """Addresses all over the country, always the same, in no order."""
    codes = sorted(covered_zip_codes())
    return random.Random(SEED).sample(codes, ADDRESSES)  # noqa: S311 (a sample)


@contextmanager
def site(place: Local, workers: int = 2) -> Iterator[str]:
    """The address of the site as `fab deploy` starts it."""
    web = replace(place.web, workers=workers)
    web.start(free_port(), place.environ(READER))
    try:
        yield web.address() or ""
    finally:
        web.stop()


@contextmanager
def first_site(place: Local) -> Iterator[str]:
    """The address of the first AirAware's way."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.first_site", f"{port}"],
        env=place.environ(READER),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://{HOST}:{port}"
    try:
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str, process: subprocess.Popen) -> None:
    """Until the site says anything. Raises SystemExit where it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(address, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise SystemExit("bench.first_site does not start")


class Recorder(Reader):
    """A reader that remembers what it was asked."""

    def __init__(self, settings: Settings):
        super().__init__(settings.zones)
        self.queries: list[Query] = []

    def fetch(self, sql: str, parameters: Any = ()) -> list[Any]:
        self.queries.append((sql, parameters))
        return super().fetch(sql, parameters)


def queries_of(place: Local, paths: Sequence[str]) -> list[list[Query]]:
    """What each request asks the database."""
    zones = place.zones(READER)
    settings = Settings("", "", zones, zones[0].name, 0.05, 0, "")
    app = create_app(settings)
    recorder = app.extensions["reader"] = Recorder(settings)
    client = app.test_client()
    client.get(paths[0])  # What is asked once for all requests.
    asked = []
    for path in paths:
        recorder.queries = []
        client.get(path)
        asked.append(recorder.queries)
    return asked


def bare_loop(place: Local, asked: Sequence[Sequence[Query]]) -> float:
    """Requests a second if there were nothing but their queries, on one psycopg2 connection."""
    begin, answered = time.monotonic(), 0
    with (
        closing(psycopg2.connect(place.zones(READER)[0].dsn)) as connection,
        connection.cursor() as cursor,
    ):
        connection.autocommit = True
        for queries in cycle(asked):
            for sql, parameters in queries:
                cursor.execute(sql, parameters)
                cursor.fetchall()
            answered += 1
            if time.monotonic() > begin + CLOSED_SECONDS:
                return answered / (time.monotonic() - begin)
    raise AssertionError


def milliseconds(seconds: Sequence[float], percentile: float) -> float:
    """A percentile of times in seconds."""
    return float(np.percentile(seconds, percentile)) * 1000


def load_figures(answers: Sequence[Answer]) -> list[Figure]:
    """What an open loop of visitors got."""
    waited = [each.seconds for each in answers]
    name = f"open loop, {LOAD_RATE} requests/s for {LOAD_SECONDS} s"
    return [
        Figure(f"{name}: failed", sum(not each.ok for each in answers), "requests", 0),
        Figure(f"{name}: median", milliseconds(waited, 50), "ms"),
        Figure(f"{name}: p99", milliseconds(waited, 99), "ms", 50),
    ]


def tile_paths(codes: Sequence[str]) -> list[str]:
    """Tiles of each zoom where people live, each once: shapes and values."""
    paths, zips = [], covered_zip_codes()
    for z in range(tiles.MAX_ZOOM + 1):
        there = dict.fromkeys(tile_of(zips[code], z) for code in codes)
        for x, y in list(there)[:TILES_A_ZOOM]:
            paths += [
                f"/tiles/{z}/{x}/{y}.mvt",
                f"/tiles/values/{OZONE}/{YEAR}/hourly_mean/{z}/{x}/{y}",
            ]
    return paths


def hours_path(code: str) -> str:
    """All hours of the year at an address."""
    return f"/api/v1/hours?address={code}&parameter={OZONE}&from={YEAR}-01-01&to={YEAR}-12-31"


def zone_figures(place: Local) -> list[Figure]:
    """The loss of the own zone's database under the same load."""
    if not zone_loss.can_be_measured():
        print("the loss of a zone is not measured: that takes root, unshare and ip")
        return []
    for cluster in place.clusters.values():
        cluster.stop()
    try:
        losses = zone_loss.measured(place.folder, LOAD_RATE)
    finally:
        for cluster in place.clusters.values():
            cluster.start()
    return [
        figure
        for kind, loss in losses.items()
        for figure in (
            Figure(f"own zone {kind}: failed, of {loss.requests}", loss.failed, "requests", 0),
            Figure(f"own zone {kind}: until the last slow answer", loss.slow_seconds, "s", 3),
            Figure(f"own zone {kind}: own zone asked again after", loss.back_seconds, "s", 3),
        )
    ]


def size_figures(place: Local) -> list[Figure]:
    """What the year takes in one zone's database, by table; and what is there without any year."""
    zone = place.zones(OWNER)[0]
    loads = manifest.sizes(zone)
    year = loads[OZONE, YEAR]
    with closing(psycopg2.connect(zone.dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        rest = cursor.fetchone()[0] - sum(sum(sizes.values()) for sizes in loads.values())
    return [
        *(Figure(f"stored: {table}", size / 1e6, "MB") for table, size in year.items()),
        Figure("stored: the year in one zone", sum(year.values()) / 1e6, "MB"),
        Figure("stored: the grid, its shapes, PostGIS", rest / 1e6, "MB"),
    ]
