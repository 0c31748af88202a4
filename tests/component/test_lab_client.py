"""Whether the lab is up: the daemon that its file names must be one of ours."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab.client import DAEMON, Lab
from tools.machine.checkout import CHECKOUT


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab whose daemon never ran."""
    return Lab(tmp_path)


def running(words: list[str], folder: Path) -> Iterator[int]:
    """Give the id of a Python process with these words after its script, which waits."""
    script = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    ("words", "folder", "up"),
    [
        ([DAEMON, "--folder", "/x"], CHECKOUT, True),
        ([DAEMON, "--folder", "/x"], Path("/"), False),
        (["--folder", f"/about/{DAEMON}.log"], CHECKOUT, False),
    ],
)
def test_a_number_alone_is_no_daemon(lab: Lab, words: list[str], folder: Path, up: bool) -> None:
    for pid in running(words, folder):
        (lab.folder / "daemon.json").write_text(json.dumps({"pid": pid}))
        assert lab.is_up() == up


@pytest.mark.parametrize("content", ["", "half a", json.dumps({"pid": 999999999})])
def test_a_file_that_names_nobody_is_no_daemon(lab: Lab, content: str) -> None:
    assert not lab.is_up()
    (lab.folder / "daemon.json").write_text(content)
    assert not lab.is_up()
