"""The years in bulk: what the files hold, how others read them, and when they are replaced."""

import hashlib
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pyarrow.parquet as pq
import pytest
from bulk_files import (
    assert_equal_to_the_api,
    assert_libreoffice_reads_the_same,
    assert_pandas_and_duckdb_read_the_same,
    file_of,
    table_of,
)
from flask.testing import FlaskClient
from handmade import CHICAGO, LOADS, YEAR, YEAR_BEFORE, cell_at

from airaware.gazetteer import counties, places
from airaware.job import bulk
from airaware.science import grid, pollutants, yearly
from airaware.settings import Settings, Zone
from airaware.store.bulk import COUNTIES, CSV, PARQUET, ZIP_CODES, FolderStore
from airaware.store.bulk_columns import COLUMNS, FIGURES

COOK = "17031"
# The version, and digests of ZIP codes and counties of made-up months.
RECORDED = (1, "03aa1ccf746aeb91", "e3e6cffa235f5ec0")
NEAR_MONITORS = ("60614", "60601", "58102", "58103")


def test_zip_codes_have_the_api_s_figures(in_bulk: Path, client: FlaskClient) -> None:
    codes = sorted(places.covered_zip_codes())
    some = [*NEAR_MONITORS, *random.Random(25).sample(codes, 30)]
    assert assert_equal_to_the_api(in_bulk, client, some, YEAR) >= 3
    assert assert_equal_to_the_api(in_bulk, client, list(NEAR_MONITORS), YEAR_BEFORE) >= 1
    assert table_of(in_bulk, 44201, ZIP_CODES).index.tolist() == codes


def test_the_page_lists_each_file_with_its_size_and_digest(client: FlaskClient) -> None:
    text = client.get("/downloads").text
    links = re.findall(r'href="(/downloads/[^"]+)">[^<]+</a></td>\s*<td>([\d,]+) bytes', text)
    assert len(links) == 4 * len(LOADS)
    assert len(set(links)) == len(links)
    for link, size in links:
        answer = client.get(link)
        _, _, edition, digest, name = link.split("/")
        assert f"<code>{digest}</code>" in text
        assert hashlib.sha256(answer.data).hexdigest() == digest
        assert len(answer.data) == int(size.replace(",", ""))
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        again = client.get(link, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        assert client.get(f"/downloads/{edition}/{'0' * 64}/{name}").status_code == 404
    for column in (*COLUMNS[ZIP_CODES], *COLUMNS[COUNTIES]):
        assert f"<code>{column}</code>" in text


@pytest.mark.parametrize("of", [ZIP_CODES, COUNTIES])
def test_others_read_the_same_values(in_bulk: Path, of: str) -> None:
    table = pq.read_table(in_bulk / file_of(in_bulk, 44201, of, PARQUET).key)
    assert table.column_names == list(COLUMNS[of])
    facts = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
    assert COLUMNS[of].items() <= facts.items()
    assert facts["unit"] == "ppb"
    assert_pandas_and_duckdb_read_the_same(in_bulk, 44201, of)


@pytest.mark.parametrize("of", [ZIP_CODES, COUNTIES])
def test_libreoffice_reads_the_same_values(in_bulk: Path, tmp_path: Path, of: str) -> None:
    assert_libreoffice_reads_the_same(in_bulk, 44201, of, tmp_path)


def test_a_county_has_the_mean_over_its_cells(
    in_bulk: Path, publisher: Callable[..., Settings], tmp_path: Path
) -> None:
    row = table_of(in_bulk, 44201, COUNTIES).loc[COOK]
    cook = counties.load().fips.index(COOK)
    cells = counties.load().cell[counties.load().county == cook]
    assert cell_at(*CHICAGO) in cells
    # Of its cells only that of Chicago is in the load: its figures are the county's.
    chicago = table_of(in_bulk, 44201, ZIP_CODES).loc["60614"]
    assert (row["cells"], row["weighted_by"]) == (len(cells), "cells")
    assert row["covered"] == pytest.approx(1 / len(cells), rel=1e-4)
    assert [row[name] for name in FIGURES] == [chicago[name] for name in FIGURES]
    people = tmp_path / "people.csv"
    far = next(cell for cell in cells.tolist() if cell != cell_at(*CHICAGO))
    latitude, longitude = h3.cell_to_latlng(far)
    people.write_text(
        "STATEFP,COUNTYFP,TRACTCE,POPULATION,LATITUDE,LONGITUDE\n"
        f"17,031,1,300,{CHICAGO[0]:+},{CHICAGO[1]:+}\n17,031,2,100,{latitude},{longitude}\n"
    )
    folder = tmp_path / "bulk"
    assert bulk.publish(publisher(folder, population=str(people)), [44201], [YEAR])
    table = table_of(folder, 44201, COUNTIES)
    assert table.loc[COOK][["cells", "weighted_by", "covered"]].tolist() == [2, "population", 0.75]
    assert table.loc["17043"]["weighted_by"] == "cells"


def test_means_over_cells_are_weighted() -> None:
    weights = bulk.Weights(
        np.array([5, 5, 5, 6]), np.array([10, 20, 30, 30]), np.array([1.0, 3, 4, 2]),
        np.zeros(len(counties.load().fips), bool), "",
    )  # fmt: skip
    figures = {name: np.array([2.0, 4.0]) for name in FIGURES}
    figures["expected_error_day"] = np.array([np.nan, 1.0])
    table = bulk.counties_table(weights, np.array([10, 20]), figures).to_pylist()
    assert (table[5]["hourly_mean"], table[5]["covered"], table[5]["cells"]) == (3.5, 0.5, 3)
    assert table[5]["expected_error_day"] is None  # one cell's is not known
    assert (table[6]["hourly_mean"], table[6]["covered"]) == (None, 0)


def test_a_load_that_is_replaced_takes_its_files_with_it(
    in_bulk: Path, client: FlaskClient, publisher: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    folder = shutil.copytree(in_bulk, tmp_path / "bulk")
    store = FolderStore(folder)
    old = file_of(folder, 44201, COUNTIES, CSV)
    stale = old._replace(checksum="123")
    store.put(stale, b"of a load of before")
    client.application.extensions["bulk"] = store
    assert client.get(f"/downloads/{old.key}").status_code == 200
    assert client.get(f"/downloads/{stale.key}").status_code == 404
    assert stale.name not in client.get("/downloads").text
    assert bulk.publish(publisher(folder), [44201], [YEAR])
    assert stale not in store.files()
    assert len(store.files()) == 4 * len(LOADS)
    # Nothing is made twice; a new version of the code makes all of a year's files anew.
    monkeypatch.setattr(bulk, "_make", None)
    assert bulk.publish(publisher(folder), [], [YEAR, YEAR_BEFORE])
    monkeypatch.undo()
    monkeypatch.setattr(bulk, "VERSION", bulk.VERSION + 1)
    assert bulk.publish(publisher(folder), [44201], [YEAR])
    assert file_of(folder, 44201, COUNTIES, CSV).edition != old.edition
    assert len(store.files()) == 4 * len(LOADS)


def test_damaged_or_missing_files_are_never_served(
    in_bulk: Path, client: FlaskClient, tmp_path: Path
) -> None:
    folder = shutil.copytree(in_bulk, tmp_path / "bulk")
    client.application.extensions["bulk"] = FolderStore(folder)
    file = file_of(folder, 44201, COUNTIES, CSV)
    (folder / file.key).write_bytes(b"damaged")
    assert client.get(f"/downloads/{file.key}").status_code == 503
    (folder / file.key).unlink()
    assert client.get(f"/downloads/{file.key}").status_code == 404
    assert client.get("/downloads/0/1/../../../etc/passwd").status_code == 404


def test_a_job_says_why_it_makes_no_files(
    publisher: Callable[..., Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("STATEFP,COUNTYFP,POPULATION,LATITUDE,LONGITUDE\n17,999,1,41.9,-87.6\n")
    assert not bulk.publish(publisher(tmp_path, population=str(people)), [], [YEAR])
    assert "line 2: no county 17999 is known" in capsys.readouterr().out
    people.write_text("STATEFP,COUNTYFP\n17,031\n")
    assert not bulk.publish(publisher(tmp_path, population=str(people)), [], [YEAR])
    assert "line 2: not a row with STATEFP" in capsys.readouterr().out


def test_a_zone_that_is_down_keeps_no_other_s_files_back(
    in_bulk: Path, publisher: Callable[..., Settings], tmp_path: Path
) -> None:
    config = publisher(tmp_path)
    gone = Zone("gone", "host=127.0.0.1 port=1 dbname=airaware")
    old = file_of(in_bulk, 88502, COUNTIES, CSV)._replace(checksum="123")
    FolderStore(tmp_path).put(old, b"of a load that the zone may still serve")
    assert not bulk.publish(replace(config, zones=(gone, *config.zones)), [88502], [YEAR])
    files = FolderStore(tmp_path).files()
    assert len(files) == 5
    assert old.key in {file.key for file in files}


def test_what_files_hold_changes_only_with_the_version() -> None:
    cells, months = grid.load().cells, np.arange(12)
    column = np.arange(len(cells))[:, np.newaxis] + months
    of_months = {
        "hourly_mean": np.where(column % 7, column % 50 / 1000, np.nan),
        "hours": 500 + column % 200,
        "daily_mean": column % 80 / 1000,
        "days": 20 + column % 8,
        "days_above": column % 5,
        "aqi_days": np.repeat(column % 4, 6, axis=1),
        "nearest_km": column % 160 / 1.0,
    }
    errors = {("daily", 0, "DJF"): 0.003, ("month", 0, "DJF"): 0.002}
    figures = yearly.of_months(pollutants.get(44201), errors, of_months)
    tables = (
        bulk.zip_codes_table(cells, figures),
        bulk.counties_table(bulk.Weights.read(""), cells, figures),
    )
    digests = [hashlib.sha256(bulk.as_csv(table, {})).hexdigest()[:16] for table in tables]
    assert (bulk.VERSION, *digests) == RECORDED, "raise bulk.VERSION, and record it here"
