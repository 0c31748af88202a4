"""Measuring, and the table that comes out of it."""

import json
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.table import Table

from tools.machine.steps import show_table

MEMORY_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class Figure:
    """One line of the table. `bound` is the greatest good value, or the least if `at_least`.

    An `aim` is stricter than the bound: missing it is reported, but is no failure.
    """

    name: str
    value: float
    unit: str
    bound: float | None = None
    aim: float | None = None
    at_least: bool = False

    @property
    def ok(self) -> bool:
        """Whether the bound holds; a figure without one is always well."""
        return self._holds(self.bound)

    @property
    def aim_ok(self) -> bool:
        """Whether the aim is reached."""
        return self._holds(self.aim)

    def _holds(self, limit: float | None) -> bool:
        if limit is None:
            return True
        return self.value >= limit if self.at_least else self.value <= limit


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class PeakMemory:
    """The greatest sum of PSS (bytes) over processes and all their descendants."""

    def __init__(self, roots: Callable[[], list[int]]):
        self.roots = roots
        self.peak_bytes = 0

    def sample(self) -> None:
        """Look once. Processes that end meanwhile count as nothing."""
        processes: dict[int, psutil.Process] = {}
        for pid in self.roots():
            try:
                root = psutil.Process(pid)
                for process in [root, *root.children(recursive=True)]:
                    processes[process.pid] = process
            except psutil.NoSuchProcess:
                continue
        total = 0
        for process in processes.values():
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        self.peak_bytes = max(self.peak_bytes, total)


@contextmanager
def peak_memory(roots: Callable[[], list[int]]) -> Iterator[PeakMemory]:
    """Watch the memory of `roots` and their descendants for as long as the context lasts."""
    peak, done = PeakMemory(roots), threading.Event()

    def watch() -> None:
        while not done.wait(MEMORY_INTERVAL_SECONDS):
            peak.sample()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def report(figures: list[Figure], path: Path) -> bool:
    """Print the table and write it to `path` (JSON); whether every bound holds."""
    memory_gb = psutil.virtual_memory().total / 2**30
    table = Table(
        title=f"{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} cores, {memory_gb:.0f} GB, "
        f"Python {platform.python_version()}"
    )
    for column in ("figure", "value", "unit", "bound", "ok", "aim", "reached"):
        table.add_column(column, justify="right" if column in ("value", "bound", "aim") else "left")
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        bound, aim = (
            "" if limit is None else f"{sign} {limit:g}" for limit in (figure.bound, figure.aim)
        )
        ok = bound and ("yes" if figure.ok else "NO")
        reached = aim and ("yes" if figure.aim_ok else "missed")
        table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, bound, ok, aim, reached)
    show_table(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps([asdict(figure) | {"ok": figure.ok} for figure in figures], indent=2) + "\n"
    )
    return all(figure.ok for figure in figures)
