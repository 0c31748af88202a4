"""The region at one moment, as the lab reads it from moto and brings the machine in step with it.

Everything is immutable and compares by value: two equal snapshots need no action.
"""

import hashlib
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path


def lab_name(folder: Path) -> str:
    """Return the name of the lab in `folder`; its namespaces and cgroups start with it."""
    return f"aw{hashlib.sha256(bytes(folder.resolve())).hexdigest()[:8]}"


@dataclass(frozen=True)
class Rule:
    """What a security group lets in or out: `peer` is a network, or another group's id."""

    protocol: str  # tcp, udp, icmp, all
    ports: tuple[int, int] | None  # first and last; None: all
    peer: IPv4Network | str


@dataclass(frozen=True)
class SecurityGroup:
    """A stateful filter at an interface: what no rule allows is dropped."""

    id: str
    ingress: frozenset[Rule]
    egress: frozenset[Rule]


@dataclass(frozen=True)
class AclEntry:
    """A line of a network ACL; the lowest number that matches decides."""

    number: int
    egress: bool
    protocol: str  # tcp, udp, icmp, all
    ports: tuple[int, int] | None
    network: IPv4Network
    allow: bool


@dataclass(frozen=True)
class Subnet:
    """A subnet in its zone, with the entries of its ACL; where none matches, it denies."""

    id: str
    zone: str  # us-west-2a
    network: IPv4Network
    acl: tuple[AclEntry, ...]
    public: bool = True  # whether its route table leads to an Internet gateway

    @property
    def gateway(self) -> IPv4Address:
        """The router's address, the subnet's first, as in a VPC."""
        return self.network.network_address + 1


@dataclass(frozen=True)
class Interface:
    """An address in a subnet, under its security groups: an instance's or a balancer node's."""

    address: IPv4Address
    subnet_id: str
    groups: frozenset[str]


@dataclass(frozen=True)
class Volume:
    """A volume attached to an instance; `mount` is the path of its tag Mount, None without."""

    id: str
    mount: str | None
    gigabytes: int


@dataclass(frozen=True)
class Instance:
    """A virtual machine. `state` is what EC2 says that it should be: running or stopped."""

    id: str
    state: str
    launch: int  # counts starts and reboots: a host of another launch is started anew
    zone: str
    interface: Interface
    layer: str  # of its image, the topmost
    type: str
    user_data: bytes
    public_key: str  # one line, as in authorized_keys; empty where it was launched without
    hostname: str
    tags: tuple[tuple[str, str], ...]
    volumes: tuple[Volume, ...]

    @property
    def role(self) -> str:
        """The role that its tag names; empty without."""
        return dict(self.tags).get("Role", "")


@dataclass(frozen=True)
class Image:
    """A machine image.

    `layer` is the topmost of its disk's, empty until that is sealed; `source` is the instance whose
    disk it is, which had started from the layer `below`.
    """

    id: str
    name: str
    layer: str
    source: str
    below: str
    tags: tuple[tuple[str, str], ...]
    created: float  # seconds since 1970


@dataclass(frozen=True)
class HealthCheck:
    """How a balancer asks a target whether it is well."""

    path: str
    port: int | None  # None: the port of the traffic
    interval_seconds: int
    timeout_seconds: int
    healthy_count: int
    unhealthy_count: int
    codes: str  # 200, 200-299


@dataclass(frozen=True)
class Target:
    """An instance's port behind a balancer; `draining` since its deregistration."""

    instance_id: str
    address: IPv4Address
    zone: str
    port: int
    draining: bool = False


@dataclass(frozen=True)
class TargetGroup:
    """The targets that a listener sends to."""

    arn: str
    check: HealthCheck
    deregistration_delay_seconds: int
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Listener:
    """A port of a balancer."""

    port: int
    target_group_arn: str


@dataclass(frozen=True)
class Node:
    """The part of a balancer that is in one zone."""

    zone: str
    interface: Interface


@dataclass(frozen=True)
class Balancer:
    """An application load balancer."""

    arn: str
    dns_name: str
    cross_zone: bool
    idle_timeout_seconds: int
    nodes: tuple[Node, ...]
    listeners: tuple[Listener, ...]


@dataclass(frozen=True)
class Region:
    """All of it.

    `records` are the names of private zones with their addresses, `aliases` those that stand for
    another name (of a balancer, or in the zones); `domain` is what hosts complete a short name with
    (the network's DHCP options), empty without.
    """

    subnets: dict[str, Subnet] = field(default_factory=dict)
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    balancers: tuple[Balancer, ...] = ()
    target_groups: dict[str, TargetGroup] = field(default_factory=dict)
    records: tuple[tuple[str, IPv4Address], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    domain: str = ""

    @property
    def imaged(self) -> frozenset[str]:
        """The instances whose disk is to become an image: it must stay until then."""
        return frozenset(image.source for image in self.images.values() if not image.layer)
