"""What a test does on hosts by itself, as root."""

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host
from tools.rollout import release
from tools.rollout.rollout import FIRST_RUN

T = TypeVar("T")
AT_ONCE = 4
# Puppet Server begins a new log at midnight and compresses the old one.
READ_MASTERS_LOG = "zcat --force /var/log/puppetserver/puppetserver*.log*"


def on(config: Path, host: Host, script: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell's script on the host; `given` is its standard input, which no list shows."""
    command = ["ssh", "-F", str(config), "-o", "BatchMode=yes", host.name, "sudo", "sh", "-c"]
    quoted = "'" + script.replace("'", "'\\''") + "'"
    return subprocess.run([*command, quoted], input=given, capture_output=True, text=True)


def said(config: Path, host: Host, script: str, given: str = "") -> str:
    """What the script says; the test fails where the script does."""
    done = on(config, host, script, given)
    assert done.returncode == 0, f"{host.name}: {script}\n{done.stdout}{done.stderr}"
    return done.stdout


def everywhere(hosts: Iterable[Host], act: Callable[[Host], T]) -> dict[Host, T]:
    """What `act` returns of each host; some at once."""
    there = list(hosts)
    with ThreadPoolExecutor(AT_ONCE) as several:
        return dict(zip(there, several.map(act, there), strict=True))


def one(fleet: Fleet, role: str, zone: str = "us-west-2a") -> Host:
    """A host of the role; that of the zone where there are more."""
    found = [host for host in fleet.hosts() if host.role == role]
    return next((host for host in found if host.zone == zone), found[0])


def current(fleet: Fleet) -> str:
    """The release that the fleet is at."""
    version = release.marked(fleet.client("s3"), fleet.bucket, release.CURRENT)
    assert version
    return version


def passwords(fleet: Fleet) -> dict[str, str]:
    """The fleet's passwords, by their name in Parameter Store, which holds other things, too."""
    pages = fleet.client("ssm").get_paginator("get_parameters_by_path")
    return {
        each["Name"]: each["Value"]
        for page in pages.paginate(
            Path=f"/airaware/{fleet.environment}", Recursive=True, WithDecryption=True
        )
        for each in page["Parameters"]
        if each["Name"].endswith("_password")
    }


def ran_first(config: Path, host: Host) -> bool:
    """Whether Puppet's first run on the host is over."""
    return on(config, host, f"test -e {FIRST_RUN}").returncode == 0
