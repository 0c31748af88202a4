"""What an auto-scaling group does, case by case, as EC2 Auto Scaling's user guide has it."""

from dataclasses import replace
from typing import Any

import pytest

from tools.lab.aws.scaling import Decision, Group, Member, decide

A = Member("i-a", "zone-a", age_seconds=300)
B = Member("i-b", "zone-b", age_seconds=200)
TWO = Group(desired=2, zones=("zone-a", "zone-b"), members=(A, B), grace_seconds=60)
BY_BALANCER = replace(TWO, by_balancer=True)


def having(group: Group, *members: Member) -> Group:
    return replace(group, members=members)


def suspended(group: Group, *processes: str) -> Group:
    return replace(group, suspended=frozenset(processes))


DEAD = replace(A, host="dead")
STOPPED = replace(A, runs=False)
REFUSING = replace(A, targets=frozenset({"unhealthy"}))
MARKED = replace(A, unhealthy=True)
A_DIES = having(TWO, DEAD, B)
REPLACED_AT_ONCE = Decision(mark=("i-a",), terminate=("i-a",), launch=("zone-a",))
REPLACED = Decision(mark=("i-a",), drain=("i-a",), launch=("zone-a",))
MARKED_ONLY = Decision(mark=("i-a",))
NOTHING = Decision()
YOUNG: dict[str, Any] = {"age_seconds": 59}

CASES = {
    # Size.
    "as many as are wanted": (TWO, NOTHING),
    "none yet: over the zones": (having(TWO), Decision(launch=("zone-a", "zone-b"))),
    "one more: where there are fewest": (
        replace(having(TWO, A), desired=2),
        Decision(launch=("zone-b",)),
    ),
    "four of one": (
        replace(having(TWO, A), desired=4),
        Decision(launch=("zone-b", "zone-a", "zone-b")),
    ),
    "one too many: from the fuller zone, the oldest": (
        having(TWO, A, B, replace(B, id="i-b2", age_seconds=100)),
        Decision(drain=("i-b",)),
    ),
    "one too many: not the protected": (
        having(TWO, A, replace(B, protected=True), replace(B, id="i-b2", age_seconds=100)),
        Decision(drain=("i-b2",)),
    ),
    "all protected": (
        replace(having(TWO, replace(A, protected=True)), desired=0),
        NOTHING,
    ),
    "none wanted": (replace(TWO, desired=0), Decision(drain=("i-a", "i-b"))),
    # Health, as EC2 sees it.
    "a host died": (A_DIES, REPLACED_AT_ONCE),
    "stopped by API": (having(TWO, STOPPED, B), REPLACED_AT_ONCE),
    "died within the grace": (having(TWO, replace(DEAD, **YOUNG), B), REPLACED_AT_ONCE),
    "died as it started": (having(TWO, replace(DEAD, age_seconds=2), B), NOTHING),
    "starting": (having(TWO, replace(A, host="starting", **YOUNG), B), NOTHING),
    "both died": (
        having(TWO, DEAD, replace(B, host="dead")),
        Decision(("i-a", "i-b"), (), ("i-a", "i-b"), ("zone-a", "zone-b")),
    ),
    "marked by API": (having(TWO, MARKED, B), Decision(drain=("i-a",), launch=("zone-a",))),
    # Health, as the balancer sees it.
    "refuses, and only EC2 counts": (having(TWO, REFUSING, B), NOTHING),
    "refuses": (having(BY_BALANCER, REFUSING, B), REPLACED),
    "refuses within the grace": (having(BY_BALANCER, replace(REFUSING, **YOUNG), B), NOTHING),
    "in its first checks": (
        having(BY_BALANCER, replace(A, targets=frozenset({"initial"})), B),
        NOTHING,
    ),
    "well in one of two": (
        having(BY_BALANCER, replace(A, targets=frozenset({"healthy", "unhealthy"})), B),
        REPLACED,
    ),
    # Suspended processes.
    "no launch": (suspended(having(TWO, A), "Launch"), NOTHING),
    "no launch, but the dead goes": (
        suspended(A_DIES, "Launch"),
        replace(REPLACED_AT_ONCE, launch=()),
    ),
    "no end": (suspended(replace(TWO, desired=0), "Terminate"), NOTHING),
    "no end of the dead": (suspended(A_DIES, "Terminate"), MARKED_ONLY),
    "no replacement": (suspended(A_DIES, "ReplaceUnhealthy"), MARKED_ONLY),
    "no look": (suspended(A_DIES, "HealthCheck"), NOTHING),
    "no look, but marked by API": (
        suspended(having(TWO, MARKED, B), "HealthCheck"),
        Decision(drain=("i-a",), launch=("zone-a",)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_decide(case: str) -> None:
    group, decision = CASES[case]
    assert decide(group) == decision
