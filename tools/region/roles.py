"""The roles of a fleet's hosts: terraform/roles.yaml, and what Hiera's data add to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airaware.errors import AirAwareError
from tools.machine.checkout import CHECKOUT

REGISTRY = Path("terraform/roles.yaml")
PLACED = ("one", "zones", "several", "group")


@dataclass(frozen=True, kw_only=True)
class Role:
    """An entry of terraform/roles.yaml, which says what each field means."""

    hosts: str
    instance_type: str
    permissions: list[str]
    passwords: list[str]
    packages: dict[str, str]
    count: int | None = None
    most: int | None = None
    data: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where fields do not go together."""
        if self.hosts not in PLACED:
            raise ValueError(f"hosts is {self.hosts!r}, and none of {', '.join(PLACED)}")
        if (self.hosts == "several") != (self.count is not None):
            raise ValueError("count belongs to `hosts: several`")
        if (self.hosts == "group") != (self.most is not None):
            raise ValueError("most belongs to `hosts: group`")


def read(checkout: Path = CHECKOUT) -> dict[str, Role]:
    """Return a checkout's roles by name, in the order of their turns in a roll-out.

    Raises:
        AirAwareError: An entry lacks a field, or has one that no role has.
    """
    found: Mapping[str, Any] = yaml.safe_load((checkout / REGISTRY).read_text())
    roles = {}
    for name, entry in found.items():
        try:
            roles[name] = Role(**entry)
        except (TypeError, ValueError) as error:
            raise AirAwareError(f"{REGISTRY}: the role {name}: {error}") from error
    return roles


ROLES: Mapping[str, Role] = read()


def packages(roles: Mapping[str, Role] = ROLES) -> dict[str, str]:
    """Return what single roles install: package -> beginning of its version."""
    return {name: version for role in roles.values() for name, version in role.packages.items()}


def readers(roles: Mapping[str, Role] = ROLES) -> dict[str, list[str]]:
    """Return password -> the roles whose hosts read it."""
    names = sorted({password for role in roles.values() for password in role.passwords})
    return {
        name: [role for role, entry in roles.items() if name in entry.passwords] for name in names
    }


def extras() -> list[str]:
    """Return the extras of our package that the hosts of any role install."""
    data = [yaml.safe_load(path.read_text()) for path in CHECKOUT.glob("hieradata/role/*.yaml")]
    return sorted({extra for role in data for extra in role.get("airaware::extras", ())})
