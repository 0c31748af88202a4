"""The lab's name server, asked from a host and from the Internet side."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address

import pytest
from dnslib import RCODE, DNSRecord
from plainlab import PlainLab, group, instance, plain_lab, subnet

from tools.lab import model
from tools.lab.net import namespaces, outside
from tools.lab.net.names import TTL_SECONDS, Names
from tools.lab.net.network import NAMES_ADDRESS, ROUTER_ADDRESS

BALANCER = "Site-1.us-west-2.elb.amazonaws.com"
NODES = (IPv4Address("10.79.0.5"), IPv4Address("10.79.2.5"))
REGION = model.Region(
    subnets={"private-a": subnet("private-a", "10.79.1.0/24", acl=())},
    groups={"sg-none": group("sg-none")},
    instances={"db": instance("db", "10.79.1.10", "private-a", "sg-none")},
    records=(("db.zone-a.internal.", IPv4Address("10.79.1.10")),),
    aliases=(("site.zone-a.internal", BALANCER), ("gone.zone-a.internal", "nobody.example")),
)


@pytest.fixture(scope="module")
def lab(
    able: None,  # noqa: ARG001 (it has to be there)
) -> Iterator[PlainLab]:
    with plain_lab() as made:
        made.apply(REGION)
        names = Names(made.router)
        try:
            names.apply(REGION, {BALANCER: NODES})
            yield made
        finally:
            names.stop()


def ask(
    lab: PlainLab, name: str, kind: str = "A", tcp: bool = False, outside: bool = False
) -> DNSRecord:
    """The answer to a host, or to a client on the Internet side."""
    question = DNSRecord.question(name, kind)
    namespace = lab.internet if outside else lab.namespace("db")
    server = str(ROUTER_ADDRESS if outside else NAMES_ADDRESS)
    send = partial(question.send, server, 53, tcp=tcp, timeout=2)
    return DNSRecord.parse(namespaces.within(namespace, send))


def addresses(answer: DNSRecord) -> set[str]:
    return {str(record.rdata) for record in answer.rr}


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("outside", [False, True])
def test_a_balancers_name_is_its_nodes_for_hosts_and_clients(
    lab: PlainLab, tcp: bool, outside: bool
) -> None:
    answer = ask(lab, BALANCER.lower(), tcp=tcp, outside=outside)
    assert addresses(answer) == {str(node) for node in NODES}
    assert {record.ttl for record in answer.rr} == {TTL_SECONDS}


def test_a_private_name_is_for_hosts_alone_whatever_their_groups_and_acl(lab: PlainLab) -> None:
    assert addresses(ask(lab, "DB.zone-a.internal")) == {"10.79.1.10"}
    assert ask(lab, "db.zone-a.internal", outside=True).header.rcode == RCODE.REFUSED


def test_an_alias_is_what_it_stands_for_and_for_hosts_alone(lab: PlainLab) -> None:
    nodes = {str(node) for node in NODES}
    assert addresses(ask(lab, "site.zone-a.internal")) == nodes
    assert ask(lab, "gone.zone-a.internal").header.rcode == RCODE.NXDOMAIN
    assert ask(lab, "site.zone-a.internal", outside=True).header.rcode == RCODE.REFUSED


def test_a_name_without_an_address_of_the_kind_has_an_empty_answer(lab: PlainLab) -> None:
    answer = ask(lab, "db.zone-a.internal", "AAAA")
    assert answer.header.rcode == RCODE.NOERROR
    assert answer.rr == []


def test_an_unknown_name_is_answered_at_once(lab: PlainLab) -> None:
    assert ask(lab, "deb.debian.org").header.rcode == RCODE.NXDOMAIN


def test_a_command_outside_finds_the_site_by_its_name(lab: PlainLab) -> None:
    """With the machine's own programs and resolver, and without a change to this machine's."""
    before = outside.RESOLVER.read_text()
    ask_by_name = f"import socket; print(socket.gethostbyname_ex({BALANCER!r})[2])"
    said = subprocess.run(
        [*outside.WORDS, lab.network.name, sys.executable, "-c", ask_by_name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ast.literal_eval(said.stdout)) == {str(node) for node in NODES}
    assert outside.RESOLVER.read_text() == before
