"""Where the site covers: land of the 50 states, DC and Puerto Rico, and water within 12 km of it.

Land of other countries is never covered. The outline is data of the package
(`data/us_outline.npz`): the Census's 1:500,000 state outlines, which follow the land borders, and
12 km around them without the other countries of Natural Earth's 1:10,000,000 map and the 1.5 km
around those, because that map is coarser. Lakes count there as land of the country that they
belong to. Extra `grid` and npm's `world-atlas` (2.0.2) build it:

    npm pack world-atlas@2.0.2 && tar -xzf world-atlas-2.0.2.tgz
    python -m airaware.gazetteer.outline package/countries-10m.json
"""

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parent.parent / "data" / "us_outline.npz"
WATER_KM = 12.0
FOREIGN_MARGIN_DEGREES = 0.015  # Some 1.5 km: how far Natural Earth's shores are off.
KM_PER_DEGREE = 111.2
SCALE = 10_000  # Corners are kept to 0.0001 degrees, some 11 m.
OURS = {"840", "630"}  # ISO 3166: the United States, Puerto Rico


@lru_cache(maxsize=1)
def _edges() -> np.ndarray:
    """Return the outline's edges, (4, n): x and y of the start, then of the end, in degrees."""
    with np.load(FILE) as file:
        corners = np.cumsum(file["steps"], axis=0) / SCALE
        last = np.cumsum(file["lengths"]) - 1
    # Each ring ends where it began, and no edge leads from one ring to the next.
    within = np.delete(np.arange(len(corners) - 1), last[:-1])
    return np.concatenate([corners[within], corners[within + 1]], axis=1).T.copy()


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
    x, y, to_x, to_y = _edges()
    crossing = np.flatnonzero((y > latitude) != (to_y > latitude))
    x, y, to_x, to_y = x[crossing], y[crossing], to_x[crossing], to_y[crossing]
    return int((longitude < x + (latitude - y) / (to_y - y) * (to_x - x)).sum()) % 2 == 1


def build(countries: dict[str, Any]) -> Any:
    """Return the outline as a geometry of shapely, from Natural Earth's countries as TopoJSON."""
    from shapely import make_valid, unary_union
    from shapely.geometry import box, shape

    from airaware.science.grid import outlines

    us = unary_union([make_valid(shape(outline)) for outline in outlines().values()])
    near = _buffered(us.simplify(0.002))
    foreign = unary_union([each for each in _foreign(countries) if each.intersects(near)])
    water = near.difference(foreign.buffer(FOREIGN_MARGIN_DEGREES))
    return us.union(water).intersection(box(-180, -90, 180, 90)).simplify(0.0002)


def _buffered(us: Any) -> Any:
    """Return all within WATER_KM: a degree of latitude at a time, since degrees of longitude differ
    in length; what reaches over the antimeridian goes on beyond it."""
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


def _foreign(topology: dict[str, Any]) -> list[Any]:
    """Return the other countries of a quantized TopoJSON (its arcs are steps) as geometries."""
    from shapely import make_valid
    from shapely.geometry import MultiPolygon

    transform = topology["transform"]
    arcs = [
        np.cumsum(arc, axis=0) * transform["scale"] + transform["translate"]
        for arc in topology["arcs"]
    ]

    def ring(numbers: list[int]) -> np.ndarray:
        return np.concatenate([arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers])

    found = []
    for country in topology["objects"]["countries"]["geometries"]:
        if country.get("id") in OURS:
            continue
        parts = [country["arcs"]] if country["type"] == "Polygon" else country["arcs"]
        rings = [[ring(numbers) for numbers in part] for part in parts]
        # Islets of less than three corners are left over where corners were rounded.
        whole = [[each for each in part if len(each) > 3] for part in rings if len(part[0]) > 3]
        found.append(make_valid(MultiPolygon([(part[0], part[1:]) for part in whole])))
    return found


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
    save(build(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
