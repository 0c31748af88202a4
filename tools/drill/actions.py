"""The actions of drills: small changes to a fleet, by AWS's API or over SSH.

An action is a name and arguments that fit into the journal, so that another process can undo it.
Each may be repeated, and undoing what was never done changes nothing.
"""

import io
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from airaware.errors import AirAwareError
from tools.drill.world import World
from tools.fleet.controller import RUNS
from tools.fleet.hosts import Host
from tools.fleet.web_tier import Reason
from tools.machine import progress
from tools.machine.progress import Look
from tools.machine.steps import carry_out
from tools.rollout import release

TAG = "Drill"  # of what drills create
BOOTING = ("pending", "running")
BOOT_SECONDS = 240  # a monitoring host that boots shows no progress until it answers
JOB_SECONDS = 600  # without a line of the job or of Spark
SPARED = ".spared"  # suffix of a raw file's key: the copy from before a drill changed it
SITE_PORT = 8000
SITE_UNIT = "airaware-web.service"
# It stops whatever is started of the site, before that can answer.
STOPPER = "airaware-drill-stopper"
STOP = (
    f"systemd-run --unit={STOPPER} sh -c"
    f" 'while :; do systemctl kill --signal=STOP {SITE_UNIT}; sleep 0.5; done'"
)
# It says how many milliseconds that took, without the way there.
RESTART = """
begun=$(date +%s%3N)
systemctl restart 'postgresql@*.service'
echo $(($(date +%s%3N) - begun))
"""
TEXTFILES = "/var/lib/prometheus/node-exporter"  # what a host's exporter reads

ACTIONS: dict[str, Callable[..., None]] = {}


@dataclass(frozen=True)
class Call:
    """A call of an action: its name and its arguments."""

    action: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self, world: Any) -> None:
        """Perform the action.

        Raises:
            AirAwareError: This checkout has no such action.
        """
        if self.action not in ACTIONS:
            raise AirAwareError(
                f"This checkout has no action '{self.action}': use the checkout that ran the drill"
            )
        ACTIONS[self.action](world, **self.arguments)


@dataclass(frozen=True)
class Change:
    """One step of a fault.

    `text` is what it does, as an order. `undo` restores what was before; None where that happens by
    itself.
    """

    text: str
    do: Call
    undo: Call | None = None


def action(body: Callable[..., None]) -> Callable[..., None]:
    """Register a function of the world as an action."""
    ACTIONS[body.__name__] = body
    return body


@action
def make_denying_acl(world: World, vpc_id: str) -> None:
    """Create a network ACL without entries, which lets nothing through."""
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


@action
def delete_denying_acls(world: World) -> None:
    """Delete the denying ACLs that drills have created in this environment."""
    for acl_id in _denying_acls(world):
        world.client("ec2").delete_network_acl(NetworkAclId=acl_id)


@action
def deny_subnet(world: World, subnet_id: str) -> None:
    """Put a subnet under the denying ACL."""
    put_under_acl(world, subnet_id, _denying_acls(world)[0])


@action
def put_under_acl(world: World, subnet_id: str, acl_id: str) -> None:
    """Associate a subnet with an ACL, unless it is already."""
    current, association = world.acls()[subnet_id]
    if current != acl_id:
        world.client("ec2").replace_network_acl_association(
            AssociationId=association, NetworkAclId=acl_id
        )


@action
def suspend_scaling(world: World, zone: str, reason: str, processes: Sequence[str]) -> None:
    """Suspend these processes of the zone's scaling group."""
    world.web_tier.suspend(zone, Reason(reason), processes)


@action
def resume_scaling(world: World, zone: str, reason: str) -> None:
    """Resume what was suspended for that reason."""
    world.web_tier.resume(zone, Reason(reason))


@action
def deregister(world: World, zone: str) -> None:
    """Deregister a zone's web hosts from the load balancer, which drains them."""
    if targets := _members(world, zone):
        world.client("elbv2").deregister_targets(TargetGroupArn=world.target_group, Targets=targets)


@action
def register(world: World, zone: str) -> None:
    """Register a zone's web hosts with the load balancer."""
    if targets := _members(world, zone):
        world.client("elbv2").register_targets(TargetGroupArn=world.target_group, Targets=targets)


@action
def stop_instances(world: World, instance_ids: Sequence[str]) -> None:
    """Stop hosts at once, as a power failure would."""
    world.client("ec2").stop_instances(InstanceIds=list(instance_ids), Force=True)


@action
def start_instances(world: World, instance_ids: Sequence[str]) -> None:
    """Start those of the instances that still exist; a scaling group terminates its own.

    Raises:
        StalledError: An instance does not finish stopping.
    """
    wanted = set(instance_ids)

    def look(instance_id: str) -> Look:
        states = [host.state for host in world.hosts() if host.instance_id == instance_id]
        return Look("stopping" not in states, "".join(states))

    progress.wait_for({instance_id: partial(look, instance_id) for instance_id in wanted})
    stopped = [
        host.instance_id
        for host in world.hosts()
        if host.instance_id in wanted and host.state == "stopped"
    ]
    if stopped:
        world.client("ec2").start_instances(InstanceIds=stopped)


@action
def set_size(world: World, zone: str, size: int) -> None:
    """Set the desired size of a zone's scaling group."""
    world.web_tier.resize(zone, size)


@action
def terminate(world: World, instance_id: str) -> None:
    """Terminate a host."""
    world.client("ec2").terminate_instances(InstanceIds=[instance_id])


@action
def run_on_host(world: World, instance_id: str, command: str) -> None:
    """Run a shell command as root on a host, unless the host is down or goes down meanwhile."""
    if host := _running(world, instance_id):
        try:
            world.ssh(host, ["sudo", "sh", "-c", command])
        except AirAwareError:
            if _running(world, instance_id):
                raise


@action
def time_on_host(world: World, instance_id: str, command: str) -> None:
    """Run a shell command as root on a host; note how many seconds it took."""
    begun = time.monotonic()
    run_on_host(world, instance_id, command)
    world.notes["seconds"] = time.monotonic() - begun


@action
def restart_databases(world: World, instance_id: str) -> None:
    """Restart PostgreSQL on a host; note from when to when (time.monotonic) that took."""
    host = _running(world, instance_id)
    took_ms = float(world.ssh(host, ["sudo", "sh", "-c", RESTART])) if host else 0.0
    ended = time.monotonic()
    world.notes["restarted"] = ended - took_ms / 1000, ended


@action
def hang_site(world: World, instance_id: str) -> None:
    """Have the site on a web host hang, started anew or not; note the host."""
    run_on_host(world, instance_id, f"systemctl is-active --quiet {STOPPER} || {STOP}")
    world.notes["hung"] = sorted({*world.notes.get("hung", ()), instance_id})


@action
def mend_site(world: World, instance_id: str) -> None:
    """Have the site on a web host go on."""
    mend = f"systemctl stop {STOPPER} 2>/dev/null; systemctl kill --signal=CONT {SITE_UNIT}"
    run_on_host(world, instance_id, f"{mend} || :")


@action
def await_in_service(world: World, zone: str, count: int) -> None:
    """Wait until so many of the zone's web hosts are in service.

    Raises:
        StalledError: They do not get there.
    """

    def look() -> Look:
        serving = len(world.serving(zone))
        return Look(serving >= count, f"{serving} of {count} in service")

    progress.wait_for({f"web hosts of {zone}": look})


@action
def start_job(world: World, job: str, year: int, parameter: int, again: bool) -> None:
    """Have the controller load a parameter's year."""
    world.fleet.controller().start(str(year), [parameter], again, job)


@action
def end_job(world: World, job: str) -> None:
    """Cancel a job if it is running."""
    if world.jobs([job]).get(job) == RUNS:
        world.fleet.controller().cancel(job)


@action
def await_words(world: World, job: str, words: str) -> None:
    """Wait until a job's output contains these words.

    Raises:
        AirAwareError: The job ended without them.
        StalledError: The job's output no longer grows.
    """
    controller = world.fleet.controller()

    def look() -> Look:
        said = controller.said(job)
        if words not in said and world.jobs([job])[job] != RUNS:
            raise AirAwareError(f"job {job} ended without printing '{words}'")
        return Look(words in said, f"has not printed '{words}'", (len(said),))

    progress.wait_for({f"job {job}": look}, patience_seconds=JOB_SECONDS)


@action
def await_end(world: World, job: str) -> None:
    """Wait until a job has ended, whether it succeeded or failed.

    Raises:
        StalledError: The job's output no longer grows.
    """

    def look() -> Look:
        runs = world.jobs([job]).get(job) == RUNS
        return Look(not runs, RUNS, (len(world.fleet.controller().said(job)),) if runs else ())

    progress.wait_for({f"job {job}": look}, patience_seconds=JOB_SECONDS)


@action
def set_bucket_policy(world: World, policy: str) -> None:
    """Set the bucket's policy; remove it if `policy` is empty."""
    if policy:
        world.client("s3").put_bucket_policy(Bucket=world.bucket, Policy=policy)
    else:
        world.client("s3").delete_bucket_policy(Bucket=world.bucket)


@action
def cut_raw_file(world: World, key: str) -> None:
    """Cut a raw file to its first half, under the digest of the whole; keep a copy beside it."""
    s3 = world.client("s3")
    if _size(world, key + SPARED) is None:
        _copy(world, key, key + SPARED)
    whole = s3.get_object(Bucket=world.bucket, Key=key + SPARED)
    half = whole["Body"].read(whole["ContentLength"] // 2)
    s3.put_object(Bucket=world.bucket, Key=key, Body=half, Metadata=whole["Metadata"])


@action
def mend_raw_file(world: World, key: str) -> None:
    """Restore the copy that `cut_raw_file` kept, if there is one."""
    if _size(world, key + SPARED) is not None:
        _copy(world, key + SPARED, key)
        world.client("s3").delete_object(Bucket=world.bucket, Key=key + SPARED)


@action
def publish_bad_release(world: World, bad: str) -> None:
    """Publish a copy of the fleet's release whose web hosts listen on the wrong port."""
    s3, good = world.client("s3"), release.marked(world.client("s3"), world.bucket, release.CURRENT)
    for name in release.files(s3, world.bucket, str(good)):
        _copy(world, f"releases/{good}/{name}", f"releases/{bad}/{name}")
    key = f"releases/{bad}/{release.PUPPET_ARCHIVE}"
    code = s3.get_object(Bucket=world.bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=world.bucket, Key=key, Body=spoilt(code, bad))


@action
def delete_release(world: World, version: str) -> None:
    """Delete a release from the bucket.

    Raises:
        AirAwareError: The fleet runs it.
    """
    s3 = world.client("s3")
    if version in _rolled_out(world):
        raise AirAwareError(f"The fleet is at release {version}: fab deploy --rollback")
    for name in release.files(s3, world.bucket, version):
        s3.delete_object(Bucket=world.bucket, Key=f"releases/{version}/{name}")


@action
def roll_out(world: World, version: str) -> None:
    """Have the fleet run a release; note the web hosts that got it, and what stopped it."""
    try:
        carry_out(world.fleet.roll_out(version), dry_run=False)
        world.notes["stopped"] = ""
    except AirAwareError as error:
        world.notes["stopped"] = str(error)
    read = ["readlink", "/opt/airaware/current"]
    web = [host for host in world.hosts() if (host.role, host.state) == ("web", "running")]
    world.notes["reached"] = [h.name for h in web if world.ssh(h, read).strip().endswith(version)]


@action
def roll_back(world: World, bad: str) -> None:
    """Return the fleet to the release before a bad one, if any host has that."""
    if bad in _rolled_out(world):
        carry_out(world.fleet.rollback(), dry_run=False)


def spoilt(code: bytes, version: str) -> bytes:
    """Return a release's Puppet code (a tar.gz) as another version, with another site port."""
    changed: dict[str, Callable[[str], str]] = {
        "hieradata/release.yaml": lambda _: f"airaware::version: '{version}'\n",
        "hieradata/role/web.yaml": lambda text: text.replace(
            f"profile::web_proxy::port: {SITE_PORT}", f"profile::web_proxy::port: {SITE_PORT + 1}"
        ),
    }
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(code)) as source,
        tarfile.open(fileobj=made, mode="w:gz") as target,
    ):
        for member in source:
            content = source.extractfile(member)
            if content and member.name in changed:
                text = changed[member.name](content.read().decode()).encode()
                member.size, content = len(text), io.BytesIO(text)
            target.addfile(member, content)
    return made.getvalue()


@action
def publish_drill(world: World, drill: str, running: int) -> None:
    """Show in the dashboards, if the fleet has any, whether a drill is running.

    A monitoring host that cannot be reached does not keep a drill from starting. At the drill's end
    it has time to come back.

    Raises:
        AirAwareError: At the drill's end, the monitoring host has not come back in time.
    """
    metric = f'airaware_drill_running{{drill="{drill}"}} {running}'
    file = f"{TEXTFILES}/drill.prom"
    command = (
        f"test -d {TEXTFILES} || exit 0; echo '{metric}' >{file}.new && chmod 644 {file}.new"
        f" && mv {file}.new {file}"
    )

    def look(host: Host) -> Look:
        try:
            world.ssh(host, ["sudo", "sh", "-c", command])
        except AirAwareError as error:
            states = {each.instance_id: each.state for each in world.hosts()}
            state = states.get(host.instance_id, "gone")
            return Look(bool(running) or state not in BOOTING, state, detail=str(error))
        return Look(True)

    there = (host for host in world.hosts() if host.role == "monitoring" and host.state in BOOTING)
    progress.wait_for(
        {host.name: partial(look, host) for host in there}, patience_seconds=BOOT_SECONDS
    )


def _rolled_out(world: World) -> set[str | None]:
    """Return the releases that hosts may run: the fleet's, and the one begun last."""
    s3 = world.client("s3")
    return {release.marked(s3, world.bucket, mark) for mark in (release.BEGUN, release.CURRENT)}


def _copy(world: World, source: str, target: str) -> None:
    world.client("s3").copy_object(
        Bucket=world.bucket, Key=target, CopySource={"Bucket": world.bucket, "Key": source}
    )


def _size(world: World, key: str) -> int | None:
    return dict(world.raw_files()).get(key)


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
        for each in world.web_tier.group(zone)["Instances"]
        if each["LifecycleState"] == "InService"
    ]
