"""What the watchdog does, case by case, with a clock of the test's own: busy is not dead."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from airaware.host import hung
from airaware.host.hung import Decision, Group, Member, OwnTime, Site, Workers, reason_to_wait

ONE, TWO = 101, 102
NOTHING = Decision()


class Host:
    """A host whose watchdog ticks; `course` is what it did, by its own time."""

    def __init__(self, first_run: bool = False) -> None:
        self.first_run = first_run
        self.own, self.seen = OwnTime(), Workers()
        self.course: list[tuple[float, Decision]] = []

    def ticks(self, count: int, answers: dict[int, bool], elapsed: float = 1.0) -> list[Any]:
        """Let time pass; returns what was done in it."""
        begun = len(self.course)
        for _ in range(count):
            now = self.own.pass_by(elapsed)
            self.course.append((now, self.seen.decide(now, answers, self.first_run)))
        return self.done(self.course[begun:])

    @staticmethod
    def done(course: Iterable[tuple[float, Decision]]) -> list[Any]:
        return [(now, decision) for now, decision in course if decision != NOTHING]


def test_workers_that_answer_are_left_alone() -> None:
    assert Host().ticks(1000, {ONE: True, TWO: True}) == []


def test_a_hung_worker_is_killed_and_the_site_goes_on() -> None:
    host = Host()
    host.ticks(5, {ONE: True, TWO: True})
    assert host.ticks(10, {ONE: True, TWO: False}) == [(15, Decision(kill=(TWO,)))]
    assert host.ticks(300, {ONE: True, 103: True}) == []


def test_a_worker_that_answers_late_is_not_killed() -> None:
    host = Host()
    for _ in range(50):
        assert host.ticks(9, {ONE: False}) == []
        assert host.ticks(1, {ONE: True}) == []


def test_where_no_new_worker_answers_the_site_is_restarted() -> None:
    host = Host()
    host.ticks(5, {ONE: True, TWO: True})
    assert host.ticks(13, {ONE: False, TWO: False}) == [
        (15, Decision(kill=(ONE, TWO))),
        (17, Decision(restart=True)),
    ]
    assert host.ticks(300, {103: True, 104: True}) == []


def test_a_new_worker_spares_the_site_its_restart() -> None:
    host = Host()
    host.ticks(5, {ONE: True})
    assert host.ticks(10, {ONE: False}) == [(15, Decision(kill=(ONE,)))]
    assert host.ticks(1, {}) == []
    assert host.ticks(20, {103: True}) == []


def test_a_hung_host_is_reported_after_two_minutes_and_again() -> None:
    host = Host()
    host.ticks(5, {ONE: True})
    done = host.ticks(160, {ONE: False})
    assert [now for now, decision in done if decision.report] == [125, 155]
    assert sum(decision.restart for _, decision in done) > 1


def test_a_site_that_is_gone_is_systemds_to_start_and_only_then_reported() -> None:
    host = Host()
    host.ticks(5, {ONE: True})
    assert host.ticks(125, {}) == [(125, Decision(report=True))]


def test_a_host_in_its_first_run_is_given_longer() -> None:
    host = Host(first_run=True)
    assert host.ticks(899, {}) == []
    assert host.ticks(1, {}) == [(900, Decision(report=True))]


def test_time_in_which_the_watchdog_did_not_run_counts_for_nothing() -> None:
    host = Host()
    host.ticks(5, {ONE: True})
    assert host.ticks(1000, {ONE: False}, elapsed=20) == []
    assert host.own.seconds == 5
    assert host.ticks(9, {ONE: False}) == []
    assert host.ticks(1, {ONE: False}) == [(15, Decision(kill=(ONE,)))]


OWN, OTHER, THIRD = "i-2", "i-3", "i-1"
GROUPS = (Group(1, {OWN: Member()}), Group(2, {OTHER: Member(), THIRD: Member()}))
HANGS = Site(GROUPS, {OWN: hung.HUNG, OTHER: hung.HEALTHY, THIRD: hung.HEALTHY})


def with_targets(**states: str) -> Site:
    targets = {id_.replace("_", "-"): state for id_, state in states.items()}
    return replace(HANGS, targets={**HANGS.targets, **targets})


def with_other_group(**changes: Any) -> Site:
    return replace(HANGS, groups=(GROUPS[0], replace(GROUPS[1], **changes)))


CASES = {
    "it hangs, the others are well": (HANGS, ""),
    "another one answers, with a no": (with_targets(i_1=hung.REFUSES), ""),
    "the balancer finds it well": (with_targets(i_2=hung.HEALTHY), "has it as healthy"),
    "it answers that it cannot serve": (with_targets(i_2=hung.REFUSES), "has it as refuses"),
    "it drains": (with_targets(i_2="draining"), "has it as draining"),
    "it has just come": (with_targets(i_2="initial"), "has it as initial"),
    "it is no target": (replace(HANGS, targets={OTHER: hung.HEALTHY}), "has it as no target"),
    "a deploy": (
        replace(
            HANGS, groups=(replace(GROUPS[0], suspended=frozenset({"HealthCheck"})), GROUPS[1])
        ),
        "its group is suspended",
    ),
    "a deploy in the other zone": (with_other_group(suspended=frozenset({"HealthCheck"})), ""),
    "it leaves": (
        replace(HANGS, groups=(Group(1, {OWN: Member("Terminating")}), GROUPS[1])),
        "replacing or launching",
    ),
    "all hang: the last hosts": (
        with_targets(i_1=hung.HUNG, i_3=hung.HUNG),
        "no other target is healthy",
    ),
    "two hang, the other one is first": (with_targets(i_1=hung.HUNG), "i-1 hangs, too"),
    "two hang, this one is first": (with_targets(i_3=hung.HUNG), ""),
    "the first one is reported": (
        with_other_group(members={OTHER: Member(), THIRD: Member(healthy=False)}),
        "replacing or launching",
    ),
    "the first one is gone": (
        with_other_group(members={OTHER: Member()}),
        "replacing or launching",
    ),
    "its replacement starts": (
        with_other_group(members={OTHER: Member(), "i-9": Member("Pending")}),
        "replacing or launching",
    ),
    "its replacement is checked": (with_targets(i_1="initial"), "i-1 is not yet healthy"),
}


@pytest.mark.parametrize("case", CASES)
def test_reason_to_wait(case: str) -> None:
    site, reason = CASES[case]
    found = reason_to_wait(OWN, site)
    assert reason in found
    assert bool(reason) == bool(found)
