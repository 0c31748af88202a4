"""Hosts die, and the fleet heals itself; zones are lost in test_drills.py."""

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from fleets import administrator
from visitors import healthy_targets
from wait import until

from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host

pytestmark = pytest.mark.slow

ZONES = {"us-west-2a", "us-west-2b"}
# Its successor starts from a bare image: Puppet installs all that a web host has.
REPLACED_SECONDS = 600


def web_hosts(fleet: Fleet) -> list[Host]:
    return [host for host in fleet.hosts() if host.role == "web" and host.state == "running"]


def balanced(fleet: Fleet) -> bool:
    """Whether a healthy web host answers in each zone."""
    well = healthy_targets(fleet)
    return {host.zone for host in web_hosts(fleet) if host.instance_id in well} == ZONES


@pytest.fixture(autouse=True)
def steady(lab: Fleet) -> Iterator[None]:
    """Each test begins and ends with a site that both zones carry."""
    until(lambda: balanced(lab), "steady before", REPLACED_SECONDS)
    yield
    until(lambda: balanced(lab), "steady after", REPLACED_SECONDS)


def kill_the_host(host: Host) -> None:
    (pid,) = [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "systemd-nspawn"
        and any(host.instance_id in word for word in process.info["cmdline"])
    ]
    os.kill(pid, signal.SIGKILL)


def test_a_lost_host_is_replaced_in_its_zone(lab: Fleet) -> None:
    lost = web_hosts(lab)[0]
    kill_the_host(lost)
    started = time.monotonic()

    def newcomer() -> Host | None:
        return next(
            (
                host
                for host in web_hosts(lab)
                if host.zone == lost.zone and host.instance_id != lost.instance_id
            ),
            None,
        )

    found = until(newcomer, "a new host", REPLACED_SECONDS)
    until(lambda: found.instance_id in healthy_targets(lab), "healthy", REPLACED_SECONDS)
    print(f"replaced and in service after {time.monotonic() - started:.1f} s")


def test_a_host_that_died_shows_in_its_status(lab: Fleet) -> None:
    lost = next(host for host in lab.hosts() if host.role == "controller")
    ec2 = administrator(lab, "ec2")

    def status() -> str:
        described = ec2.describe_instance_status(InstanceIds=[lost.instance_id])
        return described["InstanceStatuses"][0]["InstanceStatus"]["Status"]

    until(lambda: status() == "ok", "well before", 60)
    kill_the_host(lost)
    until(lambda: status() == "impaired", "impaired", 10)
    ec2.reboot_instances(InstanceIds=[lost.instance_id])
    until(lambda: status() == "ok", "well again", 60)
