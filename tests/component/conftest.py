"""What tests of several processes share: moto in a process of its own."""

from collections.abc import Iterator

import pytest
from motoserver import moto_server


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of moto as it is: the lab's tests put patches into this process's."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url
