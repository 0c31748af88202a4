"""Where the site covers: land of the 50 states, DC and Puerto Rico, and water within 12 km of it.

Land and waters of other countries and of the territories are never covered. The outline is data of
the package (`data/us_outline.npz`): 12 km around the Census's 1:500,000 state outlines, without the
time zones of other countries. Those come from the library timezonefinder, which has them by
OpenStreetMap (by its contributors, under the Open Database License, ODbL 1.0, which holds for this
file too): finer than the Census's own lines, and with every foreign islet and its waters.
Extra `grid` builds it:

    python -m airaware.gazetteer.outline
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from math import floor
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parent.parent / "data" / "us_outline.npz"
WATER_KM = 12.0
KM_PER_DEGREE = 111.2
# Of latitude, in a degree: of more than 500 edges NumPy lets other threads go first.
BANDS = 10
SCALE = 10_000  # Corners are kept to 0.0001 degrees, some 11 m.
# ISO 3166. Kure Atoll, which is in Hawaii, has the time zone of Midway, which is in UM.
OURS = {"US", "PR", "UM"}


@lru_cache(maxsize=1)
def _edges() -> np.ndarray:
    """Return the outline's edges, (4, n): x and y of the start, then of the end, in degrees."""
    with np.load(FILE) as file:
        corners = np.cumsum(file["steps"], axis=0) / SCALE
        last = np.cumsum(file["lengths"]) - 1
    # Each ring ends where it began, and no edge leads from one ring to the next.
    within = np.delete(np.arange(len(corners) - 1), last[:-1])
    return np.concatenate([corners[within], corners[within + 1]], axis=1).T.copy()


@lru_cache(maxsize=180 * BANDS)
def _edges_near(band: int) -> np.ndarray:
    """Return the edges that reach into a band of latitude."""
    edges = _edges()
    y = edges[1::2]
    south, north = band / BANDS, (band + 1) / BANDS
    return edges[:, (y.max(axis=0) >= south) & (y.min(axis=0) <= north)]


@lru_cache(maxsize=1)
def _box() -> tuple[float, float]:
    """Return the least and the greatest latitude."""
    _, south, _, north = _edges()
    return float(south.min()), float(north.max())


def covers(latitude: float, longitude: float) -> bool:
    """Whether a point (degrees) is covered: a ray from it crosses an odd number of edges."""
    south, north = _box()
    if not (south <= latitude <= north and -180 <= longitude <= 180):
        return False
    x, y, to_x, to_y = _edges_near(floor(latitude * BANDS))
    crossing = np.flatnonzero((y > latitude) != (to_y > latitude))
    x, y, to_x, to_y = x[crossing], y[crossing], to_x[crossing], to_y[crossing]
    return int((longitude < x + (latitude - y) / (to_y - y) * (to_x - x)).sum()) % 2 == 1


def build() -> Any:
    """Return the outline as a geometry of shapely."""
    from shapely import make_valid, unary_union
    from shapely.geometry import box, shape

    from airaware.science.grid import outlines

    us = unary_union([make_valid(shape(outline)) for outline in outlines().values()])
    near = _buffered(us.simplify(0.002)).union(us)
    foreign = unary_union([zone for zone in _foreign_zones() if zone.intersects(near)])
    return near.difference(foreign).intersection(box(-180, -90, 180, 90)).simplify(0.0002)


def _buffered(us: Any) -> Any:
    """Return all within WATER_KM.

    It is made a degree of latitude at a time, since degrees of longitude differ in length; what
    reaches over the antimeridian goes on beyond it.
    """
    from shapely import unary_union
    from shapely.affinity import scale, translate
    from shapely.geometry import box

    bands = []
    for south in range(int(us.bounds[1]), int(us.bounds[3]) + 1):
        band = us.intersection(box(-180, south, 180, south + 1))
        if band.is_empty:
            continue
        width = float(np.cos(np.radians(south + 0.5)))
        flat = scale(band, width, 1, origin=(0, 0)).buffer(WATER_KM / KM_PER_DEGREE)
        bands.append(scale(flat, 1 / width, 1, origin=(0, 0)))
    near = unary_union(bands).simplify(0.001)
    return unary_union([near, translate(near, 360), translate(near, -360)])


def _foreign_zones() -> Iterator[Any]:
    """Yield each part of the time zones of other countries, with their waters."""
    from shapely import make_valid
    from shapely.geometry import Polygon
    from timezonefinder import TimezoneFinder

    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text()
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    names = {name for country, _, name, *_ in rows if country not in OURS}
    finder = TimezoneFinder(in_memory=True)
    for name in sorted(names & set(finder.timezone_names)):
        for shell, *holes in finder.get_geometry(tz_name=name, coords_as_pairs=True):
            yield make_valid(Polygon(shell, holes))


def save(outline: Any) -> None:
    """Write a geometry of shapely to the package's data."""
    rings = [
        np.rint(np.array(ring.coords) * SCALE).astype(np.int32)
        for part in outline.geoms
        for ring in (part.exterior, *part.interiors)
    ]
    steps = np.diff(np.concatenate(rings), axis=0, prepend=np.zeros((1, 2), np.int32))
    np.savez_compressed(FILE, steps=steps, lengths=np.array([len(ring) for ring in rings]))


if __name__ == "__main__":
    save(build())
