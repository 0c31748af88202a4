"""`make demo` on a terminal, in a fresh clone: interrupted at any moment, and a moved checkout."""

import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hostile
import pytest

from tools.machine.postgres import free_port

CHECKOUT = Path(__file__).parents[2]
# What a shell, Spark, PostgreSQL's programs, URLs or lists might take for something else.
ODD = "a b,c;d'e%20g#h&i é"
CTRL_C, HANG_UP = "Ctrl-C is typed", "the terminal is closed"
# What the terminal shows when that happens, in the order of a run.
MOMENTS = (
    ("making .venv", CTRL_C),
    ("installing Python packages", CTRL_C),
    ("installing the front end's packages", HANG_UP),
    ("bundling the front end", CTRL_C),
    ("hourly_44201_2013.zip", CTRL_C),
    ("make zone a's database", CTRL_C),
    ("start zone a's database", CTRL_C),
    ("make zone b's database", CTRL_C),
    ("bring zone a's schema", CTRL_C),
    ("start the web server", HANG_UP),
    ("start the web server", CTRL_C),
    ("starting Spark", CTRL_C),
    ("reading with", HANG_UP),
    ("reading with", CTRL_C),
    ("zone b holds it", CTRL_C),
)
# Without a line that was not seen before, but for its numbers.
PATIENCE_SECONDS = 900
END_SECONDS = 120
ENDED = r"=make ended with (\d+)="


@dataclass
class Terminal:
    """A terminal, whose shell outlives make: at the shell's end the kernel hangs up on the rest."""

    number: int
    shell: subprocess.Popen[bytes]
    shown: str = ""
    _lines: set[str] = field(default_factory=set)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the match of what is shown once there is one. Fails if there is no progress."""
        moved = time.monotonic()
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() - moved < PATIENCE_SECONDS, f"{pattern}:\n{self.shown}"
            assert not re.search(ENDED, self.shown), f"'{pattern}' was not shown:\n{self.shown}"
            if select.select([self.number], [], [], 1)[0]:
                self.shown += os.read(self.number, 65536).decode(errors="replace")
                lines = set(re.sub(r"\d+", "", self.shown).splitlines())
                if not lines <= self._lines:
                    self._lines, moved = lines, time.monotonic()
        return found

    def close(self) -> None:
        """Hang up, if that was not done yet."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1
            self.shell.wait()


@dataclass
class Demo:
    """A clone, its state folder, and `make demo` in it on a terminal of its own."""

    folder: Path
    clone: Path
    epa: Path
    port: int

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the person at the terminal, whose home is full of broken files."""
        home = Path(os.environ["HOME"])
        return {
            "XDG_CACHE_HOME": str(home / ".cache"),
            "NPM_CONFIG_USERCONFIG": str(home / ".npmrc"),
            "NPM_CONFIG_CACHE": str(home / ".npm"),
            **os.environ,
            "HOME": hostile.home(self.folder / "home"),
            "AIRAWARE_STATE": str(self.folder / ODD),
            "AIRAWARE_PORT": str(self.port),
            "AIRAWARE_EPA_URL": str(self.epa),
            "TERM": "xterm",
        }

    @contextmanager
    def terminal(self, target: str) -> Iterator[Terminal]:
        """Run make on a terminal."""
        number, end = os.openpty()
        script = f"trap : INT; make {target} YEAR=2013; echo =make ended with $?=; read end"
        shell = subprocess.Popen(
            ["setsid", "--ctty", "sh", "-c", script],
            cwd=self.clone,
            env=self.environ,
            stdin=end,
            stdout=end,
            stderr=end,
        )
        os.close(end)
        terminal = Terminal(number, shell)
        try:
            yield terminal
        finally:
            terminal.close()

    def make(self, target: str) -> str:
        """Run make to its end, which must be good; return what the terminal showed."""
        with self.terminal(target) as terminal:
            assert terminal.wait_for(ENDED)[1] == "0", terminal.shown
            return terminal.shown

    def break_off(self, moment: str, how: str) -> None:
        """Run `make demo` and break it off as the moment is shown; nothing of ours may run on."""
        with self.terminal("demo") as terminal:
            terminal.wait_for(re.escape(moment))
            if how == HANG_UP:
                terminal.close()
            else:
                os.write(terminal.number, b"\x03")
                assert terminal.wait_for(ENDED)[1] != "0", terminal.shown
            assert "Traceback" not in terminal.shown, terminal.shown
            deadline = time.monotonic() + END_SECONDS
            while left := self.processes(but=terminal.shell.pid):
                assert time.monotonic() < deadline, f"{moment}, {how}: {left}:\n{terminal.shown}"
                time.sleep(0.2)

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
def test_whatever_breaks_it_off_leaves_nothing_that_runs(demo: Demo) -> None:
    for moment, how in MOMENTS:
        demo.break_off(moment, how)
    assert re.search(r"44201 Ozone.* equal ", demo.make("demo"))
    demo.make("stop")
    demo.clone = demo.clone.rename(demo.folder / "moved")
    assert "making .venv" in demo.make("demo")
