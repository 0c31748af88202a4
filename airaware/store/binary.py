"""Rows as PostgreSQL's binary COPY wants them, made by NumPy in one go, and their checksum.

Fields have a fixed length: numbers, texts of one length, arrays of one length without NULL (a
missing number is NaN). So a table of rows is one structured array. The format:
https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"; arrays as array_send() has them.
record_send(), whose bytes are hashed, has the same fields, each with its type's OID before it.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# OIDs in pg_type of a type, and of its arrays; S and M are texts and dates.
_OID = {"i2": 21, "i4": 23, "i8": 20, "f4": 700, "f8": 701, "S": 25, "M": 1082}
_ARRAY_OID = {"i2": 1005, "i8": 1016, "f4": 1021}
# Days from 1970-01-01 to 2000-01-01, from which PostgreSQL counts a date.
POSTGRES_EPOCH_DAYS = 10957


@dataclass(frozen=True)
class Rows:
    """Rows as a binary COPY stream, how many they are, and their checksum (store/rowhash.py)."""

    stream: bytes
    count: int
    checksum: int

    @classmethod
    def of(cls, *columns: np.ndarray) -> Self:
        """Encode columns as `encode` does, and add up their rows."""
        return cls(encode(*columns), len(columns[0]), _checksum(columns))


def encode(*columns: np.ndarray) -> bytes:
    """Encode columns, each of shape (rows,) or (rows, elements), as a binary COPY stream.

    int16, int32, int64, float32, float64, bytes ('S', all of full length) and datetime64[D] become
    smallint, integer, bigint, real, double precision, text and date.
    """
    return b"".join([HEADER, _content(columns, ">i2", typed=False).data, TRAILER])


def _checksum(columns: tuple[np.ndarray, ...]) -> int:
    """Add up the hashes of the rows as record_send() has them."""
    content = _content(columns, ">i4", typed=True).data
    size = len(content) // max(1, len(columns[0]))
    hashed = hashlib.sha256
    hashes = [
        hashed(content[begin : begin + size]).digest()[:8]
        for begin in range(0, len(content), size or 1)
    ]
    return sum(np.frombuffer(b"".join(hashes), ">i8").tolist())


def _content(columns: tuple[np.ndarray, ...], count: str, typed: bool) -> np.ndarray:
    """Return bytes: rows with their number of fields, and of each field its length and its value.

    `typed`: each field's type comes first.
    """
    fields: list[tuple[Any, ...]] = [("fields", count)]
    for name, column in _named(columns):
        value = np.dtype(">i4") if column.dtype.kind == "M" else column.dtype.newbyteorder(">")
        fields += [(f"{name}_type", ">i4")] if typed else []
        fields += [(f"{name}_length", ">i4")]
        if column.ndim == 2:
            element = np.dtype([("length", ">i4"), ("value", value)])
            fields += [(f"{name}_array", ">i4", (5,)), (name, element, (column.shape[1],))]
        else:
            fields += [(name, value)]
    # What all rows have alike is copied as opaque bytes, which NumPy does fastest.
    alike = np.zeros(1, dtype=fields)
    alike["fields"] = len(columns)
    for name, column in _named(columns):
        kind = _kind(column)
        if typed:
            alike[f"{name}_type"] = (_ARRAY_OID if column.ndim == 2 else _OID)[kind]
        if column.ndim == 2:
            alike[f"{name}_length"] = 20 + alike[name].dtype.itemsize * column.shape[1]
            # Dimensions, has no NULL, element type, length, first index.
            alike[f"{name}_array"] = (1, 0, _OID[kind], column.shape[1], 1)
            alike[name]["length"] = column.dtype.itemsize
        else:
            alike[f"{name}_length"] = alike[name].dtype.itemsize
    content = np.repeat(alike.view(np.dtype((np.void, alike.itemsize))), len(columns[0]))
    rows = content.view(fields)
    for name, column in _named(columns):
        into = rows[name]["value"] if column.ndim == 2 else rows[name]
        is_date = column.dtype.kind == "M"
        into[:] = column.astype(np.int64) - POSTGRES_EPOCH_DAYS if is_date else column
    return content.view(np.uint8)


def _kind(column: np.ndarray) -> str:
    """Return a column's type as the keys of _OID have it."""
    return column.dtype.kind if column.dtype.kind in "SM" else column.dtype.str[1:]


def _named(columns: tuple[np.ndarray, ...]) -> list[tuple[str, np.ndarray]]:
    return [(f"field_{number}", column) for number, column in enumerate(columns)]


def decode(stream: bytes, **columns: str | tuple[str, int]) -> dict[str, np.ndarray]:
    """Decode a binary COPY stream of fixed-length fields without NULL, the inverse of `encode`.

    Args:
        stream: header, rows and trailer.
        columns: each column's type by name, in order, as NumPy writes it ("i8", "f8"); with the
            number of its elements where it is an array.
    """
    fields: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, kind in columns.items():
        fields += [(f"{name}_length", ">i4")]
        if isinstance(kind, str):
            fields += [(name, f">{kind}")]
        else:
            element = [("length", ">i4"), ("value", f">{kind[0]}")]
            fields += [(f"{name}_array", ">i4", (5,)), (name, element, (kind[1],))]
    rows = np.frombuffer(stream[len(HEADER) : -len(TRAILER)], np.dtype(fields))
    found = {
        name: rows[name] if isinstance(kind, str) else rows[name]["value"]
        for name, kind in columns.items()
    }
    return {name: values.astype(values.dtype.newbyteorder("=")) for name, values in found.items()}
