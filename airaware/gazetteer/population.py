"""How many people live where: the Census's counts, which an operator may give.

A file is a table as the Census publishes its "Centers of Population" by tract or block group: a CSV
with STATEFP, COUNTYFP, POPULATION, LATITUDE and LONGITUDE among its columns. One of blocks has a
row for each block.
https://www.census.gov/geographies/reference-files/time-series/geo/centers-population.html
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h3.api.basic_int as h3

from airaware.errors import AirAwareError, explained
from airaware.gazetteer.counties import LEFT_OUT, Counties
from airaware.science import grid

COLUMNS = ("STATEFP", "COUNTYFP", "POPULATION", "LATITUDE", "LONGITUDE")
# Counties of 2020 that were one in 2017, the year of our outlines.
DIVIDED = {"02063": "02261", "02066": "02261"}


def read(path: Path, counties: Counties) -> dict[tuple[int, int], int]:
    """Return how many people live in each county (its number) and cell (its H3 index).

    Raises AirAwareError where the file is not such a table, or names a county that is not known.
    """
    numbers = {fips: number for number, fips in enumerate(counties.fips)}
    people: Counter[tuple[int, int]] = Counter()
    cells: dict[int, int | None] = {}
    for line, county, count, latitude, longitude in _rows(path):
        fips = DIVIDED.get(county, county)
        if fips[:2] in LEFT_OUT:
            continue
        if fips not in numbers:
            raise AirAwareError(
                f"{path}, line {line}: no county {county} is known. The outlines are of 2017: take"
                " the Census's counts of 2020."
            )
        area = h3.latlng_to_cell(latitude, longitude, grid.RESOLUTION)
        if area not in cells:
            nearest = grid.nearest(latitude, longitude)
            cells[area] = nearest.cell if nearest else None
        if (cell := cells[area]) is not None:
            people[numbers[fips], cell] += count
    if not people:
        raise AirAwareError(f"{path}: it has no row of a county. Give another file, or none.")
    return people


def _rows(path: Path) -> Iterator[tuple[int, str, int, float, float]]:
    """Yield each row's line, county's FIPS code, people, latitude and longitude."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in (table := csv.DictReader(file)):
                state, county, *numbers = (row[name] or "" for name in COLUMNS)
                people, latitude, longitude = map(float, numbers)
                if not (people >= 0 and abs(latitude) <= 90 and abs(longitude) <= 180):
                    raise ValueError
                yield table.line_num, f"{state:0>2}{county:0>3}", int(people), latitude, longitude
    except OSError as error:
        raise AirAwareError(f"{path}: {explained(error)}. Check AIRAWARE_POPULATION.") from None
    except (ValueError, KeyError, csv.Error):
        raise AirAwareError(
            f"{path}, line {table.line_num}: not a row with {', '.join(COLUMNS)}, as in the"
            ' Census\'s "Centers of Population". Check AIRAWARE_POPULATION.'
        ) from None
