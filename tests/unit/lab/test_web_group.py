"""A host that hangs reads the site's state from the region, and has its group replace it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends

from airaware.host import hung, web_group
from airaware.host.hung import Decision, Member
from airaware.host.watchdog import Metrics, Watchdog
from tools.lab.aws import gaps, scaling
from tools.lab.net.balancer import DEREGISTERED, HEALTHY, TIMEOUT, TargetHealth

REFUSES = TargetHealth("unhealthy", "Target.ResponseCodeMismatch", "503")
See = Callable[[TargetHealth, TargetHealth], None]


@pytest.fixture
def no_drain(served: Any) -> Iterator[None]:
    """No target drains: other tests have left some."""

    def set_delay(seconds: int) -> None:
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": f"{seconds}"}
        served.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=served.fleet.target_group, Attributes=[delay]
        )

    set_delay(0)
    yield
    set_delay(300)


@pytest.fixture
def other(served: Any, here: str) -> Iterator[str]:
    """A second member of this host's group, which is past its grace period."""
    group = served.client("autoscaling")

    def members() -> list[str]:
        scaling.keep_up(served.moto)
        found = group.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])
        return [each["InstanceId"] for each in found["AutoScalingGroups"][0]["Instances"]]

    instance = ec2_backends["123456789012"]["us-west-2"].get_instance(here)
    launched = instance.launch_time
    group.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    (second,) = set(members()) - {here}
    instance.launch_time = utcnow() - timedelta(seconds=61)
    yield second
    instance.launch_time = launched
    target = served.fleet.target_group
    gaps.observed.targets.pop((target, here, 8000))
    gaps.observed.targets[target, second, 8000] = DEREGISTERED
    group.set_instance_health(
        InstanceId=here, HealthStatus="Healthy", ShouldRespectGracePeriod=False
    )
    group.terminate_instance_in_auto_scaling_group(
        InstanceId=second, ShouldDecrementDesiredCapacity=True
    )
    assert members() == [here]


@pytest.fixture
def see(served: Any, here: str, other: str) -> See:
    """Have the balancer see both hosts so."""

    def note(own: TargetHealth, others: TargetHealth) -> None:
        for id_, health in ((here, own), (other, others)):
            gaps.observed.targets[served.fleet.target_group, id_, 8000] = health

    return note


@pytest.mark.usefixtures("no_drain")
def test_a_host_is_reported_only_where_another_is_healthy(
    here: str, other: str, see: See, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    see(TIMEOUT, REFUSES)
    site = web_group.site("web")
    (group,) = site.groups
    assert (group.wanted, dict(group.members)) == (2, {here: Member(), other: Member()})
    assert site.targets == {here: hung.HUNG, other: hung.REFUSES}
    dog = Watchdog(tmp_path, tmp_path / "pid", Metrics(tmp_path / "watchdog.prom"))

    def is_healthy() -> bool:
        dog.act(Decision(report=True))
        (group,) = web_group.site("web").groups
        return group.members[here].healthy

    see(TIMEOUT, TIMEOUT)
    assert is_healthy()
    assert "no other target is healthy" in caplog.text
    see(TIMEOUT, HEALTHY)
    assert not is_healthy()
    assert 'actions_total{action="report"} 1.0' in dog.metrics.file.read_text()


@pytest.mark.usefixtures("here")
def test_a_region_that_does_not_answer_is_survived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    dog = Watchdog(tmp_path, tmp_path / "pid", Metrics(tmp_path / "watchdog.prom"))
    dog.act(Decision(report=True))
    assert "not reported: Could not connect" in caplog.text
