"""A verification of national synthetic years: its time, and what readers feel of it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from airaware.settings import Zone
from airaware.store import verify
from bench import site
from bench.main_job import YEAR
from bench.measure import Figure, seconds
from tools.drill.http_load import open_loop
from tools.environments.local import Local
from tools.machine.postgres import OWNER


def figures(place: Local, raw: Path, extent: site.Extent) -> list[Figure]:
    """Return the time of each zone's years, and readers' p99 beside it against that without."""
    site.load_years(place, raw, extent)
    zones = place.zones(OWNER)
    times = [
        Figure(f"verify: zone {zone.name}", seconds(partial(verify_all, zone)), "s")
        for zone in zones
    ]
    with site.site(place) as web:
        address, known = web.address() or "", [site.answer_path(each) for each in site.zip_codes()]

        def p99() -> float:
            found = open_loop(address, known, site.LOAD_RATE, extent.load_seconds)
            return site.milliseconds([each.seconds for each in found], 99)

        p99()  # until both workers have met the places
        rounds = []
        for _ in range(site.ROUNDS):
            without = p99()
            with verifying(zones[0]):
                rounds.append((without, p99()))
    without, beside = np.median(rounds, axis=0)
    ratio = float(np.median([after / before for before, after in rounds]))
    return [
        *times,
        Figure("readers' p99 without a verification", float(without), "ms"),
        Figure("readers' p99 beside one of their zone", float(beside), "ms"),
        Figure("readers' p99 beside a verification / without", ratio, "times", 1.3),
    ]


def verify_all(zone: Zone, sleep: Callable[[float], object] = time.sleep) -> None:
    """Verify the zone's years. Raises SystemExit where one is damaged."""
    for found in verify.verify(zone, [YEAR], sleep):
        if found.damaged:
            raise SystemExit(str(found))


@contextmanager
def verifying(zone: Zone) -> Iterator[None]:
    """Verify the zone's years again and again meanwhile, with the rests of the nightly one."""
    end = threading.Event()

    def again() -> None:
        while not end.is_set():
            verify_all(zone, end.wait)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
