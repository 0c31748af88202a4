"""Whether the lab is up: the daemon that its file names must be one of ours."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.lab import deployer
from tools.lab.aws.access import library
from tools.lab.client import DAEMON, Lab
from tools.machine.checkout import CHECKOUT


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab whose daemon never ran, with a deployer's credentials of before."""
    (tmp_path / "account").mkdir()
    credentials = {"AWS_ACCESS_KEY_ID": "deployer"}
    (tmp_path / "account" / "deployer.json").write_text(json.dumps(credentials))
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


def test_an_operator_is_the_deployer_once_its_role_is_made(lab: Lab) -> None:
    key = {"AWS_ACCESS_KEY_ID": "administrator", "AWS_REGION": "us-west-2"}
    for pid in running([DAEMON], CHECKOUT):
        (lab.folder / "daemon.json").write_text(json.dumps({"pid": pid, "environ": key}))
        assert lab.environ() == key | {"AWS_ACCESS_KEY_ID": "deployer"}
        assert lab.administrator() == key
        deployer.forget(lab.folder)
        assert not lab.is_up()
        steps = [step.text for step in lab.prepare()]
        assert "start the region" not in steps
        assert steps[-1] == "make the deployer's role, as the account's administrator"


def test_a_machine_without_node_does_without_iam(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(lab.folder))
    monkeypatch.setattr(library, "program", missing)
    (judge,) = (step for step in lab.prepare() if "IAM" in step.text)
    judge.act()
    assert "IAM is not enforced in this lab: there is no node" in capsys.readouterr().out
    monkeypatch.setenv("AIRAWARE_LAB_IAM", "1")
    with pytest.raises(AirAwareError, match="there is no node"):
        judge.act()
    monkeypatch.setenv("AIRAWARE_LAB_IAM", "0")
    assert not [step for step in lab.prepare() if "IAM" in step.text]


def missing(_name: str) -> tuple[str, ...]:
    raise AirAwareError("there is no node")


@pytest.mark.parametrize("content", ["", "half a", json.dumps({"pid": 999999999})])
def test_a_file_that_names_nobody_is_no_daemon(lab: Lab, content: str) -> None:
    assert not lab.is_up()
    (lab.folder / "daemon.json").write_text(content)
    assert not lab.is_up()
