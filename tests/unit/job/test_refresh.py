"""Which files a refresh brings, and which loads it makes again."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from airaware.job import refresh
from airaware.raw import edges, epa, fetch, rawstore
from airaware.settings import Settings, Zone
from airaware.store import manifest
from airaware.store.manifest import Loaded

PM25, NO2 = 88101, 42602
YEARS = (2012, 2013, 2014, 2015)


@pytest.fixture
def store(tmp_path: Path) -> rawstore.FolderStore:
    for year in YEARS:
        (tmp_path / epa.file_name(PM25, year)).write_bytes(str(year).encode())
    (tmp_path / epa.file_name(NO2, 2013)).write_bytes(b"NO2")
    (tmp_path / "notes.zip").write_bytes(b"a person's own")
    return rawstore.FolderStore(tmp_path)


def load(store: rawstore.Store, parameter: int, year: int) -> Loaded:
    """A load of the stored file."""
    return replace(
        Loaded(parameter, year, False, 10, 0, 0, Decimal(1), datetime.now(UTC)),
        input_sha256=store.sha256(epa.file_name(parameter, year)),
    )


def test_the_years_of_the_store_or_those_that_are_named(store):
    assert refresh.wanted(store) == {
        2012: [PM25],
        2013: [NO2, PM25],
        2014: [PM25],
        2015: [PM25],
    }
    assert refresh.wanted(store, [2013, 2016]) == {2013: [NO2, PM25], 2016: None}


def test_a_load_of_the_stored_file_stays(store):
    loads = [load(store, PM25, year) for year in YEARS]
    assert refresh.stale(store, loads, []) == []


def test_a_load_of_another_file_is_made_again_whenever_the_newer_one_came(store):
    older = replace(load(store, PM25, 2013), input_sha256="0" * 64)
    loads = [load(store, PM25, 2012), older, load(store, PM25, 2013)]  # of one zone, of another
    assert refresh.stale(store, loads, []) == [(PM25, 2013)]
    assert refresh.stale(store, loads, [(PM25, 2015)]) == [(PM25, 2013), (PM25, 2015)]
    assert refresh.stale(store, loads, [], [2012]) == []


def test_a_load_whose_file_is_gone_is_left_alone(store):
    gone = replace(load(store, PM25, 2013), year=2016, input_sha256="0" * 64)
    assert refresh.stale(store, [gone], []) == []


def test_a_neighbours_newer_hours_make_a_load_stale(store, monkeypatch):
    monkeypatch.setattr(edges, "changed", lambda _, __, year, *___: [2014] * (year == 2013))
    loads = [load(store, PM25, year) for year in YEARS]
    assert refresh.stale(store, loads, [(PM25, 2014)], [2014]) == [(PM25, 2013), (PM25, 2014)]
    assert refresh.stale(store, loads, [], [2012]) == []


def test_jobs_load_exactly_what_is_stale():
    keys = [(44201, 2013), (88101, 2013), (44201, 2012), (88101, 2012), (44201, 1999)]
    jobs = list(refresh.groups(keys))
    assert jobs == [("1999", [44201]), ("2012,2013", [44201, 88101])]
    assert list(refresh.groups([])) == []


def test_a_file_that_fails_keeps_no_other_from_coming(store, monkeypatch):
    def fetch_year(_config, year, parameters, **_):
        assert parameters
        files = tuple(
            fetch.FileReport(epa.file_name(code, year), "fetched" if year < 2014 else "kept")
            for code in parameters
        )
        report = fetch.FetchReport(year, files)
        if year == 2012:
            failed = fetch.FileReport(files[0].name, "failed", error="broken")
            raise fetch.FilesFailedError(replace(report, files=(failed,)))
        if year == 2015:
            raise AirAwareError("no room")
        return report

    monkeypatch.setattr(fetch, "fetch_year", fetch_year)
    said = []
    fetched, failures = refresh.bring(SETTINGS, store, [], said.append)
    assert fetched == [(NO2, 2013), (PM25, 2013)]
    assert failures == ["broken", "no room"]
    assert f"{epa.file_name(PM25, 2014)}: kept" in said


SETTINGS = Settings("", "", (), "", 0.05, 0, "")
A, B = Zone("a", ""), Zone("b", "")


def test_a_zone_that_is_down_is_told_of_and_left_out(store, monkeypatch):
    sound = [load(store, PM25, 2013)]

    def loads(zone: Zone) -> list[Loaded]:
        if zone.name in down:
            raise AirAwareError(f"zone {zone.name}: down")
        return sound

    monkeypatch.setattr(manifest, "loads", loads)
    said, down = [], {"a"}
    assert refresh.held((A, B), said.append) == sound
    assert said == ["zone a: down"]
    down = {"a", "b"}
    with pytest.raises(AirAwareError, match="zone a: down\nzone b: down"):
        refresh.held((A, B), said.append)
    with pytest.raises(AirAwareError, match="fab deploy"):
        refresh.held((), said.append)
