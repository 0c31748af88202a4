"""How many hours each site's clock is from UTC, by the GMT times in its file.

Each row has its hour twice: in local standard time and in GMT. The local time is what EPA's days
are made of, and is always taken. What most rows of a site say is its offset, unless it contradicts
the longitude: in old files the GMT times of some sites have the wrong sign.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from airaware.science import utc_offsets

# The date is not needed: the hour alone distinguishes all US offsets, those of the wrong sign too.
TIME = "Time GMT"
# A clock that is further from its longitude's (15 degrees an hour) is wrong, or needs a look.
FARTHEST_HOURS = 2

# Of a block: a site, its latitude and longitude, and how many rows say which offset.
Vote = tuple[str, Sequence[float], Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Clocks:
    """By site: hours from UTC, and how many rows have a GMT time that does not fit them."""

    offsets: dict[str, int]
    misfits: dict[str, int]


def votes(
    sites: Sequence[str],
    places: np.ndarray,
    starts: np.ndarray,
    hour: np.ndarray,
    gmt_hour: np.ndarray,
) -> list[Vote]:
    """Return what a block's rows say of their sites' clocks, for `clocks`.

    Args:
        sites: code of the site of each run of rows (m,).
        places: its latitude and longitude in degrees (m, 2).
        starts: first row of each run (m,).
        hour: local hour of each row, 0 to 23 (n,).
        gmt_hour: GMT hour of each row, negative where there is none (n,).
    """
    ahead = (hour - gmt_hour).astype(int) % 24
    ends = [*starts.tolist(), len(hour)][1:]
    found: list[Vote] = []
    for site, place, begin, end in zip(sites, places.tolist(), starts.tolist(), ends, strict=True):
        rows = np.bincount(ahead[begin:end][gmt_hour[begin:end] >= 0], minlength=24).tolist()
        found.append((site, place, [((n + 12) % 24 - 12, rows[n]) for n in range(24) if rows[n]]))
    return found


def clocks(blocks: Iterable[Iterable[Vote]]) -> Clocks:
    """Return the sites' clocks by the votes of all blocks, in the order of the file."""
    places: dict[str, Sequence[float]] = {}
    said: dict[str, Counter[int]] = {}
    for site, place, counts in chain.from_iterable(blocks):
        places.setdefault(site, place)
        said.setdefault(site, Counter()).update(dict(counts))
    offsets = {site: _offset(said[site], *place) for site, place in places.items()}
    misfits = {site: said[site].total() - said[site][offset] for site, offset in offsets.items()}
    return Clocks(offsets, {site: rows for site, rows in misfits.items() if rows})


def _offset(said: Counter[int], latitude: float, longitude: float) -> int:
    """Return a site's offset: what most rows say, else that of the place (degrees)."""
    if said:
        most = max(said, key=lambda offset: (said[offset], -_gap(offset, longitude), offset))
        if _gap(most, longitude) <= FARTHEST_HOURS:
            return most
    return utc_offsets.at(latitude, longitude)


def _gap(offset: int, longitude: float) -> float:
    """Return the hours between a clock and that of its longitude, around the globe."""
    return abs((offset - longitude / 15 + 12) % 24 - 12)
