"""The files of years in bulk, held against the API's answers and against what others read."""

import io
import shutil
import subprocess
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from handmade import YEAR
from serving import answered

from airaware.store.bulk import CSV, PARQUET, ZIP_CODES, BulkFile, FolderStore
from airaware.store.bulk_columns import COLUMNS, FIGURES
from airaware.web import columns


def file_of(folder: Path, parameter: int, of: str, suffix: str, year: int = YEAR) -> BulkFile:
    wanted = (parameter, year, of, suffix)
    (found,) = (
        file
        for file in FolderStore(folder).files()
        if (file.parameter, file.year, file.places, file.suffix) == wanted
    )
    return found


def table_of(folder: Path, parameter: int, of: str, year: int = YEAR) -> pd.DataFrame:
    path = folder / file_of(folder, parameter, of, PARQUET, year).key
    return pd.DataFrame(pq.read_table(path).to_pylist(), dtype=object).set_index(
        next(iter(COLUMNS[of]))
    )


def assert_equal_to_the_api(folder: Path, client: FlaskClient, codes: list[str], year: int) -> int:
    """Compare ZIP codes' figures with the API's; return how many have any."""
    tables: dict[int, pd.DataFrame] = {}
    with_figures = 0
    for code in codes:
        answer = answered(client, "/api/v1/air", address=code, year=year).get_json()
        for pollutant in answer["pollutants"]:
            parameter = pollutant["parameter"]
            if parameter not in tables:
                tables[parameter] = table_of(folder, parameter, ZIP_CODES, year)
            row = tables[parameter].loc[code]
            expected = dict(columns.flat(pollutant["summary"] or {}))
            found = {name: "" if pd.isna(row[name]) else str(row[name]) for name in FIGURES}
            assert found == {name: expected.get(name, "") for name in FIGURES}, code
            with_figures += bool(expected)
    return with_figures


def assert_pandas_and_duckdb_read_the_same(
    folder: Path, parameter: int, of: str, year: int = YEAR
) -> None:
    """Compare what they read of a CSV and of a Parquet file."""
    code = next(iter(COLUMNS[of]))
    parquet = folder / file_of(folder, parameter, of, PARQUET, year).key
    table = pq.read_table(parquet)
    path = folder / file_of(folder, parameter, of, CSV, year).key
    assert any(each.startswith("0") for each in table[code].to_pylist())
    in_pandas = pd.read_csv(path, comment="#", dtype={code: str})
    pd.testing.assert_frame_equal(in_pandas, table.to_pandas(), check_dtype=False)
    options = """comment='#', header=true, delim=',', quote='"', escape='"', sample_size=-1"""
    read = f"read_csv('{path}', {options}, types={{'{code}': 'VARCHAR'}})"
    for source in (read, f"'{parquet}'"):
        in_duckdb = duckdb.connect().execute(f"FROM {source}").df()
        pd.testing.assert_frame_equal(in_duckdb, table.to_pandas(), check_dtype=False)


def assert_libreoffice_reads_the_same(
    folder: Path, parameter: int, of: str, into: Path, year: int = YEAR
) -> None:
    """Have LibreOffice import a CSV file as the page says, and write it again; else skip."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui")
    code = next(iter(COLUMNS[of]))
    path = folder / file_of(folder, parameter, of, CSV, year).key
    lines = path.read_text().splitlines()
    first = 1 + next(n for n, line in enumerate(lines) if line.startswith(f"{code},"))
    # As the page says: from that row on, separated by commas, the first column as text (2).
    as_text = f"CSV:44,34,76,{first},1/2"
    # Texts in quotes, and numbers as they are, not as they are shown.
    written = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false"
    subprocess.run(
        [office, f"-env:UserInstallation={(into / 'user').as_uri()}", "--headless",
         f"--infilter={as_text}", "--convert-to", written, "--outdir", str(into), str(path)],
        check=True, capture_output=True, timeout=900,
    )  # fmt: skip
    found = (into / path.name).read_text()
    expected = pd.read_csv(path, comment="#", dtype={code: str})
    assert [line.split(",")[0] for line in found.splitlines()[1:]] == [
        f'"{each}"' for each in expected[code]
    ]
    read = pd.read_csv(io.StringIO(found), dtype={code: str})
    pd.testing.assert_frame_equal(read, expected, check_dtype=False)
