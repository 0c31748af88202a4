"""`make demo` on a terminal, in a fresh clone: Ctrl-C at any moment, and a moved checkout."""

import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.machine.postgres import free_port

CHECKOUT = Path(__file__).parents[2]
# What a shell, Spark, PostgreSQL's programs, URLs or lists might take for something else.
ODD = "a b,c;d'e%20g#h&i é"
# What the terminal shows when Ctrl-C is typed, in the order of a run.
MOMENTS = (
    "making .venv",
    "installing Python packages",
    "bundling the front end",
    "hourly_44201_2013.zip",
    "make zone a's database",
    "start zone a's database",
    "make zone b's database",
    "bring zone a's schema",
    "start the web server",
    "starting Spark",
    "reading with",
    "zone b holds it",
)
RUN_SECONDS = 900
END_SECONDS = 60
ENDED = "make ended with "


@dataclass
class Demo:
    """A clone, its state folder, and `make demo` in it on a terminal of its own."""

    folder: Path
    clone: Path
    epa: Path
    port: int

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the person at the terminal."""
        return os.environ | {
            "AIRAWARE_STATE": str(self.folder / ODD),
            "AIRAWARE_PORT": str(self.port),
            "AIRAWARE_EPA_URL": str(self.epa),
            "TERM": "xterm",
        }

    def make(self, target: str, interrupt_at: str | None = None) -> tuple[int, str]:
        """Run make; return its exit status and what the terminal showed.

        After an interrupt nothing of ours may run on, while the terminal is still open.
        """
        terminal, end = os.openpty()
        # As a person's shell, which outlives make: at its own end the kernel hangs up on the rest.
        shell = subprocess.Popen(
            [
                "setsid",
                "--ctty",
                "sh",
                "-c",
                f"trap : INT; make {target} YEAR=2013; echo ={ENDED}$?=; read end",
            ],
            cwd=self.clone,
            env=self.environ,
            stdin=end,
            stdout=end,
            stderr=end,
        )
        os.close(end)
        shown, typed = b"", False
        deadline = time.monotonic() + RUN_SECONDS
        try:
            while not (status := re.search(rb"=%b(\d+)=" % ENDED.encode(), shown)):
                assert time.monotonic() < deadline, shown.decode()
                if select.select([terminal], [], [], 1)[0]:
                    shown += os.read(terminal, 65536)
                if interrupt_at and not typed and interrupt_at.encode() in shown:
                    os.write(terminal, b"\x03")
                    typed = True
            assert typed == bool(interrupt_at), f"'{interrupt_at}' was not shown:\n{shown.decode()}"
            deadline = time.monotonic() + END_SECONDS
            while typed and (left := self.processes(but=shell.pid)):
                assert time.monotonic() < deadline, f"{interrupt_at}: {left}:\n{shown.decode()}"
                time.sleep(0.2)
        finally:
            os.close(terminal)  # which hangs up
            shell.wait()
        return int(status[1]), shown.decode()

    def processes(self, but: int) -> list[str]:
        """Return the command lines of all other processes that have to do with the folder."""
        mark, found = self.folder.name.encode(), []
        for process in Path("/proc").glob("[0-9]*"):
            if process.name == str(but):
                continue
            try:
                command = (process / "cmdline").read_bytes()
                environ = (process / "environ").read_bytes()
                folder = os.fsencode((process / "cwd").readlink())
            except OSError:
                continue  # it has ended, or is another account's
            if any(mark in text for text in (command, environ, folder)):
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        return found


@pytest.fixture
def demo(real_epa: Path) -> Iterator[Demo]:
    """A clone of what is committed here, where nothing was ever run."""
    with tempfile.TemporaryDirectory(prefix="airaware-demo-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        clone = folder / f"clone {ODD}"
        subprocess.run(["git", "clone", "--quiet", CHECKOUT, clone], check=True)
        demo = Demo(folder, clone, real_epa, free_port())
        yield demo
        if (demo.clone / ".venv" / "made-from").exists():
            demo.make("stop")


@pytest.mark.slow
def test_ctrl_c_at_any_moment_leaves_nothing_that_runs(demo: Demo) -> None:
    for moment in MOMENTS:
        status, shown = demo.make("demo", interrupt_at=moment)
        assert status != 0, shown
        assert "Traceback" not in shown, shown
    status, shown = demo.make("demo")
    assert status == 0, shown
    assert re.search(r"44201 Ozone.* equal ", shown), shown
    demo.make("stop")
    demo.clone = demo.clone.rename(demo.folder / "moved")
    status, shown = demo.make("demo")
    assert status == 0, shown
    assert "making .venv" in shown
