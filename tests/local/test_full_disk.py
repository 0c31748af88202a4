"""A disk that fills up in a deploy and in synthesize-year: a clear message, and nothing lost."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tools.machine.postgres import free_port

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of 48 MB: room for one database, but not for its extension."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    with tempfile.TemporaryDirectory(prefix="airaware-") as folder:
        Path(folder).chmod(0o711)
        disk = Path(folder) / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m,mode=711", "airaware-test", str(disk)]
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("this sandbox mounts nothing")
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_reported_and_the_same_command_goes_on_with_room(disk: Path) -> None:
    variables = {"AIRAWARE_STATE": str(disk), "AIRAWARE_PORT": str(free_port())}

    def fab(*words: str, status: int, **more: str) -> str:
        done = subprocess.run(
            [CHECKOUT / "tools" / "fab.sh", *words],
            cwd=CHECKOUT,
            env=os.environ | variables | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert "Traceback" not in said
        return said

    try:
        assert "disk is full: make room" in fab("deploy", status=1)
        assert "does not have this release's tables yet: run `fab deploy`" in fab(
            "status", status=0
        )
        with suppress(OSError):
            (disk / "filler").write_bytes(bytes(64 * 1024**2))
        year = ("synthesize-year", "2013", "--parameter", "88502")
        assert re.search("disk is full.*make room", fab(*year, status=1, TMPDIR=str(disk)))
        (disk / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,size=1g", disk], check=True)
        fab("deploy", status=0)
        assert "no year is loaded" in fab("status", status=0)
    finally:
        fab("destroy", "--yes", status=0)
    assert not list(disk.iterdir())
