"""Files once judged wrongly as a whole: ../shared/data/cases, each with its right value."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from airaware import settings
from airaware.job import driver
from airaware.job.stations import StationMonth, assemble
from airaware.raw import epa, fetch, station_months, verdicts

CASES = Path(__file__).parents[4] / "shared/data/cases"


def case(name: str, parameter: int, year: int) -> Path:
    """Return a case's file; skip the test where it is absent."""
    path = CASES / name / epa.file_name(parameter, year)
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


def stations(path: Path, parameter: int, year: int, month: int) -> StationMonth:
    """Return the file's stations of a month (June has 30 days, July 31)."""
    table = pa.Table.from_batches(station_months.read(path, parameter, year))
    found = table.filter(pa.compute.equal(table.column("month"), month))
    return assemble(found, 31 if month == 7 else 30)


def counts(path: Path, parameter: int, year: int) -> Counter[str]:
    """Return the file's rows by verdict."""
    found: Counter[str] = Counter()
    for rows in station_months.read(path, parameter, year):
        for text in rows.column("counts").drop_null().to_pylist():
            found.update(json.loads(text))
    return found


def test_site_without_place():
    key = 44201, 1980
    path = case("site-without-place", *key)
    epa.check_file(path, *key)
    found = driver._checked_counts(path.name, counts(path, *key), max_bad_rows=0.0)
    assert found.rows_read == 720
    assert found.excluded == {verdicts.UNPLACED: 72}
    assert found.rejected == {}
    assert len(stations(path, *key, month=7).sites) == 9


def test_zero_row_file(tmp_path):
    path = case("zero-row-file", 81102, 1996)
    config = replace(settings.read(), epa_url=str(path.parent), raw=str(tmp_path / "raw"))
    report = fetch.fetch_year(config, 1996, [81102, 42602])
    assert [(file.name, file.status) for file in report.files] == [
        (epa.file_name(81102, 1996), "no rows"),
        (epa.file_name(42602, 1996), "fetched"),
    ]
    assert counts(path, 81102, 1996) == {}
    assert counts(path.with_name(epa.file_name(42602, 1996)), 42602, 1996)[verdicts.READ] == 48


def test_t640_old_copy():
    """The only rows that a monitor has are kept, though EPA has not corrected them."""
    path = case("t640-old-copy", 88101, 2019)
    found = stations(path, 88101, 2019, month=7)
    uncorrected = dict(zip(found.sites, found.uncorrected_hours.tolist(), strict=True))
    assert uncorrected == {"17-031-0001": 24, "17-031-0076": 0, "18-089-0022": 24}
    assert found.replaced == 0
    assert counts(path, 88101, 2019)["kept"] == 72
