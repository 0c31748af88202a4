"""fab in the environment `local`, as an operator uses it: from nothing to an answer and back."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile
import pytest
import requests

from airaware.science import pollutants
from airaware.store import manifest
from tools.environments.local import FLEETS, Local
from tools.machine import processes
from tools.machine.postgres import HOST, READER, free_port

CHECKOUT = Path(__file__).parents[2]
PROGRAM = CHECKOUT / "tools" / "fab.sh"
Fab = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A place for a state folder, that is not there yet; its path has all that paths may have."""
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "a state; of,one's $HOME"


@pytest.fixture(scope="module")
def fleet_key(state: Path) -> Path:
    """A file of a fleet that was there before the site, in the same state folder."""
    key = state / FLEETS / "lab" / "operator" / "ssh_key"
    key.parent.mkdir(parents=True)
    key.touch()
    return key


@pytest.fixture(scope="module")
def port() -> int:
    """The site's port."""
    return free_port()


@pytest.fixture(scope="module")
def fab(
    state: Path, port: int, real_epa: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fab]:
    """Runs fab in a hostile shell with few open files; the environment is destroyed afterwards."""
    environ = hostile.environment() | {
        "HOME": hostile.home(tmp_path_factory.mktemp("home")),
        "AIRAWARE_STATE": str(state),
        "AIRAWARE_PORT": str(port),
        "AIRAWARE_EPA_URL": str(real_epa),
    }

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["prlimit", "--nofile=256:", PROGRAM, *words],
            cwd=CHECKOUT,
            env=environ | variables,
            stdin=subprocess.DEVNULL,
            umask=0o077,
            capture_output=True,
            text=True,
        )

    yield run
    assert run("destroy", "--yes").returncode == 0


def test_every_task_has_a_line_of_help(fab: Fab) -> None:
    tasks = [line for line in fab("-l").stdout.splitlines() if line.startswith("  ")]
    assert tasks
    for line in tasks:
        assert re.match(r"  [a-z-]+  +[A-Z].*[.]$", line), line


@pytest.mark.parametrize(
    "words",
    [
        ("deploy",),
        ("fetch-year", "2013"),
        ("synthesize-year", "2013"),
        ("submit-year", "2013"),
        ("stop",),
        ("destroy",),
    ],
)
def test_a_dry_run_changes_nothing(fab: Fab, state: Path, words: tuple[str, ...]) -> None:
    done = fab(*words, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not state.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fetch-year", "17"), "'17' is not a year"),
        (("fetch-year", "1979", "deploy"), "'1979' is not a year that EPA has"),
        (("submit-year", "2013-1999"), "'2013-1999' is not a year"),
        (("fetch-year", "2013", "--parameter", "ozone"), "'ozone' is not a code"),
        (("fetch-year", "2013", "--parameter", "12345"), "Parameter 12345 is not known"),
        (("submit-year", "2013"), "run `fab deploy`"),
        (("accuracy", "2013"), "fab deploy"),
        (("status", "--env", "moon"), "no environment 'moon'. Known are: local"),
    ],
)
def test_a_mistake_gets_a_message(fab: Fab, words: tuple[str, ...], message: str) -> None:
    done = fab(*words)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_what_was_never_deployed_has_a_status(fab: Fab, state: Path) -> None:
    done = fab("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "never deployed" in done.stdout
    assert not state.exists()


@pytest.mark.parametrize("wrong", ["0", "80.5"])
def test_a_port_that_is_none_is_named(fab: Fab, wrong: str) -> None:
    done = fab("deploy", AIRAWARE_PORT=wrong)
    assert done.returncode == 1
    assert f"AIRAWARE_PORT: '{wrong}' is not a whole number" in done.stderr
    assert "Traceback" not in done.stderr


def test_too_few_open_files_are_named() -> None:
    words = ["prlimit", "--nofile=256:256", str(PROGRAM), "deploy"]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Only 256 files may be open at once" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named(fab: Fab, port: int) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, port))
        taken.listen()
        done = fab("deploy")
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert "AIRAWARE_PORT" in done.stderr


@pytest.mark.usefixtures("fleet_key")
def test_a_year_goes_from_its_source_to_the_page(fab: Fab, port: int) -> None:
    done = fab("deploy", "fetch-year", "2013", "submit-year", "2013", "status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal" in done.stdout
    assert f"http://{HOST}:{port}/" in done.stdout
    site = f"http://{HOST}:{port}"
    assert requests.get(f"{site}/", params={"address": "60614"}, timeout=10).ok
    answer = requests.get(f"{site}/api/v1/air", params={"address": "60614"}, timeout=10).json()
    assert (answer["year"], answer["synthetic"]) == (2013, False)
    ozone, fine_particles = answer["pollutants"]
    assert (ozone["parameter"], fine_particles["parameter"]) == (44201, 88101)
    for pollutant in (ozone, fine_particles):
        assert [month["month"] for month in pollutant["months"]] == list(range(1, 13))
        assert all(month["hourly_mean"] > 0 for month in pollutant["months"])


@pytest.mark.slow
def test_the_figures_are_those_of_a_clean_shell(fab: Fab, state: Path) -> None:
    done = fab("deploy", "fetch-year", "2013", "submit-year", "2013")
    assert done.returncode == 0, done.stdout + done.stderr
    of_hostile = loads(state)
    assert of_hostile
    named = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = [str(PROGRAM), "submit-year", "2013", "--again"]
    clean = named | {"AIRAWARE_STATE": str(state)}
    done = subprocess.run(words, cwd=CHECKOUT, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    again = loads(state)
    assert {load.attempt for load in again.values()}.isdisjoint(
        load.attempt for load in of_hostile.values()
    ), "nothing was loaded anew"
    assert {key: (load.found_checksum, load.found_rows) for key, load in again.items()} == {
        key: (load.found_checksum, load.found_rows) for key, load in of_hostile.items()
    }


def loads(state: Path) -> dict[tuple[str, int], manifest.Held]:
    """Return what each zone holds of 2013, its checksums computed now."""
    found = {
        (zone.name, parameter): manifest.held(zone, parameter, 2013)
        for zone in Local(state).zones(READER)
        for parameter in pollutants.DEFAULT_PARAMETERS
    }
    return {key: load for key, load in found.items() if load}


def test_the_errors_of_the_year_stand_beside_krigings(fab: Fab) -> None:
    done = fab("accuracy", "2013", "--parameter", "44201", COLUMNS="130")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ozone (44201) 2013, in ppb" in done.stdout
    (days,) = (line for line in done.stdout.splitlines() if "daily metric, all" in line)
    _, values, covered, rmse, _, _, kriging_covered, kriging_rmse, *_ = re.split(r" *│ *", days)[1:]
    assert values == "6,028"
    assert covered == kriging_covered == "100.0%"
    assert 3 < float(kriging_rmse) < 7
    assert float(rmse) == pytest.approx(float(kriging_rmse), rel=0.3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("accuracy", "2012"), "does not have 2012. Load it first: fab submit-year 2012"),
        (("accuracy", "2013", "--parameter", "42602"), "does not have 2013 of 42602"),
    ],
)
def test_errors_of_what_is_not_loaded_are_told_so(
    fab: Fab, words: tuple[str, ...], message: str
) -> None:
    done = fab(*words)
    assert done.returncode == 1
    assert message in done.stderr


def test_an_unreachable_source_is_told_from_a_missing_file(fab: Fab) -> None:
    nowhere = f"http://{HOST}:{free_port()}"
    done = fab("fetch-year", "2012", AIRAWARE_EPA_URL=nowhere)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    missing = fab("fetch-year", "2012", "--or-synthetic")
    assert missing.returncode == 1
    assert "has none of hourly_44201_2012.zip" in missing.stderr


def test_deploying_again_keeps_the_data(fab: Fab, state: Path, port: int) -> None:
    assert fab("stop").returncode == 0
    assert Local(state).web.pid() is None
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{HOST}:{port}/", timeout=10)
    assert fab("deploy").returncode == 0
    assert "equal" in fab("status").stdout


def test_kill_9_of_everything_and_foreign_pids_in_the_pid_files(
    fab: Fab, state: Path, port: int, another_program: subprocess.Popen[bytes]
) -> None:
    local = Local(state)
    ours = [(local.web.folder, "gunicorn")]
    ours += [(cluster.data, "postgres") for cluster in local.clusters.values()]
    pid_files = [local.web.pid_file]
    pid_files += [cluster.data / "postmaster.pid" for cluster in local.clusters.values()]
    for folder, program in ours:
        assert processes.working_in(folder, program)
        while left := processes.working_in(folder, program):
            for pid in left:
                os.kill(pid, signal.SIGKILL)
    for pid_file in pid_files:
        pid_file.write_text(f"{another_program.pid}\n{pid_file.read_text().partition(chr(10))[2]}")
    done = fab("deploy", "status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal" in done.stdout
    assert requests.get(f"http://{HOST}:{port}/", timeout=10).ok
    assert another_program.poll() is None, "another program was stopped"


def test_nothing_is_deleted_unasked(fab: Fab, state: Path, fleet_key: Path) -> None:
    done = fab("destroy")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert state.exists()
    assert fab("destroy", "--yes").returncode == 0
    assert [path for path in state.rglob("*") if path.is_file()] == [fleet_key]
    shutil.rmtree(state / FLEETS)
    assert fab("destroy", "--yes").returncode == 0
    assert not state.exists()
