"""CloudWatch's alarms: samples become a data point per period, and these the alarm's state.

Pure. See "Using Amazon CloudWatch alarms" and "Configuring how CloudWatch alarms treat missing
data" in CloudWatch's user guide.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# How many periods more than it needs an alarm looks at, for those where data are missing. AWS gives
# no figure for all cases; in the guide's tables it is this.
SPARE_PERIODS = 2

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Sample:
    """What was put into a metric: one value, or a set of `count` values by its statistics."""

    at_seconds: float  # since 1970
    total: float
    low: float
    high: float
    count: float = 1


# The statistics of the samples of one period.
STATISTICS: dict[str, Callable[[Sequence[Sample]], float]] = {
    "Average": lambda samples: sum(s.total for s in samples) / sum(s.count for s in samples),
    "Sum": lambda samples: sum(s.total for s in samples),
    "Minimum": lambda samples: min(s.low for s in samples),
    "Maximum": lambda samples: max(s.high for s in samples),
    "SampleCount": lambda samples: sum(s.count for s in samples),
}


@dataclass(frozen=True)
class Rule:
    """When an alarm is in ALARM.

    `to_alarm` of the last `periods` data points are on the wrong side of the threshold.
    """

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"  # missing, ignore, breaching, notBreaching

    def breaching(self, point: float) -> bool:
        """Whether a data point is on the wrong side."""
        return COMPARISONS[self.comparison](point, self.threshold)


def points(
    samples: Iterable[Sample], statistic: str, period_seconds: float, count: int, now_seconds: float
) -> list[float | None]:
    """Return a data point of each of the last `count` full periods, oldest first; None: no data.

    Periods begin at whole multiples of their length.
    """
    ended = now_seconds // period_seconds
    found: dict[float, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.at_seconds // period_seconds, []).append(sample)
    return [
        STATISTICS[statistic](found[number]) if number in found else None
        for number in (ended - back for back in range(count, 0, -1))
    ]


def evaluate(rule: Rule, recent: Sequence[float | None], state: str) -> str:
    """Return the next state of an alarm in `state`, after its evaluation range's data points.

    `recent` has SPARE_PERIODS more than the rule's periods, oldest first.
    """
    there = [rule.breaching(point) for point in recent if point is not None]
    if len(there) >= rule.periods:
        return ALARM if sum(there[-rule.periods :]) >= rule.to_alarm else OK
    filled = rule.periods - len(there)
    if rule.missing in ("breaching", "notBreaching"):
        breaching = sum(there) + (filled if rule.missing == "breaching" else 0)
        return ALARM if breaching >= rule.to_alarm else OK
    if not all(there):
        return ALARM if sum(there) >= rule.to_alarm else OK
    if rule.missing == "ignore":
        return state
    # All that is there is breaching. "Avoiding premature transitions to alarm state": that is
    # believed once the oldest is so old that what comes next cannot make it one of too few.
    oldest = next((age for age in range(len(recent), 0, -1) if recent[-age] is not None), 0)
    return ALARM if oldest >= rule.to_alarm else INSUFFICIENT_DATA
