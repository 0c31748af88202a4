"""Patches of moto's EC2: addresses, launches, and what Terraform reads back."""

import random
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.dhcp_options import DHCPOptions
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import parse_user_data
from moto.elbv2.models import (
    elbv2_backends,
)

from tools.lab.aws import gaps
from tools.lab.aws.gaps import Original, in_place_of

PUBLIC = IPv4Network("203.0.113.0/24")  # TEST-NET-3: these exist nowhere

# Addresses. moto hands out public addresses of real machines, and 127.x for elastic ones.


@in_place_of(elastic_network_interfaces, "random_public_ip")
@in_place_of(elastic_ip_addresses, "random_ip")
def _public_address(_original: Original) -> str:
    return str(PUBLIC[random.randrange(1, PUBLIC.num_addresses - 1)])


# Answers that Terraform takes for a change: it would make all instances and rules anew.


@in_place_of(NetworkInterface, "association")
def _association(original: Original, self: NetworkInterface) -> dict[str, Any] | None:
    """None where there is no public address, not an empty one, which counts as one."""
    return original(self) or None


@in_place_of(Instance, "prep_nics")
def _prep_nics(original: Original, self: Instance, *arguments: Any, **named: Any) -> None:
    """Give the instance the groups of its first interface."""
    original(self, *arguments, **named)
    if not self.security_groups:
        self.security_groups = list(self.nics[0]._group_set)


@in_place_of(SecurityGroupRule, "description")
def _description(original: Original, self: SecurityGroupRule) -> str | None:
    """Also of a rule for a group."""
    return original(self) or self.source_group.get("Description")


@in_place_of(LaunchTemplate, "create_version")
def _create_version(
    original: Original, self: LaunchTemplate, data: dict[str, Any], description: str
) -> Any:
    """Keep the template's own tags off instances, and user data in any version."""
    specifications = data.pop("TagSpecifications", [])
    if kept := [each for each in specifications if each["ResourceType"] != "launch-template"]:
        data["TagSpecifications"] = kept
    if data.get("UserData") is not None:
        data["UserData"] = parse_user_data(str(data["UserData"]))
    return original(self, data, description)


@in_place_of(DHCPOptions, "create_dhcp_options")
def _create_dhcp_options(original: Original, self: DHCPOptions) -> Any:
    """With the tags of the request."""
    answer = original(self)
    tags = self._parse_tag_specification().get("dhcp-options", {})
    answer.result["DhcpOptions"].add_tags(tags)
    return answer


# Launches. moto wants a size for every volume, and keeps half an instance where a launch fails.

ROOT_GIGABYTES = 8


@in_place_of(InstanceResponse, "_validate_block_device_mapping")
def _validate_block_device_mapping(
    original: Original, _self: InstanceResponse, mapping: dict[str, Any]
) -> None:
    volume = mapping.get("Ebs", {})
    if volume and not volume.get("SnapshotId"):
        volume.setdefault("VolumeSize", ROOT_GIGABYTES)
    original(mapping)


@in_place_of(Instance, "add_block_device")
def _add_block_device(
    original: Original, self: Instance, size: int | None, *arguments: Any, **named: Any
) -> None:
    """Make a volume without a size as large as its image's."""
    original(self, size or ROOT_GIGABYTES, *arguments, **named)


@in_place_of(InstanceBackend, "run_instances")
def _run_instances(original: Original, self: Any, *arguments: Any, **named: Any) -> Any:
    """All of it or nothing."""
    known = set(self.reservations)
    try:
        return original(self, *arguments, **named)
    except Exception:
        for failed in self.reservations.keys() - known:
            del self.reservations[failed]
        raise


# Instances. moto starts them anew without a trace, and finds each of them well.


def launch_count(instance: Instance) -> int:
    """How often it was started again since it was launched."""
    return int(vars(instance).get("launch", 0))


@in_place_of(Instance, "start")
def _start(original: Original, self: Any) -> Any:
    if self.state != "running":
        self.launch = launch_count(self) + 1
    return original(self)


@in_place_of(Instance, "reboot")
def _reboot(original: Original, self: Any) -> None:
    self.launch = launch_count(self) + 1
    original(self)


@in_place_of(Instance, "instance_status")
def _instance_status(original: Original, self: Instance) -> Any:
    """EC2's reachability check, as it is passed by a host that runs."""
    status = original(self)
    if status["Status"] == "not-applicable":
        return status
    words = {"running": ("ok", "passed"), "dead": ("impaired", "failed")}
    state = gaps.observed.hosts.get(self.id, "")
    summary, check = words.get(state, ("initializing", "initializing"))
    return {"Status": summary, "Details": [{"Name": "reachability", "Status": check}]}


@in_place_of(Instance, "terminate")
def _terminate(original: Original, self: Instance) -> Any:
    """Whoever terminates it, it leaves its target groups: moto sees to that in one place only."""
    groups = elbv2_backends[self.ec2_backend.account_id][self.ec2_backend.region_name].target_groups
    for group in groups.values():
        group.deregister_terminated_instances([self.id])
    return original(self)
