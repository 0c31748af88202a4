"""A year's first and last hours beside its zip, and what its neighbours make of them."""

import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from airaware import settings
from airaware.job import model, stages
from airaware.job.stations import assemble
from airaware.raw import edges, epa, fetch, rawstore, station_months, synthetic
from airaware.science import metrics
from airaware.science.pollutants import POLLUTANTS, get
from airaware.store.load import Load
from airaware.store.manifest import Loaded
from tools.environments import overview
from tools.tasks import data

OZONE, CO = 44201, 42101
SITE, OTHER_SITE = "4201", "7002"
Hours = dict[tuple[str, int, str], float]  # by site, POC and local time, as "2014-01-01 00"


@pytest.fixture
def store(tmp_path: Path) -> rawstore.FolderStore:
    return rawstore.FolderStore(tmp_path / "raw")


@pytest.fixture
def write(tmp_path: Path):
    """Write hours as EPA's zip of a parameter and year; return its path."""

    def written(hours: Hours, parameter: int = OZONE, year: int = 2014, synthetic=False) -> Path:
        text = io.StringIO()
        writer = csv.DictWriter(text, epa.COLUMNS_24, lineterminator="\n")
        writer.writeheader()
        for (site, poc, time), value in hours.items():
            writer.writerow(
                dict.fromkeys(epa.COLUMNS_24, "")
                | {
                    "State Code": "17",
                    "County Code": "031",
                    "Site Num": site,
                    "Parameter Code": parameter,
                    "POC": poc,
                    "Latitude": 42.14,
                    "Longitude": -87.8,
                    "Date Local": time[:10],
                    "Time Local": f"{time[11:]}:00",
                    "Sample Measurement": value,
                    "Units of Measure": get(parameter).file_units[0],
                }
            )
        path = tmp_path / epa.file_name(parameter, year)
        with zipfile.ZipFile(path, "w") as archive:
            archive.comment = epa.SYNTHETIC_COMMENT if synthetic else b""
            archive.writestr(path.name.replace(".zip", ".csv"), text.getvalue())
        return path

    return written


def put(store: rawstore.Store, path: Path) -> None:
    store.put(path.name, path, rawstore._digest(path))


def span(begin: str, hours: int, value: float = 0.03, site: str = SITE, poc: int = 1) -> Hours:
    first = datetime.fromisoformat(begin)
    return {
        (site, poc, f"{first + timedelta(hours=hour):%Y-%m-%d %H}"): value for hour in range(hours)
    }


def digests(store: rawstore.Store, parameter: int = OZONE, year: int = 2013) -> dict:
    return dict(edges.neighbours(store, parameter, year, False, print).digests)


def changed(store: rawstore.Store, had: dict, year: int = 2013) -> list[int]:
    return edges.changed(store, OZONE, year, False, had)


def test_days_reach_as_far_as_their_rule_says():
    reached = {code: metrics.reach(pollutant) for code, pollutant in POLLUTANTS.items()}
    assert reached == dict.fromkeys(POLLUTANTS, (0, 0)) | {OZONE: (0, 7), CO: (7, 0)}


def test_the_first_and_last_hours_of_each_instrument_are_kept(store, write):
    first, last = span("2014-01-01", 48, 0.01), span("2014-12-30", 48, 0.02, OTHER_SITE, 3)
    put(store, write(first | last))
    table = edges.ensure(store, OZONE, 2014)
    assert table["site"].to_pylist() == ["17-031-4201"] * 12 + ["17-031-7002"] * 12
    assert table["hour"].to_pylist() == [*range(12), *range(-12, 0)]
    assert set(table["poc"].to_pylist()) == {1, 3}
    assert store.whole(edges.file_name(OZONE, 2014))
    assert store.names() == [epa.file_name(OZONE, 2014)]


def test_a_year_is_stale_when_its_neighbours_hours_arrive_or_change(store, write):
    put(store, write(span("2013-12-31", 24), year=2013))
    missing = digests(store)
    assert missing == {"2014": None}
    assert changed(store, missing) == []
    put(store, write(span("2014-01-01", 24)))
    assert changed(store, missing) == [2014]  # known before its edges are made
    had = digests(store)
    assert changed(store, had) == []
    assert changed(store, missing) == [2014]
    put(store, write(span("2014-01-01", 24) | span("2014-01-01 06", 1, 0.05)))
    edges.ensure(store, OZONE, 2014)
    assert changed(store, had) == [2014]


def test_a_neighbour_replaced_by_one_with_the_same_edge_makes_nothing_stale(store, write):
    hours = span("2014-01-01", 7) | span("2014-01-01", 7, 0.04, OTHER_SITE)
    put(store, write(hours))
    had = digests(store)
    # Other hours, another order, duplicates: of these the first counts.
    other = dict(reversed(list(hours.items()))) | span("2014-01-01 07", 900, 0.09)
    put(store, write(other))
    assert changed(store, had) == []
    assert digests(store) == had
    assert changed(store, had) == []


def test_only_the_years_that_a_day_reaches_into_are_read(store, write):
    for year in (2012, 2014):
        for parameter in (OZONE, CO, 88101):
            hours = span(f"{year}-01-01", 24) | span(f"{year}-12-31", 24)
            put(store, write(hours, parameter, year))
    assert list(digests(store, OZONE)) == ["2014"]
    assert list(digests(store, CO)) == ["2012"]
    assert digests(store, 88101) == {}


def test_a_damaged_side_file_is_made_again(store, write):
    put(store, write(span("2014-01-01", 24)))
    had = digests(store)
    path = store.folder / edges.file_name(OZONE, 2014)
    path.write_bytes(path.read_bytes()[:-10])
    assert changed(store, had) == []  # not known to be
    assert digests(store) == had
    assert store.whole(path.name)
    path.with_name(f"{path.name}.sha256").unlink()
    path.write_bytes(b"not Parquet")
    assert changed(store, had) == []
    assert digests(store) == had


def test_a_damaged_neighbour_is_told_and_no_failure(store, write):
    path = write(span("2014-01-01", 24))
    path.write_bytes(path.read_bytes()[:-30])
    put(store, path)
    said: list[str] = []
    found = edges.neighbours(store, OZONE, 2013, False, said.append)
    assert found.digests == {"2014": None}
    assert "incomplete" in said[0]
    assert "fab fetch-year" in said[0]


def test_a_neighbour_without_rows_is_there(store, write):
    put(store, write({}))
    assert digests(store)["2014"] is not None


def test_real_days_are_not_made_of_synthetic_hours(store, write):
    put(store, write(span("2014-01-01", 24), synthetic=True))
    for made_up in (False, True):
        found = edges.neighbours(store, OZONE, 2013, made_up, print)
        assert (found.digests["2014"] is None) is not made_up
        assert bool(found.records) is made_up
        assert edges.changed(store, OZONE, 2013, made_up, found.digests) == []


def test_a_station_that_only_a_neighbour_has_is_none_of_the_year(store, write):
    """Nor do its instruments count, or its coordinates of another year."""
    put(store, write(span("2013-12-31", 24, poc=2), year=2013))
    put(store, write(span("2014-01-01", 24) | span("2014-01-01", 24, 0.03, OTHER_SITE)))
    with store.local(epa.file_name(OZONE, 2013)) as path:
        own = list(station_months.read(path, OZONE, 2013))
    beyond = edges.neighbours(store, OZONE, 2013, False, print).records
    december = pa.Table.from_batches([*beyond, *own])
    december = december.filter(pc.equal(december["month"], 12))
    stations = assemble(december, 31)
    assert stations.pocs == [[2], []]
    assert np.isfinite(stations.hours[:, -metrics.MARGIN_HOURS :]).all()
    job = model.Job(
        Load(OZONE, 2013, "test"), raw="", zones=(), shares=1, file=rawstore.Exact("", "")
    )
    pieces = stages.month_pieces(job, december).filter(pc.field("notes").is_valid())
    found = stages._joined_notes(pieces).stations
    assert [(site, pocs) for site, *_, pocs in found] == [("17-031-4201", 1)]


def test_fetching_and_synthesizing_make_the_side_file(store, write, monkeypatch):
    source = write(span("2014-01-01", 24)).parent
    config = replace(settings.read(), epa_url=str(source), raw=str(store.folder))
    side = store.folder / edges.file_name(OZONE, 2014)
    for _ in ("fetched", "kept"):
        fetch.fetch_year(config, 2014, [OZONE])
        assert edges._stored(store, OZONE, 2014).num_rows == 12
        side.unlink()
    monkeypatch.setattr(synthetic, "write", partial(synthetic.write, stations=3))
    data._synthesize(store, 2015, [CO])
    assert edges._stored(store, CO, 2015).num_rows > 20


def test_status_names_the_year_and_what_renews_it(store, write, monkeypatch):
    put(store, write(span("2014-01-01", 24)))
    said = io.StringIO()
    monkeypatch.setattr(overview, "console", Console(file=said, width=80, soft_wrap=True))
    known = Decimal(1), datetime.now(UTC)
    for had in ({"2014": None}, digests(store)):
        load = Loaded(OZONE, 2013, False, 10, 0, 0, *known, edges=had)
        overview._show_stale(store, {"a": [load], "b": [load]})
    assert said.getvalue().count("stale") == 1
    assert "fab submit-year 2013 --parameter 44201" in said.getvalue()
