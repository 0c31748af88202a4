"""A year that an operator loads into both zones of a fleet, and what this machine makes of it."""

import subprocess
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from fleets import Fab

from airaware.settings import Zone
from airaware.store import manifest
from tools.environments.fleet import Fleet
from tools.environments.local import Local

YEAR = "2013"

Checksums = Mapping[int, Decimal]  # by parameter


def made_here(region: Local, raw: Path) -> Checksums:
    """What this machine's own zones hold of the year."""
    environ = region.submit_environ() | {"AIRAWARE_RAW": str(raw)}
    command = region.submit_command(YEAR, [])
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with region.reading() as zones:
        first, second = (checksums(zone) for zone in zones)
    assert first == second
    assert len(first) == 2
    return first


def load(fab: Fab, raw: Path) -> None:
    """Have the lab hold the year, by `fab fetch-year` and `fab submit-year`."""
    fetched = fab("fetch-year", YEAR, "--env", "lab", AIRAWARE_EPA_URL=str(raw))
    assert fetched.returncode == 0, fetched.stderr
    started = time.monotonic()
    done = fab("submit-year", YEAR, "--env", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Spark's pages, while the job runs: http://127.0.0.1:" in done.stdout
    print(f"fab submit-year {YEAR} --env lab: {time.monotonic() - started:.0f} s")


def checksums(zone: Zone) -> Checksums:
    return {load.parameter: load.checksum for load in manifest.loads(zone)}


def by_zone(fleet: Fleet) -> dict[str, Checksums]:
    """What each zone of the fleet holds."""
    with fleet.reading() as zones:
        return {zone.name: checksums(zone) for zone in zones}


def assert_both_hold(fleet: Fleet, expected: Checksums) -> None:
    assert by_zone(fleet) == {"us-west-2a": expected, "us-west-2b": expected}
