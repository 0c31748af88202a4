"""Expectations of drills: each function returns one, to be judged by what the drill observed."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from statistics import median

from airaware.store.manifest import Held
from tools.drill.model import Expectation, Finding
from tools.drill.observations import Observations, by_second, percentiles, request_statistics
from tools.drill.visitors import HOLDING, Visit

SETTLED_SECONDS = 60  # after the fault, for the percentiles
OUT_SECONDS = 20  # after the fault, for all hosts of a zone


def seconds_text(value: float | None) -> str:
    """Say how long something took; None: it has not happened."""
    return "never" if value is None else f"{value:.1f} s"


def failed(visits: list[Visit], expected: str) -> Finding:
    """Judge that none of these visits failed."""
    good = bool(visits) and all(visit.ok for visit in visits)
    return Finding(expected, good, _counted(visits))


def _counted(visits: list[Visit]) -> str:
    """Return how many failed of how many, and with which answers."""
    answers = Counter((visit.status, visit.refused) for visit in visits if not visit.ok)
    how = ", ".join(
        f"{count} with {status or 'no answer'}{' and Retry-After' if refused else ''}"
        for (status, refused), count in sorted(answers.items())
    )
    return f"{answers.total()} of {len(visits)} failed" + (f" ({how})" if how else "")


def none_fails() -> Expectation:
    """Expect that no request fails, from before the fault to after its return."""
    return lambda observed: failed(observed.visits, "no request fails, from before to after")


def none_fails_before() -> Expectation:
    """Expect that no request fails before the fault; otherwise later failures prove nothing."""
    return lambda observed: failed(observed.before, "no request fails before the fault")


def none_fails_after() -> Expectation:
    """Expect that no request sent after the fault's return fails."""
    return lambda observed: failed(observed.after, "no request fails after the return")


def none_fails_from(seconds: float) -> Expectation:
    """Expect that no request fails from so many seconds after the fault's return on."""

    def judge(observed: Observations) -> Finding:
        assert observed.returned is not None
        late = observed.due(observed.returned + seconds, None)
        return failed(late, f"no request fails from {seconds:g} s after the return on")

    return judge


def failures_are_refusals(median_seconds: float, p99_seconds: float) -> Expectation:
    """Expect who is not answered during the fault to get a 429 or 503 with Retry-After, soon."""

    def judge(observed: Observations) -> Finding:
        crowd = observed.due(observed.crowded, observed.returned)
        failed = [visit for visit in crowd if not visit.ok]
        refused = [visit.seconds for visit in failed if visit.refused]
        half, p99 = percentiles(refused, (50, 99)) or (0.0, 0.0)
        (lag,) = percentiles([visit.lag for visit in crowd], (99,)) or (0.0,)
        return Finding(
            "who is not answered is refused, with Retry-After:"
            f" half within {1000 * median_seconds:.0f} ms, 99% within {1000 * p99_seconds:.0f} ms",
            len(refused) >= 0.99 * len(failed) and half <= median_seconds and p99 <= p99_seconds,
            f"{len(refused)} of {len(failed)} that failed were refused, within"
            f" {1000 * half:.0f} and {1000 * p99:.0f} ms;"
            f" 99% were sent within {1000 * lag:.0f} ms of their time",
        )

    return judge


def carries_its_capacity(share: float = 0.8) -> Expectation:
    """Expect most of what the site can do in good answers, however large the crowd."""

    def judge(observed: Observations) -> Finding:
        expected = f"at least {share:.0%} of what the site can do is answered well in the crowd"
        if not observed.capacity or observed.crowded is None or observed.crowd_gone is None:
            return Finding(expected, False, "no crowd came")
        asked = observed.due(observed.crowded, observed.crowd_gone)
        seconds = observed.crowd_gone - observed.crowded
        rate = sum(visit.ok for visit in asked) / seconds
        return Finding(
            expected,
            rate >= share * observed.capacity,
            f"{rate:.0f} a second of {observed.capacity:.0f}; {len(asked) / seconds:.0f} asked",
        )

    return judge


def calm_after_crowd(seconds: float) -> Expectation:
    """Expect no failure, and a p99 as before, from so many seconds after the crowd has left on.

    As for a zone that is lost, it compares medians of the p99 of each second.
    """

    def judge(observed: Observations) -> Finding:
        assert observed.crowd_gone is not None
        late = observed.due(observed.crowd_gone + seconds, None)
        before, then = p99_of_a_second(observed.before), p99_of_a_second(late)
        return Finding(
            f"from {seconds:g} s after the crowd on no request fails, and p99 is at most doubled",
            before is not None
            and then is not None
            and then <= 2 * before
            and all(visit.ok for visit in late),
            f"{_counted(late)}; {1000 * (before or 0):.0f} ms before, {1000 * (then or 0):.0f} ms"
            " then (of a second, in the median)",
        )

    return judge


def none_is_replaced() -> Expectation:
    """Expect that no group replaces a host; it may grow or shrink."""

    def judge(observed: Observations) -> Finding:
        gone = sorted(host for hosts in observed.replaced().values() for host in hosts)
        return Finding(
            "no web host is replaced",
            bool(observed.samples) and not gone,
            ", ".join(gone) or "none was",
        )

    return judge


def few_slow_answers(share: float, slow_seconds: float = 1.0) -> Expectation:
    """Limit the share of answers that are slow during the fault."""

    def judge(observed: Observations) -> Finding:
        slow = sum(visit.seconds > slow_seconds for visit in observed.during)
        return Finding(
            f"at most {share:.0%} of answers take more than {slow_seconds:g} s during the fault",
            bool(observed.during) and slow <= share * len(observed.during),
            f"{slow} of {len(observed.during)} did",
        )

    return judge


def failures_end(within_seconds: float) -> Expectation:
    """Expect failures to end in time for all visitors."""
    return _failures_end(within_seconds, "for all visitors", lambda _course, _visit: True)


def only_those_under_way_fail() -> Expectation:
    """Expect no request to fail but those under way while the drill's action restarted a database.

    Another zone's database answers whoever comes meanwhile, so there should be few.
    """

    def judge(observed: Observations) -> Finding:
        expected = "only requests under way while the database restarts fail"
        if "restarted" not in observed.notes:
            return Finding(expected, False, "it was not restarted")
        begun, ended = observed.notes["restarted"]
        asked = observed.during
        failed = [visit for visit in asked if not visit.ok]
        under_way = [visit for visit in failed if visit.due < ended and visit.ended > begun]
        sent_before = sum(visit.due < begun for visit in under_way)
        return Finding(
            expected,
            bool(asked) and len(under_way) == len(failed),
            f"{_counted(asked)}: {sent_before} of those sent before the restart,"
            f" {len(under_way) - sent_before} in its {ended - begun:.1f} s,"
            f" {len(failed) - len(under_way)} at another time",
        )

    return judge


def failures_end_at_surviving_node(within_seconds: float) -> Expectation:
    """Expect failures to end in time for visitors of the load balancer's nodes in other zones."""
    return _failures_end(
        within_seconds,
        "for visitors of the surviving node",
        lambda observed, visit: observed.nodes.get(visit.node) != observed.zone,
    )


def failures_end_for_holders(within_seconds: float) -> Expectation:
    """Expect failures to end in time for visitors who keep using one address, even the dead one."""
    return _failures_end(
        within_seconds,
        "for visitors who hold on to an address",
        lambda _course, visit: visit.kind == HOLDING,
    )


def _failures_end(
    within_seconds: float, whose: str, which: Callable[[Observations, Visit], bool]
) -> Expectation:
    def judge(observed: Observations) -> Finding:
        asked = [visit for visit in observed.during if which(observed, visit)]
        seconds = observed.failures_end_seconds(lambda visit: which(observed, visit))
        return Finding(
            f"failed requests end at most {within_seconds:g} s after the fault {whose}",
            bool(asked) and seconds <= within_seconds,
            f"{_counted(asked)}, the last {seconds:.1f} s after the fault",
        )

    return judge


def p99_at_most_doubled() -> Expectation:
    """Expect the p99 at most to double once the fleet has settled.

    It compares medians of the p99 of each second: one second in which a host boots on the lab's few
    CPUs must not decide.
    """

    def judge(observed: Observations) -> Finding:
        settled = observed.due(observed.since_fault(SETTLED_SECONDS), observed.returned)
        before, then = p99_of_a_second(observed.before), p99_of_a_second(settled)
        expected = f"p99 is at most doubled from {SETTLED_SECONDS} s after the fault on"
        if before is None or then is None:
            return Finding(expected, False, "no good answers to compare")
        over_all = [
            1000 * request_statistics(visits)["p99"] for visits in (observed.before, settled)
        ]
        return Finding(
            expected,
            then <= 2 * before,
            f"{1000 * before:.1f} ms before, {1000 * then:.1f} ms then (of a second, in the median;"
            f" {over_all[0]:.1f} and {over_all[1]:.1f} ms over all)",
        )

    return judge


def p99_of_a_second(visits: list[Visit]) -> float | None:
    """Return the p99 of a second's good answers, in the median over the seconds."""
    seconds = [p99 for p99 in by_second(visits, 0)["p99"] if p99 is not None]
    return median(seconds) if seconds else None


def in_time(what: str, seconds: float | None, within_seconds: float) -> Finding:
    """Judge whether something has happened in time; None: it has not."""
    return Finding(
        f"{what} within {within_seconds:g} s",
        seconds is not None and seconds <= within_seconds,
        seconds_text(seconds),
    )


def zone_carries_nothing() -> Expectation:
    """Expect the other zones to carry all traffic, from soon after the fault until its return."""

    def judge(observed: Observations) -> Finding:
        gone = observed.first_sample(
            observed.since_fault(0), lambda s: s.healthy[observed.zone] == 0
        )
        expected = (
            f"the other zones alone carry all traffic from {OUT_SECONDS} s after the fault,"
            f" until {observed.zone} is back"
        )
        if gone is None:
            return Finding(expected, False, f"{observed.zone} served throughout")
        end = float("inf") if observed.returned is None else observed.returned
        looks = [s for s in observed.samples if observed.since_fault(gone) <= s.at < end]
        well = all(s.healthy[observed.zone] == 0 and sum(s.healthy.values()) > 0 for s in looks)
        well = well and gone <= OUT_SECONDS
        return Finding(expected, well, f"from {gone:.1f} s after the fault, {len(looks)} looks")

    return judge


def replaced(within_seconds: float) -> Expectation:
    """Expect the zone to have as many healthy hosts as before, in time."""

    def judge(observed: Observations) -> Finding:
        what = f"{observed.zone} has as many hosts in service as before"
        return in_time(what, observed.times()["restored"], within_seconds)

    return judge


def serves_again(within_seconds: float) -> Expectation:
    """Expect all hosts that served before the fault to serve in time, and from then on.

    The load balancer need not have noticed that any did not.
    """

    def judge(observed: Observations) -> Finding:
        assert observed.returned is not None
        samples = [s for s in observed.samples if (observed.breaking or 0) <= s.at]
        lacking = [s.at - observed.since_fault(0) for s in samples if observed.missing(s)]
        seconds = max(lacking, default=0.0)
        return Finding(
            f"the hosts that served before serve again within {within_seconds:g} s",
            bool(observed.in_service_before()) and seconds <= within_seconds,
            f"one was out of service until {seconds:.1f} s" if lacking else "none was taken out",
        )

    return judge


def grown(within_seconds: float) -> Expectation:
    """Expect a further host to be in service in time."""

    def judge(observed: Observations) -> Finding:
        before = observed.in_service_before()
        seconds = observed.first_sample(
            observed.since_fault(0), lambda sample: bool(sample.in_service - before)
        )
        return in_time("a further web host is in service", seconds, within_seconds)

    return judge


def slow_answers_last(within_seconds: float, slow_seconds: float = 0.5) -> Expectation:
    """Limit how long any visitor waits for a slow answer, in all.

    A hiccup that has nothing to do with the fault takes half a second of that, whenever it comes.
    """

    def judge(observed: Observations) -> Finding:
        slow = [v for v in observed.during if v.seconds > slow_seconds]
        waited = _covered_seconds((v.due, v.due + v.seconds) for v in slow)
        return Finding(
            f"answers take more than {slow_seconds:g} s for at most {within_seconds:g} s",
            bool(observed.during) and waited <= within_seconds,
            f"{len(slow)} did, over {waited:.1f} s",
        )

    return judge


def _covered_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """Return how long at least one of the spans (begin, end) lasts."""
    covered, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        covered += max(0.0, end - max(begin, until))
        until = max(until, end)
    return covered


def jobs_end(*states: str) -> Expectation:
    """Expect the drill's jobs to end in these states, in the order in which they were started."""

    def judge(observed: Observations) -> Finding:
        ended = ", ".join(f"{job} {state}" for job, state in observed.jobs.items())
        return Finding(
            f"jobs end as: {', '.join(states)}",
            tuple(observed.jobs.values()) == states,
            ended or "none was started",
        )

    return judge


def each_zone_whole() -> Expectation:
    """Expect each zone's tables to match its manifest at every look: wholly old or wholly new."""

    def judge(observed: Observations) -> Finding:
        held = [look.held for look in observed.looks if look.held]
        torn = sum(not each.whole for each in held)
        return Finding(
            "each zone's year is wholly old or wholly new at every look",
            bool(held) and not torn,
            f"{len(held)} looks, {torn} inconsistent; {len(observed.looks) - len(held)} failed",
        )

    return judge


def same_checksums() -> Expectation:
    """Expect all zones to hold in the end what they held before."""

    def judge(observed: Observations) -> Finding:
        by_zone = _held_by_zone(observed)
        first = {str(held[0].checksum) for held in by_zone.values()}
        last = {str(held[-1].checksum) for held in by_zone.values()}
        return Finding(
            "all zones end with the checksum that they had before",
            len(first) == 1 and first == last,
            f"{', '.join(sorted(first))} before, {', '.join(sorted(last))} at the end",
        )

    return judge


def loads_taken(in_zone: int, elsewhere: int) -> Expectation:
    """Expect the drill's zone to take this many loads of the year, and other zones that many."""

    def judge(observed: Observations) -> Finding:
        taken = {
            zone: len({held.attempt for held in looks}) - 1
            for zone, looks in _held_by_zone(observed).items()
        }
        wanted = {zone: in_zone if zone == observed.zone else elsewhere for zone in taken}
        return Finding(
            f"loads taken: {in_zone} by {observed.zone}, {elsewhere} by each other zone",
            bool(taken) and taken == wanted,
            ", ".join(f"{zone} {count}" for zone, count in taken.items()),
        )

    return judge


def _held_by_zone(observed: Observations) -> dict[str, list[Held]]:
    """Return what each zone held at each look, in order."""
    found: dict[str, list[Held]] = {}
    for look in observed.looks:
        if look.held:
            found.setdefault(look.zone, []).append(look.held)
    return found


def stops_at_one_host() -> Expectation:
    """Expect the roll-out to stop at the first web host."""

    def judge(observed: Observations) -> Finding:
        reached = observed.notes.get("reached", [])
        said = observed.notes.get("stopped", "").splitlines()
        return Finding(
            "the roll-out stops at the first web host",
            len(reached) == 1 and bool(said),
            f"it reached {', '.join(reached) or 'none'}: {said[0] if said else 'not stopped'}",
        )

    return judge


def answers_take_a_database(share: float = 0.9) -> Expectation:
    """Expect most good answers to take a database; otherwise losing one would not show."""

    def judge(observed: Observations) -> Finding:
        expected = f"at least {share:.0%} of the answers take a database"
        if not any(look.held for look in observed.looks):
            return Finding(expected, None, "no year is loaded")
        good = [visit for visit in observed.visits if visit.ok]
        read = sum(visit.read for visit in good)
        return Finding(
            expected, bool(good) and read >= share * len(good), f"{read} of {len(good)} did"
        )

    return judge


UNDISTURBED: tuple[Expectation, ...] = (none_fails(), each_zone_whole(), same_checksums())

OTHER_ZONE_ANSWERS: tuple[Expectation, ...] = (none_fails(), slow_answers_last(3))

# A web host that heals itself: the balancer need not notice, and nobody replaces it.
HOST_HEALS: tuple[Expectation, ...] = (
    none_fails_before(),
    failures_end(15),
    serves_again(30),
    none_is_replaced(),
    none_fails_after(),
)

# Alerts that a web host may raise whose restarts do not help.
OF_A_HUNG_HOST = frozenset(
    {"HostDown", "TargetsMissing", "ZoneInTrouble", "SiteErrorsFast", "SiteErrorsSlow"}
)

# Alerts that hosts of a zone that is lost, and visitors of its balancer's node, may raise.
OF_A_LOST_ZONE = frozenset(
    {
        *("HostDown", "TargetsMissing", "SiteErrorsFast", "SiteErrorsSlow"),
        *("DatabaseDown", "ZonePassedOver", "SiteSheds", "NamesUnresolved"),
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
