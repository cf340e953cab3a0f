"""A row a record as Parquet; each column has its unit in its name and its meaning in its metadata."""

from __future__ import annotations

import io
from collections.abc import Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.rows import COLUMNS, flat
from wattstar.rating.populations import Member

suffix = ".parquet"
holds = Holds.RECORDS
figures_only = False
needs = ()


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """The schema is the same whatever the records hold; unknown is null."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema(
        [
            pyarrow.field(
                name,
                pyarrow.type_for_alias(column.kind),
                metadata={"meaning": column.meaning, **({"unit": column.unit} if column.unit else {})},
            )
            for name, column in COLUMNS.items()
        ]
    )
    table = pyarrow.Table.from_pylist([flat(*member) for member in records], schema=schema)
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()
