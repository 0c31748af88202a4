"""What the quick tests share: moto in a process of its own, and little of it in this one."""

from collections.abc import Iterator

import pytest
from motoserver import moto_server


@pytest.fixture(autouse=True)
def no_managed_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own policies, which the lab has moto make, take two seconds of each test's."""
    monkeypatch.delenv("MOTO_IAM_LOAD_MANAGED_POLICIES", raising=False)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of moto as it is: the lab's tests put patches into this process's."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url
