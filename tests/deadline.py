"""What is to come true, with a deadline."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], deadline_seconds: float = 60) -> None:
    """Wait for it; fails where it does not come in time."""
    end = time.monotonic() + deadline_seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)
