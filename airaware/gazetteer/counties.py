"""The counties of the 50 states, DC and Puerto Rico, and which cells of the grid are theirs.

They are data of the package (`data/counties.npz`), built from npm's us-atlas, which the front end
installs: the Census's outlines of 2017.

    python -m airaware.gazetteer.counties frontend/node_modules/us-atlas/counties-10m.json
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from airaware.gazetteer import places
from airaware.science import grid

FILE = Path(__file__).parents[1] / "data" / "counties.npz"
# American Samoa, Guam, the Northern Mariana Islands and the US Virgin Islands are not covered.
LEFT_OUT = ("60", "66", "69", "78")


@dataclass(frozen=True)
class Counties:
    """Counties by their FIPS codes, ascending, and pairs of a county and a cell that is its own.

    fips, name, state: of each county, the state by its two letters; county: its number, and cell:
    the cell's H3 index, of each pair.
    """

    fips: tuple[str, ...]
    name: tuple[str, ...]
    state: tuple[str, ...]
    county: np.ndarray
    cell: np.ndarray


@lru_cache(maxsize=1)
def load() -> Counties:
    """Return the package's counties."""
    with np.load(FILE) as file:
        own, small, middle = file["county_of_cell"], file["small"], file["middle"]
        fips, name, state = (tuple(file[each].tolist()) for each in ("fips", "name", "state"))
        cells = grid.load().cells
        return Counties(
            fips,
            name,
            state,
            county=np.concatenate([own, small]).astype(np.int64),
            cell=np.concatenate([cells, cells[middle]]),
        )


def build(topology: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the data of us-atlas's counties.

    A cell is of the county in which its centre lies, or of the nearest where that is water. A
    county without any, as a small city in Virginia, shares the cell nearest to its middle.
    """
    import shapely

    found = sorted(_outlines(topology), key=lambda each: each[0])
    cells = grid.load()
    shapes = np.array([shape for *_, shape in found])
    shapely.prepare(shapes)
    nearest = shapely.STRtree(shapes).nearest(shapely.points(cells.longitude, cells.latitude))
    own = np.asarray(nearest, np.int16)
    small = np.setdiff1d(np.arange(len(found)), own)
    middles = [shapes[number].representative_point() for number in small]
    nearest_cells = [grid.nearest(middle.y, middle.x) for middle in middles]
    assert all(nearest_cells), "a county lies outside the grid"
    return {
        "fips": np.array([fips for fips, *_ in found]),
        "name": np.array([name for _, name, *_ in found]),
        "state": np.array([state for _, _, state, _ in found]),
        "county_of_cell": own,
        "small": small.astype(np.int16),
        "middle": np.searchsorted(cells.cells, [each.cell for each in nearest_cells if each]),
    }


def _outlines(topology: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield each county's FIPS code, name, state and shape (longitude, latitude in degrees)."""
    import shapely

    codes = places.load().states
    objects = topology["objects"]
    states = {
        each["id"]: codes[places.key(each["properties"]["name"])]
        for each in objects["states"]["geometries"]
        if each["id"] not in LEFT_OUT
    }
    scale, origin = (topology["transform"][name] for name in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + origin for arc in topology["arcs"]]
    for each in objects["counties"]["geometries"]:
        if each["id"][:2] in states:
            polygons = [each["arcs"]] if each["type"] == "Polygon" else each["arcs"]
            rings = [[_ring(arcs, ring) for ring in polygon] for polygon in polygons]
            # Some are so small that the outlines' grid leaves two points of them.
            whole = [[ring for ring in polygon if len(ring) >= 4] for polygon in rings]
            shape = shapely.MultiPolygon([(outer, holes) for outer, *holes in filter(None, whole)])
            yield each["id"], each["properties"]["name"], states[each["id"][:2]], shape


def _ring(arcs: list[np.ndarray], numbers: list[int]) -> np.ndarray:
    """Return a ring of TopoJSON: arcs one after another, those with a negative number backwards."""
    return np.concatenate([arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers])


if __name__ == "__main__":
    found = build(json.loads(Path(sys.argv[1]).read_text()))
    np.savez_compressed(FILE, allow_pickle=False, **found)
