"""What an operator's task is made of: it looks at the world, says what it will do, and does it."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

# Where nobody reads along, no name of a table is cut short for want of width.
WIDTH_OF_A_FILE = 140

# Nothing that an operator waits for is silent for longer.
SILENT_SECONDS = 25.0


class _Console(Console):
    """A console that knows when it was last written to."""

    printed_at = 0.0

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*objects, **options)
        self.printed_at = time.monotonic()


console = _Console(
    highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE
)


def show_table(table: Table) -> None:
    """Print a table, none of it cut: in a narrow terminal its lines are longer."""
    natural = console.measure(table, options=console.options.update(width=10_000)).maximum
    table.width = natural if natural > console.width else None
    console.print(table)


@dataclass(frozen=True)
class Step:
    """One thing to do: `text` names it as an order ("start the web server"), `act` does it."""

    text: str
    act: Callable[[], object]

    def do(self) -> None:
        """Act, and print how long it took."""
        started = time.monotonic()
        end = "failed after"
        try:
            with console.status(self.text), heartbeat(self.text):
                self.act()
            end = "done in"
        finally:
            seconds = time.monotonic() - started
            console.print(f"{self.text}: {end} {seconds:.1f} s", markup=False)


@dataclass(frozen=True)
class Stage:
    """Steps that are known only when their turn comes, such as one per host; `text` names all."""

    text: str
    steps: Callable[[], Iterable[Step]]

    def do(self) -> None:
        """Carry the steps out."""
        carry_out(self.steps(), dry_run=False)


def carry_out(steps: Iterable[Step | Stage], dry_run: bool) -> None:
    """Carry out the steps in order, or print them where `dry_run` is set."""
    for step in steps:
        if dry_run:
            console.print(f"would {step.text}", markup=False)
        else:
            step.do()


@contextmanager
def repeated(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call `act` in a thread every so many seconds; an error of it does not end that."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            with suppress(Exception):  # the next call may succeed
                act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def heartbeat(text: str) -> Iterator[None]:
    """Print that `text` still goes on whenever nothing has been printed for 25 s."""
    started = time.monotonic()

    def beat() -> None:
        now = time.monotonic()
        if now - max(started, console.printed_at) >= SILENT_SECONDS:
            console.print(f"{text}: still going on after {now - started:.0f} s", markup=False)

    with repeated(beat, SILENT_SECONDS / 25):
        yield
