"""Run a drill: steady state, visitors, fault, return, and the steady state again.

The fault is undone whatever happens. Each change is written into the journal before it is made, so
that `recover` can undo it where this process dies.
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
from tools.drill import expectations, probes
from tools.drill import journal as journals
from tools.drill.attackers import attacking
from tools.drill.journal import Journal, Say
from tools.drill.model import Drill, Finding
from tools.drill.observations import Observations
from tools.drill.visitors import Visitors, coming
from tools.environments.local import state_folder
from tools.fleet.controller import RUNS
from tools.machine import interrupts
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import repeated
from tools.machine.usage import Meter, Usage

SAMPLE_SECONDS = 1.0
POLL_SECONDS = 0.2
RAMP_SECONDS = 20  # of each rate
# Of a crowd that the site can do, so many are answered well within so long: its p99, where whoever
# is refused waits for ever.
ANSWERED_SHARE, ANSWER_SECONDS = 0.99, 1.0
CLEAR_SECONDS = 180  # for new alerts to clear, once the steady state holds again
STILL_SECONDS = 15  # what Prometheus had firing so short a time ago still fires
STEADY_AGAIN = "the steady state holds again after the return"


@dataclass
class Result:
    """A drill's outcome: observations, findings, and what it left behind, if anything."""

    drill: Drill
    observed: Observations
    began: datetime
    findings: list[Finding] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)  # ids of those that it started
    aborted: str = ""
    machine: Usage | None = None  # of the operator's machine meanwhile

    @property
    def verdict(self) -> str:
        """One of met, missed and aborted."""
        if self.aborted:
            return "aborted"
        bad = self.left or any(finding.met is False for finding in self.findings)
        return "missed" if bad else "met"

    @property
    def limit(self) -> str:
        """Why the machine, and not the fleet, caused the miss; empty where it did not."""
        return self.machine.limit if self.machine and self.verdict != "met" else ""

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(not visit.ok for visit in self.observed.visits)


class _AbortedError(Exception):
    """Ends the drill early; its message says why."""


def run(drill: Drill, world: Any, journal: Journal, zone: str, say: Say) -> Result:
    """Run a drill to its end, and judge it.

    Raises:
        AirAwareError: Before the fault, another drill has not been recovered or the steady state
            does not hold. After the fault, something could not be undone.
    """
    with journal.alone(), _interruptible():
        journal.must_be_empty()
        drill.fault(world, zone)  # raises where there is nothing to break
        say("wait for the steady state")
        probes.await_all(drill.steady_state, world, say)
        looks = world.looks()
        # What it breaks is what serves now: a host that was on its way out has gone.
        changes = drill.fault(world, zone)
        before = world.inventory()
        world.notes = {}  # those of the drill before are no longer true
        result = Result(drill, Observations(zone, time.monotonic(), looks=looks), datetime.now(UTC))
        result.changes = [change.text for change in changes]
        result.jobs = _jobs(changes)
        journal.drill, journal.zone = drill.name, zone
        journal.began = result.began.isoformat(timespec="seconds")
        visitors: list[Visitors] = []
        meter = Meter(CHECKOUT, state_folder())
        with ExitStack() as stack:
            result.observed.nodes = world.nodes() if drill.rate else {}
            visitors += _visitors(drill.rate, world, stack)
            stack.enter_context(_watched(world, result.observed, bool(result.jobs)))
            try:
                _carry_out(result, changes, world, journal, visitors, say)
            except _AbortedError as reason:
                result.aborted = str(reason)
                if result.observed.returned and not result.observed.recovered:
                    _await_steady(result, world, say)
        visits = (visit for each in visitors for visit in each.visits)
        result.observed.visits = sorted(visits, key=lambda visit: visit.due)
        result.machine = meter.usage()
        _finish(result, world, before)
        return result


def recover(world: Any, journal_folder: Any, say: Say) -> list[str]:
    """Undo what an interrupted drill left behind.

    Returns:
        The descriptions of the changes that were undone.
    """
    journal = Journal(journal_folder)
    with journal.alone():
        return journals.read(journal_folder).undo(world, say)


def _carry_out(
    result: Result,
    changes: list[Any],
    world: Any,
    journal: Journal,
    visitors: list[Visitors],
    say: Say,
) -> None:
    """Inject the fault, undo it and wait for the steady state; record the moments."""
    drill, observed = result.drill, result.observed
    _watch(drill, visitors, drill.before_seconds)
    try:
        with ExitStack() as spike:
            observed.breaking = time.monotonic()
            with _interrupted_at_budget(drill, visitors):
                journal.perform(changes, world, say)
            observed.injected = time.monotonic()
            rate = _rate_of_crowd(drill, observed, world, visitors, say)
            observed.crowded = time.monotonic()
            visitors += _visitors(rate, world, spike, drill.spike_path)
            if drill.attacks:
                _attack(drill, observed, world, visitors, say)
            else:
                say(f"the fault is there for {drill.hold_seconds:g} s")
                _watch(drill, visitors, drill.hold_seconds, lambda: _is_over(result, world))
    except KeyboardInterrupt:
        raise _AbortedError("the operator stopped it") from None
    finally:
        observed.crowd_gone = time.monotonic()
        with interrupts.ignored():
            result.undone = journal.undo(world, say)
        observed.returned = time.monotonic()
    answer = drill.answer(world, observed.zone)
    result.jobs += _jobs(answer)
    for change in answer:
        say(change.text)
        change.do(world)
    _await_steady(result, world, say)
    if observed.recovered:
        say("wait until its alerts have cleared")
        _watch(drill, visitors, CLEAR_SECONDS, lambda: not _firing(world, observed))
        _watch(drill, visitors, drill.after_seconds)


def _await_steady(result: Result, world: Any, say: Say) -> None:
    """Wait until the steady state holds again or its time is over, and add the finding."""
    observed = result.observed
    assert observed.returned is not None, "the fault is still there"
    say("wait for the steady state again")
    try:
        probes.await_all(result.drill.steady_state, world, say)
    except AirAwareError as error:
        result.findings.append(Finding(STEADY_AGAIN, False, str(error)))
        return
    observed.recovered = time.monotonic()
    after_seconds = observed.recovered - observed.returned
    result.findings.append(Finding(STEADY_AGAIN, True, f"{after_seconds:.1f} s after the return"))


def _jobs(changes: list[Any]) -> list[str]:
    """Return the ids of the jobs that these changes start."""
    return list(dict.fromkeys(c.do.arguments["job"] for c in changes if "job" in c.do.arguments))


def _is_over(result: Result, world: Any) -> bool:
    """Return whether the drill's jobs have all ended and each expected alert has fired."""
    if not result.jobs or RUNS in world.jobs(result.jobs).values():
        return False
    observed = result.observed
    _ask_for_alerts(world, observed)
    return observed.alerts is None or result.drill.alerts <= {
        n for n, _, _ in observed.new_alerts()
    }


def _ask_for_alerts(world: Any, observed: Observations) -> None:
    observed.alerts = world.alerts(time.monotonic() - observed.began, observed.zone)


def _firing(world: Any, observed: Observations) -> set[str]:
    """Return the alerts that began after the fault and have not cleared."""
    _ask_for_alerts(world, observed)
    return _still(observed, time.monotonic())


def _still(observed: Observations, now: float) -> set[str]:
    """Return the new alerts, but for burn rates, that had not ended by `now`."""
    firing = {name for name, _, end in observed.new_alerts() if end > now - STILL_SECONDS}
    return firing - probes.BURN_RATES


def _watch(
    drill: Drill,
    visitors: list[Visitors],
    seconds: float,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Wait until the time has passed or `over` says so.

    Raises:
        _AbortedError: The drill's error budget is spent.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        if reason := _reason_to_end(drill, visitors):
            raise _AbortedError(reason)
        time.sleep(POLL_SECONDS)


def _reason_to_end(drill: Drill, visitors: list[Visitors]) -> str:
    failed = sum(not visit.ok for each in visitors for visit in each.visits)
    if visitors and failed > drill.budget:
        return f"the error budget is spent: {failed} failed requests, {drill.budget} allowed"
    return "the visitors' process has ended" if any(v.process.poll() for v in visitors) else ""


@contextmanager
def _interrupted_at_budget(drill: Drill, visitors: list[Visitors]) -> Iterator[None]:
    """Interrupt the body, even a single action that takes minutes, once the error budget is spent.

    Raises:
        _AbortedError: It was interrupted.
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
            raise _AbortedError(reasons[0]) from None
        raise


def _visitors(rate: float, world: Any, stack: ExitStack, path: str = "") -> list[Visitors]:
    """Return visitors who come until the stack closes; none at rate 0."""
    if not rate:
        return []
    paths = (path,) if path else world.paths()
    return [stack.enter_context(coming(world.fleet.region.outside(), world.site, rate, paths))]


def _rate_of_crowd(
    drill: Drill, observed: Observations, world: Any, visitors: list[Visitors], say: Say
) -> float:
    """Return how many more visitors come a second; with a ramp, find out what the site can do."""
    if not drill.ramp:
        return drill.spike_rate
    observed.capacity = drill.rate
    for rate in drill.ramp:
        begun = time.monotonic()
        with ExitStack() as step:
            crowd = _visitors(rate, world, step, drill.spike_path)
            _watch(drill, [*visitors, *crowd], RAMP_SECONDS)
        visitors += crowd
        visits = [visit for each in visitors for visit in each.visits if visit.due >= begun]
        answered = sum(visit.ok and visit.seconds < ANSWER_SECONDS for visit in visits)
        say(f"of {len(visits)} at {drill.rate + rate:g} a second {answered} were answered in time")
        if not visits or answered < ANSWERED_SHARE * len(visits):
            break
        observed.capacity = drill.rate + rate
    say(f"the site can do {observed.capacity:g} requests a second")
    return drill.spike_times * observed.capacity - drill.rate


def _attack(
    drill: Drill, observed: Observations, world: Any, visitors: list[Visitors], say: Say
) -> None:
    """Have each kind of attackers come for a while."""
    for kind in drill.attacks:
        region = world.fleet.region
        say(f"{kind}, for {drill.hold_seconds:g} s")
        with attacking(region.outside(), world.site, kind, region.one_visitor()) as attack:
            _watch(drill, visitors, drill.hold_seconds)
        observed.attacks.append(attack)


@contextmanager
def _watched(world: Any, observed: Observations, with_jobs: bool) -> Iterator[None]:
    """Sample the web tier every second and, where jobs run, what the zones hold."""
    observed.samples.append(world.sample())
    with ExitStack() as stack:
        stack.enter_context(
            repeated(lambda: observed.samples.append(world.sample()), SAMPLE_SECONDS)
        )
        if with_jobs:
            look = stack.enter_context(world.reading())
            stack.enter_context(repeated(lambda: observed.looks.extend(look()), SAMPLE_SECONDS))
        yield


def _finish(result: Result, world: Any, before: dict[str, Any]) -> None:
    """Record what is known only at the end (CPU, alerts, leftovers), and judge."""
    observed = result.observed
    observed.ended = time.monotonic()
    span_seconds = observed.ended - observed.began
    observed.cpu = {zone: world.cpu(zone, span_seconds) for zone in observed.healthy_before()}
    _ask_for_alerts(world, observed)
    observed.notes = world.notes
    observed.jobs = world.jobs(result.jobs) if result.jobs else {}
    observed.looks += world.looks()
    after = world.inventory()
    result.left = [
        f"{what}: {after[what]}, was {before[what]}"
        for what in before
        if after[what] != before[what]
    ]
    if not result.aborted:
        result.findings += [judge(observed) for judge in result.drill.expected]
        if not result.jobs and any(look.held for look in observed.looks):
            result.findings.append(expectations.same_checksums()(observed))
        result.findings.append(_judge_alerts(result.drill, observed))


def _judge_alerts(drill: Drill, observed: Observations) -> Finding:
    """Judge the alerts: those expected fired in time, no other did, and all have cleared.

    What fired before the fault does not count. Where a ramp comes first, times count from the
    crowd.
    """
    names = ", ".join(sorted(drill.alerts)) or "none"
    since = " of the crowd" if drill.ramp else ""
    within = f"within {drill.alert_seconds:g} s{since}"
    expected = f"alerts {within}: {names}; no others; all have cleared"
    if observed.alerts is None:
        return Finding(expected, False if drill.alerts else None, "no monitoring host answers")
    begins: dict[str, float] = {}
    began = observed.crowded if drill.ramp and observed.crowded else observed.since_fault(0)
    for name, begin, _ in observed.new_alerts():
        begins.setdefault(name, begin - began)
    still = _still(observed, observed.ended or math.inf)
    late = {name for name in drill.alerts if begins.get(name, math.inf) > drill.alert_seconds}
    unforeseen = begins.keys() - drill.alerts - drill.other_alerts
    if drill.in_every_zone:
        unforeseen = {name.partition(" of ")[0] for name in unforeseen} - drill.other_alerts
    fired = ", ".join(
        f"{name} after {seconds:.0f} s{' and still' if name in still else ''}"
        for name, seconds in sorted(begins.items())
    )
    return Finding(expected, not (late or unforeseen or still), fired or "none fired")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
