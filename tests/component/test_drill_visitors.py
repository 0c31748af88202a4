"""A drill's visitors, against a server of this machine."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from deadline import until

from tools.drill.http_load import TIMEOUT_SECONDS
from tools.drill.visitors import HOLDING, RESOLVING, coming

RATE = 60


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            self.send_slowly()
            return
        self.send_response(200 if self.path == "/good" else 503)
        if self.path == "/busy":
            self.send_header("Retry-After", "5")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_slowly(self) -> None:
        """Longer than either of a client's timeouts, and within both."""
        time.sleep(0.6 * TIMEOUT_SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        time.sleep(0.6 * TIMEOUT_SECONDS)
        self.wfile.write(b".")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_visitors_of_both_kinds_tell_what_became_of_each_visit(site: str) -> None:
    with coming((), site, RATE, ["/good", "/bad"]) as visitors:
        deadline = time.monotonic() + 30
        while len(visitors.visits) < RATE and time.monotonic() < deadline:
            time.sleep(0.05)
    assert visitors.process.returncode == 0
    assert len(visitors.visits) >= RATE
    assert {visit.kind for visit in visitors.visits} == {RESOLVING, HOLDING}
    assert {visit.node for visit in visitors.visits} == {"127.0.0.1"}
    assert abs(2 * sum(visit.ok for visit in visitors.visits) - len(visitors.visits)) <= 1
    assert all(visit.seconds >= 0 for visit in visitors.visits)


@pytest.mark.parametrize(("path", "refused"), [("/busy", True), ("/bad", False)])
def test_who_is_to_come_back_is_refused(site: str, path: str, refused: bool) -> None:
    with coming((), site, RATE, [path]) as visitors:
        until(lambda: visitors.visits)
    assert {visit.refused for visit in visitors.visits} == {refused}
    assert {visit.status for visit in visitors.visits} == {503}


def test_no_visit_that_is_under_way_is_forgotten(site: str) -> None:
    with coming((), site, RATE, ["/good", "/slow"]) as visitors:
        while not visitors.visits:
            time.sleep(0.05)
        time.sleep(0.5)
    slow = [visit for visit in visitors.visits if visit.seconds > TIMEOUT_SECONDS]
    assert all(visit.ok for visit in slow)
    assert abs(2 * len(slow) - len(visitors.visits)) <= 1


def test_visitors_leave_quietly_when_nobody_listens_any_more(site: str) -> None:
    command = [sys.executable, "-m", "tools.drill.visitors", site, str(RATE), "/good"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 1
        assert process.stderr.read() == b""


def test_visitors_say_that_nobody_knows_the_site() -> None:
    command = [sys.executable, "-m", "tools.drill.visitors", "http://site.invalid", "1", "/"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert "nobody knows an address of site.invalid" in done.stderr
