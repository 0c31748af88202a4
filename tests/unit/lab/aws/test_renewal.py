"""Web hosts get a new image one at a time, and keep theirs where the new one is not healthy."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import smallfleet

from airaware.errors import AirAwareError
from tools.fleet.web_tier import WebTier
from tools.lab import model
from tools.lab.aws import gaps, scaling
from tools.lab.net.balancer import TargetHealth
from tools.machine import progress
from tools.machine.progress import Look
from tools.rollout import renewal
from tools.rollout.renewal import Renewal

NAME = "renewed"
SECONDS = 30


class Tier:
    """A group of two members of its first image, whose template has a second one in force."""

    def __init__(self, served: Any) -> None:
        self.web = WebTier(
            served.client, {"us-west-2a": NAME}, served.fleet.target_group, "renewed-bucket"
        )
        served.client("s3").create_bucket(
            Bucket="renewed-bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        self.ec2, self.scaling = served.client("ec2"), served.client("autoscaling")
        self.target_group = served.fleet.target_group
        self.sizes: set[int] = set()
        self.sick: set[str] = set()
        self.moto = served.moto
        self.images = [self._image(served, number) for number in (1, 2)]
        self.template = self.ec2.create_launch_template(
            LaunchTemplateName=NAME, LaunchTemplateData=self._data(served, 0)
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.scaling.create_auto_scaling_group(
            **{"AutoScalingGroupName": NAME, "MinSize": 1, "MaxSize": 3, "DesiredCapacity": 2},
            VPCZoneIdentifier=served.fleet.subnets["a"],
            TargetGroupARNs=[self.target_group],
            LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"},
        )
        self.act()
        self.ec2.create_launch_template_version(
            LaunchTemplateId=self.template, LaunchTemplateData=self._data(served, 1)
        )
        self.scaling.update_auto_scaling_group(
            AutoScalingGroupName=NAME,
            LaunchTemplate={"LaunchTemplateId": self.template, "Version": "2"},
        )

    def _image(self, served: Any, number: int) -> str:
        name = f"airaware-lab-web-{number}"
        return served.moto.register_image(model.Image("", name, f"{number:012x}", "", "", (), 0))

    def _data(self, served: Any, number: int) -> dict[str, Any]:
        data = smallfleet.template_data("t3.micro", served.fleet.group)
        return data | {"ImageId": self.images[number]}

    def members(self) -> dict[str, str]:
        return Renewal(self.web, "us-west-2a")._images()

    def act(self) -> None:
        """Have the region act, and every host be well but those of an image that is sick."""
        scaling.keep_up(self.moto)
        members = self.members()
        self.sizes.add(len(members))
        for member, image in members.items():
            state = "unhealthy" if image in self.sick else "healthy"
            seen = TargetHealth(state)
            gaps.observed.hosts[member] = "running"
            gaps.observed.targets[self.target_group, member, 8000] = seen


@pytest.fixture
def tier(served: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tier]:
    """The group, with the region at work."""
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.05)
    made, stopping = Tier(served), threading.Event()

    def work() -> None:
        while not stopping.wait(0.05):
            made.act()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield made
    finally:
        stopping.set()
        thread.join()
        made.scaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
        served.client("s3").delete_bucket(Bucket="renewed-bucket")  # which is empty again
        made.ec2.delete_launch_template(LaunchTemplateId=made.template)
        for image in made.images:
            made.ec2.deregister_image(ImageId=image)


def carry_out(tier: Tier) -> list[str]:
    done = []
    for step in renewal.steps(tier.web):
        step.act()
        done.append(step.text)
    return done


def test_hosts_are_renewed_one_at_a_time_and_never_too_few(tier: Tier) -> None:
    assert carry_out(tier) == [
        f"give web host {number} of 2 in us-west-2a the image {tier.images[1]}" for number in (1, 2)
    ]
    assert list(tier.members().values()) == [tier.images[1]] * 2
    assert tier.sizes == {2, 3}
    group = tier.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])
    assert group["AutoScalingGroups"][0]["SuspendedProcesses"] == []
    assert carry_out(tier) == []


def test_an_image_whose_host_is_not_healthy_is_taken_back(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "HEALTHY_SECONDS", 1)
    before = tier.members()
    tier.sick.add(tier.images[1])
    with pytest.raises(AirAwareError, match="became healthy in renewed"):
        carry_out(tier)
    assert tier.members() == before
    again = Renewal(tier.web, "us-west-2a")
    assert again.image() == tier.images[0]
    assert again.old() == []
    (rejected,) = tier.ec2.describe_images(ImageIds=[tier.images[1]])["Images"]
    assert [tag["Key"] for tag in rejected["Tags"]] == ["Rejected"]


def test_a_group_at_its_greatest_size_is_told(tier: Tier) -> None:
    tier.scaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    renewed = Renewal(tier.web, "us-west-2a")
    progress.wait_for({NAME: lambda: Look(len(tier.members()) == 3)}, patience_seconds=SECONDS)
    with pytest.raises(AirAwareError, match="as many hosts as it may"):
        renewed.renew_one()
