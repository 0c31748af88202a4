"""The site's web server on this machine: gunicorn in the background, on the loopback interface."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from airaware.errors import AirAwareError
from tools.machine import processes
from tools.machine.postgres import HOST, free_port, port_is_free

PROGRAM = "gunicorn"
WORKERS = 2
START_SECONDS = 180  # it takes 2 s; a busy machine was seen to take over 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class WebServer:
    """The server whose pid file, address and workers' counters lie in `folder`."""

    folder: Path
    log: Path
    workers: int = WORKERS
    application: str = "airaware.web:create_app()"

    @property
    def pid_file(self) -> Path:
        """Where gunicorn writes the number of its main process."""
        return self.folder / "web.pid"

    def pid(self) -> int | None:
        """Return the main process's id, or None if it is not running."""
        return processes.named(self.pid_file, PROGRAM, self.folder)

    def address(self) -> str | None:
        """Return where the server answers, or None if none of its processes runs."""
        return self._last_address() if self._processes() else None

    def check_port(self, port: int) -> None:
        """Raise AirAwareError if another program has the port."""
        ours = self.address() == _address(port)
        if not ours and not port_is_free(port):
            raise AirAwareError(
                f"Port {port} is taken by another program: "
                f"name a free one, for example AIRAWARE_PORT={free_port()}"
            )

    def start(self, port: int, environ: dict[str, str]) -> None:
        """Start the server with these environment variables and wait until it answers.

        What an earlier one left behind in a crash is removed first. Raises AirAwareError if the
        port is taken, or the server gives up.
        """
        self.stop()
        self.check_port(port)
        # Gunicorn would refuse to start if another program has the number in the file by now.
        self.pid_file.unlink(missing_ok=True)
        counters = self.folder / "counters"
        shutil.rmtree(counters, ignore_errors=True)
        counters.mkdir(parents=True)
        address = _address(port)
        (self.folder / "web.address").write_text(address)
        command = [
            *(sys.executable, "-m", "gunicorn", self.application),
            *("--config", "python:airaware.web.gunicorn"),
            *("--workers", f"{self.workers}", "--bind", f"{HOST}:{port}"),
            *("--pid", str(self.pid_file)),
        ]
        with self.log.open("ab") as log:
            server = subprocess.Popen(
                command,
                cwd=self.folder,  # by which its processes are known
                env=environ | {"PROMETHEUS_MULTIPROC_DIR": str(counters)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_for_answer(address, server)
        except BaseException:  # Ctrl-C, too
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server once the requests under way are answered."""
        if pid := self.pid():
            _send(signal.SIGTERM, pid)
            self._wait_for_end(lambda: self.pid() is None)
        self._wait_for_end(self._end_leftovers)

    def _end_leftovers(self) -> bool:
        """Kill processes whose main process is gone or not known; return whether none is left."""
        left = self._processes()
        for pid in left:
            _send(signal.SIGKILL, pid)
        return not left

    def _wait_for_answer(self, address: str, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(address):
            if server.poll() is not None:
                raise AirAwareError(f"The web server did not start:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise AirAwareError(
                    f"The web server runs, but did not answer at {address} within"
                    f" {START_SECONDS} s. If the machine is busy, run the same command again."
                    f"\n{self._log_tail()}"
                )
            time.sleep(0.2)

    def _wait_for_end(self, ended: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while not ended():
            if time.monotonic() > deadline:
                raise AirAwareError(f"The web server does not stop: see {self.log}")
            time.sleep(0.1)

    def _processes(self) -> list[int]:
        return processes.working_in(self.folder, PROGRAM)

    def _last_address(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "web.address").read_text()
        return ""

    def _answers(self, address: str) -> bool:
        try:
            return requests.get(f"{address}/", timeout=5).ok and self.pid() is not None
        except requests.RequestException:
            return False

    def _log_tail(self) -> str:
        return "\n".join([*self.log.read_text().splitlines()[-15:], f"See {self.log}"])


def _address(port: int) -> str:
    return f"http://{HOST}:{port}"


def _send(number: signal.Signals, pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
