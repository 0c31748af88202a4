"""A real year on a fleet, come what may: what is lost of it, and comes back (`make test-slow`).

Each test ends with both zones equal, and equal to what this machine alone makes of the same files.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests
from fleets import Fab
from inspected import Inspected, inspected
from wait import until
from years import YEAR, Checksums, assert_both_hold, by_zone

from tools.environments.fleet import Fleet
from tools.fleet import hosts, ssh
from tools.fleet.controller import DONE, FAILS, UNIT
from tools.region import clients

pytestmark = pytest.mark.slow

JOB_SECONDS = 600
REPLACED_SECONDS = 1500


def database(fleet: Fleet, zone: str) -> Inspected:
    (host,) = (host for host in inspected(fleet, "database") if host.instance.zone == zone)
    return host


def forget_year(fleet: Fleet) -> None:
    """Take the year from both zones' manifests, so that the next submit loads it again."""
    for host in inspected(fleet, "database"):
        host.root.check_output("runuser -u postgres -- psql -d airaware -c 'DELETE FROM load'")


@contextmanager
def no_commit(fleet: Fleet, zone: str) -> Iterator[None]:
    """The zone's manifest can be read and not be written, until the context ends."""
    host = database(fleet, zone)
    words = ["sudo", "runuser", "-u", "postgres", "--", "psql", "-Atd", "airaware"]
    psql = subprocess.Popen(
        ssh.command(fleet.ssh_config(), host.instance.name, words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert psql.stdin
        assert psql.stdout
        psql.stdin.write("BEGIN; LOCK TABLE load IN SHARE MODE; SELECT 'locked';\n")
        psql.stdin.flush()
        assert any("locked" in line for line in iter(psql.stdout.readline, ""))
        yield
    finally:
        psql.communicate()  # The end of its input ends the transaction.


def test_a_worker_that_is_killed_changes_nothing(lab: Fleet, loaded: Checksums) -> None:
    controller = lab.controller()
    forget_year(lab)
    job = controller.start(YEAR, [])
    until(lambda: "reading with" in controller.said(job), "the job reads", JOB_SECONDS)
    granted = re.search(r"Granted executor ID \S+ on hostPort ([^.:]+)", controller.said(job))
    assert granted
    (worker,) = (
        host for host in inspected(lab, "spark_worker") if host.instance.name == granted[1]
    )
    worker.root.check_output("systemctl kill --signal KILL spark-worker")
    until(lambda: controller.find(job).ended_at, "the job's end", JOB_SECONDS, poll_seconds=2)
    assert controller.find(job).state == DONE, controller.said(job)
    assert "Lost executor" in controller.said(job)
    assert_both_hold(lab, loaded)
    until(lambda: worker.active("spark-worker"), "the worker is back", 60)


def test_a_driver_killed_between_commits_is_mended_by_a_submit(
    lab: Fleet, fab: Fab, loaded: Checksums
) -> None:
    controller = lab.controller()
    forget_year(lab)
    with no_commit(lab, "us-west-2b"):
        job = controller.start(YEAR, [44201])
        until(
            lambda: by_zone(lab)["us-west-2a"].get(44201),
            "zone a's commit", JOB_SECONDS, poll_seconds=1,
        )  # fmt: skip
        ssh.run(
            controller.config,
            controller.host,
            ["sudo", "systemctl", "kill", "--signal", "KILL", UNIT + job],
        )
        until(lambda: controller.find(job).state == FAILS, "the driver's end", 60)
    assert by_zone(lab)["us-west-2b"] == {}
    done = fab("submit-year", YEAR, "--env", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_both_hold(lab, loaded)


def test_a_lost_operator_does_not_lose_the_job(lab: Fleet, state: Path, loaded: Checksums) -> None:
    forget_year(lab)
    looker = subprocess.Popen(
        [sys.executable, "-m", "fabric", "submit-year", YEAR, "--env", "lab"],
        env=os.environ | {"AIRAWARE_STATE": str(state), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert looker.stdout
    line = next(line for line in looker.stdout if "goes on without you" in line)
    looker.kill()
    looker.wait()
    controller, job = lab.controller(), line.split()[1]
    controller.follow(job)
    assert controller.find(job).state == DONE
    assert_both_hold(lab, loaded)


def test_a_database_lost_with_its_volume_comes_back_whole(
    lab: Fleet, fab: Fab, loaded: Checksums
) -> None:
    """`fab deploy` replaces the host and the volume; the host fills itself, unasked."""
    lost = database(lab, "us-west-2b").instance
    lose_with_volume(lab, lost)
    started = time.monotonic()
    url = lab.urls()["site"]
    assert requests.get(f"{url}/api/v1/air", params={"address": "60614"}, timeout=10).ok
    done = fab("deploy", "--env", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    deployed_seconds = time.monotonic() - started
    found = database(lab, "us-west-2b").instance
    assert found.instance_id != lost.instance_id
    until(lambda: by_zone(lab).get("us-west-2b") == loaded, "refilled", REPLACED_SECONDS, 2)
    print(
        f"database lost with its volume: deployed after {deployed_seconds:.0f} s, whole after"
        f" {time.monotonic() - started:.0f} s; {len(loaded)} of {len(loaded)} loads are back"
    )
    assert_both_hold(lab, loaded)
    assert not lab.plan().changes


def lose_with_volume(fleet: Fleet, host: hosts.Host) -> None:
    """Terminate a host, and delete the volume with its data."""
    ec2 = clients.client("ec2", fleet.region.environ())
    attached = [{"Name": "attachment.instance-id", "Values": [host.instance_id]}]
    volumes = [
        volume["VolumeId"]
        for volume in ec2.describe_volumes(Filters=attached)["Volumes"]
        if any(tag["Key"] == "Mount" for tag in volume.get("Tags", ()))
    ]
    assert volumes
    ec2.terminate_instances(InstanceIds=[host.instance_id])
    for volume in volumes:
        until(partial(is_free, ec2, volume), "the volume is free", 60)
        ec2.delete_volume(VolumeId=volume)


def is_free(ec2, volume: str) -> bool:
    return ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available"
