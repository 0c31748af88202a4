"""One region for all tests of the fleet: it is deployed once, as an operator would."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import years
from fleets import DEPLOY_SECONDS, Fab, deployed
from visitors import at_rest
from years import Checksums

from tools.environments import catalog
from tools.environments.fleet import Fleet
from tools.environments.local import Local
from tools.lab import preflight
from tools.machine.postgres import free_port

CHECKOUT = Path(__file__).parents[2]

# An environment that is up, for the tests that only look: AWS's too. Without it they look at a lab
# that is brought up for all tests here.
STANDING = os.environ.get("AIRAWARE_TEST_ENV", "")


@pytest.fixture(scope="package", autouse=True)
def able_machine(state: Path) -> None:
    """Skip where this machine cannot hold the lab; .ci/run takes such a skip for a failure."""
    if not STANDING and (problems := preflight.problems(state)):
        pytest.skip("no lab here: " + "; ".join(problems))


@pytest.fixture(scope="package")
def state() -> Iterator[Path]:
    """A state folder of the tests' own."""
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        yield Path(folder)


@pytest.fixture(scope="package")
def environ(state: Path) -> dict[str, str]:
    """The variables of a fab that has that state folder."""
    return {name: value for name, value in os.environ.items() if name != "AIRAWARE_ENV"} | {
        "AIRAWARE_STATE": str(state),
        "AIRAWARE_PORT": str(free_port()),
    }


@pytest.fixture(scope="package")
def fab(environ: dict[str, str]) -> Fab:
    """Runs fab with these words and variables, and shows what it says."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "fabric", *words],
            cwd=CHECKOUT,
            env=environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEPLOY_SECONDS,
        )
        print(done.stdout, done.stderr, sep="\n")
        return done

    return run


@pytest.fixture(scope="package")
def lab(fab: Fab, state: Path) -> Iterator[Fleet]:
    """The environment `lab`, deployed; destroyed in the end, when nothing of it may be left."""
    with deployed("lab", fab, state) as fleet:
        yield fleet


@pytest.fixture(scope="package")
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """The fleet to look at, that AIRAWARE_TEST_ENV names; or the lab."""
    return catalog.fleet(STANDING) if STANDING else request.getfixturevalue("lab")


@pytest.fixture(scope="package")
def loaded(
    lab: Fleet,  # noqa: ARG001 (it has to be there)
    fab: Fab,
    region: Local,
    real_epa: Path,
) -> Checksums:
    """A year that both zones of the lab hold; its checksums, as this machine makes them."""
    expected = years.made_here(region, real_epa)
    years.load(fab, real_epa)
    return expected


@pytest.fixture(scope="module")
def steady_web(fleet: Fleet) -> Iterator[None]:
    """No web host comes or goes meanwhile; an environment that is up is only looked at."""
    if STANDING:
        yield
    else:
        with at_rest(fleet):
            yield


@pytest.fixture
def grown_back(lab: Fleet) -> Iterator[None]:
    """In the end every web group is as small as it was, at once and not when its policy finds it is
    time."""
    yield
    with at_rest(lab):
        pass
