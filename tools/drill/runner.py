"""Runs a drill: steady state, visitors, fault, return, steady state again; returns, whatever comes.

What is done to the fleet is in the journal before it is done, so that `recover` can undo it where
this process does not live to.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airaware.errors import AirAwareError
from tools.drill import expect, steady
from tools.drill import journal as journals
from tools.drill.course import Course
from tools.drill.journal import Journal, Tell
from tools.drill.model import Drill, Finding
from tools.drill.visitors import Visitors, coming
from tools.environments.local import state_folder
from tools.fleet.controller import RUNS
from tools.machine import interrupts
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import repeated
from tools.machine.usage import Meter, Usage

SAMPLE_SECONDS = 1.0
POLL_SECONDS = 0.2
CLEAR_SECONDS = 180  # for new alerts to clear, once the steady state holds again
STILL_SECONDS = 15  # what Prometheus had firing so short a time ago still fires
STEADY_AGAIN = "after the return the steady state holds again"


@dataclass
class Result:
    """A drill's end: its course, what of it was expected, and what was left behind (nothing)."""

    drill: Drill
    course: Course
    began: datetime
    findings: list[Finding] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)  # ids of those that it has started
    aborted: str = ""
    machine: Usage | None = None  # what the machine did meanwhile

    @property
    def verdict(self) -> str:
        """In one word: met, missed or aborted."""
        if self.aborted:
            return "aborted"
        bad = self.left or any(finding.met is False for finding in self.findings)
        return "missed" if bad else "met"

    @property
    def limit(self) -> str:
        """Why the machine, and not the fleet, made it miss; empty where it did not."""
        return self.machine.limit if self.machine and self.verdict != "met" else ""

    @property
    def failed(self) -> int:
        """Requests that failed."""
        return sum(not visit.ok for visit in self.course.visits)


class _Aborted(Exception):
    """The drill ends now: why."""


def run(drill: Drill, world: Any, journal: Journal, zone: str, tell: Tell) -> Result:
    """Run a drill to its end, and judge it.

    Raises AirAwareError before any fault where another drill is not recovered, or the steady state
    does not hold; and after it where something could not be undone.
    """
    with journal.alone(), _interruptible():
        journal.must_be_empty()
        drill.fault(world, zone)  # raises where there is nothing to break
        tell("wait for the steady state")
        steady.await_all(drill.steady_state, world, tell)
        looks = world.looks()
        # What it breaks is what serves now: a host that was on its way out has gone.
        changes = drill.fault(world, zone)
        before = world.inventory()
        result = Result(drill, Course(zone, time.monotonic(), looks=looks), datetime.now(UTC))
        result.changes = [change.text for change in changes]
        result.jobs = _jobs(changes)
        journal.drill, journal.zone = drill.name, zone
        journal.began = result.began.isoformat(timespec="seconds")
        visitors: list[Visitors] = []
        meter = Meter(CHECKOUT, state_folder())
        with ExitStack() as stack:
            result.course.nodes = world.nodes() if drill.rate else {}
            visitors += _visitors(drill.rate, world, stack)
            stack.enter_context(_watched(world, result.course, bool(result.jobs)))
            try:
                _carry_out(result, changes, world, journal, visitors, tell)
            except _Aborted as reason:
                result.aborted = str(reason)
                if result.course.returned and not result.course.recovered:
                    _await_steady(result, world, tell)
        visits = (visit for each in visitors for visit in each.visits)
        result.course.visits = sorted(visits, key=lambda visit: visit.due)
        result.machine = meter.usage()
        _finish(result, world, before)
        return result


def recover(world: Any, journal_folder: Any, tell: Tell) -> list[str]:
    """Undo what a drill has left. Returns what was undone, in words."""
    journal = Journal(journal_folder)
    with journal.alone():
        return journals.read(journal_folder).undo(world, tell)


def _carry_out(
    result: Result,
    changes: list[Any],
    world: Any,
    journal: Journal,
    visitors: list[Visitors],
    tell: Tell,
) -> None:
    """Fault, return and steady state again, on the result's course."""
    drill, course = result.drill, result.course
    _watch(drill, visitors, drill.before_seconds)
    try:
        with ExitStack() as spike:
            course.breaking = time.monotonic()
            with _interrupted_at_budget(drill, visitors):
                journal.perform(changes, world, tell)
            course.injected = time.monotonic()
            visitors += _visitors(drill.spike_rate, world, spike)
            tell(f"the fault is there for {drill.hold_seconds:g} s")
            _watch(drill, visitors, drill.hold_seconds, lambda: _is_over(result, world))
    except KeyboardInterrupt:
        raise _Aborted("a person stopped it") from None
    finally:
        with interrupts.ignored():
            result.undone = journal.undo(world, tell)
        course.returned = time.monotonic()
    answer = drill.answer(world, course.zone)
    result.jobs += _jobs(answer)
    for change in answer:
        tell(change.text)
        change.do(world)
    _await_steady(result, world, tell)
    if course.recovered:
        tell("wait until its alerts have cleared")
        _watch(drill, visitors, CLEAR_SECONDS, lambda: not _firing(world, course))
        _watch(drill, visitors, drill.after_seconds)


def _await_steady(result: Result, world: Any, tell: Tell) -> None:
    """Return when the steady state holds again, or has not in time: a finding tells."""
    course = result.course
    assert course.returned is not None, "the fault is still there"
    tell("wait for the steady state again")
    try:
        steady.await_all(result.drill.steady_state, world, tell)
    except AirAwareError as error:
        result.findings.append(Finding(STEADY_AGAIN, False, str(error)))
        return
    course.recovered = time.monotonic()
    after_seconds = course.recovered - course.returned
    result.findings.append(Finding(STEADY_AGAIN, True, f"{after_seconds:.1f} s after the return"))


def _jobs(changes: list[Any]) -> list[str]:
    """Return the ids of the jobs that these changes start."""
    return list(dict.fromkeys(c.do.arguments["job"] for c in changes if "job" in c.do.arguments))


def _is_over(result: Result, world: Any) -> bool:
    """Whether there are jobs, all have ended, and of what failed a person was told."""
    if not result.jobs or RUNS in world.jobs(result.jobs).values():
        return False
    course = result.course
    _ask_for_alerts(world, course)
    return course.alerts is None or result.drill.alerts <= {n for n, _, _ in course.new_alerts()}


def _ask_for_alerts(world: Any, course: Course) -> None:
    course.alerts = world.alerts(time.monotonic() - course.began, course.zone)


def _firing(world: Any, course: Course) -> set[str]:
    """Return the alerts that came with the fault and have not cleared."""
    _ask_for_alerts(world, course)
    return _still(course, time.monotonic())


def _still(course: Course, now: float) -> set[str]:
    """Those of them that were not over by `now`, in what Prometheus has told."""
    firing = {name for name, _, end in course.new_alerts() if end > now - STILL_SECONDS}
    return firing - steady.BURN_RATES


def _watch(
    drill: Drill,
    visitors: list[Visitors],
    seconds: float,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Let time pass, or until it is over. Raises _Aborted once the drill's error budget is gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        if reason := _reason_to_end(drill, visitors):
            raise _Aborted(reason)
        time.sleep(POLL_SECONDS)


def _reason_to_end(drill: Drill, visitors: list[Visitors]) -> str:
    failed = sum(not visit.ok for each in visitors for visit in each.visits)
    if visitors and failed > drill.budget:
        return f"the budget is gone: {failed} requests failed, {drill.budget} may"
    return "the visitors' process has ended" if any(v.process.poll() for v in visitors) else ""


@contextmanager
def _interrupted_at_budget(drill: Drill, visitors: list[Visitors]) -> Iterator[None]:
    """Interrupt what is done meanwhile, be it one act of minutes, once the error budget is gone:
    then raises _Aborted.
    """
    reasons: list[str] = []
    main = threading.get_ident()

    def interrupt() -> None:
        if not reasons and (reason := _reason_to_end(drill, visitors)):
            reasons.append(reason)
            # Not SIGINT: a shell's background jobs are born without it.
            signal.pthread_kill(main, signal.SIGTERM)

    try:
        with repeated(interrupt, POLL_SECONDS):
            yield
    except KeyboardInterrupt:
        if reasons:
            raise _Aborted(reasons[0]) from None
        raise


def _visitors(rate: float, world: Any, stack: ExitStack) -> list[Visitors]:
    """Visitors who come until the stack ends; none at the rate 0."""
    if not rate:
        return []
    return [
        stack.enter_context(coming(world.fleet.region.outside(), world.site, rate, world.paths()))
    ]


@contextmanager
def _watched(world: Any, course: Course, with_jobs: bool) -> Iterator[None]:
    """Look at the web tier again and again; where jobs run, also at what the zones hold."""
    course.samples.append(world.sample())
    with ExitStack() as stack:
        stack.enter_context(repeated(lambda: course.samples.append(world.sample()), SAMPLE_SECONDS))
        if with_jobs:
            look = stack.enter_context(world.reading())
            stack.enter_context(repeated(lambda: course.looks.extend(look()), SAMPLE_SECONDS))
        yield


def _finish(result: Result, world: Any, before: dict[str, Any]) -> None:
    """Add what is known only in the end: CPU, alerts, traces; and judge."""
    course = result.course
    course.ended = time.monotonic()
    span_seconds = course.ended - course.began
    course.cpu = {zone: world.cpu(zone, span_seconds) for zone in course.healthy_before()}
    _ask_for_alerts(world, course)
    course.notes = world.notes
    course.jobs = world.jobs(result.jobs) if result.jobs else {}
    course.looks += world.looks()
    after = world.inventory()
    result.left = [
        f"{what}: {after[what]}, was {before[what]}"
        for what in before
        if after[what] != before[what]
    ]
    if not result.aborted:
        result.findings += [judge(course) for judge in result.drill.expected]
        if not result.jobs and any(look.held for look in course.looks):
            result.findings.append(expect.same_checksums()(course))
        result.findings.append(_judge_alerts(result.drill, course))


def _judge_alerts(drill: Drill, course: Course) -> Finding:
    """Those that should fire did, in time, and no unforeseen ones, and all have cleared; what fired
    before the fault does not count.
    """
    names = ", ".join(sorted(drill.alerts)) or "none"
    expected = (
        f"alerts within {drill.alert_seconds:g} s: {names}; and no unforeseen one; all have cleared"
    )
    if course.alerts is None:
        return Finding(expected, False if drill.alerts else None, "no monitoring host answers")
    begins: dict[str, float] = {}
    for name, begin, _ in course.new_alerts():
        begins.setdefault(name, begin - course.since_fault(0))
    still = _still(course, course.ended or math.inf)
    late = {name for name in drill.alerts if begins.get(name, math.inf) > drill.alert_seconds}
    unforeseen = begins.keys() - drill.alerts - drill.other_alerts
    told = ", ".join(
        f"{name} after {seconds:.0f} s{' and still' if name in still else ''}"
        for name, seconds in sorted(begins.items())
    )
    return Finding(expected, not (late or unforeseen or still), told or "none fired")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take a polite kill for Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
