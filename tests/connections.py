"""How many connections a fleet's hosts may hold to one database: by the data, not by Puppet."""

from typing import Any

import yaml

from tools.machine.checkout import CHECKOUT
from tools.region.roles import ROLES


def _data(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "hieradata" / name).read_text())
    return found


COMMON, DATABASE = _data("common.yaml"), _data("role/database.yaml")
ZONES = len(COMMON["airaware::settings::zones"])
WORKERS: int = COMMON["profile::web::workers"]
THREADS: int = COMMON["profile::web::threads"]


def of_web_hosts() -> int:
    """Return the number of all zones' groups at their greatest."""
    return ZONES * (ROLES["web"].most or 0) * WORKERS * (THREADS + 1)


def of_others() -> int:
    """Return the number that is left to jobs, refills, checks and operators."""
    others: int = DATABASE["profile::database::other_connections"]
    return others
