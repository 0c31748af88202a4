"""Local standard time everywhere in the US, as whole hours from UTC.

Standard time holds all year, as in EPA's files: Arizona has Mountain time, Indiana's counties have
their own. The offsets are today's, for all years: EPA knows one per site, too. They are data of the
package (`data/utc_offsets.npz`), H3 cells of mixed resolution, built by extra `grid` from the
library timezonefinder, which has the outlines of the time zones in OpenStreetMap (by its
contributors, under the Open Database License, ODbL 1.0, which holds for this file too):

    python -m airaware.science.utc_offsets
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import h3.api.basic_int as h3
import numpy as np

from airaware.science import grid

FILE = Path(__file__).parent.parent / "data" / "utc_offsets.npz"
# Resolutions of H3: of most areas, and along a border between two times (0.2 km an edge).
COARSE, FINEST = 7, 9
# Cells around the grid's that have an offset: points on the water belong to the second ring.
RINGS = 3
COUNTRIES = ("US", "PR")
MIDWINTER = datetime(2026, 1, 1)  # noqa: DTZ001 (local, and nobody in the US is on DST)


@lru_cache(maxsize=1)
def _areas() -> dict[int, int]:
    """Return the offset of each cell; cells are as coarse as their offset allows."""
    with np.load(FILE) as file:
        return dict(zip(np.cumsum(file["steps"]).tolist(), file["offsets"].tolist(), strict=True))


def at(latitude: float, longitude: float) -> int:
    """Return the standard time's hours from UTC at a point (degrees).

    Far from the US, where no area is, those of its longitude.
    """
    return offset_in(_areas(), latitude, longitude)


def offset_in(areas: Mapping[int, int], latitude: float, longitude: float) -> int:
    """Return the offset at a point (degrees) by the offsets of some areas, as `at`."""
    cell = h3.latlng_to_cell(latitude, longitude, FINEST)
    ancestors = (h3.cell_to_parent(cell, level) for level in range(FINEST, -1, -1))
    return next((areas[each] for each in ancestors if each in areas), round(longitude / 15))


@lru_cache(maxsize=1)
def of_grid() -> np.ndarray:
    """Return the offset at each cell of the grid, in its order: (n,), int8."""
    cells = grid.load().cells
    offsets = np.zeros(len(cells), np.int8)
    areas: dict[int, list[int]] = {}
    for area, offset in _areas().items():
        if h3.get_resolution(area) <= grid.RESOLUTION:
            areas.setdefault(offset, []).append(area)
    for offset, of_offset in areas.items():
        whole = np.array(h3.uncompact_cells(of_offset, grid.RESOLUTION), np.int64)
        found = np.searchsorted(cells, whole).clip(max=len(cells) - 1)
        offsets[found[cells[found] == whole]] = offset
    for place in np.flatnonzero(offsets == 0).tolist():  # cells of several areas
        offsets[place] = at(*h3.cell_to_latlng(int(cells[place])))
    return offsets


def build(cells: Iterable[int]) -> dict[int, int]:
    """Return the offset of each area of some cells of the grid's resolution.

    Water and land of other countries have the offset of the nearest point in the US.
    """
    coarse = [part for cell in cells for part in h3.cell_to_children(cell, COARSE)]
    offset_of = dict(zip(coarse, _looked_up(coarse), strict=True))
    border = [
        cell
        for cell, offset in offset_of.items()
        if any(offset_of.get(each, offset) != offset for each in h3.grid_disk(cell, 1))
    ]
    for cell in border:
        del offset_of[cell]
    fine = [part for cell in border for part in h3.cell_to_children(cell, FINEST)]
    fine_offset_of = dict(zip(fine, _looked_up(fine), strict=True))
    areas: dict[int, int] = {}
    for found in (offset_of, fine_offset_of):
        for offset in set(found.values()):
            alike = [cell for cell, its in found.items() if its == offset]
            areas |= dict.fromkeys(h3.compact_cells(alike), offset)
    return areas


def _looked_up(cells: list[int]) -> list[int]:
    """Return the offset at each cell's centre, by timezonefinder."""
    # Of extra `grid`; the site's hosts have neither.
    from timezonefinder import TimezoneFinder

    from airaware.science.interpolate import Points

    finder, ours = TimezoneFinder(in_memory=True), _zones()
    centers = np.array([h3.cell_to_latlng(cell) for cell in cells]).reshape(-1, 2)
    names = [finder.timezone_at(lat=lat, lng=lon) for lat, lon in centers.tolist()]
    known = np.array([name in ours for name in names], bool)
    offsets = np.array([ours.get(name or "", 0) for name in names])
    if len(cells):
        _, nearest = Points(*centers[known].T).tree.query(Points(*centers.T).xyz[~known])
        offsets[~known] = offsets[known][nearest]
    found: list[int] = offsets.tolist()
    return found


def _zones() -> dict[str, int]:
    """Return the standard offset of each time zone of the US, by its name."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text()
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    names = [name for country, _, name, *_ in rows if country in COUNTRIES]
    offsets = [ZoneInfo(name).utcoffset(MIDWINTER) or timedelta() for name in names]
    return {
        name: round(offset / timedelta(hours=1))
        for name, offset in zip(names, offsets, strict=True)
    }


def _covered() -> set[int]:
    """Return the grid's cells and RINGS around them."""
    return {each for cell in grid.load().cells.tolist() for each in h3.grid_disk(cell, RINGS)}


if __name__ == "__main__":
    areas = sorted(build(sorted(_covered())).items())
    found, its_offsets = np.array(areas, np.int64).T
    np.savez_compressed(FILE, steps=np.diff(found, prepend=0), offsets=its_offsets.astype(np.int8))
