"""What a drill has done to a fleet, written down before it is done.

Whatever becomes of the drill's process, the file says what is to be undone.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airaware.errors import AirAwareError
from tools.drill.acts import Call, Change

Tell = Callable[[str], None]


@dataclass
class Journal:
    """The journal in `folder`; it exists from a drill's first act until all is undone."""

    folder: Path
    drill: str = ""
    zone: str = ""
    began: str = ""
    done: list[dict[str, Any]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.folder / "journal.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held by one process. Raises AirAwareError where another has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AirAwareError(
                    "A drill runs here: wait for it, or stop it by Ctrl-C, which undoes it"
                ) from None
            yield

    def must_be_empty(self) -> None:
        """Raise AirAwareError where a drill was left in the middle."""
        if self.file.exists():
            left = read(self.folder)
            raise AirAwareError(
                f"The drill {left.drill} of {left.began} was left in the middle: first fab recover"
            )

    def perform(self, changes: list[Change], world: Any, tell: Tell) -> None:
        """Do the changes in order, each written down before."""
        for change in changes:
            self.done.append(asdict(change) | {"at": datetime.now(UTC).isoformat()})
            self._write()
            tell(change.text)
            change.do(world)

    def undo(self, world: Any, tell: Tell) -> list[str]:
        """Undo all, the last first, and strike each out. Returns what was undone, in words.

        What fails does not keep the rest from being undone; it stays written down, and the
        AirAwareError names it.
        """
        undone, failed = [], []
        for entry in reversed(self.done.copy()):
            try:
                if entry["undo"]:
                    tell(f"undo: {entry['text']}")
                    Call(**entry["undo"])(world)
                    undone.append(entry["text"])
            except Exception as error:  # noqa: BLE001 (whatever it is, the rest is undone)
                failed.append(f"{entry['text']}: {error}")
                continue
            self.done.remove(entry)
            self._write()
        if failed:
            raise AirAwareError("Not undone (fab recover tries again):\n  " + "\n  ".join(failed))
        self.file.unlink(missing_ok=True)
        return undone

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_suffix(".new")
        with unfinished.open("w") as file:
            fields = {"drill": self.drill, "zone": self.zone, "began": self.began}
            json.dump(fields | {"done": self.done}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.file)


def read(folder: Path) -> Journal:
    """Return the journal that a drill has left in a folder; an empty one where there is none."""
    journal = Journal(folder)
    if journal.file.exists():
        for name, value in json.loads(journal.file.read_text()).items():
            setattr(journal, name, value)
    return journal
