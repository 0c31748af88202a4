"""Ctrl-C and its kind: what waits for a moment that fits, and what is stopped again."""

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

# Ctrl-C, `kill`, and a terminal that was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

# Undoes what this program has started in the background, the last first.
started = ExitStack()


def listen() -> None:
    """Raise KeyboardInterrupt for all of them, but for those that this program is to ignore.

    `nohup` has it ignore a closed terminal.
    """
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> None:
    # The kernel and the shell may both report a closed terminal.
    signal.signal(number, signal.SIG_IGN)
    if number == signal.SIGHUP:
        be_silent()
    raise KeyboardInterrupt


def be_silent() -> None:
    """Write to no terminal and no pipe any more: each further word to them would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        if not stat.S_ISREG(os.fstat(output).st_mode):
            os.dup2(nowhere, output)
    os.close(nowhere)


@contextmanager
def held_back() -> Iterator[None]:
    """Deliver an interrupt of the context at its end.

    Programs that are started in it must be in a process group of their own: a terminal interrupts
    all of the foreground's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only
        return
    came: list[int] = []
    with _handled_by(lambda number, _: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


def undo() -> None:
    """Stop what was started, which a further interrupt does not break off."""
    with ignored():
        started.close()


@contextmanager
def ignored() -> Iterator[None]:
    """Let nobody break off what puts things right."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    before = {
        number: signal.signal(number, handler)
        for number in SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
