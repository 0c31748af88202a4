"""Synthetic files: EPA's format to the letter, the same bytes each time, plausible air."""

import csv
import io
import re
import zipfile
from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from airaware.errors import AirAwareError
from airaware.raw import epa, synthetic, synthetic_air
from airaware.science import grid
from airaware.science.pollutants import POLLUTANTS, get

STATIONS = 25
REAL = Path(__file__).parents[4] / "shared" / "data" / "epa" / "hourly_44201_2013.zip"
# Text and codes are quoted; POC, latitude, longitude, value and MDL are bare.
LINE = re.compile(
    r'"[0-9C][0-9C]","\d{3}","\d{4}","\d{5}",\d,-?\d+\.\d+,-?\d+\.\d+,"(WGS84|NAD83)","[^"]+",'
    r'("\d{4}-\d\d-\d\d","\d\d:00",){2}-?(0|[1-9]\d*|\d+\.\d*[1-9]),"[^"]+",(0\.)?\d+,"","\w*",'
    r'"(FEM)?",("\d{3}",)?"[^"]+","[^"]+","[^"]+","\d{4}-\d\d-\d\d"'
)


@pytest.fixture(scope="module", autouse=True)
def quickly_packed():
    """Packing as tightly as EPA does takes most of the time, and no test depends on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "COMPRESSION_LEVEL", 1)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes a file once, and gives its path."""
    folder = tmp_path_factory.mktemp("synthetic")
    paths = {}

    def make(parameter, year=2017, stations=STATIONS, **options):
        key = (parameter, year, stations, *sorted(options.items()))
        if key not in paths:
            paths[key] = folder / str(len(paths)) / epa.file_name(parameter, year)
            paths[key].parent.mkdir()
            synthetic.write(paths[key], parameter, year, stations=stations, **options)
        return paths[key]

    return make


def text_of(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


@lru_cache(maxsize=3)
def table_of(path):
    """As pyarrow reads it: the columns that are quoted as text, the bare ones as numbers."""
    header = text_of(path).split(b"\n", 1)[0].decode()
    numbers = {"POC", "Latitude", "Longitude", "Sample Measurement", "MDL"}
    types = {
        name: pa.float64() if name in numbers else pa.string()
        for name in next(csv.reader([header]))
    }
    return pyarrow.csv.read_csv(
        io.BytesIO(text_of(path)),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types),
    )


def sites_of(table):
    """Each row's site, as pyarrow's dictionary has it: few names, and a number per row."""
    parts = [table[name] for name in ("State Code", "County Code", "Site Num")]
    return pc.binary_join_element_wise(*parts, "-").combine_chunks().dictionary_encode()


@pytest.mark.parametrize("parameter", POLLUTANTS)
def test_every_parameter_passes_the_check_and_bears_the_mark(made, parameter):
    path = made(parameter, stations=3)
    assert epa.check_file(path, parameter, 2017).synthetic
    with zipfile.ZipFile(path) as archive:
        assert archive.comment.startswith(epa.SYNTHETIC_COMMENT)
        assert b"seed 0" in archive.comment
        assert archive.namelist() == [f"hourly_{parameter}_2017.csv"]
    assert {*table_of(path)["Units of Measure"].to_pylist()} == {get(parameter).file_units[0]}
    assert {*table_of(path)["Parameter Name"].to_pylist()} == {get(parameter).name}


def test_the_same_arguments_give_the_same_bytes(made, tmp_path):
    first = made(88101, stations=5).read_bytes()
    synthetic.write(tmp_path / "again.zip", 88101, 2017, stations=5)
    assert (tmp_path / "again.zip").read_bytes() == first
    assert text_of(made(88101, stations=5, seed=1)) != text_of(made(88101, stations=5))


@pytest.mark.parametrize("columns", [24, 23])
def test_the_format_is_epas(made, columns):
    path = made(88101, stations=5, columns=columns)
    header, *lines = text_of(path).decode().removesuffix("\n").split("\n")
    names = epa.COLUMNS_24 if columns == 24 else epa.COLUMNS_23
    assert header == ",".join(f'"{name}"' for name in names)
    assert len(lines) > 5 * 8000
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {len(row) for row in csv.reader(lines)} == {columns}
    assert epa.check_file(path, 88101, 2017)


@pytest.mark.skipif(not REAL.exists(), reason=f"the real measurements are not at {REAL}")
def test_the_pattern_of_the_format_holds_for_real_lines(made):
    header, *lines = text_of(REAL).decode().split("\n")[:5000]
    assert text_of(made(44201)).decode().split("\n", 1)[0] == header
    # Method names are blank in the real file at hand, as is the date of the last change.
    blank = LINE.pattern.replace('"[^"]+"', '"[^"]*"').replace(
        r'"\d{4}-\d\d-\d\d"', r'"(\d{4}-\d\d-\d\d)?"'
    )
    assert [line for line in lines if not re.fullmatch(blank, line)] == []


def test_rows_are_in_epas_order_and_each_hour_comes_once(made):
    table = table_of(made(44201))
    rows = list(
        zip(
            sites_of(table).to_pylist(),
            table["POC"].to_pylist(),
            table["Date Local"].to_pylist(),
            table["Time Local"].to_pylist(),
            strict=True,
        )
    )
    assert rows == sorted(rows)
    assert len(set(rows)) == len(rows)


def test_gmt_is_local_standard_time_and_the_zones_offset(made):
    table = table_of(made(44201))
    offsets = {}
    for state, *times in zip(
        *(table[name].to_pylist()[::97] for name in ("State Code", *epa.COLUMNS_24[9:13])),
        strict=True,
    ):
        local, gmt = (datetime.fromisoformat(" ".join(pair)) for pair in (times[:2], times[2:]))
        offsets.setdefault(state, set()).add((gmt - local) / timedelta(hours=1))
    # All year the same: no daylight saving.
    assert offsets["02"] == {9}
    assert offsets["15"] == {10}
    assert offsets["72"] == {4}
    assert offsets["06"] == {8}
    assert offsets["36"] == {5}


def test_leap_years_have_their_day(made):
    days = {*table_of(made(88502, year=2016, stations=3))["Date Local"].to_pylist()}
    assert len(days) == 366
    assert "2016-02-29" in days


def test_sites_lie_in_the_us_save_for_the_foreign_ones(made):
    table = table_of(made(44201))
    states = table["State Code"].to_pylist()
    assert {"02", "15", "72", "80", "CC"} <= set(states)
    coordinates = [table[name].to_pylist() for name in ("Latitude", "Longitude")]
    places = {*zip(states, *coordinates, strict=True)}
    ours = [place for place in places if place[0] not in ("80", "CC")]
    assert len(ours) == STATIONS
    assert all(grid.in_us(latitude, longitude) for _, latitude, longitude in ours)


def test_more_stations_are_the_same_and_others(made):
    few, many = (
        {*sites_of(table_of(made(88502, stations=n))).dictionary.to_pylist()} for n in (5, 10)
    )
    assert few < many


def test_some_sites_have_several_instruments(made):
    table = table_of(made(44201))
    instruments = {*zip(sites_of(table).to_pylist(), table["POC"].to_pylist(), strict=True)}
    per_site = Counter(site for site, _ in instruments)
    assert 0.03 < np.mean([count > 1 for count in per_site.values()]) < 0.2


def test_there_are_gaps_and_seasons(made):
    table = table_of(made(44201))
    first_instrument = table["POC"].to_numpy() == 1
    hours = np.bincount(sites_of(table).indices.to_numpy()[first_instrument])
    seasonal = hours < 214 * 24
    assert 0.3 < seasonal.mean() < 0.8
    assert np.all(hours > 4000)
    assert np.all(hours[~seasonal] > 7000)
    assert np.all(hours[~seasonal] < 8760)


def test_values_below_the_limit_and_negative_ones(made):
    ozone = table_of(made(44201))
    low = ozone["Sample Measurement"].to_numpy() < ozone["MDL"].to_numpy()
    assert 0.001 < low.mean() < 0.1
    assert ozone["Sample Measurement"].to_numpy().min() >= 0
    # As some agencies do: half the limit instead.
    assert 0.002 in ozone["Sample Measurement"].to_numpy()[low]
    pm25 = table_of(made(88101))["Sample Measurement"].to_numpy()
    assert 0.002 < (pm25 < 0).mean() < 0.03
    assert 5 < pm25.mean() < 15


def test_smoke_is_flagged_in_summer_alone(made):
    table = table_of(made(88101))
    smoke = pc.is_in(table["Qualifier"], pa.array(["IT", "RT"])).to_numpy()
    months = {date[5:7] for date in table["Date Local"].to_numpy()[smoke]}
    assert months
    assert months <= {"06", "07", "08", "09"}
    values = table["Sample Measurement"].to_numpy()
    assert values[smoke].mean() > 1.5 * values[~smoke].mean()
    assert {"MD", "V", "1", "QX"} <= set(table["Qualifier"].unique().to_pylist())


def test_t640_hours_come_twice_from_2017_on(made):
    table = table_of(made(88101))
    raw, corrected = (table.filter(pc.field("Method Code") == code) for code in ("236", "736"))
    assert len(raw) > 8000
    same = [*epa.COLUMNS_24[:13]]
    assert raw.select(same) == corrected.select(same)
    means = [np.mean(part["Sample Measurement"].to_numpy()) for part in (raw, corrected)]
    assert means[0] == pytest.approx(synthetic_air.T640_EXCESS * means[1], rel=0.02)
    assert "236" not in table_of(made(88101, year=2016))["Method Code"].unique().to_pylist()


def test_neighbours_breathe_the_same_air(made):
    """Correlation of the hours without their cycles falls with distance."""
    table = table_of(made(88502, stations=50))
    hour = pc.cast(pc.utf8_slice_codeunits(table["Time Local"], 0, 2), pa.int64()).to_numpy()
    day = pc.day_of_year(pc.cast(table["Date Local"], pa.date32())).to_numpy() - 1
    sites = sites_of(table)
    row = sites.indices.to_numpy()
    matrix = np.full((len(sites.dictionary), 8760), np.nan)
    matrix[row, 24 * day + hour] = table["Sample Measurement"].to_numpy()
    anomaly = np.nan_to_num(matrix - np.nanmean(matrix, axis=0))
    correlation = np.corrcoef(anomaly)
    place = np.zeros((len(matrix), 2))
    place[row] = np.c_[table["Latitude"].to_numpy(), table["Longitude"].to_numpy()]
    difference = (place[:, np.newaxis] - place) * (111, 85)
    distance_km = np.linalg.norm(difference, axis=2)
    near, middle, far = (
        correlation[(distance_km > low) & (distance_km < high)].mean()
        for low, high in ((1, 50), (200, 400), (1500, 3000))
    )
    assert near > 0.5 > middle > 0.2 > far


def test_a_file_that_epa_does_not_have_is_refused(tmp_path):
    with pytest.raises(AirAwareError, match="begin in 2008"):
        synthetic.write(tmp_path / "x.zip", 88101, 2007, stations=3)
    with pytest.raises(AirAwareError, match="cities"):
        synthetic.write(tmp_path / "x.zip", 88101, 2017, stations=100_000)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthetic.write(tmp_path / "x.zip", 88101, 2017, stations=3, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
