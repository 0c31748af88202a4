"""The program that installs releases on hosts (modules/airaware/files/airaware-release)."""

import fcntl
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "modules/airaware/files/airaware-release"
WHEELS = {
    "web": ["flask-1-py3-none-any.whl", "numpy-1-py3-none-any.whl"],
    "batch": ["numpy-1-py3-none-any.whl", "pyspark-1-py3-none-any.whl"],
    "pip": ["pip-1-py3-none-any.whl"],
}


class Bucket:
    """A bucket with releases "1" and "2", which is current; `fetched` has what was asked for."""

    fetched: list[str]

    def __init__(self) -> None:
        pass

    def current(self) -> str:
        return "2"

    def fetch(self, key: str, file: Path) -> None:
        self.fetched.append(key.rpartition("/")[2])
        if file.suffix == ".json":
            file.write_text(json.dumps(WHEELS))
            return
        name, content = file.name.split("-")[0], f"RELEASE = {key.split('/')[1]!r}\n"
        with zipfile.ZipFile(file, "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", content)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield the program as a module, with its folders in `tmp_path` and a bucket of its own."""
    umask = os.umask(0o022)
    loader = importlib.machinery.SourceFileLoader("airaware_release", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "argv", ["airaware-release", "--check", "0", "web", "python3"])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(SystemExit):  # it is not installed
        loader.exec_module(module)
    Bucket.fetched = []
    for name in ("releases", "environments"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(module, name.upper(), tmp_path / name)
    monkeypatch.setattr(module, "CURRENT", tmp_path / "current")
    monkeypatch.setattr(module, "Bucket", Bucket)
    monkeypatch.setattr(module, "pip_install", unpacked)
    yield module
    os.umask(umask)


def unpacked(environment: Path, _pip: Path, *words: object) -> None:
    """Stand in for pip, which is not at hand as a wheel: unpack the wheels, with a program."""
    (packages,) = environment.glob("lib/python*/site-packages")
    for wheel in (word for word in words if isinstance(word, Path)):
        shutil.unpack_archive(wheel, packages, "zip")
        script = environment / "bin" / f"{wheel.name.split('-')[0]}-program"
        script.write_text(f"#!{environment}/bin/python\nimport sys; print(sys.prefix)\n")
        script.chmod(0o755)
        # As pip compiles a script that is Python.
        (environment / "bin/__pycache__").mkdir(exist_ok=True)


def said(module: Any, version: str, code: str) -> str:
    python = module.RELEASES / version / "venv/bin/python"
    return subprocess.run(
        [python, "-I", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_releases_share_the_packages_of_others(program: Any) -> None:
    program.main(["1", "web", sys.executable])
    assert said(program, "1", "import flask, numpy, airaware; print(airaware.RELEASE)") == "1"
    Bucket.fetched.clear()
    program.main(["2", "web", sys.executable])
    assert said(program, "2", "import flask, airaware; print(airaware.RELEASE)") == "2"
    assert said(program, "1", "import airaware; print(airaware.RELEASE)") == "1"
    assert sorted(Bucket.fetched) == [
        *("airaware-0.1.0-py3-none-any.whl", "pip-1-py3-none-any.whl", "wheels.json")
    ]
    assert len(list(program.ENVIRONMENTS.iterdir())) == 1


def test_a_role_takes_what_an_image_has_for_all(program: Any) -> None:
    program.main(["1", "batch,web", sys.executable])
    assert program.is_installed("1", "web", sys.executable)
    Bucket.fetched.clear()
    program.main(["1", "web", sys.executable])
    assert Bucket.fetched == []
    program.main(["2", "web", sys.executable])
    assert not any(name.startswith(("numpy", "pyspark", "flask")) for name in Bucket.fetched)


def test_only_the_roles_own_wheels_are_fetched(program: Any) -> None:
    program.main(["1", "web", sys.executable])
    assert not any(name.startswith("pyspark") for name in Bucket.fetched)
    program.main(["1", "batch", sys.executable])
    assert said(program, "1", "import pyspark; print(pyspark.RELEASE)") == "wheels"


def test_programs_run_in_the_releases_own_environment(program: Any) -> None:
    program.main(["1", "web", sys.executable])
    venv = program.RELEASES / "1/venv"
    for script in ("flask-program", "airaware-program"):
        done = subprocess.run([venv / "bin" / script], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == str(venv)


def test_a_web_host_takes_the_current_release_for_its_images(program: Any) -> None:
    program.main(["1", "batch,web", sys.executable])
    program.make_current("1")
    program.main(["--current"])
    assert program.CURRENT.resolve() == program.RELEASES / "2"
    assert program.is_installed("2", "web,batch", sys.executable)
    Bucket.fetched.clear()
    program.main(["--current"])
    assert Bucket.fetched == []


def test_an_installation_that_was_broken_off_is_done_anew(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        sys.exit("out of space")

    with monkeypatch.context() as patch:
        patch.setattr(program, "pip_install", broken)
        with pytest.raises(SystemExit, match="out of space"):
            program.main(["1", "web", sys.executable])
    with pytest.raises(SystemExit) as checked:
        program.main(["--check", "1", "web", sys.executable])
    assert checked.value.code == 1
    program.main(["1", "web", sys.executable])
    assert said(program, "1", "import flask; print(flask.RELEASE)") == "wheels"


def test_the_newest_few_releases_stay_and_what_they_share(program: Any) -> None:
    program.main(["1", "batch", sys.executable])
    for version in ("2", "3", "4", "5"):
        program.main([version, "web", sys.executable])
    assert {path.name for path in program.RELEASES.iterdir()} == {"3", "4", "5"}
    (shared,) = program.ENVIRONMENTS.iterdir()
    assert "flask-1-py3-none-any.whl" in json.loads((shared / "installed").read_text())["wheels"]


def test_all_accounts_can_run_it_whatever_the_umask(program: Any) -> None:
    os.umask(0o077)
    program.main(["1", "web", sys.executable])
    made = [*program.RELEASES.rglob("*"), *program.ENVIRONMENTS.rglob("*")]
    assert [path for path in made if not path.stat().st_mode & 0o004] == []


def test_of_two_at_once_one_installs_it(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first boot's run and Puppet's come together on a new host."""
    asked, lock = threading.Semaphore(0), fcntl.flock

    def counted(*words: Any) -> None:
        asked.release()
        lock(*words)

    def late(*words: Any) -> None:
        """Go on only when both have asked."""
        monkeypatch.setattr(program, "pip_install", unpacked)
        assert all(asked.acquire(timeout=60) for _ in range(2))
        unpacked(*words)

    monkeypatch.setattr(fcntl, "flock", counted)
    monkeypatch.setattr(program, "pip_install", late)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(program.main, [["1", "web", sys.executable]] * 2))
    assert Bucket.fetched.count(program.OWN_WHEEL) == 1
    assert said(program, "1", "import airaware; print(airaware.RELEASE)") == "1"
