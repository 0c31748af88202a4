"""What a host tells of its first run, by the program that runs there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.machine import host_status


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("etc/puppet", "usr/bin", "var/log", "var/lib/airaware", "proc"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "var/lib/puppet/ssl/certs").mkdir(parents=True)
    return tmp_path


def told(root: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-", root],
        input=Path(host_status.__file__).read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_hosts_state_is_what_is_there(root: Path) -> None:
    assert told(root)["state"] == "installing"
    (root / "usr/bin/puppet").touch()
    (root / "etc/puppet/puppet.conf").write_text(
        "[main]\ncertname = web.airaware\nserver = 127.0.0.1\n"
    )
    waiting = told(root)
    assert waiting["state"] == "certificate"
    assert waiting["master"] == "127.0.0.1"
    assert "refused" in waiting["master_error"]
    (root / "var/lib/puppet/ssl/certs/web.airaware.pem").touch()
    assert told(root)["state"] == "applying"
    (root / "var/lib/airaware/first-run").touch()
    assert told(root)["state"] == "done"


def test_the_same_words_again_are_no_new_lines(root: Path) -> None:
    log = root / "var/log/cloud-init-output.log"
    log.write_text("try 1 failed\ntry 2 failed\n")
    before = told(root)
    log.write_text("try 1 failed\ntry 2 failed\ntry 3 failed\n")
    assert told(root)["lines"] == before["lines"]
    log.write_text("try 1 failed\nGet:1 puppet-agent\n")
    assert told(root)["lines"] == before["lines"] + 1
    assert told(root)["last_line"] == "Get:1 puppet-agent"


def test_packages_that_arrive_are_progress(root: Path) -> None:
    before = told(root)["package_bytes"]
    partial = root / "var/cache/apt/archives/partial"
    partial.mkdir(parents=True)
    (partial / "puppet.deb").write_bytes(b"x" * 1000)
    assert told(root)["package_bytes"] >= before + 1000


def test_cpu_time_is_that_of_the_first_run_and_its_children(root: Path) -> None:
    ticks = host_status.TICKS

    def process(pid: int, parent: int, command: str, seconds: int) -> None:
        folder = root / "proc" / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_text(command.replace(" ", "\0"))
        fields = ["S", parent, *[0] * 9, seconds * ticks, 0, 0, 0, 0]
        (folder / "stat").write_text(f"{pid} (a (b) c) {' '.join(map(str, fields))}")

    process(1, 0, "/sbin/init", 100)
    process(10, 1, "/bin/sh /usr/local/sbin/first-run web bucket puppet", 2)
    process(11, 10, "apt-get install", 30)
    process(12, 1, "/usr/bin/java puppet-server-release.jar", 50)
    assert told(root)["cpu_seconds"] == 32
    (root / "usr/bin/puppet").touch()
    (root / "etc/puppet/puppet.conf").write_text("certname = puppet.airaware\n")
    assert told(root)["cpu_seconds"] == 50
