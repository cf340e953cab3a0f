"""From what a user calls a model to files on this disk, pinned."""

from __future__ import annotations

from wattstar.models.architectures import Architecture, architecture, architectures
from wattstar.models.contents import files, tokenizer_files, weights_digest
from wattstar.models.hub import cache_folder
from wattstar.models.packages import Entry, catalogue, installed
from wattstar.models.preparing import prepare
from wattstar.models.resolving import resolve
from wattstar.models.sizes import Size, size

__all__ = [
    "Architecture",
    "Entry",
    "Size",
    "architecture",
    "architectures",
    "cache_folder",
    "catalogue",
    "files",
    "installed",
    "prepare",
    "resolve",
    "size",
    "tokenizer_files",
    "weights_digest",
]
