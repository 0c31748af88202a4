"""Control groups of version 2, as files in a folder; those of this machine are tested by hosts."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab.hosts import cgroups


@pytest.fixture
def version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cgroups, "trees", lambda: [tmp_path])
    for folder in (tmp_path, tmp_path / "lab"):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu pids")
        (folder / "cgroup.subtree_control").write_text("")
    return tmp_path


def test_a_group_is_made_below_the_labs_name_with_its_controllers(version_2: Path) -> None:
    group = cgroups.Group("lab", "i-1")
    group.make()
    assert group.folders == [version_2 / "lab" / "i-1"]
    assert (version_2 / "lab" / "i-1").is_dir()
    for folder in (version_2, version_2 / "lab"):
        assert (folder / "cgroup.subtree_control").read_text() in ("+cpu", "+pids")


@pytest.mark.usefixtures("version_2")
def test_the_cap_is_a_quota_of_the_period() -> None:
    group = cgroups.Group("lab", "i-1")
    group.make()
    (group.folders[0] / "cpu.max").write_text("max 100000")
    group.cap_cpu(0.25)
    assert (group.folders[0] / "cpu.max").read_text() == "25000 100000"


@pytest.mark.usefixtures("version_2")
def test_the_weight_is_a_multiple_of_the_kernels_default() -> None:
    group = cgroups.Group("lab", "i-1")
    group.make()
    (group.folders[0] / "cpu.weight").write_text("100")
    group.weigh_cpu(8)
    assert (group.folders[0] / "cpu.weight").read_text() == "800"


@pytest.mark.usefixtures("version_2")
def test_memory_is_the_groups_own_count_or_the_sum_of_its_processes() -> None:
    group = cgroups.Group("lab", "i-1")
    group.make()
    below = group.folders[0] / "payload"
    below.mkdir()
    (below / "cgroup.procs").write_text(f"{os.getpid()}\n")
    assert group.memory_bytes() > 1 << 20
    (group.folders[0] / "memory.current").write_text("4096\n")
    assert group.memory_bytes() == 4096


def test_what_does_not_end_is_told(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        (tmp_path / "cgroup.procs").write_text(f"{sleeper.pid}\n")
        with pytest.raises(AirAwareError, match=f"{sleeper.pid}.*do not end"):
            cgroups.remove(tmp_path, deadline_seconds=0.1)
        assert sleeper.wait() == -9


def test_groups_that_vanish_under_the_look_are_no_error(tmp_path: Path) -> None:
    """A host that stops removes groups of its own while somebody asks for its processes."""
    (tmp_path / "cgroup.procs").write_text("17\n")
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            (tmp_path / "system.slice" / "ssh.service").mkdir(parents=True)
            shutil.rmtree(tmp_path / "system.slice")

    churn = threading.Thread(target=come_and_go)
    churn.start()
    try:
        assert all(cgroups.processes(tmp_path) == {17} for _ in range(2000))
    finally:
        over.set()
        churn.join()
