"""Each zone answers for the years that it holds, and another zone for the others."""

import time
from collections.abc import Iterator

import pytest
from small_load import COUNTS, PARAMETER, STARTED, YEAR, ask, nothing_left, source
from test_load import PIECES, SITES, pieces

from airaware.science import grid
from airaware.settings import Zone
from airaware.store import nearby, queries
from airaware.store import zones as zones_module
from airaware.store.load import Load, ZoneLoad, copy_piece
from airaware.store.memory import Memory
from airaware.store.zones import NoZoneError, Reader
from tools.machine.postgres import free_port

CELL = int(grid.load().cells[0])


@pytest.fixture(autouse=True)
def leave_nothing(zones: tuple[Zone, ...]) -> Iterator[None]:
    with nothing_left(zones):
        yield


def load(zone: Zone, year: int, value: float) -> None:
    small = Load(PARAMETER, year, "first")
    with ZoneLoad(zone, small) as zone_load:
        zone_load.stage()
        for piece in pieces(value, year):
            copy_piece(zone, small, *piece)
        zone_load.commit(source(), COUNTS, PIECES, STARTED)


def of_the_test(reader: Reader) -> list[queries.Load]:
    return [each for each in queries.served(reader).loads if each.year in (YEAR, YEAR + 1)]


def test_one_zone_has_a_year_and_the_other_the_next(zones, reader_zones):
    load(zones[0], YEAR, 5)
    load(zones[1], YEAR + 1, 6)
    for order in (reader_zones, reader_zones[::-1]):
        reader = Memory(order, {"stations": 9})
        loads = of_the_test(reader)
        assert [each.year for each in loads] == [YEAR, YEAR + 1]
        found = {each.year: each.hourly_mean[0] for each in queries.cell_years(reader, CELL, loads)}
        assert found == {YEAR: 5, YEAR + 1: 6}
        sources = queries.sources(reader, PARAMETER, [YEAR + 1, YEAR])
        assert [each.year for each in sources] == [YEAR, YEAR + 1]
        for each in loads:
            assert queries.residuals(reader, PARAMETER, each.year)
        assert len(nearby.stations(reader, loads[1], (6.0, 6.0)).sites) == len(SITES)


def test_who_asks_first_finds_the_other_zones_year(zones, reader_zones):
    load(zones[1], YEAR, 5)
    assert [each.year for each in of_the_test(Reader(reader_zones))] == [YEAR]


def test_what_another_zone_loads_is_noticed_in_a_while(zones, reader_zones, monkeypatch):
    monkeypatch.setattr(zones_module, "HELD_SECONDS", 0.05)
    reader = Reader(reader_zones)
    assert of_the_test(reader) == []
    load(zones[1], YEAR, 5)
    deadline = time.monotonic() + 60
    while not of_the_test(reader):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_empty_zone_is_no_answer_while_the_other_is_down(zones, reader_zones):
    if ask(zones[0], "SELECT 1 FROM load"):
        pytest.skip("another test's year is loaded")
    down = Zone("down", f"host=127.0.0.1 port={free_port()} dbname=airaware user=nobody")
    for order in ((reader_zones[0], down), (down, reader_zones[0])):
        reader = Reader(order)
        with pytest.raises(NoZoneError):
            queries.served(reader)
        assert reader.ready()
    assert queries.served(Reader(reader_zones[:1])).loads == ()
