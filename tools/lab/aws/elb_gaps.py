"""Patches of moto's load balancers: the health and draining of targets, nodes in subnets."""

import time
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.elbv2.models import (
    ELBv2Backend,
    FakeLoadBalancer,
    FakeTargetGroup,
)

from tools.lab.aws import gaps
from tools.lab.aws.gaps import Original, in_place_of

# Targets. moto's are all healthy, and gone as soon as they are deregistered.


def deregistration_delay_seconds(group: FakeTargetGroup) -> int:
    """How long a deregistered target may finish its requests."""
    return int(str(group.attributes["deregistration_delay.timeout_seconds"]))


def draining(group: FakeTargetGroup, now: float) -> list[dict[str, Any]]:
    """Return the targets that still drain: deregistered less than the group's delay ago."""
    ended = now - deregistration_delay_seconds(group)
    left = (*group.deregistered_targets.values(), *group.terminated_targets.values())
    return [
        target
        for target in left
        if target.get("Deregistered", ended) > ended
        and gaps.observed.target_state(group.arn, target) != "unused"
    ]


@in_place_of(FakeTargetGroup, "deregister")
def _deregister(original: Original, self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
    """Note when; and as on AWS, it is no error if a target has gone already."""
    known = [target for target in targets if target["Id"] in self.targets]
    original(self, known)
    for target in known:
        self.deregistered_targets[target["Id"]]["Deregistered"] = time.monotonic()


@in_place_of(FakeTargetGroup, "deregister_terminated_instances")
def _deregister_terminated(
    original: Original, self: FakeTargetGroup, instance_ids: list[str]
) -> None:
    known = self.targets.keys() & set(instance_ids)
    original(self, instance_ids)
    for instance_id in known:
        self.terminated_targets[instance_id]["Deregistered"] = time.monotonic()


@in_place_of(FakeTargetGroup, "health_for")
def _health_for(
    original: Original, self: FakeTargetGroup, target: dict[str, Any], ec2: EC2Backend
) -> Any:
    """Return the balancer's view of a registered target; moto's words for the others."""
    answer = original(self, target, ec2)
    if target["Id"] in {leaving["Id"] for leaving in draining(self, time.monotonic())}:
        answer.status, answer.reason = "draining", "Target.DeregistrationInProgress"
        answer.description = "Target deregistration is in progress"
    elif answer.status == "healthy":
        health = gaps.observed.targets.get((self.arn, target["Id"], int(answer.port)))
        answer.status = health.state if health else "initial"
        answer.reason = (health and health.reason) or None
        answer.description = (health and health.description) or None
    return answer


@in_place_of(ELBv2Backend, "describe_target_health")
def _describe_target_health(
    original: Original, self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]
) -> Any:
    """Without a list of targets all are meant: those that drain, too."""
    group = self.target_groups.get(target_group_arn)
    if group and not targets:
        targets = [*group.targets.values(), *draining(group, time.monotonic())]
    return original(self, target_group_arn, targets) if targets or not group else []


# Balancers. moto's are nowhere in their subnets.


def interfaces(balancer: FakeLoadBalancer) -> list[Any]:
    """Return the network interfaces of a balancer's nodes, one in each of its subnets."""
    return list(vars(balancer).get("interfaces", {}).values())


@in_place_of(ELBv2Backend, "create_load_balancer")
def _create_load_balancer(
    original: Original, self: ELBv2Backend, *arguments: Any, **named: Any
) -> Any:
    balancer = original(self, *arguments, **named)
    _place(self.ec2_backend, balancer, balancer.subnets)
    return balancer


@in_place_of(ELBv2Backend, "set_subnets")
def _set_subnets(original: Original, self: ELBv2Backend, arn: str, *rest: Any, **named: Any) -> Any:
    answer = original(self, arn, *rest, **named)
    _place(self.ec2_backend, self.load_balancers[arn], self.load_balancers[arn].subnets)
    return answer


@in_place_of(ELBv2Backend, "delete_load_balancer")
def _delete_load_balancer(original: Original, self: ELBv2Backend, arn: str) -> None:
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
