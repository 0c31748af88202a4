"""Statements that a session prepares: once, few of them, and with no plan of tables of before."""

from collections.abc import Iterator

import pytest
from small_load import YEAR, nothing_left
from test_stand_in import CELL, load, of_the_test

from airaware.settings import Zone
from airaware.store import queries
from airaware.store.prepared import MOST, Prepared
from airaware.store.zones import Reader

STATEMENTS = [Prepared("sum", f"SELECT 100 % 7 + $1 + {n} AS sum") for n in range(MOST + 2)]


@pytest.fixture(autouse=True)
def leave_nothing(zones: tuple[Zone, ...]) -> Iterator[None]:
    with nothing_left(zones):
        yield


def prepared(reader: Reader, name: str) -> list[str]:
    """Return what is prepared by a name in the reader's only session."""
    rows = reader.fetch("SELECT name FROM pg_prepared_statements ORDER BY prepare_time")
    return [row.name for row in rows if row.name.startswith(f"{name}_")]


def test_a_session_prepares_once_and_forgets_what_was_used_longest_ago(
    reader_zones: tuple[Zone, ...],
) -> None:
    reader = Reader(reader_zones)

    def sums(statements: list[Prepared]) -> list[int]:
        return [reader.fetch(each, [10])[0].sum for each in statements]

    first = STATEMENTS[0]
    assert sums(STATEMENTS[:MOST]) == [12 + n for n in range(MOST)]
    assert sums([first, first]) == [12, 12]
    assert prepared(reader, "sum") == [f"sum_{n}" for n in range(MOST)]
    assert sums(STATEMENTS[MOST:]) == [12 + MOST, 13 + MOST]
    assert prepared(reader, "sum") == [f"sum_{n}" for n in (0, *range(3, MOST + 2))]
    assert sums(STATEMENTS) == [12 + n for n in range(MOST + 2)]


def test_a_prepared_query_finds_a_load_that_was_swapped_in(
    zones: tuple[Zone, ...], reader_zones: tuple[Zone, ...]
) -> None:
    reader, found = Reader(reader_zones[:1]), []
    for value in (5, 6):
        load(zones[0], YEAR, value)
        loads = of_the_test(reader)
        for _ in range(2):
            (year,) = queries.cell_years(reader, CELL, loads)
            found.append(year.hourly_mean[0])
    assert found == [5, 5, 6, 6]
    assert len(prepared(reader, "cell")) == 1


def test_many_years_are_not_prepared(
    zones: tuple[Zone, ...], reader_zones: tuple[Zone, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(reader_zones[:1])
    load(zones[0], YEAR, 5)
    load(zones[0], YEAR + 1, 6)
    monkeypatch.setattr(queries, "MOST_PREPARED_LOADS", 1)
    years = queries.cell_years(reader, CELL, of_the_test(reader))
    assert sorted(year.hourly_mean[0] for year in years) == [5, 6]
    assert prepared(reader, "cell") == []
