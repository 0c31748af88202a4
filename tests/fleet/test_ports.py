"""The port matrix: what passes between two hosts is what the security groups allow, and no more."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host
from tools.lab.client import Lab
from tools.lab.net import namespaces

pytestmark = pytest.mark.usefixtures("steady_web")

PORTS = (
    *(22, 80, 443, 3000, 4040, 5432, 7077, 7078, 7079, 7080),
    *(8000, 8080, 8081, 8140, 9090, 9100, 9187),
)

# Whatever Terraform says: from, to, ports; None for all of PORTS.
NEVER = [
    ("web", "spark_master", None),
    ("web", "spark_worker", None),
    ("web", "controller", None),
    ("web", "web", None),
    ("web", "monitoring", None),
    ("web", "puppet", {port for port in PORTS if port != 8140}),
    ("web", "database", {port for port in PORTS if port != 5432}),
    ("database", "web", None),
    ("database", "controller", None),
    ("spark_worker", "web", None),
    ("monitoring", "puppet", {port for port in PORTS if port not in (8140, 9100)}),
    *((a, b, {22}) for a, b in product(("web", "database", "controller"), repeat=2)),
]

# Prints which of [address, port] pairs let a connection through: an answer, be it a refusal.
PROBE = """
import asyncio, json, sys
from typing import Any
async def passes(address, port):
    try:
        await asyncio.wait_for(asyncio.open_connection(address, port), 3)
    except ConnectionRefusedError:
        return True
    except (OSError, asyncio.TimeoutError):
        return False
    return True
async def main(pairs):
    print(json.dumps(await asyncio.gather(*(passes(*pair) for pair in pairs))))
asyncio.run(main(json.loads(sys.argv[1])))
"""

Passes = set[tuple[str, str, int]]  # from an instance, to an instance, port


@pytest.fixture(scope="module")
def passes(lab: Fleet) -> Passes:
    """What was seen to pass, of every pair of hosts and every port."""
    fleet, config = lab.hosts(), lab.ssh_config()

    def probe(host: Host) -> Passes:
        targets = [(other, port) for other, port in product(fleet, PORTS) if other != host]
        pairs = json.dumps([(str(other.address), port) for other, port in targets])
        done = subprocess.run(
            ["ssh", "-F", str(config), host.name, f"python3 - '{pairs}'"],
            input=PROBE,
            capture_output=True,
            text=True,
            check=True,
        )
        return {
            (host.instance_id, other.instance_id, port)
            for (other, port), passed in zip(targets, json.loads(done.stdout), strict=True)
            if passed
        }

    with ThreadPoolExecutor(4) as several:
        return set().union(*several.map(probe, fleet))


def test_exactly_what_the_groups_allow_passes(lab: Fleet, passes: Passes) -> None:
    fleet, allowed = lab.hosts(), allowed_by_terraform(lab)
    expected = {
        (host.instance_id, other.instance_id, port)
        for host, other, port in product(fleet, fleet, PORTS)
        if host != other and (host.role, other.role, port) in allowed
    }
    names = {host.instance_id: host.name for host in fleet}
    assert expected, "Terraform allows nothing"
    assert _named(passes - expected, names) == []
    assert _named(expected - passes, names) == []


@pytest.mark.parametrize(("sender", "receiver", "ports"), NEVER)
def test_what_must_never_pass(
    lab: Fleet, passes: Passes, sender: str, receiver: str, ports: set[int] | None
) -> None:
    roles = {host.instance_id: host.role for host in lab.hosts()}
    assert not {
        one
        for one in passes
        if (roles[one[0]], roles[one[1]]) == (sender, receiver) and one[2] in (ports or PORTS)
    }


def test_the_internet_reaches_nothing_but_the_balancer(lab: Fleet) -> None:
    fleet = lab.hosts()
    pairs = json.dumps([(str(host.address), port) for host, port in product(fleet, PORTS)])
    assert isinstance(lab.region, Lab)
    done = namespaces.within(
        f"{lab.region.name}-net",
        lambda: subprocess.run(
            ["python3", "-", pairs], input=PROBE, capture_output=True, text=True, check=True
        ),
    )
    assert not any(json.loads(done.stdout))


def allowed_by_terraform(lab: Fleet) -> set[tuple[str, str, int]]:
    """Role, role and port of what its plan lets out of the one's group and into the other's."""
    resources = _resources(lab.terraform.content(lab.plan())["planned_values"]["root_module"])
    roles = {
        each["values"]["id"]: each["values"]["tags"]["Role"]
        for each in resources
        if each["type"] == "aws_security_group"
    }
    rules: dict[str, set[Any]] = {"ingress": set(), "egress": set()}
    for each in resources:
        _, _, kind = each["type"].partition("aws_vpc_security_group_")
        if kind not in ("ingress_rule", "egress_rule"):
            continue
        rule = each["values"]
        own, peer = roles[rule["security_group_id"]], rule["referenced_security_group_id"]
        ports = range(rule["from_port"], rule["to_port"] + 1)
        everyone = rule["cidr_ipv4"] == "0.0.0.0/0"
        peers = set(roles.values()) if everyone else {roles[peer]} if peer else set()
        for other, port in product(peers, ports):
            pair = (other, own) if kind == "ingress_rule" else (own, other)
            rules[kind.removesuffix("_rule")].add((*pair, port))
    return rules["ingress"] & rules["egress"]


def _resources(module: dict) -> list[dict]:
    return module.get("resources", []) + [
        each for child in module.get("child_modules", []) for each in _resources(child)
    ]


def _named(seen: Passes, names: dict[str, str]) -> list[str]:
    return sorted(f"{names[sender]} -> {names[to]}:{port}" for sender, to, port in seen)
