"""What CI refuses beside tests that fail: tests that it must not skip."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NEEDED = ("fleet", "lab", "terraform", "component/test_rules.py")


def ci(folder: Path, said: str) -> int:
    """Return the status of .ci/run where `make test` succeeds and prints `said`."""
    for name in (".ci", "bin"):
        (folder / name).mkdir()
    shutil.copy(CHECKOUT / ".ci" / "run", folder / ".ci")
    # It would look for Terraform's provider on the whole disk.
    for name, body in {"make": f"echo '{said}'", "find": "true"}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / "bin" / name).chmod(0o755)
    environ = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    return subprocess.run([folder / ".ci" / "run"], env=environ, capture_output=True).returncode


@pytest.mark.parametrize("part", NEEDED)
def test_a_skipped_test_of_these_is_refused(part: str, tmp_path: Path) -> None:
    there = CHECKOUT / "tests" / part
    assert there.exists()
    named = part if there.is_file() else f"{part}/test_any.py"
    assert ci(tmp_path, f"SKIPPED [1] tests/{named}:12: it cannot run") == 1


@pytest.mark.parametrize("part", ["unit/host/test_dashboards.py", "component/test_images.py"])
def test_other_tests_may_be_skipped(part: str, tmp_path: Path) -> None:
    assert ci(tmp_path, f"SKIPPED [1] tests/{part}:12: it cannot run") == 0
