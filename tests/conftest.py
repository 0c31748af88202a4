"""What the tests share: two real databases, and real measurements."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airaware.settings import Zone
from tools.environments.local import Local
from tools.machine import environ
from tools.machine.postgres import OWNER, READER
from tools.machine.steps import carry_out

# Settings of the tests themselves; all other AIRAWARE_ variables are the user's, as is AWS_PROFILE,
# and the size and colours of the terminal.
OF_TESTS = ("AIRAWARE_TEST_ENV", "AIRAWARE_TERRAFORM_MIRROR")
NOT_OF_TESTS = ("AIRAWARE_", "AWS_", "COLUMNS", "LINES", "NO_COLOR")
NO_AWS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
REAL_EPA = SHARED_DATA / "epa"


def pytest_configure() -> None:
    """Keep the user's environment out of the tests and of all that they start."""
    # A shell starts background jobs without it, and so would be all that the tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    clean = environ.inherited()
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(
        {
            name: value
            for name, value in clean.items()
            if name in OF_TESTS or not name.startswith(NOT_OF_TESTS)
        },
        **NO_AWS,
    )


@pytest.fixture(scope="session")
def region() -> Iterator[Local]:
    """An environment of the tests' own: two databases that run, with the schema, and no site."""
    # Root's databases belong to another account, which pytest's own folders keep out.
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        local = Local(Path(folder))
        local.make_folder()
        try:
            carry_out(local.start_databases(), dry_run=False)
            for zone in local.clusters:
                local.migrate(zone)
            yield local
        finally:
            carry_out(local.stop(), dry_run=False)


@pytest.fixture(scope="session")
def zones(region: Local) -> tuple[Zone, ...]:
    """Both zones, as the owner reaches them: for loads."""
    return region.zones(OWNER)


@pytest.fixture(scope="session")
def reader_zones(region: Local) -> tuple[Zone, ...]:
    """Both zones, as the web server reaches them: to read only."""
    return region.zones(READER)


@pytest.fixture(scope="module")
def another_program() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours, for pid files to name."""
    with subprocess.Popen(["sleep", "infinity"]) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="session")
def real_epa() -> Path:
    """A folder with files as EPA publishes them: Chicago in 2013."""
    if not REAL_EPA.is_dir():
        pytest.skip(f"the real measurements are not there: {REAL_EPA}")
    return REAL_EPA


@pytest.fixture(scope="session")
def case() -> Callable[[str], Path]:
    """Return the folder of a small input that failed once, by its name."""

    def folder(name: str) -> Path:
        path = SHARED_DATA / "cases" / name
        if not path.is_dir():
            pytest.skip(f"the case is not there: {path}")
        return path

    return folder
