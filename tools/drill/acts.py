"""What a drill does to a fleet, and undoes: small acts by AWS's API or over SSH.

An act is a name and arguments that fit into the journal, so that another process can undo it. Each
may be repeated, and undoing what was never done changes nothing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airaware.errors import AirAwareError
from tools.drill.world import World
from tools.hosts import Host

TAG = "Drill"  # of what a drill makes
STOPPED_SECONDS = 120
POLL_SECONDS = 1
TELL_SECONDS = 30
TEXTFILES = "/var/lib/prometheus/node-exporter"  # what a host's exporter reads

ACTS: dict[str, Callable[..., None]] = {}


@dataclass(frozen=True)
class Call:
    """An act by its name, with its arguments."""

    act: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self, world: Any) -> None:
        """Do it. Raises AirAwareError where there is no such act."""
        if self.act not in ACTS:
            raise AirAwareError(f"This checkout has no act '{self.act}': take the one that drilled")
        ACTS[self.act](world, **self.arguments)


@dataclass(frozen=True)
class Change:
    """A step of a fault: `text` says it as an order; `undo` returns to what was before, if that
    does not come of itself."""

    text: str
    do: Call
    undo: Call | None = None


def act(body: Callable[..., None]) -> Callable[..., None]:
    """Make a function of the world an act."""
    ACTS[body.__name__] = body
    return body


@act
def make_denying_acl(world: World, vpc_id: str) -> None:
    """A network ACL without entries, which lets nothing through."""
    tags = {TAG: "deny", "Environment": world.environment}
    world.client("ec2").create_network_acl(
        VpcId=vpc_id,
        TagSpecifications=[
            {
                "ResourceType": "network-acl",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )


@act
def delete_denying_acls(world: World) -> None:
    """All that drills have made in this environment."""
    for acl_id in _denying_acls(world):
        world.client("ec2").delete_network_acl(NetworkAclId=acl_id)


@act
def deny_subnet(world: World, subnet_id: str) -> None:
    """Put a subnet under the denying ACL."""
    put_under_acl(world, subnet_id, _denying_acls(world)[0])


@act
def put_under_acl(world: World, subnet_id: str, acl_id: str) -> None:
    """Put a subnet under an ACL, where it is not."""
    current, association = world.acls()[subnet_id]
    if current != acl_id:
        world.client("ec2").replace_network_acl_association(
            AssociationId=association, NetworkAclId=acl_id
        )


@act
def suspend(world: World, group: str, processes: Sequence[str]) -> None:
    """Have a scaling group rest from these processes."""
    world.client("autoscaling").suspend_processes(
        AutoScalingGroupName=group, ScalingProcesses=list(processes)
    )


@act
def resume(world: World, group: str, processes: Sequence[str]) -> None:
    """Have a scaling group take them up again."""
    if processes:  # none would mean all
        world.client("autoscaling").resume_processes(
            AutoScalingGroupName=group, ScalingProcesses=list(processes)
        )


@act
def deregister(world: World, zone: str) -> None:
    """Take a zone's web hosts from the balancer, which lets them end their requests."""
    if targets := _members(world, zone):
        world.client("elbv2").deregister_targets(TargetGroupArn=world.target_group, Targets=targets)


@act
def register(world: World, zone: str) -> None:
    """Give them to the balancer."""
    if targets := _members(world, zone):
        world.client("elbv2").register_targets(TargetGroupArn=world.target_group, Targets=targets)


@act
def stop_instances(world: World, instance_ids: Sequence[str]) -> None:
    """Stop hosts at once, as if their power failed."""
    world.client("ec2").stop_instances(InstanceIds=list(instance_ids), Force=True)


@act
def start_instances(world: World, instance_ids: Sequence[str]) -> None:
    """Start those of them that are there still: a scaling group gives up its own."""
    deadline = time.monotonic() + STOPPED_SECONDS
    wanted = set(instance_ids)
    while "stopping" in (states := {h.state for h in world.hosts() if h.instance_id in wanted}):
        if time.monotonic() > deadline:
            raise AirAwareError(f"After {STOPPED_SECONDS} s hosts are still {', '.join(states)}")
        time.sleep(POLL_SECONDS)
    stopped = [
        host.instance_id
        for host in world.hosts()
        if host.instance_id in wanted and host.state == "stopped"
    ]
    if stopped:
        world.client("ec2").start_instances(InstanceIds=stopped)


@act
def set_size(world: World, group: str, size: int) -> None:
    """Have a scaling group be of that size."""
    world.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=group, DesiredCapacity=size
    )


@act
def terminate(world: World, instance_id: str) -> None:
    """Terminate a host."""
    world.client("ec2").terminate_instances(InstanceIds=[instance_id])


@act
def run_on_host(world: World, instance_id: str, command: str) -> None:
    """Run a shell command as root on a host, if that runs, and goes on running meanwhile."""
    if host := _running(world, instance_id):
        try:
            world.ssh(host, ["sudo", "sh", "-c", command])
        except AirAwareError:
            if _running(world, instance_id):
                raise


@act
def tell_prometheus(world: World, drill: str, running: int) -> None:
    """Have the dashboards show that a drill runs, or that it does no longer, where there are any.

    A monitoring host that cannot be reached keeps no drill from its course, and is given time to
    come back before it is told of the end.
    """
    metric = f'airaware_drill_running{{drill="{drill}"}} {running}'
    file = f"{TEXTFILES}/drill.prom"
    command = (
        f"test -d {TEXTFILES} || exit 0; echo '{metric}' >{file}.new && chmod 644 {file}.new"
        f" && mv {file}.new {file}"
    )
    deadline = time.monotonic() + (0 if running else TELL_SECONDS)
    for host in world.hosts():
        while host.role == "monitoring" and host.state == "running":
            try:
                world.ssh(host, ["sudo", "sh", "-c", command])
                break
            except AirAwareError:
                if time.monotonic() > deadline:
                    break
                time.sleep(POLL_SECONDS)


def _running(world: World, instance_id: str) -> Host | None:
    found = (host for host in world.hosts() if host.instance_id == instance_id)
    return next((host for host in found if host.state == "running"), None)


def _denying_acls(world: World) -> list[str]:
    described = world.client("ec2").describe_network_acls(
        Filters=[
            {"Name": f"tag:{TAG}", "Values": ["deny"]},
            {"Name": "tag:Environment", "Values": [world.environment]},
        ]
    )
    return [acl["NetworkAclId"] for acl in described["NetworkAcls"]]


def _members(world: World, zone: str) -> list[dict[str, str]]:
    return [
        {"Id": each["InstanceId"]}
        for each in world.group_of(zone)["Instances"]
        if each["LifecycleState"] == "InService"
    ]
