"""Wait for a condition as long as there is progress.

A wait fails when nothing has moved for a while, not at a fixed time: a slow machine is given the
time it needs, and a hang is reported after minutes. Progress is a record: a state that was never
seen before, or a number higher than ever before in that state. A loop of retries repeats itself and
sets no records, so it is not mistaken for work.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airaware.errors import AirAwareError
from tools.machine.steps import console

PATIENCE_SECONDS = 240  # without progress; a hang must be reported within 5 minutes
LIMIT_SECONDS = 7200  # even with progress: something that spins moves for ever
SHOW_SECONDS = 20
POLL_SECONDS = 2.0
AT_ONCE = 8


@dataclass(frozen=True)
class Look:
    """What a probe sees.

    `state` is what a person reads; each of `progress` grows while work is done; `detail` helps to
    explain a standstill, such as the last line of a log.
    """

    done: bool
    state: str = ""
    progress: tuple[float, ...] = ()
    detail: str = ""


class StalledError(AirAwareError):
    """Nothing has moved for longer than the patience allows."""


@dataclass(frozen=True)
class Clock:
    """The time in seconds, and how to let it pass; tests give their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Record:
    """What one probe has shown so far."""

    most: dict[str, tuple[float, ...]] = field(default_factory=dict)  # by state
    last: Look = Look(False)

    def moves(self, look: Look) -> bool:
        """Take in a look. Return whether it shows progress."""
        most = self.most.get(look.state)
        padding = (float("-inf"),) * len(look.progress)
        highest = tuple(map(max, look.progress, (*(most or ()), *padding)))
        self.most[look.state] = highest or most or ()
        self.last = look
        return look.done or most is None or bool(highest and highest != most)


def wait_for(
    probes: Mapping[str, Callable[[], Look]],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    limit_seconds: float = LIMIT_SECONDS,
    poll_seconds: float | None = None,
    cause: Callable[[Mapping[str, Look]], str] = lambda _: "",
    say: Callable[[str], None] = lambda line: console.print(line, markup=False),
    clock: Clock | None = None,
) -> None:
    """Return when all probes are done, each under the name of what it looks at.

    Changes of state are reported as they come, and all states at least every 20 s (plus the time
    the slowest probe takes). Probes run side by side, so they must be safe in threads.

    Raises:
        StalledError: nothing has moved for `patience_seconds`, or the wait reached
            `limit_seconds`. The message names what stands still, with what `cause` makes of it.
    """
    clock = clock or Clock()
    poll_seconds = POLL_SECONDS if poll_seconds is None else poll_seconds
    records = {name: _Record() for name in probes}
    began = moved = shown = clock.now()
    with ThreadPoolExecutor(AT_ONCE) as several:
        while left := [name for name, record in records.items() if not record.last.done]:
            looks = dict(zip(left, several.map(lambda name: probes[name](), left), strict=True))
            now = clock.now()
            for name, look in looks.items():
                if look.state and look.state != records[name].last.state:
                    say(f"{name}: {look.state}")
                    shown = now
                if records[name].moves(look):
                    moved = now
            standing = {name: look for name, look in looks.items() if not look.done}
            if standing and now - moved >= patience_seconds:
                _give_up(f"Nothing has moved for {now - moved:.0f} s", standing, cause)
            if standing and now - began >= limit_seconds:
                _give_up(f"Not done after {now - began:.0f} s", standing, cause)
            if standing and now - shown >= SHOW_SECONDS:
                say(f"after {now - began:.0f} s: {_in_short(standing, now - moved)}")
                shown = now
            if standing:
                clock.sleep(poll_seconds)


def _in_short(standing: Mapping[str, Look], still_seconds: float) -> str:
    states = ", ".join(f"{name} {look.state}".strip() for name, look in standing.items())
    return f"{states} (last progress {still_seconds:.0f} s ago)"


def _give_up(
    what: str, standing: Mapping[str, Look], cause: Callable[[Mapping[str, Look]], str]
) -> None:
    lines = [f"{what}. Still waiting for:"]
    for name, look in standing.items():
        lines.append("  " + ": ".join(word for word in (name, look.state, look.detail) if word))
    if why := cause(standing):
        lines.append(why)
    lines.append("Once that is mended, the same command continues from here.")
    raise StalledError("\n".join(lines))
