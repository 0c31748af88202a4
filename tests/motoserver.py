"""moto as a process of its own, where this one's may be another: the lab's tests change it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tools.machine.postgres import free_port

START_SECONDS = 180


@contextmanager
def moto_server(
    folder: Path, *options: str, ca: Path | None = None, **environ: str
) -> Iterator[str]:
    """Its address while it runs, with TLS where `ca` vouches for the certificate in `options`; its
    log is in the folder."""
    log, port = folder / "log", free_port()
    url = f"{'https' if ca else 'http'}://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOTO_")}
    with log.open("w") as written:
        server = subprocess.Popen(command, env=clean | environ, stdout=written, stderr=written)
    try:
        _wait_for(server, url, log, str(ca) if ca else True)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(server: subprocess.Popen, url: str, log: Path, verify: str | bool) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(f"{url}/moto-api/", verify=verify, timeout=START_SECONDS)
            return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(f"moto did not start: {log.read_text()}")
