"""What our processes inherit from the user's shell."""

import os
import pwd
import re
import resource
import shutil
import subprocess
from pathlib import Path

import hostile
import pytest

from airaware.errors import AirAwareError
from tools.machine import environ
from tools.machine.postgres import free_port

CHECKOUT = Path(__file__).parents[2]
# A command of ours, in a line of code or within one; and variables before it.
COMMAND = r"(?m)(?:^    +|`)((?:[A-Z_]+=\S+ )*)(?:make|fab|[.]venv/bin/\w+) "


def inherited(variables: dict[str, str]) -> dict[str, str]:
    """What a process started by environ.sh in a shell with only these variables has."""
    done = subprocess.run(
        [environ.SCRIPT, "env", "-0"], env=variables, capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


@pytest.mark.parametrize("name", hostile.DROPPED)
def test_what_could_mislead_our_programs_is_dropped(name: str) -> None:
    assert name not in inherited({"PATH": os.environ["PATH"], name: hostile.DROPPED[name]})


@pytest.mark.parametrize(
    "name",
    [
        *("HOME", "TERM", "TZ", "COLUMNS", "NO_COLOR", "SSH_AUTH_SOCK"),
        *("AIRAWARE_PORT", "AIRAWARE_EPA_URL", "PYTHON", "YEAR", "JAVA_HOME"),
        *("http_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "PIP_INDEX_URL", "npm_config_registry"),
        *("AWS_PROFILE", "AWS_ENDPOINT_URL", "TF_CLI_CONFIG_FILE"),
    ],
)
def test_what_is_the_users_comes_through_as_it_is(name: str) -> None:
    value = "a value, with 'quotes' = \"signs\"\nPGHOST=and a second line $HOME \\"
    assert inherited({"PATH": os.environ["PATH"], name: value})[name] == value


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", "127.0.0.1,localhost,::1"),
        ("example.org", "example.org,127.0.0.1,localhost,::1"),
        ("localhost,10.0.0.0/8", "localhost,10.0.0.0/8,127.0.0.1,::1"),
        ("*", "*"),
    ],
)
def test_this_machine_is_reached_without_a_proxy(name: str, value: str, found: str) -> None:
    seen = inherited({"PATH": os.environ["PATH"], name: value})
    assert seen["no_proxy"] == seen["NO_PROXY"] == found


def test_what_is_missing_or_wrong_is_ours() -> None:
    seen = inherited({"TMPDIR": "/nowhere", "LC_ALL": "POSIX"})
    assert "TMPDIR" not in seen
    assert seen["LC_ALL"] == "C.UTF-8"
    assert seen["HOME"] == pwd.getpwuid(os.getuid()).pw_dir
    assert shutil.which("env", path=seen["PATH"])


@pytest.mark.parametrize("name", ["TMPDIR", "XDG_CACHE_HOME"])
@pytest.mark.parametrize("value", ["", ".", "tools", "/tmp"])
def test_a_folder_of_the_users_is_absolute(name: str, value: str) -> None:
    seen = inherited({"PATH": os.environ["PATH"], name: value})
    assert seen.get(name) == (value if value == "/tmp" else None)


@pytest.mark.parametrize("path", [None, "", "/nowhere", ".venv/bin:/opt/conda/bin"])
def test_the_systems_programs_are_found_after_the_users(path: str | None) -> None:
    variables = {"PGHOST": "192.0.2.1"} | ({} if path is None else {"PATH": path})
    seen = inherited(variables)
    assert "PGHOST" not in seen
    assert seen["PATH"].startswith(path or "/")
    assert {"/usr/sbin", "/usr/bin", "/sbin", "/bin"} <= set(seen["PATH"].split(":"))
    assert inherited(seen) == seen


def test_exported_functions_do_not_come_through() -> None:
    variables = {"PATH": os.environ["PATH"], "BASH_FUNC_cd%%": "() { exit 3; }"}
    assert not any("cd" in name for name in inherited(variables))


def test_files_are_made_for_others_to_read() -> None:
    done = subprocess.run(
        [environ.SCRIPT, "sh", "-c", "umask"], umask=0o077, capture_output=True, text=True
    )
    assert done.stdout.strip() == "0022"


def test_the_tests_themselves_have_a_clean_environment() -> None:
    """And what is clean stays as it is, or fab would start itself anew for ever."""
    # Set since then in this process, by pytest, the lab and PySpark.
    own = ("PYTEST_", "MOTO_", "SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    assert environ.inherited() == ours
    assert "COLUMNS" not in ours, "a narrow terminal is none of the tests' business"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("deploy", "--dry-run"), 0, "would start the web server on port"),
        (("-l",), 0, "synthesize-year"),
        (("status", "--env", "staging"), 1, "fab status: Unable to parse config file: .*/config"),
    ],
)
def test_fab_bears_all_of_it_at_once(
    tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    for module in ("airaware", "fabric", "tools", "requests", "numpy", "psycopg2"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('a module of the user')")
    variables = hostile.environment() | {
        "PYTHONPATH": str(tmp_path),
        "HOME": hostile.home(tmp_path),
        "AIRAWARE_STATE": "/nowhere",
        "AIRAWARE_PORT": str(free_port()),
    }
    del variables["AWS_CONFIG_FILE"]
    done = subprocess.run(
        [CHECKOUT / "tools" / "fab.sh", *words],
        cwd=CHECKOUT / "docs",
        env=variables,
        umask=0o077,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert re.search(said, done.stderr if status else done.stdout)
    assert "Traceback" not in done.stderr
    assert status or not done.stderr


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "fish", "csh"])
def test_commands_of_the_readme_work_in_any_shell(tmp_path: Path, shell: str) -> None:
    if not (program := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    command = f"make stop AIRAWARE_STATE='{tmp_path}/none' PIP_USER=1; .venv/bin/fab --help status"
    done = subprocess.run(
        [program, "-c", command],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "HOME": hostile.home(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Show what runs" in done.stdout, done.stderr


def test_the_docs_set_variables_as_any_shell_can() -> None:
    """By `env` or as make's own, for csh knows no other way."""
    docs = [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]
    before = [found for path in docs for found in re.findall(COMMAND, path.read_text())]
    assert len(before) > 50
    assert not any(before)


def test_the_system_s_python_takes_no_modules_of_the_users(tmp_path: Path) -> None:
    words = [
        str(environ.SCRIPT),
        "/usr/bin/python3",
        "-c",
        "import sys, venv; print(venv.__file__)",
    ]
    done = subprocess.run(
        words, env={"HOME": hostile.home(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path) not in done.stdout


@pytest.mark.parametrize(
    ("soft", "hard", "message"), [(256, 4096, None), (4096, 4096, None), (256, 256, "ulimit")]
)
def test_open_files_are_allowed_or_the_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, message: str | None
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    if message:
        with pytest.raises(AirAwareError, match=message):
            environ.allow_open_files()
    else:
        environ.allow_open_files()
        assert limits[-1][0] >= environ.OPEN_FILES
