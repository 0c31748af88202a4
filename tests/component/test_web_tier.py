"""What is suspended in web groups, on moto's API: whoever stops in the middle, it comes back."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from prometheus_client.parser import text_string_to_metric_families
from twozones import BUCKET, A, B

from airaware.errors import AirAwareError
from airaware.host.metrics import export
from airaware.host.scaling import Suspended
from tools.drill.faults import RESTING
from tools.drill.world import World
from tools.environments.fleet import Fleet
from tools.fleet import web_tier
from tools.fleet.web_tier import Reason, WebTier
from tools.machine.steps import carry_out
from tools.rollout import release, renewal, rollout
from tools.rollout.renewal import Renewal
from tools.tasks import shift

BY_HAND = {"AZRebalance", "HealthCheck"}  # suspended by a person, beforehand
SIGKILLED = -signal.SIGKILL


class TwoZones(Fleet):
    """A fleet of the region; its hosts take any release at once."""

    def __init__(self, world: World, folder: Path) -> None:
        region = SimpleNamespace(is_up=lambda: True, environ=world.fleet.region.environ)
        super().__init__("lab", folder, region)
        terraform: Any = SimpleNamespace(init=lambda: None, outputs=lambda: world.outputs)
        self.terraform = terraform
        self.hosts = world.hosts  # type: ignore[method-assign]

    def _nothing(self, *_: Any, **__: Any) -> None: ...

    _keep_ca = _begin = _settle = wait_for_site = _nothing


@pytest.fixture
def fleet(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwoZones:
    """The fleet, at release "good", where a person has suspended something in zone B."""
    monkeypatch.setattr(rollout, "wait_for_first_runs", lambda *_: None)
    for name in ("steps", "steps_back"):
        monkeypatch.setattr(rollout, name, lambda *_: iter(()))
    world.balancer = "arn:of-a-balancer"
    world.client("autoscaling").suspend_processes(
        AutoScalingGroupName="web-b", ScalingProcesses=sorted(BY_HAND)
    )
    release.settle(world.client("s3"), BUCKET, "good")
    release.begin(world.client("s3"), BUCKET, "bad")
    return TwoZones(world, tmp_path)


@pytest.fixture
def tier(world: World) -> WebTier:
    return web_tier.of(world.client, world.outputs)


@pytest.mark.parametrize(
    "reasons", [(Reason.SHIFT, Reason.RELEASE), (Reason.RELEASE, Reason.SHIFT)]
)
@pytest.mark.usefixtures("fleet")
def test_each_reason_takes_back_its_own_and_no_more(
    tier: WebTier, reasons: tuple[Reason, Reason]
) -> None:
    wanted = {Reason.SHIFT: set(RESTING), Reason.RELEASE: set(rollout.SUSPENDED)}
    for reason in (Reason.RELEASE, Reason.SHIFT, Reason.RELEASE):  # once more changes nothing
        tier.suspend(B, reason, wanted[reason])
    assert tier.suspended(B) == BY_HAND | wanted[Reason.SHIFT] | wanted[Reason.RELEASE]
    first, second = reasons
    tier.resume(B, first)
    assert tier.suspended(B) == BY_HAND | wanted[second]
    tier.resume(B, first)
    tier.resume(A, second)
    assert tier.suspended(B) == BY_HAND | wanted[second]
    tier.resume(B, second)
    assert tier.suspended(B) == BY_HAND
    assert tier.suspensions() == []
    assert tier.suspended(A) == set()


@pytest.mark.usefixtures("fleet")
def test_what_was_suspended_before_is_never_taken_for_all(tier: WebTier) -> None:
    """The API takes an empty list of processes for all of them."""
    tier.suspend(B, Reason.DRILL, BY_HAND)
    assert tier.suspended(B) == BY_HAND
    tier.resume(B, Reason.DRILL)
    assert tier.suspended(B) == BY_HAND


def test_a_shift_refuses_a_deployment_and_a_rollback(
    world: World, fleet: TwoZones, tier: WebTier
) -> None:
    carry_out(shift.away(world, B), dry_run=False)
    shifted = BY_HAND | set(RESTING)
    named = f"(?s){B} is shifted away: .*Nothing was changed.*fab shift-back --zone {B}"
    for steps in (fleet.deploy(lambda _plan: None), fleet.rollback()):
        with pytest.raises(AirAwareError, match=named):
            carry_out(steps, dry_run=False)
    assert (tier.suspended(A), tier.suspended(B)) == (set(), shifted)
    carry_out(shift.back(world, B), dry_run=False)
    assert tier.suspended(B) == BY_HAND
    assert tier.suspensions() == []
    carry_out(fleet.rollback(), dry_run=False)


def test_a_group_that_gives_the_balancer_no_hosts_counts_as_shifted_away(
    world: World, fleet: TwoZones
) -> None:
    world.client("autoscaling").suspend_processes(
        AutoScalingGroupName="web-a", ScalingProcesses=[web_tier.JOINING]
    )
    with pytest.raises(AirAwareError, match=f"{A} is shifted away: .*aws autoscaling resume-proc"):
        carry_out(fleet.rollback(), dry_run=False)


def fail() -> None:
    raise AirAwareError("a host fails")


def interrupt() -> None:
    raise KeyboardInterrupt


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def give_release(fleet: Fleet) -> None:
    """Have a web host of zone B run a release."""
    host = next(host for host in fleet.hosts() if (host.role, host.zone) == ("web", B))
    rollout.converge(fleet, host, "bad")


def give_image(fleet: Fleet) -> None:
    """Have a web host of zone B be replaced by one of the group's image."""
    Renewal(fleet.web_tier(), B).renew_one()


def resume_scaling(fleet: TwoZones) -> None:
    carry_out(rollout.resume_steps(fleet.web_tier()), dry_run=False)


def roll_back(fleet: TwoZones) -> None:
    carry_out(fleet.rollback(), dry_run=False)


def deploy(fleet: TwoZones) -> None:
    """Do what a deployment does once there is a release to roll out."""
    rollout.keep_web_hosts(fleet)
    carry_out(fleet.roll_out("better"), dry_run=False)


def ended(replace: Callable[[Fleet], None], fleet: Fleet) -> int | None:
    """Replace a web host in a process of its own, and return that process's exit status."""
    process = multiprocessing.get_context("fork").Process(target=partial(replace, fleet))
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize(
    ("replace", "end", "left", "restore"),
    [
        (give_release, fail, Reason.RELEASE, roll_back),
        (give_release, interrupt, Reason.RELEASE, deploy),
        (give_release, kill, Reason.RELEASE, resume_scaling),
        (give_image, fail, None, deploy),
        (give_image, interrupt, None, roll_back),
        (give_image, kill, Reason.IMAGE, roll_back),
        (give_image, kill, Reason.IMAGE, deploy),
        (give_image, kill, Reason.IMAGE, resume_scaling),
    ],
)
def test_what_was_suspended_while_a_web_host_was_replaced_is_resumed(
    fleet: TwoZones,
    tier: WebTier,
    monkeypatch: pytest.MonkeyPatch,
    replace: Callable[[Fleet], None],
    end: Callable[[], None],
    left: Reason | None,
    restore: Callable[[TwoZones], None],
) -> None:
    monkeypatch.setattr(rollout, "_last_of", lambda *_: None)
    monkeypatch.setattr(rollout, "_checked", lambda *_: end())
    monkeypatch.setattr(Fleet, "ssh_config", lambda _self: Path())
    monkeypatch.setattr(Renewal, "_wait_until", lambda *_: end())
    assert ended(replace, fleet) == (SIGKILLED if end is kill else 1)

    wanted = {Reason.RELEASE: rollout.SUSPENDED, Reason.IMAGE: renewal.SUSPENDED}
    expected = BY_HAND.union(wanted[left]) if left else BY_HAND
    assert tier.suspended(B) == expected
    assert [(each.zone, each.reason) for each in tier.suspensions()] == (
        [(B, left)] if left else []
    )
    lines = tier.report()
    assert any(f"by '{left}'; resume: fab resume-scaling" in line for line in lines) == bool(left)
    assert f"{B}: AZRebalance, HealthCheck suspended in web-b, by no task of fab" in lines[-1]

    restore(fleet)
    assert tier.suspended(B) == BY_HAND
    assert tier.suspended(A) == set()
    assert tier.suspensions() == []


def test_a_shift_is_left_to_its_own_way_back(world: World, fleet: TwoZones, tier: WebTier) -> None:
    carry_out(shift.away(world, B), dry_run=False)
    resume_scaling(fleet)
    assert tier.suspended(B) == BY_HAND | set(RESTING)
    assert f"by 'shift-away'; resume: fab shift-back --zone {B}" in tier.report()[0]


def test_a_region_that_was_lost_has_nothing_suspended(world: World) -> None:
    gone = web_tier.of(
        world.client, {"web_groups": {A: "lost"}, "target_group_arn": "arn", "bucket": "lost"}
    )
    gone.must_be_whole()
    assert gone.report() == []


def test_a_fleet_without_groups_has_nothing_suspended() -> None:
    single = web_tier.of(lambda _service: pytest.fail("nobody is to be asked"), {"bucket": BUCKET})
    single.must_be_whole()
    assert single.report() == []
    assert list(rollout.resume_steps(single)) == []


@pytest.mark.usefixtures("fleet")
def test_the_monitoring_host_sees_what_is_suspended(world: World, tmp_path: Path) -> None:
    file = tmp_path / "scaling.prom"
    for environment, expected in [("test", {"web-a": 0, "web-b": len(BY_HAND)}), ("other", {})]:
        export(Suspended(world.client("autoscaling"), environment), file, [0])
        samples = [
            sample
            for family in text_string_to_metric_families(file.read_text())
            for sample in family.samples
        ]
        counts = {
            each.labels["group"]: each.value
            for each in samples
            if each.name == "airaware_group_suspended"
        }
        assert counts == expected
        named = {each.labels["process"] for each in samples if "process" in each.labels}
        assert named == (BY_HAND if expected else set())


def test_where_aws_does_not_answer_the_file_stays_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "scaling.prom"
    nowhere = boto3.client(
        "autoscaling",
        "us-west-2",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )
    export(Suspended(nowhere, "test"), file, [0, 1])
    assert not file.exists()
    (record,) = caplog.records
    assert "AWS does not describe the groups" in record.getMessage()
