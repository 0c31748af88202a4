"""A fleet that a test brings up as an operator would, and takes down without a trace."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.lab import leftovers
from tools.lab.client import Lab
from tools.lab.hosts import disks
from tools.region import clients

# Every wait of a deployment has limits of its own: this one only ends what hangs in spite of them.
DEPLOY_SECONDS = 3000

# Terraform's provider asks for it, of each image that it looks up, and goes on without.
ASKED_IN_VAIN = ("ec2:GetInstanceUefiData",)

Fab = Callable[..., CompletedProcess[str]]


def administrator(fleet: Fleet, service: str) -> Any:
    """A client of a lab's administrator, who may do what its deployer may not."""
    assert isinstance(fleet.region, Lab)
    return clients.client(service, fleet.region.administrator())


def denied(region: Lab) -> list[str]:
    """What the fleet's hosts and its deployer were denied, as the region logs it; a drill's denials
    are explicit ones."""
    log = (region.folder / "daemon.log").read_text()
    found = re.findall("refused: (.* because no policy allows the (.*) action)", log)
    return [line for line, action in found if action not in ASKED_IN_VAIN]


@contextmanager
def deployed(name: str, fab: Fab, state: Path) -> Iterator[Fleet]:
    """The environment `name` between `fab deploy` and `fab destroy`, which must leave nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRAWARE_STATE", str(state))
        fleet = catalog.fleet(name)
    region = fleet.region
    assert isinstance(region, Lab)
    before = leftovers.everything(region.name)
    try:
        started = time.monotonic()
        done = fab("deploy", "--env", name)
        log = region.folder / "daemon.log"
        assert done.returncode == 0, log.read_text()[-5000:] if log.exists() else "no daemon"
        print(f"fab deploy --env {name}: {time.monotonic() - started:.0f} s")
        yield fleet
        assert denied(region) == []
    finally:
        done = fab("destroy", "--env", name, "--yes")
        left = leftovers.everything(region.name)
        leftovers.remove(region.name)
        disks.forget(region.name)
    assert done.returncode == 0, done.stderr
    assert left == before
    assert not fleet.folder.exists()
    assert not region.folder.exists()
