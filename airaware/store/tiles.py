"""What the map asks the store: cells' shapes as vector tiles, and their values apart from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from airaware.science import grid
from airaware.science.map_metrics import MAP_METRICS
from airaware.store.memory import Memory
from airaware.store.queries import Load
from airaware.store.zones import Reader

# Deeper than that, the map enlarges these.
MAX_ZOOM = 7
# The resolution at each zoom: a tile holds at most some 4,000 cells.
_RESOLUTION = (3, 3, 3, 4, 4, 5, 5, 6)

# Whole cells, also across the tile's edge: the map cuts them off, three times faster than
# ST_AsMVTGeom. 4096 units from the tile's upper left corner, y downwards; ST_AsMVT drops fractions,
# hence the halves, which take a seventh less than to snap to a grid. (Above and left of the tile,
# where numbers are negative, a corner may so be one unit off.) In no order: to sort them would take
# a third of the time.
_TILE = """
WITH tile AS (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS bounds),
     origin AS (
         SELECT bounds, ST_XMin(bounds) AS west, ST_YMax(bounds) AS north,
                4096 / (ST_XMax(bounds) - ST_XMin(bounds)) AS scale
         FROM tile
     )
SELECT ST_AsMVT(feature, 'cells', 4096, 'shape', 'id') AS mvt
FROM (
    SELECT id, ST_Affine(
        shape, scale, 0, 0, -scale, 0.5 - west * scale, 0.5 + north * scale) AS shape
    FROM cell_shape, origin
    WHERE resolution = %(resolution)s AND shape && bounds
) AS feature
"""
_IDS = """
SELECT string_agg(int4send(id), ''::bytea) AS ids FROM cell_shape
WHERE resolution = %(resolution)s AND shape && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)
"""
# Arrays in PostgreSQL's own binary form (_ROW), which NumPy reads a hundred times faster than text.
_VALUES = """
SELECT string_agg(int4send(id) || array_send({metric}::real[]) || array_send(nearest_km),
                  ''::bytea) AS rows
FROM cell_shape JOIN {table} USING (cell)
WHERE parameter = %(parameter)s AND year = %(year)s AND resolution {within}
"""
_PARENTS = f"< {grid.RESOLUTION}"
_CELLS_IN_TILE = f"= {grid.RESOLUTION} AND shape && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
_MONTHS = np.dtype([("header", "V20"), ("months", [("length", ">i4"), ("value", ">f4")], 12)])
_ROW = np.dtype([("id", ">i4"), ("value", _MONTHS), ("nearest_km", _MONTHS)])


@dataclass(frozen=True)
class Values:
    """Values of a tile's cells: ids ascending (n,); value and nearest_km (n, 12), NaN if missing.

    Concentrations are in the unit of EPA's file.
    """

    ids: np.ndarray
    value: np.ndarray
    nearest_km: np.ndarray

    def __len__(self) -> int:
        """Return the number of cells: memory keeps nothing that came empty."""
        return len(self.ids)

    def among(self, ids: np.ndarray) -> "Values":
        """Return the values of those cells whose ids are among these (m,), in any order."""
        there = np.isin(self.ids, ids)
        return Values(self.ids[there], self.value[there], self.nearest_km[there])


def exists(z: int, x: int, y: int) -> bool:
    """Whether there is such a tile."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


def shapes(reader: Reader, z: int, x: int, y: int) -> bytes:
    """Return the cells in a tile as a Mapbox Vector Tile: the layer `cells`, ids and no attributes.

    Raises NoZoneError where no database answers.
    """
    place = {"z": z, "x": x, "y": y, "resolution": _RESOLUTION[z]}
    return bytes(reader.fetch(_TILE, place)[0].mvt)


def values(reader: Memory, load: Load, metric: str, z: int, x: int, y: int) -> Values:
    """Return the values of one of MAP_METRICS in a tile, all months.

    Those of coarser cells are read all at once, and remembered: 1.4 MB. Raises NoZoneError where no
    database answers.
    """
    if metric not in MAP_METRICS:
        raise ValueError(f"no such metric: {metric}")
    place: dict[str, object] = {"z": z, "x": x, "y": y}
    if _RESOLUTION[z] == grid.RESOLUTION:
        return _read(reader, load, _VALUES.format(
            metric=metric, table="cell_year", within=_CELLS_IN_TILE), place)  # fmt: skip
    everywhere = _VALUES.format(metric=metric, table="parent_year", within=_PARENTS)
    parents = reader.remember(
        "parents", [load], metric, lambda: _read(reader, load, everywhere, {})
    )
    found = reader.fetch(_IDS, place | {"resolution": _RESOLUTION[z]})
    return parents.among(np.frombuffer(found[0].ids or b"", ">i4"))


def _read(reader: Reader, load: Load, query: str, place: Mapping[str, object]) -> Values:
    found = reader.fetch(
        query,
        {**place, "parameter": load.parameter, "year": load.year},
        of=[(load.parameter, load.year)],
    )
    rows = np.frombuffer(found[0].rows or b"", _ROW)
    # A cell at 180 degrees is there twice: it has a shape in the east and one in the west.
    rows = rows[np.unique(rows["id"], return_index=True)[1]]
    return Values(
        rows["id"].astype(np.uint32),
        rows["value"]["months"]["value"].astype(np.float32),
        rows["nearest_km"]["months"]["value"].astype(np.float32),
    )
