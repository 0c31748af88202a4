"""What a drill is: the words that the files of drills/ are written in."""

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airaware.errors import AirAwareError
from tools.drill.acts import Change
from tools.drill.course import Course
from tools.machine.checkout import CHECKOUT

DRILLS = CHECKOUT / "drills"


@dataclass(frozen=True)
class Probe:
    """Something to measure of a world in its steady state: it is well from `least` to `most`.

    `measure` returns None where nobody is there to say; that is told, and is no obstacle.
    """

    text: str
    measure: Callable[[Any], float | None]
    least: float = float("-inf")
    most: float = float("inf")
    deadline_seconds: float = 120

    def holds(self, world: Any) -> bool | None:
        """Whether it is well now; None where nobody says."""
        value = self.measure(world)
        return None if value is None else self.least <= value <= self.most


@dataclass(frozen=True)
class Finding:
    """What was expected, whether it came so (None: it could not be seen), and what was measured."""

    expected: str
    met: bool | None
    measured: str


Expectation = Callable[[Course], Finding]


@dataclass(frozen=True)
class Drill:
    """A hypothesis about the fleet, and how it is put to the test.

    `fault` says the changes for a world and a zone; they carry their own way back. Visitors come at
    `rate` a second from `before_seconds` before the fault to `after_seconds` after the steady state
    has come back; `spike_rate` more of them from the fault to its return. The fault stays for
    `hold_seconds`, or until the jobs that it has started have ended, or until more than `budget`
    requests have failed. `answer` is what the operator does after the return.
    """

    name: str
    hypothesis: str
    steady_state: tuple[Probe, ...]
    fault: Callable[[Any, str], list[Change]]
    expected: tuple[Expectation, ...]
    answer: Callable[[Any, str], list[Change]] = lambda world, zone: []
    usual_zone: Callable[[Iterable[str]], str] = max  # of the fleet's, where none is asked for
    rate: float = 0
    spike_rate: float = 0
    budget: int = 0
    before_seconds: float = 15
    hold_seconds: float = 90
    after_seconds: float = 15
    alerts: frozenset[str] = frozenset()  # that should fire, within alert_seconds
    alert_seconds: float = 60
    other_alerts: frozenset[str] = frozenset()  # that may


def names() -> list[str]:
    """Of all drills, in the order of their files' names."""
    return sorted(path.stem.replace("_", "-") for path in DRILLS.glob("*.py"))


def find(name: str) -> Drill:
    """Return a drill by its name. Raises AirAwareError where there is none."""
    if name not in names():
        raise AirAwareError(f"There is no drill '{name}'. Known are: {', '.join(names())}")
    path = DRILLS / f"{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"drills.{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DRILL
