"""What a model answered to each sample, as a record's table keeps it."""

from __future__ import annotations

import json

from wattstar.errors import VerificationFailed
from wattstar.records.store import Store
from wattstar.records.tables import samples_from_parquet
from wattstar.types import Output, Record, Sample


def answers(record: Record, store: Store) -> list[tuple[Sample, Output]]:
    """Samples (without their input, which the test set has) and outputs, in order; nothing where none were kept.

    ``VerificationFailed`` where the table was changed.
    """
    if record.samples is None:
        return []
    rows = samples_from_parquet(store.table("samples", record.samples))
    try:
        return [
            (
                Sample(row["id"], row["source"], {}, json.loads(row["target"])),
                Output(json.loads(row["output"]), json.loads(row["counts"])),
            )
            for row in rows
        ]
    except ValueError as error:
        raise VerificationFailed(f"The answers of {record.job.model.id} are not JSON: {error}") from error
