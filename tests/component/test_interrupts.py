"""A program on a terminal that is interrupted, ended, or left alone as its terminal is closed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deadline import until

CHECKOUT = Path(__file__).parents[2]
# It says what happens in a file, and all the time something to its terminal.
PROGRAM = """
import os, pathlib, signal, sys, time
from tools.machine import interrupts

said = pathlib.Path(sys.argv[1])
say = lambda word: (print(word, flush=True), said.open("a").write(f"{word} "))
if sys.argv[2] == "ignoring":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
arrivals, wakeup = os.pipe()
os.set_blocking(wakeup, False)
signal.set_wakeup_fd(wakeup)
interrupts.listen()
interrupts.started.callback(say, "stopped")
try:
    with interrupts.held_back():
        say("begun")
        said.with_name("go on").touch()
        while not said.with_name("sent").exists():
            time.sleep(0.01)
        if sys.argv[2] != "ignoring":
            os.read(arrivals, 1)  # until the interrupt has come
        said.open("a").write("whole ")
    said.open("a").write("left alone")
except KeyboardInterrupt:
    interrupts.undo()
"""


@pytest.mark.parametrize(
    ("how", "attitude", "course"),
    [
        ("type Ctrl-C", "", "begun whole stopped "),
        ("end it", "", "begun whole stopped "),
        ("close the terminal", "", "begun whole stopped "),
        ("close the terminal", "ignoring", "begun whole left alone"),
    ],
)
def test_whatever_ends_it_undoes_what_it_has_started(
    tmp_path: Path, how: str, attitude: str, course: str
) -> None:
    said, terminal = tmp_path / "said", os.openpty()
    process = subprocess.Popen(
        [
            "setsid",
            "--ctty",
            # The tests themselves may run under nohup.
            "env",
            "--default-signal=HUP",
            "sh",
            "-c",
            'trap : INT; "$@"; true',
            "sh",
            sys.executable,
            "-c",
            PROGRAM,
            said,
            attitude,
        ],
        cwd=CHECKOUT,
        stdin=terminal[1],
        stdout=terminal[1],
        stderr=terminal[1],
    )
    os.close(terminal[1])
    try:
        until((tmp_path / "go on").exists)
        if how == "type Ctrl-C":
            os.write(terminal[0], b"\x03")
        elif how == "end it":
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGTERM)
    finally:
        if how == "close the terminal":
            os.close(terminal[0])
        (tmp_path / "sent").touch()
        until(lambda: said.read_text() == course)
        if how != "close the terminal":
            os.close(terminal[0])
        process.wait()


def test_a_list_of_tasks_whose_reader_has_read_enough_ends_in_silence() -> None:
    process = subprocess.Popen(
        [CHECKOUT / "tools" / "fab.sh", "-l"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 128 + signal.SIGPIPE
