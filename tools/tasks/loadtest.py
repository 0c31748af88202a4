"""The task that puts load on an environment's site with Locust, from where its visitors are."""

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from botocore.exceptions import BotoCoreError, ClientError
from fabric import Connection
from invoke import Exit
from rich.table import Table

from airaware.errors import AirAwareError
from tools.environments import catalog
from tools.environments.environment import Site
from tools.environments.local import LOAD_PORT, state_folder
from tools.fleet.timeline import Recorder, Timeline, draw
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import console
from tools.machine.usage import Meter
from tools.tasks.operation import operation

SHAPES = ("spike", "ramp", "soak")
JOURNEYS = ("original", "visitor")
LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 5, 9
# A soak's load, as a share of what the site can do; and how that is found.
SOAK_SHARE, PROBE_USERS, PROBE_MINUTES = 0.5, 8, 0.5
# The workers' memory, once their caches are filled, may grow by so much.
SETTLED_SECONDS, MAX_GROWTH_PERCENT = 120, 10


@dataclass(frozen=True)
class Load:
    """A load test: `minutes` long, with waits between a user's requests in seconds."""

    journey: str
    shape: str
    users: int
    minutes: float
    least_wait: float = LEAST_WAIT_SECONDS
    most_wait: float = MOST_WAIT_SECONDS
    max_failed_percent: float = 0.1
    max_p95_ms: float = 300

    def command(
        self, url: str, summary: Path, outside: Sequence[str] = (), web: bool = False
    ) -> list[str]:
        """Return Locust's command; `outside` are the words that run it where visitors are."""
        mode = ["--web-host", "127.0.0.1", "--web-port", str(LOAD_PORT)] if web else ["--headless"]
        files = ["loadtest/users.py", f"loadtest/shapes/{self.shape}.py"]
        return [
            # It would take options from ~/.locust.conf, too.
            *(*outside, "env", f"HOME={os.devnull}"),
            *(sys.executable, "-m", "locust", *mode, "--only-summary"),
            *("--loglevel", "WARNING"),
            *("--locustfile", ",".join(files), self.journey.capitalize()),
            *("--host", url, "--only-host", url, "--summary", str(summary)),
            *("--most-users", str(self.users), "--minutes", f"{self.minutes:g}"),
            *("--least-wait", f"{self.least_wait:g}", "--most-wait", f"{self.most_wait:g}"),
            *("--max-failed-percent", f"{self.max_failed_percent:g}"),
            *("--max-p95-ms", f"{self.max_p95_ms:g}"),
        ]


@operation(
    help={
        "shape": f"how the load goes with time: {', '.join(SHAPES)}",
        "journey": f"what a user does: {', '.join(JOURNEYS)}",
        "users": "how many at most (1000; a soak: what half of the site's capacity is)",
        "minutes": "how long",
        "max_failed_percent": "objective: so many requests may fail",
        "max_p95_ms": "objective: 95 of 100 answers within so many milliseconds",
        "web": "with Locust's web page, until it is stopped there or by Ctrl-C",
        "picture": "file for a picture of servers and CPU against time (a fleet's)",
    }
)
def loadtest(
    _: Connection,
    env: str = "",
    shape: str = "spike",
    journey: str = "original",
    users: int = 0,
    minutes: float = 10.0,
    max_failed_percent: float = 0.1,
    max_p95_ms: float = 300.0,
    web: bool = False,
    picture: str = "",
    dry_run: bool = False,
) -> None:
    """Load the site with users, and say whether it held."""
    _must_be_of("shape", shape, SHAPES)
    _must_be_of("journey", journey, JOURNEYS)
    if users < 0 or minutes <= 0:
        raise AirAwareError("--users and --minutes are numbers above 0")
    place = catalog.find(env)
    site = place.site()
    load = Load(
        *(journey, shape, users or 1000, minutes),
        max_failed_percent=max_failed_percent,
        max_p95_ms=max_p95_ms,
    )
    if dry_run:
        console.print(f"would run {' '.join(_command(site, load, Path('summary.json'), web))}")
        return
    folder = place.folder / "loadtests" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder.mkdir(parents=True)
    if web:
        console.print(f"Locust's page: [bold]{place.urls()['load']}/[/]")
        _run(site, load, folder / "summary.json", web=True)
        return
    if shape == "soak" and not users:
        load = _half_of_the_capacity(load, site, folder)
    meter = Meter(CHECKOUT, state_folder())
    if site.server:
        missed = _load_and_watch_memory(load, site, folder)
    elif site.record:
        title = f"{load.users} users, {load.shape}: environment {place.name}"
        missed = _load_and_record(load, site, site.record, folder, title, picture)
    else:  # the variant without a balancer has nothing to scale
        status = _run(site, load, folder / "summary.json")
        _show(_summary(folder, status))
        missed = status != 0
    machine = meter.usage()
    (folder / "machine.json").write_text(json.dumps(asdict(machine)))
    console.print(str(machine), markup=False)
    if missed and machine.limit:
        console.print(machine.limit, markup=False)
    console.print(f"report: {folder}", markup=False)
    if missed:
        raise Exit("fab loadtest: an objective was missed", code=1)


def _command(site: Site, load: Load, summary: Path, web: bool = False) -> list[str]:
    return load.command(site.url, summary, site.outside, web)


def _run(site: Site, load: Load, summary: Path, web: bool = False) -> int:
    """Load the site; return Locust's status."""
    return subprocess.run(_command(site, load, summary, web), cwd=CHECKOUT).returncode


def _load_and_watch_memory(load: Load, site: Site, folder: Path) -> bool:
    """Load a site on this machine; return whether it missed an objective or leaked memory."""
    process = subprocess.Popen(_command(site, load, folder / "summary.json"), cwd=CHECKOUT)
    memory = _Memory(site.server)
    while process.poll() is None:
        memory.look()
        time.sleep(1)
    (folder / "memory.json").write_text(json.dumps(memory.points))
    _show(_summary(folder, process.returncode))
    growth = memory.growth_percent()
    if growth is not None:
        console.print(f"memory of the web workers: {memory} ({growth:+.1f}%)", markup=False)
    return process.returncode != 0 or (growth or 0) > MAX_GROWTH_PERCENT


def _load_and_record(
    load: Load, site: Site, record: Callable[[], Recorder], folder: Path, title: str, picture: str
) -> bool:
    """Load a site while recording its web tier, until that has shrunk again.

    Returns:
        Whether the load missed an objective.
    """
    try:
        recorder = record()
        recorder.start()
    except (BotoCoreError, ClientError) as error:
        raise AirAwareError(f"The web tier cannot be observed: {error}") from None
    status = _run(site, load, folder / "summary.json")
    with console.status("wait until the extra servers are gone"):
        timeline = recorder.finish()
    timeline.save(folder / "timeline.json")
    _show(_summary(folder, status))
    _show_scaling(timeline)
    if picture:
        draw(timeline, title, Path(picture))
    return status != 0


def _half_of_the_capacity(load: Load, site: Site, folder: Path) -> Load:
    """Return the load with as many users as ask for half of what the site can answer.

    A few users that never wait measure that capacity first.
    """
    probe = Load(load.journey, "spike", PROBE_USERS, PROBE_MINUTES, least_wait=0, most_wait=0)
    status = _run(site, probe, folder / "capacity.json")
    figures = _summary(folder, status, "capacity.json")
    capacity = figures["requests_per_second"] * (1 - figures["failed_percent"] / 100)
    wait_seconds = (load.least_wait + load.most_wait) / 2
    users = math.ceil(SOAK_SHARE * capacity * wait_seconds)
    console.print(
        f"{PROBE_USERS} users without a wait got {capacity:.0f} answers a second:"
        f" {users} users ask for half as much"
    )
    return Load(
        *(load.journey, load.shape, users, load.minutes, load.least_wait, load.most_wait),
        *(load.max_failed_percent, load.max_p95_ms),
    )


class _Memory:
    """The resident memory of a server's workers, each second."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._begun = time.monotonic()
        self.points: list[tuple[float, int]] = []  # seconds since the beginning, bytes

    def look(self) -> None:
        """Record what the workers use now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            workers = psutil.Process(self._server).children()
            taken = sum(worker.memory_info().rss for worker in workers)
            self.points.append((time.monotonic() - self._begun, taken))

    def growth_percent(self) -> float | None:
        """Return the growth since memory had settled; None if the load was too short."""
        settled = self._settled()
        if not settled or self.points[-1][0] < 2 * SETTLED_SECONDS:
            return None
        return 100 * (self.points[-1][1] / settled - 1)

    def _settled(self) -> int:
        return next((taken for seconds, taken in self.points if seconds > SETTLED_SECONDS), 0)

    def __str__(self) -> str:
        settled, last = self._settled(), self.points[-1][1]
        return f"{settled / 1e6:.0f} MB after {SETTLED_SECONDS} s, {last / 1e6:.0f} MB in the end"


def _summary(folder: Path, status: int, name: str = "summary.json") -> dict[str, float]:
    try:
        text = (folder / name).read_text()
    except FileNotFoundError:
        raise AirAwareError(
            f"Locust ended with status {status} before it had any figures; its output says why"
        ) from None
    return dict(json.loads(text))


def _show(figures: dict[str, float]) -> None:
    table = Table("requests", "failed", "1/s", "p50 ms", "p95 ms", "p99 ms", "Locust's CPU")
    table.add_row(
        f"{figures['requests']:.0f}",
        f"{figures['failed']:.0f} ({figures['failed_percent']:.3f}%)",
        f"{figures['requests_per_second']:.0f}",
        *(f"{figures[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
        f"{figures['locust_cpu_percent']:.0f}% of a core",
    )
    console.print(table)


def _show_scaling(timeline: Timeline) -> None:
    words = {
        "crossed": f"over the target of {timeline.target_percent:g}%, after the load began",
        "first_extra_server": "first extra server in service, after that",
        "under_again": "under the target again, after that",
        "back_to_least": "as many servers as before, after the load ended",
    }
    for name, seconds in timeline.times().items():
        console.print(f"{words[name]}: {'never' if seconds is None else f'{seconds:.0f} s'}")
    most = ", ".join(f"{count:.0f} in {zone}" for zone, count in timeline.most_servers().items())
    console.print(f"most servers at once: {most}; clock factor {timeline.clock_factor:g}")


def _must_be_of(what: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise AirAwareError(f"There is no {what} '{word}'. Known are: {', '.join(known)}")
