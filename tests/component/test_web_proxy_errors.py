"""What the proxy on a web host says by itself: a page to people, a problem document to programs."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus

import pytest
import requests
from webhost import WebHost, data, needs_its_programs, proxied

from airaware.web import cors, error_pages, openapi
from tools.machine.postgres import HOST, free_port

LONG = 60
SECONDS = 600  # of counting: no test is so slow
# What is asked, by the end of its path, and the status that it gets.
ASKED = {
    "break": HTTPStatus.BAD_GATEWAY,
    "silent": HTTPStatus.GATEWAY_TIMEOUT,
    "large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "never": HTTPStatus.REQUEST_TIMEOUT,
}

pytestmark = needs_its_programs


class _Site(socketserver.StreamRequestHandler):
    """Breaks each answer off at once, or says nothing."""

    def handle(self) -> None:
        if b"silent" in self.rfile.readline():
            with suppress(ConnectionResetError):
                self.rfile.read()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHost]:
    socketserver.ThreadingTCPServer.daemon_threads = True
    quick = {"answer_seconds": 1, "request_seconds": 1, "client_seconds": SECONDS}
    with socketserver.ThreadingTCPServer((HOST, 0), _Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        folder = tmp_path_factory.mktemp("proxy")
        with proxied(site.server_address[1], folder, **quick) as host:
            yield host
        site.shutdown()


@pytest.fixture(scope="module")
def without_a_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHost]:
    few = {"client_requests": 1, "client_seconds": SECONDS}
    with proxied(free_port(), tmp_path_factory.mktemp("alone"), **few) as host:
        yield host


def asked(host: WebHost, path: str, client: str = "198.51.100.7") -> requests.Response:
    """Ask as the balancer passes it on."""
    headers = {"X-Forwarded-For": client}
    # What is announced never comes.
    if "large" in path:
        headers["Content-Length"] = f"{data('profile::web_proxy')['body_bytes'] + 1}"
    if "never" in path:
        headers["Content-Length"] = "9"
    return requests.get(f"{host.url}{path}", headers=headers, timeout=LONG)


@pytest.mark.parametrize("what", ASKED)
def test_a_program_gets_a_problem_that_other_sites_may_read(host: WebHost, what: str) -> None:
    is_problem(asked(host, f"/api/v1/{what}"), ASKED[what])


@pytest.mark.parametrize("what", ASKED)
def test_people_get_a_page(host: WebHost, what: str) -> None:
    is_page(asked(host, f"/{what}"), ASKED[what])


def test_tiles_are_for_this_sites_programs_only(host: WebHost) -> None:
    answer = asked(host, "/tiles/break")
    assert answer.headers["Content-Type"] == openapi.PROBLEM
    assert not cors.HEADERS.keys() & answer.headers.keys()


def test_refusals_have_a_type_that_leads_to_its_page(without_a_site: WebHost) -> None:
    seconds = {503: str(error_pages.RETRY_AFTER_SECONDS), 429: str(SECONDS)}
    kinds = {kind.status: kind for kind in error_pages.BY_PROXY}
    for status in seconds:  # the first request finds no site, the second one is too many
        answer = asked(without_a_site, "/api/v1/air?address=60614")
        is_problem(answer, status)
        assert answer.headers["Retry-After"] == seconds[status]
        assert answer.json()["type"] == f"/problems/{kinds[status].name}"
        assert answer.json()["title"] == kinds[status].title


def test_refused_people_get_a_page(without_a_site: WebHost) -> None:
    for status in (503, 429):
        is_page(asked(without_a_site, "/air?address=60614", "198.51.100.8"), status)


def is_problem(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == openapi.PROBLEM
    assert {name: answer.headers[name] for name in cors.HEADERS} == cors.HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert problem["status"] == status


def is_page(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html><title>")
    assert not cors.HEADERS.keys() & answer.headers.keys()
