"""Which Java runtime Spark is started with."""

from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.machine import java


def runtime(folder: Path, specification: str) -> Path:
    """A home folder whose `java` says it is that version."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/bin/sh\n"
        f"echo '    java.home = {folder}' >&2\n"
        f"echo '    java.specification.version = {specification}' >&2\n"
    )
    program.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def no_other_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(java, "INSTALLED", tmp_path / "installed")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_java_home_goes_first_where_it_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(runtime(tmp_path / "seventeen", "17") / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "a blank" / "java", "21")))
    assert java.find() == java.Java(tmp_path / "a blank" / "java", 21)


@pytest.mark.parametrize(
    ("home", "told"), [("eight", "leads to Java 8"), ("none", "leads to no Java")]
)
def test_a_java_home_that_does_not_fit_is_named_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str, told: str
) -> None:
    runtime(tmp_path / "eight", "1.8")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / home))
    with pytest.raises(AirAwareError, match=f"JAVA_HOME={tmp_path / home} {told}"):
        java.find()
    runtime(tmp_path / "installed" / "java-17", "17")
    found = java.find()
    assert found.home == tmp_path / "installed" / "java-17"
    assert told in found.passed_over


def test_without_any_java_a_package_is_named() -> None:
    with pytest.raises(AirAwareError, match=r"none is installed.*default-jre-headless"):
        java.find()
