"""moto's scaling policies, put right as gaps.py does.

It keeps them, without their alarms and whether they are on, and cannot execute one that goes by
steps. What fires the alarms is in policies.py.
"""

from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.responses import EmptyResult
from moto.core.utils import utcnow

from tools.lab.aws import alarms, tracking
from tools.lab.aws.gaps import Original, in_place_of


@in_place_of(AutoScalingBackend, "put_scaling_policy")
def _put_scaling_policy(
    original: Original, self: AutoScalingBackend, *arguments: Any, **named: Any
) -> Any:
    """Have a target tracking policy bring the two alarms that it goes by."""
    policy: Any = original(self, *arguments, **named)
    policy.enabled = True
    if policy.policy_type != "PredictiveScaling":
        policy.predictive_scaling_configuration = None  # an empty one is shown as one
    policy.alarms = []
    configuration = vars(policy.target_tracking_configuration or object)
    if metric := configuration.get("CustomizedMetricSpecification"):
        target = float(configuration["TargetValue"])
        policy.alarms = [
            _alarm(policy, metric, "High", "GreaterThanThreshold", target, tracking.HIGH_PERIODS),
            _alarm(
                *(policy, metric, "Low", "LessThanThreshold"),
                *(target * tracking.LOW_SHARE, tracking.LOW_PERIODS),
            ),
        ]
    return policy


def _alarm(
    policy: Any, metric: dict[str, Any], way: str, comparison: str, threshold: float, periods: int
) -> dict[str, str]:
    name = f"TargetTracking-{policy.auto_scaling_group_name}-Alarm{way}-{policy.name}"
    backend = policy.autoscaling_backend
    alarm = cloudwatch_backends[backend.account_id][backend.region_name].put_metric_alarm(
        name,
        metric["Namespace"],
        metric["MetricName"],
        comparison_operator=comparison,
        threshold=threshold,
        evaluation_periods=periods,
        period=int(metric.get("Period") or 60),
        statistic=metric.get("Statistic") or "Average",
        description=f"Of the policy {policy.name}: do not edit",
        dimensions=metric["Dimensions"],
        alarm_actions=[policy.arn],
        unit=metric.get("Unit"),
    )
    alarm.state_value = alarms.INSUFFICIENT_DATA
    return {"AlarmName": name, "AlarmARN": alarm.alarm_arn}


@in_place_of(AutoScalingBackend, "delete_policy")
def _delete_policy(original: Original, self: AutoScalingBackend, name: str) -> None:
    """Its alarms go with it."""
    if policy := self.policies.get(name):
        names = [alarm.name for alarm in alarms_of(policy)]
        cloudwatch_backends[self.account_id][self.region_name].delete_alarms(names)
    original(self, name)


@in_place_of(AutoScalingResponse, "execute_policy")
def _execute_policy(original: Original, self: AutoScalingResponse) -> Any:
    """By steps: MetricValue and BreachThreshold of the request say how far."""
    policy = self.autoscaling_backend.policies.get(self._get_param("PolicyName"))
    if policy is None or policy.policy_type != "StepScaling":
        return original(self)
    breach = float(self._get_param("MetricValue")) - float(self._get_param("BreachThreshold"))
    group = self.autoscaling_backend.autoscaling_groups[policy.auto_scaling_group_name]
    group.set_desired_capacity(stepped(policy, breach))
    return EmptyResult()


def stepped(policy: FakeScalingPolicy, breach: float, clock_factor: float = 1) -> int:
    """Return the size that a step policy wants, `breach` beyond the alarm's threshold."""
    group = policy.autoscaling_backend.autoscaling_groups[policy.auto_scaling_group_name]
    adjustments: Any = policy.step_adjustments
    steps = tuple(
        tracking.Step(
            int(each["ScalingAdjustment"]),
            _float(each.get("MetricIntervalLowerBound")),
            _float(each.get("MetricIntervalUpperBound")),
        )
        for each in adjustments
    )
    plan = tracking.Steps(policy.adjustment_type, steps, int(policy.min_adjustment_magnitude or 0))
    picture = group_for_policies(group, warmup_seconds(policy) / clock_factor)
    return tracking.stepped(picture, plan, breach)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def warmup_seconds(policy: FakeScalingPolicy) -> float:
    """How long a member of the policy's group warms up; without a word of it, the cooldown."""
    group = policy.autoscaling_backend.autoscaling_groups[policy.auto_scaling_group_name]
    given: Any = policy.estimated_instance_warmup
    return float(group.default_cooldown if given is None else given)


def alarms_of(policy: FakeScalingPolicy) -> list[Alarm]:
    """Return the alarms that a target tracking policy has brought, as far as they are there."""
    backend = policy.autoscaling_backend
    known = cloudwatch_backends[backend.account_id][backend.region_name].alarms
    names = [alarm["AlarmName"] for alarm in vars(policy).get("alarms", ())]
    return [known[name] for name in names if name in known]


def group_for_policies(group: FakeAutoScalingGroup, warmup_seconds: float) -> tracking.Group:
    """Return the group as its policies see it: members are warm so long after their launch."""
    serving = [state for state in group.instance_states if state.lifecycle_state == "InService"]
    ages = [(utcnow() - state.instance.launch_time).total_seconds() for state in serving]
    warm = sum(age >= warmup_seconds for age in ages)
    return tracking.Group(
        desired=group.desired_capacity or 0,
        least=group.min_size or 0,
        greatest=group.max_size or 0,
        warm=warm,
        warming=len(ages) - warm,
        leaving=len(group.instance_states) - len(serving),
        suspended=frozenset(group._suspended_processes),
    )
