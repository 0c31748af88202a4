"""Binds a folder of this machine into a host that runs, or takes it out again.

    python -m tools.lab.hosts.attach PID TARGET [SOURCE]

A program of its own, as only a process with a single thread may enter another mount namespace:
that of the process PID. Without SOURCE, what is mounted at TARGET is taken out.
"""

import ctypes
import os
import sys
from pathlib import Path

from tools.lab.net.namespaces import enter

CLONE_NEWNS = 0x00020000
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
MNT_DETACH = 2
# The same on every architecture; the C library of Debian 12 has names for them only since 2.36.
SYS_OPEN_TREE, SYS_MOVE_MOUNT = 428, 429

_libc = ctypes.CDLL(None, use_errno=True)


def attach(pid: int, target: str, source: str) -> None:
    """Bind the folder `source` at `target` of the process's mount namespace."""
    tree = _checked(
        _libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(source), OPEN_TREE_CLONE | AT_RECURSIVE)
    )
    _enter_mounts(pid)
    Path(target).mkdir(parents=True, exist_ok=True)
    _checked(
        _libc.syscall(
            *(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)
        )
    )


def detach(pid: int, target: str) -> None:
    """Take out what is mounted at `target`; what uses it keeps it until its end."""
    _enter_mounts(pid)
    if os.path.ismount(target):
        _checked(_libc.umount2(os.fsencode(target), MNT_DETACH))


def _enter_mounts(pid: int) -> None:
    root = os.open(f"/proc/{pid}/root", os.O_PATH)
    enter(Path(f"/proc/{pid}/ns/mnt"), CLONE_NEWNS)
    os.fchdir(root)
    os.chroot(".")


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


if __name__ == "__main__":
    if len(sys.argv) == 4:
        attach(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    else:
        detach(int(sys.argv[1]), sys.argv[2])
