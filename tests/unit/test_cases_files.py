"""Files once judged wrongly as a whole: ../shared/data/cases, each with its right value."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from airaware import batch, epa

CASES = Path(__file__).parents[3] / "shared/data/cases"


def case(name: str, parameter: int, year: int) -> Path:
    """Return a case's file; skip the test where it is absent."""
    path = CASES / name / epa.file_name(parameter, year)
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


def stations(path: Path, parameter: int, year: int, month: int) -> batch.StationMonth:
    """Return the file's stations of a month (June has 30 days, July 31)."""
    table = pa.Table.from_batches(epa.station_months(path, parameter, year))
    found = table.filter(pa.compute.equal(table.column("month"), month))
    return batch.assemble(found, 31 if month == 7 else 30)


def counts(path: Path, parameter: int, year: int) -> Counter[str]:
    """Return the file's rows by verdict."""
    found: Counter[str] = Counter()
    for rows in epa.station_months(path, parameter, year):
        for text in rows.column("counts").drop_null().to_pylist():
            found.update(json.loads(text))
    return found


def test_site_without_place():
    key = 44201, 1980
    path = case("site-without-place", *key)
    epa.check_file(path, *key)
    found = batch._checked_counts(path.name, counts(path, *key), max_bad_rows=0.0)
    assert found.rows_read == 720
    assert found.excluded == {epa.UNPLACED: 72}
    assert found.rejected == {}
    assert len(stations(path, *key, month=7).sites) == 9
