"""Machine images: what they are built from, which is used, which may go; Packer's templates."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from airaware.errors import AirAwareError
from tools.machine import vendor_modules
from tools.machine.checkout import CHECKOUT
from tools.region import ami, packer, roles
from tools.region.ami import Image, Uses
from tools.region.clients import client

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REGION = {"AWS_DEFAULT_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}

needs_packer = pytest.mark.skipif(
    shutil.which("packer") is None, reason="no Packer: tools/setup.sh tests installs it if packaged"
)


def image(number: int, digest: str = "old", **changes: Any) -> Image:
    """The image of that number, built so many hours ago."""
    values: dict[str, Any] = {
        **{"id": f"ami-{number}", "name": f"airaware-lab-{number}"},
        **{"digest": digest, "commit": "0123456", "built": NOW - timedelta(hours=number)},
        **{"gigabytes": 20, "snapshots": (f"snap-{number}",), "rejected": False},
    }
    return Image(**values | changes)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with a file for every kind of input."""
    for path in (
        *("packer/image.pkr.hcl", "modules/role/web.pp", "manifests/site.pp", "hiera.yaml"),
        *("hieradata/common.yaml", "hieradata/env/lab.yaml", "hieradata/env/staging.yaml"),
        *("hieradata/role/web.yaml", "hieradata/role/puppet.yaml"),
        *("airaware/science/grid.py", "setup.cfg"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / roles.REGISTRY).parent.mkdir()
    shutil.copy(CHECKOUT / roles.REGISTRY, tmp_path / roles.REGISTRY)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("modules/role/web.pp", True),
        ("hieradata/role/web.yaml", True),
        ("hieradata/role/puppet.yaml", True),
        ("hieradata/env/lab.yaml", True),
        ("hieradata/env/lab/web.yaml", True),
        ("hieradata/env/staging.yaml", False),
        ("requirements/site.txt", True),
        ("setup.cfg", True),
        # A host gets the package's own code with the release.
        ("airaware/science/grid.py", False),
        ("airaware/__pycache__/grid.pyc", False),
        ("frontend/src/map.js", False),
        ("tools/drill/model.py", False),
        ("docs/images.md", False),
    ],
)
def test_a_digest_is_of_what_goes_into_the_image(checkout: Path, path: str, changed: bool) -> None:
    before = ami.digest("lab", checkout)
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text("changed")
    assert (ami.digest("lab", checkout) != before) == changed


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ('prometheus: "2."', 'prometheus: "3."', True),
        ('puppetserver: "7."', 'puppetserver: "7.", chrony: "4."', True),
        ("t3.medium", "t3.large", False),
    ],
)
def test_a_digest_is_of_the_roles_packages_and_of_nothing_else_of_them(
    checkout: Path, old: str, new: str, changed: bool
) -> None:
    before = ami.digest("lab", checkout)
    registry = checkout / roles.REGISTRY
    text = registry.read_text()
    assert old in text
    registry.write_text(text.replace(old, new, 1))
    assert (ami.digest("lab", checkout) != before) == changed


def test_environments_have_digests_of_their_own(checkout: Path) -> None:
    assert ami.digest("lab", checkout) != ami.digest("staging", checkout)


def test_the_newest_image_is_used_but_none_that_was_rejected() -> None:
    images = [image(1, rejected=True), image(2), image(3)]
    assert ami.newest(images) == images[1]
    assert ami.newest(images[:1]) is None


def test_an_image_is_current_while_its_inputs_are_the_same(checkout: Path) -> None:
    assert not ami.is_current(None, "lab", checkout)
    made = image(1, ami.digest("lab", checkout))
    assert ami.is_current(made, "lab", checkout)
    (checkout / "hieradata/role/web.yaml").write_text("changed")
    assert not ami.is_current(made, "lab", checkout)


def test_only_what_nobody_uses_may_go() -> None:
    images = [image(1), image(2), image(3), image(4)]
    uses = Uses({"ami-2": ["airaware-lab-web-a"]}, {"ami-3": ["i-1", "i-2"]})
    assert [each.id for each in ami.unused(images, uses)] == ["ami-4"]
    assert uses.of(images[1]) == "airaware-lab-web-a"
    assert uses.of(images[2]) == "2 hosts"


@pytest.fixture
def ec2(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """EC2 with nothing in it but images of others."""
    requests.post(f"{endpoint}/moto-api/reset", timeout=10)
    monkeypatch.setitem(REGION, "AWS_ENDPOINT_URL", endpoint)
    return client("ec2", REGION)


def launched(ec2: Any, **tags: str) -> str:
    base = ec2.describe_images()["Images"][0]["ImageId"]
    specification = [{"Key": key, "Value": value} for key, value in tags.items()]
    return ec2.run_instances(
        **{"ImageId": base, "MinCount": 1, "MaxCount": 1},
        TagSpecifications=[{"ResourceType": "instance", "Tags": specification}] if tags else [],
    )["Instances"][0]["InstanceId"]


def test_images_are_found_by_their_tags_used_by_templates_and_deleted_whole(ec2: Any) -> None:
    source = launched(ec2)
    made = ec2.create_image(InstanceId=source, Name="airaware-lab-1")["ImageId"]
    ec2.create_image(InstanceId=source, Name="airaware-lab-2")
    tags = {"Project": "airaware", "Environment": "lab", "Digest": "d", "Commit": "c"}
    tags["Built"] = "2026-11-24T12:00:00+00:00"
    ec2.create_tags(Resources=[made], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    ec2.create_launch_template(
        LaunchTemplateName="airaware-lab-web-a", LaunchTemplateData={"ImageId": made}
    )
    (found,) = ami.there("lab", REGION)
    assert (found.id, found.digest, found.commit) == (made, "d", "c")
    assert (found.built, found.rejected) == (NOW, False)
    assert ami.there("staging", REGION) == []
    uses = ami.uses(REGION)
    assert uses.of(found) == "airaware-lab-web-a"
    assert uses.hosts[ec2.describe_images()["Images"][0]["ImageId"]] == [source]
    ami.delete(found, REGION)
    assert ami.there("lab", REGION) == []
    snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert not {each["SnapshotId"] for each in snapshots} & set(found.snapshots)


class FleetOfMoto:
    """What a build asks of a fleet."""

    environment = "lab"

    class region:  # noqa: N801 (an attribute)
        @staticmethod
        def environ() -> dict[str, str]:
            return REGION


def test_what_an_interrupted_build_left_is_found_and_removed(ec2: Any) -> None:
    builder, host = launched(ec2, Builder="airaware-lab"), launched(ec2, Environment="lab")
    ec2.create_key_pair(KeyName="airaware-lab-image")
    ec2.create_key_pair(KeyName="airaware-lab")
    half = ec2.create_image(InstanceId=builder, Name="airaware-lab-1")["ImageId"]
    whole = ec2.create_image(InstanceId=builder, Name="airaware-lab-2")["ImageId"]
    ec2.create_tags(Resources=[whole], Tags=[{"Key": "Digest", "Value": "d"}])
    build = packer.Build(FleetOfMoto())  # type: ignore[arg-type]
    assert build.leftovers() == [builder, "airaware-lab-image", half]
    build.remove_leftovers()
    assert build.leftovers() == []
    assert [key["KeyName"] for key in ec2.describe_key_pairs()["KeyPairs"]] == ["airaware-lab"]
    states = {
        each["InstanceId"]: each["State"]["Name"]
        for reservation in ec2.describe_instances()["Reservations"]
        for each in reservation["Instances"]
    }
    assert states == {builder: "terminated", host: "running"}
    assert [each["ImageId"] for each in ec2.describe_images(Owners=["self"])["Images"]] == [whole]


@pytest.mark.usefixtures("ec2")
def test_a_base_that_is_not_there_is_told() -> None:
    with pytest.raises(AirAwareError, match=r"no image to build on: airaware-base-\* of self"):
        packer.Build(FleetOfMoto())._published()  # type: ignore[arg-type]


# Packer's templates.


@needs_packer
def test_templates_are_in_packers_own_style() -> None:
    for folder in ("packer", "packer/today"):
        done = subprocess.run(["packer", "fmt", "-check", CHECKOUT / folder], capture_output=True)
        assert done.returncode == 0, done.stdout


@pytest.fixture
def modules() -> None:
    vendor_modules.fill()


@needs_packer
@pytest.mark.usefixtures("modules")
def test_the_template_is_valid() -> None:
    build = packer.Build(FleetOfMoto())  # type: ignore[arg-type]
    with build.work_folder({}) as folder:
        build.packer("validate", build.variables("ami-0123", {}, folder))


@needs_packer
@pytest.mark.usefixtures("modules")
def test_a_template_error_is_told() -> None:
    build = packer.Build(FleetOfMoto())  # type: ignore[arg-type]
    with build.work_folder({}) as folder:
        template = folder / "template" / "image.pkr.hcl"
        template.write_text(template.read_text().replace("ami_name ", "ami_nome "))
        with pytest.raises(AirAwareError, match="ami_nome"):
            build.packer("validate", build.variables("ami-0123", {}, folder))


def test_an_image_has_the_packages_that_puppet_asks_for() -> None:
    packages = packer.packages("lab")
    data = {
        name: yaml.safe_load((CHECKOUT / f"hieradata/{name}.yaml").read_text())
        for name in ("common", "role/database")
    }
    server = f"postgresql-{data['role/database']['profile::database::version']}"
    assert {server, f"{server}-postgis-3", data["common"]["spark::java"]} <= packages.keys()
    named = {
        package
        for path in (CHECKOUT / "modules").glob("*/manifests/**/*.pp")
        for declared in re.findall(r"package \{ (\[?[^\]:$]*\]?):", path.read_text())
        for package in re.findall(r"'([^'$]+)'", declared)
    }
    # No source of the distributions has Grafana; postgresql-common comes with the server, and their
    # images have the others.
    assert {"puppetserver", "prometheus"} <= named
    assert named - {"grafana", "postgresql-common", "openssh-server", "sudo"} <= packages.keys()


def test_only_today_s_packer_is_given_the_block_that_it_needs() -> None:
    block = re.compile(r"^\s*required_plugins", re.MULTILINE)
    given = {
        str(path.relative_to(CHECKOUT / "packer")): bool(block.search(path.read_text()))
        for path in (CHECKOUT / "packer").rglob("*.pkr.hcl")
    }
    assert [path for path, there in given.items() if there] == ["today/plugins.pkr.hcl"]
    json.loads(packer.VERSIONS.read_text())
