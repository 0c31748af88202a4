"""What moto 5.2.5 does otherwise than AWS, put right where a fleet would notice.

A patch is a function that stands in for one of moto's; it is given moto's own as its first
argument. tests/component/test_gaps.py shows for each that moto still needs it. Those of scaling
policies are in policy_gaps.py. What acts on its own, launching and terminating the members of
auto-scaling groups, is in scaling.py.
"""

import functools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import (
    ASG_NAME_TAG,
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
)
from moto.ec2.models import EC2Backend, elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.dhcp_options import DHCPOptions
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import convert_tag_spec, parse_user_data
from moto.elbv2.models import (
    ELBv2Backend,
    FakeHealthStatus,
    FakeLoadBalancer,
    FakeTargetGroup,
    elbv2_backends,
)
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.route53.responses import Route53

if TYPE_CHECKING:
    from tools.lab.net.balancer import TargetHealth

PUBLIC = IPv4Network("203.0.113.0/24")  # TEST-NET-3: these exist nowhere


@dataclass
class Observed:
    """What the lab sees of the machines behind the region; the daemon keeps it up to date.

    `hosts`: instance id -> starting, running, dead or stopped. `targets`: (target group's ARN,
    instance id, port) -> its health in the words of ELB's API.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    targets: "dict[tuple[str, str, int], TargetHealth]" = field(default_factory=dict)

    def target_state(self, arn: str, target: dict[str, Any]) -> str:
        """The state of a target as moto keeps it: initial until the balancer has said more."""
        health = self.targets.get((arn, target["Id"], int(target["Port"])))
        return health.state if health else "initial"


observed = Observed()  # moto's backends are the process's, and so is this
_patches: list[tuple[Any, str, Callable]] = []


def fill() -> None:
    """Put all patches in place, once."""
    while _patches:
        owner, name, patch = _patches.pop()
        original = vars(owner).get(name)
        if isinstance(original, property):
            setattr(owner, name, property(functools.partial(patch, original.fget)))
        else:
            setattr(owner, name, _bound(patch, original))


def in_place_of(owner: Any, name: str) -> Callable[[Callable], Callable]:
    """Decorates a patch of what `owner` has under that name."""

    def note(patch: Callable) -> Callable:
        _patches.append((owner, name, patch))
        return patch

    return note


def _bound(patch: Callable, original: Any) -> Callable:
    """A plain function, so that it becomes a method where it is set on a class."""

    def method(*arguments: Any, **named: Any) -> Any:
        return patch(original, *arguments, **named)

    return method


# Addresses. moto hands out public addresses of real machines, and 127.x for elastic ones.


@in_place_of(elastic_network_interfaces, "random_public_ip")
@in_place_of(elastic_ip_addresses, "random_ip")
def _public_address(_original: Callable) -> str:
    return str(PUBLIC[random.randrange(1, PUBLIC.num_addresses - 1)])


# Answers that Terraform takes for a change: it would make all instances and rules anew.


@in_place_of(NetworkInterface, "association")
def _association(original: Callable, self: NetworkInterface) -> dict[str, Any] | None:
    """None where there is no public address, not an empty one, which counts as one."""
    return original(self) or None


@in_place_of(Instance, "prep_nics")
def _prep_nics(original: Callable, self: Instance, *arguments: Any, **named: Any) -> None:
    """The groups of the first interface are the instance's."""
    original(self, *arguments, **named)
    if not self.security_groups:
        self.security_groups = list(self.nics[0]._group_set)


@in_place_of(SecurityGroupRule, "description")
def _description(original: Callable, self: SecurityGroupRule) -> str | None:
    """Also of a rule for a group."""
    return original(self) or self.source_group.get("Description")


@in_place_of(LaunchTemplate, "create_version")
def _create_version(
    original: Callable, self: LaunchTemplate, data: dict[str, Any], description: str
) -> LaunchTemplateVersion:
    """The template's own tags are none of an instance; user data are there in any version."""
    specifications = data.pop("TagSpecifications", [])
    if kept := [each for each in specifications if each["ResourceType"] != "launch-template"]:
        data["TagSpecifications"] = kept
    if data.get("UserData") is not None:
        data["UserData"] = parse_user_data(str(data["UserData"]))
    return original(self, data, description)


@in_place_of(DHCPOptions, "create_dhcp_options")
def _create_dhcp_options(original: Callable, self: DHCPOptions) -> Any:
    """With the tags of the request."""
    answer = original(self)
    tags = self._parse_tag_specification().get("dhcp-options", {})
    answer.result["DhcpOptions"].add_tags(tags)
    return answer


# Launches. moto wants a size for every volume, and keeps half an instance where a launch fails.

ROOT_GIGABYTES = 8


@in_place_of(InstanceResponse, "_validate_block_device_mapping")
def _validate_block_device_mapping(
    original: Callable, _self: InstanceResponse, mapping: dict[str, Any]
) -> None:
    volume = mapping.get("Ebs", {})
    if volume and not volume.get("SnapshotId"):
        volume.setdefault("VolumeSize", ROOT_GIGABYTES)
    original(mapping)


@in_place_of(Instance, "add_block_device")
def _add_block_device(
    original: Callable, self: Instance, size: int | None, *arguments: Any, **named: Any
) -> None:
    """A volume without a size is as large as its image's."""
    original(self, size or ROOT_GIGABYTES, *arguments, **named)


@in_place_of(InstanceBackend, "run_instances")
def _run_instances(original: Callable, self: Any, *arguments: Any, **named: Any) -> Any:
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
    return vars(instance).get("launch", 0)


@in_place_of(Instance, "start")
def _start(original: Callable, self: Any) -> Any:
    if self.state != "running":
        self.launch = launch_count(self) + 1
    return original(self)


@in_place_of(Instance, "reboot")
def _reboot(original: Callable, self: Any) -> None:
    self.launch = launch_count(self) + 1
    original(self)


@in_place_of(Instance, "instance_status")
def _instance_status(original: Callable, self: Instance) -> dict[str, Any]:
    """EC2's reachability check, as it is passed by a host that runs."""
    status = original(self)
    if status["Status"] == "not-applicable":
        return status
    words = {"running": ("ok", "passed"), "dead": ("impaired", "failed")}
    summary, check = words.get(observed.hosts.get(self.id, ""), ("initializing", "initializing"))
    return {"Status": summary, "Details": [{"Name": "reachability", "Status": check}]}


@in_place_of(Instance, "terminate")
def _terminate(original: Callable, self: Instance) -> Any:
    """Whoever terminates it, it leaves its target groups: moto sees to that in one place only."""
    groups = elbv2_backends[self.ec2_backend.account_id][self.ec2_backend.region_name].target_groups
    for group in groups.values():
        group.deregister_terminated_instances([self.id])
    return original(self)


# Buckets. A statement that denies what does not come by TLS denies all to moto, and one that allows
# what comes by an endpoint allows nothing: it does not know how a request came. The region is
# served by TLS alone.


@in_place_of(IAMPolicyStatement, "is_action_permitted")
def _is_action_permitted(
    original: Callable, self: IAMPolicyStatement, *arguments: Any, **named: Any
) -> PermissionResult:
    if self._statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
        return PermissionResult.NEUTRAL
    if self._statement.get("Condition", {}).get("StringEquals", {}).keys() == {"aws:SourceVpce"}:
        # Nobody but the hosts and their operator can reach the region.
        rest = {key: value for key, value in self._statement.items() if key != "Condition"}
        return original(IAMPolicyStatement(rest), *arguments, **named)
    return original(self, *arguments, **named)


# Private zones. Terraform names a VPC, which makes a zone private; moto wants another parameter.


@in_place_of(Route53, "create_hosted_zone")
def _create_hosted_zone(original: Callable, self: Route53) -> Any:
    if self._get_param("VPC.VPCId"):
        self.params.setdefault("HostedZoneConfig", {})["PrivateZone"] = True
    return original(self)


# Targets. moto's are all healthy, and gone as soon as they are deregistered.


def deregistration_delay_seconds(group: FakeTargetGroup) -> int:
    """How long a deregistered target may finish its requests."""
    return int(str(group.attributes["deregistration_delay.timeout_seconds"]))


def draining(group: FakeTargetGroup, now: float) -> list[dict[str, Any]]:
    """The targets that were deregistered less than the group's delay ago, and may have requests."""
    ended = now - deregistration_delay_seconds(group)
    left = (*group.deregistered_targets.values(), *group.terminated_targets.values())
    return [
        target
        for target in left
        if target.get("Deregistered", ended) > ended
        and observed.target_state(group.arn, target) != "unused"
    ]


@in_place_of(FakeTargetGroup, "deregister")
def _deregister(original: Callable, self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
    """Note when; and as on AWS, it is no error if a target has gone already."""
    known = [target for target in targets if target["Id"] in self.targets]
    original(self, known)
    for target in known:
        self.deregistered_targets[target["Id"]]["Deregistered"] = time.monotonic()


@in_place_of(FakeTargetGroup, "deregister_terminated_instances")
def _deregister_terminated(
    original: Callable, self: FakeTargetGroup, instance_ids: list[str]
) -> None:
    known = self.targets.keys() & set(instance_ids)
    original(self, instance_ids)
    for instance_id in known:
        self.terminated_targets[instance_id]["Deregistered"] = time.monotonic()


@in_place_of(FakeTargetGroup, "health_for")
def _health_for(
    original: Callable, self: FakeTargetGroup, target: dict[str, Any], ec2: EC2Backend
) -> FakeHealthStatus:
    """The balancer's view of a registered target; moto's words for the others."""
    answer = original(self, target, ec2)
    if target["Id"] in {leaving["Id"] for leaving in draining(self, time.monotonic())}:
        answer.status, answer.reason = "draining", "Target.DeregistrationInProgress"
        answer.description = "Target deregistration is in progress"
    elif answer.status == "healthy":
        health = observed.targets.get((self.arn, target["Id"], int(answer.port)))
        answer.status = health.state if health else "initial"
        answer.reason = (health and health.reason) or None
        answer.description = (health and health.description) or None
    return answer


@in_place_of(ELBv2Backend, "describe_target_health")
def _describe_target_health(
    original: Callable, self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]
) -> list[FakeHealthStatus]:
    """Without a list of targets all are meant: those that drain, too."""
    group = self.target_groups.get(target_group_arn)
    if group and not targets:
        targets = [*group.targets.values(), *draining(group, time.monotonic())]
    return original(self, target_group_arn, targets) if targets or not group else []


# Balancers. moto's are nowhere in their subnets.


def interfaces(balancer: FakeLoadBalancer) -> list[Any]:
    """The network interfaces of a balancer's nodes, one in each of its subnets."""
    return list(vars(balancer).get("interfaces", {}).values())


@in_place_of(ELBv2Backend, "create_load_balancer")
def _create_load_balancer(
    original: Callable, self: ELBv2Backend, *arguments: Any, **named: Any
) -> FakeLoadBalancer:
    balancer = original(self, *arguments, **named)
    _place(self.ec2_backend, balancer, balancer.subnets)
    return balancer


@in_place_of(ELBv2Backend, "set_subnets")
def _set_subnets(original: Callable, self: ELBv2Backend, arn: str, *rest: Any, **named: Any) -> Any:
    answer = original(self, arn, *rest, **named)
    _place(self.ec2_backend, self.load_balancers[arn], self.load_balancers[arn].subnets)
    return answer


@in_place_of(ELBv2Backend, "delete_load_balancer")
def _delete_load_balancer(original: Callable, self: ELBv2Backend, arn: str) -> None:
    if balancer := self.load_balancers.get(arn):
        _place(self.ec2_backend, balancer, [])
    original(self, arn)


def _place(ec2: EC2Backend, balancer: FakeLoadBalancer, subnets: list[Subnet]) -> None:
    """Give the balancer an interface in each of these subnets, and in no other."""
    placed = vars(balancer).setdefault("interfaces", {})
    for subnet_id in placed.keys() - {subnet.id for subnet in subnets}:
        placed.pop(subnet_id).delete()
    for subnet in subnets:
        if subnet.id not in placed:
            placed[subnet.id] = ec2.create_network_interface(
                subnet,
                subnet.get_available_subnet_ip(instance=balancer),  # type: ignore[arg-type]
                group_ids=list(balancer.security_groups),
                description=f"ELB {balancer.arn.partition('loadbalancer/')[2]}",
            )


# Auto scaling. moto launches at once, into the first subnet, without the template's profile, its
# version and options, and terminates without a drain. Here it only notes what is wanted: scaling.py
# acts.


@in_place_of(FakeAutoScalingGroup, "set_desired_capacity")
def _set_desired_capacity(
    _original: Callable, self: FakeAutoScalingGroup, new_capacity: int | None
) -> None:
    self.desired_capacity = self.min_size if new_capacity is None else new_capacity


@in_place_of(FakeAutoScalingGroup, "update")
def _update(original: Callable, self: FakeAutoScalingGroup, **new: Any) -> None:
    """A new least or greatest size moves the size that is wanted, not the one that is there."""
    if new["desired_capacity"] is None:
        least = self.min_size if new["min_size"] is None else new["min_size"]
        greatest = self.max_size if new["max_size"] is None else new["max_size"]
        new["desired_capacity"] = min(max(self.desired_capacity or 0, least or 0), greatest or 0)
    original(self, **new)


@in_place_of(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
@in_place_of(AutoScalingBackend, "update_attached_target_groups")
def _leave_it_to_scaling(_original: Callable, *_arguments: Any) -> None:
    """The loop launches what is missing, and registers what is not."""


@in_place_of(AutoScalingBackend, "delete_auto_scaling_group")
def _delete_auto_scaling_group(
    original: Callable, self: AutoScalingBackend, group_name: str
) -> None:
    """Its members go with it, at once."""
    group = self.autoscaling_groups.get(group_name)
    original(self, group_name)
    if group and group.instance_states:
        self.ec2_backend.terminate_instances([state.instance.id for state in group.instance_states])


def launch(group: FakeAutoScalingGroup, subnet_id: str) -> str:
    """Launch a member of the group in that subnet, as its launch template says. Returns its id."""
    assert group.ec2_launch_template, f"the group {group.name} has no launch template"
    version = group.ec2_launch_template.get_version(group.launch_template_version)
    tags = convert_tag_spec(version.data.get("TagSpecifications", []))
    tags["instance"] = (
        tags.get("instance", {}) | group.get_propagated_tags() | {ASG_NAME_TAG: group.name}
    )
    reservation = group.ec2_backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        version.security_groups,
        instance_type=version.instance_type,
        is_instance_type_default=not version.instance_type,
        launch_template={
            "LaunchTemplateId": group.ec2_launch_template.id,
            "Version": version.number,
        },
        metadata_options=version.data.get("MetadataOptions", {}),
        region_name=group.region,
        subnet_id=subnet_id,
        tags=tags,
    )
    instance = reservation.instances[0]
    if profile := version.data.get("IamInstanceProfile"):
        group.ec2_backend.associate_iam_instance_profile(
            instance.id, profile.get("Name"), profile.get("Arn")
        )
    instance.autoscaling_group = group  # type: ignore[attr-defined]
    protected = group.new_instances_protected_from_scale_in
    group.instance_states.append(InstanceState(instance, protected_from_scale_in=protected))
    return instance.id


def target_groups(group: FakeAutoScalingGroup) -> Iterator[FakeTargetGroup]:
    """The target groups that the group's members belong into, as far as they exist."""
    known = elbv2_backends[group.account_id][group.region].target_groups
    return (known[arn] for arn in group.target_group_arns if arn in known)
