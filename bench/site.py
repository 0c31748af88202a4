"""The site on synthetic years, beside an endpoint of the same server that answers nothing.

Every bound is a ratio of two figures of one round, since the machine's speed varies. Each figure is
the median over the rounds.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import psycopg2
import requests

from airaware.gazetteer.places import covered_zip_codes
from airaware.science.pollutants import DEFAULT_PARAMETERS
from airaware.store import manifest, tiles
from bench import empty, zone_loss
from bench.main_job import OZONE, YEAR, submit
from bench.measure import Figure
from loadtest.tiles import tile_of
from tools.drill import places
from tools.drill.http_load import SEED, client_of, closed_loop, one_by_one, open_loop
from tools.environments.local import Local
from tools.machine.checkout import CHECKOUT
from tools.machine.postgres import HOST, OWNER, READER, free_port
from tools.machine.webserver import WORKERS, WebServer

ROUNDS = 3
ADDRESSES = 1_000
NEW_PLACES = 6_000  # of each round: more than a worker remembers, and none is another round's
CLIENTS = 8
LOAD_RATE = 150
EMPTIES = 500  # for the CPU of one
TURNS = 10
START_SECONDS = 30
APPLICATION = "bench.empty:create_app()"
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@dataclass(frozen=True)
class Extent:
    """How much is measured in a round: seconds of a loop and of an open one, requests one by one.

    stations: of the synthetic years that the site has, by parameter; None: as many as EPA has.
    """

    loop_seconds: float
    load_seconds: float
    pages: int
    tiles_a_zoom: int
    stations: Mapping[int, int | None]


FULL = Extent(10, 20, 60, 25, dict.fromkeys(DEFAULT_PARAMETERS))
QUICK = Extent(2, 4, 20, 4, dict(zip(DEFAULT_PARAMETERS, (120, 60, 30), strict=True)))


@dataclass(frozen=True)
class Servers:
    """The addresses of those that are measured, and the single worker's process id."""

    first: str
    one_worker: str
    two_workers: str
    worker: int


def figures(place: Local, raw: Path, extent: Extent) -> list[Figure]:
    """Return all figures of the site, whose years are loaded here where they are not yet."""
    load_years(place, raw, extent)
    new = [answer_path(place) for place in islice(places.places(SEED), ROUNDS * NEW_PLACES)]
    with servers(place) as running:
        known = [answer_path(code) for code in zip_codes()]
        closed_loop(running.two_workers, known, CLIENTS, extent.loop_seconds)  # to remember them
        rounds = [
            one_round(running, extent, new[number::ROUNDS], number) for number in range(ROUNDS)
        ]
    found = {name: float(np.median([each[name] for each in rounds])) for name in rounds[0]}
    return [
        *(Figure(name, found[name], unit) for name, unit in WITHOUT_BOUND.items()),
        *(replace(bound, value=found[bound.name]) for bound in BOUNDS),
        *([] if extent is QUICK else zone_figures(place)),
        *size_figures(place),
    ]


def load_years(place: Local, raw: Path, extent: Extent) -> None:
    """Load the years of an extent where they are not yet."""
    if len(manifest.loads(place.zones(OWNER)[0])) < len(extent.stations):
        submit(place, raw, str(YEAR), tuple(extent.stations))


WITHOUT_BOUND = {
    "the first AirAware's answers": "1/s",
    "ours, two workers": "1/s",
    "one worker's empty answers": "1/s",
    "CPU of an empty answer": "ms",
    "CPU of /air": "ms",
    "CPU of figures=point": "ms",
    "CPU of a remembered cell's answer": "ms",
    "CPU of a new cell's answer": "ms",
    "empty answers' p99 at 150/s": "ms",
    "answers' p99 at 150/s": "ms",
}
BOUNDS = (
    Figure("answers, two workers / the first AirAware's", 0, "times", 3, 5, at_least=True),
    Figure("one worker, remembered cells / empty", 0, "times", 0.6, 0.8, at_least=True),
    Figure("one worker, new cells / empty", 0, "times", 0.35, 0.5, at_least=True),
    Figure("p99 at 150/s / empty", 0, "times", 6, 3),
    Figure("CPU of /air / empty", 0, "times", 15, 9),
    Figure("CPU of figures=point / empty", 0, "times", 12, 6),
    Figure("a tile, uncached, p95 / empty", 0, "times", 10, 5),
    Figure("/air on the wire", 0, "KB", 30, 20),
    Figure("failed at 150/s", 0, "requests", 0),
)


def one_round(
    running: Servers, extent: Extent, new: Sequence[str], number: int
) -> dict[str, float]:
    """Measure each figure once. What is compared is measured one after the other.

    Each round asks for pages and new places of its own, the same in every run.
    """
    codes = zip_codes()
    known = [answer_path(code) for code in codes]
    seconds = extent.loop_seconds
    one, two = running.one_worker, running.two_workers
    first = closed_loop(running.first, known, CLIENTS, seconds)
    ours = closed_loop(two, known, CLIENTS, seconds)
    one_by_one(one, known)
    empties = closed_loop(one, [empty.PATH], CLIENTS, seconds)
    remembered = closed_loop(one, known, CLIENTS, seconds)
    not_known = closed_loop(one, new, CLIENTS, seconds)

    begin = 2 * number * extent.pages
    here, there = codes[begin : begin + extent.pages], codes[begin + extent.pages :]
    pages = [f"/air?address={place}&year={YEAR}" for place in here]
    points = [f"{answer_path(place)}&figures=point" for place in there[: extent.pages]]
    cpu = cpu_ms(
        running,
        {
            "an empty answer": [empty.PATH] * EMPTIES,
            "/air": pages,
            "figures=point": points,
            "a remembered cell's answer": known[:EMPTIES],
            "a new cell's answer": new[-EMPTIES:],  # which the loop has not come to
        },
    )
    empty_load = open_loop(two, [empty.PATH], LOAD_RATE, extent.load_seconds)
    load = open_loop(two, known, LOAD_RATE, extent.load_seconds)
    empty_p99, p99 = (milliseconds([a.seconds for a in each], 99) for each in (empty_load, load))
    asked = tile_paths(codes, extent.tiles_a_zoom)
    empty_p95 = milliseconds(one_by_one(two, [empty.PATH] * len(asked)), 95)
    tile_p95 = milliseconds(one_by_one(two, asked), 95)
    return {
        "the first AirAware's answers": first,
        "ours, two workers": ours,
        "one worker's empty answers": empties,
        **{f"CPU of {name}": value for name, value in cpu.items()},
        "empty answers' p99 at 150/s": empty_p99,
        "answers' p99 at 150/s": p99,
        "answers, two workers / the first AirAware's": ours / first,
        "one worker, remembered cells / empty": remembered / empties,
        "one worker, new cells / empty": not_known / empties,
        "p99 at 150/s / empty": p99 / empty_p99,
        "CPU of /air / empty": cpu["/air"] / cpu["an empty answer"],
        "CPU of figures=point / empty": cpu["figures=point"] / cpu["an empty answer"],
        "a tile, uncached, p95 / empty": tile_p95 / empty_p95,
        "/air on the wire": float(np.median(sizes_kb(one, pages))),
        "failed at 150/s": float(sum(not each.ok for each in load)),
    }


def cpu_ms(running: Servers, asked: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the single worker's CPU time per request of each kind, in ms.

    The kinds are asked by turns, a slice of each: how fast a shared machine is changes meanwhile.
    """
    seconds = dict.fromkeys(asked, 0.0)
    for turn in range(TURNS):
        for kind, paths in asked.items():
            before = cpu_seconds(running.worker)
            one_by_one(running.one_worker, paths[turn::TURNS], headers=BROWSER)
            seconds[kind] += cpu_seconds(running.worker) - before
    return {kind: 1000 * seconds[kind] / len(paths) for kind, paths in asked.items()}


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process's threads, finer than the 10 ms of /proc/PID/stat."""
    stats = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in stats) / 1e9


def answer_path(address: str) -> str:
    """Return the path of the API's answer to an address."""
    return f"/api/v1/air?address={address}&year={YEAR}"


def zip_codes() -> list[str]:
    """Return addresses all over the country, always the same, in no order."""
    codes = sorted(covered_zip_codes())
    return random.Random(SEED).sample(codes, ADDRESSES)


def sizes_kb(address: str, paths: Sequence[str]) -> list[float]:
    """Return the size of each answer's body as a browser gets it."""
    with closing(client_of(address, 1, headers=BROWSER)) as client:
        return [len(client.get(path).read()) / 1000 for path in paths]


@contextmanager
def servers(place: Local) -> Iterator[Servers]:
    """Run the first AirAware's way, and the site with one worker and with two."""
    with ExitStack() as stack:
        first = stack.enter_context(first_site(place))
        one = stack.enter_context(site(place, workers=1))
        two = stack.enter_context(site(place))
        (worker,) = psutil.Process(one.pid()).children()
        yield Servers(first, one.address() or "", two.address() or "", worker.pid)


@contextmanager
def site(place: Local, workers: int = WORKERS) -> Iterator[WebServer]:
    """Run the site as `fab deploy` starts it, with the empty endpoint."""
    folder = place.web.folder / f"workers-{workers}"
    web = replace(place.web, folder=folder, workers=workers, application=APPLICATION)
    web.start(free_port(), place.environ(READER) | {"PYTHONPATH": str(CHECKOUT)})
    try:
        yield web
    finally:
        web.stop()


@contextmanager
def first_site(place: Local) -> Iterator[str]:
    """Run the first AirAware's way; give its address."""
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
    """Wait until the site says anything. Raises SystemExit where it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(address, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise SystemExit("bench.first_site does not start")


def milliseconds(seconds: Sequence[float], percentile: float) -> float:
    """Return a percentile of times in seconds."""
    return float(np.percentile(seconds, percentile)) * 1000


def tile_paths(codes: Sequence[str], a_zoom: int) -> list[str]:
    """Return tiles of each zoom where people live, each once: shapes and values."""
    paths, zips = [], covered_zip_codes()
    for z in range(tiles.MAX_ZOOM + 1):
        there = dict.fromkeys(tile_of(zips[code], z) for code in codes)
        for x, y in list(there)[:a_zoom]:
            paths += [
                f"/tiles/{z}/{x}/{y}.mvt",
                f"/tiles/values/{OZONE}/{YEAR}/hourly_mean/{z}/{x}/{y}",
            ]
    return paths


def zone_figures(place: Local) -> list[Figure]:
    """Return what the loss of the own zone's database does under the same load."""
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
            Figure(
                f"own zone {kind}: answers that took a database",
                loss.read / loss.requests,
                "of all",
                zone_loss.LEAST_READ,
                at_least=True,
            ),
        )
    ]


def size_figures(place: Local) -> list[Figure]:
    """Return what the ozone year takes in one zone's database, and what is there without years."""
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
