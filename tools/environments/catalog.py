"""The places that a task can work on, by name: this machine, and the fleets of terraform/env/."""

import os

from airaware.errors import AirAwareError
from tools.environments import fleet as fleets
from tools.environments.fleet import Fleet
from tools.environments.local import FLEETS, Local, state_folder
from tools.lab.client import Lab
from tools.region.aws import Aws

LAB = "lab"  # the environment whose region is on this machine


def find(name: str) -> Local | Fleet:
    """The environment `name`, or if empty the one that AIRAWARE_ENV names, or else `local`.

    Raises AirAwareError where there is no such environment, or its folder is not ours.
    """
    name = name or os.environ.get("AIRAWARE_ENV", "") or Local.name
    if name == Local.name:
        place = Local(state_folder())
        place.check_folder()
        return place
    if name not in fleets.names():
        known = ", ".join([Local.name, *fleets.names()])
        raise AirAwareError(f"There is no environment '{name}'. Known are: {known}")
    folder = state_folder() / FLEETS / name
    return Fleet(name, folder / "operator", Lab(folder / "region") if _in_lab(name) else Aws())


def local(name: str) -> Local:
    """As `find`, for a task that only works on this machine. Raises AirAwareError for a fleet."""
    place = find(name)
    if not isinstance(place, Local):
        raise AirAwareError(f"This works on {Local.name} only, not on {place.name}")
    return place


def fleet(name: str) -> Fleet:
    """As `find`, for a task that only works on a fleet. Raises AirAwareError for this machine."""
    place = find(name)
    if not isinstance(place, Fleet):
        raise AirAwareError(f"This works on a fleet only: --env {', '.join(fleets.names())}")
    return place


def _in_lab(name: str) -> bool:
    return name.partition("-")[0] == LAB
