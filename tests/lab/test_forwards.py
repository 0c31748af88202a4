"""Forwards from the loopback into the lab's namespaces."""

import contextlib
import gc
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from deadline import until
from plainlab import EVERYWHERE, PlainLab, group, instance, plain_lab, subnet, tcp, webs

from tools.lab import model
from tools.lab.net import namespaces
from tools.lab.net.forwards import Forwards
from tools.machine.postgres import free_port

WEB = "10.80.0.10"
REGION = model.Region(
    subnets={"public-a": subnet("public-a", "10.80.0.0/24")},
    groups={
        "sg-web": group("sg-web", (tcp(8000, EVERYWHERE),)),
        "sg-spark": group("sg-spark", (tcp(8000, EVERYWHERE),)),
    },
    instances={
        each.id: each
        for each in (
            instance("web", WEB, "public-a", "sg-web", role="web"),
            instance("spark", "10.80.0.11", "public-a", "sg-spark", role="spark_master"),
        )
    },
)


@pytest.fixture(scope="module")
def lab(
    able: None,  # noqa: ARG001 (it has to be there)
) -> Iterator[PlainLab]:
    with plain_lab() as made:
        made.apply(REGION)
        yield made


@pytest.fixture
def forwards(lab: PlainLab) -> Iterator[Forwards]:
    made = Forwards(lab.network, free_port())
    try:
        made.apply(REGION, {})
        yield made
    finally:
        made.stop()


def dial(forwards: Forwards, name: str) -> socket.socket:
    url = urlsplit(forwards.addresses()[name])
    return socket.create_connection((url.hostname, url.port), timeout=5)


def fetch(forwards: Forwards, name: str) -> bytes:
    """What the service says; nothing where the connection is broken off."""
    with dial(forwards, name) as connection, contextlib.suppress(ConnectionResetError):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(1000), b""))
    return b""


def test_the_site_is_the_web_host_where_there_is_no_balancer(
    lab: PlainLab, forwards: Forwards
) -> None:
    with webs(lab, "web"):
        assert fetch(forwards, "site").endswith(b"web")


def test_the_site_is_the_balancers_nodes_that_are_in_service(
    lab: PlainLab, forwards: Forwards
) -> None:
    balancer = model.Balancer("arn", "name", True, 60, (), (model.Listener(8000, "group"),))
    region = replace(REGION, balancers=(balancer,))
    forwards.apply(region, {"name": ()})
    assert fetch(forwards, "site") == b""
    # One of the two is not there: a client goes to the other, as a browser does.
    forwards.apply(region, {"name": (IPv4Address("10.80.0.11"), IPv4Address(WEB))})
    with webs(lab, "web"):
        assert {fetch(forwards, "site")[-3:] for _ in range(2)} == {b"web"}


def test_a_service_of_the_fleet_is_reached_from_inside_whatever_its_groups(
    lab: PlainLab, forwards: Forwards
) -> None:
    with (
        namespaces.listening_socket(lab.namespace("spark"), "0.0.0.0", 8080) as listener,
        dial(forwards, "spark") as near,
    ):
        far, peer = listener.accept()
        with far:
            assert peer[0] == "10.80.0.1"
            # Either end may end its half and still hear the other.
            near.sendall(b"question")
            near.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: far.recv(100), b"")) == b"question"
            far.sendall(b"answer" * 100_000)
            far.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: near.recv(65536), b"")) == b"answer" * 100_000


def test_nothing_is_left_of_connections_that_ended_or_broke_off(
    lab: PlainLab, forwards: Forwards
) -> None:
    with namespaces.listening_socket(lab.namespace("spark"), "0.0.0.0", 8080) as listener:
        gc.collect()  # what earlier tests left open is closed now, not while we count
        before = open_files()
        for _ in range(10):
            near = dial(forwards, "spark")
            far, _ = listener.accept()
            far.close()
            near.close()
        until(lambda: open_files() <= before)


def test_an_answer_that_is_late_still_comes_where_the_question_has_ended(
    lab: PlainLab, forwards: Forwards
) -> None:
    with (
        namespaces.listening_socket(lab.namespace("spark"), "0.0.0.0", 8080) as listener,
        dial(forwards, "spark") as near,
    ):
        far, _ = listener.accept()
        with far:
            near.shutdown(socket.SHUT_WR)
            assert far.recv(1) == b""
            time.sleep(0.1)
            gc.collect()  # asyncio has no hold on the connection now; the forward must have one
            far.sendall(b"late")
            assert near.recv(10) == b"late"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_port_that_is_taken_is_passed_over(lab: PlainLab, forwards: Forwards) -> None:
    taken = urlsplit(forwards.addresses()["site"]).port
    assert taken
    others = Forwards(lab.network, taken)
    try:
        assert urlsplit(others.addresses()["site"]).port in range(taken + 1, taken + 100)
        assert not set(others.addresses().values()) & set(forwards.addresses().values())
    finally:
        others.stop()


def test_without_a_destination_a_connection_ends_at_once(forwards: Forwards) -> None:
    assert fetch(forwards, "prometheus") == b""
