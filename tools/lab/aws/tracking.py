"""Scaling policies: how many members a group should have, by the state of its policies' alarms.

Pure. See "Target tracking scaling policies", "Step and simple scaling policies", "Dynamic scaling"
(which policy decides) and "Set the default instance warmup" in EC2 Auto Scaling's user guide.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What EC2 Auto Scaling makes of a target: an alarm that fires above it, and one that fires where
# the metric has long been well below it ("usually more than 10% lower").
HIGH_PERIODS, LOW_PERIODS, LOW_SHARE = 3, 15, 0.9


@dataclass(frozen=True)
class Group:
    """An auto-scaling group, as its policies see it.

    `warm` and `warming` are members in service; `leaving` are terminating.
    """

    desired: int
    least: int
    greatest: int
    warm: int
    warming: int = 0
    leaving: int = 0
    suspended: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """A target tracking policy, with the state of its two alarms: `metric` is the latest point."""

    target: float
    metric: float | None
    high: bool = False
    low: bool = False
    scales_in: bool = True


@dataclass(frozen=True)
class Step:
    """A step of a step policy: `adjustment` for a breach from `lower` to `upper`.

    Both count from the alarm's threshold; None: without an end.
    """

    adjustment: int
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Steps:
    """A step policy. `magnitude`: the fewest members that a percentage changes."""

    kind: str
    steps: tuple[Step, ...]
    magnitude: int = 0


def wanted(group: Group, policies: Iterable[Policy]) -> int:
    """How many members target tracking wants: the group's desired number where nothing is to do.

    Out as soon as one policy wants it, by the policy that wants most; in only when all policies
    that may scale in are ready, and no member is still on its way.
    """
    policies = tuple(policies)
    if "AlarmNotification" in group.suspended:
        return group.desired
    out = [_capacity(group.warm, p) for p in policies if p.high and p.metric is not None]
    if out:
        more = min(max(out), group.greatest)
        return group.desired if "Launch" in group.suspended else max(group.desired, more)
    able = [policy for policy in policies if policy.scales_in]
    launching = group.warming > 0 or group.warm + group.warming < group.desired
    ready = able and all(p.low and p.metric is not None for p in able)
    if not ready or launching or "Terminate" in group.suspended:
        return group.desired
    # Those that are terminating count as there, so that not more leave than need to.
    fewer = max(_capacity(group.warm + group.leaving, policy) for policy in able)
    return min(group.desired, max(fewer, group.least))


def _capacity(members: int, policy: Policy) -> int:
    """Return how many members would bring the metric to its target.

    Rounded up: neither too few are added nor too many removed.
    """
    assert policy.metric is not None
    return math.ceil(round(members * policy.metric / policy.target, 6))


def stepped(group: Group, plan: Steps, breach: float) -> int:
    """How many members a step policy wants, `breach` above its alarm's threshold (below: negative).

    Out, members that warm up do not count as there, but as wanted: breaches of the same step in a
    row add once.
    """
    step = _step(plan.steps, breach)
    if step is None:
        return group.desired
    out = adjusted(group, group.warm, plan.kind, step.adjustment, plan.magnitude)
    if out > group.warm:
        return max(group.desired, out)
    return adjusted(group, group.desired, plan.kind, step.adjustment, plan.magnitude)


def adjusted(group: Group, size: int, kind: str, adjustment: int, magnitude: int = 0) -> int:
    """Return what an adjustment makes of a size, within the group's bounds.

    `kind` is ChangeInCapacity, ExactCapacity or PercentChangeInCapacity: that is rounded towards
    zero, but changes by one at least, or by `magnitude`.
    """
    change = adjustment
    if kind == "ExactCapacity":
        change = adjustment - size
    if kind == "PercentChangeInCapacity" and adjustment:
        whole = max(abs(int(size * adjustment / 100)), magnitude, 1)
        change = whole if adjustment > 0 else -whole
    return min(max(size + change, group.least), group.greatest)


def _step(steps: Sequence[Step], breach: float) -> Step | None:
    """Of a step's two bounds, the one that is nearer to the threshold belongs to it."""
    for step in steps:
        lower = -math.inf if step.lower is None else step.lower
        upper = math.inf if step.upper is None else step.upper
        if (lower <= breach < upper) if breach >= 0 else (lower < breach <= upper):
            return step
    return None
