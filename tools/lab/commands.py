"""Run the machine's programs; a failure's message has their own output."""

import os
import subprocess
from pathlib import Path
from typing import Any

from airaware.errors import AirAwareError

MARK = "AIRAWARE_LAB"  # the variable by which the processes of a lab are known
LINES_OF_AN_ERROR = 8


def run(
    *command: str | Path, timeout_seconds: float = 60, stdin: str | None = None, **options: Any
) -> str:
    """Return what the command wrote to its standard output; `options` are those of subprocess.run.

    Raises AirAwareError with the command, its status and the end of what it wrote.
    """
    words = [str(word) for word in command]
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            words,
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            **options,
        )
    except FileNotFoundError as error:
        raise AirAwareError(f"{words[0]} is not there: install the package that has it") from error
    except subprocess.TimeoutExpired as error:
        raise AirAwareError(f"Gave up after {timeout_seconds:g} s: {' '.join(words)}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-LINES_OF_AN_ERROR:]
        raise AirAwareError(
            "\n".join([f"Failed with status {done.returncode}: {' '.join(words)}", *said])
        )
    return done.stdout


def marked(name: str) -> dict[str, str]:
    """Return the environment of a process of the lab `name`, by which another finds it later."""
    return os.environ | {MARK: name}
