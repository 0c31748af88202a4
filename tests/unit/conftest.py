"""What the quick tests share: little of moto."""

import pytest


@pytest.fixture(autouse=True)
def no_managed_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own policies, which the lab has moto make, take two seconds of each test's."""
    monkeypatch.delenv("MOTO_IAM_LOAD_MANAGED_POLICIES", raising=False)
