"""The records themselves, with their tables, laid out as a store: what ``wattstar verify`` and DuckDB read."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.errors import VerificationFailed
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.evidence import tables
from wattstar.publishing.site.page import Options
from wattstar.publishing.site.paths import STORE


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """Byte for byte as they lie in the given stores; a table that is damaged there is left out, as its page says."""
    for name, kept in board.records.items():
        # Not written anew: an id is the digest of the very bytes, whatever version of wattstar wrote them.
        yield f"{STORE}records/{name}.json", (kept.store.folder / "records" / f"{name}.json").read_bytes()
        for kind, digest in tables(kept.record):
            try:
                yield f"{STORE}{kind}/{digest}.parquet", kept.store.table(kind, digest)
            except VerificationFailed:
                continue
