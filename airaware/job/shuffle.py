"""Arrow's rows through Spark's shuffle, as bytes that Spark looks at no more than it must.

All rows of a key are in one partition. Spark's data frames would plan and compile a query for it,
and copy each row to a format of their own and back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

Keyed = tuple[int, bytes]


def by_key(column: str, batches: Iterable[pa.RecordBatch]) -> Iterator[Keyed]:
    """Yield the rows of each key, a column of whole numbers, in their order."""
    for batch in batches:
        keys = batch.column(column)
        for key in pc.unique(keys).to_pylist():
            rows = batch.filter(pc.equal(keys, key))
            yield key, rows.serialize().to_pybytes()


def together(schema: pa.Schema, rows: Iterable[Keyed]) -> Iterator[pa.Table]:
    """Yield the table of each key's rows in a partition."""
    batches: dict[int, list[pa.RecordBatch]] = defaultdict(list)
    for key, content in rows:
        batches[key].append(pa.ipc.read_record_batch(pa.py_buffer(content), schema))
    yield from map(pa.Table.from_batches, batches.values())
