"""A drill so small that no fleet is needed: its world is a folder, its faults are files.

python tiny_drill.py FOLDER: run it, as `fab drill` would, with a fault that lasts for a minute.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from airaware.store.manifest import Held
from tools.drill import runner
from tools.drill.actions import Call, Change, action
from tools.drill.journal import Journal
from tools.drill.model import Drill, Finding, Probe
from tools.drill.observations import Observations
from tools.drill.world import Look, Sample

ZONE = "zone-b"


class Folder:
    """A world with one web host a zone; a file `ZONE.lost` loses one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: dict[str, Any] = {}

    def lost(self) -> list[str]:
        return sorted(file.stem for file in self.path.glob("*.lost"))

    def sample(self) -> Sample:
        healthy = {zone: int(zone not in self.lost()) for zone in ("zone-a", ZONE)}
        hosts = {zone: frozenset({zone}) for zone in healthy}
        states = {zone: "healthy" if well else "unhealthy" for zone, well in healthy.items()}
        return Sample(time.monotonic(), healthy, healthy, states, dict.fromkeys(hosts, 1), hosts)

    def inventory(self) -> dict[str, Any]:
        return {"files": sorted(file.name for file in self.path.glob("*.lost"))}

    def cpu(self, *_: object) -> list[tuple[float, float]]:
        return []

    def alerts(self, *_: object) -> list[tuple[str, float, float]] | None:
        return None

    def jobs(self, ids: Iterable[str]) -> dict[str, str]:
        """A job runs while its file says so."""
        files = {job: self.path / f"{job}.job" for job in ids}
        return {job: file.read_text() for job, file in files.items() if file.exists()}

    def looks(self) -> list[Look]:
        """A zone holds what its file says."""
        return [self._look(zone) for zone in ("zone-a", ZONE)]

    def _look(self, zone: str) -> Look:
        file = self.path / f"{zone}.checksum"
        if not file.exists():
            return Look(time.monotonic(), zone, None)
        checksum = Decimal(file.read_text())
        return Look(time.monotonic(), zone, Held("1", "ab", checksum, {}, checksum, {}))

    @contextmanager
    def reading(self) -> Iterator[Callable[[], list[Look]]]:
        yield self.looks


@action
def lose(world: Folder, zone: str) -> None:
    (world.path / f"{zone}.lost").touch()


@action
def find_again(world: Folder, zone: str) -> None:
    (world.path / f"{zone}.lost").unlink(missing_ok=True)


@action
def start(world: Folder, job: str, state: str) -> None:
    (world.path / f"{job}.job").write_text(state)


@action
def spoil(world: Folder, zone: str) -> None:
    (world.path / f"{zone}.checksum").write_text("8")


@action
def note(world: Folder, hosts: list[str]) -> None:
    world.notes.setdefault("hung", []).extend(hosts)


@action
def dawdle(_: Folder) -> None:
    time.sleep(60)


@action
def fail(_: Folder) -> None:
    raise OSError("no way")


@action
def die(_: Folder) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def losing(zone: str) -> Change:
    return Change(f"lose {zone}", Call("lose", {"zone": zone}), Call("find_again", {"zone": zone}))


def was_lost(observed: Observations) -> Finding:
    lost = any(sample.healthy[ZONE] == 0 for sample in observed.samples)
    return Finding("the zone is lost", lost, f"{len(observed.samples)} looks")


def tiny(*changes: Change, hold_seconds: float = 1.5) -> Drill:
    """Loses zone-b, or does these changes."""
    return Drill(
        name="tiny",
        hypothesis="A file comes and goes",
        steady_state=(
            Probe("lost zones", lambda world: len(world.lost()), most=0, deadline_seconds=0),
        ),
        fault=lambda _world, zone: list(changes) or [losing(zone)],
        expected=(was_lost,),
        before_seconds=0,
        hold_seconds=hold_seconds,
        after_seconds=0,
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    changes = (losing(ZONE), Change("die", Call("die"))) if "die" in sys.argv else ()
    done = runner.run(
        tiny(*changes, hold_seconds=60), Folder(folder), Journal(folder), ZONE, lambda _text: None
    )
    print(done.verdict, done.aborted)
