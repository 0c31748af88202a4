"""Every environment variable, once. docs/settings.md describes each, and a test compares them."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from airaware.errors import AirAwareError

EPA_URL = "https://aqs.epa.gov/aqsweb/airdata"


@dataclass(frozen=True)
class Zone:
    """One availability zone's database: its name and a libpq connection string without password."""

    name: str
    dsn: str


@dataclass(frozen=True)
class Settings:
    """The process's settings, as read by `read`."""

    epa_url: str
    raw: str
    zones: tuple[Zone, ...]
    zone: str
    max_bad_rows: float
    port: int
    census_url: str
    terraform_mirror: str = ""
    backup: str = ""
    bulk: str = ""
    population: str = ""
    draining: str = ""
    worker_sockets: str = ""
    lab_clock_factor: float = 1
    lab_iam: bool | None = None
    host_cpu_seconds: float = 10

    def own_zone_first(self) -> tuple[Zone, ...]:
        """Return the zones in the order in which this host should ask them."""
        return tuple(sorted(self.zones, key=lambda zone: zone.name != self.zone))


def written(zones: Iterable[Zone]) -> str:
    """Return the value of AIRAWARE_ZONES that means these zones.

    A semicolon in a DSN is escaped, which libpq reads as the semicolon itself.
    """
    return "; ".join(f"{zone.name}={zone.dsn}".replace(";", r"\;") for zone in zones)


def _zones(text: str) -> tuple[Zone, ...]:
    zones = []
    for entry in filter(None, (part.strip() for part in re.split(r"(?<!\\);", text))):
        name, equals, dsn = entry.partition("=")
        if not equals or not dsn:
            raise AirAwareError(f"AIRAWARE_ZONES: '{entry}' is not NAME=DSN; separate zones by ';'")
        zones.append(Zone(name.strip(), dsn.strip()))
    return tuple(zones)


def _number(name: str, default: str, low: float, high: float) -> float:
    text = os.environ.get(name, default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise AirAwareError(f"{name}: '{text}' is not a number from {low:g} to {high:g}")
    return value


def _whole_number(name: str, default: str, low: int, high: int) -> int:
    text = os.environ.get(name, default)
    if not re.fullmatch("[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise AirAwareError(f"{name}: '{text}' is not a whole number from {low} to {high}")
    return int(text)


def _choice(name: str) -> bool | None:
    """Return what 0 or 1 say; None where nothing is chosen."""
    return None if not os.environ.get(name) else _whole_number(name, "", 0, 1) == 1


def read() -> Settings:
    """Read the settings from the environment.

    Raises AirAwareError where a value cannot be used, naming the variable.
    """
    zones = _zones(os.environ.get("AIRAWARE_ZONES", ""))
    return Settings(
        epa_url=(os.environ.get("AIRAWARE_EPA_URL") or EPA_URL).rstrip("/"),
        raw=os.environ.get("AIRAWARE_RAW") or str(Path(".airaware/raw").absolute()),
        zones=zones,
        zone=os.environ.get("AIRAWARE_ZONE", zones[0].name if zones else ""),
        max_bad_rows=_number("AIRAWARE_MAX_BAD_ROWS", "0.05", 0, 1),
        port=_whole_number("AIRAWARE_PORT", "8000", 1, 65535),
        census_url=os.environ.get(
            "AIRAWARE_CENSUS_URL",
            "https://geocoding.geo.census.gov/geocoder/locations/onelineaddress",
        ),
        terraform_mirror=os.environ.get("AIRAWARE_TERRAFORM_MIRROR", ""),
        backup=os.environ.get("AIRAWARE_BACKUP", ""),
        bulk=os.environ.get("AIRAWARE_BULK", ""),
        population=os.environ.get("AIRAWARE_POPULATION", ""),
        draining=os.environ.get("AIRAWARE_DRAINING", ""),
        worker_sockets=os.environ.get("AIRAWARE_WORKER_SOCKETS", ""),
        lab_clock_factor=_number("AIRAWARE_LAB_CLOCK_FACTOR", "1", 1, 10),
        lab_iam=_choice("AIRAWARE_LAB_IAM"),
        host_cpu_seconds=_number("AIRAWARE_HOST_CPU_SECONDS", "10", 0.5, 60),
    )
