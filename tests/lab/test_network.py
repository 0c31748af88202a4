"""The lab's networks without hosts: a balancer's node and the Internet's side."""

import os
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from places import SUBNETS, networks_of_the_machine

from airaware.errors import AirAwareError
from tools.lab import leftovers
from tools.lab.commands import run
from tools.lab.model import Balancer, Interface, Node, Region
from tools.lab.net import namespaces
from tools.lab.net.network import ONE_VISITOR, VISITORS_IN_TURN, Network

NAME = f"awn{os.getpid()}"
NODE = IPv4Address("10.0.1.200")


def region(*addresses: IPv4Address) -> Region:
    nodes = tuple(
        Node("us-west-2a", Interface(address, "subnet-a", frozenset())) for address in addresses
    )
    return Region(subnets=SUBNETS, balancers=(Balancer("arn", "name", True, 60, nodes, ()),))


@pytest.fixture(scope="module")
def network(
    able: None,  # noqa: ARG001 (it has to be there)
) -> Iterator[Network]:
    before = networks_of_the_machine()
    made = Network(NAME)
    try:
        made.up()
        yield made
        assert networks_of_the_machine() == before
    finally:
        made.down()
    assert leftovers.everything(NAME) == []


def answer_once(listener: socket.socket) -> None:
    connection, peer = listener.accept()
    connection.sendall(peer[0].encode())
    connection.close()


def test_clients_on_the_internet_reach_a_balancers_node_each_from_an_own_address(
    network: Network,
) -> None:
    network.apply(region(NODE))
    seen = []
    for _ in range(5):
        with namespaces.listening_socket(network.node(NODE), str(NODE), 80) as listener:
            threading.Thread(target=answer_once, args=(listener,), daemon=True).start()
            with namespaces.connect(network.internet, str(NODE), 80, 5) as connection:
                seen.append(IPv4Address(connection.recv(100).decode()))
    assert len(set(seen)) == 5
    assert set(seen) < set(VISITORS_IN_TURN)


def test_a_client_that_chooses_its_address_keeps_it(network: Network) -> None:
    network.apply(region(NODE))
    own = str(ONE_VISITOR)
    with namespaces.listening_socket(network.node(NODE), str(NODE), 80) as listener:
        threading.Thread(target=answer_once, args=(listener,), daemon=True).start()
        client = namespaces.within(network.internet, socket.socket)
        with client:
            client.settimeout(5)
            client.bind((own, 0))
            client.connect((str(NODE), 80))
            assert client.recv(100) == own.encode()


def test_a_node_that_is_gone_is_gone(network: Network) -> None:
    other = NODE + 1
    network.apply(region(NODE, other))
    network.apply(region(other))
    assert namespaces.FOLDER.joinpath(network.node(other)).exists()
    assert not namespaces.FOLDER.joinpath(network.node(NODE)).exists()


def test_gateways_follow_the_subnets(network: Network) -> None:
    network.apply(region())
    assert "10.0.2.1/24" in run("ip", "-n", network.router, "addr", "show", "dev", "br-b")
    network.apply(Region())
    assert "10.0.2.1/24" not in run("ip", "-n", network.router, "addr", "show", "dev", "br-b")


def test_the_router_has_no_way_out(network: Network) -> None:
    with pytest.raises(OSError, match="unreachable"):
        namespaces.connect(network.router, "203.0.113.1", 80, 5)


def test_a_namespace_that_is_not_there_is_told() -> None:
    with pytest.raises(AirAwareError, match="awnone"):
        namespaces.within("awnone", lambda: None)
