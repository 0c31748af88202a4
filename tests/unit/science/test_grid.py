"""The grid: every US address is near one of its cells, and EPA's own sites count as in the US."""

import csv
import io
import zipfile
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest
import zipcodes

from airaware.gazetteer import places
from airaware.raw import verdicts
from airaware.science import grid
from airaware.science.interpolate import Points
from airaware.science.sphere import EARTH_RADIUS_KM, KM_PER_MILE

SITES = Path(__file__).parents[4] / "shared" / "data" / "epa" / "aqs_sites.zip"


def test_cells_are_sorted_unique_and_of_one_resolution():
    cells = grid.load().cells
    assert (np.diff(cells) > 0).all()
    assert {h3.get_resolution(cell) for cell in cells[::1000].tolist()} == {grid.RESOLUTION}
    assert len(cells) == len(grid.load()) == pytest.approx(262_000, rel=0.01)


def test_centers_are_the_cells_own():
    air = grid.load()
    for n in range(0, len(air), 5000):
        assert (air.latitude[n], air.longitude[n]) == h3.cell_to_latlng(int(air.cells[n]))


def test_a_cell_that_only_touches_land_belongs_to_it():
    """A spit of land a few metres wide: no cell's center lies in it."""
    spit = [(-88.0, 42.0), (-87.0, 42.0), (-87.0, 42.0001), (-88.0, 42.0001), (-88.0, 42.0)]
    cells = grid.overlapping_cells({"type": "Polygon", "coordinates": [spit]})
    crossed = {h3.latlng_to_cell(42.0, lon, grid.RESOLUTION) for lon in np.linspace(-88, -87, 500)}
    assert cells >= crossed
    assert len(crossed) > 10


def test_every_zip_code_is_near_a_cell(capsys):
    states = set(places.load().states.values())
    found = [
        (float(entry["lat"]), float(entry["long"]), entry["zip_code"])
        for entry in zipcodes.list_all()
        if entry["state"] in states and float(entry["lat"])  # 43 have no coordinates, but 0, 0
    ]
    assert len(found) > 41_000
    latitude, longitude, code = zip(*found, strict=True)
    air = grid.load()
    chord, _ = Points(air.latitude, air.longitude).tree.query(Points(latitude, longitude).xyz)
    miles = 2 * EARTH_RADIUS_KM * np.arcsin(chord / 2) / KM_PER_MILE
    with capsys.disabled():
        print(
            f"\n{len(found):,} ZIP codes: the farthest is {miles.max():.2f} miles from a cell"
            f" ({code[miles.argmax()]}); all but {(miles > 3).sum()} are within 3 miles, and"
            f" those within {np.sort(miles[miles <= 3])[-1]:.2f}"
        )
    assert miles.max() < 15
    # Post boxes and companies' own codes whose coordinates lie in Lake Erie, Lake Michigan and the
    # Pacific: 44181 to 44198 Cleveland, 53082, 53401 and 53408 in Wisconsin, 93031, 93034, 93199.
    assert (miles > 3).sum() <= 14
    assert np.sort(miles[miles <= 3])[-1] < 2.6


@pytest.mark.skipif(not SITES.exists(), reason=f"EPA's list of sites is not there: {SITES}")
def test_epas_sites_are_in_the_us():
    with zipfile.ZipFile(SITES) as archive:
        text = io.TextIOWrapper(archive.open("aqs_sites.csv"), encoding="utf-8")
        located = [
            (float(site["Latitude"]), float(site["Longitude"]))
            for site in csv.DictReader(text)
            if site["State Code"] not in verdicts.BEYOND and float(site["Latitude"] or 0)
        ]
    assert len(located) > 19_000
    outside = [place for place in located if not grid.in_us(*place)]
    # Published coordinates that are plainly wrong: Florida's 12-001-0004 lies in Cuba's waters, six
    # more of Florida and one of Maine at sea, one each of Texas and Michigan across the border.
    assert len(outside) <= 10


@pytest.mark.parametrize(
    ("_name", "latitude", "longitude"),
    [
        ("Chicago", 41.88, -87.63),
        ("Utqiagvik, Alaska", 71.29, -156.79),
        ("Attu, Aleutians, beyond the antimeridian", 52.90, 172.91),
        ("Adak, Aleutians", 51.88, -176.65),
        ("Honolulu", 21.31, -157.86),
        ("San Juan, Puerto Rico", 18.47, -66.11),
        ("Key West", 24.56, -81.78),
        ("Washington, DC", 38.90, -77.04),
        ("Santa Monica pier", 34.008, -118.499),
    ],
)
def test_places_in_the_us(_name, latitude, longitude):
    assert grid.in_us(latitude, longitude)


@pytest.mark.parametrize(
    ("_name", "latitude", "longitude"),
    [
        ("null island", 0, 0),
        ("Toronto", 43.65, -79.38),
        ("Monterrey", 25.67, -100.31),
        ("Havana", 23.11, -82.37),
        ("Guam", 13.44, 144.79),
        ("Virgin Islands", 18.34, -64.93),
        ("the wrong sign", 41.88, 87.63),
        ("the Atlantic", 35.0, -70.0),
        ("the pole", 90, 0),
    ],
)
def test_places_outside(_name, latitude, longitude):
    assert not grid.in_us(latitude, longitude)


def test_the_nearest_cell_is_the_nearest_of_all():
    air = grid.load()
    generator = np.random.default_rng(24)
    near = generator.integers(0, len(air), 200)
    latitude = air.latitude[near] + generator.uniform(-0.06, 0.06, len(near))
    longitude = air.longitude[near]
    chord, nearest = Points(air.latitude, air.longitude).tree.query(Points(latitude, longitude).xyz)
    distance_km = 2 * EARTH_RADIUS_KM * np.arcsin(chord / 2)
    for n in range(len(near)):
        found = grid.nearest(latitude[n], longitude[n])
        assert found.cell == air.cells[nearest[n]]
        assert found.distance_km == pytest.approx(distance_km[n], abs=0.01)


def test_far_from_the_grid_there_is_no_nearest_cell():
    assert grid.nearest(0, 0) is None
    assert grid.nearest(90, 0) is None
    assert grid.nearest(43.6532, -79.3832) is None
