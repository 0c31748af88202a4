"""Which processes are ours: by program and folder, never by a number alone."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.machine import processes


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the program `sleep` in a folder of its own."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    with subprocess.Popen(["sleep", "600"], cwd=folder) as process:
        while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
            pass  # it is not quite there yet
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("content", "program", "folder", "found"),
    [
        ("{pid}\n/some/more\n", "sleep", "a folder", True),
        ("{pid}", "sleep", "a folder", True),
        ("{pid}", "gunicorn", "a folder", False),
        ("{pid}", "sleep", ".", False),
        ("{pid}", "sleep", "gone", False),
        ("1", "sleep", "a folder", False),
        ("999999999", "sleep", "a folder", False),
        ("", "sleep", "a folder", False),
        ("half a nu", "sleep", "a folder", False),
        (None, "sleep", "a folder", False),
    ],
)
def test_a_pid_file_names_a_process_of_ours_or_none(
    sleeper: subprocess.Popen[bytes],
    tmp_path: Path,
    content: str | None,
    program: str,
    folder: str,
    found: bool,
) -> None:
    pid_file = tmp_path / "pid"
    if content is not None:
        pid_file.write_text(content.format(pid=sleeper.pid))
    expected = sleeper.pid if found else None
    assert processes.named(pid_file, program, tmp_path / folder) == expected


def test_a_moved_folder_keeps_its_processes(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "a folder").rename(tmp_path / "moved")
    assert processes.working_in(tmp_path / "moved", "sleep") == [sleeper.pid]
    assert processes.working_in(tmp_path / "a folder", "sleep") == []


def test_a_process_that_has_ended_is_not_ours(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.working_in(tmp_path / "a folder", "sleep") == []
