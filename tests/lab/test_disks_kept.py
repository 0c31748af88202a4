"""CreateImage keeps a host's disk: another host starts from it, in this region and in the next."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from deadline import until
from places import as_admin

from tools.lab import leftovers, model
from tools.lab.commands import run
from tools.lab.hosts import disks, images

SECONDS = 60


class Daemon:
    """The lab of a folder, which may be started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name, self.key = folder, model.lab_name(folder), folder / "key"

    def start(self) -> None:
        command = [sys.executable, "-m", "tools.lab.daemon", "--folder", str(self.folder)]
        self.process = subprocess.Popen(command)
        until((self.folder / "daemon.json").exists, SECONDS)
        facts = json.loads((self.folder / "daemon.json").read_text())
        self.ec2: Any = boto3.client(
            **{"service_name": "ec2", "region_name": facts["environ"]["AWS_DEFAULT_REGION"]},
            **{"endpoint_url": facts["endpoint"], "verify": facts["ca"]},
            **{"aws_access_key_id": "lab", "aws_secret_access_key": "lab"},
        )
        network = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(
            VpcId=network, CidrBlock="10.9.1.0/24", AvailabilityZone="us-west-2a"
        )["Subnet"]["SubnetId"]
        public = self.key.with_suffix(".pub").read_bytes()
        self.ec2.import_key_pair(KeyName="test", PublicKeyMaterial=public)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(SECONDS)

    def launch(self, image_id: str) -> tuple[str, str]:
        """A host's instance id and address, once it answers by SSH."""
        instance = self.ec2.run_instances(
            **{"ImageId": image_id, "MinCount": 1, "MaxCount": 1, "KeyName": "test"},
            **{"InstanceType": "t3.large", "SubnetId": self.subnet},
        )["Instances"][0]
        address = instance["PrivateIpAddress"]
        until(lambda: self.state(instance["InstanceId"]) == "ok", SECONDS)
        return instance["InstanceId"], address

    def state(self, instance_id: str) -> str:
        answer = self.ec2.describe_instance_status(InstanceIds=[instance_id])
        return answer["InstanceStatuses"][0]["InstanceStatus"]["Status"]

    def image(self, image_id: str) -> dict[str, Any]:
        return self.ec2.describe_images(ImageIds=[image_id])["Images"][0]

    def ssh(self, address: str, command: str) -> str:
        return as_admin(self.name, self.key, address, command)


@pytest.fixture(scope="module")
def lab(
    image: images.Image,  # noqa: ARG001 (it has to be there)
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Daemon]:
    """A lab that runs; nothing of it is left, in the cache neither."""
    daemon = Daemon(tmp_path_factory.mktemp("lab"))
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", daemon.key)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
        leftovers.remove(daemon.name)
        for kept in list(disks.recorded(daemon.name)):
            images.free(kept.layer)
        shutil.rmtree(disks.records(daemon.name), ignore_errors=True)


@pytest.fixture(scope="module")
def kept(lab: Daemon, image: images.Image) -> str:
    """The image of a host with a file of its own, which was terminated as soon as it was asked."""
    (base,) = lab.ec2.describe_images(Filters=[{"Name": "name", "Values": [image.name]}])["Images"]
    instance_id, address = lab.launch(base["ImageId"])
    lab.ssh(address, "echo mine | sudo tee /etc/mine && sudo rm /etc/debian_version")
    lab.ec2.stop_instances(InstanceIds=[instance_id])
    image_id = lab.ec2.create_image(InstanceId=instance_id, Name="kept")["ImageId"]
    lab.ec2.terminate_instances(InstanceIds=[instance_id])
    assert lab.image(image_id)["State"] == "pending"
    until(lambda: lab.image(image_id)["State"] == "available", SECONDS)
    until(lambda: not (lab.folder / "hosts" / instance_id).exists(), SECONDS)
    lab.ec2.create_tags(Resources=[image_id], Tags=[{"Key": "Role", "Value": "web"}])
    return image_id


def test_a_host_starts_from_anothers_disk(lab: Daemon, kept: str) -> None:
    instance_id, address = lab.launch(kept)
    assert lab.ssh(address, "cat /etc/mine; ls -d /etc/debian_version /etc/hosts || true") == (
        "mine\n/etc/hosts\n"
    )
    assert lab.ssh(address, "cloud-init query instance_id").strip() == instance_id
    lab.ec2.terminate_instances(InstanceIds=[instance_id])


def test_an_image_outlives_its_region_and_goes_when_it_is_deregistered(
    lab: Daemon, kept: str
) -> None:
    until(lambda: any(image.tags for image in disks.recorded(lab.name)), SECONDS)
    lab.stop()
    lab.start()
    image = lab.image(kept)
    assert (image["Name"], image["State"]) == ("kept", "available")
    assert image["Tags"] == [{"Key": "Role", "Value": "web"}]
    (record,) = disks.recorded(lab.name)
    lab.ec2.deregister_image(ImageId=kept)
    until(lambda: not (images.folder() / record.layer).exists(), SECONDS)
    assert list(disks.recorded(lab.name)) == []


def test_a_lost_disk_is_a_failed_image(lab: Daemon, image: images.Image) -> None:
    (base,) = lab.ec2.describe_images(Filters=[{"Name": "name", "Values": [image.name]}])["Images"]
    instance_id, _ = lab.launch(base["ImageId"])
    lab.ec2.stop_instances(InstanceIds=[instance_id])
    time.sleep(1)
    folder = lab.folder / "hosts" / instance_id / "upper"
    until(lambda: not (folder.parent / "root").is_mount(), SECONDS)
    folder.rename(folder.with_name("elsewhere"))
    image_id = lab.ec2.create_image(InstanceId=instance_id, Name="lost")["ImageId"]
    until(lambda: lab.image(image_id)["State"] == "failed", SECONDS)
