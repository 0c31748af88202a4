"""What an operator's task is made of: it looks at the world, says what it will do, and does it."""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console

# Where nobody reads along, no name of a table is cut short for want of width.
WIDTH_OF_A_FILE = 140

console = Console(
    highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE
)


@dataclass(frozen=True)
class Step:
    """One thing to do: `text` names it as an order ("start the web server"), `act` does it."""

    text: str
    act: Callable[[], object]


def carry_out(steps: Iterable[Step], dry_run: bool) -> None:
    """Do the steps in order, each with its time; or with `dry_run` only say them."""
    for step in steps:
        if dry_run:
            console.print(f"would {step.text}", markup=False)
            continue
        started = time.monotonic()
        with console.status(step.text):
            step.act()
        console.print(f"{step.text}: done in {time.monotonic() - started:.1f} s", markup=False)
