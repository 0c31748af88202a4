"""A small region for tests: two zones with a subnet each, and instances in them."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from deadline import until

from tools.lab import leftovers
from tools.lab.commands import run
from tools.lab.hosts.images import Image
from tools.lab.hosts.nspawn import HostHealth, Hosts, Lab
from tools.lab.hosts.seed import Endpoint
from tools.lab.model import Instance, Interface, Region, Subnet
from tools.lab.net.network import Network

CA = "-----BEGIN CERTIFICATE-----\nthe lab's own\n-----END CERTIFICATE-----\n"
SUBNETS = {
    f"subnet-{zone}": Subnet(f"subnet-{zone}", f"us-west-2{zone}", IPv4Network(network), ())
    for zone, network in (("a", "10.0.1.0/24"), ("b", "10.0.2.0/24"))
}


def make_instance(number: int, zone: str, layer: str, public_key: str = "") -> Instance:
    """An instance in a zone (a, b) with the address .10 + its number, that runs."""
    subnet = SUBNETS[f"subnet-{zone}"]
    address = subnet.network.network_address + 10 + number
    return Instance(
        id=f"i-{number:017x}",
        state="running",
        launch=1,
        zone=subnet.zone,
        interface=Interface(IPv4Address(address), subnet.id, frozenset()),
        layer=layer,
        type="t3.large",
        user_data=b"#!/bin/sh\necho $AWS_ENDPOINT_URL >> /root/user-data\n",
        public_key=public_key,
        hostname=f"ip-{str(address).replace('.', '-')}",
        tags=(("Name", f"host-{number}"),),
        volumes=(),
    )


def as_admin(router: str, key: Path, address: IPv4Address | str, command: str) -> str:
    """What the command said in the host at that address, by SSH from the router's namespace."""
    return run(
        *("nsenter", f"--net=/run/netns/{router}", "ssh", "-qi", key),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
        *("-o", "BatchMode=yes", f"admin@{address}", command),
    )


@dataclass
class Place:
    """A lab without a daemon: the test says what should be."""

    name: str
    folder: Path
    image: Image
    network: Network
    hosts: Hosts
    key: Path
    instances: dict[str, Instance] = field(default_factory=dict)

    def add(self, number: int, zone: str) -> str:
        """A new instance; its id."""
        public_key = self.key.with_suffix(".pub").read_text().strip()
        instance = make_instance(number, zone, self.image.digest, public_key)
        self.instances[instance.id] = instance
        self.apply()
        return instance.id

    def change(self, instance_id: str, **changes: Any) -> None:
        """Want an instance otherwise."""
        self.instances[instance_id] = replace(self.instances[instance_id], **changes)
        self.apply()

    def apply(self) -> None:
        """Have the machine follow."""
        region = Region(subnets=SUBNETS, instances=dict(self.instances))
        self.network.apply(region)
        self.hosts.apply(region)

    def health(self, instance_id: str) -> HostHealth:
        """How the instance's host is."""
        return self.hosts.health()[instance_id]

    def await_state(self, instance_id: str, state: str) -> HostHealth:
        """Its health once it is in that state."""
        until(lambda: self.health(instance_id).state == state)
        return self.health(instance_id)

    def ssh(self, instance_id: str, command: str) -> str:
        """What the command said in the host, run by its admin."""
        address = self.instances[instance_id].interface.address
        return as_admin(self.network.router, self.key, address, command)


@contextlib.contextmanager
def a_place(name: str, image: Image) -> Iterator[Place]:
    """A place with its networks up; all of it is removed in the end, whatever happens."""
    leftovers.remove(name)
    with tempfile.TemporaryDirectory(prefix="airaware-lab-", dir="/var/tmp") as path:
        folder, network = Path(path), Network(name)
        key = folder / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        hosts = Hosts(Lab(name, folder, network, Endpoint("https://192.0.2.1", "us-west-2", CA)))
        try:
            network.up()
            yield Place(name, folder, image, network, hosts, key)
        finally:
            hosts.stop()
            network.down()
            leftovers.remove(name)


def networks_of_the_machine() -> list[object]:
    """Interfaces, addresses and routes of the machine's own namespace."""
    return [
        [(link["ifname"], link.get("addr_info")) for link in json.loads(run("ip", "-j", "addr"))],
        json.loads(run("ip", "-j", "route", "show", "table", "all")),
    ]
