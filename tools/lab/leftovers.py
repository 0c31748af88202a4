"""Finds and removes what a lab whose daemon was killed has left on the machine, by the lab's name.

Processes are known by their cgroup or by a variable in their environment, mounts and networks by
their names.
"""

import contextlib
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from tools.lab.commands import MARK, run
from tools.lab.hosts import cgroups
from tools.lab.net import network

NSPAWN = Path("/run/systemd/nspawn/propagate")  # systemd-nspawn keeps a folder per machine here


@dataclass(frozen=True)
class Leftovers:
    """What is there of a lab."""

    processes: tuple[int, ...]
    mounts: tuple[Path, ...]
    namespaces: tuple[str, ...]
    cgroups: tuple[Path, ...]
    folders: tuple[Path, ...]


def find(name: str) -> Leftovers:
    """All that the machine has of the lab `name`, but for its state folder."""
    groups = cgroups.folders(name)
    grouped = {pid for group in groups for pid in cgroups.processes(group)}
    return Leftovers(
        processes=tuple(sorted(_marked_processes(name) | grouped)),
        mounts=tuple(sorted(_mounts(name))),
        namespaces=tuple(network.namespaces(name)),
        cgroups=tuple(groups),
        folders=tuple(sorted(NSPAWN.glob(f"{name}-*"))),
    )


def everything(name: str) -> list[str]:
    """Return the same in words, to be compared and shown."""
    found = find(name)
    return [
        *(f"process {pid}: {_command(pid)}" for pid in found.processes),
        *(f"mount {path}" for path in found.mounts),
        *(f"network namespace {namespace}" for namespace in found.namespaces),
        *(f"cgroup {path}" for path in found.cgroups),
        *(f"folder {path}" for path in found.folders),
    ]


def remove(name: str) -> None:
    """Remove it all, by force.

    Raises AirAwareError where something does not go.
    """
    for pid in _marked_processes(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    found = find(name)
    for group in found.cgroups:
        cgroups.remove(group)
    for path in reversed(found.mounts):
        run("umount", path)
    for namespace in found.namespaces:
        run("ip", "netns", "delete", namespace)
    for folder in found.folders:
        shutil.rmtree(folder)


def _marked_processes(name: str) -> set[int]:
    """Those that the lab has started (but not this one), with what they have started."""
    mark = f"{MARK}={name}".encode()
    pids = set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                pids.add(int(environ.parent.name))
    return pids - {os.getpid()}


def _mounts(name: str) -> list[Path]:
    """Its hosts' roots and its volumes: mounts whose source is named after the lab."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if _file_of(after.split()[1]).startswith(f"{name}-"):
            found.append(Path(before.split()[4].replace(r"\040", " ")))
    return found


def _file_of(source: str) -> str:
    """Return what a mount's source is called: a loop device by the name of its file."""
    backing = Path("/sys/block") / Path(source).name / "loop/backing_file"
    return Path(backing.read_text().strip()).name if backing.exists() else source


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return "(ended)"
