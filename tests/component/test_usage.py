"""What the machine has left: our processes and others told apart, on real ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tools.lab.hosts import cgroups
from tools.machine import usage
from tools.machine.usage import Meter, Usage

IDLE = Usage(2, 20, 5, 0, 75, 0.4, 50)
WORK = "import os\nwhile os.times().user < 1: pass\nprint('worked', flush=True)\ninput()"


@contextmanager
def worker(folder: Path, *words: str) -> Iterator[None]:
    """A child that has used a second of CPU time, and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, *words],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "worked\n"
    yield
    process.communicate("\n")


def test_children_are_ours_and_stay_so_when_they_have_ended(tmp_path: Path) -> None:
    before = usage.cpu_seconds([tmp_path])
    with worker(tmp_path):
        assert usage.cpu_seconds([tmp_path]) >= before + 1
    assert usage.cpu_seconds([tmp_path]) >= before + 1


@pytest.mark.parametrize(
    ("words", "here", "ours"),
    [(["tools.lab.daemon"], True, True), (["tools.lab.daemon"], False, False), ([], True, False)],
)
def test_of_other_trees_only_our_programs_in_our_folders_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], here: bool, ours: bool
) -> None:
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: -1)  # its children are somebody else's
    assert parent != os.getpid()
    folder = tmp_path / "ours"
    folder.mkdir()
    with worker(folder if here else tmp_path, *words):
        assert (usage.cpu_seconds([folder]) >= 1) is ours


# A lab with two hosts: one has worked and is gone, and nobody has its time; one goes on.
LAB = """
import signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
_, joining, host, _ = sys.argv
subprocess.Popen(["sh", "-c", f'{joining}; exec "$@"', "sh", sys.executable, "-c", host]).wait()
subprocess.Popen(["sh", "-c", f"{joining}; echo ready; exec sleep infinity"])
input()
"""
HOST = "import time\nwhile time.process_time() < 2: pass"


@pytest.mark.skipif(os.getuid() != 0, reason="takes root, to make a control group")
def test_hosts_of_the_lab_that_were_ended_still_count(tmp_path: Path) -> None:
    before = usage.cpu_seconds([tmp_path])
    group = cgroups.Group(f"aw-test-{os.getpid()}", "host")
    group.make()
    daemon = subprocess.Popen(
        [sys.executable, "-c", LAB, group.joining(), HOST, "tools.lab.daemon"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert daemon.stdout
        assert daemon.stdout.readline() == "ready\n"
        spent = usage.cpu_seconds([tmp_path]) - before
    finally:
        group.remove()
        daemon.communicate("\n")
        for folder in group.folders:
            folder.parent.rmdir()
    assert 2 <= spent < 4  # once, not twice


def test_shares_are_of_all_cpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kind = type(psutil.cpu_times())
    zero = kind(*[0] * len(kind._fields))
    times = [zero, zero._replace(user=50, system=10, idle=30, steal=10, guest=50)]
    ours = [100.0, 124.0]
    monkeypatch.setattr(psutil, "cpu_times", lambda: times.pop(0))
    monkeypatch.setattr(usage, "cpu_seconds", lambda _folders: ours.pop(0))
    measured = Meter(tmp_path).usage()
    shares = (measured.ours_percent, measured.others_percent, measured.steal_percent)
    assert shares == (24, 36, 10)
    assert measured.idle_percent == 30
    assert "other processes took 36%" in str(measured)
    assert "steal 10%" in str(measured)


@pytest.mark.parametrize(
    ("machine", "limits"),
    [
        (IDLE, False),
        (replace(IDLE, ours_percent=98, others_percent=2, idle_percent=0), False),
        (replace(IDLE, others_percent=60, idle_percent=1), True),
        (replace(IDLE, steal_percent=40, idle_percent=1), True),
        (replace(IDLE, others_percent=50, idle_percent=30), False),
        (replace(IDLE, free_gb=0.2), True),
    ],
)
def test_the_machine_is_the_limit_if_others_took_what_was_missing(
    machine: Usage, limits: bool
) -> None:
    assert bool(machine.limit) is limits
