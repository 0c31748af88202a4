"""Terraform for the tests, and moto as the region that it plans and applies against."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
import trustme
from motoserver import PATCHED, moto_server

from airaware import settings
from airaware.errors import AirAwareError
from tools.region.terraform import Terraform

CHECKOUT = Path(__file__).parents[2]
ROOT = CHECKOUT / "terraform"
REGION = "us-west-2"
OWN_ACCOUNT, DEBIAN = (
    "123456789012",
    "136693071363",
)  # moto's own, and who publishes Debian's images
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUCFuhlTuDCYYUrqU6Z9oNsvvDXH2nzIAhAAx7lJ3Fs"


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform with its provider, only to look at the code; skips where it cannot be had."""
    terraform = Terraform(
        ROOT,
        "lab",
        tmp_path_factory.mktemp("offline"),
        os.environ,
        settings.read().terraform_mirror,
    )
    try:
        terraform.init()
    except AirAwareError as error:
        pytest.skip(f"Terraform or its provider cannot be had: {error}")
    return terraform


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """moto's region as the environment variables that lead to it.

    By TLS: the bucket's policy refuses plain HTTP.
    """
    folder = tmp_path_factory.mktemp("moto")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    (folder / "images.json").write_text(
        json.dumps([_image("airaware-base-0", OWN_ACCOUNT), _image("debian-12-amd64-0", DEBIAN)])
    )
    options = ("-c", str(folder / "certificate.pem"), "-k", str(folder / "key.pem"))
    images, ca = str(folder / "images.json"), folder / "ca.pem"
    with moto_server(folder, *options, program=PATCHED, ca=ca, MOTO_AMIS_PATH=images) as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_CA_BUNDLE": str(ca),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def image_id(owner: str) -> str:
    """Return the id of the owner's one image."""
    return f"ami-{owner:0>17}"


def _image(name: str, owner: str) -> dict[str, object]:
    return {
        "ami_id": image_id(owner),
        "name": name,
        "owner_id": owner,
        "state": "available",
        "public": True,
        "architecture": "x86_64",
        "image_type": "machine",
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "root_device_name": "/dev/xvda",
        "description": name,
        "image_location": name,
        "sriov": "simple",
        "platform": "",
    }


@pytest.fixture(scope="session")
def client(endpoint: dict[str, str]) -> Callable[[str], Any]:
    """Makes a client of one of the region's services."""
    return partial(
        boto3.client,
        region_name=REGION,
        endpoint_url=endpoint["AWS_ENDPOINT_URL"],
        verify=endpoint["AWS_CA_BUNDLE"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="session")
def state_bucket(client: Callable[[str], Any]) -> None:
    """The bucket that staging and production keep their state in."""
    client("s3").create_bucket(
        Bucket="airaware-terraform-state", CreateBucketConfiguration={"LocationConstraint": REGION}
    )


@pytest.fixture(scope="session")
def place(
    initialised: Terraform,  # noqa: ARG001 (it has to be there)
    endpoint: dict[str, str],
    state_bucket: None,  # noqa: ARG001 (it has to be there)
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Terraform]:
    """Makes an environment ready to be planned, against moto."""

    def make(environment: str, *variants: str) -> Terraform:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        terraform = Terraform(
            ROOT,
            environment,
            tmp_path_factory.mktemp(environment),
            clean | endpoint | {"TF_VAR_ssh_public_key": PUBLIC_KEY},
            settings.read().terraform_mirror,
            variants,
        )
        terraform.init()
        return terraform

    return make
