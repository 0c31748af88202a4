"""What this machine's CPUs did meanwhile: for us, for other processes, for other guests (steal).

Ours are this process and the site, the databases and the lab of this checkout, each with all that
they have started. The lab's hosts are children of its daemon; their control group counts their CPU,
also of those that were ended, which nobody waits for.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

# What runs for us in the background, in one of our folders.
LAB = "tools.lab.daemon"
PROGRAMS = {LAB, "gunicorn", "postgres"}
# The machine was the limit if nothing was idle, and others took what would have helped.
IDLE_PERCENT, TAKEN_PERCENT, FREE_GB = 10, 10, 1


@dataclass(frozen=True)
class Usage:
    """Shares of all CPUs in percent; at the end, the load average of a minute and free disk."""

    cpus: int
    ours_percent: float
    others_percent: float
    steal_percent: float
    idle_percent: float
    load: float
    free_gb: float

    @property
    def limit(self) -> str:
        """In a sentence, why the machine limits what was measured; empty where it does not."""
        taken = self.others_percent + self.steal_percent
        if self.idle_percent < IDLE_PERCENT and taken >= TAKEN_PERCENT:
            return (
                f"the machine, not the fleet, was the limit: {taken:.0f}% of its CPU went to others"
                f" and {self.idle_percent:.0f}% was idle"
            )
        if self.free_gb < FREE_GB:
            return f"the machine, not the fleet, was the limit: {self.free_gb:.1f} GB of disk free"
        return ""

    def __str__(self) -> str:
        """Return it as one line of a report."""
        return (
            f"machine: other processes took {self.others_percent:.0f}% of {self.cpus} CPUs,"
            f" ours {self.ours_percent:.0f}%, steal {self.steal_percent:.0f}%,"
            f" idle {self.idle_percent:.0f}%; load {self.load:.1f}; {self.free_gb:.1f} GB free"
        )


class Meter:
    """Measures from when it is made; `folders` are those of our background processes."""

    def __init__(self, *folders: Path) -> None:
        """Begin to measure."""
        self._folders = folders
        self._before = self._now()

    def usage(self) -> Usage:
        """Return the usage since the meter was made."""
        (times, ours_before), (after, ours_after) = self._before, self._now()
        spent = {
            name: max(0.0, getattr(after, name) - getattr(times, name)) for name in after._fields
        }
        # Linux counts a guest's time in user and nice, too.
        for twice in ("guest", "guest_nice"):
            spent.pop(twice, None)
        total = sum(spent.values()) or 1.0
        working = spent["user"] + spent["nice"] + spent["system"]
        ours = min(max(0.0, ours_after - ours_before), working)
        return Usage(
            cpus=os.cpu_count() or 1,
            ours_percent=100 * ours / total,
            others_percent=100 * (working - ours) / total,
            steal_percent=100 * spent.get("steal", 0.0) / total,
            idle_percent=100 * (spent["idle"] + spent.get("iowait", 0.0)) / total,
            load=psutil.getloadavg()[0],
            free_gb=psutil.disk_usage(str(next(filter(Path.exists, self._folders), "/"))).free
            / 1e9,
        )

    def _now(self) -> tuple[Any, float]:
        return psutil.cpu_times(), cpu_seconds(self._folders)


def cpu_seconds(folders: Iterable[Path]) -> float:
    """Return the CPU time of our processes, also of those that have ended."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    ours, labs = {os.getpid()}, set()
    real = [folder.resolve() for folder in folders]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            parents[process.pid] = process.ppid()
            seconds[process.pid] = sum(process.cpu_times()[:4])
            names = {Path(word).name for word in process.cmdline()}
            if names & PROGRAMS:
                where = Path(process.cwd())
                if any(where.is_relative_to(folder) for folder in real):
                    ours.add(process.pid)
                    if LAB in names:
                        labs.add(process.pid)
                        # What it has waited for are hosts, whose groups count it.
                        seconds[process.pid] = sum(process.cpu_times()[:2])

    def descends(pid: int, ancestors: set[int]) -> bool:
        while pid not in ancestors and pid in parents and parents[pid] != pid:
            pid = parents[pid]
        return pid in ancestors

    groups = {pid: _group(pid) for pid in seconds if descends(pid, labs)}
    of_labs = {groups[lab] for lab in labs}
    of_hosts = {group for group in groups.values() if group and group not in of_labs}
    return sum(map(_seconds_of, of_hosts)) + sum(
        spent
        for pid, spent in seconds.items()
        if descends(pid, ours) and groups.get(pid) not in of_hosts
    )


def _group(pid: int) -> Path | None:
    """Return the outermost control group that counts a process's CPU; None of one that ended."""
    with suppress(OSError):
        # Where both versions are mounted, those of version 1 come first, and count.
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "cpuacct" in controllers.split(","):
                tree = Path("/sys/fs/cgroup") / ("cpuacct" if controllers else "")
                return tree / Path(path).parts[1] if path != "/" else tree
    return None


def _seconds_of(group: Path) -> float:
    """Return the CPU time of all that ever ran in a control group."""
    with suppress(OSError):
        if (group / "cpuacct.usage").exists():
            return int((group / "cpuacct.usage").read_text()) / 1e9
        fields = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6
    return 0.0
