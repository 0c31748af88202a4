"""Alarms follow their metrics, and scaling policies their alarms.

As with CloudWatch and EC2 Auto Scaling; alarms.py and tracking.py decide. A region's clock may run
faster than the wall's: with a factor of 5, a period of 10 s takes 2 s, and so do warm-ups a fifth
of their time.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, FakeScalingPolicy, autoscaling_backends
from moto.cloudwatch.models import (
    Alarm,
    MetricAggregatedDatum,
    MetricDatum,
    MetricDatumBase,
    cloudwatch_backends,
)
from moto.core import DEFAULT_ACCOUNT_ID

from tools.lab.aws import alarms, policy_gaps, tracking
from tools.lab.aws.calls import REGION
from tools.lab.aws.region import Moto

# A period's data are looked at when they had this long to arrive.
ARRIVAL_SECONDS = 1
# As CloudWatch keeps points of less than a minute.
KEPT_SECONDS = 3 * 3600

log = logging.getLogger(__name__)


class Policies:
    """The loop's memory: which period each alarm has seen, and what it saw."""

    def __init__(self, moto: Moto, clock_factor: float = 1) -> None:
        """Begin without a memory: every alarm is due."""
        self._moto = moto
        self._clock_factor = clock_factor
        self._periods: dict[str, float] = {}  # an alarm's ARN -> the latest period it has seen
        self._latest: dict[str, float | None] = {}  # -> that period's data point

    def follow(self, now_seconds: float) -> None:
        """Judge the alarms whose period has ended, and have their policies act.

        `now_seconds` is the time since 1970.
        """
        cloudwatch = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
        scaling = autoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]
        with self._moto.lock:
            if judged := {a.alarm_arn: a for a in self._due(cloudwatch.alarms, now_seconds)}:
                old = now_seconds - KEPT_SECONDS
                cloudwatch.metric_data = [d for d in cloudwatch.metric_data if _time(d) > old]
            for alarm in judged.values():
                self._judge(alarm, cloudwatch.metric_data, now_seconds)
            for group in scaling.autoscaling_groups.values():
                self._act(group, scaling.describe_policies(group.name), judged)

    def _due(self, known: dict[str, Alarm], now_seconds: float) -> Iterator[Alarm]:
        for alarm in known.values():
            ended = (now_seconds - ARRIVAL_SECONDS) // self._period_seconds(alarm)
            if alarm.period and self._periods.get(alarm.alarm_arn) != ended:
                self._periods[alarm.alarm_arn] = ended
                yield alarm

    def _period_seconds(self, alarm: Alarm) -> float:
        return float(alarm.period or 60) / self._clock_factor

    def _judge(self, alarm: Alarm, data: list[MetricDatumBase], now_seconds: float) -> None:
        rule = alarms.Rule(
            comparison=alarm.comparison_operator,
            threshold=float(alarm.threshold),
            periods=int(alarm.evaluation_periods),
            to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
            missing=alarm.treat_missing_data or "missing",
        )
        recent = alarms.points(
            [_sample(datum) for datum in data if _is_of(alarm, datum)],
            alarm.statistic,
            self._period_seconds(alarm),
            rule.periods + alarms.SPARE_PERIODS,
            now_seconds - ARRIVAL_SECONDS,
        )
        self._latest[alarm.alarm_arn] = recent[-1]
        state = alarms.evaluate(rule, recent, alarm.state_value)
        if state != alarm.state_value:
            shown = ", ".join("-" if point is None else f"{point:.1f}" for point in recent)
            log.info("alarm %s: %s after %s", alarm.name, state, shown)
            alarm.update_state(f"Data points: {shown}", "{}", state)

    def _act(
        self,
        group: FakeAutoScalingGroup,
        policies: list[FakeScalingPolicy],
        judged: dict[str, Alarm],
    ) -> None:
        """Set the group's desired size, where one of its alarms has just been judged.

        Without data in the latest period nothing is done: an alarm goes on for a while by itself.
        """
        tracked, warmup_seconds = [], 0.0
        for policy in policies:
            own = {alarm.alarm_arn for alarm in policy_gaps.alarms_of(policy)}
            if seen := [alarm for alarm in judged.values() if alarm.alarm_arn in own]:
                tracked.append(self._policy(policy, seen))
                warmup_seconds = max(warmup_seconds, policy_gaps.warmup_seconds(policy))
            for alarm in judged.values():
                if policy.arn in alarm.alarm_actions and alarm.alarm_arn not in own:
                    self._step(group, policy, alarm)
        if tracked:
            picture = policy_gaps.group_for_policies(group, warmup_seconds / self._clock_factor)
            _resize(group, tracking.wanted(picture, tracked))

    def _policy(self, policy: FakeScalingPolicy, own: list[Alarm]) -> tracking.Policy:
        configuration: Any = vars(policy.target_tracking_configuration)
        high, low = (
            any(a.state_value == alarms.ALARM for a in own if a.comparison_operator.startswith(way))
            for way in ("Greater", "Less")
        )
        return tracking.Policy(
            target=float(configuration["TargetValue"]),
            metric=self._latest[own[0].alarm_arn],
            high=high,
            low=low,
            scales_in=not configuration.get("DisableScaleIn"),
        )

    def _step(self, group: FakeAutoScalingGroup, policy: FakeScalingPolicy, alarm: Alarm) -> None:
        """Have a step policy act on an alarm of the operator's own."""
        metric = self._latest[alarm.alarm_arn]
        fires = alarm.state_value == alarms.ALARM and alarm.actions_enabled
        suspended = "AlarmNotification" in group._suspended_processes
        if policy.policy_type == "StepScaling" and metric is not None and fires and not suspended:
            breach = metric - float(alarm.threshold)
            _resize(group, policy_gaps.stepped(policy, breach, self._clock_factor))


def _resize(group: FakeAutoScalingGroup, wanted: int) -> None:
    if wanted != group.desired_capacity:
        log.info("%s: %s members wanted, had %s", group.name, wanted, group.desired_capacity)
        group.desired_capacity = wanted


def _is_of(alarm: Alarm, datum: MetricDatumBase) -> bool:
    return (
        (datum.namespace, datum.name) == (alarm.namespace, alarm.metric_name)
        and {(d.name, d.value) for d in datum.dimensions}
        == {(d.name, d.value) for d in alarm.dimensions}
        and (not alarm.unit or alarm.unit == datum.unit)
    )


def _sample(datum: MetricDatumBase) -> alarms.Sample:
    if isinstance(datum, MetricAggregatedDatum):
        return alarms.Sample(_time(datum), datum.sum, datum.min, datum.max, datum.sample_count)
    assert isinstance(datum, MetricDatum)
    return alarms.Sample(_time(datum), datum.value, datum.value, datum.value)


def _time(datum: MetricDatumBase) -> float:
    """Since 1970; moto's own stamps are UTC without saying so."""
    stamp: datetime = datum.timestamp
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
