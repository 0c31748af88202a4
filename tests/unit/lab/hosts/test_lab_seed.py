"""What a host is told before it boots."""

from ipaddress import IPv4Address

from tools.lab.hosts import seed
from tools.lab.model import Region

ENDPOINT = seed.Endpoint("https://192.0.2.1", "us-west-2", "the CA\n")


def test_services_and_people_get_the_same_environment() -> None:
    line = seed.manager_file(ENDPOINT).splitlines()[1]
    pairs = line.removeprefix("DefaultEnvironment=").replace('"', "").split()
    assert dict(pair.split("=", 1) for pair in pairs) == ENDPOINT.environ()


def test_the_private_zone_is_searched() -> None:
    records = (
        ("db-a.airaware.internal", IPv4Address("10.0.1.5")),
        ("puppet.airaware.internal.", IPv4Address("10.0.1.6")),
    )
    assert seed.resolver_file(Region(records=records)).splitlines() == [
        "nameserver 169.254.169.253",
        "search airaware.internal",
    ]
    assert seed.resolver_file(Region()) == "nameserver 169.254.169.253\n"


def test_the_labs_authority_is_trusted_once() -> None:
    once = seed.trusting("others\n", ENDPOINT.ca_pem)
    assert once == "others\nthe CA\n"
    assert seed.trusting(once, ENDPOINT.ca_pem) == once
