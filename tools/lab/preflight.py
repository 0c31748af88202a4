"""Try whether this machine can carry a lab; report what it lacks in sentences."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab.commands import run
from tools.lab.hosts import cgroups

PACKAGES = {  # program -> Debian's package
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "ssh": "openssh-client",
}
MEMORY_BYTES = 4 << 30
DISK_BYTES = 6 << 30


def problems(folder: Path) -> list[str]:
    """Return what keeps a lab with its state in `folder` from running here, with remedies.

    What needs root, Linux or a missing program to be tried is not tried without.
    """
    if not sys.platform.startswith("linux"):
        return ["The lab needs Linux (its hosts share the machine's kernel): use a Linux machine"]
    if os.geteuid() != 0:
        return ["The lab needs root for mounts, networks and cgroups: run it with sudo"]
    if missing := missing_packages():
        return [f"Programs are missing: apt-get install {' '.join(missing)}"]
    return [*_lack_of_room(folder), *_lack_of_kernel(folder)]


def missing_packages() -> list[str]:
    """Return the Debian packages of the programs that are missing."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [
        package for program, package in PACKAGES.items() if not shutil.which(program, path=path)
    ]


def _lack_of_room(folder: Path) -> Iterator[str]:
    memory = available_bytes(Path("/proc/meminfo").read_text())
    if memory < MEMORY_BYTES:
        yield (
            f"{memory / 2**30:.1f} GB of memory are free, the lab needs {MEMORY_BYTES >> 30}: "
            "end other programs, or use a larger machine"
        )
    there = next(path for path in (folder, *folder.parents) if path.exists())
    disk = shutil.disk_usage(there).free
    if disk < DISK_BYTES:
        yield (
            f"{disk / 2**30:.1f} GB are free at {there}, the lab needs {DISK_BYTES >> 30}: "
            "make room, or name another folder with AIRAWARE_STATE"
        )


def available_bytes(meminfo: str) -> int:
    """Return the memory that programs can still have, out of /proc/meminfo."""
    line = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


def _lack_of_kernel(folder: Path) -> Iterator[str]:
    """Yield what the kernel refuses, each tried in a place of its own and removed."""
    if not cgroups.trees():
        yield "No cgroups are mounted: mount them at /sys/fs/cgroup, as systemd does"
    namespace = f"aw-try-{os.getpid()}"
    try:
        run("ip", "netns", "add", namespace)
    except AirAwareError as error:
        yield f"Network namespaces cannot be made (in a container? it needs privileges): {error}"
        return
    try:
        yield from _lack_of_network(namespace)
    finally:
        run("ip", "netns", "delete", namespace)
    if not Path("/dev/loop-control").exists():
        yield "Volumes are files that are mounted, and there is no /dev/loop-control: modprobe loop"
    if refusal := _refusal_of_overlay(folder):
        yield f"overlayfs cannot be mounted at {folder}: name a folder on ext4 or xfs; {refusal}"


def _lack_of_network(namespace: str) -> Iterator[str]:
    within = ("nsenter", f"--net=/run/netns/{namespace}")
    rules = "table inet t { chain c { type filter hook forward priority 0; ct state new drop; }; }"
    tries = {
        "Bridges": ("ip", "-n", namespace, "link", "add", "br-t", "type", "bridge"),
        "Pairs of interfaces": ("ip", "-n", namespace, "link", "add", "name", "t", "type", "veth"),
        "nftables' rules": (*within, "nft", rules),
    }
    for what, command in tries.items():
        try:
            run(*command)
        except AirAwareError as error:
            yield f"{what} cannot be made, load the kernel's module for it: {error}"
    try:
        run(*within, "cat", "/proc/sys/net/bridge/bridge-nf-call-iptables")
    except AirAwareError:
        yield "The firewall would not see what stays within a zone: modprobe br_netfilter"


def _refusal_of_overlay(folder: Path) -> str:
    """Why an overlay cannot have its upper layer in the folder's file system; empty if it can."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    with tempfile.TemporaryDirectory(dir=there, prefix=".try-") as name:
        lower, upper, work, root = (
            Path(name) / part for part in ("lower", "upper", "work", "root")
        )
        for made in (lower, upper, work, root):
            made.mkdir()
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        try:
            run("mount", "-t", "overlay", "-o", options, "try", root)
        except AirAwareError as error:
            return str(error)
        run("umount", root)
    return ""
