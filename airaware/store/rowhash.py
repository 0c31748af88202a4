"""The checksum of a table's rows: the sum of a hash of each, the same whatever their order.

A row's bytes are those of record_send(): per column its type's OID, its length and its binary form,
which PostgreSQL keeps the same in all versions (its clients read them). The hash is the first 8
bytes of their SHA-256, a signed integer. So zones on different versions of PostgreSQL agree, and
anybody can compute it without one. PostgreSQL's own hashes of rows may change with its version.
"""

from psycopg2 import extensions, sql

NAME = "sha256(record_send)"
# Of loads and copies of before: what they add up to cannot be computed again.
OLD_NAME = "hash_record_extended"

# Over the rows of a table or a query called `t`.
SUM = """coalesce(sum(
    ('x' || encode(substr(sha256(record_send(t)), 1, 8), 'hex'))::bit(64)::bigint), 0)"""


def add_up(cursor: extensions.cursor, table: sql.Composable) -> tuple[int, int]:
    """Return how many rows a table has, and their checksum."""
    cursor.execute(
        sql.SQL(f"SELECT count(*), {SUM} FROM {{}} t").format(table)  # noqa: S608
    )
    rows, checksum = cursor.fetchone()
    return rows, int(checksum)
