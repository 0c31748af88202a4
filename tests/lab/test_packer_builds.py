"""Packer against the lab: a builder that is a real host, SSH, an image; and no remains."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import traces
from places import until

from airaware.errors import AirAwareError
from tools.lab import leftovers
from tools.lab.client import Lab
from tools.lab.hosts import disks, images
from tools.lab.hosts.disks import recorded
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import carry_out
from tools.region import ami, clients, packer
from tools.region.packer import Build

SECONDS = 120
# The daemon is to be no child of the tests' process, as after `fab deploy`.
PREPARE = """\
import sys
from pathlib import Path
from tools.lab.client import Lab
from tools.machine.steps import carry_out
carry_out(Lab(Path(sys.argv[1])).prepare(), dry_run=False)
"""
MANIFEST = """\
include profile::locale
file {
  '/etc/role': content => "${trusted['extensions']['pp_role']} ${lookup('airaware::region')}";
  '/etc/left-out': content => 'of a host that runs', tag => 'host';
}
"""
KEPT_SECONDS = 30

pytestmark = pytest.mark.skipif(
    shutil.which("packer") is None, reason="no Packer: tools/setup.sh tests installs it if packaged"
)


class Place:
    """An environment `lab` with the network that builders need, and nothing else."""

    environment = "lab"

    def hiera_data(
        self,
        version: str,  # noqa: ARG002 (a fleet's takes it)
        **more: Any,
    ) -> dict[str, str]:
        """None but these."""
        return {"hieradata/release.yaml": json.dumps(more)}

    def __init__(self, folder: Path) -> None:
        self.region = Lab(folder)
        subprocess.run([sys.executable, "-c", PREPARE, folder], check=True, cwd=CHECKOUT)
        # By the account's administrator; Packer works as the deployer.
        self.ec2: Any = clients.client("ec2", self.region.administrator())
        network = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.ec2.create_subnet(
            **{"VpcId": network, "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "us-west-2a"},
            TagSpecifications=[_named("subnet", "airaware-lab-private-us-west-2a")],
        )
        self.ec2.create_security_group(
            **{"VpcId": network, "GroupName": "airaware-lab-image", "Description": "builders"},
            TagSpecifications=[_named("security-group", "airaware-lab-image")],
        )
        iam: Any = clients.client("iam", self.region.administrator())
        iam.create_instance_profile(InstanceProfileName="airaware-lab-image")


def _named(kind: str, name: str) -> dict[str, Any]:
    tags = {"Name": name, "Environment": "lab"}
    named = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"ResourceType": kind, "Tags": named}


@pytest.fixture(scope="module")
def place(
    image: images.Image,  # noqa: ARG001 (it has to be there)
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """A region that runs; nothing of it is left, in the cache neither."""
    region = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield Place(region.folder)
    finally:
        carry_out(region.remove(), dry_run=False)
        leftovers.remove(region.name)
        disks.forget(region.name)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's templates and modules with a manifest that needs no packages: there is no
    release, and so no repository of them."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("packer", "modules", "hieradata", "terraform/modules/user_data"):
        shutil.copytree(CHECKOUT / part, folder / part)
    shutil.copy(CHECKOUT / "hiera.yaml", folder)
    shutil.copy(CHECKOUT / "terraform" / "roles.yaml", folder / "terraform")
    (folder / "vendor_modules").mkdir()
    (folder / "vendor_modules" / "none").touch()
    (folder / "packer" / "image.pp").write_text(MANIFEST)
    template = folder / "packer" / "image.pkr.hcl"
    text = template.read_text().replace('"sudo apt-get -q update",', "")
    install = 'install ${join(" ", keys(local.packages))}'
    assert install in text
    template.write_text(text.replace(install, "check"))
    # Of what is installed and disabled nothing is there.
    (folder / "packer" / "check.sh").write_text("#!/bin/sh\n")
    forget = folder / "packer" / "forget.sh"
    forget.write_text(forget.read_text().replace("systemctl disable", "true"))
    return folder


@pytest.fixture
def build(place: Any, checkout: Path) -> Build:
    return Build(place, checkout)


def state(place: Place) -> list[Any]:
    """All that a build makes, as EC2 knows it."""
    instances = [
        each["InstanceId"]
        for reservation in place.ec2.describe_instances()["Reservations"]
        for each in reservation["Instances"]
        if each["State"]["Name"] != "terminated"
    ]
    keys = [key["KeyName"] for key in place.ec2.describe_key_pairs()["KeyPairs"]]
    groups = sorted(
        each["GroupId"] for each in place.ec2.describe_security_groups()["SecurityGroups"]
    )
    found = [each["ImageId"] for each in place.ec2.describe_images(Owners=["self"])["Images"]]
    volumes = [each["VolumeId"] for each in place.ec2.describe_volumes()["Volumes"]]
    return [instances, keys, sorted(groups), sorted(found), volumes]


def test_an_image_is_built_over_ssh_and_keeps_no_trace_of_it(place: Place, build: Build) -> None:
    before = state(place)
    build.check()
    build.run("0123456")
    (made,) = ami.there("lab", place.region.environ())
    assert made.commit == packer.commit()
    assert made.digest == ami.digest("lab", build.checkout)
    assert [each for each in state(place)[3] if each != made.id] == before[3]
    assert state(place)[:3] == before[:3]
    (kept,) = recorded(place.region.name)
    root = images.folder() / kept.layer / "root"
    # What Puppet made is there, by the role's data, with the build's own way to them gone.
    assert (root / "etc/default/locale").read_text() == "# Managed by Puppet.\nLANG=C.UTF-8\n"
    assert (root / "etc/role").read_text() == "web us-west-2"
    assert not (root / "etc/left-out").exists()
    assert traces.of_a_host(root) == []


def _packers() -> list[int]:
    """The ids of this process's Packers, which are their groups' too."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(os.getpid())], capture_output=True, text=True
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "packer" in line]


def _interrupt(_: Place) -> None:
    os.killpg(_packers()[0], signal.SIGINT)


def _kill(_: Place) -> None:
    os.killpg(_packers()[0], signal.SIGKILL)


def _lose_the_builder(place: Place) -> None:
    (builder,) = state(place)[0]
    place.ec2.terminate_instances(InstanceIds=[builder])


def _lose_the_builder_between_steps(place: Place) -> None:
    """It is gone before Packer asks it for the next thing."""
    packers = _packers()[0]
    os.killpg(packers, signal.SIGSTOP)
    try:
        _lose_the_builder(place)
        until(lambda: not state(place)[0], KEPT_SECONDS)
    finally:
        os.killpg(packers, signal.SIGCONT)


FAULTS = [_interrupt, _kill, _lose_the_builder, _lose_the_builder_between_steps]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_interrupted_build_leaves_nothing(
    place: Place, build: Build, fault: Callable[[Place], None], capfd: pytest.CaptureFixture[str]
) -> None:
    before, failed = state(place), []

    def run() -> None:
        try:
            build.run("0123456")
        except AirAwareError as error:
            failed.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    said = ""

    def connected() -> bool:
        nonlocal said
        said += capfd.readouterr().out
        return "Connected to SSH" in said

    until(connected, SECONDS)
    fault(place)
    thread.join(SECONDS)
    assert failed, failed
    assert "packer build failed" in failed[0], failed
    until(lambda: state(place) == before, KEPT_SECONDS)
    assert build.leftovers() == []
