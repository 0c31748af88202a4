"""Image renewal of web hosts: zone by zone, one host at a time behind the load balancer.

A group grows by one host of its new image. Once the load balancer reports that host as healthy, the
group shrinks again and drains a host of the old image. If the new host does not become healthy, the
roll-out stops and the group returns to the old image.
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
    """Yield the steps that give every web host the image of its group's launch template.

    A step raises AirAwareError where no host of the new image becomes healthy.
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
        """Make clients for the zone's group; nothing is asked yet."""
        self.tier, self.zone, self.name = tier, zone, tier.groups[zone]
        self.scaling, self.ec2 = tier.client("autoscaling"), tier.client("ec2")

    def image(self) -> str:
        """Return the image that the group launches hosts from."""
        return str(self._version()["LaunchTemplateData"]["ImageId"])

    def old(self) -> list[str]:
        """Return the instance ids of the members that have another image."""
        return [member for member, image in self._images().items() if image != self.image()]

    def renew_one(self) -> None:
        """Replace one member that has an old image.

        Raises:
            AirAwareError: The group is at its largest size, or no new host became healthy; then the
                group has returned to the old image.
        """
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
        """Terminate what was launched, launch the old image again, and mark this one rejected."""
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
        """Return a new member that the load balancer reports as healthy; None if there is none."""
        fresh = self._images().keys() - before.keys()
        states = self.tier.target_states()
        return next((member for member in fresh if states.get(member) == "healthy"), None)

    def _images(self) -> dict[str, str]:
        """Return the image of each member in service, by instance id."""
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
        (version,) = self.ec2.describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"], Versions=[template["Version"]]
        )["LaunchTemplateVersions"]
        return dict(version)

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
        """Wait until the condition holds.

        Raises:
            StalledError: The members no longer change; the message is `failure`.
        """

        def look() -> Look:
            return Look(condition(), self._states())

        progress.wait_for(
            {self.name: look},
            patience_seconds=patience_seconds,
            cause=lambda _standing: failure,
        )

    def _states(self) -> str:
        """Return the members' states, as the group and the load balancer report them."""
        health = self.tier.target_states()
        members = self.tier.group(self.zone)["Instances"]
        return ", ".join(
            f"{each['InstanceId']} {each['LifecycleState']}"
            f" {health.get(each['InstanceId'], '')}".rstrip()
            for each in sorted(members, key=lambda each: each["InstanceId"])
        )
