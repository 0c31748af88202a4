"""A web host's own CPU, published to CloudWatch: what its auto-scaling group is scaled by.

    python -m airaware.host.cpu

Runs for ever. Every AIRAWARE_HOST_CPU_SECONDS it puts one value of AirAware/HostCPU, under the name
of its group: the percent of the CPUs that its instance type has which were busy since the value
before. EC2's own CPUUtilization has a value a minute at best.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from airaware import settings
from airaware.errors import AirAwareError
from airaware.host import journal
from airaware.host.metadata import group_name
from airaware.host.usage import usage

NAMESPACE, METRIC, DIMENSION = "AirAware", "HostCPU", "AutoScalingGroupName"
TEXTFILES = Path("/var/lib/prometheus/node-exporter")  # node exporter adds these to its own metrics
# Published so long before a period of CloudWatch ends, a value is there when the period is judged.
LEAD_SECONDS = 1.0
# The first values are of the boot and of Puppet's first run, not of visitors: a group
# would grow by them, and by those of the hosts that it grew by. Without a master no such run comes.
FIRST_RUN = Path("/var/lib/airaware/first-run")
LEAST_QUIET_VALUES, MOST_QUIET_VALUES = 4, 18

log = logging.getLogger("airaware.host.cpu")


def moments(
    interval_seconds: float,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[float]:
    """Yield each time to publish when it has come: once per period, shortly before its end."""
    lead_seconds = min(LEAD_SECONDS, interval_seconds / 4)
    while True:
        now = clock()
        period = (now + lead_seconds) // interval_seconds + 1
        sleep(period * interval_seconds - lead_seconds - now)
        yield clock()


def is_own(number: int, first_run: Path = FIRST_RUN) -> bool:
    """Whether the value of this number, from 0 on, is of the host's own beginnings."""
    most = LEAST_QUIET_VALUES if first_run.exists() else MOST_QUIET_VALUES
    return number < most


def main(left_out: Callable[[int], bool] = is_own) -> None:
    """Publish for ever, but for the first values, as `left_out` says by their number.

    Where CloudWatch refuses, say so and go on with the next value.
    """
    interval_seconds = settings.read().host_cpu_seconds
    group = group_name()
    if not group:
        log.warning("This host is in no auto-scaling group: nobody needs its CPU")
        return
    cloudwatch = boto3.client(
        "cloudwatch",
        # A value that is late is of no use.
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    before, since, refused = usage(), time.monotonic(), False
    log.info("publishing %s/%s of %s every %g s", NAMESPACE, METRIC, group, interval_seconds)
    for number, _ in enumerate(moments(interval_seconds)):
        after, now = usage(), time.monotonic()
        percent = after.percent_since(before, now - since)
        before, since = after, now
        if left_out(number):
            continue
        try:
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum(group, percent)])
            refused = False
            write_metric(time.time())
        except (BotoCoreError, ClientError) as error:
            if not refused:  # once per outage, not every few seconds
                log.error("CloudWatch did not take the value: %s", error)
            refused = True


def write_metric(published: float, folder: Path = TEXTFILES) -> None:
    """Leave the time of the last value for node exporter, where this host has it.

    An alert is on it, as a group without values does not scale.
    """
    if os.access(folder, os.W_OK):
        unfinished = folder / "host_cpu.prom.new"
        unfinished.write_text(
            "# TYPE airaware_host_cpu_published_timestamp_seconds gauge\n"
            f"airaware_host_cpu_published_timestamp_seconds {published:.3f}\n"
        )
        unfinished.chmod(0o644)
        unfinished.rename(folder / "host_cpu.prom")


def datum(group: str, percent: float) -> dict[str, Any]:
    """One value of the metric, as PutMetricData takes it."""
    return {
        "MetricName": METRIC,
        "Dimensions": [{"Name": DIMENSION, "Value": group}],
        "Value": percent,
        "Unit": "Percent",
        "StorageResolution": 1,
    }


if __name__ == "__main__":
    journal.begin()
    try:
        main()
    except AirAwareError as error:
        sys.exit(f"host_cpu: {error}")
