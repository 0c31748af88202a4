"""The checksum of rows is a constant, with PostgreSQL and without."""

import hashlib
import struct
from contextlib import closing
from datetime import date

from airaware import store
from airaware.store import rowhash

INF, NAN = float("inf"), float("nan")
# PostgreSQL's numbers of types (pg_type.dat), and how a value is written in binary.
INT2, INT4, INT8, TEXT, FLOAT4, FLOAT8, DATE, INT2S, FLOAT4S = (
    21, 23, 20, 25, 700, 701, 1082, 1005, 1021,
)  # fmt: skip
COLUMNS = (INT4, INT2, INT8, TEXT, FLOAT4, FLOAT8, DATE, FLOAT4S, INT2S)
ROWS = [
    (44201, 2013, 604726010797449215, "17-031-4201", 0.041, 1e-300, date(2013, 6, 15),
     [0.5, NAN, -1.5], [1, -1]),
    (2**31 - 1, 2**15 - 1, 2**63 - 1, "\u00e9", INF, -INF, date(9999, 12, 31), [INF, -INF], []),
    (-(2**31), -(2**15), -(2**63), "", NAN, NAN, date(1, 1, 1), [1.0] * 24, [0] * 72),
    (0, 0, 0, " ", -0.0, 5e-324, date(2000, 1, 1), [-0.0], [-(2**15), 2**15 - 1]),
    (None,) * 9,
]  # fmt: skip
CHECKSUM = "10490710425892961790"


def test_postgresql_computes_the_constant(zones):
    with closing(store.connect(zones[0])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE t (a integer, b smallint, c bigint, d text, e real,"
            " f double precision, g date, h real[], i smallint[])"
        )
        for row in ROWS:
            # As texts: a number in SQL is a decimal one first, and loses the sign of -0.0.
            values = [None if value is None else literal(value) for value in row]
            cursor.execute("INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
        cursor.execute(f"SELECT ({rowhash.SUM})::text FROM t")  # noqa: S608
        assert cursor.fetchone() == (CHECKSUM,)


def literal(value: object) -> str:
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value)


def test_anybody_computes_the_constant():
    assert str(sum(map(row_hash, ROWS))) == CHECKSUM


def row_hash(row: tuple) -> int:
    fields = (field(kind, value) for kind, value in zip(COLUMNS, row, strict=True))
    digest = hashlib.sha256(struct.pack(">i", len(row)) + b"".join(fields)).digest()
    return struct.unpack(">q", digest[:8])[0]


def field(kind: int, value: object) -> bytes:
    if value is None:
        return struct.pack(">Ii", kind, -1)
    content = binary(kind, value)
    return struct.pack(">Ii", kind, len(content)) + content


def binary(kind: int, value) -> bytes:
    if kind in (INT2S, FLOAT4S):
        element = INT2 if kind == INT2S else FLOAT4
        head = struct.pack(">iiI", bool(value), 0, element)
        if value:
            head += struct.pack(">ii", len(value), 1)
        items = (binary(element, item) for item in value)
        return head + b"".join(struct.pack(">i", len(item)) + item for item in items)
    if kind == TEXT:
        return value.encode()
    if kind == DATE:
        return struct.pack(">i", (value - date(2000, 1, 1)).days)
    return struct.pack(
        {INT2: ">h", INT4: ">i", INT8: ">q", FLOAT4: ">f", FLOAT8: ">d"}[kind], value
    )
