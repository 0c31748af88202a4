"""Keeps auto-scaling groups at their size, as EC2 Auto Scaling does, whatever happens to members.

What is to be done is decided from a picture of one group, apart from the loop that does it.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID

from tools.lab.aws import autoscaling_gaps, elb_gaps, gaps
from tools.lab.aws.calls import REGION
from tools.lab.aws.region import Moto

# A host that dies earlier is left dead until then, so that an image which cannot boot is not
# launched again without end. AWS has a longer pause.
LEAST_SECONDS = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Member:
    """An instance of a group, in service."""

    id: str
    zone: str  # the id of its subnet: a group has one in each of its zones
    age_seconds: float
    runs: bool = True  # whether EC2 has it running
    host: str = "running"  # starting, running, dead
    targets: frozenset[str] = frozenset()  # its states in the group's target groups
    unhealthy: bool = False  # as SetInstanceHealth, or a look before, has marked it
    protected: bool = False  # from scale-in


@dataclass(frozen=True)
class Group:
    """An auto-scaling group: `zones` are the ids of its subnets."""

    desired: int
    zones: tuple[str, ...]
    members: tuple[Member, ...] = ()
    by_balancer: bool = False  # whether the balancer's checks count, too
    grace_seconds: float = 0
    suspended: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """What is to be done with a group's members.

    Those to mark as unhealthy, to terminate once their requests have ended or at once; for each
    launch its zone.
    """

    mark: tuple[str, ...] = ()
    drain: tuple[str, ...] = ()
    terminate: tuple[str, ...] = ()
    launch: tuple[str, ...] = ()


def decide(group: Group) -> Decision:
    """Return what AWS would do now.

    An unhealthy member is terminated and another launched at the same time, in the zone with the
    fewest; what is too much goes from the zone with the most, the oldest first. See "Health checks
    for instances in an Auto Scaling group", "Suspend and resume Amazon EC2 Auto Scaling processes",
    "Default termination policy" in the user guide.
    """
    marked = [m for m in group.members if m.unhealthy]
    if "HealthCheck" not in group.suspended:
        marked += [m for m in group.members if not m.unhealthy and _is_sick(m, group)]
    may_terminate = "Terminate" not in group.suspended
    replaced = marked if may_terminate and "ReplaceUnhealthy" not in group.suspended else []
    staying = [m for m in group.members if m not in replaced]
    surplus: list[Member] = []
    if may_terminate:
        surplus = _surplus(staying, len(staying) - group.desired)
    missing = 0 if "Launch" in group.suspended else group.desired - len(staying)
    return Decision(
        mark=tuple(m.id for m in marked if not m.unhealthy),
        drain=tuple(m.id for m in (*replaced, *surplus) if not _is_gone(m)),
        terminate=tuple(m.id for m in (*replaced, *surplus) if _is_gone(m)),
        launch=_emptiest(group.zones, Counter(m.zone for m in staying), missing),
    )


def _is_gone(member: Member) -> bool:
    """Whether nothing of it answers any more."""
    return not member.runs or member.host == "dead"


def _is_sick(member: Member, group: Group) -> bool:
    """Whether it does not run, or answers badly after the grace period."""
    if _is_gone(member):
        return member.age_seconds >= LEAST_SECONDS
    in_grace = member.age_seconds < group.grace_seconds
    return group.by_balancer and not in_grace and "unhealthy" in member.targets


def _surplus(members: list[Member], count: int) -> list[Member]:
    """Return the members that a group which has become smaller gives up."""
    left = list(members)
    chosen: list[Member] = []
    while len(chosen) < count:
        free = [m for m in left if not m.protected]
        if not free:
            break
        sizes = Counter(m.zone for m in left)
        chosen.append(max(free, key=lambda m: (sizes[m.zone], m.age_seconds)))
        left.remove(chosen[-1])
    return chosen


def _emptiest(zones: tuple[str, ...], sizes: Counter[str], count: int) -> tuple[str, ...]:
    """Return a zone for each launch: the one with the fewest members, of equals the first."""
    sizes = sizes.copy()
    chosen = []
    for _ in range(count):
        chosen.append(min(zones, key=lambda zone: sizes[zone]))
        sizes[chosen[-1]] += 1
    return tuple(chosen)


def keep_up(moto: Moto) -> None:
    """Look at every group once, and act. What hosts and balancers show is in gaps.observed.

    Raises what went wrong with a group, after the others have had their turn.
    """
    errors: list[Exception] = []
    backend = autoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]
    with moto.lock:
        for group in list(backend.autoscaling_groups.values()):
            try:
                _end_leaving(group)
                _act(group, decide(_picture(group)))
                if "AddToLoadBalancer" not in group._suspended_processes:
                    _register(group)
            except Exception as error:
                errors.append(error)
    if errors:
        raise errors[0]


def _act(group: FakeAutoScalingGroup, decision: Decision) -> None:
    states = {state.instance.id: state for state in group.instance_states}
    for instance_id in decision.mark:
        states[instance_id].health_status = "Unhealthy"
    for instance_id in decision.drain:
        log.info("%s: %s leaves", group.name, instance_id)
        states[instance_id].lifecycle_state = "Terminating"
        for target_group in autoscaling_gaps.target_groups(group):
            target_group.deregister([{"Id": instance_id}])
    for instance_id in decision.terminate:
        log.info("%s: %s is gone", group.name, instance_id)
        _terminate(group, instance_id)
    for zone in decision.launch:
        log.info("%s: launched %s in %s", group.name, autoscaling_gaps.launch(group, zone), zone)


def _end_leaving(group: FakeAutoScalingGroup) -> None:
    """Terminate the members whose requests are ended, or were given time enough."""
    draining = {
        target["Id"]
        for target_group in autoscaling_gaps.target_groups(group)
        for target in elb_gaps.draining(target_group, time.monotonic())
    }
    for state in list(group.instance_states):
        if state.lifecycle_state == "Terminating" and state.instance.id not in draining:
            _terminate(group, state.instance.id)


def _picture(group: FakeAutoScalingGroup) -> Group:
    subnets = tuple(group.vpc_zone_identifier.split(",")) if group.vpc_zone_identifier else ()
    return Group(
        desired=group.desired_capacity or 0,
        zones=subnets,
        members=tuple(
            _member(group, state)
            for state in group.instance_states
            if state.lifecycle_state == "InService"
        ),
        by_balancer=group.health_check_type == "ELB",
        grace_seconds=float(group.health_check_grace_period or 0),
        suspended=frozenset(group._suspended_processes),
    )


def _member(group: FakeAutoScalingGroup, state: Any) -> Member:
    instance = state.instance
    return Member(
        id=instance.id,
        zone=instance.subnet_id,
        age_seconds=autoscaling_gaps.age_seconds(instance),
        runs=instance.state == "running",
        host=gaps.observed.hosts.get(instance.id, "starting"),
        targets=frozenset(
            gaps.observed.target_state(target_group.arn, target_group.targets[instance.id])
            for target_group in autoscaling_gaps.target_groups(group)
            if instance.id in target_group.targets
        ),
        unhealthy=state.health_status == "Unhealthy",
        protected=bool(state.protected_from_scale_in),
    )


def _register(group: FakeAutoScalingGroup) -> None:
    """Make the group's members targets, where they are not."""
    for target_group in autoscaling_gaps.target_groups(group):
        target_group.register(
            [
                {"Id": state.instance.id}
                for state in group.instance_states
                if state.lifecycle_state == "InService"
                and state.instance.state == "running"
                and state.instance.id not in target_group.targets
            ]
        )


def _terminate(group: FakeAutoScalingGroup, instance_id: str) -> None:
    group.instance_states = [s for s in group.instance_states if s.instance.id != instance_id]
    group.ec2_backend.terminate_instances([instance_id])
