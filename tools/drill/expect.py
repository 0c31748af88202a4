"""What a drill may expect of its course; each function makes an expectation."""

import math
from collections.abc import Callable, Iterable
from statistics import median

from airaware.store.manifest import Held
from tools.drill.course import Course, by_second, figures
from tools.drill.model import Expectation, Finding
from tools.drill.visitors import HOLDING, Visit

SETTLED_SECONDS = 60  # after the fault, for the percentiles
OUT_SECONDS = 20  # after the fault, for all hosts of a zone


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _failed(visits: list[Visit], expected: str) -> Finding:
    failed = sum(not visit.ok for visit in visits)
    return Finding(expected, bool(visits) and failed == 0, f"{failed} of {len(visits)} failed")


def none_fails() -> Expectation:
    """Throughout."""
    return lambda course: _failed(course.visits, "no request fails, from before to after")


def none_fails_before() -> Expectation:
    """Or what follows says nothing."""
    return lambda course: _failed(course.before, "no request fails before the fault")


def none_fails_after() -> Expectation:
    """Of those that were sent after the fault's return."""
    return lambda course: _failed(course.after, "no request fails after the return")


def failures_end(within_seconds: float) -> Expectation:
    """For all visitors."""
    return _failures_end(within_seconds, "for all visitors", lambda course, visit: True)


def failures_end_at_surviving_node(within_seconds: float) -> Expectation:
    """For those who use the balancer's node in another zone."""
    return _failures_end(
        within_seconds,
        "for visitors of the surviving node",
        lambda course, visit: course.nodes.get(visit.node) != course.zone,
    )


def failures_end_for_holders(within_seconds: float) -> Expectation:
    """For those who hold on to an address, be it the dead one."""
    return _failures_end(
        within_seconds,
        "for visitors who hold on to an address",
        lambda course, visit: visit.kind == HOLDING,
    )


def _failures_end(
    within_seconds: float, whose: str, which: Callable[[Course, Visit], bool]
) -> Expectation:
    def judge(course: Course) -> Finding:
        asked = [visit for visit in course.during if which(course, visit)]
        failed = sum(not visit.ok for visit in asked)
        seconds = course.failures_end_seconds(lambda visit: which(course, visit))
        return Finding(
            f"failed requests end at most {within_seconds:g} s after the fault {whose}",
            bool(asked) and seconds <= within_seconds,
            f"{failed} of {len(asked)} failed, the last {seconds:.1f} s after the fault",
        )

    return judge


def p99_at_most_doubled() -> Expectation:
    """Once things have settled. It is that of a second, in the median over the seconds: one in
    which a host is born beside the others, on the lab's few CPUs, is not to decide.
    """

    def judge(course: Course) -> Finding:
        settled = course.due(course.since_fault(SETTLED_SECONDS), course.returned)
        before, then = _p99_of_a_second(course.before), _p99_of_a_second(settled)
        expected = f"p99 is at most doubled from {SETTLED_SECONDS} s after the fault on"
        if before is None or then is None:
            return Finding(expected, False, "no good answers to compare")
        over_all = [1000 * figures(visits)["p99"] for visits in (course.before, settled)]
        return Finding(
            expected,
            then <= 2 * before,
            f"{1000 * before:.1f} ms before, {1000 * then:.1f} ms then (of a second, in the median;"
            f" {over_all[0]:.1f} and {over_all[1]:.1f} ms over all)",
        )

    return judge


def _p99_of_a_second(visits: list[Visit]) -> float | None:
    seconds = [p99 for p99 in by_second(visits, 0)["p99"] if p99 is not None]
    return median(seconds) if seconds else None


def out_of_service(within_seconds: float) -> Expectation:
    """Expect the balancer to call fewer hosts healthy."""

    def judge(course: Course) -> Finding:
        seconds = course.times()["detected"]
        return Finding(
            f"the balancer has it out of service within {within_seconds:g} s",
            seconds is not None and seconds <= within_seconds,
            _seconds(seconds),
        )

    return judge


def zone_carries_nothing() -> Expectation:
    """From the time on when all its hosts are out, which is soon, until the return: the rest
    carries all.
    """

    def judge(course: Course) -> Finding:
        gone = course.first_sample(course.since_fault(0), lambda s: s.healthy[course.zone] == 0)
        expected = (
            f"the other zones alone carry all from {OUT_SECONDS} s after the fault at the latest,"
            f" until {course.zone} is back"
        )
        if gone is None:
            return Finding(expected, False, f"{course.zone} served throughout")
        end = float("inf") if course.returned is None else course.returned
        looks = [s for s in course.samples if course.since_fault(gone) <= s.at < end]
        well = all(s.healthy[course.zone] == 0 and sum(s.healthy.values()) > 0 for s in looks)
        well = well and gone <= OUT_SECONDS
        return Finding(expected, well, f"from {gone:.1f} s after the fault, {len(looks)} looks")

    return judge


def replaced(within_seconds: float) -> Expectation:
    """As many healthy hosts of the zone as before."""

    def judge(course: Course) -> Finding:
        seconds = course.times()["restored"]
        return Finding(
            f"as many hosts as before are in service in {course.zone} within {within_seconds:g} s",
            seconds is not None and seconds <= within_seconds,
            _seconds(seconds),
        )

    return judge


def grown(within_seconds: float) -> Expectation:
    """One healthy host more than before."""

    def judge(course: Course) -> Finding:
        whole = sum(course.healthy_before().values())
        seconds = course.first_sample(
            course.since_fault(0), lambda sample: sum(sample.healthy.values()) > whole
        )
        return Finding(
            f"a further web host is in service within {within_seconds:g} s",
            seconds is not None and seconds <= within_seconds,
            _seconds(seconds),
        )

    return judge


def slow_answers_last(within_seconds: float, slow_seconds: float = 0.5) -> Expectation:
    """All the time in which somebody waits for a slow one: a hiccup that has nothing to do with
    the fault takes half a second of it, whenever it comes.
    """

    def judge(course: Course) -> Finding:
        slow = [v for v in course.during if v.seconds > slow_seconds]
        waited = _covered_seconds((v.due, v.due + v.seconds) for v in slow)
        return Finding(
            f"answers take more than {slow_seconds:g} s for at most {within_seconds:g} s",
            bool(course.during) and waited <= within_seconds,
            f"{len(slow)} did, over {waited:.1f} s",
        )

    return judge


def _covered_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """How long at least one of the spans (begin, end) lasts."""
    covered, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        covered += max(0.0, end - max(begin, until))
        until = max(until, end)
    return covered


def jobs_end(*states: str) -> Expectation:
    """Return the drill's jobs, in the order in which they were started."""

    def judge(course: Course) -> Finding:
        told = ", ".join(f"{job} {state}" for job, state in course.jobs.items())
        return Finding(
            f"jobs end as: {', '.join(states)}",
            tuple(course.jobs.values()) == states,
            told or "none was started",
        )

    return judge


def each_zone_whole() -> Expectation:
    """At every look the tables of a zone hold just what its manifest says, old or new."""

    def judge(course: Course) -> Finding:
        held = [look.held for look in course.looks if look.held]
        torn = sum(not each.whole for each in held)
        return Finding(
            "each zone holds the year wholly, old or new, at every moment",
            bool(held) and not torn,
            f"{len(held)} looks, {torn} of them at a part; {len(course.looks) - len(held)} failed",
        )

    return judge


def same_checksums() -> Expectation:
    """In the end all zones hold what they held before."""

    def judge(course: Course) -> Finding:
        by_zone = _held_by_zone(course)
        first = {str(held[0].checksum) for held in by_zone.values()}
        last = {str(held[-1].checksum) for held in by_zone.values()}
        return Finding(
            "in the end all zones have the checksum that they had before",
            len(first) == 1 and first == last,
            f"{', '.join(sorted(first))} before, {', '.join(sorted(last))} in the end",
        )

    return judge


def loads_taken(in_zone: int, elsewhere: int) -> Expectation:
    """How often a load of the year became a zone's."""

    def judge(course: Course) -> Finding:
        taken = {
            zone: len({held.attempt for held in looks}) - 1
            for zone, looks in _held_by_zone(course).items()
        }
        wanted = {zone: in_zone if zone == course.zone else elsewhere for zone in taken}
        return Finding(
            f"loads that {course.zone} takes: {in_zone}; other zones: {elsewhere}",
            bool(taken) and taken == wanted,
            ", ".join(f"{zone} {count}" for zone, count in taken.items()),
        )

    return judge


def _held_by_zone(course: Course) -> dict[str, list[Held]]:
    """Return what was seen in each zone, in order."""
    found: dict[str, list[Held]] = {}
    for look in course.looks:
        if look.held:
            found.setdefault(look.zone, []).append(look.held)
    return found


def stops_at_one_host() -> Expectation:
    """Expect a roll-out to stop at one web host."""

    def judge(course: Course) -> Finding:
        reached = course.notes.get("reached", [])
        said = course.notes.get("stopped", "").splitlines()
        return Finding(
            "the roll-out stops at the first web host",
            len(reached) == 1 and bool(said),
            f"it came to {', '.join(reached) or 'none'}: {said[0] if said else 'was not stopped'}",
        )

    return judge


def answers_take_a_database(share: float = 0.9) -> Expectation:
    """Of those that were answered; or what a database's loss does would not show."""

    def judge(course: Course) -> Finding:
        expected = f"at least {share:.0%} of the answers take a database"
        if not any(look.held for look in course.looks):
            return Finding(expected, None, "no year is loaded")
        good = [visit for visit in course.visits if visit.ok]
        read = sum(visit.read for visit in good)
        return Finding(
            expected, bool(good) and read >= share * len(good), f"{read} of {len(good)} did"
        )

    return judge


UNDISTURBED: tuple[Expectation, ...] = (none_fails(), each_zone_whole(), same_checksums())

OTHER_ZONE_ANSWERS: tuple[Expectation, ...] = (none_fails(), slow_answers_last(3))

# Alerts that hosts of a zone that is lost, and visitors of its balancer's node, may raise.
OF_A_LOST_ZONE = frozenset(
    {
        *("HostDown", "TargetsMissing", "SiteErrorsFast", "SiteErrorsSlow"),
        *("DatabaseDown", "ZonePassedOver"),
    }
)
ZONE_IS_LOST: tuple[Expectation, ...] = (
    none_fails_before(),
    failures_end_at_surviving_node(15),
    failures_end_for_holders(75),
    zone_carries_nothing(),
    p99_at_most_doubled(),
    none_fails_after(),
)
