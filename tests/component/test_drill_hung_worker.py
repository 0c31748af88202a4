"""The command of the drill `worker-hang`: a process stands for gunicorn, and one for its worker."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deadline import until

from tools.drill import faults


@pytest.fixture
def server() -> Iterator[psutil.Process]:
    """A process with one child; it ends with that."""
    with subprocess.Popen(["sh", "-c", "sleep 600; :"]) as process:
        server = psutil.Process(process.pid)
        try:
            until(server.children)
            yield server
        finally:
            for each in [*server.children(), server]:
                each.kill()


def test_it_ends_once_another_worker_answers(tmp_path: Path, server: psutil.Process) -> None:
    (worker,) = server.children()
    workers = tmp_path / "workers"
    workers.mkdir()
    (workers / f"{worker.pid}.sock").touch()
    (tmp_path / "web.pid").write_text(f"{server.pid}\n")
    command = faults.HANG_A_WORKER.replace(faults.SITE_WORKERS, str(workers))
    command = command.replace(faults.SITE_PID, str(tmp_path / "web.pid"))
    with subprocess.Popen(["sh", "-c", command]) as hanging:
        until(lambda: worker.status() == psutil.STATUS_STOPPED)
        (workers / f"{worker.pid}.sock").unlink()
        assert hanging.poll() is None
        (workers / "1.sock").touch()
        assert hanging.wait(60) == 0
