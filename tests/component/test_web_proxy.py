"""The proxy in front of gunicorn on a web host: a real HAProxy by the template of Puppet."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from deadline import until

from tools.machine.checkout import CHECKOUT
from tools.machine.postgres import HOST, free_port

TEMPLATE = CHECKOUT / "modules" / "profile" / "templates" / "web-proxy.cfg.epp"
VISITORS, WAITING = 3, 2
LONG = 60  # what nothing takes

pytestmark = pytest.mark.skipif(
    not (shutil.which("puppet") and shutil.which("haproxy")),
    reason="Puppet and HAProxy are not there: tools/setup.sh tests installs them",
)


class Site(ThreadingHTTPServer):
    """Stands for gunicorn: notes whom it serves, and holds those of /slow until they may go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.asked: list[str] = []
        self.may_go = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/slow"):
            self.server.may_go.wait(LONG)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def url(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(rendered(port, site.server_address[1]))
    with (folder / "log").open("w") as log:
        proxy = subprocess.Popen(["haproxy", "-db", "-f", configuration], stderr=log)
    try:
        until(lambda: answers(port) or proxy.poll() is not None)
        assert proxy.poll() is None, (folder / "log").read_text()
        yield f"http://{HOST}:{port}"
    finally:
        proxy.kill()
        proxy.wait()


def rendered(port: int, site_port: int) -> str:
    values = {
        **{"port": port, "site": f"'{HOST}:{site_port}'", "keepalive_seconds": 75},
        **{"visitors": VISITORS, "downloads": 1, "checks": 1, "waiting": WAITING},
        **{"wait_seconds": 1, "request_seconds": 1, "body_bytes": 4096, "retry_seconds": 2},
    }
    words = ", ".join(f"{name} => {value}" for name, value in values.items())
    command = ["puppet", "epp", "render", str(TEMPLATE), "--values", f"{{{words}}}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


@pytest.fixture(autouse=True)
def fresh(site: Site) -> Iterator[None]:
    site.may_go.clear()
    site.asked.clear()
    yield
    site.may_go.set()


def test_the_excess_is_refused_while_checks_and_downloads_are_answered(
    site: Site, url: str
) -> None:
    with ThreadPoolExecutor(20) as visitors:
        crowd = [visitors.submit(requests.get, f"{url}/slow", timeout=LONG) for _ in range(20)]
        # Those who waited in vain, too.
        until(lambda: sum(each.done() for each in crowd) == 20 - VISITORS)
        # One at a time: a place is free again once the proxy has seen the answer.
        for path in ("/healthz", "/readyz", "/metrics", "/api/v1/hours.csv"):
            assert requests.get(f"{url}{path}", timeout=LONG).status_code == 200
        site.may_go.set()
        answered = [each.result() for each in crowd]
    refused = [each for each in answered if each.status_code == 503]
    assert len(refused) == 20 - VISITORS
    assert {each.headers["Retry-After"] for each in refused} == {"2"}
    assert all("try again" in each.text for each in refused)
    assert site.asked.count("/slow") == VISITORS
    assert requests.get(f"{url}/slow", timeout=LONG).status_code == 200


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"GET /air HTTP/1.1\r\nHost: site\r\n", b"408"),
        (b"POST /air HTTP/1.1\r\nHost: site\r\nContent-Length: 9\r\n\r\n", b"408"),
        (b"POST /air HTTP/1.1\r\nHost: site\r\nContent-Length: 4097\r\n\r\n", b"413"),
    ],
    ids=["a head without an end", "a body that never comes", "a body that is too long"],
)
def test_what_is_not_a_whole_request_never_reaches_the_site(
    site: Site, url: str, beginning: bytes, status: bytes
) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LONG) as client:
        client.sendall(beginning)
        assert client.recv(100).split()[1] == status
    assert site.asked == []


def test_a_slow_reader_of_a_download_takes_no_visitors_place(site: Site, url: str) -> None:
    with ThreadPoolExecutor(1) as aside:
        download = aside.submit(requests.get, f"{url}/slow.csv", timeout=LONG)
        until(lambda: "/slow.csv" in site.asked)
        assert requests.get(f"{url}/air", timeout=LONG).status_code == 200
        # The next download waits for its place, and is refused.
        assert requests.get(f"{url}/slow.csv", timeout=LONG).status_code == 503
        site.may_go.set()
        assert download.result().status_code == 200
