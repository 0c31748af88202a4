"""The grid: H3 cells of resolution 6 that overlap the 50 states, DC and Puerto Rico.

They are about 6.4 km apart; no US address is farther than some 4 km from a cell's centre. The cells
are data of the package (`data/us_cells.npz`), built from the Census's 1:500,000 state outlines by

    python -m airaware.science.grid
"""

from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np

RESOLUTION = 6
CELLS_FILE = Path(__file__).parents[1] / "data" / "us_cells.npz"
# Territories in the Census's outlines that lie outside the site's promise.
LEFT_OUT = {"AS", "GU", "MP", "VI"}


@dataclass(frozen=True)
class Grid:
    """Points to interpolate to: ids, and latitude and longitude in degrees, each of shape (n,)."""

    cells: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.cells)


@lru_cache(maxsize=1)
def load() -> Grid:
    """Return the grid, its cells in ascending order of their H3 index (int64)."""
    with np.load(CELLS_FILE) as file:
        cells = sorted(h3.uncompact_cells(file["compacted"].tolist(), RESOLUTION))
    centers = np.array([h3.cell_to_latlng(cell) for cell in cells])
    return Grid(np.array(cells, dtype=np.int64), centers[:, 0], centers[:, 1])


@lru_cache(maxsize=1)
def _compacted() -> frozenset[int]:
    """Return the grid's cells, each whole family of cells as its parent of any resolution."""
    with np.load(CELLS_FILE) as file:
        return frozenset(file["compacted"].tolist())


def _is_member(cell: int, level: int = RESOLUTION) -> bool:
    return cell in _compacted() or (level > 0 and _is_family(h3.cell_to_parent(cell), level - 1))


# Neighbours share their families, which are asked from fine to coarse.
_is_family = lru_cache(maxsize=4096)(_is_member)


def _around(
    latitude: float, longitude: float, rings: int
) -> tuple[tuple[int, tuple[float, float]], ...]:
    """Return the grid's cells among a point's H3 cell and the rings around it, and centres."""
    return _disk(h3.latlng_to_cell(latitude, longitude, RESOLUTION), rings)


@lru_cache(maxsize=4096)
def _disk(cell: int, rings: int) -> tuple[tuple[int, tuple[float, float]], ...]:
    members = filter(_is_member, h3.grid_disk(cell, rings))
    return tuple((each, h3.cell_to_latlng(each)) for each in members)


def in_us(latitude: float, longitude: float) -> bool:
    """Whether a point (degrees) lies in a cell of the grid or in a neighbour of one.

    The neighbours are for piers, islets and outlines that cut corners: EPA's own sites need them.
    """
    return bool(_around(latitude, longitude, 1))


@dataclass(frozen=True)
class Cell:
    """A cell of the grid: its centre in degrees, and how far that is from the point asked about."""

    cell: int
    latitude: float
    longitude: float
    distance_km: float


def nearest(latitude: float, longitude: float) -> Cell | None:
    """Return the cell whose centre is nearest to a point (degrees); None far from the grid.

    The second ring is for water up to 12 km from land, which is covered too.
    """
    for rings in (1, 2):
        found = [
            (h3.great_circle_distance((latitude, longitude), center), cell, center)
            for cell, center in _around(latitude, longitude, rings)
        ]
        if found:
            distance_km, cell, center = min(found, key=itemgetter(0))
            return Cell(cell, *center, distance_km)
    return None


def among(cells: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each wanted cell's index among ascending cells, and whether it is one of them.

    Where it is not, its index is that of any cell. Raises IndexError where there are no cells.
    """
    numbers = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    return numbers, cells[numbers] == wanted


def outlines() -> dict[str, dict[str, Any]]:
    """Return the states, DC and Puerto Rico as GeoJSON by their two letters (extra `grid`)."""
    import _plotly_geo
    import shapefile

    path = Path(_plotly_geo.__file__).parent / "package_data" / "cb_2016_us_state_500k"
    states = shapefile.Reader(str(path)).iterShapeRecords()
    found = {state.record["STUSPS"]: state.shape.__geo_interface__ for state in states}
    return {name: outline for name, outline in found.items() if name not in LEFT_OUT}


def overlapping_cells(outline: dict[str, Any]) -> set[int]:
    """Return the cells that overlap a GeoJSON Polygon or MultiPolygon (longitude, latitude)."""
    polygons = outline["coordinates"]
    if outline["type"] == "Polygon":
        polygons = [polygons]
    cells: set[int] = set()
    for rings in polygons:
        polygon = h3.LatLngPoly(*[[(lat, lon) for lon, lat in ring] for ring in rings])
        cells.update(h3.h3shape_to_cells_experimental(polygon, RESOLUTION, contain="overlap"))
    return cells


if __name__ == "__main__":
    us = set().union(*map(overlapping_cells, outlines().values()))
    compacted = sorted(h3.compact_cells(sorted(us)))
    np.savez_compressed(CELLS_FILE, compacted=np.array(compacted, dtype=np.int64))
