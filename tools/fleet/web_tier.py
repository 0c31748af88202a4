"""The web tier: each zone's group of web hosts, as its group and the load balancer have it.

This alone suspends and resumes the groups' scaling processes. Each suspension has a reason, and is
written into the fleet's bucket before it is made: web-tier/ZONE/REASON.json. So whatever becomes of
the process that made it, any operator's machine can resume exactly what it suspended.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from airaware.errors import AirAwareError

PREFIX = "web-tier/"
CPU_NAMESPACE, CPU_METRIC, CPU_PERIOD_SECONDS = "AirAware", "HostCPU", 10
# Without it, a group's new hosts never get a request: its zone is out of the site.
JOINING = "AddToLoadBalancer"


class Reason(StrEnum):
    """Why a group's processes are suspended. A group may be under several reasons at once."""

    FIRST_RUNS = "first-runs"  # a deployment waits for hosts that are not ready yet
    RELEASE = "release"  # a web host gets a release
    IMAGE = "image"  # a web host is replaced by one of a new image
    SHIFT = "shift-away"
    DRILL = "drill"


# What a deployment, a rollback or `fab resume-scaling` resumes.
OF_DEPLOYMENTS = (Reason.FIRST_RUNS, Reason.RELEASE, Reason.IMAGE)


@dataclass(frozen=True)
class Suspension:
    """What one reason has suspended in a zone's group, as the journal has it."""

    zone: str
    reason: Reason
    processes: frozenset[str]
    since: str  # ISO 8601, UTC

    @property
    def way_back(self) -> str:
        """The command that resumes the processes."""
        if self.reason is Reason.SHIFT:
            return f"fab shift-back --zone {self.zone}"
        return "fab recover" if self.reason is Reason.DRILL else "fab resume-scaling"


class WebTier:
    """The groups of a fleet's web hosts, by zone; none in the variant with a single host."""

    def __init__(
        self,
        client: Callable[[str], Any],
        groups: Mapping[str, str],
        target_group: str | None,
        bucket: str,
    ) -> None:
        """Describe the tier; nothing is asked yet.

        Args:
            client: Makes a client of an AWS service.
            groups: The groups' names by zone.
            target_group: The ARN of the load balancer's target group; None where there is none.
            bucket: The fleet's bucket, which holds the journal.
        """
        self.client = cache(client)
        self.groups = dict(sorted(groups.items()))
        self.target_group = target_group
        self._bucket = bucket

    def described(self) -> dict[str, dict[str, Any]]:
        """Return the API's description of each zone's existing group, by zone."""
        if not self.groups:  # no name would mean all groups
            return {}
        answer = self.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=list(self.groups.values())
        )
        by_name = {each["AutoScalingGroupName"]: each for each in answer["AutoScalingGroups"]}
        return {zone: by_name[name] for zone, name in self.groups.items() if name in by_name}

    def group(self, zone: str) -> dict[str, Any]:
        """Return the API's description of the zone's group."""
        return self.described()[zone]

    def resize(self, zone: str, size: int) -> None:
        """Set the desired size of the zone's group."""
        self.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=self.groups[zone], DesiredCapacity=size
        )

    def target_states(self) -> dict[str, str]:
        """Return the state of each target by instance id, as the load balancer reports it."""
        described = self.client("elbv2").describe_target_health(TargetGroupArn=self.target_group)
        return {
            each["Target"]["Id"]: each["TargetHealth"]["State"]
            for each in described["TargetHealthDescriptions"]
        }

    def in_service(self) -> dict[str, int]:
        """Return how many members of each zone's group the load balancer reports as healthy."""
        states = self.target_states()
        return {
            zone: sum(
                states.get(member["InstanceId"]) == "healthy" for member in group["Instances"]
            )
            for zone, group in self.described().items()
        }

    def cpu(self, zone: str, begin: datetime, end: datetime) -> list[tuple[float, float]]:
        """Return the mean CPU of the zone's group in percent, with the begin of each period.

        Periods are aligned to the clock, starting with the one that contains `begin`; times are in
        seconds since 1970. Empty where no host has published its CPU.
        """
        first = begin.timestamp() // CPU_PERIOD_SECONDS * CPU_PERIOD_SECONDS
        metric = {
            "Namespace": CPU_NAMESPACE,
            "MetricName": CPU_METRIC,
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": self.groups[zone]}],
        }
        statistic = {"Metric": metric, "Period": CPU_PERIOD_SECONDS, "Stat": "Average"}
        found = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "cpu", "MetricStat": statistic}],
            StartTime=datetime.fromtimestamp(first, UTC),
            EndTime=end,
            ScanBy="TimestampAscending",
        )["MetricDataResults"][0]
        moments = [moment.timestamp() for moment in found["Timestamps"]]
        return list(zip(moments, found["Values"], strict=True))

    def suspended(self, zone: str) -> set[str]:
        """Return the processes that the zone's group has suspended, whoever did it."""
        return _suspended(self.group(zone))

    def suspensions(self) -> list[Suspension]:
        """Return all entries of the journal, by zone and reason."""
        if not self.groups:
            return []
        pages = self.client("s3").get_paginator("list_objects_v2")
        try:
            keys = [
                each["Key"]
                for page in pages.paginate(Bucket=self._bucket, Prefix=PREFIX)
                for each in page.get("Contents", ())
            ]
        except ClientError as error:
            # As in a lab that was lost and is made anew: Terraform's state knows it still.
            if error.response["Error"]["Code"] == "NoSuchBucket":
                return []
            raise
        return [entry for key in keys if (entry := self._read(key))]

    def has_suspended(self, zone: str, reason: Reason) -> bool:
        """Return whether the journal has this reason for the zone's group."""
        return reason in self._of(zone)

    def suspend(self, zone: str, reason: Reason, processes: Iterable[str]) -> None:
        """Suspend processes of the zone's group until `resume` is called with the same reason.

        Processes that others have suspended before stay theirs. Repeating it changes nothing.
        """
        there = self._of(zone)
        ours = frozenset[str]().union(*(each.processes for each in there.values()))
        taken = frozenset(processes) - (self.suspended(zone) - ours)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        if before := there.get(reason):
            taken, since = taken | before.processes, before.since
        self._write(Suspension(zone, reason, taken, since))
        if taken:  # none would mean all
            self.client("autoscaling").suspend_processes(
                AutoScalingGroupName=self.groups[zone], ScalingProcesses=sorted(taken)
            )

    def resume(self, zone: str, reason: Reason) -> None:
        """Resume what this reason has suspended in the zone's group, unless another needs it too.

        If it has suspended nothing, nothing changes.
        """
        there = self._of(zone)
        if reason not in there:
            return
        taken = there.pop(reason).processes
        back = taken.difference(*(each.processes for each in there.values()))
        if back:  # none would mean all
            self.client("autoscaling").resume_processes(
                AutoScalingGroupName=self.groups[zone], ScalingProcesses=sorted(back)
            )
        self.client("s3").delete_object(Bucket=self._bucket, Key=_key(zone, reason))

    def must_be_whole(self) -> None:
        """Check that no zone is out of the site: its hosts could not be judged.

        Raises:
            AirAwareError: One is.
        """
        for zone, way_back in self._shifted_away().items():
            raise AirAwareError(
                f"{zone} is shifted away: its web hosts get no requests, so nobody could see"
                f" whether a release works there. Nothing was changed. First: {way_back}"
            )

    def _shifted_away(self) -> dict[str, str]:
        """Return the zones that are out of the site, each with the command that returns it."""
        known = {
            each.zone: each.way_back
            for each in self.suspensions()
            if each.reason is Reason.SHIFT or JOINING in each.processes
        }
        suspended = {zone: _suspended(group) for zone, group in self.described().items()}
        return {
            zone: known.get(zone) or _by_hand(name, [JOINING])
            for zone, name in self.groups.items()
            if zone in known or JOINING in suspended.get(zone, ())
        }

    def report(self) -> list[str]:
        """Return a line for each reason with suspended processes, and the way to resume them."""
        journal = self.suspensions()
        lines = [
            f"{each.zone}: {', '.join(sorted(each.processes)) or 'nothing'} suspended in"
            f" {self.groups.get(each.zone, 'a group that is gone')} since {each.since} by"
            f" '{each.reason}'; resume: {each.way_back}"
            for each in journal
        ]
        for zone, group in self.described().items():
            name = self.groups[zone]
            ours = (each.processes for each in journal if each.zone == zone)
            if foreign := _suspended(group).difference(*ours):
                lines.append(
                    f"{zone}: {', '.join(sorted(foreign))} suspended in {name}, by no task of fab;"
                    f" resume: {_by_hand(name, sorted(foreign))}"
                )
        return lines

    def _of(self, zone: str) -> dict[Reason, Suspension]:
        return {each.reason: each for each in self.suspensions() if each.zone == zone}

    def _read(self, key: str) -> Suspension | None:
        """Return an entry of the journal; None if it was resumed a moment ago."""
        try:
            body = self.client("s3").get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        found = json.loads(body)
        zone, _, reason = key.removeprefix(PREFIX).removesuffix(".json").partition("/")
        return Suspension(zone, Reason(reason), frozenset(found["processes"]), found["since"])

    def _write(self, entry: Suspension) -> None:
        body = json.dumps({"processes": sorted(entry.processes), "since": entry.since})
        self.client("s3").put_object(
            Bucket=self._bucket, Key=_key(entry.zone, entry.reason), Body=body.encode()
        )


def of(client: Callable[[str], Any], outputs: Mapping[str, Any]) -> WebTier:
    """Return the web tier that Terraform's outputs describe."""
    groups = outputs.get("web_groups", {})  # Terraform has no outputs before its first apply
    return WebTier(client, groups, outputs.get("target_group_arn"), outputs.get("bucket", ""))


def _suspended(group: Mapping[str, Any]) -> set[str]:
    return {each["ProcessName"] for each in group["SuspendedProcesses"]}


def _by_hand(group: str, processes: list[str]) -> str:
    return (
        f"aws autoscaling resume-processes --auto-scaling-group-name {group}"
        f" --scaling-processes {' '.join(processes)}"
    )


def _key(zone: str, reason: Reason) -> str:
    return f"{PREFIX}{zone}/{reason}.json"
