"""Attacks on a web host: its proxy and a real gunicorn, as Puppet's templates and Hiera have them.

What hurts is gunicorn's threads, so a site of a few lines stands for ours.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from deadline import until
from webhost import WebHost, data, needs_its_programs, web_host

from tools.machine.postgres import HOST

SITE = """
def site(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/scheme":
        return [environ["wsgi.url_scheme"].encode() + environ["SCRIPT_NAME"].encode()]
    if environ["PATH_INFO"].endswith(".csv"):
        return (b"0" * 65536 for _ in range(4096))
    return [b"ok"]
"""
LONG = 60
MANY = 60  # clients: more than ten times as many as gunicorn has threads to spare
BY_BALANCER = {"X-Forwarded-For": "198.51.100.7"}
VISIT = "GET %s HTTP/1.1\r\nHost: site\r\nX-Forwarded-For: 198.51.100.7\r\n"

pytestmark = needs_its_programs


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHost]:
    folder = tmp_path_factory.mktemp("host")
    (folder / "small_site.py").write_text(SITE)
    (folder / "counters").mkdir()
    environ = {"PYTHONPATH": str(folder), "PROMETHEUS_MULTIPROC_DIR": str(folder / "counters")}
    quick: dict[str, Any] = {"request_seconds": 3, "read_seconds": 2}
    with web_host("small_site:site", environ, folder, **quick) as host:
        yield host


ATTACKS = {
    "slow heads": VISIT % "/air",
    "bodies that never come": VISIT.replace("GET", "POST") % "/air" + "Content-Length: 9\r\n\r\n",
    "downloads that nobody reads": VISIT % "/hours.csv" + "\r\n",
    "clients that never close": VISIT % "/air" + "\r\n",
    "clients that ask nothing": "",
}


@pytest.mark.parametrize("words", ATTACKS.values(), ids=list(ATTACKS))
def test_an_attack_stops_neither_checks_nor_visitors(host: WebHost, words: str) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            client = stack.enter_context(socket.create_connection((HOST, host.port), timeout=LONG))
            client.sendall(words.encode())
        for _ in range(20):
            assert asked(host, "/readyz", {}) == 200
            assert asked(host, "/air", BY_BALANCER) == 200


def asked(host: WebHost, path: str, headers: dict[str, str]) -> int:
    return requests.get(f"{host.url}{path}", headers=headers, timeout=LONG).status_code


def test_a_download_that_nobody_reads_is_cut_off(host: WebHost) -> None:
    """And others get its place."""
    places: int = data("profile::web_proxy")["costly"]
    with ExitStack() as stack:
        for _ in range(places):
            client = stack.enter_context(socket.create_connection((HOST, host.port), timeout=LONG))
            client.sendall((VISIT % "/hours.csv" + "\r\n").encode())
        until(lambda: asked(host, "/compare", BY_BALANCER) == 503)
        until(lambda: asked(host, "/compare", BY_BALANCER) == 200)


def test_of_what_visitors_say_of_themselves_the_site_believes_the_scheme(host: WebHost) -> None:
    said = {"X-Forwarded-Proto": "https", "SCRIPT_NAME": "/elsewhere", **BY_BALANCER}
    answer = requests.get(f"{host.url}/scheme", headers=said, timeout=LONG)
    assert answer.text == "https"
