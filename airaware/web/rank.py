"""How a place compares with the country's ZIP codes, by days above the level of the standard."""

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3

from airaware.science.grid import RESOLUTION
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load
from airaware.web.geocode import covered_zip_codes


@dataclass(frozen=True)
class Rank:
    """How many of the ZIP codes with a monitor in reach had more, as many, and fewer days."""

    more: int
    alike: int
    fewer: int

    @property
    def zip_codes(self) -> int:
        """All of them."""
        return self.more + self.alike + self.fewer


class Ranks:
    """Ranks by load, for all threads of a process. A load's figures are read once."""

    def __init__(self, reader: Memory) -> None:
        """Rank by what this reader reads."""
        self._reader = reader
        self._lock = threading.Lock()

    def rank(self, load: Load, days_above: int) -> Rank | None:
        """Return the rank of a place with so many days above; None where no ZIP code has a monitor.

        Raises NoZoneError where no database answers.
        """
        days = self._days(load)
        if not days:
            return None
        begin, end = bisect_left(days, days_above), bisect_right(days, days_above)
        return Rank(len(days) - end, end - begin, begin)

    def _days(self, load: Load) -> "array[int]":
        """Days above at every ZIP code that has a monitor in reach, ascending."""

        def read() -> "array[int]":
            zips = zip_codes_by_cell()
            found = queries.days_above(self._reader, load, sorted(zips))
            return array("H", sorted(n for cell, n in found.items() for _ in range(zips[cell])))

        with self._lock:  # of several visitors at once, one asks the store
            found, _ = self._reader.settled(
                lambda: self._reader.remember("ranks", [load], "", read)
            )
        return found


@lru_cache(maxsize=1)
def zip_codes_by_cell() -> Counter[int]:
    """How many ZIP codes of the 50 states, DC and Puerto Rico lie in a cell; by cell."""
    return Counter(
        h3.latlng_to_cell(code.latitude, code.longitude, RESOLUTION)
        for code in covered_zip_codes().values()
    )
