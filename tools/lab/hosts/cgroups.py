"""The control groups of the hosts: one per host in every hierarchy that systemd or the lab uses.

Version 1 has a tree per controller, version 2 one for all; both may be mounted at once, and then
those of version 1 count. Groups lie under the lab's name: <tree>/<name>/<host>.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from airaware.errors import AirAwareError

# Without trees of its own in these, a host's systemd would see the services of the others. Memory
# is left alone: nothing here caps it.
VERSION_1 = ("name=systemd", "cpu", "cpuacct", "cpuset", "pids")
CPU_PERIOD_MICROSECONDS = 100_000
DEFAULT_SHARES, DEFAULT_WEIGHT = 1024, 100  # the kernel's, in version 1 and 2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def trees() -> list[Path]:
    """Return the roots of the hierarchies that hosts get groups in, systemd's (or v2) first."""
    version_1: dict[str, Path] = {}
    version_2: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        path = Path(before.split()[4])
        if kind == "cgroup2":
            version_2.append(path)
        elif kind == "cgroup":
            version_1 |= dict.fromkeys(options.split(","), path)
    found = [version_1[controller] for controller in VERSION_1 if controller in version_1]
    return list(dict.fromkeys([*found, *version_2]))


class Group:
    """A host's group, in all trees."""

    def __init__(self, name: str, host: str) -> None:
        """Name it; `make` makes it. Raises AirAwareError where no tree is mounted."""
        self.folders = [tree / name / host for tree in trees()]
        if not self.folders:
            raise AirAwareError("No cgroups are mounted: mount them at /sys/fs/cgroup")

    def make(self) -> None:
        """Make it in every tree."""
        for folder in self.folders:
            for made in (folder.parent, folder):
                _pass_controllers_to_children(made.parent)
                made.mkdir(exist_ok=True)
                _inherit_cpuset(made)

    def joining(self) -> str:
        """Return a shell's line that moves the shell itself into it."""
        return "; ".join(f"echo $$ > '{folder}/cgroup.procs'" for folder in self.folders)

    def cap_cpu(self, cpus: float) -> None:
        """Let it use that many CPUs at most."""
        quota = int(cpus * CPU_PERIOD_MICROSECONDS)
        for folder in self.folders:
            if (folder / "cpu.cfs_quota_us").exists():
                (folder / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_MICROSECONDS))
                (folder / "cpu.cfs_quota_us").write_text(str(quota))
            elif (folder / "cpu.max").exists():
                (folder / "cpu.max").write_text(f"{quota} {CPU_PERIOD_MICROSECONDS}")

    def weigh_cpu(self, weight: int) -> None:
        """Give it that many times another group's share where CPU is short."""
        for folder in self.folders:
            if (folder / "cpu.shares").exists():
                (folder / "cpu.shares").write_text(str(weight * DEFAULT_SHARES))
            elif (folder / "cpu.weight").exists():
                (folder / "cpu.weight").write_text(str(weight * DEFAULT_WEIGHT))

    def processes(self) -> set[int]:
        """Return the ids of all processes in it and below."""
        return {pid for folder in self.folders for pid in processes(folder)}

    def memory_bytes(self) -> int:
        """Return its memory: as version 2 counts it, else the sum of its processes' RSS."""
        with contextlib.suppress(OSError):
            return int((self.folders[0] / "memory.current").read_text())
        return sum(_resident_bytes(pid) for pid in processes(self.folders[0]))

    def remove(self, deadline_seconds: float = 10) -> None:
        """End what is left in it, and remove it from every tree."""
        for folder in self.folders:
            remove(folder, deadline_seconds)


def folders(name: str) -> list[Path]:
    """Return the groups of the lab `name` that exist, in every tree."""
    return [tree / name for tree in trees() if (tree / name).is_dir()]


def processes(folder: Path) -> set[int]:
    """Return the ids of the processes in a group and below; none where it is gone."""
    pids = set()
    # A host that stops removes groups of its own meanwhile: os.walk takes that as it comes.
    for group, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            pids |= {int(pid) for pid in Path(group, "cgroup.procs").read_text().split()}
    return pids - {0}


def remove(folder: Path, deadline_seconds: float = 10) -> None:
    """Kill what is in a group and below, and remove it.

    Raises AirAwareError where processes do not go within the deadline.
    """
    deadline = time.monotonic() + deadline_seconds
    while pids := processes(folder):
        if time.monotonic() > deadline:
            raise AirAwareError(f"Processes {sorted(pids)} of {folder} do not end: look at them")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for group in sorted(folder.rglob("*/"), reverse=True):
        group.rmdir()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def _pass_controllers_to_children(folder: Path) -> None:
    """Version 2: have the groups in this folder count CPU, memory and processes."""
    if (folder / "cgroup.subtree_control").exists():
        there = (folder / "cgroup.controllers").read_text().split()
        for controller in {"cpu", "memory", "pids"} & set(there):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """Version 1: a new group has no CPU to run on until it is given some."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (folder / "cgroup.clone_children").exists() and (folder / file).exists():
            (folder / file).write_text((folder.parent / file).read_text())
            (folder / "cgroup.clone_children").write_text("1")


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
