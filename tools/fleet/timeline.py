"""What a fleet's web tier did under load: web hosts and CPU of each zone over time.

Recorded from outside through AWS's API, so that a lab and AWS are measured alike.
"""

import contextlib
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.fleet.web_tier import CPU_PERIOD_SECONDS, WebTier

POLL_SECONDS = 1.0
# So many points in a row under the target are taken for "under the target again".
STEADY_POINTS = 3
QUIET_SECONDS = 600

Points = list[tuple[float, float]]  # seconds since 1970, value


@dataclass
class Timeline:
    """By zone, the servers in service whenever their number changed, and the CPU of each period."""

    target_percent: float
    clock_factor: float
    begun: float
    ended: float = 0
    servers: dict[str, Points] = field(default_factory=dict)
    cpu: dict[str, Points] = field(default_factory=dict)

    def times(self) -> dict[str, float | None]:
        """Return the seconds to each event; None where it did not happen.

        `crossed` counts from the begin of the load, `first_extra_server` and `under_again` from
        `crossed`, and `back_to_least` from the end of the load.
        """
        above = [at for at, value in self._points() if value > self.target_percent]
        crossed = min((at for at in above if at >= self.begun), default=None)
        if crossed is None:
            return dict.fromkeys(("crossed", "first_extra_server", "under_again", "back_to_least"))
        extra = min(
            (
                at
                for points in self.servers.values()
                for at, count in points
                if at >= crossed and count > points[0][1]
            ),
            default=None,
        )
        under, back = self._under_from(crossed), self._back_from(self.ended)
        return {
            "crossed": crossed - self.begun,
            "first_extra_server": None if extra is None else extra - crossed,
            "under_again": None if under is None else under - crossed,
            "back_to_least": None if back is None else back - self.ended,
        }

    def most_servers(self) -> dict[str, float]:
        """Return the most servers that each zone had at once."""
        return {
            zone: max(count for _, count in points)
            for zone, points in self.servers.items()
            if points
        }

    def save(self, path: Path) -> None:
        """Write the timeline as JSON, with its times."""
        path.write_text(json.dumps(asdict(self) | {"times": self.times()}, indent=1))

    def _points(self) -> Points:
        return sorted(point for points in self.cpu.values() for point in points)

    def _under_from(self, crossed: float) -> float | None:
        """Return the first of a run of points that are all under the target, in every zone."""
        after = [point for point in self._points() if crossed < point[0] <= self.ended]
        run: Points = []
        for point in after:
            run = [*run, point] if point[1] <= self.target_percent else []
            if len(run) == STEADY_POINTS * len(self.cpu):
                return run[0][0]
        return None

    def _back_from(self, ended: float) -> float | None:
        """Return when every zone was back at its first number of servers for good."""
        backs = []
        for points in self.servers.values():
            if points[-1][1] != points[0][1]:
                return None
            backs.append(points[-1][0])
        return max(ended, *backs) if backs else None


class Recorder:
    """Records a fleet's web tier between `start` and `finish`."""

    def __init__(self, tier: WebTier, clock_factor: float) -> None:
        """Read the web tier's target; recording begins with `start`."""
        self._tier = tier
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="timeline", daemon=True)
        self.timeline = Timeline(self._target_percent(), clock_factor, time.time())
        self.timeline.servers = {zone: [] for zone in tier.groups}

    def start(self) -> None:
        """Mark the begin of the load, and record from now on."""
        self._look()  # if AWS refuses the query, fail before the load
        self.timeline.begun = time.time()
        self._thread.start()

    def finish(self) -> Timeline:
        """Mark the end of the load, and wait until each zone has its first number of servers again.

        It waits for QUIET_SECONDS at most.
        """
        self.timeline.ended = time.time()
        deadline = time.monotonic() + QUIET_SECONDS / self.timeline.clock_factor
        while not self._is_back() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._stopping.set()
        self._thread.join()
        self.timeline.cpu = {zone: self._cpu(zone) for zone in self._tier.groups}
        return self.timeline

    def _is_back(self) -> bool:
        return all(points[-1][1] <= points[0][1] for points in self.timeline.servers.values())

    def _follow(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            with contextlib.suppress(BotoCoreError, ClientError):  # the next look may succeed
                self._look()

    def _look(self) -> None:
        for zone, count in self._tier.in_service().items():
            points = self.timeline.servers[zone]
            if not points or points[-1][1] != count:
                points.append((time.time(), count))

    def _target_percent(self) -> float:
        """Return the CPU that the groups' target tracking, which all share, keeps to."""
        policies = self._tier.client("autoscaling").describe_policies(
            AutoScalingGroupName=next(iter(self._tier.groups.values())),
            PolicyTypes=["TargetTrackingScaling"],
        )["ScalingPolicies"]
        return float(policies[0]["TargetTrackingConfiguration"]["TargetValue"])

    def _cpu(self, zone: str) -> Points:
        begin = self.timeline.begun - 6 * CPU_PERIOD_SECONDS
        points = self._tier.cpu(zone, datetime.fromtimestamp(begin, UTC), datetime.now(UTC))
        # A point bears the begin of its period; it was known at its end.
        return [(at + CPU_PERIOD_SECONDS, value) for at, value in points]


def draw(timeline: Timeline, title: str, path: Path) -> None:
    """Write a chart of it: CPU per zone above, servers per zone below."""
    import matplotlib  # only here: it takes a second

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (upper, lower) = pyplot.subplots(
        *(2, 1), figsize=(9, 5.4), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    for zone in sorted(timeline.servers):
        cpu = timeline.cpu[zone]
        upper.plot([_minutes(timeline, at) for at, _ in cpu], [v for _, v in cpu], label=zone)
        servers = timeline.servers[zone]
        end = max([timeline.ended, *(at for at, _ in cpu)])
        lower.step(
            [_minutes(timeline, at) for at, _ in servers] + [_minutes(timeline, end)],
            [count for _, count in servers] + [servers[-1][1]],
            where="post",
            label=zone,
        )
    upper.axhline(timeline.target_percent, color="gray", linestyle="--", label="target")
    upper.set(ylabel="CPU of a zone's servers (%)", ylim=(0, 105), title=title)
    lower.set(xlabel="minutes since the load began", ylabel="servers in service", ylim=(0, None))
    lower.yaxis.get_major_locator().set_params(integer=True)
    for axes in (upper, lower):
        axes.axvspan(0, _minutes(timeline, timeline.ended), color="black", alpha=0.06, linewidth=0)
        axes.grid(alpha=0.3)
    upper.legend(loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _minutes(timeline: Timeline, at: float) -> float:
    return (at - timeline.begun) / 60
