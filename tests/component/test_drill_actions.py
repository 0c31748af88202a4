"""Faults and their ways back, on moto's API: whole, half or not at all done, and undone twice."""

import io
import tarfile
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from twozones import BUCKET, RAW_FILE, A, B

from airaware.errors import AirAwareError
from airaware.host import hung
from tools.drill import actions, faults, model
from tools.drill.actions import Call, Change
from tools.drill.world import World
from tools.fleet.controller import RUNS
from tools.fleet.hosts import Host
from tools.machine.steps import Step
from tools.rollout import release


def do(world: World, changes: list[Change]) -> None:
    for change in changes:
        change.do(world)


def undo(world: World, changes: list[Change]) -> None:
    for change in reversed(changes):
        if change.undo:
            change.undo(world)


def state(world: World) -> dict[str, Any]:
    return world.inventory() | {"targets": set(world.web_tier.target_states())}


@pytest.mark.parametrize("fault", [faults.deny_network, faults.cut_power, faults.detach])
def test_a_fault_is_undone_however_far_it_came(world: World, fault) -> None:
    before, changes = state(world), fault(world, B)
    for number in range(len(changes) + 1):
        do(world, changes[:number])
        undo(world, changes)
        undo(world, changes)
        assert state(world) == before, f"after {number} changes"


def test_a_zone_without_a_network_is_under_an_acl_that_lets_nothing_through(world: World) -> None:
    changes = faults.deny_network(world, B)
    do(world, changes)
    under = {world.acls()[subnet][0] for subnet in world.subnets(B)}
    others = {world.acls()[subnet][0] for subnet in world.subnets(A)}
    assert len(under) == 1
    assert not under & others
    (acl,) = world.client("ec2").describe_network_acls(NetworkAclIds=list(under))["NetworkAcls"]
    assert not [entry for entry in acl["Entries"] if entry["RuleAction"] == "allow"]


def test_the_new_faults_reach_the_hosts_that_they_name(world: World, monkeypatch) -> None:
    """What runs on a host is a shell's; each change but a restart has its way back there."""
    ran: list[tuple[str, str]] = []

    def ssh(_: World, host: Host, words: list[str]) -> str:
        ran.append((host.name, words[-1]))
        return "1500\n" if words[-1] == actions.RESTART else ""

    monkeypatch.setattr(World, "ssh", ssh)
    for fault in (faults.kill_databases, faults.silence_names, faults.silence_census):
        changes = fault(world, B)
        assert changes
        do(world, changes)
        undo(world, changes)
    begun, ended = world.notes["restarted"]
    assert ended - begun == pytest.approx(1.5)
    names = [name for name, _ in ran]
    assert {"database-a", "database-b"} <= set(names)
    assert len(names) > 4


def test_web_hosts_that_are_starved_are_fed_again_and_may_grow(world: World, monkeypatch) -> None:
    monkeypatch.setattr(World, "ssh", lambda *_: "")
    before, changes = state(world), faults.starve_web_hosts(world, B)
    do(world, changes)
    assert all("AlarmNotification" in world.web_tier.suspended(zone) for zone in (A, B))
    undo(world, changes)
    assert state(world) == before


def test_hosts_that_hang_go_on_and_their_zone_is_as_small_as_before(
    world: World, monkeypatch
) -> None:
    ran: list[tuple[str, str]] = []
    monkeypatch.setattr(World, "ssh", lambda _, host, words: ran.append((host.zone, words[-1])))
    monkeypatch.setattr(World, "serving", World.web_hosts)
    before, size = state(world), world.web_tier.group(B)["DesiredCapacity"]
    changes = faults.hang_hosts(world, B)
    do(world, changes)
    assert world.web_tier.group(B)["DesiredCapacity"] == size + 1
    do(world, changes[-1:])
    assert len(world.notes["hung"]) == 2
    undo(world, changes)
    assert state(world) | {"targets": ()} == before | {"targets": ()}
    assert world.web_tier.group(B)["DesiredCapacity"] == size
    for zone in (A, B):
        stop, *_, mend = (command for where, command in ran if where == zone)
        assert actions.STOP in stop
        assert f"stop {actions.STOPPER}" in mend


def test_a_deployment_is_under_way_while_a_host_hangs(world: World, monkeypatch) -> None:
    monkeypatch.setattr(World, "ssh", lambda *_: "")
    monkeypatch.setattr(World, "serving", World.web_hosts)
    before, changes = state(world), faults.hang_while_deployed(world, B)
    do(world, changes)
    assert world.web_tier.suspended(B) & hung.REPLACING
    undo(world, changes)
    assert state(world) == before
    assert len(faults.hang_all_hosts(world, B)) == len(world.web_hosts(A) + world.web_hosts(B))


def test_a_zone_without_power_has_no_host_that_runs_and_launches_none(world: World) -> None:
    do(world, faults.cut_power(world, B))
    states = {(host.zone, host.state) for host in world.hosts()}
    assert {state for zone, state in states if zone == B} == {"stopped"}
    assert {state for zone, state in states if zone == A} == {"running"}
    assert (world.web_tier.suspended(A), world.web_tier.suspended(B)) == (set(), {"Launch"})


def denied(world: World) -> list[Change]:
    world.least_load = (44201, 2013)
    return faults.deny_raw_files(world, B)[:1]


def cut(world: World) -> list[Change]:
    world.least_load = (44201, 2013)
    return faults.cut_raw_file(world, B)[:1]


def raw_file(world: World) -> tuple[bytes, str]:
    found = world.client("s3").get_object(Bucket=BUCKET, Key=RAW_FILE)
    return found["Body"].read(), found["Metadata"]["sha256"]


@pytest.mark.parametrize("policy", ["", '{"Version": "2012-10-17", "Statement": []}'])
def test_raw_files_are_refused_until_it_is_undone(world: World, policy: str) -> None:
    Call("set_bucket_policy", {"policy": policy})(world)
    before, changes = state(world), denied(world)
    do(world, changes)
    with pytest.raises(ClientError, match="403"):
        raw_file(world)
    undo(world, changes)
    undo(world, changes)
    assert state(world) == before
    assert raw_file(world) == (b"12345678", "ab")


def test_a_raw_file_is_cut_under_the_digest_of_the_whole_until_it_is_undone(world: World) -> None:
    before, changes = state(world), cut(world)
    undo(world, changes)
    do(world, changes)
    do(world, changes)
    assert raw_file(world) == (b"1234", "ab")
    undo(world, changes)
    undo(world, changes)
    assert state(world) == before
    assert raw_file(world) == (b"12345678", "ab")


def test_a_bad_release_is_the_good_one_but_for_its_web_servers(world: World) -> None:
    s3, code = world.client("s3"), io.BytesIO()
    texts = {"hieradata/role/web.yaml": "profile::web_proxy::port: 8000\n", "hiera.yaml": "x"}
    with tarfile.open(fileobj=code, mode="w:gz") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    release.settle(s3, BUCKET, "good")
    s3.put_object(Bucket=BUCKET, Key="releases/good/puppet.tar.gz", Body=code.getvalue())
    s3.put_object(Bucket=BUCKET, Key="releases/good/airaware.whl", Body=b"wheel")
    publish, _ = faults.release_badly(world, A)
    publish.do(world)
    bad = publish.do.arguments["bad"]
    assert set(release.files(s3, BUCKET, bad)) == {"puppet.tar.gz", "airaware.whl"}
    key = f"releases/{bad}/puppet.tar.gz"
    spoilt = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(spoilt)) as tar:
        changed = {}
        for member in tar:
            content = tar.extractfile(member)
            assert content
            changed[member.name] = content.read().decode()
    assert changed == texts | {"hieradata/role/web.yaml": "profile::web_proxy::port: 8001\n"}
    undo(world, [publish])
    undo(world, [publish])
    assert release.files(s3, BUCKET, bad) == []


def test_a_bad_release_is_drilled_where_a_roll_out_begins(world: World) -> None:
    assert model.find("bad-deploy").usual_zone(world.groups) == A
    with pytest.raises(AirAwareError, match=f"web hosts of {A} first: use --zone {A}"):
        faults.release_badly(world, B)


@pytest.mark.parametrize("settled", [True, False])
def test_a_bad_release_is_taken_back_also_where_it_came_to_all(
    world: World, monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    s3 = world.client("s3")
    release.settle(s3, BUCKET, "good")
    publish, roll_out = faults.release_badly(world, A)
    bad = publish.do.arguments["bad"]
    s3.put_object(Bucket=BUCKET, Key=f"releases/{bad}/puppet.tar.gz", Body=b"code")
    undo(world, [roll_out])  # never done
    release.begin(s3, BUCKET, bad)
    if settled:
        release.settle(s3, BUCKET, bad)
    with pytest.raises(AirAwareError, match=f"The fleet is at release {bad}"):
        undo(world, [publish])

    def rollback() -> list[Step]:
        back = str(release.to_go_back_to(s3, BUCKET))
        marks = (release.begin, release.settle)
        return [Step("mark", partial(mark, s3, BUCKET, back)) for mark in marks]

    monkeypatch.setattr(world.fleet, "rollback", rollback, raising=False)
    undo(world, [publish, roll_out])
    undo(world, [publish, roll_out])
    assert world.version() == "good"
    assert release.files(s3, BUCKET, bad) == []


def test_what_was_suspended_before_stays_so(world: World) -> None:
    world.client("autoscaling").suspend_processes(
        AutoScalingGroupName="web-b", ScalingProcesses=["Launch"]
    )
    changes = faults.detach(world, B)
    do(world, changes)
    assert world.web_tier.suspended(B) == set(faults.RESTING)
    undo(world, changes)
    assert world.web_tier.suspended(B) == {"Launch"}


def test_a_detached_zone_has_no_targets_and_keeps_its_hosts(world: World) -> None:
    own = {host.instance_id for host in world.web_hosts(B)}
    assert own
    assert own <= world.web_tier.target_states().keys()
    do(world, faults.detach(world, B))
    assert not own & world.web_tier.target_states().keys()
    assert own == {host.instance_id for host in world.web_hosts(B)}


@pytest.mark.parametrize("fault", [faults.kill_web_host, faults.hang_web_host])
def test_without_a_target_there_is_no_drill(world: World, fault) -> None:
    world.client("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName="web-b", ForceDelete=True
    )
    with pytest.raises(AirAwareError, match=f"There is no running web host in {B}"):
        fault(world, B)


def test_an_unknown_zone_is_refused(world: World) -> None:
    with pytest.raises(AirAwareError, match=f"no zone 'us-west-2z'. Zones are: {A}, {B}"):
        world.must_have("us-west-2z")


@pytest.mark.parametrize("dies", [True, False])
def test_a_host_that_died_needs_no_undoing_and_one_that_runs_does(
    world: World, monkeypatch, dies: bool
) -> None:
    (change,) = faults.hang_web_host(world, B)
    assert change.undo

    def lost(host, _: list[str]) -> str:
        if dies:
            world.client("ec2").terminate_instances(InstanceIds=[host.instance_id])
        raise AirAwareError(f"{host.name}: the connection is lost")

    monkeypatch.setattr(world, "ssh", lost)
    if dies:
        change.undo(world)
        change.undo(world)
    else:
        with pytest.raises(AirAwareError, match="the connection is lost"):
            change.undo(world)


def test_a_job_that_never_says_it_is_not_awaited_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(actions, "JOB_SECONDS", 0)
    fleet = SimpleNamespace(controller=lambda: SimpleNamespace(said=lambda _job: "nothing"))
    world = SimpleNamespace(fleet=fleet, jobs=lambda ids: dict.fromkeys(ids, RUNS))
    with pytest.raises(AirAwareError, match="job 1: has not printed 'words'"):
        Call("await_words", {"job": "1", "words": "words"})(world)


@pytest.mark.parametrize(("state", "told"), [("pending", True), ("running", True), ("gone", False)])
def test_that_a_drill_has_ended_is_not_forgotten(monkeypatch, state: str, told: bool) -> None:
    monkeypatch.setattr(actions, "BOOT_SECONDS", 0)

    def lost(*_: object) -> str:
        raise AirAwareError("the connection is lost")

    host = SimpleNamespace(role="monitoring", state=state, instance_id="i-1", name="monitoring")
    world = SimpleNamespace(hosts=lambda: [host], ssh=lost)
    Call("publish_drill", {"drill": "tiny", "running": 1})(world)
    end = Call("publish_drill", {"drill": "tiny", "running": 0})
    if told:
        with pytest.raises(AirAwareError, match="the connection is lost"):
            end(world)
    else:
        end(world)


def test_an_alert_that_blames_another_zone_has_it_in_its_name(world: World, monkeypatch) -> None:
    told = [("ZoneInTrouble", A), ("ZoneInTrouble", B), ("HostDown", A), ("SiteDown", "")]
    result = [
        {
            "metric": {"alertname": name, "zone": zone} if zone else {"alertname": name},
            "values": [[100, "1"], [105, "1"]],
        }
        for name, zone in told
    ]
    monkeypatch.setattr(world, "prometheus", lambda _path, **_parameters: result)
    names = [name for name, _, _ in world.alerts(60, B) or ()]
    assert names == [f"ZoneInTrouble of {A}", "ZoneInTrouble", "HostDown", "SiteDown"]


def test_where_no_year_is_loaded_nobody_looks_at_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.fleet, "reading", lambda: nullcontext(()), raising=False)
    assert world.looks() == []
    world.least_load = (44201, 2013)  # and now no database answers
    assert world.looks() == []
