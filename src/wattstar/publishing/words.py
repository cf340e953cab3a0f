"""Text of records, made harmless for where it goes: a cell, a page, a file's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wattstar.records.words import printable

FORMULA = ("=", "+", "-", "@")
"""A cell that begins so is worked out by spreadsheets."""
MARKUP = re.compile(r"([\\`*_\[\]<>|~&$])")


def one_line(text: str) -> str:
    """The text with control and format characters spelt out, ends of lines too."""
    return printable(text).replace("\n", "\\n")


def cell(text: str) -> str:
    """One line, that no spreadsheet takes for a formula: an apostrophe stands before what would be one."""
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line


def cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of CSV; its texts as in ``cell``."""
    return {name: cell(value) if isinstance(value, str) else value for name, value in row.items()}


def markdown(text: str) -> str:
    """One line that shows as it is written, also in a table's cell and in HTML."""
    return MARKUP.sub(r"\\\1", one_line(text))


def file_name(text: str) -> str:
    """Letters, digits, dots, dashes and underscores, and no hidden file: ``a/b`` becomes ``a--b``."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text.replace("/", "--")).lstrip(".-")[:120] or "unnamed"
