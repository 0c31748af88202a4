"""The leak of the drill `memory-leak`: a folder is the cgroup, a process the worker."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from tools.drill import actions, faults

# In place of systemd's: it notes what it is asked, and has no limit, or one that kills the worker.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/asked
case "$1" in
    show) echo /group ;;
    set-property) {limit} ;;
esac
"""


@pytest.mark.parametrize(
    ("limit", "said"),
    [("kill -9 $(pgrep --parent {parent})", ""), (":", "the kernel kills nobody")],
    ids=["limited", "not limited"],
)
def test_it_goes_on_until_the_worker_is_killed(tmp_path: Path, limit: str, said: str) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.current").write_text("1000\n")
    with subprocess.Popen(["sh", "-c", "sleep 60; :"]) as main:
        threading.Thread(target=main.wait, daemon=True).start()
        (tmp_path / "web.pid").write_text(f"{main.pid}\n")
        systemctl = tmp_path / "systemctl"
        limit = limit.format(parent=main.pid)
        systemctl.write_text(SYSTEMCTL.format(folder=tmp_path, limit=limit))
        systemctl.chmod(0o755)
        leak = faults.LEAK.replace("/sys/fs/cgroup", str(tmp_path))
        leak = leak.replace(faults.SITE_PID, str(tmp_path / "web.pid"))
        leak = leak.replace(str(faults.MOST_BYTES), str(2 * faults.LEAK_BYTES_A_STEP))
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", leak], env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        main.terminate()
    assert said in done.stderr
    assert bool(done.returncode) == bool(said)
    most = 1000 + faults.LEAK_BYTES
    asked = (tmp_path / "asked").read_text()
    assert f"set-property --runtime {actions.SITE_UNIT} MemoryMax={most}\n" in asked
