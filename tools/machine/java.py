"""The Java runtime that Spark is started with."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from airaware.errors import AirAwareError

OLDEST_VERSION = 17
INSTALLED = Path("/usr/lib/jvm")


@dataclass(frozen=True)
class Java:
    """A runtime: its home folder, its major version, and which unfit ones were found before it."""

    home: Path
    version: int
    passed_over: str = ""


def find() -> Java:
    """Return the runtime that JAVA_HOME names, or PATH leads to, or is installed; the first fit.

    Raises AirAwareError if none is new enough.
    """
    named, path = os.environ.get("JAVA_HOME", ""), os.environ.get("PATH", os.defpath)
    seen: list[str] = []
    for source, program in _candidates(named, path):
        java = _ask(program)
        if java and java.version >= OLDEST_VERSION:
            return replace(java, passed_over="; ".join(seen))
        seen.append(
            f"{source} leads to {f'Java {java.version}' if java else f'no Java: {program}'}"
        )
    raise AirAwareError(
        f"Spark needs Java {OLDEST_VERSION} or newer ({'; '.join(seen) or 'none is installed'}): "
        "install default-jre-headless, or let JAVA_HOME name one"
    )


def _candidates(named: str, path: str) -> Iterator[tuple[str, Path]]:
    if named:
        yield f"JAVA_HOME={named}", Path(named) / "bin" / "java"
    if found := shutil.which("java", path=path):
        yield "PATH", Path(found)
    for program in sorted(INSTALLED.glob("*/bin/java")):
        yield str(INSTALLED), program


def _ask(program: Path) -> Java | None:
    """Return what the program says of itself; None if it is no Java that runs."""
    try:
        said = subprocess.run(
            [program, "-XshowSettings:properties", "-version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ).stdout
    except OSError:
        return None
    home = re.search(r"^ *java\.home = (.+)$", said, re.MULTILINE)
    version = re.search(r"^ *java\.specification\.version = (?:1\.)?(\d+)", said, re.MULTILINE)
    return Java(Path(home[1]), int(version[1])) if home and version else None
