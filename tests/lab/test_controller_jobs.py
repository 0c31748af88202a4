"""Jobs on a real host: units of its systemd, read back from its journal; only Spark is left out."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deadline import until
from places import Place, a_place

from airaware.errors import AirAwareError
from tools.fleet.controller import CANCELLED, DONE, FAILS, RUNS, Controller
from tools.lab import leftovers
from tools.lab.hosts.images import Image

pytestmark = pytest.mark.slow

NAME = f"awj{os.getpid()}"
BATCH = Path(__file__).parents[2] / "modules" / "profile" / "files" / "airaware-batch"
# Stands for a release's spark-submit: says what it got, and ends as the years tell it.
SPARK_SUBMIT = """#!/bin/sh
echo "<6>SparkContext: chatter"
echo "as $(id -un) in $SETTING: $*"
case "$*" in
    *"--years 2001"*) echo "error: no such file" >&2; exit 3;;
    *"--years 2002"*) echo "a long one"; exec sleep 600;;
    *) sleep 2; echo "the end";;
esac
"""
SET_UP = """
useradd --system --home-dir /var/lib/airaware airaware
install -d -o airaware /var/lib/airaware /var/lib/spark /var/log/spark
install -d /etc/airaware /opt/airaware/releases/1/venv/bin
cd /opt/airaware/releases/1/venv
install -D /dev/null lib/python3.11/site-packages/airaware/job/submit.py
cd /
ln -sfn releases/1 /opt/airaware/current
echo SETTING=settings >/etc/airaware/settings
"""


@pytest.fixture(scope="module")
def controller(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A host with what Puppet gives the role controller."""
    with a_place(NAME, image) as place:
        host = place.add(1, "a")
        place.await_state(host, "running")
        made = Controller(ssh_config(place, host, tmp_path_factory.mktemp("ssh")), "controller")
        put(made, SPARK_SUBMIT, "/tmp/spark-submit")
        put(made, BATCH.read_text(), "/tmp/airaware-batch")
        place.ssh(host, f"sudo sh -ec '{SET_UP}'")
        place.ssh(host, "sudo install /tmp/airaware-batch /usr/local/bin/")
        place.ssh(host, "sudo install /tmp/spark-submit /opt/airaware/current/venv/bin/")
        yield made
    assert leftovers.everything(NAME) == []


def ssh_config(place: Place, host: str, folder: Path) -> Path:
    path = folder / "config"
    address = place.instances[host].interface.address
    path.write_text(
        f"Host controller\n HostName {address}\n User admin\n IdentityFile {place.key}\n"
        f" UserKnownHostsFile {folder}/known\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n"
        " ProxyUseFdpass yes\n"
        f" ProxyCommand {sys.executable} -m tools.lab.net.proxy {place.name} %h %p\n"
    )
    return path


def put(controller: Controller, text: str, path: str) -> None:
    words = ["ssh", "-F", str(controller.config), controller.host, f"cat >{path}"]
    subprocess.run(words, input=text, text=True, check=True)


def state(controller: Controller, job: str) -> str:
    return controller.find(job).state


def start(controller: Controller, years: str) -> str:
    """A job, alone in its second, which its id names."""
    time.sleep(1)
    return controller.start(years, [44201])


def test_a_job_is_followed_to_its_end(controller: Controller, capfd: pytest.CaptureFixture) -> None:
    job = start(controller, "2000")
    controller.follow(job)
    said = capfd.readouterr().out
    assert "as airaware in settings" in said
    assert "the end" in said
    packages = "/opt/airaware/releases/1/venv/lib/python3.11/site-packages"
    assert f"{packages}/airaware/job/submit.py" in said
    assert "--years 2000 --parameters 44201" in said
    assert "chatter" not in said
    found = controller.find(job)
    assert (found.state, found.exit_status, found.years) == (DONE, 0, "2000")
    assert 2 <= found.seconds < 60
    controller.follow(job)
    assert "the end" in capfd.readouterr().out, "what it said is still there"


def test_a_job_that_fails_says_why(controller: Controller, capfd: pytest.CaptureFixture) -> None:
    job = start(controller, "2001")
    with pytest.raises(AirAwareError, match=f"job {job} failed, exit status 3"):
        controller.follow(job)
    assert "error: no such file" in capfd.readouterr().out
    assert state(controller, job) == FAILS


def test_jobs_run_one_after_another_and_can_be_stopped(controller: Controller) -> None:
    first, second = start(controller, "2002"), start(controller, "2000")
    until(lambda: "this one waits" in said(controller, second))
    assert [state(controller, job) for job in (first, second)] == [RUNS, RUNS]
    controller.cancel(first)
    assert state(controller, first) == CANCELLED
    until(lambda: state(controller, second) == DONE)
    with pytest.raises(AirAwareError, match="does not run: done"):
        controller.cancel(second)


def test_a_lost_connection_does_not_lose_the_job(controller: Controller) -> None:
    job = start(controller, "2002")
    config = str(controller.config)
    code = f"from tools.fleet.controller import *; Controller({config!r}, 'controller')"
    looker = subprocess.Popen(
        [sys.executable, "-c", f"{code}.follow({job!r})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        assert looker.stdout
        while "a long one" not in looker.stdout.readline():
            assert looker.poll() is None
    finally:
        os.killpg(looker.pid, 9)
        looker.wait()
    assert state(controller, job) == RUNS
    controller.cancel(job)


def test_an_unknown_job_is_named(controller: Controller) -> None:
    with pytest.raises(AirAwareError, match=r"no job 'nothing'. Jobs are: 2"):
        controller.find("nothing")


def said(controller: Controller, job: str) -> str:
    return controller._run(["journalctl", "--unit", f"airaware-job-{job}", "--output", "cat"])
