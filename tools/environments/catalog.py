"""The environments by name: this machine, and the fleets of terraform/env/."""

import os

from airaware.errors import AirAwareError
from tools.environments.environment import Environment
from tools.environments.fleet import Fleet
from tools.environments.fleet_access import TERRAFORM
from tools.environments.local import FLEETS, Local, state_folder
from tools.lab.client import Lab
from tools.region.aws import Aws

VARIANTS = ("single",)  # of variables that are given after an environment's own
LAB = "lab"  # the environment whose region is on this machine


def find(name: str) -> Environment:
    """Return the environment of this name; if empty, AIRAWARE_ENV's or else `local`.

    Raises:
        AirAwareError: There is no such environment, or its folder belongs to somebody else.
    """
    return _local() if _chosen(name) == Local.name else _fleet(_chosen(name))


def local(name: str) -> Local:
    """Return the environment as `find` does, for a task that works on this machine only.

    Raises:
        AirAwareError: It is a fleet.
    """
    if _chosen(name) != Local.name:
        raise AirAwareError(f"This works on {Local.name} only, not on {find(name).name}")
    return _local()


def fleet(name: str) -> Fleet:
    """Return the environment as `find` does, for a task that works on fleets only.

    Raises:
        AirAwareError: It is this machine.
    """
    if _chosen(name) == Local.name:
        raise AirAwareError(f"This works on a fleet only: --env {', '.join(fleet_names())}")
    return _fleet(_chosen(name))


def fleet_names() -> list[str]:
    """Return the names of the fleets that terraform/env/ describes, and of their variants."""
    files = sorted(path.stem for path in (TERRAFORM / "env").glob("*.tfvars"))
    names = [name for name in files if name not in VARIANTS]
    return names + [f"{name}-{variant}" for name in names for variant in VARIANTS]


def _chosen(name: str) -> str:
    return name or os.environ.get("AIRAWARE_ENV", "") or Local.name


def _local() -> Local:
    place = Local(state_folder())
    place.check_folder()
    return place


def _fleet(name: str) -> Fleet:
    if name not in fleet_names():
        known = ", ".join([Local.name, *fleet_names()])
        raise AirAwareError(f"There is no environment '{name}'. Known are: {known}")
    folder = state_folder() / FLEETS / name
    return Fleet(name, folder / "operator", Lab(folder / "region") if _in_lab(name) else Aws())


def _in_lab(name: str) -> bool:
    return name.partition("-")[0] == LAB
