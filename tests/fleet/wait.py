"""Assertions about a running system carry a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(true: Callable[[], T], what: str, seconds: float, poll_seconds: float = 0.25) -> T:
    """What `true` returns, as soon as that is true; prints how long it took."""
    started = time.monotonic()
    while not (found := true()):
        waited = time.monotonic() - started
        assert waited < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(poll_seconds)
    print(f"{what}: after {time.monotonic() - started:.1f} s")
    return found
