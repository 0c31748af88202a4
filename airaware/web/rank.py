"""How a place compares with the ZIP codes of the country and of its state."""

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np

from airaware.gazetteer.places import covered_zip_codes
from airaware.science import grid
from airaware.science.sphere import unit_vectors
from airaware.store import queries
from airaware.store.memory import Memory
from airaware.store.queries import Load

COUNTRY = "US"


@dataclass(frozen=True)
class Rank:
    """How many ZIP codes of an area have a higher figure, the same, and a lower one.

    area: COUNTRY, or a state's two letters.
    """

    area: str
    higher: int
    alike: int
    lower: int

    @property
    def zip_codes(self) -> int:
        """All of them."""
        return self.higher + self.alike + self.lower


@dataclass(frozen=True)
class _ZipCodes:
    """The ZIP codes of the 50 states, DC and Puerto Rico, those of a state one after another.

    Their cells and unit vectors (n,), (n, 3); which of them are a state's.
    """

    cells: np.ndarray
    xyz: np.ndarray
    of_state: dict[str, slice]


class Ranks:
    """Ranks by load, for all threads of a process. A load's figures are read and sorted once."""

    def __init__(self, reader: Memory) -> None:
        """Rank by what this reader reads."""
        self._reader = reader
        self._lock = threading.Lock()

    def ranks(self, load: Load, figure: float, state: str) -> list[Rank]:
        """Return the ranks of a figure in the country and in a state.

        `figure` is the place's own, by `airaware.science.ranking`. An area without a ZIP code that
        has a figure is left out. Raises NoZoneError where no database answers.
        """
        figures = self._figures(load)
        return [_rank(area, figures[area], figure) for area in (COUNTRY, state) if area in figures]

    def _figures(self, load: Load) -> dict[str, np.ndarray]:
        """Return the figures of the ZIP codes of each area that has any: float32, ascending."""

        def read() -> dict[str, np.ndarray]:
            cells, figures = queries.ranking(self._reader, load)
            if not len(cells):  # as of loads of before
                return {}
            numbers, there = grid.among(cells, zip_codes().cells)
            known = np.where(there, figures[numbers], np.float32(np.nan))
            areas = {COUNTRY: slice(None), **zip_codes().of_state}
            found = {area: np.sort(known[which]) for area, which in areas.items()}
            finite = {area: each[: np.isfinite(each).sum()] for area, each in found.items()}
            return {area: each for area, each in finite.items() if len(each)}

        with self._lock:  # of several visitors at once, one asks the store
            found, _ = self._reader.settled(
                lambda: self._reader.remember("ranks", [load], "", read)
            )
        return found


def _rank(area: str, figures: np.ndarray, figure: float) -> Rank:
    lower, up_to = (int(np.searchsorted(figures, figure, side)) for side in ("left", "right"))
    return Rank(area, len(figures) - up_to, up_to - lower, lower)


def state_at(latitude: float, longitude: float) -> str:
    """Return the state of the ZIP code whose point is nearest (degrees): its two letters."""
    known = zip_codes()
    nearest = int(np.argmax(known.xyz @ unit_vectors(np.array(latitude), np.array(longitude))))
    return next(state for state, which in known.of_state.items() if nearest < which.stop)


@lru_cache(maxsize=1)
def zip_codes() -> _ZipCodes:
    """Return all ZIP codes that places are ranked among."""
    codes = sorted(covered_zip_codes().values(), key=lambda code: code.state)
    states = [code.state for code in codes]
    points = np.array([(code.latitude, code.longitude) for code in codes])
    return _ZipCodes(
        np.array(
            [h3.latlng_to_cell(*point, grid.RESOLUTION) for point in points.tolist()], np.int64
        ),
        unit_vectors(points[:, 0], points[:, 1]),
        {
            state: slice(bisect_left(states, state), bisect_right(states, state))
            for state in dict.fromkeys(states)
        },
    )
