"""moto as a process of its own, where this one's may be another: the lab's tests change it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tools.machine.checkout import CHECKOUT
from tools.machine.postgres import free_port

START_SECONDS = 180


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Its address while it runs; its log is in the folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(("moto.server", "-H", "127.0.0.1", "-p", str(port)), url, folder / "log"):
        yield url


@contextmanager
def serving(module: Sequence[str], url: str, log: Path, ca: Path | None = None) -> Iterator[None]:
    """Run a module that serves moto, with its arguments; `ca` vouches for it, once it is there."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOTO_")}
    with log.open("w") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=CHECKOUT,
            env=clean,
            stdout=written,
            stderr=written,
        )
    try:
        _wait_for(server, url, log, str(ca) if ca else True)
        yield
    finally:
        server.terminate()
        server.wait()


def _wait_for(server: subprocess.Popen, url: str, log: Path, verify: str | bool) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):  # no certificate yet, or no server
            requests.get(f"{url}/moto-api/", verify=verify, timeout=START_SECONDS)
            return
        time.sleep(0.2)
    raise AssertionError(f"moto did not start: {log.read_text()}")
