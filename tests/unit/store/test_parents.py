"""The map's coarser cells: means over their children."""

import h3.api.basic_int as h3
import numpy as np

from airaware.science import grid
from airaware.store import parents
from airaware.store.shapes import RESOLUTIONS

CELLS = grid.load().cells[5000:5400]


def test_a_parent_is_that_of_h3():
    for resolution in RESOLUTIONS[:-1]:
        expected = [h3.cell_to_parent(cell, resolution) for cell in CELLS.tolist()]
        assert parents.of(CELLS, resolution).tolist() == expected


def test_a_parent_has_the_mean_of_those_of_its_children_that_have_a_value():
    months = np.random.default_rng(3).uniform(0, 1, (len(CELLS), 12)).astype(np.float32)
    months[::3, :4] = np.nan
    cells, means = parents.averaged(CELLS, [months])
    values = dict(zip(CELLS.tolist(), months, strict=True))
    for resolution in reversed(RESOLUTIONS[:-1]):
        families: dict[int, list[np.ndarray]] = {}
        for cell in values:
            if h3.get_resolution(cell) == resolution + 1:
                families.setdefault(h3.cell_to_parent(cell, resolution), []).append(values[cell])
        for parent, children in families.items():
            found = means[cells == parent]
            np.testing.assert_allclose(found, [np.nanmean(children, axis=0)], rtol=1e-6)
            values[parent] = found[0]
    assert set(cells.tolist()) == values.keys() - set(CELLS.tolist())


def test_a_missing_mean_is_the_nan_that_postgresql_writes():
    """Another NaN, as 0/0 makes, has other bytes: a zone of before would have another checksum."""
    _, means = parents.averaged(CELLS[:1], [np.full((1, 12), np.nan, np.float32)])
    assert set(means.view(np.uint32).ravel().tolist()) == {0x7FC00000}


def test_no_cells_have_no_parents():
    cells, means = parents.averaged(CELLS[:0], [np.zeros((0, 12), np.float32)])
    assert cells.shape == (0,)
    assert means.shape == (0, 12)
