"""Security groups and network ACLs, as one nftables table of the router's namespace.

A packet that is forwarded passes, in this order:

1. its sender's address: a host sends from its own address only, as the hypervisor sees to in a VPC;
2. the network ACL of the subnet that it leaves and of the one that it enters, unless both are the
   same. They keep no state: replies are judged as well, and so is what flows already;
3. connection tracking: what belongs to a connection that was let through goes on;
4. the security groups of its sender (egress) and of its receiver (ingress).

What nothing allows is dropped without an answer. Amazon's own services in the router (DNS, IMDS)
are open to every host, as in a VPC; the AWS endpoint is under ACL and egress like the Internet.
What the router itself sends (SSH, forwards) comes from the inside and is not filtered.
"""

from collections.abc import Iterable, Iterator

from tools.lab import commands, model
from tools.lab.net.namespaces import FOLDER
from tools.lab.net.network import (
    ENDPOINT_ADDRESS,
    INTERNET_ADDRESS,
    METADATA_ADDRESS,
    NAMES_ADDRESS,
    ROUTER_ADDRESS,
    VISITORS,
    bridge,
)

TABLE = "inet airaware"
INTERNET = f"{{ {INTERNET_ADDRESS}, {VISITORS} }}"

BASE_CHAINS = f"""
    chain forward {{
        type filter hook forward priority filter; policy drop;
        iifname "br-*" iifname . ip saddr != @own drop
        iifname != "br-*" ip saddr != {INTERNET} drop
        ip saddr vmap @leaving
        ip daddr vmap @entering
        ct state vmap {{ established : accept, related : accept, invalid : drop }}
        ip saddr != {INTERNET} ip saddr vmap @egress
        ip saddr {INTERNET} ip daddr != @public drop
        ip daddr vmap @ingress
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        iifname "br-*" iifname . ip saddr != @own drop
        ip daddr {{ {NAMES_ADDRESS}, {ROUTER_ADDRESS} }} udp dport 53 accept
        ip daddr {{ {NAMES_ADDRESS}, {ROUTER_ADDRESS} }} tcp dport 53 accept
        ip daddr {METADATA_ADDRESS} tcp dport 80 accept
        ct direction reply ct state established,related accept
        ip daddr != {ENDPOINT_ADDRESS} drop
        ip saddr vmap @leaving
        ct state established accept
        ip saddr vmap @egress
        tcp dport 443 accept
    }}
    chain output {{
        type filter hook output priority filter; policy accept;
        ip saddr {ENDPOINT_ADDRESS} ip daddr vmap @entering
    }}"""


class Firewall:
    """The table of one router namespace, brought in step with the region."""

    def __init__(self, namespace: str) -> None:
        """Begin without a table."""
        self.namespace = namespace
        self._loaded = ""

    def apply(self, region: model.Region) -> None:
        """Replace the table at once, if it would change. Connections that are known stay known."""
        rules = ruleset(region)
        if rules != self._loaded:
            nsenter = ("nsenter", f"--net={FOLDER / self.namespace}")
            commands.run(*nsenter, "nft", "-f", "-", stdin=rules)
            self._loaded = rules


def ruleset(region: model.Region) -> str:
    """Return the whole table for `nft -f -`, which replaces the one that is there in one step.

    Equal regions give equal text. A lookup of a packet costs four maps and the few rules of its own
    subnets and groups, however many hosts there are.
    """
    interfaces = sorted(_interfaces(region), key=lambda interface: interface.address)
    lines = [
        *_map("leaving", _by_subnet(region, "leaving"), interval=True),
        *_map("entering", _by_subnet(region, "entering"), interval=True),
        *_map("egress", _by_address(interfaces, "egress")),
        *_map("ingress", _by_address(interfaces, "ingress")),
        *_set("own", "ifname . ipv4_addr", _own(region, interfaces)),
        *_set(
            "public",
            "ipv4_addr",
            (str(i.address) for i in interfaces if region.subnets[i.subnet_id].public),
        ),
        *_members(region, interfaces),
        *_acl_chains(region),
        *_group_chains(region, interfaces),
    ]
    table = "\n".join(f"    {line}" for line in lines)
    return f"add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{table}{BASE_CHAINS}\n}}\n"


def _interfaces(region: model.Region) -> Iterator[model.Interface]:
    """All interfaces whose subnet is there."""
    for interface in (
        *(instance.interface for instance in region.instances.values()),
        *(node.interface for balancer in region.balancers for node in balancer.nodes),
    ):
        if interface.subnet_id in region.subnets:
            yield interface


def _own(region: model.Region, interfaces: list[model.Interface]) -> Iterator[str]:
    for interface in interfaces:
        zone = region.subnets[interface.subnet_id].zone
        yield f'"{bridge(zone)}" . {interface.address}'


def _set(name: str, type_: str, elements: Iterable[str]) -> list[str]:
    return [f"set {name} {{ type {type_}; {_elements(elements)}}}"]


def _map(name: str, elements: Iterable[str], interval: bool = False) -> list[str]:
    flags = "flags interval; " if interval else ""
    return [f"map {name} {{ type ipv4_addr : verdict; {flags}{_elements(elements)}}}"]


def _elements(elements: Iterable[str]) -> str:
    """Return the elements of a set, where there are any: nft refuses an empty list."""
    listed = ", ".join(elements)
    return f"elements = {{ {listed} }}; " if listed else ""


def _by_subnet(region: model.Region, way: str) -> Iterator[str]:
    for subnet in _subnets(region):
        yield f"{subnet.network} : jump {way}-{subnet.id}"


def _by_address(interfaces: list[model.Interface], way: str) -> Iterator[str]:
    for interface in interfaces:
        yield f"{interface.address} : jump {_chain(way, interface.groups)}"


def _subnets(region: model.Region) -> list[model.Subnet]:
    return sorted(region.subnets.values(), key=lambda subnet: subnet.id)


def _chain(way: str, groups: frozenset[str]) -> str:
    """Return the chain of an interface's groups; those with the same groups share it."""
    return "_".join([way, *sorted(groups)])


def _members(region: model.Region, interfaces: list[model.Interface]) -> Iterator[str]:
    """Yield a set of addresses for each group that a rule names as its peer."""
    rules = (rule for group in region.groups.values() for rule in group.ingress | group.egress)
    for peer in sorted({rule.peer for rule in rules if isinstance(rule.peer, str)}):
        yield from _set(
            f"in-{peer}", "ipv4_addr", (str(i.address) for i in interfaces if peer in i.groups)
        )


def _acl_chains(region: model.Region) -> Iterator[str]:
    """Two chains per subnet: the first entry that matches decides, and without one, it denies."""
    for subnet in _subnets(region):
        for way, egress, other in (("leaving", True, "daddr"), ("entering", False, "saddr")):
            yield f"chain {way}-{subnet.id} {{"
            yield f"    ip {other} {subnet.network} return"
            for entry in sorted(subnet.acl, key=lambda entry: entry.number):
                if entry.egress == egress:
                    condition = _condition(other, str(entry.network), entry.protocol, entry.ports)
                    yield f"    {condition} {'return' if entry.allow else 'drop'}"
            yield "    drop"
            yield "}"


def _group_chains(region: model.Region, interfaces: list[model.Interface]) -> Iterator[str]:
    """Two chains per combination of groups; what any of the groups allows is allowed."""
    for groups in sorted({interface.groups for interface in interfaces}, key=sorted):
        members = [region.groups[group] for group in groups if group in region.groups]
        egress = frozenset[model.Rule]().union(*(group.egress for group in members))
        ingress = frozenset[model.Rule]().union(*(group.ingress for group in members))
        yield f"chain {_chain('egress', groups)} {{"
        yield from sorted(f"    {_rule('daddr', rule)} return" for rule in egress)
        yield "    drop"
        yield "}"
        yield f"chain {_chain('ingress', groups)} {{"
        yield from sorted(f"    {_rule('saddr', rule)} accept" for rule in ingress)
        yield "    drop"
        yield "}"


def _rule(other: str, rule: model.Rule) -> str:
    peer = f"@in-{rule.peer}" if isinstance(rule.peer, str) else str(rule.peer)
    return _condition(other, peer, rule.protocol, rule.ports)


def _condition(other: str, peer: str, protocol: str, ports: tuple[int, int] | None) -> str:
    """Return what a packet must be: `other` is the end that the peer is at, saddr or daddr."""
    parts = [f"ip {other} {peer}"]
    if protocol in ("tcp", "udp") and ports:
        parts.append(f"{protocol} dport {ports[0]}-{ports[1]}")
    elif protocol != "all":
        parts.append(f"meta l4proto {protocol}")
    return " ".join(parts)
