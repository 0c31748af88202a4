"""Places all over the US, hardly ever two in one cell: nobody has asked for their air before."""

import itertools
import random
from collections.abc import Iterator, Sequence

from airaware.gazetteer import outline
from airaware.gazetteer import places as gazetteer
from airaware.science import grid

PLACE = "{place}"  # in a path
SPREAD_DEGREES = 0.5  # around the ZIP codes, where monitors are


def places(seed: int | None = None) -> Iterator[str]:
    """Yield random points near ZIP codes as `latitude,longitude`."""
    chance = random.Random(seed)
    codes = [code for code in gazetteer.load().zip_codes.values() if code.latitude]
    while True:
        code = chance.choice(codes)
        latitude, longitude = (
            round(degrees + chance.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 4)
            for degrees in (code.latitude, code.longitude)
        )
        if outline.covers(latitude, longitude) and grid.nearest(latitude, longitude):
            yield f"{latitude},{longitude}"


def filled(paths: Sequence[str]) -> Iterator[str]:
    """Yield the paths again and again, with a new place each time where they have PLACE."""
    new = places() if any(PLACE in path for path in paths) else iter(())
    for path in itertools.cycle(paths):
        yield path.replace(PLACE, next(new)) if PLACE in path else path
