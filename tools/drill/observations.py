"""What a drill observed, and the statistics derived from it."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tools.drill.attackers import Attack
from tools.drill.visitors import Visit
from tools.drill.world import Look, Sample


@dataclass
class Observations:
    """A drill's observations; moments are in seconds of time.monotonic, None until they come."""

    zone: str
    began: float
    breaking: float | None = None  # the fault's first action starts
    injected: float | None = None  # its last action is done; times count from here
    capacity: float | None = None  # requests a second that the ramp of a crowd found
    crowded: float | None = None  # the whole crowd comes
    crowd_gone: float | None = None  # the last of it has been answered
    returned: float | None = None  # the fault is undone
    recovered: float | None = None  # the steady state holds again
    ended: float | None = None
    attacks: list[Attack] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)  # zone by address
    visits: list[Visit] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    cpu: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)  # the drill's jobs, and how they ended
    looks: list[Look] = field(default_factory=list)  # at the zones' copies of a year
    notes: dict[str, Any] = field(default_factory=dict)  # what actions have found out
    # (name, begin, end) of alerts that fired; None where no monitoring host answers
    alerts: list[tuple[str, float, float]] | None = None

    @property
    def before(self) -> list[Visit]:
        """Visits before the fault."""
        return self.due(self.began, self.breaking)

    @property
    def during(self) -> list[Visit]:
        """Visits from the fault to its return."""
        return self.due(self.breaking, self.returned)

    @property
    def after(self) -> list[Visit]:
        """Visits after the fault's return."""
        return self.due(self.returned, None)

    def due(self, begin: float | None, end: float | None) -> list[Visit]:
        """Return the visits due in a span of time; none if it has not begun."""
        if begin is None:
            return []
        return [v for v in self.visits if begin <= v.due and (end is None or v.due < end)]

    def failures_end_seconds(self, which: Callable[[Visit], bool]) -> float:
        """Return the seconds from the fault to the last failed visit before the fault's return."""
        failed = (v.due - self.since_fault(0) for v in self.during if which(v) and not v.ok)
        return max(0.0, max(failed, default=0.0))

    def since_fault(self, seconds: float) -> float:
        """Return the moment that many seconds after the fault."""
        assert self.injected is not None, "no fault yet"
        return self.injected + seconds

    def first_sample(self, after: float, true: Callable[[Sample], bool]) -> float | None:
        """Return the seconds from the fault to the first sample since `after` with `true`."""
        found = (s.at for s in self.samples if s.at >= after and true(s))
        at = next(found, None)
        return None if at is None else at - self.since_fault(0)

    def healthy_before(self) -> dict[str, int]:
        """Return the healthy web hosts by zone in the last sample before the fault."""
        before = self._before_the_fault()
        return dict(before.healthy) if before else {}

    def times(self) -> dict[str, float | None]:
        """Return the seconds from the fault to each event; None for events that did not happen.

        Hosts are those of the drill's zone. What its group gives up, because it is to be smaller,
        is not lost.
        """
        if self.injected is None or self.breaking is None:
            return {}
        detected = self.first_sample(self.breaking, self._lacks_hosts)
        restored = None
        if detected is not None:
            restored = self.first_sample(
                self.since_fault(detected), lambda s: s.healthy[self.zone] >= s.wanted[self.zone]
            )
        return {
            "detected": detected,
            "alerted": self._alerted(),
            "moved": self.failures_end_seconds(lambda _visit: True),
            "restored": restored,
            "returned": None if self.returned is None else self.returned - self.injected,
            "recovered": None if self.recovered is None else self.recovered - self.injected,
        }

    def in_service_before(self) -> frozenset[str]:
        """Return the web hosts that served in the last sample before the fault."""
        before = self._before_the_fault()
        return before.in_service if before else frozenset()

    def missing(self, sample: Sample) -> frozenset[str]:
        """Return who served before the fault and does not now, though still in its group."""
        staying = frozenset[str]().union(*sample.members.values())
        return (self.in_service_before() & staying) - sample.in_service

    def replaced(self) -> dict[str, frozenset[str]]:
        """Return by zone the hosts of which some were replaced: more are gone than were given up.

        Each time that a group is to be smaller, it gives a host up.
        """
        found = {}
        for zone in self.samples[-1].members if self.samples else ():
            there = frozenset[str]().union(*(sample.members[zone] for sample in self.samples))
            gone = there - self.samples[-1].members[zone]
            if len(gone) > self._given_up(zone, math.inf):
                found[zone] = gone
        return found

    def _before_the_fault(self) -> Sample | None:
        earlier = [s for s in self.samples if self.breaking is None or s.at < self.breaking]
        return earlier[-1] if earlier else None

    def _lacks_hosts(self, sample: Sample) -> bool:
        """Whether the zone has lost more of those who served before than its group gave up."""
        before = self._before_the_fault()
        if not before:
            return False
        served = before.in_service & before.members[self.zone]
        return len(served - sample.in_service) > self._given_up(self.zone, sample.at)

    def _given_up(self, zone: str, until: float) -> int:
        """Return by how many hosts the zone's group was made smaller, all times together."""
        wanted = [sample.wanted[zone] for sample in self.samples if sample.at <= until]
        return sum(max(0, before - after) for before, after in pairwise(wanted))

    def new_alerts(self) -> list[tuple[str, float, float]]:
        """Return the alerts that began after the fault, earliest first."""
        begun = (each for each in self.alerts or () if each[1] >= (self.breaking or 0))
        return sorted(begun, key=lambda alert: alert[1])

    def checksums(self) -> dict[str, dict[str, str]]:
        """Return each zone's checksum of the year, before the fault and after its return."""
        spans = {
            "before": [look for look in self.looks if look.at < (self.breaking or math.inf)],
            "after": [look for look in self.looks if look.at >= (self.returned or math.inf)],
        }
        return {
            span: {look.zone: str(look.held.found_checksum) for look in looks if look.held}
            for span, looks in spans.items()
        }

    def _alerted(self) -> float | None:
        begins = [begin for _, begin, _ in self.alerts or () if begin >= self.since_fault(0)]
        return min(begins) - self.since_fault(0) if begins else None


def percentiles(seconds: Sequence[float], ranks: Sequence[float]) -> list[float]:
    """Return percentiles by nearest rank, in the order of the ranks; none of no seconds."""
    if not seconds:
        return []
    found: list[float] = np.percentile(seconds, ranks, method="inverted_cdf").tolist()
    return found


def request_statistics(visits: Iterable[Visit]) -> dict[str, Any]:
    """Return counts of requests and failures, and percentiles of the seconds to a good answer.

    Percentiles are by nearest rank; None where there is no good answer.
    """
    visits = list(visits)
    good = [visit.seconds for visit in visits if visit.ok]
    ranks = (50, 95, 99)
    values: Sequence[float | None] = percentiles(good, ranks) or (None,) * len(ranks)
    return {
        "requests": len(visits),
        "failed": len(visits) - len(good),
        **{f"p{rank}": value for rank, value in zip(ranks, values, strict=True)},
    }


def by_second(visits: Iterable[Visit], began: float) -> dict[str, list[float]]:
    """Return requests, failures and the p99 of good answers for each second since `began`."""
    seconds: dict[int, list[Visit]] = {}
    for visit in visits:
        seconds.setdefault(int(visit.due - began), []).append(visit)
    rows = [(second, request_statistics(seconds[second])) for second in sorted(seconds)]
    return {
        "second": [second for second, _ in rows],
        **{name: [row[name] for _, row in rows] for name in ("requests", "failed", "p99")},
    }
