"""The proxy in front of gunicorn on a web host: a real HAProxy by Puppet's template."""

import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from deadline import until
from prometheus_client.parser import text_string_to_metric_families
from webhost import WebHost, data, needs_its_programs, proxied

from tools.lab import model
from tools.lab.net import haproxy
from tools.machine.postgres import HOST, free_port, port_is_free

PLACES = {"visitors": 3, "costly": 1, "checks": 1}
WAITING = 2
LONG = 60  # what nothing takes
BALANCER_SECONDS = 2  # it waits so long for a check (terraform/modules/balancer)
CHECK = model.HealthCheck("/readyz", None, 5, 2, 2, 2, "200")
BY_BALANCER = {"X-Forwarded-For": "198.51.100.7"}

pytestmark = needs_its_programs


class Site(ThreadingHTTPServer):
    """Stands for gunicorn: notes whom it serves, and holds those of /slow until they may go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.asked: list[str] = []
        self.forwarded: list[str] = []  # the last one's lines of X-Forwarded-For
        self.may_go = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.forwarded = self.headers.get_all("X-Forwarded-For", [])
        if "slow" in self.path:
            self.server.may_go.wait(LONG)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
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
def host(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHost]:
    folder, port = tmp_path_factory.mktemp("proxy"), site.server_address[1]
    small = {"places": PLACES, "waiting": WAITING, "request_seconds": 1, "retry_seconds": 2}
    with proxied(port, folder, **small, wait_milliseconds=1000) as host:
        yield host


@pytest.fixture(autouse=True)
def fresh(site: Site) -> Iterator[None]:
    site.may_go.clear()
    site.asked.clear()
    yield
    site.may_go.set()


def crowd(visitors: ThreadPoolExecutor, url: str, count: int = 20) -> list:
    return [
        visitors.submit(requests.get, url, timeout=LONG, headers=BY_BALANCER) for _ in range(count)
    ]


def test_the_excess_is_refused_while_checks_and_downloads_are_answered(
    site: Site, host: WebHost
) -> None:
    with ThreadPoolExecutor(20) as visitors:
        asking = crowd(visitors, f"{host.url}/slow")
        # Those who waited in vain, too.
        until(lambda: sum(each.done() for each in asking) == 20 - PLACES["visitors"])
        # One at a time: a place is free again once the proxy has seen the answer.
        for path in ("/healthz", "/readyz", "/metrics", "/api/v1/hours.csv", "/compare"):
            assert requests.get(f"{host.url}{path}", timeout=LONG).status_code == 200
        site.may_go.set()
        answered = [each.result() for each in asking]
    refused = [each for each in answered if each.status_code == 503]
    assert len(refused) == 20 - PLACES["visitors"]
    assert {each.headers["Retry-After"] for each in refused} == {"2"}
    assert all("try again" in each.text for each in refused)
    assert site.asked.count("/slow") == PLACES["visitors"]
    assert requests.get(f"{host.url}/slow", timeout=LONG).status_code == 200


def test_visitors_take_no_checks_place(site: Site, host: WebHost) -> None:
    """What they ask has come through the balancer, whose own checks bear no X-Forwarded-For."""
    with ThreadPoolExecutor(20) as visitors:
        asking = crowd(visitors, f"{host.url}/readyz?slow")
        until(lambda: sum(each.done() for each in asking) == 20 - PLACES["visitors"])
        assert requests.get(f"{host.url}/readyz", timeout=LONG).status_code == 200
        site.may_go.set()


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"GET /air HTTP/1.1\r\nHost: site\r\n", b"408"),
        (b"", b"408"),
        (b"POST /air HTTP/1.1\r\nHost: site\r\nContent-Length: 9\r\n\r\n", b"408"),
        (b"POST /air HTTP/1.1\r\nHost: site\r\nContent-Length: 4097\r\n\r\n", b"413"),
        (b"POST /air HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: chunked\r\n\r\n", b"413"),
        (b"GET /air?address=%s HTTP/1.1\r\nHost: site\r\n\r\n" % (b"x" * 70_000), b"400"),
        (b"GET /air?address=nobody's\x01 HTTP/1.1\r\nHost: site\r\n\r\n", b"400"),
    ],
    ids=[
        *("a head without an end", "no head", "a body that never comes"),
        *("a body that is too long", "a body of any length", "a head that is too long", "no HTTP"),
    ],
)
def test_what_is_not_a_whole_request_never_reaches_the_site(
    site: Site, host: WebHost, beginning: bytes, status: bytes
) -> None:
    with socket.create_connection((HOST, host.port), timeout=LONG) as client:
        client.sendall(beginning)
        assert client.recv(100).split()[1] == status
    assert site.asked == []
    assert "address" not in host.log.read_text()


def test_a_long_address_reaches_the_site(site: Site, host: WebHost) -> None:
    path = f"/air?address={'x' * 10_000}"
    assert requests.get(f"{host.url}{path}", timeout=LONG).status_code == 200
    assert site.asked == [path]


def test_a_slow_reader_of_a_download_takes_no_visitors_place(site: Site, host: WebHost) -> None:
    with ThreadPoolExecutor(1) as aside:
        download = aside.submit(requests.get, f"{host.url}/slow.csv", timeout=LONG)
        until(lambda: "/slow.csv" in site.asked)
        assert requests.get(f"{host.url}/air", timeout=LONG).status_code == 200
        # The next download waits for its place, and is refused.
        assert requests.get(f"{host.url}/slow.csv", timeout=LONG).status_code == 503
        site.may_go.set()
        assert download.result().status_code == 200


def test_a_check_of_a_site_that_hangs_is_left_without_an_answer(site: Site, host: WebHost) -> None:
    """A 503 would look to the balancer like a no, and then the watchdog reports nothing."""
    with ThreadPoolExecutor(1) as aside:
        check = aside.submit(requests.get, f"{host.url}/readyz", timeout=LONG)
        check.result()
        # The only place is taken, as where all of the site hangs.
        hanging = aside.submit(_check, host, "/metrics?slow")
        until(lambda: "/metrics?slow" in site.asked)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{host.url}/readyz", timeout=BALANCER_SECONDS)
        site.may_go.set()
        assert hanging.result() == 200


def _check(host: WebHost, path: str) -> int:
    return requests.get(f"{host.url}{path}", timeout=LONG).status_code


def test_a_check_where_there_is_no_site_is_left_without_an_answer(tmp_path: Path) -> None:
    with proxied(free_port(), tmp_path) as host, pytest.raises(requests.ReadTimeout):
        requests.get(f"{host.url}/readyz", timeout=BALANCER_SECONDS)


def test_prometheus_is_shown_what_was_refused(site: Site, host: WebHost) -> None:
    before = responses(host)
    with ThreadPoolExecutor(20) as visitors:
        asking = crowd(visitors, f"{host.url}/slow")
        until(lambda: sum(each.done() for each in asking) == 20 - PLACES["visitors"])
        site.may_go.set()
    after = responses(host)
    assert after["5xx"] - before["5xx"] == 20 - PLACES["visitors"]
    assert after["2xx"] - before["2xx"] == PLACES["visitors"]


def responses(host: WebHost) -> dict[str, float]:
    """The visitors' answers by class of status."""
    text = requests.get(f"{host.url}/metrics/proxy", timeout=LONG).text
    return {
        sample.labels["code"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "haproxy_backend_http_responses_total"
        and sample.labels["proxy"] == "visitors"
    }


def test_visitors_see_nothing_of_the_proxy(site: Site, host: WebHost) -> None:
    asked = requests.get(f"{host.url}/metrics/proxy", timeout=LONG, headers=BY_BALANCER)
    assert asked.text == ""
    assert site.asked == ["/metrics/proxy"]


@pytest.fixture(scope="module")
def counting(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHost]:
    """A host that counts for ten minutes what it would for ten seconds: no test is so slow."""
    folder, port = tmp_path_factory.mktemp("counting"), site.server_address[1]
    with proxied(port, folder, client_seconds=600, exempt=["203.0.113.0/24"]) as host:
        yield host


def statuses(host: WebHost, count: int, *forwarded: str) -> list[int]:
    """Ask so many times on one connection, with these lines of X-Forwarded-For."""
    found = []
    client = HTTPConnection(HOST, host.port, timeout=LONG)
    with closing(client):
        for _ in range(count):
            client.putrequest("GET", "/air")
            for line in forwarded:
                client.putheader("X-Forwarded-For", line)
            client.endheaders()
            answer = client.getresponse()
            answer.read()
            found.append(answer.status)
            if answer.status == 429:
                assert answer.headers["Retry-After"] == "600"
    return found


def test_a_school_behind_one_address_is_answered(counting: WebHost) -> None:
    """300 visitors who ask for a page each 7 s ask for so many in 10 s."""
    assert set(statuses(counting, 300 * 10 // 7, "198.51.100.1")) == {200}


def test_an_address_that_asks_for_too_much_is_limited_whatever_it_says(counting: WebHost) -> None:
    """50 times five tiles a second, of which each of two hosts has half."""
    found = statuses(counting, 50 * 5 * 10 // 2, "198.51.100.2")
    limit: int = data("profile::web_proxy")["client_requests"]
    assert found == [200] * limit + [429] * (len(found) - limit)
    assert len(found) > limit
    # What stands before the last address, or in another line, is its own word.
    assert statuses(counting, 1, "192.0.2.9, 198.51.100.2") == [429]
    assert statuses(counting, 1, "192.0.2.9", "192.0.2.10, 198.51.100.2") == [429]
    assert statuses(counting, 1, "203.0.113.1, 198.51.100.2") == [429]
    # Nobody else pays for it.
    assert statuses(counting, 1, "198.51.100.2, 198.51.100.3") == [200]


def test_a_network_of_ipv6_is_one_address(counting: WebHost) -> None:
    limit: int = data("profile::web_proxy")["client_requests"]
    assert set(statuses(counting, limit, "2001:db8:0:1::1")) == {200}
    assert statuses(counting, 1, "2001:db8:0:1:ffff::2") == [429]
    assert statuses(counting, 1, "2001:db8:0:2::1") == [200]


def test_an_operators_load_generator_is_not_counted(counting: WebHost) -> None:
    limit: int = data("profile::web_proxy")["client_requests"]
    assert set(statuses(counting, limit + 1, "203.0.113.7")) == {200}
    assert data("profile::web_proxy")["exempt"] == []


def test_checks_are_not_counted(counting: WebHost) -> None:
    limit: int = data("profile::web_proxy")["client_requests"]
    assert set(statuses(counting, limit + 1)) == {200}


def test_without_a_balancer_who_asks_is_who_connects(site: Site, tmp_path: Path) -> None:
    limit = {"client_requests": 9, "client_seconds": 600}
    with proxied(site.server_address[1], tmp_path, balanced=False, **limit) as host:
        assert set(statuses(host, 8, "192.0.2.1")) == {200}
        assert statuses(host, 2, "192.0.2.2")[-1] == 429


def test_the_labs_balancer_appends_who_asks(site: Site, tmp_path: Path) -> None:
    """As AWS's: one header, whatever the client says."""
    port, group = free_port(), model.TargetGroup("arn:group/web/1", CHECK, 3, ())
    node = model.Node("us-west-2a", model.Interface(IPv4Address(HOST), "subnet-a", frozenset()))
    balancer = model.Balancer("arn", "site", True, 60, (node,), (model.Listener(port, group.arn),))
    text = haproxy.configuration(balancer, node, list(balancer.listeners), (group,))
    server = f"\n    server site {HOST}:{site.server_address[1]}\n"
    backend = f"\nbackend {haproxy.backend(group.arn)}\n"
    assert backend in text
    file = tmp_path / "balancer.cfg"
    # Its metrics have a fixed port, which a lab on this machine may have.
    text = text.replace(f":{haproxy.METRICS_PORT}", f":{free_port()}")
    file.write_text(text.replace(backend, backend.rstrip() + server))
    process = subprocess.Popen(["haproxy", "-db", "-f", file])
    try:
        until(lambda: not port_is_free(port))
        requests.get(f"http://{HOST}:{port}/air", timeout=LONG)
        assert site.forwarded == [HOST]
        for said in ("192.0.2.1", "192.0.2.1, 192.0.2.2"):
            headers = {"X-Forwarded-For": said}
            requests.get(f"http://{HOST}:{port}/air", headers=headers, timeout=LONG)
            assert site.forwarded == [f"{said}, {HOST}"]
    finally:
        process.kill()
        process.wait()


def test_a_reload_loses_no_request(site: Site, host: WebHost) -> None:
    """Neither one under way nor one on a connection that was idle."""
    with requests.Session() as idle, ThreadPoolExecutor(1) as aside:
        assert idle.get(f"{host.url}/before", timeout=LONG).status_code == 200
        under_way = aside.submit(requests.get, f"{host.url}/slow", timeout=LONG)
        until(lambda: "/slow" in site.asked)
        loaded = host.log.read_text().count("Loading success")
        host.proxy.send_signal(signal.SIGUSR2)
        until(lambda: host.log.read_text().count("Loading success") > loaded)
        for _ in range(50):
            assert requests.get(f"{host.url}/new", timeout=LONG).status_code == 200
        assert idle.get(f"{host.url}/after", timeout=LONG).status_code == 200
        site.may_go.set()
        assert under_way.result().status_code == 200


def test_waits_are_shorter_than_those_who_wait_for_them() -> None:
    """A visitor's 503 comes within a second; a site that says nothing is given up after it ends."""
    given, site = data("profile::web_proxy"), data("profile::web")
    assert given["wait_milliseconds"] < 1000
    assert site["finish_seconds"] <= given["answer_seconds"]
