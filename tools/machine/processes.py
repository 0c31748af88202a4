"""Our background processes, as /proc shows them.

A pid file alone proves nothing: after a crash or a reboot its number may belong to another program.
A process is ours if it runs our program in our folder.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def named(pid_file: Path, program: str, folder: Path) -> int | None:
    """Return the process id in the file's first line if that process is ours, else None."""
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text().split("\n", 1)[0])
        if is_ours(pid, program, folder):
            return pid
    return None


def working_in(folder: Path, program: str) -> list[int]:
    """Return the ids of all our processes in the folder, whether or not a pid file names them."""
    return [pid for pid in _all() if is_ours(pid, program, folder)]


def is_ours(pid: int, program: str, folder: Path) -> bool:
    """Return whether the process runs the program (a word of its command line) in the folder.

    False once it has ended, and for another account's, which does not show its folder. A process
    that is just ending has no command line any more, but may still hold its port: it counts.
    """
    process = PROC / str(pid)
    with suppress(OSError):
        words = (process / "cmdline").read_text(errors="replace").split("\0")
        runs = words == [""] or program in (Path(word).name for word in words)
        return runs and (process / "cwd").samefile(folder)
    return False


def _all() -> Iterator[int]:
    return (int(path.name) for path in PROC.iterdir() if path.name.isdecimal())
