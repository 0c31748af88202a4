"""The machine images of an environment: which there are, what they were built from, who uses them.

An image's tags describe it (packer/image.pkr.hcl). It is out of date where the digest of
what goes into it today is another one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airaware.errors import AirAwareError
from tools.machine.checkout import CHECKOUT
from tools.region import roles
from tools.region.clients import client

# What an image is made of. Not the package's own code: a host gets that with the release.
INPUTS = (
    *("packer", "modules", "manifests", "hiera.yaml", "hieradata/common.yaml", "hieradata/role"),
    *("Puppetfile", "setup.cfg", "requirements"),
    "terraform/modules/user_data/install-ssm-agent.sh",
)
SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Image:
    """A machine image that Packer has built for an environment."""

    id: str
    name: str
    digest: str
    commit: str
    built: datetime
    gigabytes: int
    snapshots: tuple[str, ...]
    rejected: bool  # a host of it did not become healthy


@dataclass(frozen=True)
class Uses:
    """Image id -> by whom it is used: launch templates by name, hosts by instance id."""

    templates: Mapping[str, list[str]]
    hosts: Mapping[str, list[str]]

    def of(self, image: Image) -> str:
        """In words; empty where nobody uses it."""
        hosts = len(self.hosts.get(image.id, ()))
        words = [*self.templates.get(image.id, ()), *([f"{hosts} hosts"] if hosts else [])]
        return ", ".join(words)


def digest(environment: str, checkout: Path = CHECKOUT) -> str:
    """Return the digest of all files and roles' packages that go into an environment's image."""
    own = (f"hieradata/env/{environment}.yaml", f"hieradata/env/{environment}")
    total = hashlib.sha256(environment.encode())
    for path in sorted({file for part in (*INPUTS, *own) for file in _files(checkout / part)}):
        total.update(f"\0{path.relative_to(checkout)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(json.dumps(roles.packages(roles.read(checkout)), sort_keys=True).encode())
    return total.hexdigest()[:SHOWN_DIGITS]


def there(environment: str, environ: Mapping[str, str]) -> list[Image]:
    """Return the environment's images that are whole, the newest first."""
    found = client("ec2", environ).describe_images(
        Owners=["self"],
        Filters=[
            {"Name": "tag:Project", "Values": ["airaware"]},
            {"Name": "tag:Environment", "Values": [environment]},
            {"Name": "tag-key", "Values": ["Digest"]},
            {"Name": "state", "Values": ["available"]},
        ],
    )["Images"]
    return sorted((_image(each) for each in found), key=lambda image: image.built, reverse=True)


def newest(images: list[Image]) -> Image | None:
    """Return the newest image that was not rejected; `images` come the newest first."""
    return next((image for image in images if not image.rejected), None)


def is_current(image: Image | None, environment: str, checkout: Path = CHECKOUT) -> bool:
    """Whether the image is what today's inputs make."""
    return image is not None and image.digest == digest(environment, checkout)


def unused(images: list[Image], uses: Uses) -> list[Image]:
    """Return the images that may go: neither the newest nor one in use."""
    kept = newest(images)
    return [image for image in images if image != kept and not uses.of(image)]


def uses(environ: Mapping[str, str]) -> Uses:
    """Who uses images now: launch templates in their versions in force, and hosts."""
    ec2 = client("ec2", environ)
    templates: dict[str, list[str]] = {}
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        for version in ec2.describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest", "$Default"]
        )["LaunchTemplateVersions"]:
            names = templates.setdefault(version["LaunchTemplateData"].get("ImageId", ""), [])
            if template["LaunchTemplateName"] not in names:
                names.append(template["LaunchTemplateName"])
    hosts: dict[str, list[str]] = {}
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] != "terminated":
                    hosts.setdefault(instance["ImageId"], []).append(instance["InstanceId"])
    return Uses(templates, hosts)


def delete(image: Image, environ: Mapping[str, str]) -> None:
    """Deregister the image and delete its disk's snapshots."""
    ec2 = client("ec2", environ)
    ec2.deregister_image(ImageId=image.id)
    for snapshot in image.snapshots:
        ec2.delete_snapshot(SnapshotId=snapshot)


def published(owner: str, name: str, environ: Mapping[str, str]) -> str:
    """Return the id of the newest image of that owner whose name matches.

    Raises AirAwareError where there is none.
    """
    found = client("ec2", environ).describe_images(
        Owners=[owner], Filters=[{"Name": "name", "Values": [name]}]
    )["Images"]
    if not found:
        raise AirAwareError(f"There is no image to build on: {name} of {owner}")
    newest_found = max(found, key=lambda image: image["CreationDate"])
    return str(newest_found["ImageId"])


def _image(described: Mapping[str, Any]) -> Image:
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}
    disks = [each["Ebs"] for each in described.get("BlockDeviceMappings", ()) if "Ebs" in each]
    return Image(
        id=described["ImageId"],
        name=described["Name"],
        digest=tags["Digest"],
        commit=tags.get("Commit", ""),
        built=datetime.fromisoformat(tags["Built"]).astimezone(UTC),
        gigabytes=sum(disk.get("VolumeSize", 0) for disk in disks),
        snapshots=tuple(disk["SnapshotId"] for disk in disks if "SnapshotId" in disk),
        rejected="Rejected" in tags,
    )


def _files(part: Path) -> list[Path]:
    """Return the files of a part of the checkout, without what runs left behind."""
    if part.is_file():
        return [part]
    return [
        path
        for path in part.rglob("*")
        if path.is_file() and not {"__pycache__", "build", "node_modules"} & {*path.parts}
    ]
