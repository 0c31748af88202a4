"""Metrics to alarms to sizes: the same series by the pure functions alone, and through the loop,
where they are put by PutMetricData and acted on by the region."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import smallfleet
from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.core.utils import utcnow

from tools.lab.aws import alarms, gaps, policies, scaling, tracking

TARGET, PERIOD_SECONDS = 45, 10
START_SECONDS = 2_000_000_000.0  # the tests' own time: a whole number of periods
METRIC = {
    **{"Namespace": "AirAware", "MetricName": "HostCPU", "Statistic": "Average", "Period": 10},
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "tracked"}],
}

# The metric in each period (None: nothing was put), and the size that is wanted after it.
IDLE = [(3.0, 1)] * 3
SERIES: dict[str, list[tuple[float | None, int]]] = {
    "out after three periods above the target": [
        *IDLE,
        *((90.0, 1), (90.0, 1), (90.0, 2), (44.0, 2)),
    ],
    "not after two": [*IDLE, (90.0, 1), (90.0, 1), (44.0, 1), (90.0, 1)],
    "a gap is bridged by what is there": [*IDLE, (90.0, 1), (None, 1), (90.0, 1), (90.0, 2)],
    "by how much": [*IDLE, (60.0, 1), (60.0, 1), (200.0, 5)],
    "not beyond the greatest size": [*IDLE, (999.0, 1), (999.0, 1), (999.0, 7)],
    "in after fifteen periods below nine tenths of the target": [
        *IDLE,
        *((80.0, 1), (80.0, 1), (80.0, 2)),
        *[(20.0, 2)] * 14,
        (20.0, 1),
        (40.0, 1),
    ],
    "not in just below the target": [*IDLE, (80.0, 1), (80.0, 1), (80.0, 2), *[(42.0, 2)] * 20],
    "no data, no scaling": [*IDLE, (80.0, 1), (80.0, 1), (80.0, 2), *[(None, 2)] * 20],
}


@pytest.mark.parametrize("case", SERIES)
def test_a_series_by_the_functions_alone(case: str) -> None:
    high = alarms.Rule("GreaterThanThreshold", TARGET, tracking.HIGH_PERIODS, tracking.HIGH_PERIODS)
    low = alarms.Rule(
        *("LessThanThreshold", TARGET * tracking.LOW_SHARE),
        *(tracking.LOW_PERIODS, tracking.LOW_PERIODS),
    )
    states = dict.fromkeys((high, low), alarms.INSUFFICIENT_DATA)
    size, samples = 1, []
    for number, (value, expected) in enumerate(SERIES[case]):
        begin = START_SECONDS + number * PERIOD_SECONDS
        if value is not None:
            samples.append(alarms.Sample(begin + 9, value, value, value))
        recent = {
            rule: alarms.points(
                *(samples, "Average", PERIOD_SECONDS),
                *(rule.periods + alarms.SPARE_PERIODS, begin + PERIOD_SECONDS),
            )
            for rule in states
        }
        states = {rule: alarms.evaluate(rule, recent[rule], states[rule]) for rule in states}
        fires = (states[rule] == alarms.ALARM for rule in (high, low))
        policy = tracking.Policy(TARGET, recent[high][-1], *fires)
        size = tracking.wanted(tracking.Group(size, 1, 7, warm=size), [policy])
        assert size == expected, f"after period {number} with {value}"


@pytest.fixture
def tracked(served: Any) -> Iterator[Any]:
    """With a group `tracked` of one member, scaled by its CPU."""
    autoscaling = served.client("autoscaling")
    autoscaling.create_auto_scaling_group(
        **{"AutoScalingGroupName": "tracked", "MinSize": 1, "MaxSize": 7},
        LaunchTemplate={"LaunchTemplateId": served.fleet.template, "Version": "2"},
        VPCZoneIdentifier=served.fleet.subnets["a"],
    )
    put_policy(served, warmup_seconds=0)
    scaling.keep_up(served.moto)
    yield served
    autoscaling.delete_policy(AutoScalingGroupName="tracked", PolicyName="tracked-cpu")
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="tracked", ForceDelete=True)
    gaps.observed.hosts.clear()


def put_policy(served: Any, warmup_seconds: int) -> None:
    served.client("autoscaling").put_scaling_policy(
        **{"AutoScalingGroupName": "tracked", "PolicyName": "tracked-cpu"},
        **{"PolicyType": "TargetTrackingScaling", "EstimatedInstanceWarmup": warmup_seconds},
        TargetTrackingConfiguration={
            "TargetValue": TARGET,
            "CustomizedMetricSpecification": METRIC,
        },
    )


def put(cloudwatch: Any, value: float, at_seconds: float) -> None:
    cloudwatch.put_metric_data(
        Namespace="AirAware",
        MetricData=[
            {
                **{"MetricName": "HostCPU", "Dimensions": METRIC["Dimensions"], "Value": value},
                **{"Timestamp": datetime.fromtimestamp(at_seconds, UTC), "StorageResolution": 1},
            }
        ],
    )


def group() -> FakeAutoScalingGroup:
    return autoscaling_backends["123456789012"][smallfleet.REGION].autoscaling_groups["tracked"]


@pytest.mark.parametrize("clock_factor", [1, 5])
@pytest.mark.parametrize("case", SERIES)
def test_a_series_through_the_loop(tracked: Any, case: str, clock_factor: int) -> None:
    loop, cloudwatch = policies.Policies(tracked.moto, clock_factor), tracked.client("cloudwatch")
    period_seconds = PERIOD_SECONDS / clock_factor
    # Each case at a time of its own: the metric keeps the data of the others.
    place = list(SERIES).index(case) + (100 if clock_factor > 1 else 0)
    start_seconds = START_SECONDS + place * 1000
    for number, (value, expected) in enumerate(SERIES[case]):
        begin = start_seconds + number * period_seconds
        if value is not None:
            put(cloudwatch, value, begin + 0.9 * period_seconds)
        loop.follow(begin + period_seconds + policies.ARRIVAL_SECONDS)
        for _ in range(2):  # who leaves is gone in the second
            scaling.keep_up(tracked.moto)
        found = group().desired_capacity, len(group().instance_states)
        assert found == (expected, expected), f"after period {number} with {value}"


def test_members_that_warm_up_hold_back_scaling_in(tracked: Any) -> None:
    start_seconds = START_SECONDS + 90_000
    loop, cloudwatch = policies.Policies(tracked.moto), tracked.client("cloudwatch")
    put_policy(tracked, warmup_seconds=300)
    tracked.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName="tracked", DesiredCapacity=2
    )
    scaling.keep_up(tracked.moto)

    def after(periods: range) -> int | None:
        for number in periods:
            begin = start_seconds + number * PERIOD_SECONDS
            put(cloudwatch, 3, begin + 9)
            loop.follow(begin + PERIOD_SECONDS + policies.ARRIVAL_SECONDS)
        return group().desired_capacity

    assert after(range(16)) == 2
    for state in group().instance_states:
        state.instance.launch_time = utcnow() - timedelta(seconds=301)
    assert after(range(16, 17)) == 1


def test_a_suspended_alarm_notification_holds_what_there_is(tracked: Any) -> None:
    start_seconds = START_SECONDS + 95_000
    loop, cloudwatch = policies.Policies(tracked.moto), tracked.client("cloudwatch")
    autoscaling = tracked.client("autoscaling")

    def after(periods: range) -> int | None:
        for number in periods:
            begin = start_seconds + number * PERIOD_SECONDS
            put(cloudwatch, 90, begin + 9)
            loop.follow(begin + PERIOD_SECONDS + policies.ARRIVAL_SECONDS)
        return group().desired_capacity

    processes = {"AutoScalingGroupName": "tracked", "ScalingProcesses": ["AlarmNotification"]}
    autoscaling.suspend_processes(**processes)
    assert after(range(4)) == 1
    autoscaling.resume_processes(**processes)
    assert after(range(4, 5)) == 2, "the alarm that has fired meanwhile counts now"
