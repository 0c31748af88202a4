"""The counties' cells: of known places, and built again from the outlines that npm has."""

import json
from pathlib import Path

import numpy as np
import pytest

from airaware.gazetteer import counties
from airaware.science import grid

OUTLINES = (
    Path(__file__).parents[2] / "frontend" / "node_modules" / "us-atlas" / "counties-10m.json"
)


@pytest.mark.parametrize(
    ("latitude", "longitude", "fips", "name", "state"),
    [
        (41.88, -87.63, "17031", "Cook", "IL"),
        (40.78, -73.97, "36061", "New York", "NY"),
        (61.13, -146.35, "02261", "Valdez-Cordova", "AK"),
        (18.41, -66.06, "72127", "San Juan", "PR"),
        (38.90, -77.03, "11001", "District of Columbia", "DC"),
        (19.9, -155.5, "15001", "Hawaii", "HI"),
        (38.88, -77.17, "51610", "Falls Church", "VA"),  # no cell's centre lies in it
    ],
)
def test_known_places_lie_in_their_counties(
    latitude: float, longitude: float, fips: str, name: str, state: str
) -> None:
    known, cell = counties.load(), grid.nearest(latitude, longitude)
    assert cell
    number = known.fips.index(fips)
    assert (known.name[number], known.state[number]) == (name, state)
    assert number in known.county[known.cell == cell.cell]


def test_each_cell_has_a_county_and_each_county_a_cell() -> None:
    known = counties.load()
    assert set(known.cell.tolist()) == set(grid.load().cells.tolist())
    assert set(known.county.tolist()) == set(range(len(known.fips)))
    assert list(known.fips) == sorted(known.fips)


@pytest.mark.slow
def test_the_data_are_those_of_the_outlines() -> None:
    built = counties.build(json.loads(OUTLINES.read_text()))
    with np.load(counties.FILE) as file:
        assert set(file.files) == set(built)
        for name, values in built.items():
            assert (file[name] == values).all(), name
