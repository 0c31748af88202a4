"""Agents over SSH and the order of a rollout; `ssh` is a program that answers as hosts would."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml

from airaware.errors import AirAwareError
from tools.fleet import agents
from tools.fleet.agents import Report
from tools.fleet.hosts import Host
from tools.fleet.web_tier import Reason, Suspension
from tools.machine import progress
from tools.machine.progress import Clock, StalledError
from tools.machine.steps import carry_out
from tools.rollout import rollout

# As Puppet 7 writes it, in short.
SUMMARY = {
    "version": {"config": "0123456789ab", "puppet": "7.23.0"},
    "application": {"run_mode": "agent", "initial_environment": "production", "converged": True},
    "resources": {"changed": 3, "failed": 0, "failed_to_restart": 0, "out_of_sync": 3},
    "time": {"catalog_application": 5.1, "total": 7.25, "last_run": 1764000000},
    "changes": {"total": 3},
    "events": {"failure": 0, "success": 3, "total": 3},
}

# ssh -F CONFIG -oOPTION ... HOST COMMAND: notes the call; HOST's files say what comes of it.
SSH = """#!/bin/sh
cd "$2"
shift 2
while [ "${1#-o}" != "$1" ]; do shift; done
echo "$1 $2" >>calls
case $2 in
    *"puppet agent"*) echo "said by $1"; exit "$(cat "$1.status" 2>/dev/null || echo 2)" ;;
    "sudo test -e"*) test ! -e "$1.new" ;;
    "sudo python3 -"*) cat >/dev/null; cat "$1.status_now" 2>/dev/null || cat status_now ;;
    "systemctl is-active"*) cat "$1.server"; exit 3 ;;
    "systemctl list-units"*) cat jobs 2>/dev/null; test -e hangs || rm -f jobs; true ;;
    "sudo journalctl"*) echo __REALTIME_TIMESTAMP=1764000000000000 ;;
    *cat*) cat "$1.summary" 2>/dev/null || cat summary ;;
esac
"""


def host(name: str, role: str, zone: str = "us-west-2a") -> Host:
    return Host(
        name, role, zone, f"i-{name}", IPv4Address("10.0.0.1"), "running", datetime.now(UTC)
    )


@dataclass
class Tier:
    """The web tier, as far as a rollout asks it."""

    calls: list[str] = field(default_factory=list)
    state: str = "healthy"
    leaving: list[str] = field(default_factory=list)
    journal: list[Suspension] = field(default_factory=list)
    groups: dict[str, str] = field(
        default_factory=lambda: {"us-west-2a": "web-a", "us-west-2b": "web-b"}
    )
    target_group: str = "arn"

    def described(self) -> dict[str, dict]:
        members = [{"InstanceId": i, "LifecycleState": "Terminating:Wait"} for i in self.leaving]
        return {"us-west-2a": {"Instances": members}}

    def suspensions(self) -> list[Suspension]:
        return list(self.journal)

    def has_suspended(self, zone: str, reason: Reason) -> bool:
        return any((each.zone, each.reason) == (zone, reason) for each in self.journal)

    def suspend(self, zone: str, reason: Reason, processes: tuple[str, ...]) -> None:
        self.calls.append(f"suspend {self.groups[zone]}")
        if not self.has_suspended(zone, reason):
            self.journal.append(Suspension(zone, reason, frozenset(processes), ""))

    def resume(self, zone: str, reason: Reason) -> None:
        self.calls.append(f"resume {self.groups[zone]}")
        self.journal = [each for each in self.journal if (each.zone, each.reason) != (zone, reason)]

    def target_states(self) -> dict[str, str]:
        self.calls.append("health")
        return {f"i-web-{number}": self.state for number in range(10)}


@dataclass
class Place:
    """A fleet whose hosts are files in `folder`."""

    folder: Path
    there: list[Host]
    tier: Tier = field(default_factory=Tier)

    def hosts(self) -> list[Host]:
        return self.there

    def ssh_config(self) -> Path:
        return self.folder

    def web_tier(self) -> Any:
        return self.tier

    def outputs(self) -> Mapping[str, Any]:
        return {"bucket": "epa-data"}

    def converged(self) -> list[str]:
        """The hosts whose agent ran, in order."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line.split()[0] for line in lines if "puppet agent" in line]


def status(state: str, **other: Any) -> str:
    """What host_status.py prints."""
    numbers = {"lines": 1, "package_bytes": 1, "cpu_seconds": 1, "last_line": ""}
    return json.dumps({"state": state, **numbers, "master": "", "master_error": "", **other})


@pytest.fixture
def clock() -> Clock:
    """A clock that goes on only while somebody waits."""
    now = [0.0]
    return Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Callable[..., Place]:
    """Makes a fleet of these hosts."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(SSH)
    (programs / "ssh").chmod(0o755)
    (tmp_path / "summary").write_text(yaml.safe_dump(SUMMARY))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (tmp_path / "status_now").write_text(status("done"))
    monkeypatch.setattr(progress, "Clock", lambda: clock)
    return lambda *hosts: Place(tmp_path, list(hosts))


def test_a_report_is_what_the_agent_noted(fleet: Callable[..., Place]) -> None:
    one = host("database-a", "database")
    place = fleet(one)
    report, said = agents.run(place.ssh_config(), one, "release_0123")
    assert report == Report(one, changes=3, failures=0, seconds=7.25, version="0123456789ab")
    assert said == "said by database-a\n"
    call = (place.folder / "calls").read_text().splitlines()[0]
    assert "--environment release_0123" in call
    assert "--noop" not in call


def test_a_service_that_did_not_restart_is_a_failure(fleet: Callable[..., Place]) -> None:
    one = host("web-1", "web")
    place = fleet(one)
    summary = SUMMARY | {"resources": {"out_of_sync": 1, "failed_to_restart": 1}}
    (place.folder / "web-1.summary").write_text(yaml.safe_dump(summary))
    report, _ = agents.run(place.ssh_config(), one)
    assert report.failures == 1


@pytest.mark.parametrize("status", [1, 4, 6, 255])
def test_an_agent_that_fails_is_named_with_its_last_words(
    fleet: Callable[..., Place], status: int
) -> None:
    one = host("database-a", "database")
    place = fleet(one)
    (place.folder / "database-a.status").write_text(str(status))
    with pytest.raises(
        AirAwareError, match=rf"(?s)database-a: .*exit status {status}.*said by database-a"
    ):
        agents.run(place.ssh_config(), one)


FLEET = (
    host("web-2", "web", "us-west-2b"),
    host("web-1", "web"),
    host("monitoring", "monitoring"),
    host("spark-worker-1", "spark_worker"),
    host("database-b", "database", "us-west-2b"),
    host("spark-master", "spark_master"),
    host("controller", "controller"),
    host("puppet", "puppet"),
    host("database-a", "database"),
)
IN_ORDER = [
    *("puppet", "database-a", "database-b", "spark-master", "spark-worker-1", "controller"),
    *("monitoring", "web-1", "web-2"),
]


def test_who_is_needed_comes_first(fleet: Callable[..., Place]) -> None:
    place, reports = fleet(*FLEET), list[Report]()
    carry_out(rollout.steps(place, "0123", reports), dry_run=False)
    assert place.converged() == IN_ORDER
    assert [report.host.name for report in reports] == IN_ORDER


def test_a_host_that_has_run_it_is_left_as_it_is_but_must_serve(
    fleet: Callable[..., Place],
) -> None:
    place, reports = fleet(host("web-1", "web"), host("controller", "controller")), list[Report]()
    ran(place, "web-1", "0123")
    carry_out(rollout.steps(place, "0123", reports), dry_run=False)
    assert place.converged() == ["controller"]
    assert place.tier.calls == ["suspend web-a", "health", "resume web-a"]
    assert [report.host.name for report in reports] == ["controller", "web-1"]


def test_hosts_that_come_and_go_meanwhile_have_their_turn_or_none(
    fleet: Callable[..., Place],
) -> None:
    leaving, newcomer = host("web-9", "web"), host("web-3", "web", "us-west-2b")
    place, reports = fleet(host("controller", "controller"), host("web-1", "web")), list[Report]()
    for step in rollout.steps(place, "0123", reports):
        step.act()
        if len(reports) == 1:
            place.there += [leaving, newcomer]
            place.tier.leaving.append(leaving.instance_id)
    assert place.converged() == ["controller", "web-1", "web-3"]


def test_a_host_that_its_group_takes_down_is_not_waited_for(fleet: Callable[..., Place]) -> None:
    place = fleet(host("web-1", "web"))
    (place.folder / "web-1.status_now").write_text(status("applying"))
    place.tier.leaving.append("i-web-1")
    rollout.wait_for_first_runs(place, place.there)


def test_a_stopped_master_is_named_as_the_cause_within_five_minutes(
    fleet: Callable[..., Place], clock: Clock
) -> None:
    place = fleet(host("puppet", "puppet"), host("database-a", "database"))
    waiting = status(
        "certificate",
        master_error="[Errno 111] Connection refused",
        last_line="Started Puppet's first run.",
    )
    (place.folder / "database-a.status_now").write_text(waiting)
    (place.folder / "puppet.server").write_text("inactive\n")
    with pytest.raises(StalledError) as told:
        rollout.wait_for_first_runs(place, place.there)
    assert clock.now() <= 300
    assert "database-a: certificate: the master does not answer ([Errno 111]" in str(told.value)
    assert "last log line: Started Puppet's first run." in str(told.value)
    assert "puppetserver on puppet is inactive" in str(told.value)
    assert "same command continues" in str(told.value)


def test_a_master_whose_instance_is_stopped_is_named_as_the_cause(
    fleet: Callable[..., Place],
) -> None:
    master = replace(host("puppet", "puppet"), state="stopped")
    place = fleet(host("database-a", "database"), master)
    (place.folder / "database-a.status_now").write_text(status("certificate"))
    with pytest.raises(StalledError, match=r"instance \(i-puppet\) is stopped"):
        rollout.wait_for_first_runs(place, place.there[:1])


def test_a_request_that_is_not_signed_is_named_as_the_cause(fleet: Callable[..., Place]) -> None:
    place = fleet(host("puppet", "puppet"), host("database-a", "database"))
    (place.folder / "database-a.status_now").write_text(status("certificate"))
    (place.folder / "puppet.server").write_text("active\n")
    with pytest.raises(StalledError, match="no certificate"):
        rollout.wait_for_first_runs(place, place.there)


def test_spark_is_restarted_when_no_job_runs(fleet: Callable[..., Place]) -> None:
    place = fleet(host("spark-master", "spark_master"), host("controller", "controller"))
    (place.folder / "jobs").write_text("airaware-job-20261125-101500.service\n")
    carry_out(rollout.steps(place, "0123", []), dry_run=False)
    calls = (place.folder / "calls").read_text().splitlines()
    asked = [index for index, call in enumerate(calls) if "systemctl list-units" in call]
    ran = next(index for index, call in enumerate(calls) if "puppet agent" in call)
    assert len(asked) == 2
    assert ran > asked[-1]


def test_a_job_without_an_end_stops_the_rollout(
    fleet: Callable[..., Place],
) -> None:
    place = fleet(host("spark-master", "spark_master"), host("controller", "controller"))
    (place.folder / "jobs").write_text("airaware-job-20261125-101500.service\n")
    (place.folder / "hangs").touch()
    with pytest.raises(AirAwareError, match="fab jobs --cancel ID"):
        carry_out(rollout.steps(place, "0123", []), dry_run=False)
    assert place.converged() == []


def test_every_role_of_the_fleet_has_its_turn() -> None:
    roles = Path(__file__).parents[3] / "modules" / "role" / "manifests"
    assert set(rollout.ORDER) == {path.stem for path in roles.glob("*.pp")}


def test_the_first_host_that_fails_is_the_last_that_hears_of_it(
    fleet: Callable[..., Place],
) -> None:
    place, reports = fleet(*FLEET), list[Report]()
    (place.folder / "spark-master.status").write_text("4")
    with pytest.raises(AirAwareError, match="spark-master"):
        carry_out(rollout.steps(place, "0123", reports), dry_run=False)
    assert place.converged() == IN_ORDER[:4]
    assert [report.host.name for report in reports] == IN_ORDER[:3]


def test_a_dry_run_touches_no_host(fleet: Callable[..., Place]) -> None:
    place = fleet(*FLEET)
    carry_out(rollout.steps(place, "0123", []), dry_run=True)
    assert place.converged() == []
    assert place.tier.calls == []


def test_a_web_hosts_group_leaves_it_alone_until_it_serves_again(
    fleet: Callable[..., Place],
) -> None:
    place = fleet(host("web-1", "web"), host("controller", "controller"))
    carry_out(rollout.steps(place, "0123", []), dry_run=False)
    assert place.tier.calls == ["suspend web-a", "health", "resume web-a"]


def test_groups_replace_hosts_again_once_all_are_in_service(fleet: Callable[..., Place]) -> None:
    place = fleet(host("web-1", "web"), host("controller", "controller"))
    rollout.keep_web_hosts(place)
    rollout.replace_web_hosts(place)
    kept = ["suspend web-a", "suspend web-b"]
    assert place.tier.calls == [*kept, "health", "resume web-a", "resume web-b"]


def test_a_web_host_that_does_not_serve_stops_the_rollout(
    fleet: Callable[..., Place],
) -> None:
    place = fleet(host("web-1", "web"), host("web-2", "web", "us-west-2b"))
    place.tier.state = "unhealthy"
    with pytest.raises(AirAwareError, match=r"(?s)web-1: .*unhealthy.*fab deploy --rollback"):
        carry_out(rollout.steps(place, "0123", []), dry_run=False)
    assert place.converged() == ["web-1"]
    # Its group would replace it while it is taken back.
    assert "resume web-a" not in place.tier.calls
    assert place.tier.has_suspended("us-west-2a", Reason.RELEASE)


def test_a_zone_where_a_release_failed_is_left_to_the_end_of_the_next(
    fleet: Callable[..., Place],
) -> None:
    place = fleet(host("web-1", "web"), host("web-2", "web"), host("web-3", "web", "us-west-2b"))
    tier = place.tier
    tier.suspend("us-west-2a", Reason.RELEASE, rollout.SUSPENDED)
    rollout.keep_web_hosts(place)
    tier.calls.clear()
    rollout.replace_web_hosts(place)
    assert tier.calls == ["health", "resume web-a", "resume web-b"], "web-3 alone is waited for"
    carry_out(rollout.steps(place, "0123", []), dry_run=False)
    assert tier.has_suspended("us-west-2a", Reason.RELEASE), "web-2 may be the ill one"
    tier.calls.clear()
    rollout.restore_web_groups(place)
    assert tier.calls == ["health", "health", "resume web-a"]
    assert not tier.journal


def test_a_group_is_not_resumed_while_a_host_of_it_is_ill(fleet: Callable[..., Place]) -> None:
    place = fleet(host("web-1", "web"))
    place.tier.suspend("us-west-2a", Reason.RELEASE, rollout.SUSPENDED)
    place.tier.state = "unhealthy"
    with pytest.raises(StalledError, match="web-1"):
        rollout.restore_web_groups(place)
    assert place.tier.has_suspended("us-west-2a", Reason.RELEASE)


def test_a_person_can_have_it_resumed_at_once(fleet: Callable[..., Place]) -> None:
    place = fleet(host("web-1", "web"))
    place.tier.state = "unhealthy"
    place.tier.suspend("us-west-2a", Reason.RELEASE, rollout.SUSPENDED)
    place.tier.suspend("us-west-2b", Reason.SHIFT, ("Launch",))
    steps = list(rollout.resume_steps(place.web_tier()))
    assert ["us-west-2a" in step.text for step in steps] == [True]
    carry_out(steps, dry_run=True)
    assert len(place.tier.journal) == 2
    carry_out(steps, dry_run=False)
    assert [each.reason for each in place.tier.journal] == [Reason.SHIFT]


def ran(place: Place, name: str, version: str, failures: int = 0) -> None:
    summary = SUMMARY | {"version": {"config": version}, "events": {"failure": failures}}
    (place.folder / f"{name}.summary").write_text(yaml.safe_dump(summary))


def test_only_hosts_that_left_a_release_are_taken_back(
    fleet: Callable[..., Place],
) -> None:
    place, reports = fleet(*FLEET), list[Report]()
    for name in IN_ORDER:
        ran(place, name, "good")
    for name in ("database-a", "web-2", "controller"):
        ran(place, name, "bad")
    # Its last run was of the good release, and failed.
    ran(place, "monitoring", "good", failures=1)
    with pytest.raises(AirAwareError, match="monitoring: 1 resources failed"):
        carry_out(rollout.steps_back(place, "good", reports), dry_run=False)
    assert sorted(place.converged()) == ["controller", "database-a", "monitoring", "web-2"]
    assert place.tier.calls == ["suspend web-b", "health", "resume web-b"]


def test_web_hosts_are_taken_back_in_turn(fleet: Callable[..., Place]) -> None:
    place = fleet(*FLEET)
    carry_out(rollout.steps_back(place, "good", []), dry_run=False)
    one = ["suspend web-a", "health", "resume web-a"]
    assert place.tier.calls == [*one, "suspend web-b", "health", "resume web-b"]


def test_databases_are_taken_back_one_zone_after_the_other(fleet: Callable[..., Place]) -> None:
    """One that fails keeps the other as it is: a restart of both would leave no zone's."""
    place = fleet(*FLEET)
    (place.folder / "database-a.status").write_text("4")
    with pytest.raises(AirAwareError, match="database-a"):
        carry_out(rollout.steps_back(place, "good", []), dry_run=False)
    assert "database-a" in place.converged()
    assert "database-b" not in place.converged()


def test_taking_back_goes_on_where_a_host_fails_and_leaves_new_ones_alone(
    fleet: Callable[..., Place],
) -> None:
    place, reports = fleet(*FLEET), list[Report]()
    (place.folder / "monitoring.status").write_text("4")
    (place.folder / "web-1.new").touch()
    with pytest.raises(AirAwareError, match="monitoring"):
        carry_out(rollout.steps_back(place, "good", reports), dry_run=False)
    assert set(place.converged()) == set(IN_ORDER) - {"web-1"}


def test_without_a_master_there_is_no_release(fleet: Callable[..., Place]) -> None:
    with pytest.raises(AirAwareError, match="no Puppet master"):
        rollout.bring_to_master(fleet(host("web-1", "web")), "0123")
