"""The image of all hosts; those that are made anew from it keep their name and their data."""

import subprocess
import time

import pytest
import traces
from fleets import Fab
from hands import on, one, ran_first, said
from wait import until

from tools.environments.fleet import Fleet
from tools.fleet.hosts import Host
from tools.lab.client import Lab
from tools.lab.hosts import images
from tools.lab.hosts.disks import recorded

pytestmark = pytest.mark.slow

CONVERGED_SECONDS = 900
PSQL = "runuser -u postgres -- psql --quiet --tuples-only --no-align airaware --command"
CA = "sha256sum /var/lib/puppet/ssl/certs/ca.pem"


def replaced(lab: Fleet, fab: Fab, name: str) -> Host:
    """The host of that name, once it is another one, and converged."""
    before, started = found(lab, name), time.monotonic()
    done = fab("replace", "--host", name, "--env", "lab")
    assert done.returncode == 0, done.stderr
    after, config = found(lab, name), lab.ssh_config()
    assert after.instance_id != before.instance_id
    until(lambda: ran_first(config, after), "converged", CONVERGED_SECONDS, 1)
    print(f"{name} replaced, and converged after {time.monotonic() - started:.0f} s")
    return after


def found(lab: Fleet, name: str) -> Host:
    return next(host for host in lab.hosts() if host.name == name)


def test_the_image_has_no_trace_of_its_builder(lab: Fleet) -> None:
    newest = lab.image()
    assert newest
    assert isinstance(lab.region, Lab)
    layers = {image.id: images.folder() / image.layer for image in recorded(lab.region.name)}
    size = subprocess.check_output(["du", "-sm", layers[newest.id]], text=True).split()[0]
    print(f"the image: {size} MB on the distribution's")
    assert traces.of_a_host(layers[newest.id] / "root") == []


@pytest.mark.usefixtures("lab")
def test_a_change_of_the_packages_own_code_builds_no_image(fab: Fab) -> None:
    assert fab("images", "--env", "lab", "--dry-run").stdout.strip() == ""


def test_a_replaced_database_keeps_its_data(lab: Fleet, fab: Fab) -> None:
    said(lab.ssh_config(), found(lab, "database-b"), f"{PSQL} 'CREATE TABLE kept AS SELECT 7 AS n'")
    host = replaced(lab, fab, "database-b")
    config = lab.ssh_config()
    assert said(config, host, f"{PSQL} 'TABLE kept'").strip() == "7"
    said(config, host, f"{PSQL} 'DROP TABLE kept'")
    assert not lab.plan().changes


def test_a_replaced_master_keeps_its_authority(lab: Fleet, fab: Fab) -> None:
    config, web = lab.ssh_config(), one(lab, "web")
    before = said(config, found(lab, "puppet"), CA)
    host = replaced(lab, fab, "puppet")
    config = lab.ssh_config()
    assert said(config, host, CA) == before
    run = on(config, web, "puppet agent --test --color false --detailed-exitcodes")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not lab.plan().changes


def test_a_web_host_is_its_groups_to_replace(lab: Fleet, fab: Fab) -> None:
    done = fab("replace", "--host", one(lab, "web").name, "--env", "lab")
    assert done.returncode == 1
    assert "belongs to a group" in done.stderr
