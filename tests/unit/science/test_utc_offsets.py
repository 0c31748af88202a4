"""The standard time of every place: known ones, EPA's own list, and the library it comes from."""

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest

from airaware.science import grid, utc_offsets

SITES = Path(__file__).parents[4] / "shared" / "data" / "epa" / "aqs_sites.zip"


@pytest.mark.parametrize(
    ("_name", "latitude", "longitude", "offset"),
    [
        ("San Juan", 18.4, -66.1, -4),
        ("New York, in its harbour", 40.5, -73.95, -5),
        ("Indianapolis", 39.77, -86.16, -5),
        ("Petersburg, Indiana", 38.49, -87.27, -5),
        ("Gary, Indiana", 41.59, -87.34, -6),
        ("Evansville, Indiana", 37.97, -87.55, -6),
        ("Lake Michigan off Chicago", 41.8, -87.5, -6),
        ("Pensacola", 30.42, -87.2, -6),
        ("Phoenix", 33.4, -112.0, -7),
        ("Window Rock, Navajo Nation", 35.68, -109.05, -7),
        ("El Paso, at the border", 31.76, -106.45, -7),
        ("West Wendover, Nevada", 40.739, -114.07, -7),
        ("Los Angeles", 34.05, -118.25, -8),
        ("Nome", 64.5, -165.4, -9),
        ("Eagle, Alaska, beside the Yukon's other time", 64.787, -141.2, -9),
        ("Adak", 51.88, -176.65, -10),
        ("Attu, beyond the antimeridian", 52.9, 172.9, -10),
        ("Honolulu", 21.3, -157.8, -10),
    ],
)
def test_known_places(_name, latitude, longitude, offset):
    assert utc_offsets.at(latitude, longitude) == offset


def test_a_border_is_sharp():
    """The Chattahoochee and the line west of it: LaGrange is Eastern, Lanett too, Opelika not."""
    assert utc_offsets.at(33.04, -85.03) == -5
    assert utc_offsets.at(32.65, -85.38) == -6


def test_the_grid_has_the_offsets_of_its_cells():
    cells, offsets = grid.load(), utc_offsets.of_grid()
    assert Counter(offsets.tolist()).keys() == set(range(-10, -3))
    for n in np.random.default_rng(1).choice(len(cells), 2000, replace=False).tolist():
        assert offsets[n] == utc_offsets.at(cells.latitude[n], cells.longitude[n])


def test_epas_own_list_agrees():
    """EPA gives some whole states one time: all but 2% of the sites agree, the rest by an hour."""
    if not SITES.is_file():
        pytest.skip(f"{SITES} is not here")
    with zipfile.ZipFile(SITES) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("aqs_sites.csv").decode())))
    places = [
        (int(row["GMT Offset"]), float(row["Latitude"]), float(row["Longitude"]))
        for row in rows
        if row["GMT Offset"] and row["State Code"].isdecimal() and int(row["State Code"]) <= 72
        and row["State Code"] != "66" and float(row["Latitude"] or 0)
    ]  # fmt: skip
    differences = Counter(
        abs(said - utc_offsets.at(*place)) for said, *place in places if grid.in_us(*place)
    )
    assert differences.total() > 19_000
    assert differences[0] > 0.98 * differences.total()
    assert differences.keys() == {0, 1}


@pytest.mark.parametrize(
    ("name", "latitude", "longitude"),
    [("Indiana's south-west", 38.3, -87.0), ("El Paso", 31.8, -106.4)],
)
def test_the_data_are_what_the_library_says_today(name, latitude, longitude):
    """Built again around two borders; a change of the library's outlines needs a new build."""
    around = h3.grid_disk(h3.latlng_to_cell(latitude, longitude, grid.RESOLUTION), 8)
    built = utc_offsets.build(around)
    assert len(set(built.values())) == 2 or name == "El Paso"
    inner = h3.grid_disk(h3.latlng_to_cell(latitude, longitude, grid.RESOLUTION), 6)
    for cell in inner:
        for part in h3.cell_to_children(cell, grid.RESOLUTION + 1):
            place = h3.cell_to_latlng(part)
            assert utc_offsets.at(*place) == utc_offsets.offset_in(built, *place)
