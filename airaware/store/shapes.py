"""The outlines of the grid's cells and of their coarser parents: the table `cell_shape`.

In Web Mercator (EPSG:3857), which is the map's, so that no tile has to project.
"""

import io
from collections.abc import Iterator
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
from psycopg2 import extensions

from airaware.science import grid
from airaware.store.binary import encode

# Coarse to fine.
RESOLUTIONS = (3, 4, 5, grid.RESOLUTION)
_EARTH_RADIUS_METRES = 6378137.0
_WORLD_METRES = 2 * np.pi * _EARTH_RADIUS_METRES
# Extended well-known binary: little-endian, a polygon, with a reference system.
_WKB = (1, 3 | 0x20000000, 3857)


def fill(cursor: extensions.cursor) -> None:
    """Fill `cell_shape` from the package's grid, unless it is filled already."""
    cells = grid.load().cells
    cursor.execute(
        "SELECT count(*), coalesce(sum(cell), 0) FROM cell_shape WHERE resolution = %s",
        (grid.RESOLUTION,),
    )
    if cursor.fetchone() == (len(cells), sum(cells.tolist())):
        return
    cursor.execute("TRUNCATE cell_shape")
    cursor.execute("DROP INDEX IF EXISTS cell_shape_shape")
    for rows in _rows(cells.tobytes()):
        cursor.copy_expert("COPY cell_shape FROM STDIN (FORMAT binary)", io.BytesIO(rows))
    # After the rows: that takes a quarter of the time.
    cursor.execute("CREATE INDEX cell_shape_shape ON cell_shape USING gist (shape)")
    cursor.execute("ANALYZE cell_shape")


@lru_cache(maxsize=1)
def _rows(cells: bytes) -> list[bytes]:
    """Binary COPY streams. Worked out once for all zones; the key is the grid's cells, int64."""
    finest = np.frombuffer(cells, np.int64).tolist()
    streams: list[bytes] = []
    first = 0
    for resolution in RESOLUTIONS:
        family = sorted({h3.cell_to_parent(cell, resolution) for cell in finest})
        streams += _encoded(resolution, np.array(family), first)
        first += len(family)
    return streams


def _encoded(resolution: int, cells: np.ndarray, first: int) -> Iterator[bytes]:
    """Yield a stream per number of corners: six, or up to ten at an edge of H3's icosahedron."""
    boundaries = [h3.cell_to_boundary(cell) for cell in cells.tolist()]
    corners = np.array([len(boundary) for boundary in boundaries])
    for count in np.unique(corners):
        chosen = np.flatnonzero(corners == count)
        rings = _mercator(np.array([boundaries[n] for n in chosen]))
        x = rings[:, :, 0]
        across = np.ptp(x, axis=1) > _WORLD_METRES / 2
        # East of 180 degrees instead of far in the west; and once more, one world to the west.
        x[across] = np.where(x[across] < 0, x[across] + _WORLD_METRES, x[across])
        rings = np.concatenate([rings, rings[across] - (_WORLD_METRES, 0)])
        chosen = np.concatenate([chosen, chosen[across]])
        yield encode(
            np.full(len(chosen), resolution, np.int16),
            cells[chosen],
            (first + chosen).astype(np.int32),
            _polygons(rings),
        )


def _mercator(boundaries: np.ndarray) -> np.ndarray:
    """Corners (cells, corners, 2) in degrees, latitude first -> closed rings, x and y in metres.

    H3's corners go counterclockwise; vector tiles want them clockwise.
    """
    latitude, longitude = np.radians(np.moveaxis(boundaries[:, ::-1], 2, 0))
    y = np.log(np.tan(np.pi / 4 + latitude / 2))
    rings = _EARTH_RADIUS_METRES * np.stack([longitude, y], axis=2)
    return np.concatenate([rings, rings[:, :1]], axis=1)


def _polygons(rings: np.ndarray) -> np.ndarray:
    """Rings (n, points, 2) -> geometries, one fixed length of bytes each."""
    kind = np.dtype(
        [("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("rings", "<u4"), ("points", "<u4"),
         ("ring", "<f8", rings.shape[1:])]
    )  # fmt: skip
    polygons = np.zeros(len(rings), kind)
    polygons["order"], polygons["type"], polygons["srid"] = _WKB
    polygons["rings"], polygons["points"] = 1, rings.shape[1]
    polygons["ring"] = rings
    return np.frombuffer(polygons.tobytes(), f"S{kind.itemsize}")
