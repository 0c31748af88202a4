"""When a drill's visitors come."""

import time
from collections.abc import Iterator

from tools.drill import http_load


def test_nobody_is_late_for_a_path_that_takes_long_to_find() -> None:
    found: list[float] = []

    def paths() -> Iterator[str]:
        time.sleep(0.1)
        found.append(time.monotonic())
        yield "/first"
        yield "/second"

    due = dict(http_load.schedule(paths(), rate=1000))
    assert list(due) == ["/first", "/second"]
    assert found[0] <= due["/first"] <= due["/second"]
