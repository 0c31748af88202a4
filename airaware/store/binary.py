"""Rows as PostgreSQL's binary COPY wants them, made by NumPy in one go.

Fields have a fixed length: numbers, texts of one length, arrays of one length without NULL (a
missing number is NaN). So a table of rows is one structured array. The format:
https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"; arrays as array_send() has them.
"""

from typing import Any

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# Of the elements of arrays: the type's OID in pg_type.
_OID = {"int16": 21, "float32": 700}
# Days from 1970-01-01 to 2000-01-01, from which PostgreSQL counts a date.
POSTGRES_EPOCH_DAYS = 10957


def encode(*columns: np.ndarray) -> bytes:
    """Encode columns, each of shape (rows,) or (rows, elements), as a binary COPY stream.

    int16, int32, int64, float32, float64, bytes ('S', all of full length) and datetime64[D] become
    smallint, integer, bigint, real, double precision, text and date.
    """
    fields: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, column in _named(columns):
        value = np.dtype(">i4") if column.dtype.kind == "M" else column.dtype.newbyteorder(">")
        if column.ndim == 2:
            element = np.dtype([("length", ">i4"), ("value", value)])
            fields += [
                (f"{name}_length", ">i4"),
                (f"{name}_array", ">i4", (5,)),
                (name, element, (column.shape[1],)),
            ]
        else:
            fields += [(f"{name}_length", ">i4"), (name, value)]
    rows = np.zeros(len(columns[0]), dtype=fields)
    rows["fields"] = len(columns)
    for name, column in _named(columns):
        if column.ndim == 2:
            rows[f"{name}_length"] = 20 + rows[name].dtype.itemsize * column.shape[1]
            # Dimensions, has no NULL, element type, length, first index.
            rows[f"{name}_array"] = (1, 0, _OID[column.dtype.name], column.shape[1], 1)
            rows[name]["length"] = column.dtype.itemsize
            rows[name]["value"] = column
        else:
            rows[f"{name}_length"] = rows[name].dtype.itemsize
            is_date = column.dtype.kind == "M"
            rows[name] = column.astype(np.int64) - POSTGRES_EPOCH_DAYS if is_date else column
    return HEADER + rows.tobytes() + TRAILER


def _named(columns: tuple[np.ndarray, ...]) -> list[tuple[str, np.ndarray]]:
    return [(f"field_{number}", column) for number, column in enumerate(columns)]
