"""A forger: edits a record and its tables, and gives every changed file its right name again."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from wattstar.errors import VerificationFailed
from wattstar.records.codec import decode, digest, job_id
from wattstar.records.store import TABLES
from wattstar.types import Job

Edit = Callable[["Forged"], None]


@dataclass
class Forged:
    """What is edited: plain JSON, and tables as rows."""

    record: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    schemas: dict[str, pyarrow.Schema]
    other: Forged | None = None
    """Another record, to steal from."""
    keep_job_id: bool = False

    @classmethod
    def read(cls, file: Path, other: Path | None = None) -> Forged:
        record = json.loads(file.read_bytes())
        found = {
            kind: pyarrow.parquet.read_table(file.parent.parent / kind / f"{record[kind]}.parquet")
            for kind in TABLES
            if record[kind]
        }
        return cls(
            record,
            {kind: table.to_pylist() for kind, table in found.items()},
            {kind: table.schema for kind, table in found.items()},
            cls.read(other) if other else None,
        )

    def write(self, store: Path) -> Path:
        """Into a store of its own, every digest and id right; the record's file is returned."""
        for kind, rows in self.tables.items():
            sink = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=self.schemas[kind]), sink)
            name = digest(sink.getvalue())
            self.record[kind] = name
            _put(store / kind / f"{name}.parquet", sink.getvalue())
        with suppress(VerificationFailed):  # of what is no job any more
            if not self.keep_job_id:
                self.record["job_id"] = job_id(decode(Job, self.record["job"]))
        text = json.dumps(self.record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return _put(store / "records" / f"{digest(text)}.json", text)


def forge(file: Path, edit: Edit, store: Path, other: Path | None = None) -> Path:
    """A forged copy of a record in a store of its own."""
    forged = Forged.read(file, other)
    edit(forged)
    return forged.write(store)


def copied(file: Path, store: Path) -> Path:
    """The record with its store, as it is."""
    shutil.copytree(file.parent.parent, store)
    return store / "records" / file.name


def _put(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file
