"""What the resources of a Terraform plan cost a month on AWS, by the prices in prices.toml.

Requests and data are left out: a plan does not know them.
"""

import functools
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airaware.errors import AirAwareError

PRICES = Path(__file__).with_name("prices.toml")
NOT_READ, UNREAD_MARK = "not read", " †"


@dataclass(frozen=True)
class Price:
    """What one unit of something costs a month, where that stands, and when it was read there."""

    dollars: float
    page: str
    read: str


@dataclass(frozen=True)
class Cost:
    """So many units of one kind, for one purpose."""

    what: str
    count: float
    price: Price

    @property
    def dollars(self) -> float:
        """Dollars a month."""
        return self.count * self.price.dollars


def prices(path: Path = PRICES) -> Mapping[tuple[str, str], Price]:
    """Return the prices by kind and name, such as instance and t3.small."""
    content = tomllib.loads(path.read_text())
    hours, _ = content.pop("hours_a_month"), content.pop("free")
    return {
        (kind, name): Price(
            entry["dollars_a_month"]
            if "dollars_a_month" in entry
            else entry["dollars_an_hour"] * hours,
            entry["page"],
            entry["read"],
        )
        for kind, entries in content.items()
        for name, entry in entries.items()
    }


@functools.cache
def _current() -> Mapping[tuple[str, str], Price]:
    return prices()


@functools.cache
def _free() -> frozenset[str]:
    """Return the kinds of resources that cost nothing."""
    return frozenset(tomllib.loads(PRICES.read_text())["free"])


def costs(
    plan: Mapping[str, Any], side: str, known: Mapping[tuple[str, str], Price] | None = None
) -> list[Cost]:
    """Return what a plan's resources cost a month, `before` it is carried out or `after`.

    `plan` is what `terraform show -json` prints of it. Auto-scaling groups count with their least
    size.

    Raises:
        AirAwareError: A resource or an instance type has no price.
    """
    known = _current() if known is None else known
    counts: Counter[tuple[str, str, str]] = Counter()
    for what, kind, name, count in _units(_resources(plan, side)):
        counts[what, kind, name] += count  # type: ignore[assignment]
    missing = sorted({f"{kind} {name}" for _, kind, name in counts if (kind, name) not in known})
    if missing:
        raise AirAwareError(f"{PRICES.name} has no price of: {', '.join(missing)}; add it there")
    return [
        Cost(what, count, known[kind, name]) for (what, kind, name), count in sorted(counts.items())
    ]


def total(of: list[Cost]) -> float:
    """Return the sum in dollars a month."""
    return sum(cost.dollars for cost in of)


def difference(plan: Mapping[str, Any]) -> str:
    """Return what carrying out a plan changes in a month's cost, as a sentence.

    It says so where prices were not read.
    """
    before, after = costs(plan, "before"), costs(plan, "after")
    change = total(after) - total(before)
    return (
        f"on AWS: {change:+,.2f} US dollars a month, from {total(before):,.2f} to "
        f"{total(after):,.2f}{mark([*before, *after])}; docs/cost.md has what is not in it"
    )


def mark(of: list[Cost]) -> str:
    """Return a note about unread prices in a sum; empty where all were read."""
    unread = [cost for cost in of if cost.price.read == NOT_READ]
    if not unread:
        return ""
    return (
        " (by list prices that were not read)"
        if len(unread) == len(of)
        else (f" (not read: the prices of {', '.join(sorted({cost.what for cost in unread}))})")
    )


def table(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the costs of plans side by side, as a table in Markdown: a heading -> its plan."""
    found = {
        heading: {c.what: c for c in costs(plan, "after")} for heading, plan in columns.items()
    }
    rows = sorted({what for column in found.values() for what in column})
    lines = [
        "| what | a month each |" + "".join(f" {heading} | |" for heading in found),
        "|---|---|" + "---|---|" * len(found),
    ]
    for what in rows:
        price = next(column[what].price for column in found.values() if what in column)
        note = UNREAD_MARK if price.read == NOT_READ else ""
        cells = [
            f"{column[what].count:g} | {column[what].dollars:.2f}" if what in column else "– | 0.00"
            for column in found.values()
        ]
        lines.append(f"| {what} | {price.dollars:.2f}{note} | {' | '.join(cells)} |")
    sums = ""
    for column in found.values():
        of = list(column.values())
        sums += f" | **{total(of):.2f}**{UNREAD_MARK if mark(of) else ''} |"
    lines.append(f"| **sum, US dollars** | |{sums}")
    return "\n".join(lines) + "\n"


def _resources(plan: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    """Return the plan's managed resources on one side: address, type and values."""
    return [
        {"module": each.get("module_address", ""), "type": each["type"], **each["change"]}
        | {"values": each["change"][side]}
        for each in plan.get("resource_changes", ())
        if each["mode"] == "managed" and each["change"][side] is not None
    ]


def _units(resources: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, float]]:
    """Yield each thing that is paid for: description, kind and name in the prices, and amount."""
    for resource in resources:
        values, kind = resource["values"], resource["type"]
        if kind == "aws_instance":
            yield from _host(values["tags"]["Role"], values, values["root_block_device"], 1)
        elif kind == "aws_autoscaling_group":
            template = _template(resources, resource["module"])
            disks = [mapping["ebs"][0] for mapping in template["block_device_mappings"]]
            yield from _host(template["tags"]["Role"], template, disks, values["min_size"])
        elif kind == "aws_ebs_volume":
            yield f"data volumes, {values['type']}, GB", "volume", values["type"], values["size"]
        elif kind == "aws_nat_gateway":
            yield "NAT gateways", "other", "nat_gateway", 1
        elif kind == "aws_eip":
            yield "public IPv4 addresses", "other", "public_address", 1
        elif kind == "aws_lb":
            yield "application load balancer", "other", "balancer", 1
            yield "public IPv4 addresses", "other", "public_address", len(_zones(resources))
        elif kind == "aws_route53_zone":
            yield "private DNS zone", "other", "dns_zone", 1
        elif kind not in _free() or values.get("vpc_endpoint_type", "Gateway") != "Gateway":
            yield kind, "other", kind, 1


def _host(
    role: str, values: Mapping[str, Any], disks: list[Mapping[str, Any]], count: int
) -> Iterator[tuple[str, str, str, float]]:
    instance_type = values["instance_type"]
    yield f"{role} hosts, {instance_type}", "instance", instance_type, count
    for disk in disks:
        name = disk["volume_type"]
        yield f"root disks, {name}, GB", "volume", name, count * disk["volume_size"]


def _template(resources: list[dict[str, Any]], module: str) -> Mapping[str, Any]:
    """Return the launch template of the group in the same module; a plan does not know its id."""
    return next(
        each["values"]
        for each in resources
        if each["type"] == "aws_launch_template" and each["module"] == module
    )


def _zones(resources: list[dict[str, Any]]) -> set[str]:
    """Return the zones that have subnets: a load balancer has a node with an address in each."""
    return {
        each["values"]["availability_zone"] for each in resources if each["type"] == "aws_subnet"
    }
