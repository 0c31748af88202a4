"""What our processes inherit from the user's shell; the list itself is in environ.sh."""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from airaware.errors import AirAwareError

SCRIPT = Path(__file__).with_name("environ.sh")
# Spark's JVM alone opens some 400 files.
OPEN_FILES = 1024


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the project's folder in the user's cache folder; it may not be there yet."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airaware"


def inherited() -> dict[str, str]:
    """Return the environment that this process should have."""
    said = subprocess.run(
        [SCRIPT, "env", "-0"],
        env=os.environ,  # else also what C code has set since, as readline does
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return dict(entry.split("=", 1) for entry in os.fsdecode(said).split("\0") if entry)


def enter() -> None:
    """Start this program anew if its environment is not `inherited`.

    Python itself has read some of the variables by now (PYTHONPATH, PYTHONWARNINGS).
    """
    os.umask(0o022)
    clean = inherited()
    if clean != dict(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)


def allow_open_files() -> None:
    """Raise this process's limit of open files to what we need.

    Raises AirAwareError if the account may not have so many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
            raise AirAwareError(
                f"Only {hard} files may be open at once (`ulimit -Hn`), but the databases and "
                f"Spark need {OPEN_FILES}: raise the limit in /etc/security/limits.conf, or use "
                "a shell without it"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
