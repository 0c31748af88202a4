"""The command of the drill `worker-hang`: a process stands for gunicorn, and one for its worker."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
from deadline import until

from tools.drill import faults


def test_it_ends_once_another_worker_answers(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    with subprocess.Popen(["sh", "-c", "sleep 600; :"]) as main:
        server = psutil.Process(main.pid)
        until(server.children)
        (worker,) = server.children()
        (tmp_path / "workers" / f"{worker.pid}.sock").touch()
        (tmp_path / "web.pid").write_text(f"{main.pid}\n")
        command = faults.HANG_A_WORKER.replace(faults.SITE_WORKERS, str(tmp_path / "workers"))
        command = command.replace(faults.SITE_PID, str(tmp_path / "web.pid"))
        with subprocess.Popen(["sh", "-c", command]) as hanging:
            until(lambda: worker.status() == psutil.STATUS_STOPPED)
            (tmp_path / "workers" / f"{worker.pid}.sock").unlink()
            assert hanging.poll() is None
            (tmp_path / "workers" / "1.sock").touch()
            assert hanging.wait(60) == 0
        os.kill(worker.pid, signal.SIGKILL)
