"""What the map asks the store: cells' shapes as vector tiles, and their values apart from them."""

from dataclasses import dataclass

import numpy as np

from airaware.science import grid
from airaware.science.map_metrics import MAP_METRICS
from airaware.store import queries
from airaware.store.zones import Reader

# Deeper than that, the map enlarges these.
MAX_ZOOM = 7
# The resolution at each zoom: a tile holds at most some 4,000 cells.
_RESOLUTION = (3, 3, 3, 4, 4, 5, 5, 6)

# Whole cells, also across the tile's edge: the map cuts them off, three times faster than
# ST_AsMVTGeom. 4096 units from the tile's upper left corner, y downwards. In no order: to sort
# them would take a third of the time.
_TILE = """
WITH tile AS (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS bounds),
     origin AS (
         SELECT bounds, ST_XMin(bounds) AS west, ST_YMax(bounds) AS north,
                4096 / (ST_XMax(bounds) - ST_XMin(bounds)) AS scale
         FROM tile
     )
SELECT ST_AsMVT(feature, 'cells', 4096, 'shape', 'id') AS mvt
FROM (
    SELECT id, ST_SnapToGrid(
        ST_Affine(shape, scale, 0, 0, -scale, -west * scale, north * scale), 1) AS shape
    FROM cell_shape, origin
    WHERE resolution = %(resolution)s AND shape && bounds
) AS feature
"""
# Arrays in PostgreSQL's own binary form (_ROW), which NumPy reads a hundred times faster than text.
# The range of cells is that of the table with the values, which is otherwise read whole.
_VALUES = """
SELECT string_agg(int4send(id) || array_send({metric}::real[]) || array_send(nearest_km),
                  ''::bytea) AS rows
FROM cell_shape JOIN {table} USING (cell)
WHERE resolution = %(resolution)s AND shape && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)
  AND parameter = %(parameter)s AND year = %(year)s
  AND {table}.cell BETWEEN %(first)s AND %(last)s
"""
_MONTHS = np.dtype([("header", "V20"), ("months", [("length", ">i4"), ("value", ">f4")], 12)])
_ROW = np.dtype([("id", ">i4"), ("value", _MONTHS), ("nearest_km", _MONTHS)])


@dataclass(frozen=True)
class LoadedYear:
    """One parameter's year that the map can show. Its checksum is the same in every zone."""

    parameter: int
    year: int
    synthetic: bool
    checksum: str


@dataclass(frozen=True)
class Values:
    """Values of a tile's cells: ids ascending (n,); value and nearest_km (n, 12), NaN if missing.

    Concentrations are in the unit of EPA's file.
    """

    ids: np.ndarray
    value: np.ndarray
    nearest_km: np.ndarray


def exists(z: int, x: int, y: int) -> bool:
    """Whether there is such a tile."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


def shapes(reader: Reader, z: int, x: int, y: int) -> bytes:
    """Return the cells in a tile as a Mapbox Vector Tile: the layer `cells`, ids and no attributes.

    Raises NoZoneError where no database answers.
    """
    place = {"z": z, "x": x, "y": y, "resolution": _RESOLUTION[z]}
    return bytes(reader.fetch(_TILE, place)[0].mvt)


def values(reader: Reader, load: LoadedYear, metric: str, z: int, x: int, y: int) -> Values:
    """Return the values of one of MAP_METRICS in a tile, all months.

    Raises NoZoneError where no database answers.
    """
    if metric not in MAP_METRICS:
        raise ValueError(f"no such metric: {metric}")
    resolution = _RESOLUTION[z]
    table = "cell_year" if resolution == grid.RESOLUTION else "parent_year"
    found = reader.fetch(
        _VALUES.format(metric=metric, table=table),
        {"z": z, "x": x, "y": y, "resolution": resolution,
         "parameter": load.parameter, "year": load.year,
         # H3's index of a cell begins with its resolution.
         "first": 1 << 59 | resolution << 52, "last": 1 << 59 | (resolution + 1) << 52},
        of=[(load.parameter, load.year)],
    )  # fmt: skip
    rows = np.frombuffer(found[0].rows or b"", _ROW)
    # A cell at 180 degrees is there twice: it has a shape in the east and one in the west.
    rows = rows[np.unique(rows["id"], return_index=True)[1]]
    return Values(
        rows["id"].astype(np.uint32),
        rows["value"]["months"]["value"].astype(np.float32),
        rows["nearest_km"]["months"]["value"].astype(np.float32),
    )


def loads(reader: Reader) -> list[LoadedYear]:
    """All that the store serves, by parameter and year.

    Raises NoZoneError where no database answers.
    """
    return [
        LoadedYear(load.parameter, load.year, load.synthetic, load.checksum)
        for load in queries.served(reader).loads
    ]


def load(reader: Reader, parameter: int, year: int) -> LoadedYear | None:
    """One parameter's year; None where the store has none.

    Raises NoZoneError where no database answers.
    """
    rows = reader.fetch(
        "SELECT synthetic, checksum::text FROM load WHERE parameter = %s AND year = %s",
        (parameter, year),
        of=[(parameter, year)],
    )
    if rows:
        return LoadedYear(parameter, year, *rows[0])
    # It may have come into another zone a moment ago.
    there = (load for load in loads(reader) if (load.parameter, load.year) == (parameter, year))
    return next(there, None)
