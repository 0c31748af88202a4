"""Prometheus' own programs, from the PATH or where tools/setup.sh unpacks them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
UNPACKED = CHECKOUT / "build" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """Where it is. The test is skipped where it is not."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{UNPACKED}")
    if found is None:
        pytest.skip(f"{name} is not there: tools/setup.sh tests brings it")
    return found


def check(name: str, *arguments: object) -> tuple[bool, str]:
    """Run a program; return whether it accepts what it was given, and its output."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode == 0, done.stdout
