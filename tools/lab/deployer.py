"""The deployer's role in the lab, which `fab` works as: an administrator makes it, as on AWS."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from airaware import settings
from tools.machine.checkout import CHECKOUT
from tools.machine.steps import console
from tools.region.clients import client
from tools.region.terraform import Terraform

ENVIRONMENT = "lab"  # as terraform/account/env/ has it


def make(folder: Path, administrator: Mapping[str, str]) -> None:
    """Apply terraform/account, take the deployer's role, and keep its credentials.

    Args:
        folder: The lab's.
        administrator: The variables by which the account's administrator reaches the region.

    Raises:
        AirAwareError: Terraform fails.
    """
    terraform = Terraform(
        CHECKOUT / "terraform",
        ENVIRONMENT,
        _account(folder),
        os.environ | administrator,
        settings.read().terraform_mirror,
        part="account",
    )
    terraform.init()
    terraform.change(console.print)
    taken = client("sts", administrator).assume_role(
        RoleArn=terraform.outputs()["deployers"][ENVIRONMENT], RoleSessionName="fab"
    )["Credentials"]
    credentials = {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }
    _kept(folder).write_text(json.dumps(credentials, indent=1))


def credentials(folder: Path) -> dict[str, str]:
    """Return the variables of the deployer's session; empty before it is made."""
    try:
        return dict(json.loads(_kept(folder).read_text()))
    except FileNotFoundError:
        return {}


def forget(folder: Path) -> None:
    """Delete what is kept of an account that a region before had."""
    shutil.rmtree(_account(folder), ignore_errors=True)


def _account(folder: Path) -> Path:
    return folder / "account"


def _kept(folder: Path) -> Path:
    return _account(folder) / "deployer.json"
