"""The watchdog and a real gunicorn: a worker that is really stopped is killed and replaced."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deadline import until
from prometheus_client.parser import text_string_to_metric_families

from airaware.host import hung, watchdog
from airaware.host.watchdog import Metrics, Watchdog

THREADS = 4  # of a worker: airaware.web.gunicorn's, which this process must not import


class Site:
    """Gunicorn as a web host has it, with a database that never answers, and its watchdog."""

    def __init__(self, folder: Path) -> None:
        self.database = socket.create_server(("127.0.0.1", 0))
        self.database.settimeout(60)
        port = self.database.getsockname()[1]
        self.workers, self.pid_file = folder / "workers", folder / "pid"
        self.metrics = folder / "watchdog.prom"
        self.workers.mkdir()
        (folder / "counters").mkdir()
        environ = {
            "AIRAWARE_ZONES": f"us-west-2a=host=127.0.0.1 port={port}",
            "AIRAWARE_WORKER_SOCKETS": str(self.workers),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "counters"),
        }
        self.site = folder / "site.sock"
        self.server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "airaware.web:create_app()"),
                *("--config", "python:airaware.web.gunicorn", "--workers", "2"),
                *("--bind", f"unix:{self.site}", "--pid", str(self.pid_file)),
            ],
            env=os.environ | environ,
        )

    def answering(self) -> set[int]:
        with ThreadPoolExecutor(4) as several:
            return {pid for pid, ok in watchdog.ask(self.workers, several).items() if ok}

    def done(self) -> dict[str, float]:
        return {
            each.labels["action"]: each.value
            for family in text_string_to_metric_families(self.metrics.read_text())
            for each in family.samples
            if each.name == "airaware_watchdog_actions_total"
        }


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site with two workers that answer, watched; a worker may be silent for two seconds."""
    monkeypatch.setattr(hung, "SILENT_SECONDS", 2)
    monkeypatch.setattr(hung, "TICK_SECONDS", 0.25)
    monkeypatch.setattr(watchdog, "ANSWER_SECONDS", 0.2)
    ending = threading.Event()
    # The path of a socket has 107 characters at most.
    with TemporaryDirectory() as folder:
        made = Site(Path(folder))
        dog = Watchdog(made.workers, made.pid_file, Metrics(made.metrics))
        thread = threading.Thread(target=dog.watch, args=(lambda: not ending.is_set(),))
        try:
            until(lambda: len(made.answering()) == 2)
            thread.start()
            yield made
        finally:
            ending.set()
            if thread.ident:
                thread.join()
            made.server.kill()
            made.server.wait()
            made.database.close()
            for path in made.workers.glob("*.sock"):
                if watchdog.answers(path) is not None:
                    os.kill(int(path.stem), signal.SIGKILL)


def test_a_worker_whose_threads_are_all_taken_answers(site: Site) -> None:
    with ExitStack() as visitors:
        for _ in range(4 * THREADS):
            visitor = visitors.enter_context(socket.socket(socket.AF_UNIX))
            visitor.connect(str(site.site))
            visitor.sendall(b"GET /readyz HTTP/1.1\r\nHost: site\r\n\r\n")
        for _ in range(2 * THREADS):  # as many as both workers serve at once
            visitors.enter_context(site.database.accept()[0])
        assert len(site.answering()) == 2


def test_a_stopped_worker_is_killed_and_replaced(site: Site) -> None:
    stopped, _ = sorted(site.answering())
    os.kill(stopped, signal.SIGSTOP)
    until(lambda: len(site.answering() - {stopped}) == 2)
    assert not (site.workers / f"{stopped}.sock").exists()
    assert site.done()["kill"] >= 1
    assert site.done()["restart"] == site.done()["report"] == 0
    assert site.server.poll() is None


def test_a_site_that_starts_no_workers_is_restarted(site: Site) -> None:
    for pid in (site.server.pid, *site.answering()):
        os.kill(pid, signal.SIGSTOP)
    assert site.server.wait(60) == -signal.SIGKILL
    until(lambda: site.done()["restart"] == 1)
