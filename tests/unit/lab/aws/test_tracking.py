"""How large a group should be, case by case, as EC2 Auto Scaling's user guide has it."""

from dataclasses import replace

import pytest

from tools.lab.aws.tracking import Group, Policy, Step, Steps, adjusted, stepped, wanted

# "Target tracking scaling policies for Amazon EC2 Auto Scaling" (TRACKING), "Set the default
# instance warmup for an Auto Scaling group" (WARMUP), "Dynamic scaling" (DYNAMIC), "Suspend and
# resume Amazon EC2 Auto Scaling processes" (SUSPEND).
TWO = Group(desired=2, least=1, greatest=10, warm=2)
SIX = replace(TWO, desired=6, warm=6)


def high(metric: float, target: float = 50) -> Policy:
    return Policy(target, metric, high=True)


def low(metric: float, target: float = 50) -> Policy:
    return Policy(target, metric, low=True)


def suspended(group: Group, process: str) -> Group:
    return replace(group, suspended=frozenset({process}))


BETWEEN = Policy(50, 48)
DISABLED = replace(low(20), scales_in=False)

TRACKING = {
    "between the two thresholds nothing happens": (TWO, [BETWEEN], 2),
    "out: adding 1.5 would do, two are added": (replace(TWO, desired=3, warm=3), [high(75)], 5),
    "out: in proportion, the higher the more": (TWO, [high(100)], 4),
    "in: removing 1.5 would do, one is removed": (replace(TWO, desired=3, warm=3), [low(25)], 2),
    "in: not where the metric would be above the target again": (TWO, [low(44)], 2),
    "out as soon as one of several policies wants it": (TWO, [low(10), high(60)], 3),
    "in only when all are ready": (SIX, [low(20), BETWEEN], 6),
    "in when all are": (SIX, [low(20), low(30)], 4),
    "a policy that scales out alone has no say in it": (SIX, [low(20), replace(DISABLED)], 3),
    "nor does it scale in by itself": (SIX, [DISABLED], 6),
    "no data, no scaling in": (SIX, [Policy(50, None, low=True)], 6),
    "members that leave count while scaling in": (
        replace(SIX, desired=4, warm=4, leaving=2),
        [low(25)],
        3,
    ),
    "no scaling in while a scale-out is in progress": (
        replace(SIX, desired=7, warm=6),
        [low(10)],
        7,
    ),
}
WARMUP = {
    "members that warm up are no capacity while scaling out": (
        replace(TWO, desired=3, warming=1),
        [high(75)],
        3,
    ),
    "but count as wanted: only what is missing is added": (
        replace(TWO, desired=3, warming=1),
        [high(100)],
        4,
    ),
    "no scaling in until they have": (replace(SIX, warm=5, warming=1), [low(10)], 6),
}
DYNAMIC = {
    "not beyond the greatest size": (replace(TWO, greatest=3), [high(100)], 3),
    "not beneath the least": (replace(TWO, desired=3, warm=3, least=2), [low(1)], 2),
    "the policy that gives most decides, out": (TWO, [high(60), high(100)], 4),
    "the policy that gives most decides, in": (SIX, [low(10), low(25)], 3),
}
SUSPEND = {
    "AlarmNotification: no policy acts, out": (suspended(TWO, "AlarmNotification"), [high(99)], 2),
    "AlarmNotification: no policy acts, in": (suspended(SIX, "AlarmNotification"), [low(9)], 6),
    "Launch: no scaling out": (suspended(TWO, "Launch"), [high(99)], 2),
    "Launch: scaling in goes on": (suspended(SIX, "Launch"), [low(25)], 3),
    "Terminate: no scaling in": (suspended(SIX, "Terminate"), [low(9)], 6),
    "Terminate: scaling out goes on": (suspended(TWO, "Terminate"), [high(100)], 4),
}
CASES = TRACKING | WARMUP | DYNAMIC | SUSPEND


@pytest.mark.parametrize("case", CASES)
def test_target_tracking(case: str) -> None:
    group, policies, size = CASES[case]
    assert wanted(group, policies) == size


# "Step and simple scaling policies for Amazon EC2 Auto Scaling", Step adjustments: ten members, a
# threshold of 50 percent, and what the metric then does.
TEN = Group(desired=10, least=0, greatest=20, warm=10)
OUT = Steps("PercentChangeInCapacity", (Step(0, 0, 10), Step(10, 10, 20), Step(30, 20)))
IN = Steps("PercentChangeInCapacity", (Step(0, -10, 0), Step(-10, -20, -10), Step(-30, None, -20)))
STEPS = {
    "59: unchanged": (TEN, OUT, 59, 10),
    "60: a tenth more": (TEN, OUT, 60, 11),
    "70: 30 percent of 11, rounded down": (replace(TEN, desired=11, warm=11), OUT, 70, 14),
    "41: unchanged": (TEN, IN, 41, 10),
    "40: a tenth of 14 less, rounded down": (replace(TEN, desired=14, warm=14), IN, 40, 13),
    "30: 30 percent of 13 less, rounded down": (replace(TEN, desired=13, warm=13), IN, 30, 10),
    "62 while the eleventh warms up: wanted already": (
        replace(TEN, desired=11, warming=1),
        OUT,
        62,
        11,
    ),
    "70 while the eleventh warms up: two more": (replace(TEN, desired=11, warming=1), OUT, 70, 13),
}


@pytest.mark.parametrize("case", STEPS)
def test_steps(case: str) -> None:
    group, plan, metric, size = STEPS[case]
    assert stepped(group, plan, metric - 50) == size


# The same page, Scaling adjustment types; and "Dynamic scaling", How scaling policies work.
HUNDRED = Group(desired=100, least=0, greatest=1000, warm=100)
ADJUSTMENTS = {
    "change: 3 and 5 are 8": (TEN, 3, "ChangeInCapacity", 5, 0, 8),
    "exact: 5": (TEN, 3, "ExactCapacity", 5, 0, 5),
    "percent: 10 of 10 is 1": (TEN, 10, "PercentChangeInCapacity", 10, 0, 11),
    "percent: 12.7 is 12": (HUNDRED, 127, "PercentChangeInCapacity", 10, 0, 139),
    "percent: .67 is 1": (HUNDRED, 67, "PercentChangeInCapacity", 1, 0, 68),
    "percent: -.58 is -1": (HUNDRED, 58, "PercentChangeInCapacity", -1, 0, 57),
    "percent: -6.67 is -6": (HUNDRED, 667, "PercentChangeInCapacity", -1, 0, 661),
    "percent: 25 of 4, but at least 2": (TEN, 4, "PercentChangeInCapacity", 25, 2, 6),
    "at most 3": (replace(TEN, greatest=3), 2, "ChangeInCapacity", 3, 0, 3),
    "at least 2": (replace(TEN, least=2), 3, "ChangeInCapacity", -2, 0, 2),
}


@pytest.mark.parametrize("case", ADJUSTMENTS)
def test_adjustments(case: str) -> None:
    group, size, kind, adjustment, magnitude, result = ADJUSTMENTS[case]
    assert adjusted(group, size, kind, adjustment, magnitude) == result
