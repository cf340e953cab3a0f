"""A row a record, with the unit in the name of every column that has one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.rows import COLUMNS, flat
from wattstar.publishing.words import cells
from wattstar.rating.populations import Member

suffix = ".csv"
holds = Holds.RECORDS
figures_only = False
needs = ()


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """UTF-8; unknown is empty, and no text is taken for a formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells(flat(*member)) for member in records)
    return text.getvalue().encode()
