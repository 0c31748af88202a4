"""Places all over the country to ask for, and the tiles of the map that they are on."""

import math
from typing import Any

import zipcodes

from airaware.web.geocode import OUTSIDE_STATES

Place = dict[str, Any]  # an entry of `zipcodes`: zip_code, lat, long, ...


def inside() -> list[Place]:
    """The ZIP codes of the states that the site covers."""
    return [
        entry
        for entry in zipcodes.filter_by(country="US")
        if entry["state"] not in OUTSIDE_STATES and float(entry["lat"]) and float(entry["long"])
    ]


def tile_of(place: Place, z: int) -> tuple[int, int]:
    """The tile (x, y) of a place at a zoom (the Web Mercator projection)."""
    longitude, latitude = float(place["long"]), math.radians(float(place["lat"]))
    x = (longitude + 180) / 360
    y = (1 - math.asinh(math.tan(latitude)) / math.pi) / 2
    return int(x * 2**z), int(y * 2**z)
