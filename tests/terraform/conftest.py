"""Terraform for the tests, and the lab's API as the region that it plans and applies against."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from motoserver import serving

from airaware import settings
from airaware.errors import AirAwareError
from tools.machine.postgres import free_port
from tools.region.terraform import Terraform

CHECKOUT = Path(__file__).parents[2]
ROOT = CHECKOUT / "terraform"
REGION = "us-west-2"
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


@contextmanager
def region(folder: Path, *more: str) -> Iterator[dict[str, str]]:
    """The lab's region, a process of its own, as the environment variables that lead to it."""
    port, ca = free_port(), folder / "ca.pem"
    url = f"https://127.0.0.1:{port}"
    program = ("tests.terraform.labregion", str(port), str(folder), *more)
    with serving(program, url, folder / "log", ca):
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_CA_BUNDLE": str(ca),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with that of a region, and nothing of another account's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**own, **environ, "TF_VAR_ssh_public_key": PUBLIC_KEY}


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The region that enforces no IAM."""
    with region(tmp_path_factory.mktemp("region")) as environ:
        yield environ


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
    """Makes an environment ready to be planned, against the lab's API."""

    def make(environment: str, *variants: str) -> Terraform:
        terraform = Terraform(
            ROOT,
            environment,
            tmp_path_factory.mktemp(environment),
            clean(endpoint),
            settings.read().terraform_mirror,
            variants,
        )
        terraform.init()
        return terraform

    return make
