"""moto as a process of its own, where this one's may be another: the lab's tests change it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tools.machine.postgres import free_port

START_SECONDS = 180
PLAIN = ("-m", "moto.server")
# With the lab's patches, but for those that leave it to the lab to launch a group's members.
PATCHED = (
    "-c",
    "from moto.server import main;"
    "from tools.lab.aws import ec2_gaps, elb_gaps, gaps, policy_gaps, route53_gaps;"
    "gaps.fill(); main()",
)


@contextmanager
def moto_server(
    folder: Path,
    *options: str,
    program: Sequence[str] = PLAIN,
    ca: Path | None = None,
    **environ: str,
) -> Iterator[str]:
    """Yield its address while it runs; its log is in the folder.

    It serves TLS where `ca` vouches for the certificate in `options`.
    """
    log, port = folder / "log", free_port()
    url = f"{'https' if ca else 'http'}://127.0.0.1:{port}"
    command = [sys.executable, *program, "-H", "127.0.0.1", "-p", str(port), *options]
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
