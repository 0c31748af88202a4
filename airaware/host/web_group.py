"""The site's web hosts as AWS reports them, and the report of this one as unhealthy."""

from typing import Any

import boto3
from botocore.config import Config

from airaware.host.hung import HUNG, REFUSES, Group, Member, Site

# What waits for an answer is the watchdog.
CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
ANSWERED = "Target.ResponseCodeMismatch"


def site(group_name: str) -> Site:
    """Return all web hosts that serve with this group's, in every zone.

    Raises BotoCoreError or ClientError where AWS does not answer.
    """
    pages = boto3.client("autoscaling", config=CONFIG).get_paginator("describe_auto_scaling_groups")
    groups = [group for page in pages.paginate() for group in page["AutoScalingGroups"]]
    served = {
        arn
        for group in groups
        if group["AutoScalingGroupName"] == group_name
        for arn in group["TargetGroupARNs"]
    }
    elb = boto3.client("elbv2", config=CONFIG)
    return Site(
        tuple(_group(group) for group in groups if served & set(group["TargetGroupARNs"])),
        {
            target["Target"]["Id"]: _state(target["TargetHealth"])
            for arn in served
            for target in elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        },
    )


def report(instance_id: str) -> None:
    """Have the host's group replace it, once its grace period is over.

    Raises BotoCoreError or ClientError where AWS does not take it.
    """
    boto3.client("autoscaling", config=CONFIG).set_instance_health(
        InstanceId=instance_id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=True
    )


def _group(described: dict[str, Any]) -> Group:
    return Group(
        wanted=described["DesiredCapacity"],
        members={
            each["InstanceId"]: Member(each["LifecycleState"], each["HealthStatus"] == "Healthy")
            for each in described["Instances"]
        },
        suspended=frozenset(each["ProcessName"] for each in described["SuspendedProcesses"]),
    )


def _state(health: dict[str, str]) -> str:
    if health["State"] != "unhealthy":
        return health["State"]
    return REFUSES if health.get("Reason") == ANSWERED else HUNG
