"""The journal of a drill: each change to the fleet is written down before it is made.

Whatever becomes of the drill's process, the file says what has to be undone.
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
from tools.drill.actions import Call, Change

Say = Callable[[str], None]


@dataclass
class Journal:
    """The journal in `folder`; its file exists from a drill's first action until all is undone."""

    folder: Path
    drill: str = ""
    zone: str = ""
    began: str = ""
    done: list[dict[str, Any]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the journal's lock.

        Raises:
            AirAwareError: Another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AirAwareError(
                    "Another drill is running: wait for its end, or stop it with Ctrl-C, which"
                    " undoes it"
                ) from None
            yield

    def must_be_empty(self) -> None:
        """Check that no interrupted drill waits to be undone.

        Raises:
            AirAwareError: One does.
        """
        if self.file.exists():
            left = read(self.folder)
            raise AirAwareError(
                f"The drill {left.drill} of {left.began} was interrupted. Undo it first:"
                f" fab recover"
            )

    def perform(self, changes: list[Change], world: Any, say: Say) -> None:
        """Make the changes in order, each after it is written down."""
        for change in changes:
            self.done.append(asdict(change) | {"at": datetime.now(UTC).isoformat()})
            self._write()
            say(change.text)
            change.do(world)

    def undo(self, world: Any, say: Say) -> list[str]:
        """Undo all changes, the last first, and remove each from the journal.

        A failure does not keep the rest from being undone; it stays in the journal.

        Returns:
            The descriptions of the changes that were undone.

        Raises:
            AirAwareError: Some could not be undone; the message names them.
        """
        undone, failed = [], []
        for entry in reversed(self.done.copy()):
            try:
                if entry["undo"]:
                    say(f"undo: {entry['text']}")
                    Call(**entry["undo"])(world)
                    undone.append(entry["text"])
            except Exception as error:  # whatever it is, the rest is undone
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
    """Return the journal that a drill left in a folder; an empty one where there is none."""
    journal = Journal(folder)
    if journal.file.exists():
        for name, value in json.loads(journal.file.read_text()).items():
            setattr(journal, name, value)
    return journal
