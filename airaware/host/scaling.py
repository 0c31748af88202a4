"""What the fleet's web groups have suspended, for Prometheus. Runs on the monitoring host.

    python -m airaware.host.scaling --file FILE --environment NAME

Runs for ever. A group whose scaling processes stay suspended neither grows nor replaces a host that
is ill: an alert is on it. Where AWS does not answer, the file stays as it was, which another is on.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client.core import GaugeMetricFamily, Metric

from airaware.errors import AirAwareError
from airaware.host import journal
from airaware.host.metrics import export, ticks

EVERY_SECONDS = 60


@dataclass(frozen=True)
class Suspended:
    """A collector for prometheus_client: the groups with the tag Environment=`environment`."""

    autoscaling: Any
    environment: str

    def collect(self) -> Iterator[Metric]:
        """Yield how many processes each group has suspended, and a 1 for each of them.

        Raises AirAwareError where AWS does not answer.
        """
        count = GaugeMetricFamily(
            "airaware_group_suspended",
            "Scaling processes that the group has suspended.",
            labels=["group"],
        )
        each = GaugeMetricFamily(
            "airaware_group_process_suspended",
            "1, with a scaling process that the group has suspended.",
            labels=["group", "process"],
        )
        for name, processes in self._groups().items():
            count.add_metric([name], len(processes))
            for process in processes:
                each.add_metric([name, process], 1)
        yield from (count, each)

    def _groups(self) -> dict[str, list[str]]:
        """Return the suspended processes by the group's name."""
        own = {"Name": "tag:Environment", "Values": [self.environment]}
        try:
            pages = self.autoscaling.get_paginator("describe_auto_scaling_groups")
            return {
                group["AutoScalingGroupName"]: sorted(
                    process["ProcessName"] for process in group["SuspendedProcesses"]
                )
                for page in pages.paginate(Filters=[own])
                for group in page["AutoScalingGroups"]
            }
        except (BotoCoreError, ClientError) as error:
            raise AirAwareError(f"AWS does not describe the groups: {error}") from None


def main() -> None:
    """Write the metrics for ever."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, required=True, help="where the exporter reads them")
    parser.add_argument("--environment", required=True, help="the groups' tag Environment")
    given = parser.parse_args()
    groups = Suspended(boto3.client("autoscaling"), given.environment)
    export(groups, given.file, ticks(EVERY_SECONDS))


if __name__ == "__main__":
    journal.begin()
    main()
