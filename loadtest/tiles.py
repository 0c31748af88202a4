"""The tiles of the map that places are on."""

import math

from airaware.gazetteer.places import ZipCode


def tile_of(place: ZipCode, z: int) -> tuple[int, int]:
    """The tile (x, y) of a place at a zoom (the Web Mercator projection)."""
    x = (place.longitude + 180) / 360
    y = (1 - math.asinh(math.tan(math.radians(place.latitude))) / math.pi) / 2
    return int(x * 2**z), int(y * 2**z)
