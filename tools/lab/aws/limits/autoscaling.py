"""Limits of EC2 Auto Scaling."""

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import Limit, all_match, values, within

API = "https://docs.aws.amazon.com/autoscaling/ec2/APIReference/"
SIZED = ("CreateAutoScalingGroup", "UpdateAutoScalingGroup", "SetDesiredCapacity")


def _group(call: Call) -> FakeAutoScalingGroup | None:
    groups = autoscaling_backends[DEFAULT_ACCOUNT_ID][call.region].autoscaling_groups
    return groups.get(call.parameters["AutoScalingGroupName"])


def _sizes(call: Call) -> tuple[int, int, int]:
    """Return the least, wanted and greatest size that a group would have after the call."""
    group = _group(call)
    least, most = (
        next(iter(values(call, key)), getattr(group, attribute, 0))
        for key, attribute in (("MinSize", "min_size"), ("MaxSize", "max_size"))
    )
    # Where only the bounds change, AWS moves what is wanted into them.
    wanted = next(iter(values(call, "DesiredCapacity")), least)
    return int(least), int(wanted), int(most)


def _out_of_bounds(call: Call) -> bool:
    least, wanted, most = _sizes(call)
    return not least <= wanted <= most


def _has_members(call: Call) -> bool:
    group = _group(call)
    return bool(group and group.instance_states and values(call, "ForceDelete") != [True])


LIMITS = (
    Limit(
        "a group's name has no colon",
        ("CreateAutoScalingGroup",),
        all_match(r"[^:]+", "AutoScalingGroupName"),
        "ValidationError",
        "Group name cannot contain a colon",
        API + "API_CreateAutoScalingGroup.html",
    ),
    Limit(
        "a group's wanted size lies within its least and its greatest",
        SIZED,
        _out_of_bounds,
        "ValidationError",
        "Desired capacity must be between the specified min size and max size",
        API + "API_CreateAutoScalingGroup.html",
    ),
    Limit(
        "a group's health is judged by EC2, ELB, EBS or VPC_LATTICE",
        ("CreateAutoScalingGroup", "UpdateAutoScalingGroup"),
        all_match(r"(EC2|ELB|EBS|VPC_LATTICE)(,(EC2|ELB|EBS|VPC_LATTICE))*", "HealthCheckType"),
        "ValidationError",
        "Invalid HealthCheckType",
        API + "API_CreateAutoScalingGroup.html",
    ),
    Limit(
        "a group with members is deleted only by force",
        ("DeleteAutoScalingGroup",),
        _has_members,
        "ResourceInUse",
        "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
        " request(s) still in the group.",
        API + "API_DeleteAutoScalingGroup.html",
    ),
    Limit(
        "a lifecycle hook waits 30 to 7200 s",
        ("PutLifecycleHook",),
        within(30, 7_200, "HeartbeatTimeout"),
        "ValidationError",
        "HeartbeatTimeout must be between 30 and 7200 seconds",
        API + "API_PutLifecycleHook.html",
    ),
)
