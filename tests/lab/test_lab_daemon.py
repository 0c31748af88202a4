"""The daemon as a process: an empty region comes up, is there for hosts, and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import boto3
import pytest

from airaware.errors import AirAwareError
from tools.lab import leftovers, model
from tools.lab.client import DAEMON, Lab
from tools.lab.hosts import images
from tools.lab.net import namespaces
from tools.lab.net.network import METADATA_ADDRESS
from tools.machine import processes
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import carry_out

SECONDS = 60


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.lab.daemon", "--folder", folder],
        stderr=subprocess.PIPE,
        text=True,
    )


def ready(daemon: subprocess.Popen[str], folder: Path) -> dict:
    """What it wrote once it was ready."""
    deadline = time.monotonic() + SECONDS
    while not (folder / "daemon.json").exists():
        assert daemon.poll() is None, daemon.communicate()[1]
        assert time.monotonic() < deadline, (folder / "daemon.log").read_text()
        time.sleep(0.1)
    return json.loads((folder / "daemon.json").read_text())


@pytest.fixture(scope="module")
def lab(
    image: images.Image,  # noqa: ARG001 (it has to be there)
    tmp_path_factory: pytest.TempPathFactory,
    another_program: subprocess.Popen[bytes],
) -> Iterator[Path]:
    """The folder of a daemon that `fab deploy` has brought back after a kill.

    By then the process id in daemon.json was another program's.
    """
    folder = tmp_path_factory.mktemp("lab")
    name = model.lab_name(folder)
    client = Lab(folder)
    killed = start(folder)
    daemon = 0
    try:
        ready(killed, folder)
        killed.kill()
        killed.communicate()
        assert leftovers.everything(name) != []
        facts = json.loads((folder / "daemon.json").read_text())
        (folder / "daemon.json").write_text(json.dumps(facts | {"pid": another_program.pid}))
        with pytest.raises(AirAwareError, match="does not run"):
            client.administrator()
        # The steps before look at this machine, as `image` has; the last one makes a role.
        *_, bring_up, _ = client.prepare()
        carry_out([bring_up], dry_run=False)
        assert client.administrator()
        assert another_program.poll() is None, "another program was stopped"
        daemon = json.loads((folder / "daemon.json").read_text())["pid"]
        yield folder
        os.kill(daemon, signal.SIGTERM)
        wait_for_end(daemon)
        assert leftovers.everything(name) == []
        assert not (folder / "daemon.json").exists()
        log = (folder / "daemon.log").read_text()
        assert "ERROR" not in log
        assert log.endswith("stopped\n")
    finally:
        killed.kill()
        killed.wait()
        if daemon and processes.is_ours(daemon, DAEMON, CHECKOUT):
            os.kill(daemon, signal.SIGKILL)
        leftovers.remove(name)


def wait_for_end(daemon: int) -> None:
    deadline = time.monotonic() + SECONDS
    while processes.is_ours(daemon, DAEMON, CHECKOUT):
        assert time.monotonic() < deadline, "the daemon does not end"
        time.sleep(0.1)


def test_the_endpoint_knows_the_base_image(lab: Path, image: images.Image) -> None:
    facts = json.loads((lab / "daemon.json").read_text())
    assert facts["environ"]["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    ec2 = boto3.client(
        **{"service_name": "ec2", "region_name": facts["environ"]["AWS_DEFAULT_REGION"]},
        **{"endpoint_url": facts["endpoint"], "verify": facts["ca"]},
        **{"aws_access_key_id": "lab", "aws_secret_access_key": "lab"},
    )
    names = [each["Name"] for each in ec2.describe_images(Owners=["self"])["Images"]]
    assert names == [image.name]


def test_the_metadata_service_is_at_its_address_and_tells_strangers_nothing(lab: Path) -> None:
    def ask() -> int:
        connection = HTTPConnection(str(METADATA_ADDRESS), timeout=10)
        connection.request("PUT", "/latest/api/token", headers={})
        return connection.getresponse().status

    assert namespaces.within(model.lab_name(lab), ask) == 404


def test_a_second_daemon_is_refused(lab: Path) -> None:
    second = start(lab)
    assert "Another daemon runs already" in second.communicate(timeout=SECONDS)[1]
    assert second.returncode == 1
    os.kill(json.loads((lab / "daemon.json").read_text())["pid"], 0)
