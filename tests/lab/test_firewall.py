"""Security groups and network ACLs, with real packets between network namespaces."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from plainlab import (
    EVERYWHERE,
    OPEN,
    PlainLab,
    answers,
    group,
    instance,
    plain_lab,
    subnet,
    tcp,
)

from tools.lab import commands, model
from tools.lab.net import namespaces
from tools.lab.net.network import ENDPOINT_ADDRESS, METADATA_ADDRESS, NAMES_ADDRESS

ADDRESSES = {
    "lb": "10.77.0.10",
    "web": "10.77.1.10",
    "web2": "10.77.1.11",
    "db": "10.77.2.10",
}
REGION = model.Region(
    subnets={
        each.id: each
        for each in (
            subnet("public-a", "10.77.0.0/24"),
            subnet("private-a", "10.77.1.0/24"),
            subnet("private-b", "10.77.2.0/24"),
        )
    },
    groups={
        each.id: each
        for each in (
            group("sg-lb", (tcp(80, EVERYWHERE),), (tcp(8000, "sg-web"), tcp(22, "sg-web"))),
            group(
                "sg-web",
                (tcp(8000, "sg-lb"), tcp(9100, EVERYWHERE)),
                (tcp(5432, "sg-db"), tcp(443, EVERYWHERE), tcp(8000, EVERYWHERE)),
            ),
            group("sg-db", (tcp(5432, "sg-web"), tcp(22, EVERYWHERE))),
        )
    },
    instances={
        each.id: each
        for each in (
            instance("lb", ADDRESSES["lb"], "public-a", "sg-lb"),
            instance("web", ADDRESSES["web"], "private-a", "sg-web"),
            instance("web2", ADDRESSES["web2"], "private-a", "sg-web"),
            instance("db", ADDRESSES["db"], "private-b", "sg-db"),
        )
    },
)
PORTS = (22, 80, 5432, 8000, 9100)


@pytest.fixture(scope="module")
def running(
    able: None,  # noqa: ARG001 (it has to be there)
) -> Iterator[PlainLab]:
    """The lab, with every port of interest open in every host."""
    with plain_lab() as lab:
        lab.apply(REGION)
        listeners = [
            namespaces.listening_socket(lab.namespace(name), "0.0.0.0", port)
            for name in REGION.instances
            for port in PORTS
        ] + [
            namespaces.listening_socket(lab.router, address, port)
            for address, port in (
                (str(NAMES_ADDRESS), 53),
                (str(METADATA_ADDRESS), 80),
                (str(ENDPOINT_ADDRESS), 443),
                (str(ENDPOINT_ADDRESS), 80),
            )
        ]
        yield lab
        for listener in listeners:
            listener.close()


@pytest.fixture
def lab(running: PlainLab) -> PlainLab:
    """The lab with the rules as at first."""
    running.apply(REGION)
    return running


def passes(lab: PlainLab, pairs: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Those of (from, to, port) that get a connection; "net" is the Internet side."""

    def one(pair: tuple[str, str, int]) -> bool:
        source, to, port = pair
        start = lab.internet if source == "net" else lab.namespace(source)
        return answers(start, ADDRESSES.get(to, to), port)

    with ThreadPoolExecutor(len(pairs)) as pool:
        return {
            pair for pair, answered in zip(pairs, pool.map(one, pairs), strict=True) if answered
        }


def with_acl(name: str, acl: tuple[model.AclEntry, ...]) -> model.Region:
    """The region where one subnet has another ACL."""
    return replace(REGION, subnets=REGION.subnets | {name: replace(REGION.subnets[name], acl=acl)})


def with_group(changed: model.SecurityGroup) -> model.Region:
    """The region where one group has other rules."""
    return replace(REGION, groups=REGION.groups | {changed.id: changed})


def test_only_what_both_groups_allow_passes(lab: PlainLab) -> None:
    sources = (*ADDRESSES, "net")
    pairs = {
        (source, to, port)
        for source in sources
        for to in ADDRESSES
        if source != to
        for port in PORTS
    }
    assert passes(lab, pairs) == {
        ("net", "lb", 80),
        ("lb", "web", 8000),
        ("lb", "web2", 8000),
        ("web", "db", 5432),
        ("web2", "db", 5432),
    }


def test_neighbours_in_one_subnet_are_filtered_too(lab: PlainLab) -> None:
    assert passes(lab, {("web", "web2", 8000), ("web2", "web", 8000)}) == set()
    lab.apply(
        with_group(replace(REGION.groups["sg-web"], ingress=frozenset({tcp(8000, "sg-web")})))
    )
    assert passes(lab, {("web", "web2", 8000), ("web", "web2", 9100)}) == {("web", "web2", 8000)}


def test_the_internet_does_not_reach_a_private_subnet_even_where_the_group_lets_it(
    lab: PlainLab,
) -> None:
    assert passes(lab, {("net", "web", 9100)}) == set()
    public = replace(REGION.subnets["private-a"], public=True)
    lab.apply(replace(REGION, subnets=REGION.subnets | {"private-a": public}))
    assert passes(lab, {("net", "web", 9100)}) == {("net", "web", 9100)}


def test_amazons_services_are_open_to_all_and_the_endpoint_to_those_with_egress(
    lab: PlainLab,
) -> None:
    services = {(str(NAMES_ADDRESS), 53), (str(METADATA_ADDRESS), 80), (str(ENDPOINT_ADDRESS), 443)}
    wanted = {(host, *service) for host in ("db", "web") for service in services}
    assert passes(lab, wanted | {("web", str(ENDPOINT_ADDRESS), 80)}) == wanted - {
        ("db", str(ENDPOINT_ADDRESS), 443)
    }
    lab.apply(with_acl("private-a", ()))
    assert passes(lab, wanted) == {each for each in wanted if each[1] != str(ENDPOINT_ADDRESS)}


@pytest.mark.parametrize("closed", ["private-a", "private-b"])
def test_a_deny_all_acl_stalls_a_connection_that_is_there_and_its_end_lets_it_go_on(
    lab: PlainLab, closed: str
) -> None:
    with (
        namespaces.listening_socket(lab.namespace("db"), "0.0.0.0", 5433) as listener,
    ):
        allowed = replace(REGION.groups["sg-web"], egress=frozenset({tcp(5433, "sg-db")}))
        db = replace(REGION.groups["sg-db"], ingress=frozenset({tcp(5433, "sg-web")}))
        region = replace(REGION, groups=REGION.groups | {"sg-web": allowed, "sg-db": db})
        lab.apply(region)
        client = namespaces.connect(lab.namespace("web"), ADDRESSES["db"], 5433, 1)
        server, _ = listener.accept()
        with client, server:
            assert echoed(client, server, 1)
            shut = replace(region.subnets[closed], acl=())
            lab.apply(replace(region, subnets=region.subnets | {closed: shut}))
            assert not echoed(client, server, 0.6)
            lab.apply(region)
            # What was not answered is sent again, after 0.2, 0.4, 0.8 ... seconds.
            server.settimeout(5)
            assert server.recv(4) == b"ping"
            assert echoed(client, server, 1)


def echoed(client: socket.socket, server: socket.socket, seconds: float) -> bool:
    """Whether something gets from one end to the other and back."""
    client.settimeout(seconds)
    server.settimeout(seconds)
    try:
        client.sendall(b"ping")
        server.sendall(server.recv(4))
        return client.recv(4) == b"ping"
    except TimeoutError:
        return False


def test_an_acl_is_not_asked_within_its_subnet(lab: PlainLab) -> None:
    region = with_group(
        replace(REGION.groups["sg-web"], ingress=frozenset({tcp(8000, EVERYWHERE)}))
    )
    closed = replace(region.subnets["private-a"], acl=())
    lab.apply(replace(region, subnets=region.subnets | {"private-a": closed}))
    pairs = {("web", "web2", 8000), ("lb", "web", 8000)}
    assert passes(lab, pairs) == {("web", "web2", 8000)}


def test_the_lowest_number_of_an_acl_decides_and_replies_need_their_own_entry(
    lab: PlainLab,
) -> None:
    pair = ("lb", "web", 8000)
    lb = REGION.subnets["public-a"].network
    deny = model.AclEntry(90, False, "tcp", (8000, 8000), lb, False)
    lab.apply(with_acl("private-a", (*OPEN, deny)))
    assert passes(lab, {pair}) == set()
    lab.apply(with_acl("private-a", (*OPEN, replace(deny, number=110))))
    assert passes(lab, {pair}) == {pair}
    requests = model.AclEntry(100, False, "tcp", (8000, 8000), lb, True)
    lab.apply(with_acl("private-a", (requests,)))
    assert passes(lab, {pair}) == set()
    replies = model.AclEntry(100, True, "tcp", (1024, 65535), lb, True)
    lab.apply(with_acl("private-a", (requests, replies)))
    assert passes(lab, {pair}) == {pair}


def test_a_host_sends_from_its_own_address_only(lab: PlainLab) -> None:
    # The database's address, from within the web tier's subnet and from the load balancer's.
    here = lab.namespace("db")
    commands.run("ip", "-n", here, "address", "add", f"{ADDRESSES['web']}/32", "dev", "host0")
    try:
        heard = namespaces.within(lab.namespace("web2"), lambda: udp_socket("0.0.0.0"))
        sender = namespaces.within(here, lambda: udp_socket(ADDRESSES["web"]))
        anything = model.Rule("all", None, EVERYWHERE)
        lab.apply(
            replace(
                REGION,
                groups={name: group(name, (anything,), (anything,)) for name in REGION.groups},
            )
        )
        with heard, sender:
            heard.settimeout(0.5)
            sender.sendto(b"not web", (ADDRESSES["web2"], heard.getsockname()[1]))
            with pytest.raises(TimeoutError):
                heard.recv(100)
            with namespaces.within(here, lambda: udp_socket(ADDRESSES["db"])) as honest:
                honest.sendto(b"db", (ADDRESSES["web2"], heard.getsockname()[1]))
            assert heard.recv(100) == b"db"
    finally:
        commands.run(
            "ip", "-n", here, "address", "delete", f"{ADDRESSES['web']}/32", "dev", "host0"
        )


def udp_socket(address: str) -> socket.socket:
    """A UDP socket at a free port of that address."""
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind((address, 0))
    return made


def test_other_rules_leave_a_connection_alone(lab: PlainLab) -> None:
    with namespaces.listening_socket(lab.namespace("web"), "0.0.0.0", 8001) as listener:
        opened = replace(
            REGION,
            groups=REGION.groups
            | {
                "sg-lb": group("sg-lb", (), (tcp(8001, "sg-web"),)),
                "sg-web": group("sg-web", (tcp(8001, "sg-lb"),)),
            },
        )
        lab.apply(opened)
        client = namespaces.connect(lab.namespace("lb"), ADDRESSES["web"], 8001, 1)
        server, _ = listener.accept()
        with client, server:
            lab.apply(REGION)  # the port is shut for others, as security groups do in a VPC
            assert echoed(client, server, 1)
            assert not answers(lab.namespace("lb"), ADDRESSES["web"], 8001)


def test_the_router_reaches_what_the_groups_shut(lab: PlainLab) -> None:
    assert answers(lab.router, ADDRESSES["db"], 8000)
