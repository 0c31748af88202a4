"""New images for the web hosts: zone by zone, one host at a time behind the balancer.

A group grows by one, from its new image; when the balancer finds that host healthy, the group
shrinks again, and gives up a host of the image before, with the drain. Where it does not become
healthy, the roll-out stops and the group goes back.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airaware.errors import AirAwareError
from tools.fleet.web_tier import Reason, WebTier
from tools.machine import progress
from tools.machine.progress import Look
from tools.machine.steps import Step

HEALTHY_SECONDS = 300
DRAINED_SECONDS = 300
# What would change the group's size meanwhile.
SUSPENDED = ("AlarmNotification", "ScheduledActions")


def steps(tier: WebTier) -> Iterator[Step]:
    """What gives every web host the image of its group's launch template.

    A step raises AirAwareError where a host of the new image does not become healthy.
    """
    for zone in tier.groups:
        renewal = Renewal(tier, zone)
        count = len(renewal.old())
        for number in range(1, count + 1):
            text = f"give web host {number} of {count} in {zone} the image {renewal.image()}"
            yield Step(text, renewal.renew_one)


class Renewal:
    """The hosts of a zone's group, and the image that they should have."""

    def __init__(self, tier: WebTier, zone: str) -> None:
        self.tier, self.zone, self.name = tier, zone, tier.groups[zone]
        self.scaling, self.ec2 = tier.client("autoscaling"), tier.client("ec2")

    def image(self) -> str:
        """The image that the group launches hosts from."""
        return self._version()["LaunchTemplateData"]["ImageId"]

    def old(self) -> list[str]:
        """The instance ids of the members that have another image."""
        return [member for member, image in self._images().items() if image != self.image()]

    def renew_one(self) -> None:
        """Replace one of the old members. Raises AirAwareError after it has gone back."""
        before = self._images()
        if len(before) == self.tier.group(self.zone)["MaxSize"]:
            raise AirAwareError(
                f"{self.name} has as many hosts as it may: roll the image out when it is smaller"
            )
        with self._at_rest():
            try:
                self.tier.resize(self.zone, len(before) + 1)
                self._wait_until(
                    lambda: bool(self._healthy_beyond(before)),
                    HEALTHY_SECONDS,
                    f"No host of the image {self.image()} became healthy in {self.name}: it goes"
                    " back to the image before, and the other hosts were left as they are",
                )
            except (AirAwareError, KeyboardInterrupt):
                self._go_back(before)
                raise
            self.tier.resize(self.zone, len(before))
            self._wait_until(
                lambda: len(self._images()) <= len(before),
                DRAINED_SECONDS,
                f"{self.name}: an old host has not gone; see fab status",
            )

    def _go_back(self, before: Mapping[str, str]) -> None:
        """End what was launched, launch the image before again, and never this one."""
        rejected = self.image()
        for member in self._images().keys() - before.keys():
            self.scaling.terminate_instance_in_auto_scaling_group(
                InstanceId=member, ShouldDecrementDesiredCapacity=True
            )
        self.tier.resize(self.zone, len(before))
        self.ec2.create_tags(
            Resources=[rejected],
            Tags=[{"Key": "Rejected", "Value": f"no host of it became healthy in {self.name}"}],
        )
        if former := self._former_version(set(before.values()) - {rejected}):
            self.scaling.update_auto_scaling_group(
                AutoScalingGroupName=self.name,
                LaunchTemplate={
                    "LaunchTemplateId": former["LaunchTemplateId"],
                    "Version": str(former["VersionNumber"]),
                },
            )

    def _former_version(self, images: set[str]) -> dict[str, Any] | None:
        versions = self.ec2.describe_launch_template_versions(
            LaunchTemplateId=self.tier.group(self.zone)["LaunchTemplate"]["LaunchTemplateId"]
        )["LaunchTemplateVersions"]
        former = [each for each in versions if each["LaunchTemplateData"]["ImageId"] in images]
        return max(former, key=lambda each: each["VersionNumber"], default=None)

    def _healthy_beyond(self, before: Mapping[str, str]) -> str | None:
        """A member that came since, and that the balancer finds healthy."""
        fresh = self._images().keys() - before.keys()
        states = self.tier.target_states()
        return next((member for member in fresh if states.get(member) == "healthy"), None)

    def _images(self) -> dict[str, str]:
        """Instance id -> image of the members in service."""
        members = [
            each["InstanceId"]
            for each in self.tier.group(self.zone)["Instances"]
            if each["LifecycleState"] in ("InService", "Pending")
        ]
        if not members:
            return {}
        described = self.ec2.describe_instances(InstanceIds=members)["Reservations"]
        return {
            instance["InstanceId"]: instance["ImageId"]
            for reservation in described
            for instance in reservation["Instances"]
        }

    def _version(self) -> dict[str, Any]:
        template = self.tier.group(self.zone)["LaunchTemplate"]
        return self.ec2.describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"], Versions=[template["Version"]]
        )["LaunchTemplateVersions"][0]

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        self.tier.suspend(self.zone, Reason.IMAGE, SUSPENDED)
        try:
            yield
        finally:
            self.tier.resume(self.zone, Reason.IMAGE)

    def _wait_until(
        self, condition: Callable[[], bool], patience_seconds: float, failure: str
    ) -> None:
        """Return when the condition holds. Raises StalledError where the members do not change."""

        def look() -> Look:
            return Look(condition(), self._states())

        progress.wait_for(
            {self.name: look},
            patience_seconds=patience_seconds,
            cause=lambda standing: failure,
        )

    def _states(self) -> str:
        """The members' states, as the group and the balancer have them."""
        health = self.tier.target_states()
        members = self.tier.group(self.zone)["Instances"]
        return ", ".join(
            f"{each['InstanceId']} {each['LifecycleState']}"
            f" {health.get(each['InstanceId'], '')}".rstrip()
            for each in sorted(members, key=lambda each: each["InstanceId"])
        )
