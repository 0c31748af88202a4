"""The hosts of a fleet, as EC2 lists them by tags; there is no other list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from airaware.errors import AirAwareError
from tools.region.clients import client

GROUP_TAG = "aws:autoscaling:groupName"


@dataclass(frozen=True)
class Host:
    """A virtual machine of a fleet; `name` is unique in it."""

    name: str
    role: str
    zone: str
    instance_id: str
    address: IPv4Address
    state: str
    launched_at: datetime


def of(environment: str, environ: Mapping[str, str]) -> list[Host]:
    """Return the environment's hosts that are there, running or not, by role, zone and name."""
    return described(environment, client("ec2", environ))


def described(environment: str, ec2: Any) -> list[Host]:
    """Return the same as `of`, by a client of EC2 that the caller has: making one takes long."""
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": "tag:Environment", "Values": [environment]},
            {
                "Name": "instance-state-name",
                "Values": ["pending", "running", "stopping", "stopped"],
            },
        ]
    )
    found = [
        instance
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    hosts = [
        Host(
            name=_name(instance),
            role=_tag(instance, "Role"),
            zone=instance["Placement"]["AvailabilityZone"],
            instance_id=instance["InstanceId"],
            address=IPv4Address(instance["PrivateIpAddress"]),
            state=instance["State"]["Name"],
            launched_at=instance["LaunchTime"],
        )
        for instance in found
    ]
    return sorted(hosts, key=lambda host: (host.role, host.zone, host.name))


def _name(instance: Mapping[str, Any]) -> str:
    """Return the host's name: its tag's, with the end of its id if it belongs to a group.

    Hosts of a group share the tag, and come and go.
    """
    name = _tag(instance, "Name")
    return f"{name}-{instance['InstanceId'][-4:]}" if _tag(instance, GROUP_TAG) else name


def find(hosts: list[Host], text: str) -> Host:
    """Return the host of that name, instance id or address.

    Raises:
        AirAwareError: There is none, or more than one.
    """
    for host in hosts:
        if text in (host.name, host.instance_id, str(host.address)):
            return host
    known = ", ".join(host.name for host in hosts) or "none"
    raise AirAwareError(f"There is no host '{text}'. Hosts are: {known}")


def _tag(instance: Mapping[str, Any], key: str) -> str:
    tags: dict[str, str] = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
    return tags.get(key, "")
