"""Every task starts by importing all tasks: what only one of them needs is imported there."""

import subprocess
import sys
from pathlib import Path

SLOW = {"matplotlib", "pandas", "pyspark", "scipy"}


def test_listing_the_tasks_imports_no_slow_package() -> None:
    script = "import fabfile, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    listed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "fabric" in listed.stdout.split()
    assert not SLOW & set(listed.stdout.split())
