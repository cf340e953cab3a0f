"""A row a record, with the unit in the name of every column that has one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.rows import COLUMNS, row
from wattstar.publishing.words import cell
from wattstar.rating.populations import Member

suffix = ".csv"
holds = Holds.RECORDS
figures_only = False
needs = ()


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """UTF-8; unknown is empty, and no text is taken for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for member in records:
        writer.writerow([cell(value) if isinstance(value, str) else value for value in row(*member).values()])
    return text.getvalue().encode()
