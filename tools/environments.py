"""The places that a task can work on, by name."""

import os

from airaware.errors import AirAwareError
from tools.local import Local, state_folder


def find(name: str) -> Local:
    """The environment `name`, or if empty the one that AIRAWARE_ENV names, or else `local`.

    Raises AirAwareError where there is no such environment.
    """
    name = name or os.environ.get("AIRAWARE_ENV", "") or Local.name
    if name != Local.name:
        raise AirAwareError(f"There is no environment '{name}'. Known are: {Local.name}")
    return Local(state_folder())
