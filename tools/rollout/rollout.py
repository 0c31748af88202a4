"""Roll-out: bring each host of a fleet to a release, one after another, in order.

Puppet's master serves each release as an environment of its own, beside the one that new hosts get
(terraform/modules/user_data/puppet-release.py); a host that has run with a release stays with it.
So a bad release reaches one host and no other.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from airaware.errors import AirAwareError
from tools.fleet import agents
from tools.fleet.agents import Report
from tools.fleet.controller import UNIT
from tools.fleet.hosts import Host
from tools.fleet.web_tier import OF_DEPLOYMENTS, Reason, WebTier
from tools.machine import progress
from tools.machine.progress import Look
from tools.machine.steps import Step
from tools.region.roles import ROLES
from tools.rollout import convergence

ORDER = tuple(ROLES)  # who is needed by whom
FIRST_RUN = "/var/lib/airaware/first-run"
SERVICE_SECONDS = 120
# Of a job that a release waits for: Spark's log never rests for so long.
JOB_SECONDS = 600
AT_ONCE = 4
# Roles of which a zone's hosts stand in for the other's: never all of them at once.
IN_TURN = frozenset(name for name, role in ROLES.items() if role.hosts in ("zones", "group"))
# Whom a release restarts, and whom a job that runs needs.
SPARK = ("spark_master", "spark_worker")
ABSENT = 1  # exit status of test
Answer = TypeVar("Answer")
# What a group does about a host that EC2 or its own watchdog finds ill, and about one that is busy
# with itself.
SUSPENDED = ("HealthCheck", "ReplaceUnhealthy", "AlarmNotification")


class Place(Protocol):
    """What a roll-out needs of a fleet."""

    def hosts(self) -> list[Host]:
        """Return the hosts that there are."""

    def ssh_config(self) -> Path:
        """Write OpenSSH's configuration for them; return its path."""

    def outputs(self) -> Mapping[str, Any]:
        """Return Terraform's outputs."""

    def web_tier(self) -> WebTier:
        """Return the groups of web hosts."""


def wait_for_first_runs(place: Place, hosts: list[Host]) -> None:
    """Wait until each host has finished its own first Puppet run, or its group has terminated it.

    Raises:
        StalledError: None of them makes progress any more.
    """
    convergence.wait_for_first_runs(
        place.ssh_config(),
        hosts,
        partial(stays, place),
        lambda: [host for host in place.hosts() if host.role == "puppet"],
    )


def keep_web_hosts(place: Place) -> None:
    """Keep the web groups from replacing hosts that are not healthy."""
    tier = place.web_tier()
    for zone in tier.groups:
        tier.suspend(zone, Reason.FIRST_RUNS, SUSPENDED)


def replace_web_hosts(place: Place) -> None:
    """Let the web groups replace unhealthy hosts again, once all web hosts are in service.

    Zones where an earlier release failed are not waited for: their hosts recover with the next one.
    """
    tier = place.web_tier()
    failed = {each.zone for each in tier.suspensions() if each.reason is Reason.RELEASE}
    _wait_for_web_hosts(place, set(tier.groups) - failed)
    for zone in tier.groups:
        tier.resume(zone, Reason.FIRST_RUNS)


def restore_web_groups(place: Place) -> None:
    """Resume what deployments have left suspended, once the zones' web hosts are in service."""
    tier = place.web_tier()
    left = [each for each in tier.suspensions() if each.reason in OF_DEPLOYMENTS]
    _wait_for_web_hosts(place, {each.zone for each in left})
    for each in left:
        tier.resume(each.zone, each.reason)


def resume_steps(tier: WebTier) -> Iterator[Step]:
    """Yield the steps that resume at once what deployments have left suspended.

    They do not wait until web hosts are healthy.
    """
    for each in tier.suspensions():
        if each.reason in OF_DEPLOYMENTS:
            yield Step(
                f"resume what '{each.reason}' of {each.since} has suspended in {each.zone}:"
                f" {', '.join(sorted(each.processes)) or 'nothing'}",
                partial(tier.resume, each.zone, each.reason),
            )


def bring_to_master(place: Place, version: str) -> None:
    """Have Puppet's master fetch the release, beside what it serves."""
    _puppet_release(place, "--fetch", version)


def serve(place: Place, version: str) -> None:
    """Have Puppet's master give the release to new hosts."""
    _puppet_release(place, "--serve", version)


def steps(place: Place, version: str, reports: list[Report]) -> Iterator[Step]:
    """Yield the steps that bring every host to the release, in order.

    Hosts whose last run was a good one of this release get no step, except that each web host must
    serve before the next is touched. Hosts that come with the load meanwhile get a step, too; those
    that go get none. A step raises AirAwareError at the first host that fails.

    Args:
        place: The fleet.
        version: The release.
        reports: Collects each host's report.
    """
    others = [host for host in staying(place) if host.role != "web"]
    reports += filter(None, _each(others, partial(_last_of, place.ssh_config(), version)))
    had_turn = {report.host.instance_id for report in reports}
    while left := [host for host in staying(place) if host.instance_id not in had_turn]:
        host = min(left, key=lambda host: (ORDER.index(host.role), host.zone, host.name))
        had_turn.add(host.instance_id)
        yield Step(
            f"converge {host.name} ({host.role}, {host.zone})",
            partial(_reported, reports, place, host, version),
        )


def steps_back(place: Place, version: str, reports: list[Report]) -> Iterator[Step]:
    """Yield the step that returns the hosts that left a release to it.

    The release is known to be good, so all hosts go at once, but for those that stand in for one
    another: a web host waits until the one before serves, and a database until the one before has
    been restarted. A host in its first run starts with the good release anyway.
    """
    there = staying(place)
    gone = _each(there, partial(_left, place.ssh_config(), version))
    if left := [host for host, has_left in zip(there, gone, strict=True) if has_left]:
        names = ", ".join(host.name for host in left)
        yield Step(f"take back {names}", lambda: reports.extend(_at_once(place, left, version)))


def _each(hosts: list[Host], ask: Callable[[Host], Answer]) -> list[Answer]:
    """Ask several hosts at once; return their answers in the order of the hosts."""
    with ThreadPoolExecutor(AT_ONCE) as several:
        return list(several.map(ask, hosts))


def _left(config: Path, version: str, host: Host) -> bool:
    """Return whether the host had its first run, and its last was no good one of this release."""
    first_run = agents.ssh(config, host, "sudo", "test", "-e", FIRST_RUN)
    return first_run.returncode != ABSENT and not _last_of(config, version, host)


def staying(place: Place) -> list[Host]:
    """Return the fleet's hosts, without those that their group is terminating."""
    leaving = {
        member["InstanceId"]
        for group in place.web_tier().described().values()
        for member in group["Instances"]
        if member["LifecycleState"].startswith("Terminating")
    }
    return [host for host in place.hosts() if host.instance_id not in leaving]


def stays(place: Place, host: Host) -> bool:
    """Return whether the host remains one of the fleet's; only web hosts come and go."""
    return host.role != "web" or host.instance_id in {each.instance_id for each in staying(place)}


def _at_once(place: Place, hosts: list[Host], version: str) -> list[Report]:
    """Bring several hosts to the release at once, those of IN_TURN one after another.

    Raises:
        AirAwareError: Some failed. The others have the release, except those that were to follow
            one that failed.
    """
    turns: dict[str, list[Host]] = {}
    for host in sorted(hosts, key=lambda host: (host.zone, host.name)):
        turns.setdefault(host.role if host.role in IN_TURN else host.instance_id, []).append(host)
    reports, failed = list[Report](), list[str]()
    with ThreadPoolExecutor(AT_ONCE) as several:
        for run in [several.submit(_in_turn, place, each, version) for each in turns.values()]:
            try:
                reports += run.result()
            except AirAwareError as error:
                failed.append(str(error))
    if failed:
        raise AirAwareError("\n".join(failed))
    return reports


def _in_turn(place: Place, hosts: list[Host], version: str) -> list[Report]:
    return [converge(place, host, version) for host in hosts]


def _reported(reports: list[Report], place: Place, host: Host, version: str) -> None:
    wait_for_first_runs(place, [host])
    if stays(place, host):
        reports.append(converge(place, host, version))


def converge(place: Place, host: Host, version: str) -> Report:
    """Bring one host to the release, unless its last run was a good one of it; return the report.

    Raises:
        AirAwareError: The run failed, or the host does not serve after it.
    """
    config = place.ssh_config()
    with _in_service(place, host):
        if report := _last_of(config, version, host):
            return report
        if host.role in SPARK:
            _wait_for_jobs(place)
        return _checked(config, host, version)


def _last_of(config: Path, version: str, host: Host) -> Report | None:
    """Return the report of the host's last run if that was a good one of this release."""
    report = agents.last_success(config, host)
    return report if report and report.version == version else None


def _checked(config: Path, host: Host, version: str) -> Report:
    report, _ = agents.run(config, host, f"release_{version}")
    if report.failures:
        raise AirAwareError(
            f"{host.name}: {report.failures} resources failed. What they say:"
            f" fab puppet --host {host.name}"
        )
    return report


def _wait_for_jobs(place: Place) -> None:
    """Wait until no job runs.

    Raises:
        StalledError: One runs, and its output no longer grows.
    """
    config = place.ssh_config()
    units = ("systemctl", "list-units", "--no-legend", "--plain", "--state=active", f"{UNIT}*")
    journal = ("sudo", "journalctl", "-u", f"{UNIT}*", "-n", "1", "-o", "export", "-q")

    def look(host: Host) -> Look:
        if not (running := agents.ssh(config, host, *units).stdout):
            return Look(True)
        return Look(
            False,
            f"runs {running.split()[0]}",
            (_moment(agents.ssh(config, host, *journal).stdout),),
        )

    controllers = (host for host in place.hosts() if host.role == "controller")
    progress.wait_for(
        {host.name: partial(look, host) for host in controllers},
        patience_seconds=JOB_SECONDS,
        cause=lambda _standing: (
            "The job would be lost with Spark's restart. End it: fab jobs --cancel ID"
        ),
    )


def _moment(entry: str) -> int:
    """Return when a journal entry was made, in microseconds since 1970; 0 without an entry."""
    found = re.search(r"^__REALTIME_TIMESTAMP=(\d+)", entry, re.MULTILINE)
    return int(found[1]) if found else 0


@contextmanager
def _in_service(place: Place, host: Host) -> Iterator[None]:
    """Keep a web host's group from replacing it while it drains and comes back."""
    tier = place.web_tier()
    if host.role != "web" or not tier.target_group:
        yield
        return
    # Another host of the zone may be ill since then: `restore_web_groups` waits for that one, too.
    was_left = tier.has_suspended(host.zone, Reason.RELEASE)
    tier.suspend(host.zone, Reason.RELEASE, SUSPENDED)
    yield
    _wait_for_target(tier, host)
    # Not where that failed: the group would replace the host while it is looked at, or taken back.
    if not was_left:
        tier.resume(host.zone, Reason.RELEASE)


def _wait_for_web_hosts(place: Place, zones: Collection[str]) -> None:
    """Wait until all web hosts of the zones are in service.

    Raises:
        StalledError: One does not get there.
    """
    tier = place.web_tier()
    for host in staying(place):
        if tier.target_group and host.role == "web" and host.zone in zones:
            _wait_for_target(tier, host)


def _wait_for_target(tier: WebTier, host: Host) -> None:
    """Wait until the load balancer reports the host as healthy.

    Raises:
        StalledError: It does not.
    """

    def look() -> Look:
        state = tier.target_states().get(host.instance_id, "unused")
        return Look(state == "healthy", state)

    progress.wait_for(
        {host.name: look},
        patience_seconds=SERVICE_SECONDS,
        cause=lambda _standing: (
            "The other web hosts were left as they are, and its group does not"
            " replace it. Back to the release before: fab deploy --rollback"
        ),
    )


def _puppet_release(place: Place, *words: str) -> None:
    master = next((host for host in place.hosts() if host.role == "puppet"), None)
    if master is None:
        raise AirAwareError("The fleet has no Puppet master: fab deploy makes it")
    command = ("sudo", "/usr/local/sbin/puppet-release", "--bucket", place.outputs()["bucket"])
    done = agents.ssh(place.ssh_config(), master, *command, *words)
    if done.returncode:
        raise AirAwareError(f"{master.name}: puppet-release {' '.join(words)}: {done.stderr}")
