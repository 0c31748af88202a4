"""The site's web server on this machine: gunicorn in the background, on the loopback interface."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from airaware.errors import AirAwareError
from tools.postgres import HOST, port_is_free

WORKERS = 2
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class WebServer:
    """The server whose pid file, address and workers' counters lie in `folder`."""

    folder: Path
    log: Path
    workers: int = WORKERS

    @property
    def pid_file(self) -> Path:
        """Where gunicorn writes the number of its main process."""
        return self.folder / "web.pid"

    def pid(self) -> int | None:
        """The server's main process, or None where it is not running.

        After a crash or a reboot another process may have the number in the file: the server is
        the one that was started with this very file.
        """
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text())
            if str(self.pid_file) in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return pid
        return None

    def address(self) -> str | None:
        """Where the running server answers, or None."""
        if self.pid() is None:
            return None
        return (self.folder / "web.address").read_text()

    def start(self, port: int, environ: dict[str, str]) -> None:
        """Start the server with these environment variables and wait until it answers.

        Raises AirAwareError where the port is taken, or the server gives up.
        """
        if not port_is_free(port):
            raise AirAwareError(
                f"Port {port} is taken by another program: "
                f"name a free one, for example AIRAWARE_PORT={port + 1}"
            )
        counters = self.folder / "counters"
        shutil.rmtree(counters, ignore_errors=True)
        counters.mkdir(parents=True)
        address = f"http://{HOST}:{port}"
        (self.folder / "web.address").write_text(address)
        command = [
            *(sys.executable, "-m", "gunicorn", "airaware.web:create_app()"),
            *("--config", "python:airaware.web.gunicorn"),
            *("--workers", f"{self.workers}", "--bind", f"{HOST}:{port}"),
            *("--pid", str(self.pid_file)),
        ]
        with self.log.open("ab") as log:
            server = subprocess.Popen(
                command,
                env=environ | {"PROMETHEUS_MULTIPROC_DIR": str(counters)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(address):
            if server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AirAwareError(f"The web server did not start:\n{self._log_tail()}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server once the requests under way are answered."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() is not None:
            if time.monotonic() > deadline:
                raise AirAwareError(f"The web server (process {pid}) does not stop: see {self.log}")
            time.sleep(0.1)

    def _answers(self, address: str) -> bool:
        try:
            return requests.get(f"{address}/", timeout=5).ok and self.pid() is not None
        except requests.RequestException:
            return False

    def _log_tail(self) -> str:
        return "\n".join([*self.log.read_text().splitlines()[-15:], f"See {self.log}"])
