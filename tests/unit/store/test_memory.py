"""What is remembered of loads: bounded, and never of two loads; without a database."""

import json
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import pytest

from airaware.settings import Zone
from airaware.store import memory
from airaware.store.memory import Memory
from airaware.store.zones import Reader

Row = namedtuple("Row", "loads")
MOST = {"answers": 2}


class Store:
    """The loads of a database, by what a Reader fetches: checksums by year."""

    def __init__(self) -> None:
        self.years = {2016: "1", 2017: "1"}
        self.looks = 0

    def fetch(self, *_: object) -> list[Row]:
        self.looks += 1
        loads = [
            [44201, year, False, "2026-01-01T00:00:00+00:00", checksum, {}, False]
            for year, checksum in self.years.items()
        ]
        return [Row(json.dumps(loads))]

    def held(self, *_: object) -> tuple[str, ...]:
        return (self.fetch()[0].loads,)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(Reader, "fetch", store.fetch)
    monkeypatch.setattr(Reader, "held", store.held)
    return store


@pytest.fixture
def reader(store: Store) -> Memory:  # noqa: ARG001 (it has to be there)
    return Memory([Zone("a", "")], MOST)


def asked(reader: Memory, key: int, value: object) -> object:
    """Ask for something of 2017 that a database has as `value` now."""

    def read() -> object:
        reader.fetch("SELECT")
        return value

    of = [load for load in reader.served().loads if load.year == 2017]
    return reader.remember("answers", of, key, read)


def test_what_came_empty_is_asked_for_again(reader: Memory) -> None:
    """A zone that lacks it may have answered."""
    assert [asked(reader, 1, value) for value in ([], [3], [4])] == [[], [3], [3]]


def test_what_was_read_is_not_read_again_until_its_load_is_another(
    reader: Memory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    assert [asked(reader, 1, value) for value in "ab"] == ["a", "a"]
    store.years[2016] = "2"
    assert asked(reader, 1, "c") == "a"
    store.years[2017] = "2"
    assert asked(reader, 1, "d") == "d"


def test_what_was_read_while_a_load_was_swapped_in_is_not_kept(
    reader: Memory, store: Store
) -> None:
    (old,) = [load for load in reader.served().loads if load.year == 2017]

    def swapped_meanwhile() -> str:
        store.years[2017] = "2"
        reader.fetch("SELECT")
        return "new"

    assert reader.remember("answers", [old], 1, swapped_meanwhile) == "new"
    store.years[2017] = "1"
    assert reader.remember("answers", [old], 1, lambda: "old") == "old"


def test_the_least_recently_used_is_forgotten(reader: Memory) -> None:
    for key in (1, 2, 1, 3):
        asked(reader, key, f"first {key}")
    assert asked(reader, 1, "again") == "first 1"
    assert asked(reader, 2, "again") == "again"


def test_only_what_lacks_is_read(reader: Memory) -> None:
    of, read = reader.served().loads[:1], []

    def make(keys: list[int]) -> dict[int, int]:
        read.append(keys)
        return {key: -key for key in keys}

    assert reader.remember_each("answers", of, [1], make) == {1: -1}
    assert reader.remember_each("answers", of, [1, 2], make) == {1: -1, 2: -2}
    assert read == [[1], [2]]


def test_a_look_serves_all_for_a_moment_and_whoever_has_read_looks_again(
    reader: Memory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 1000.0)
    for _ in range(3):
        reader.served()
    reader.settled(lambda: None)
    assert store.looks == 1
    reader.settled(lambda: reader.fetch("SELECT"))
    assert store.looks == 3  # the statement, and a look


def test_what_is_settled_takes_one_look_at_its_end(
    reader: Memory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    before = reader.served()
    store.years[2017] = "2"
    assert store.looks == 1
    assert reader.settled(reader.served) == (before, reader.served())
    assert store.looks == 3
    began_with, now = reader.settled(reader.served)
    assert began_with == now != before
    reader.settled(lambda: None)  # rests on no look
    assert store.looks == 4


def test_of_several_who_wait_one_looks_for_all(
    reader: Memory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, may_answer = threading.Event(), threading.Event()

    def slow(*_: object) -> tuple[str, ...]:
        looking.set()
        assert may_answer.wait(30)
        return store.held()

    monkeypatch.setattr(memory, "LOOK_SECONDS", 1000.0)
    monkeypatch.setattr(Reader, "held", slow)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(reader.served)
        assert looking.wait(30)
        others = [threads.submit(reader.served) for _ in range(7)]
        may_answer.set()
        assert {each.result() for each in (first, *others)} == {first.result()}
    assert store.looks == 1


def test_what_is_not_settled_yet_is_this_thread_s_alone(reader: Memory) -> None:
    def twice() -> list[object]:
        return [asked(reader, 1, value) for value in "ab"]

    assert reader.settled(twice)[0] == ["a", "a"]

    def fails() -> None:
        asked(reader, 2, "half")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        reader.settled(fails)
    assert asked(reader, 2, "whole") == "whole"


def test_another_zone_is_looked_at_at_once(
    reader: Memory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 1000.0)
    before = reader.served()
    store.years[2017] = "2"
    assert reader.served() == before
    reader._changed("a", True)
    assert reader.served() != before
