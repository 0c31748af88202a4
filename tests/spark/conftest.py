"""Submits of the main job on the tests' two databases."""

from collections.abc import Iterator

import pytest
from jobs import Submits, forget_all

from airaware.settings import Zone
from tools.environments.local import Local


@pytest.fixture(scope="module")
def submits(region: Local, zones: tuple[Zone, ...]) -> Iterator[Submits]:
    """Submits that none outlives its module, and zones without loads before and after it."""
    submits = Submits(region)
    for zone in zones:
        forget_all(zone)
    yield submits
    submits.kill_all()
    for zone in zones:
        forget_all(zone)
