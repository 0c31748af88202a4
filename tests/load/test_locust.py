"""Locust as fab loadtest runs it: journeys, objectives, hosts that are refused."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from deadline import until

from tools.machine.postgres import free_port
from tools.tasks.loadtest import Load

CHECKOUT = Path(__file__).parents[2]


class Site(BaseHTTPRequestHandler):
    """Answers everything, but for addresses when it is told to fail."""

    fails = False
    protocol_version = "HTTP/1.1"
    wbufsize = 4096
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer, in one go."""
        self.paths.append(self.path)
        body = b'{"year": 2017}'
        self.send_response(500 if self.fails and "address" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Site.fails = False
    Site.paths.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def locust(load: Load, url: str, summary: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*load.command(url, summary), *more],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def short(journey: str) -> Load:
    """Few users, for two seconds."""
    return Load(journey, "spike", users=20, minutes=0.04, least_wait=0, most_wait=0.1)


@pytest.mark.parametrize(
    ("journey", "steps"),
    [
        ("original", ["/", "/api/v1/air?"]),
        ("visitor", ["/", "/air?", "/map?", "/tiles/", "/compare?", "/api/v1/hours.csv?"]),
    ],
)
def test_a_journey_is_made_and_told_of(
    site: str, journey: str, steps: list[str], tmp_path: Path
) -> None:
    done = locust(short(journey), site, tmp_path / "summary.json")
    assert done.returncode == 0, done.stderr
    for step in steps:
        assert any(path.startswith(step) for path in Site.paths), step
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["requests"] >= len(Site.paths) - 20 > 0  # some were on their way in the end
    assert figures["failed"] == 0
    assert 0 < figures["locust_cpu_percent"] < 200


def test_a_missed_objective_is_told_by_words_and_status(site: str, tmp_path: Path) -> None:
    Site.fails = True
    done = locust(short("original"), site, tmp_path / "summary.json")
    assert done.returncode == 1
    assert "objective missed" in done.stderr
    assert "% failed, at most 0.1%" in done.stderr


def test_another_host_than_the_environments_is_refused(site: str, tmp_path: Path) -> None:
    other = site.replace("127.0.0.1", "localhost")
    done = locust(short("original"), site, tmp_path / "summary.json", "--host", other)
    assert done.returncode == 2
    assert f"{other} is not the chosen environment's site ({site})" in done.stderr
    assert not Site.paths


def test_a_host_that_is_typed_on_locusts_page_is_refused(site: str, tmp_path: Path) -> None:
    other, port = site.replace("127.0.0.1", "localhost"), free_port()
    command = short("original").command(site, tmp_path / "summary.json", web=True)
    command[command.index("--web-port") + 1] = str(port)
    page = f"http://127.0.0.1:{port}"
    running = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(page))
        asked = {"host": other, "user_count": 5, "spawn_rate": 5}
        assert requests.post(f"{page}/swarm", asked, timeout=10).json()["success"]
        until(lambda: '"stopped"' in requests.get(f"{page}/stats/requests", timeout=5).text)
    finally:
        running.terminate()
        running.wait()
    assert not Site.paths


def answers(page: str) -> bool:
    try:
        return requests.get(page, timeout=5).ok
    except requests.ConnectionError:
        return False
