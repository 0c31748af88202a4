"""The site as it is deployed: gunicorn with two workers, on a free port; and what it answers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from browser import Site
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from airaware import settings
from airaware.settings import Zone
from tools.machine.postgres import HOST, free_port

BUSY_SECONDS = 120


def answered(client: FlaskClient, path: str, **query: Any) -> TestResponse:
    """Return an answer; while a busy machine's databases take too long, ask again as it says."""
    deadline = time.monotonic() + BUSY_SECONDS
    while (response := client.get(path, query_string=query)).status_code == 503:
        assert time.monotonic() < deadline, response.text
        time.sleep(int(response.headers["Retry-After"]))
    assert response.status_code == 200, response.text
    return response


@contextmanager
def served(
    zones: Sequence[Zone], folder: Path, within: Sequence[str] = (), bulk: str = ""
) -> Iterator[Site]:
    """Serve the zones, the first one's as the own, by a command that `within` may begin."""
    counters = folder / "counters"
    counters.mkdir()
    port = free_port()
    url, log = f"http://{HOST}:{port}", folder / "log"
    environ = {
        "AIRAWARE_ZONES": settings.written(zones),
        "AIRAWARE_ZONE": zones[0].name,
        "AIRAWARE_CENSUS_URL": "",
        "AIRAWARE_BULK": bulk,
        "PROMETHEUS_MULTIPROC_DIR": str(counters),
    }
    command = [
        *(*within, sys.executable, "-m", "gunicorn", "airaware.web:create_app()"),
        *("--config", "python:airaware.web.gunicorn"),
        *("--bind", f"{HOST}:{port}", "--workers", "2"),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=os.environ | environ, stdout=output, stderr=output)
    try:
        _wait_for(f"{url}/healthz", server, log)
        yield Site(url, log)
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"the site does not start:\n{log.read_text()}")
