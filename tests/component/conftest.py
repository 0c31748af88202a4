"""What tests of several processes share: moto in a process of its own."""

from collections.abc import Iterator

import pytest
import requests
import twozones
from motoserver import moto_server

from tools.drill.world import World


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of moto as it is: the lab's tests put patches into this process's.

    Tests reset it before they begin.
    """
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> World:
    """A fleet of two zones, in a region that has nothing else."""
    requests.post(f"{endpoint}/moto-api/reset", timeout=60).raise_for_status()
    for name, value in (twozones.ENVIRON | {"AWS_ENDPOINT_URL": endpoint}).items():
        monkeypatch.setenv(name, value)
    return twozones.world_at(endpoint)
