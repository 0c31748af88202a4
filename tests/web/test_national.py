"""A year of national size of every pollutant, made up by a program: its figures worked out anew."""

import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import day_script
import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
from bulk_files import (
    assert_equal_to_the_api,
    assert_libreoffice_reads_the_same,
    assert_pandas_and_duckdb_read_the_same,
)
from flask.testing import FlaskClient
from handmade import as_owner
from serving import answered
from test_any_input import MOST_BUFFERS, SEED, TEXTS, Explained, globe, most_buffers

from airaware.gazetteer import places
from airaware.job import bulk
from airaware.raw import epa
from airaware.science import grid
from airaware.science.pollutants import POLLUTANTS
from airaware.settings import Settings, Zone
from airaware.store.bulk import COUNTIES, ZIP_CODES
from airaware.web import create_app
from airaware.web.formatting import figure
from bench import main_job
from tools.machine.postgres import READER

pytestmark = pytest.mark.slow

YEAR = main_job.YEAR
REACH_KM = 48.28032
OZONE, PM25, PM25_OTHER, NO2 = 44201, 88101, 88502, 42602
MEANS_OF_DAYS = (PM25, PM25_OTHER, 81102)
PLACE_DAYS, RANKED, SMOKY_DAYS, BULK_PLACES = 30, 20, 40, 500
QUARTERS = {f"{month:02}": (month - 1) // 3 for month in range(1, 13)}


@dataclass(frozen=True)
class Nation:
    """Databases with the year, the folder of its files, and the site on it."""

    zones: tuple[Zone, ...]
    raw: Path
    client: FlaskClient

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return a query's rows from the first zone."""
        with as_owner(self.zones[0]) as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def json(self, path: str, **query: Any) -> dict[str, Any]:
        """Return an answer of the API, which must be one."""
        answer: dict[str, Any] = answered(self.client, f"/api/v1/{path}", **query).get_json()
        return answer

    def pollutants(self, code: str) -> dict[int, dict[str, Any]]:
        """Return what the API answers at the point of a ZIP code, by parameter."""
        found = self.json("air", address=code, figures="point")["pollutants"]
        return {each["parameter"]: each for each in found if each["summary"]}


@pytest.fixture(scope="module")
def nation(
    tmp_path_factory: pytest.TempPathFactory, settings_for: Callable[..., Settings]
) -> Iterator[Nation]:
    """Databases of their own, with the synthetic year of national size."""
    raw = tmp_path_factory.mktemp("raw")
    with main_job.databases(raw, {(code, YEAR): None for code in POLLUTANTS}) as place:
        main_job.submit(place, raw, str(YEAR), [*POLLUTANTS])
        zones = place.zones(READER)
        yield Nation(zones, raw, create_app(settings_for(zones)).test_client())


def some_zip_codes(many: int) -> list[str]:
    return random.Random(SEED).sample(sorted(places.covered_zip_codes()), many)


def test_places_are_found_with_few_reads(nation: Nation) -> None:
    app = nation.client.application
    most = most_buffers(app, Explained(nation.zones), [*TEXTS, *globe(1_000)])
    print(f"at most {most} buffers")
    assert most <= MOST_BUFFERS


def test_the_script_gives_the_page_s_number(nation: Nation) -> None:
    chance, script, done = random.Random(SEED), day_script.load(), Counter[int]()
    for code in some_zip_codes(300):
        page = answered(nation.client, "/air", address=code).text
        for parameter in POLLUTANTS:
            # The table of the pollutant's days; that of the index names pollutants beside numbers.
            link = rf'/day\?address={code}&amp;parameter={parameter}&amp;date=([\d-]+)">([^<]+)</a>'
            days = re.findall(rf"{link}(?: <small>\ds?</small>)?</td>", page)
            if days and done[parameter] < PLACE_DAYS:
                day, number = chance.choice(days)
                working = nation.json("day", address=code, parameter=parameter, date=day)
                found = script.recompute(working)
                assert figure(found["value"]) == number
                assert found.items() <= working["day"].items()
                done[parameter] += 1
        if min(done[parameter] for parameter in POLLUTANTS) == PLACE_DAYS:
            break
    assert done == dict.fromkeys(POLLUTANTS, PLACE_DAYS)


def figure_of(pollutant: dict[str, Any]) -> float:
    """Work out what a place is ranked by, of the API's days or months with a near monitor."""
    days = [
        (day["date"], day["value"])
        for day in pollutant["days"]
        if day["value"] is not None and day["nearest_km"] <= REACH_KM
    ]
    values = [value for _, value in days]
    if pollutant["parameter"] == NO2:
        months = [
            (month["hours"], month["hourly_mean"])
            for month in pollutant["months"]
            if month["hours"] and month["nearest_km"] <= REACH_KM
        ]
        return sum(n * mean for n, mean in months) / sum(n for n, _ in months)
    if pollutant["parameter"] in MEANS_OF_DAYS:
        quarters: list[list[float]] = [[], [], [], []]
        for date, value in days:
            quarters[QUARTERS[date[5:7]]].append(value)
        return sum(sum(each) / len(each) for each in quarters) / 4
    return float(sorted(values)[-4 if pollutant["parameter"] == OZONE else -1])


def figures_by_state(nation: Nation, parameter: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the stored figure of each ZIP code that has one, and its state."""
    factor = POLLUTANTS[parameter].display_factor
    stored = dict(
        nation.rows(
            "SELECT unnest(cells), unnest(figures) FROM ranking WHERE parameter = %s AND year = %s",
            parameter,
            YEAR,
        )
    )
    found = [
        (factor * stored[cell], code.state)
        for code in places.covered_zip_codes().values()
        for cell in [h3.latlng_to_cell(code.latitude, code.longitude, grid.RESOLUTION)]
        if np.isfinite(stored.get(cell, np.nan))
    ]
    values, states = zip(*found, strict=True)
    return np.array(values), np.array(states)


def test_ranks_are_those_of_the_stored_figures(nation: Nation) -> None:
    stored = {parameter: figures_by_state(nation, parameter) for parameter in POLLUTANTS}
    done = Counter[int]()
    for code in some_zip_codes(300):
        for parameter, pollutant in nation.pollutants(code).items():
            rank = pollutant["rank"]
            if not rank or done[parameter] == RANKED:
                continue
            own = figure_of(pollutant)
            assert rank["value"] == pytest.approx(own, rel=1e-4)
            values, states = stored[parameter]
            for area in rank["areas"]:
                among = values if area["area"] == "US" else values[states == area["area"]]
                # What the answer gives has five digits, so that neighbours may look alike.
                least, most = (int((among > own * (1 + off)).sum()) for off in (1e-4, -1e-4))
                assert least <= area["higher"] <= most
                assert area["rank"] == area["higher"] + 1
                assert area["higher"] + area["alike"] + area["lower"] == len(among)
                share = 100 * max(area["higher"], area["alike"], area["lower"]) // len(among)
                assert f" in {share}% " in pollutant["sentence"]
            assert rank["areas"][0]["area"] == "US"
            done[parameter] += 1
        if min(done[parameter] for parameter in POLLUTANTS) == RANKED:
            break
    assert done == dict.fromkeys(POLLUTANTS, RANKED)


def test_the_store_counts_the_flagged_hours_of_the_file(nation: Nation) -> None:
    """Of PM2.5's smaller file: its smoke is flagged IT or RT."""
    wanted = [*epa.COLUMNS_24[:3], "Date Local", "Time Local", "Qualifier"]
    options = pa.csv.ConvertOptions(
        include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string())
    )
    flagged = Counter[tuple[str, str]]()
    with zipfile.ZipFile(nation.raw / epa.file_name(PM25_OTHER, YEAR)) as archive:
        table = pa.csv.read_csv(archive.open(archive.namelist()[0]), convert_options=options)
    smoky = table.filter(pc.match_substring_regex(table["Qualifier"], r"^(IT|RT)\b"))
    hours = {tuple(row.values())[:5] for row in smoky.to_pylist()}
    flagged.update((f"{state}-{county}-{site}", day) for state, county, site, day, _ in hours)
    stored = nation.rows(
        "SELECT site, day::text, smoke_hours FROM station_day"
        " WHERE parameter = %s AND year = %s AND smoke_hours > 0",
        PM25_OTHER,
        YEAR,
    )
    assert len(stored) > 100
    inside = {key: n for key, n in flagged.items() if key[0][:2] not in ("80", "CC")}
    assert {(site, day): n for site, day, n in stored} == inside


def test_days_of_smoke_are_those_of_the_monitors_that_were_used(nation: Nation) -> None:
    chance, done = random.Random(SEED), Counter[bool]()
    for code in some_zip_codes(300):
        for parameter, pollutant in nation.pollutants(code).items():
            days = pollutant["days"]
            assert pollutant["days_above_with_smoke"] == sum(
                day["above_standard"] and day["smoke_hours"] > 0 for day in days
            )
            for smoky in (True, False):
                alike = [
                    d for d in days if d["value"] is not None and smoky == (d["smoke_hours"] > 0)
                ]
                if alike and done[smoky] < SMOKY_DAYS:
                    day = chance.choice(alike)
                    assert day["smoke_hours"] == smoke_of(nation, code, parameter, day["date"])
                    done[smoky] += 1
        if min(done[True], done[False]) == SMOKY_DAYS:
            break
    assert done == {True: SMOKY_DAYS, False: SMOKY_DAYS}


def smoke_of(nation: Nation, code: str, parameter: int, day: str) -> int:
    """Return the most flagged hours of a day at any monitor of its working that counts."""
    working = nation.json("day", address=code, parameter=parameter, date=day)
    sites = [each["site"] for each in working["monitors"] if each["share"] is not None]
    ((most,),) = nation.rows(
        "SELECT max(smoke_hours) FROM station_day"
        " WHERE parameter = %s AND day = %s AND site = ANY(%s)",
        parameter,
        day,
        sites,
    )
    return int(most)


@pytest.fixture(scope="module")
def in_bulk(
    nation: Nation,
    publisher: Callable[..., Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of the year's files in bulk."""
    folder = tmp_path_factory.mktemp("bulk")
    config = replace(publisher(folder), zones=nation.zones)
    assert bulk.publish(config, [], [YEAR])  # prints the files' sizes, and the time
    return folder


def test_files_in_bulk_hold_what_the_api_answers(nation: Nation, in_bulk: Path) -> None:
    codes = some_zip_codes(BULK_PLACES)
    with_figures = assert_equal_to_the_api(in_bulk, nation.client, codes, YEAR)
    print(f"{with_figures} years of {len(codes)} ZIP codes")
    assert with_figures == in_reach(nation, codes)


def in_reach(nation: Nation, codes: list[str]) -> int:
    """Count the pollutants with a monitor within 100 miles of each ZIP code's grid point."""
    known = places.covered_zip_codes()
    cells = [grid.nearest(known[code].latitude, known[code].longitude) for code in codes]
    points = np.radians([(cell.latitude, cell.longitude) for cell in cells if cell])
    stations = nation.rows("SELECT parameter, latitude, longitude FROM station")
    parameter, latitude, longitude = (np.array(column) for column in zip(*stations, strict=True))
    north, east = np.radians(latitude), np.radians(longitude)
    count = 0
    for lat, lon in points:
        part = np.sin((north - lat) / 2) ** 2
        part += np.cos(lat) * np.cos(north) * np.sin((east - lon) / 2) ** 2
        near = 2 * 6371.0088 * np.arcsin(np.sqrt(part)) <= 1.609344 * 100
        count += len(set(parameter[near].tolist()))
    return count


@pytest.mark.parametrize("of", [ZIP_CODES, COUNTIES])
@pytest.mark.parametrize("parameter", POLLUTANTS)
def test_pandas_and_duckdb_read_the_same(in_bulk: Path, parameter: int, of: str) -> None:
    assert_pandas_and_duckdb_read_the_same(in_bulk, parameter, of, YEAR)


@pytest.mark.parametrize("of", [ZIP_CODES, COUNTIES])
def test_libreoffice_reads_the_same(in_bulk: Path, tmp_path: Path, of: str) -> None:
    assert_libreoffice_reads_the_same(in_bulk, OZONE, of, tmp_path, YEAR)
