"""A web host's watchdog: kills workers that hang, restarts the site, or has the host replaced.

    python -m airaware.host.watchdog --workers FOLDER --pid-file FILE --metrics FILE

Runs for ever, as the site's own account. Each second it asks every worker on a socket of the
worker's own (`airaware.web.worker_socket`); `airaware.host.hung` decides. To restart the site it
kills gunicorn's main process, and systemd starts the unit anew: that needs no further rights.
"""

import argparse
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client import CollectorRegistry, Counter, write_to_textfile

from airaware.errors import AirAwareError
from airaware.host import hung, journal, web_group
from airaware.host.hung import Decision, OwnTime, Workers
from airaware.host.metadata import group_name, instance_id

ANSWER_SECONDS = 0.8  # less than a tick
FIRST_RUN = Path("/var/lib/airaware/first-run")
AT_ONCE = 16

log = logging.getLogger("airaware.host.watchdog")


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(path: Path) -> bool | None:
    """Return whether a worker answers on its socket; None where its process is gone."""
    with contextlib.closing(_Connection(path)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except (OSError, HTTPException):
            return False


def ask(folder: Path, several: ThreadPoolExecutor) -> dict[int, bool]:
    """Return whether each worker that runs answers, by its process id."""
    paths = {int(path.stem): path for path in folder.glob("*.sock")}
    found = zip(paths, several.map(answers, paths.values()), strict=True)
    return {pid: answer for pid, answer in found if answer is not None}


@dataclass
class Metrics:
    """What the watchdog has done, for node exporter, where the host has it."""

    file: Path
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Begin at zero."""
        self._actions = Counter(
            "airaware_watchdog_actions",
            "What the watchdog did: kill a worker, restart the site, report the host.",
            ["action"],
            registry=self.registry,
        )
        for action in ("kill", "restart", "report"):
            self._actions.labels(action)

    def count(self, action: str) -> None:
        """Count an action."""
        self._actions.labels(action).inc()

    def write(self) -> None:
        """Write the file, whole."""
        if os.access(self.file.parent, os.W_OK):
            write_to_textfile(str(self.file), self.registry)
            self.file.chmod(0o644)


@dataclass
class Watchdog:
    """The site whose workers have their sockets in `workers`, and its main process's `pid_file`."""

    workers: Path
    pid_file: Path
    metrics: Metrics
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _waits_for: str = ""

    def watch(self, stays: Callable[[], bool] = lambda: True) -> None:
        """Ask and act at every tick."""
        own, seen, before = OwnTime(), Workers(), self.clock()
        with ThreadPoolExecutor(AT_ONCE) as several:
            while stays():
                begun = self.clock()
                now = own.pass_by(begun - before)
                before = begun
                found = ask(self.workers, several)
                self.act(seen.decide(now, found, first_run=not FIRST_RUN.exists()))
                self.sleep(max(0.0, begun + hung.TICK_SECONDS - self.clock()))

    def act(self, decision: Decision) -> None:
        """Carry a decision out."""
        for pid in decision.kill:
            log.error("worker %d has not answered for %g s: killed", pid, hung.SILENT_SECONDS)
            self._kill("kill", pid)
        if decision.restart:
            with contextlib.suppress(FileNotFoundError, ValueError):
                pid = int(self.pid_file.read_text())
                log.error("no worker answers: the site is started anew")
                self._kill("restart", pid)
        if decision.report:
            self._report()
        if decision != Decision() or not self.metrics.file.exists():
            self.metrics.write()

    def _kill(self, action: str, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.metrics.count(action)

    def _report(self) -> None:
        try:
            if not (group := group_name()):
                return
            own = instance_id()
            waits_for = hung.reason_to_wait(own, web_group.site(group))
            if not waits_for:
                web_group.report(own)
                self.metrics.count("report")
                log.error("the site does not come back: this host is to be replaced")
        except (AirAwareError, BotoCoreError, ClientError) as error:
            waits_for = str(error)
        if waits_for and waits_for != self._waits_for:
            log.error("the site does not come back; this host is not reported: %s", waits_for)
        self._waits_for = waits_for


def main() -> None:
    """Watch for ever."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=Path, required=True, help="folder of workers' sockets")
    parser.add_argument("--pid-file", type=Path, required=True, help="gunicorn's")
    parser.add_argument("--metrics", type=Path, required=True, help="where the exporter reads them")
    given = parser.parse_args()
    Watchdog(given.workers, given.pid_file, Metrics(given.metrics)).watch()


if __name__ == "__main__":
    journal.begin()
    main()
