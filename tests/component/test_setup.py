"""tools/setup.sh in a checkout of a few files: what is locked, and whom and what it refuses."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import hostile
import pytest

from tools.machine import environ

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "tools" / "setup.sh"
UV = Path(sys.executable).with_name("uv")
PROJECT = "[metadata]\nname = airaware\nversion = 1\n"


def names(lock: str) -> set[str]:
    text = (CHECKOUT / "requirements" / f"{lock}.txt").read_text()
    return set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))


def test_each_package_is_locked_once_and_by_checksums() -> None:
    locks = {name: names(name) for name in ("build", "built", "site", "development")}
    assert sum(map(len, locks.values())) == len(set().union(*locks.values()))
    for path in (CHECKOUT / "requirements").iterdir():
        for entry in re.split(r"^(?=[a-z0-9])", path.read_text(), flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in entry, entry


def test_fab_needs_no_more_than_the_demo_installs() -> None:
    """A task that needs more says so; the others must not."""
    beyond = names("development")
    script = (
        "import fabfile, sys; from importlib.metadata import packages_distributions\n"
        "known = packages_distributions()\n"
        "print(*{name for module in sys.modules for name in known.get(module, ())})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    imported = {name.lower().replace("_", "-").replace(".", "-") for name in done.stdout.split()}
    assert "fabric" in imported
    assert not imported & beyond


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with setup's script alone."""
    folder = tmp_path / "check out"
    (folder / "tools" / "machine").mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "tools")
    shutil.copy(environ.SCRIPT, folder / "tools" / "machine")
    return folder


def functions(checkout: Path, call: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run functions of the script, without its beginning to set up."""
    text = SCRIPT.read_text()
    script = checkout / "tools" / "functions.sh"
    script.write_text(text[: text.rindex("\ncase ")])
    return subprocess.run(
        ["bash", "-c", f". tools/functions.sh\n{call}"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout.parent), **environ},
        capture_output=True,
        text=True,
    )


def wheel(folder: Path) -> str:
    """Put a package `word` there; its checksum."""
    folder.mkdir()
    path = folder / "word-1-py3-none-any.whl"
    info = {
        "word.py": "",
        "word-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: word\nVersion: 1\n",
        "word-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in info.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
            record += f"{name},sha256={digest.rstrip('=')},{len(text)}\n"
        archive.writestr("word-1.dist-info/RECORD", f"{record}word-1.dist-info/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("changed", [False, True])
def test_a_changed_wheel_is_refused(checkout: Path, installer: str, changed: bool) -> None:
    digest = wheel(checkout / "wheels")
    lock = checkout / "lock.txt"
    lock.write_text(f"word==1 \\\n    --hash=sha256:{'0' * 64 if changed else digest}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / "env"], check=True)
    (checkout / ".venv").symlink_to(Path(sys.prefix))  # whose pip is asked
    uv = UV if installer == "uv" else "/nonexistent"
    done = functions(
        checkout,
        f"UV='{uv}'; locked env --no-index --find-links wheels -r lock.txt",
        UV_CACHE_DIR=str(checkout / "cache"),
    )
    installed = list(checkout.glob("env/lib/python*/site-packages/word.py"))
    assert (done.returncode == 0, bool(installed)) == (not changed, not changed), done.stderr
    assert not changed or "hash" in done.stderr.lower()


def test_the_callers_shell_steers_nothing_but_the_sources_of_packages(checkout: Path) -> None:
    kept = {"PIP_INDEX_URL": "https://mirror", "HTTPS_PROXY": "http://proxy", "UV_OFFLINE": "1"}
    steering = {
        **hostile.DROPPED,
        **{"PIP_REQUIRE_HASHES": "0", "PIP_CONSTRAINT": "/x", "PYTHONPATH": "/x"},
        **{"UV_TARGET": "/x", "npm_config_global": "true", "NPM_CONFIG_OMIT": "dev"},
    }
    done = functions(checkout, "env", **kept, **steering, LC_ALL="xx")
    there = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert kept.items() <= there.items()
    assert steering.keys() & there.keys() == {"PIP_USER"}
    assert (there["PIP_USER"], there["LC_ALL"]) == ("0", "C.UTF-8")


def test_a_failure_names_what_says_where_packages_come_from(checkout: Path) -> None:
    secret = "http://me:secret@127.0.0.1:9"
    named = {"https_proxy": secret, "PIP_CERT": "/x", "npm_config_registry": secret}
    done = functions(checkout, "not_installed", **named, **hostile.DROPPED)
    assert "your shell says of it: PIP_CERT, https_proxy, npm_config_registry" in done.stderr
    assert "secret" not in done.stderr
    assert "your shell" not in functions(checkout, "not_installed").stderr


@pytest.mark.parametrize(("sign", "message"), [(":", "has a colon"), ("$", "has a dollar sign")])
def test_a_path_that_cannot_work_is_refused(checkout: Path, sign: str, message: str) -> None:
    folder = checkout.rename(checkout.with_name(f"one{sign}two"))
    done = subprocess.run(["tools/setup.sh"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (folder / "build").exists()


def test_a_checkout_of_another_account_is_left_alone(checkout: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file of another account")
    (checkout / ".venv").mkdir()
    os.chown(checkout / ".venv", 1, 1)
    done = subprocess.run(["tools/setup.sh"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1
    assert ".venv belong to daemon" in done.stderr
    assert not (checkout / "build").exists()


def test_an_account_without_a_home_keeps_downloads_in_the_checkout(checkout: Path) -> None:
    done = functions(checkout, "find_cache; echo $CACHE $XDG_CACHE_HOME", HOME="/proc/none")
    build = checkout / "build" / "cache"
    assert done.stdout.splitlines()[-1] == f"{build}/airaware {build}"


def test_an_interpreter_that_is_not_there_is_named(checkout: Path) -> None:
    done = functions(checkout, "missing=$(missing_packages demo); echo went on", PYTHON="python9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PYTHON names python9, which is not there" in done.stderr


@pytest.mark.parametrize("version", [None, "1.8.0_292", "21.0.2"])
@pytest.mark.parametrize("installed", [False, True])
def test_a_java_home_that_does_not_fit_is_passed_over(
    checkout: Path, version: str | None, installed: bool
) -> None:
    def java(home: str, version: str) -> Path:
        program = checkout / home / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        program.chmod(0o755)
        return program.parent

    path = java("on path", "17.0.1" if installed else "11.0.2")
    if version:
        java("home", version)
    done = functions(
        checkout,
        # What this machine has does not count.
        "eval \"$(declare -f java_is_new_enough | sed 's,/usr/lib/jvm,/nonexistent,')\"\n"
        "java_is_new_enough || exit 1",
        PATH=f"{path}:{os.environ['PATH']}",
        JAVA_HOME=str(checkout / "home"),
    )
    fits = installed or version == "21.0.2"
    assert (done.returncode == 0) == fits, done.stderr


def test_a_failure_shows_what_failed_and_no_older_log(checkout: Path) -> None:
    (checkout / "build").mkdir()
    (checkout / "build" / "setup.log").write_text("an older failure\n")
    done = functions(checkout, "step 'trying it' sh -c 'echo no room >&2; exit 3'")
    assert done.returncode == 3
    assert "no room" in done.stderr
    assert "sh ended with 3" in done.stderr
    assert "older" not in done.stderr


@pytest.mark.parametrize("change", ["none", "moved", "interpreter", "broken off"])
def test_an_environment_is_made_anew_where_it_cannot_be_trusted(
    checkout: Path, change: str
) -> None:
    (checkout / "build").mkdir()
    (checkout / "requirements").mkdir()
    for name in ("uv", "build", "built", "site", "development"):
        (checkout / "requirements" / f"{name}.txt").touch()
    for name in ("setup.cfg", "pyproject.toml"):
        (checkout / name).touch()
    # Nothing is brought from elsewhere; what makes the environment is real.
    call = (
        "mkdir -p $CACHE; install -m 755 /dev/null $CACHE/uv-$(digest <requirements/uv.txt |"
        " cut -c-16); KEPT=wheels; bring_uv() { :; }; build_wheels() { :; }; locked() { :; };"
        'step() { shift; case "$*" in *" -m pip "*) return 0 ;; esac; "$@"; };'
        "make_environment demo"
    )
    assert functions(checkout, call).returncode == 0
    mark = checkout / ".venv" / "mark"
    mark.touch()
    environ = {}
    if change == "broken off":
        (checkout / "requirements" / "site.txt").write_text("word==1\n")
        assert functions(checkout, call.replace("locked() { :", "locked() { false")).returncode == 1
        assert mark.exists()
    if change == "moved":
        checkout = checkout.rename(checkout.with_name("moved"))
    if change == "interpreter":
        other = checkout / "python"
        other.write_text(
            f'#!/bin/sh\ncase "$2" in *base_prefix*) echo other; exit ;; esac\n'
            f'exec {sys.executable} "$@"\n'
        )
        other.chmod(0o755)
        environ["PYTHON"] = str(other)
    done = functions(checkout, call, **environ)
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv" / "mark").exists() == (change == "none")


def test_fab_says_that_setup_is_to_be_run_first(checkout: Path) -> None:
    shutil.copy(CHECKOUT / "tools" / "fab.sh", checkout / "tools")
    done = subprocess.run([checkout / "tools" / "fab.sh", "stop"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "run make setup" in done.stderr
    assert str(checkout) in done.stderr
