"""A real year on a fleet: submitted by an operator, loaded into both zones, come what may.

Each test ends with both zones equal, and equal to what this machine alone makes of the same files.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import requests
from browser import Site, launch, visit
from fleets import Fab
from inspected import Inspected, inspected
from playwright.sync_api import sync_playwright
from wait import until

from airaware.settings import Zone
from airaware.store import manifest
from tools import hosts, ssh
from tools.controller import DONE, FAILS, UNIT
from tools.fleet import Fleet
from tools.local import Local

YEAR = "2013"
JOB_SECONDS = 600
REPLACED_SECONDS = 1500

Checksums = Mapping[int, Decimal]  # by parameter


@pytest.fixture(scope="module")
def expected(region: Local, real_epa: Path) -> Checksums:
    """What this machine's own zones hold of the year."""
    command = region.submit_command(YEAR, [])
    environ = region.submit_environ() | {"AIRAWARE_RAW": str(real_epa)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with region.reading() as zones:
        first, second = (checksums(zone) for zone in zones)
    assert first == second and len(first) == 2
    return first


@pytest.fixture(scope="module")
def loaded(fleet: Fleet, fab: Fab, real_epa: Path, expected: Checksums) -> Checksums:
    """The lab after `fab fetch-year` and `fab submit-year`; what it should hold."""
    fetched = fab("fetch-year", YEAR, "--env", "lab", AIRAWARE_EPA_URL=str(real_epa))
    assert fetched.returncode == 0, fetched.stderr
    started = time.monotonic()
    done = fab("submit-year", YEAR, "--env", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Spark's pages, while the job runs: http://127.0.0.1:" in done.stdout
    print(f"fab submit-year {YEAR} --env lab: {time.monotonic() - started:.0f} s")
    return expected


def checksums(zone: Zone) -> Checksums:
    return {load.parameter: load.checksum for load in manifest.loads(zone)}


def by_zone(fleet: Fleet) -> dict[str, Checksums]:
    """What each zone of the fleet holds."""
    with fleet.reading() as zones:
        return {zone.name: checksums(zone) for zone in zones}


def assert_both_hold(fleet: Fleet, expected: Checksums) -> None:
    assert by_zone(fleet) == {"us-west-2a": expected, "us-west-2b": expected}


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
        assert psql.stdin and psql.stdout
        psql.stdin.write("BEGIN; LOCK TABLE load IN SHARE MODE; SELECT 'locked';\n")
        psql.stdin.flush()
        assert any("locked" in line for line in iter(psql.stdout.readline, ""))
        yield
    finally:
        psql.communicate()  # The end of its input ends the transaction.


def test_both_zones_hold_what_this_machine_makes(lab: Fleet, fab: Fab, loaded: Checksums) -> None:
    assert_both_hold(lab, loaded)
    told = fab("status", "--env", "lab").stdout
    for checksum in loaded.values():
        assert re.search(rf"{YEAR} .* EPA .* equal .* {checksum}", told), told


def test_a_second_submit_changes_nothing(lab: Fleet, fab: Fab, loaded: Checksums) -> None:
    done = fab("submit-year", YEAR, "--env", "lab")
    assert done.returncode == 0
    assert done.stdout.count("holds it already") == 4
    listed = fab("jobs", "--env", "lab").stdout
    assert listed.count(DONE) >= 2


def test_a_visitor_gets_the_year_through_the_balancer(lab: Fleet, loaded: Checksums) -> None:
    url = lab.urls()["site"]
    until(lambda: requests.get(f"{url}/readyz", timeout=5).ok, "ready", 60)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with visit(browser, Site(url, Path())) as page:
            page.goto("/")
            page.get_by_role("searchbox").fill("60614")
            page.get_by_role("searchbox").press("Enter")
            page.wait_for_url("**/air?**")
            assert page.get_by_role("heading", level=1).is_visible()
            assert YEAR in page.inner_text("main")
        browser.close()
    answer = requests.get(f"{url}/api/v1/air", params={"address": "60614"}, timeout=10).json()
    assert (answer["year"], answer["synthetic"]) == (int(YEAR), False)


def test_the_errors_of_the_year_are_told(lab: Fleet, fab: Fab, loaded: Checksums) -> None:
    done = fab("accuracy", YEAR, "--parameter", "44201", "--env", "lab")
    assert done.returncode == 0, done.stderr
    assert f"Ozone (44201) {YEAR}, in ppb" in done.stdout


def test_a_mistake_is_told_and_fails(lab: Fleet, fab: Fab, loaded: Checksums) -> None:
    done = fab("submit-year", "1999", "--env", "lab")
    assert done.returncode == 1
    assert "has no hourly_44201_1999.zip" in done.stdout
    assert "failed, exit status 1" in done.stderr


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
    ec2 = hosts.client("ec2", fleet.region.environ())
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
