"""Ctrl-C: what waits for a moment that fits, and what is stopped again."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# Undoes what this program has started in the background, the last first.
started = ExitStack()


@contextmanager
def held_back() -> Iterator[None]:
    """Deliver a Ctrl-C of the context at its end.

    Programs that are started in it must be in a process group of their own: a terminal sends
    Ctrl-C to all of the foreground's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C interrupts the main thread only
        return
    typed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: typed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if typed:
        raise KeyboardInterrupt


def undo() -> None:
    """Stop what was started, which a further Ctrl-C does not break off."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        started.close()
    finally:
        signal.signal(signal.SIGINT, before)
