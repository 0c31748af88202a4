"""The site as its visitors and its balancer find it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from wait import until

from tools.environments.fleet import Fleet
from tools.fleet.web_tier import Reason
from tools.rollout.rollout import SUSPENDED

BACK_SECONDS = 600


def zones_that_answer(fleet: Fleet, requests_sent: int = 8) -> Counter[str]:
    """How many of some requests each zone's hosts answered; "" for failures."""
    return Counter(_zone(fleet) for _ in range(requests_sent))


def _zone(fleet: Fleet) -> str:
    try:
        answer = requests.get(f"{fleet.urls()['site']}/healthz", timeout=2)
    except requests.RequestException:
        return ""
    return answer.text.split()[1] if answer.ok else ""


def healthy_targets(fleet: Fleet) -> set[str]:
    """Instances that the API calls healthy behind the balancer."""
    described = fleet.client("elbv2").describe_target_health(
        TargetGroupArn=fleet.outputs()["target_group_arn"]
    )
    return {
        each["Target"]["Id"]
        for each in described["TargetHealthDescriptions"]
        if each["TargetHealth"]["State"] == "healthy"
    }


def in_service(fleet: Fleet, zone: str) -> int:
    """How many members of the zone's group the balancer finds healthy."""
    (group,) = fleet.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[fleet.outputs()["web_groups"][zone]]
    )["AutoScalingGroups"]
    return len(healthy_targets(fleet) & {member["InstanceId"] for member in group["Instances"]})


def one_alone(fleet: Fleet, zone: str) -> bool:
    """Whether the zone has one web host, in service: none that drains or boots beside it."""
    there = [host for host in fleet.hosts() if (host.role, host.zone) == ("web", zone)]
    return len(there) == 1 and in_service(fleet, zone) == 1


@contextmanager
def at_rest(lab: Fleet) -> Iterator[None]:
    """Every web group has one host, which stays meanwhile, whatever the load and its health."""
    tier = lab.web_tier()
    try:
        for zone in tier.groups:
            tier.suspend(zone, Reason.DRILL, SUSPENDED)
            tier.resize(zone, 1)
        for zone in tier.groups:
            until(lambda zone=zone: one_alone(lab, zone), f"one in {zone}", BACK_SECONDS)
        yield
    finally:
        for zone in tier.groups:
            tier.resume(zone, Reason.DRILL)
