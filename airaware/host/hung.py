"""What is to be done about a web host that does not answer: decisions only, from what was seen.

Busy is not dead. A worker that hangs is killed, a site whose workers do not come back is restarted,
and only a host on which neither helps is reported, so that its group replaces it. See "Implementing
health checks" in the AWS Builders' Library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TICK_SECONDS = 1.0
# A tick that comes later than this was not the watchdog's to choose: the machine is busy.
LATE_SECONDS = 0.5
SILENT_SECONDS = 10  # from a worker's last answer until it is killed
HELP_SECONDS = 2  # what a new worker has for its first answer
HUNG_SECONDS = 120  # from the site's last answer until the host may be reported
REPORT_SECONDS = 30  # between two attempts to report it
# Puppet's first run installs and restarts the site. Without a master it never ends.
FIRST_RUN_SECONDS = 900

# States of a target: the balancer's own, but for the two kinds of unhealthy. One that refuses
# answers its check, though not with yes.
HEALTHY, HUNG, REFUSES = "healthy", "hung", "refuses"
PASSING = frozenset({"initial", "draining"})
IN_SERVICE = "InService"
# What a group does not do while its hosts are deployed, drilled or shifted away.
REPLACING = frozenset({"HealthCheck", "ReplaceUnhealthy", "Terminate", "Launch"})


@dataclass
class OwnTime:
    """Seconds in which the watchdog itself was scheduled: a late tick counts for nothing."""

    seconds: float = 0.0

    def pass_by(self, elapsed_seconds: float) -> float:
        """Add the time since the tick before, and return the sum."""
        if elapsed_seconds <= TICK_SECONDS + LATE_SECONDS:
            self.seconds += elapsed_seconds
        return self.seconds


@dataclass(frozen=True)
class Decision:
    """The workers to kill, by process id; whether to restart the site, and to report the host."""

    kill: tuple[int, ...] = ()
    restart: bool = False
    report: bool = False


@dataclass
class Workers:
    """When the site's workers last answered, in the watchdog's own time."""

    answered: dict[int, float] = field(default_factory=dict)
    site_answered: float = 0.0
    killed: float | None = None  # since when no worker has answered after one was killed
    reported: float = 0.0

    def decide(self, now: float, answers: Mapping[int, bool], first_run: bool) -> Decision:
        """Return what to do at a tick.

        Args:
            now: The watchdog's own time.
            answers: Whether each worker that runs has answered, by its process id.
            first_run: Whether Puppet's first run on the host is still to end.
        """
        self.answered = {
            pid: now if ok else self.answered.get(pid, now) for pid, ok in answers.items()
        }
        if any(answers.values()):
            self.site_answered, self.killed = now, None
        kill = tuple(pid for pid, at in self.answered.items() if now - at >= SILENT_SECONDS)
        # One that the kernel cannot kill gets its next turn after as long again.
        self.answered |= dict.fromkeys(kill, now)
        restart = self.killed is not None and now - self.killed >= HELP_SECONDS
        if restart:
            self.killed = None
        elif kill and self.killed is None:
            self.killed = now
        return Decision(kill, restart, self._is_to_be_reported(now, first_run))

    def _is_to_be_reported(self, now: float, first_run: bool) -> bool:
        hung = now - self.site_answered >= HUNG_SECONDS
        if (
            not hung
            or now - self.reported < REPORT_SECONDS
            or (first_run and now < FIRST_RUN_SECONDS)
        ):
            return False
        self.reported = now
        return True


@dataclass(frozen=True)
class Member:
    """A host of the site's groups, as its group describes it."""

    state: str = IN_SERVICE
    healthy: bool = True


@dataclass(frozen=True)
class Group:
    """A zone's group of web hosts."""

    wanted: int
    members: Mapping[str, Member]
    suspended: frozenset[str] = frozenset()

    @property
    def settled(self) -> bool:
        """Whether it neither launches nor terminates a host, nor is about to."""
        return len(self.members) == self.wanted and all(
            member.state == IN_SERVICE and member.healthy for member in self.members.values()
        )


@dataclass(frozen=True)
class Site:
    """All web hosts, in every zone: their groups, and the state of each target by instance id."""

    groups: tuple[Group, ...]
    targets: Mapping[str, str]


def reason_to_wait(own: str, site: Site) -> str:
    """Return why a host that hangs is not to be reported now; empty where it is.

    Args:
        own: The host's instance id.
        site: The web hosts.
    """
    state = site.targets.get(own, "no target")
    if state != HUNG:
        return f"the load balancer has it as {state}"
    if any(own in group.members and group.suspended & REPLACING for group in site.groups):
        return "its group is suspended: a deployment, a drill or a shift is under way"
    if HEALTHY not in site.targets.values():
        return "no other target is healthy"
    if not all(group.settled for group in site.groups):
        return "a group is replacing or launching a host"
    if passing := sorted(id_ for id_, at in site.targets.items() if at in PASSING):
        return f"{', '.join(passing)} is not yet healthy, or leaves"
    if (first := min(id_ for id_, at in site.targets.items() if at == HUNG)) != own:
        return f"{first} hangs, too, and is replaced first"
    return ""
