"""The model of a drill: what the files in drills/ are written with."""

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airaware.errors import AirAwareError
from tools.drill.actions import Change
from tools.drill.observations import Observations
from tools.machine.checkout import CHECKOUT

DRILLS = CHECKOUT / "drills"


@dataclass(frozen=True)
class Probe:
    """A measurement of the steady state; it holds from `least` to `most`.

    `measure` returns None where nothing answers: that is reported, and does not stop the drill.
    """

    text: str
    measure: Callable[[Any], float | None]
    least: float = float("-inf")
    most: float = float("inf")
    deadline_seconds: float = 120

    def holds(self, world: Any) -> bool | None:
        """Return whether it holds now; None where nothing answers."""
        value = self.measure(world)
        return None if value is None else self.least <= value <= self.most


@dataclass(frozen=True)
class Finding:
    """What was expected, whether it was met (None: not observable), and what was measured."""

    expected: str
    met: bool | None
    measured: str


Expectation = Callable[[Observations], Finding]


@dataclass(frozen=True)
class Drill:
    """A hypothesis about the fleet, and the experiment that tests it.

    Visitors come at `rate` a second from `before_seconds` before the fault until `after_seconds`
    after the steady state has returned, and `spike_rate` more of them during the fault. The fault
    lasts for `hold_seconds`, or until the jobs that it started have ended. The drill aborts when
    more than `budget` requests have failed.

    With a `ramp`, a crowd comes at each of its rates in turn until it is answered badly. The last
    rate before that is what the site can do. Then it is `spike_times` that for `hold_seconds`.

    Each of the `attacks` comes for `hold_seconds`, one after the other.

    Attributes:
        fault: Returns the changes for a world and a zone; each knows how to undo itself.
        answer: Returns what the operator does after the fault's return.
        usual_zone: Picks a zone of the fleet's where the operator names none.
        alerts: The alerts that must fire within `alert_seconds`.
        other_alerts: The alerts that may fire.
        in_every_zone: Whether alerts may blame another zone than the drill's.
        attacks: The kinds of attackers (tools.drill.attackers) that come.
        spike_path: What the crowd asks for, where that is not what visitors do.
    """

    name: str
    hypothesis: str
    steady_state: tuple[Probe, ...]
    fault: Callable[[Any, str], list[Change]]
    expected: tuple[Expectation, ...]
    answer: Callable[[Any, str], list[Change]] = lambda _world, _zone: []
    usual_zone: Callable[[Iterable[str]], str] = max
    rate: float = 0
    spike_rate: float = 0
    spike_path: str = ""
    ramp: tuple[float, ...] = ()
    spike_times: float = 3
    attacks: tuple[str, ...] = ()
    budget: int = 0
    before_seconds: float = 15
    hold_seconds: float = 90
    after_seconds: float = 15
    alerts: frozenset[str] = frozenset()
    alert_seconds: float = 60
    other_alerts: frozenset[str] = frozenset()
    in_every_zone: bool = False


def names() -> list[str]:
    """Return the names of all drills, sorted."""
    return sorted(path.stem.replace("_", "-") for path in DRILLS.glob("*.py"))


def find(name: str) -> Drill:
    """Return the drill of this name.

    Raises:
        AirAwareError: There is none.
    """
    if name not in names():
        raise AirAwareError(f"There is no drill '{name}'. Known are: {', '.join(names())}")
    path = DRILLS / f"{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"drills.{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drill: Drill = module.DRILL
    return drill
