"""What the lab's tests share: root, and the image that its hosts start from."""

import os
from pathlib import Path

import pytest

from tools.lab import preflight
from tools.lab.hosts import images


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where a lab cannot run: without root, or without what preflight asks for."""
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    if problems := preflight.problems(Path("/var/lib/airaware")):
        pytest.skip("; ".join(problems))


@pytest.fixture(scope="session")
def image(
    able: None,  # noqa: ARG001 (it has to be there)
) -> images.Image:
    """The base image, from the user's cache or built."""
    return images.base(print)
