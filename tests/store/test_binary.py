"""Rows made by NumPy arrive in PostgreSQL as they were, by a real COPY."""

import io
from contextlib import closing
from datetime import date

import numpy as np
import psycopg2
import pytest
from psycopg2 import sql

from airaware import store
from airaware.store import rowhash
from airaware.store.binary import Rows, encode

DAYS = ["1980-01-01", "1999-12-31", "2000-01-01", "2016-02-29", "2100-03-01"]


def copied(zone, types: str, *columns: np.ndarray) -> list[tuple]:
    """The rows of a temporary table with these columns, in the order in which they came.

    Their number and checksum are those that they were sent with.
    """
    rows = Rows.of(*columns)
    with closing(store.connect(zone)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE t ({types})")
        cursor.copy_expert("COPY t FROM STDIN (FORMAT binary)", io.BytesIO(rows.stream))
        assert rowhash.add_up(cursor, sql.Identifier("t")) == (rows.count, rows.checksum)
        cursor.execute("SELECT * FROM t ORDER BY ctid")
        return cursor.fetchall()


@pytest.mark.parametrize(
    ("sql_type", "column"),
    [
        ("smallint", np.array([0, -1, 32767, -32768], np.int16)),
        ("integer", np.array([0, 44201, 2**31 - 1, -(2**31)], np.int32)),
        ("bigint", np.array([0, 604189371209351167, 2**63 - 1, -(2**63)], np.int64)),
        ("real", np.array([0, -0.5, 0.1, 3e38, 1e-45, np.inf], np.float32)),
        ("double precision", np.array([0, -87.799227, 1e308, 5e-324, -np.inf])),
        ("text", np.array([b"17-031-4201", b"72-001-0002"])),
    ],
)
def test_values_arrive_exactly(zones, sql_type, column):
    found = [value for (value,) in copied(zones[0], f"a {sql_type}", column)]
    if sql_type == "text":
        assert found == [text.decode() for text in column]
    else:
        assert np.array(found, column.dtype).tolist() == column.tolist()


def test_dates_arrive_exactly(zones):
    found = copied(zones[0], "a date", np.array(DAYS, "datetime64[D]"))
    assert found == [(date.fromisoformat(day),) for day in DAYS]


@pytest.mark.parametrize(("sql_type", "dtype"), [("smallint", np.int16), ("real", np.float32)])
@pytest.mark.parametrize("elements", [1, 12, 72])
def test_arrays_arrive_exactly(zones, sql_type, dtype, elements):
    arrays = np.random.default_rng(5).uniform(-1000, 1000, (7, elements)).astype(dtype)
    found = copied(zones[0], f"a {sql_type}[]", arrays)
    assert np.array([array for (array,) in found], dtype).tolist() == arrays.tolist()


def test_a_missing_number_is_nan(zones):
    ((scalar, array),) = copied(
        zones[0],
        "a real, b real[]",
        np.array([np.nan], np.float32),
        np.array([[1, np.nan]], np.float32),
    )
    assert np.isnan(scalar)
    assert np.isnan(array[1])


def test_arrays_begin_at_one_and_have_one_dimension(zones):
    with closing(store.connect(zones[0])) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (a smallint[])")
        rows = encode(np.array([[7, 8, 9]], np.int16))
        cursor.copy_expert("COPY t FROM STDIN (FORMAT binary)", io.BytesIO(rows))
        cursor.execute("SELECT a[1], array_dims(a) FROM t")
        assert cursor.fetchone() == (7, "[1:3]")


def test_columns_stand_side_by_side(zones):
    rows = copied(
        zones[0],
        "a integer, b text, c smallint[], d date",
        np.array([1, 2], np.int32),
        np.array([b"ab", b"cd"]),
        np.array([[1, 2], [3, 4]], np.int16),
        np.array(["2013-01-01", "2013-12-31"], "datetime64[D]"),
    )
    assert rows == [
        (1, "ab", [1, 2], date(2013, 1, 1)),
        (2, "cd", [3, 4], date(2013, 12, 31)),
    ]


def test_no_rows_are_a_copy_of_none(zones):
    empty = (np.zeros(0, np.int32), np.array((), "S11"), np.zeros((0, 12), np.float32))
    assert copied(zones[0], "a integer, b text, c real[]", *empty) == []


def test_a_stream_that_is_cut_off_is_refused(zones):
    whole = encode(np.arange(10, dtype=np.int32))
    with closing(store.connect(zones[0])) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (a integer)")
        with pytest.raises(psycopg2.Error):
            cursor.copy_expert("COPY t FROM STDIN (FORMAT binary)", io.BytesIO(whole[:-10]))
