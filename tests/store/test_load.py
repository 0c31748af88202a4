"""A load is whole or not at all, in each zone, whoever reads, waits, or dies meanwhile."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import psycopg2
import pytest
from psycopg2 import extensions, sql
from small_load import COUNTS, PARAMETER, STARTED, YEAR, ask, nothing_left, source

from airaware import store
from airaware.errors import AirAwareError
from airaware.raw import verdicts
from airaware.science import grid
from airaware.settings import Zone
from airaware.store import load as load_module
from airaware.store import manifest
from airaware.store.binary import Rows
from airaware.store.load import TABLES, Load, ZoneLoad, copy_piece
from airaware.store.shapes import RESOLUTIONS
from tools.machine.postgres import free_port

CELLS = grid.load().cells[:50]
PARENTS = {h3.cell_to_parent(cell, each) for cell in CELLS.tolist() for each in RESOLUTIONS[:-1]}
SITES = np.array([b"17-031-4201", b"17-031-7002"])
PIECES = 4


@pytest.fixture(autouse=True)
def leave_nothing(zones: tuple[Zone, ...]) -> Iterator[None]:
    with nothing_left(zones):
        yield


def pieces(
    value: float, year: int = YEAR, reverse: bool = False
) -> list[tuple[int, dict[str, Rows]]]:
    """The pieces of a small load whose every figure is `value`."""
    step = -1 if reverse else 1

    def months(rows: int, dtype: type, width: int = 12) -> np.ndarray:
        return np.full((rows, width), value, dtype)

    def key(rows: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full(rows, PARAMETER, np.int32), np.full(rows, year, np.int16)

    many = len(CELLS)
    cell_year = Rows.of(
        *key(many),
        CELLS[::step],
        months(many, np.float32),
        months(many, np.int16),
        *(months(many, np.float32) for _ in range(4)),
        *(months(many, np.int16) for _ in range(2)),
        months(many, np.int16, 72),
        months(many, np.int16),
        months(many, np.float32),
    )
    places = np.full(2, value, np.float64)
    station = Rows.of(*key(2), SITES[::step], places, places, np.array([1, 1], np.int16))
    station_day = Rows.of(
        *key(2),
        SITES[::step],
        np.array([f"{year}-06-15"] * 2, "datetime64[D]"),
        months(2, np.float32, 24),
        np.full(2, value, np.float32),
        np.full(2, value, np.int16),
        np.zeros(2, np.int16),
    )
    residual = Rows.of(
        *key(2),
        np.array([6, 7], np.int16),
        np.array([b"daily"] * 2),
        np.array([5, 5], np.int16),
        *(np.full(2, 30, np.int64) for _ in range(2)),
        *(np.full(2, value, np.float64) for _ in range(4)),
    )
    ranked = np.full((1, many), value, np.float32)
    ranking = Rows.of(*key(1), np.zeros(1, np.int16), CELLS[None], ranked)
    bounds = (months(1, np.float32, width) for width in (24, 984, 7, 7))
    count_range = Rows.of(*key(1), *(np.zeros(1, np.int16),) * 2, *bounds)
    return [
        (0, {"cell_year": cell_year, "ranking": ranking}),
        (1, {"station": station}),
        (2, {"station_day": station_day}),
        (3, {"residual": residual, "count_range": count_range}),
    ]


def load_value(zone: Zone, value: float, attempt: str, year: int = YEAR, **options) -> str:
    """A whole load; its checksum."""
    load = Load(PARAMETER, year, attempt)
    with ZoneLoad(zone, load) as zone_load:
        assert zone_load.lock(wait=False)
        zone_load.stage()
        for piece in pieces(value, year, **options):
            copy_piece(zone, load, *piece)
        return zone_load.commit(source(attempt), COUNTS, PIECES, STARTED)


def served(zone: Zone, year: int = YEAR) -> list[tuple]:
    """The value that each table serves, with the number of its rows."""
    return ask(
        zone,
        "SELECT hourly_mean[1], count(*) FROM cell_year WHERE year = %(year)s GROUP BY 1"
        " UNION ALL SELECT latitude, count(*) FROM station WHERE year = %(year)s GROUP BY 1"
        " UNION ALL SELECT daily, count(*) FROM station_day WHERE year = %(year)s GROUP BY 1"
        " UNION ALL SELECT error, count(*) FROM residual WHERE year = %(year)s"
        " GROUP BY 1"
        " UNION ALL SELECT figures[1], count(*) FROM ranking WHERE year = %(year)s"
        " GROUP BY 1 UNION ALL SELECT low[1], count(*) FROM count_range WHERE year = %(year)s"
        " GROUP BY 1".replace("%(year)s", str(year)),
    )


def whole(value: float) -> list[tuple]:
    return [(value, len(CELLS)), *[(value, 2)] * 3, *[(value, 1)] * 2]


def staging(zone: Zone) -> set[str]:
    statement = "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'"
    return {name for (name,) in ask(zone, statement)}


# --- what a load leaves behind ---


def test_a_load_tells_its_size(zones):
    load_value(zones[0], 5, "first")
    sizes = manifest.sizes(zones[0])[PARAMETER, YEAR]
    assert set(sizes) == set(TABLES)
    assert all(size >= 8192 for size in sizes.values())  # PostgreSQL's smallest: a page
    assert (PARAMETER, YEAR) not in manifest.sizes(zones[1])


def test_a_load_is_served_and_recorded(zones):
    checksum = load_value(zones[0], 5, "first")
    assert served(zones[0]) == whole(5)
    ((*row, seconds),) = ask(
        zones[0],
        "SELECT attempt, input_name, input_sha256, code_version, synthetic, rows_read, excluded,"
        " rejected, rows_loaded, checksum::text, started_at,"
        " extract(epoch FROM now() - committed_at)"
        " FROM load WHERE parameter = %s AND year = %s",
        PARAMETER,
        YEAR,
    )
    assert row == [
        "first",
        "hourly_44201_1985.zip",
        "ab" * 32,
        "first",
        True,
        1000,
        {verdicts.CANADA: 7},
        {verdicts.BAD_NUMBER: 3},
        {
            "cell_year": len(CELLS),
            "parent_year": len(PARENTS),
            "station": 2,
            "station_day": 2,
            "residual": 2,
            "ranking": 1,
            "count_range": 1,
        },
        checksum,
        STARTED,
    ]
    assert 0 <= seconds < 60
    assert staging(zones[0]) == set()
    assert served(zones[1]) == []


def test_a_second_load_replaces_the_first_and_no_other_year(zones):
    load_value(zones[0], 5, "first")
    load_value(zones[0], 6, "other", YEAR + 1)
    load_value(zones[0], 7, "second")
    assert served(zones[0]) == whole(7)
    assert served(zones[0], YEAR + 1) == whole(6)
    rows = ask(zones[0], "SELECT attempt FROM load WHERE year IN (%s, %s)", YEAR, YEAR + 1)
    assert sorted(rows) == [("other",), ("second",)]
    partitions = ask(zones[0], "SELECT tablename FROM pg_tables WHERE tablename ~ '_44201_1985'")
    assert len(partitions) == len(TABLES)


def test_autovacuum_gathers_no_statistics_of_what_is_loaded(zones):
    load_value(zones[0], 5, "first")
    options = ask(
        zones[0],
        "SELECT c.oid::regclass::text, o.option_value FROM pg_class c"
        " LEFT JOIN pg_options_to_table(c.reloptions) o"
        " ON o.option_name = 'autovacuum_analyze_threshold'"
        " WHERE c.relname = ANY(%s)",
        [f"{table}_44201_{YEAR}" for table in TABLES],
    )
    assert dict(options) == {f"{table}_44201_{YEAR}": "2147483647" for table in TABLES}


def test_the_served_tables_have_keys(zones):
    load_value(zones[0], 5, "first")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        ask(
            zones[0],
            "INSERT INTO station SELECT * FROM station WHERE year = %s RETURNING site",
            YEAR,
        )


def test_the_planner_knows_a_loads_size_as_soon_as_it_is_served(zones):
    """It took each for one row until autovacuum came, and the map's queries took seconds."""
    load_value(zones[0], 5, "first")
    for table in ("cell_year", "parent_year"):
        query = f"FROM {table} WHERE parameter = {PARAMETER} AND year = {YEAR}"
        (plan,) = ask(zones[0], f"EXPLAIN (FORMAT json) SELECT cell {query}")[0]
        (rows,) = ask(zones[0], f"SELECT count(*) {query}")[0]
        assert plan[0]["Plan"]["Plan Rows"] == rows > 1


def test_the_checksum_is_that_of_the_rows_whatever_their_order(zones):
    first, second = zones
    checksum = load_value(first, 5, "first")
    assert load_value(second, 5, "second", reverse=True) == checksum
    assert load_value(first, 5, "third") == checksum
    assert load_value(first, 6, "fourth") != checksum


def test_the_reader_may_read_new_partitions_and_change_none(zones, reader_zones):
    load_value(zones[0], 5, "first")
    reader = reader_zones[0]
    assert served(reader) == whole(5)
    for table in TABLES:
        name = sql.Identifier(Load(PARAMETER, YEAR, "").partition(table))
        assert ask(reader, sql.SQL("SELECT count(*) FROM {}").format(name))[0][0] > 0
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(reader, sql.SQL("DELETE FROM {} RETURNING 1").format(name))
    assert ask(reader, "SELECT count(*) FROM load WHERE year = %s", YEAR) == [(1,)]


def test_a_zone_holds_what_was_made_from_the_same_file_by_the_same_code(zones):
    load_value(zones[0], 5, "first")
    with ZoneLoad(zones[0], Load(PARAMETER, YEAR, "second")) as zone_load:
        assert zone_load.holds(source("first"))
        assert not zone_load.holds(source("other code"))
        assert not zone_load.holds(replace(source("first"), input_sha256="cd" * 32))
        assert not zone_load.holds(replace(source("first"), edges={"1986": "ef"}))
    with ZoneLoad(zones[0], Load(PARAMETER, YEAR + 1, "second")) as zone_load:
        assert not zone_load.holds(source("first"))
    with ZoneLoad(zones[1], Load(PARAMETER, YEAR, "second")) as zone_load:
        assert not zone_load.holds(source("first"))


# --- pieces ---


def test_a_piece_is_copied_at_most_once(zones):
    """As when Spark runs a task again, or twice at the same time."""
    load = Load(PARAMETER, YEAR, "first")
    with ZoneLoad(zones[0], load) as zone_load, ThreadPoolExecutor(6) as threads:
        zone_load.stage()
        tries = [piece for piece in pieces(5) for _ in range(4)]
        list(threads.map(lambda piece: copy_piece(zones[0], load, *piece), tries))
        zone_load.commit(source(), COUNTS, PIECES, STARTED)
    assert served(zones[0]) == whole(5)


def test_a_piece_that_fails_may_be_tried_again(zones):
    load = Load(PARAMETER, YEAR, "first")
    with ZoneLoad(zones[0], load) as zone_load:
        zone_load.stage()
        for number, tables in pieces(5):
            # Of several tables, the last one breaks off.
            *_, last = tables
            broken = replace(tables[last], stream=tables[last].stream[:-20])
            with pytest.raises(AirAwareError, match=f"zone {zones[0].name}: "):
                copy_piece(zones[0], load, number, tables | {last: broken})
            copy_piece(zones[0], load, number, tables)
        zone_load.commit(source(), COUNTS, PIECES, STARTED)
    assert served(zones[0]) == whole(5)


def test_a_load_with_a_piece_missing_is_refused(zones):
    load_value(zones[0], 5, "first")
    load = Load(PARAMETER, YEAR, "second")
    with ZoneLoad(zones[0], load) as zone_load:
        zone_load.stage()
        for piece in pieces(6)[:2]:
            copy_piece(zones[0], load, *piece)
        with pytest.raises(AirAwareError, match=f"zone {zones[0].name}: 2 of 4 pieces"):
            zone_load.commit(source(), COUNTS, PIECES, STARTED)
    assert served(zones[0]) == whole(5)


@pytest.mark.parametrize("wrong", ["year", "duplicate"])
def test_rows_that_do_not_belong_are_refused(zones, wrong):
    load_value(zones[0], 5, "first")
    load = Load(PARAMETER, YEAR, "second")
    with ZoneLoad(zones[0], load) as zone_load:
        zone_load.stage()
        for number, tables in pieces(6, YEAR + (wrong == "year")):
            copy_piece(zones[0], load, number, tables)
            if wrong == "duplicate":
                copy_piece(zones[0], load, number + 10, tables)
        with pytest.raises(psycopg2.IntegrityError):
            zone_load.commit(source(), COUNTS, PIECES * (1 + (wrong == "duplicate")), STARTED)
    assert served(zones[0]) == whole(5)


# --- attempts that end early ---


def test_what_was_not_committed_is_dropped(zones):
    def interrupted():
        with ZoneLoad(zones[0], Load(PARAMETER, YEAR, "first")) as zone_load:
            zone_load.stage()
            assert len(staging(zones[0])) == len(TABLES) + 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert staging(zones[0]) == set()


def test_a_dead_attempt_is_swept_away_by_the_next(zones):
    dead = Load(PARAMETER, YEAR, "dead")
    zone_load = ZoneLoad(zones[0], dead)
    assert zone_load.lock(wait=False)
    zone_load.stage()
    other_year = ZoneLoad(zones[0], Load(PARAMETER, YEAR + 1, "alive"))
    other_year.stage()
    zone_load._connection.close()  # As the system does when the driver is killed.

    with ZoneLoad(zones[0], Load(PARAMETER, YEAR, "next")) as following:
        following.lock(wait=True)
        following.stage()
        assert {name.rsplit("_", 1)[1] for name in staging(zones[0])} == {"alive", "next"}
        # A task of the dead attempt that still runs cannot do harm.
        with pytest.raises(AirAwareError, match="does not exist"):
            copy_piece(zones[0], dead, *pieces(6)[0])
    with other_year:
        assert {name.rsplit("_", 1)[1] for name in staging(zones[0])} == {"alive"}


def test_what_dead_attempts_staged_is_swept_away_and_nothing_else(zones):
    dead = ZoneLoad(zones[0], Load(PARAMETER, YEAR, "dead"))
    dead.lock(wait=False)
    dead.stage()
    dead._connection.close()  # As the system does when the driver is killed.
    with ZoneLoad(zones[0], Load(PARAMETER, YEAR + 1, "alive")) as alive:
        alive.lock(wait=False)
        alive.stage()
        deadline = time.monotonic() + 60
        while {name.rsplit("_", 1)[1] for name in staging(zones[0])} != {"alive"}:
            load_module.sweep(zones[0])  # the server may take a moment to see the driver gone
            assert time.monotonic() < deadline
    load_module.sweep(zones[0])
    assert staging(zones[0]) == set()


def test_a_submit_that_gives_up_waiting_drops_nothing_of_the_one_at_work(zones):
    load = Load(PARAMETER, YEAR, "first")
    with ZoneLoad(zones[0], load) as zone_load:
        assert zone_load.lock(wait=False)
        zone_load.stage()
        with ZoneLoad(zones[0], Load(PARAMETER, YEAR, "second")) as waiting:
            assert not waiting.lock(wait=False)
        for piece in pieces(5):
            copy_piece(zones[0], load, *piece)
        zone_load.commit(source(), COUNTS, PIECES, STARTED)
    assert served(zones[0]) == whole(5)


# --- two at the same time ---


def test_the_lock_lets_one_at_a_year(zones):
    with ExitStack() as stack:
        first, second, other_year, other_zone = (
            stack.enter_context(ZoneLoad(zone, Load(PARAMETER, year, "x")))
            for zone, year in [
                (zones[0], YEAR),
                (zones[0], YEAR),
                (zones[0], YEAR + 1),
                (zones[1], YEAR),
            ]
        )
        assert first.lock(wait=False)
        assert not second.lock(wait=False)
        assert other_year.lock(wait=False)
        assert other_zone.lock(wait=False)


def test_the_second_of_two_submits_waits_and_finds_the_work_done(zones):
    waits = threading.Event()

    def submit(attempt: str) -> bool:
        """Whether this one did the work."""
        load = Load(PARAMETER, YEAR, attempt)
        with ZoneLoad(zones[0], load) as zone_load:
            if not zone_load.lock(wait=False):
                waits.set()
                zone_load.lock(wait=True)
            if zone_load.holds(source()):
                return False
            zone_load.stage()
            assert waits.wait(10)
            for piece in pieces(5):
                copy_piece(zones[0], load, *piece)
            zone_load.commit(source(), COUNTS, PIECES, STARTED)
            return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(submit, ["first", "second"])) == [False, True]
    assert served(zones[0]) == whole(5)


def test_what_is_served_is_on_the_disk(zones, monkeypatch):
    """Only the staged rows' commits may wait for the disk: the swap's is after all of them."""
    durable = []
    record = ZoneLoad._record

    def recorded(zone_load: ZoneLoad, cursor: extensions.cursor, *rest: Any) -> None:
        cursor.execute("SHOW synchronous_commit")
        durable.append(cursor.fetchone()[0])
        record(zone_load, cursor, *rest)

    monkeypatch.setattr(ZoneLoad, "_record", recorded)
    load_value(zones[0], 5, "first")
    assert durable == ["on"]


# --- readers ---

READ = """
SELECT load.attempt, count(*), min(hourly_mean[1]), max(hourly_mean[1]),
       (SELECT min(latitude) FROM station WHERE (station.parameter, station.year) = (%s, %s)),
       (SELECT max(daily) FROM station_day s WHERE (s.parameter, s.year) = (%s, %s))
FROM load JOIN cell_year USING (parameter, year)
WHERE (load.parameter, load.year) = (%s, %s) GROUP BY load.attempt
"""


def test_no_reader_sees_a_torn_load(zones, reader_zones):
    """An attempt's name is its value: rows and manifest must tell the same."""
    load_value(zones[0], 1, "1")
    done = threading.Event()

    def read() -> set[str]:
        seen = set()
        with closing(store.connect(reader_zones[0])) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not done.is_set():
                    cursor.execute(READ, (PARAMETER, YEAR) * 3)
                    ((attempt, rows, *values),) = cursor.fetchall()
                    assert rows == len(CELLS)
                    assert set(values) == {float(attempt)}
                    seen.add(attempt)
        return seen

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        try:
            for value in range(2, 15):
                load_value(zones[0], value, str(value))
        finally:
            done.set()
        assert all(len(reader.result()) > 3 for reader in readers)


def test_a_swap_waits_for_a_reader_and_lets_others_pass(zones, monkeypatch):
    monkeypatch.setattr(load_module, "SWAP_PATIENCE_SECONDS", 0.05)
    load_value(zones[0], 5, "first")
    with closing(store.connect(zones[0])) as slow, ThreadPoolExecutor(1) as threads:
        with slow.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM station_day")
        swap = threads.submit(load_value, zones[0], 6, "second")
        for _ in range(20):
            assert served(zones[0]) == whole(5)
            time.sleep(0.02)
        assert not swap.done()
        slow.rollback()
        assert swap.result(timeout=10)
    assert served(zones[0]) == whole(6)


def test_a_swap_that_no_reader_lets_in_leaves_the_old(zones, monkeypatch):
    monkeypatch.setattr(load_module, "SWAP_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(load_module, "SWAP_TRIES", 3)
    load_value(zones[0], 5, "first")
    with closing(store.connect(zones[0])) as slow:
        with slow.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM station_day")
        with pytest.raises(AirAwareError, match=r"readers held .* for 0.15 s. Submit the year"):
            load_value(zones[0], 6, "second")
    assert served(zones[0]) == whole(5)


def test_a_zone_that_cannot_be_reached_is_named():
    zone = Zone("c", f"host=127.0.0.1 port={free_port()} dbname=airaware user=nobody")
    with pytest.raises(AirAwareError, match="zone c: its database cannot be reached"):
        ZoneLoad(zone, Load(PARAMETER, YEAR, "first"))
    with pytest.raises(AirAwareError, match="zone c: "):
        copy_piece(zone, Load(PARAMETER, YEAR, "first"), *pieces(5)[0])
