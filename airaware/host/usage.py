"""The CPU time that this host has used, and may use: a virtual machine's own, or a container's."""

import os
from dataclasses import dataclass
from pathlib import Path

from airaware.errors import AirAwareError

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU time that the host has used since some moment, and how many CPUs it may use at once."""

    used_seconds: float
    cpus: float

    def percent_since(self, before: "Usage", elapsed_seconds: float) -> float:
        """Of what the host could use in the time from `before` on: 0 to 100."""
        share = (self.used_seconds - before.used_seconds) / (elapsed_seconds * self.cpus)
        return min(max(100 * share, 0), 100)


def usage(root: Path = Path("/")) -> Usage:
    """Return the host's usage now: a virtual machine's own, or a container's.

    A container's /proc/stat counts the whole machine; its control group counts only the container,
    and may cap it.
    Raises AirAwareError where neither is to be found.
    """
    if (root / "run/systemd/container").exists():
        return _of_control_group(root / "sys/fs/cgroup")
    user, nice, system, _idle, _wait, irq, softirq, steal = (
        int(word) for word in (root / "proc/stat").read_text().split()[1:9]
    )
    # Stolen time is the hypervisor's no to work that was there: EC2's metric counts it, too.
    busy = user + nice + system + irq + softirq + steal
    return Usage(busy / TICKS_PER_SECOND, os.cpu_count() or 1)


def _of_control_group(groups: Path) -> Usage:
    cpus = float(os.cpu_count() or 1)
    if (version_1 := groups / "cpuacct" / "cpuacct.usage").exists():
        quota, period = (
            int((groups / "cpu" / f"cpu.cfs_{word}_us").read_text()) for word in ("quota", "period")
        )
        used_seconds = int(version_1.read_text()) / 1e9
        return Usage(used_seconds, quota / period if quota > 0 else cpus)
    if (version_2 := groups / "cpu.stat").exists():
        numbers = dict(line.split() for line in version_2.read_text().splitlines())
        limit = groups / "cpu.max"  # the root group has none
        most, per = limit.read_text().split() if limit.exists() else ("max", "1")
        used_seconds = int(numbers["usage_usec"]) / 1e6
        return Usage(used_seconds, cpus if most == "max" else int(most) / int(per))
    raise AirAwareError(f"No control group counts this container's CPU: {groups} has none")
