"""A row a record, and beside them the unit and the meaning of every column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.rows import COLUMNS, flat
from wattstar.rating.populations import Member

suffix = ".json"
holds = Holds.RECORDS
figures_only = False
needs = ()


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """``{"columns": {name: {kind, meaning, unit}}, "rows": [...]}``; unknown is null, and all of it is ASCII."""
    columns = {name: asdict(column) for name, column in COLUMNS.items()}
    whole = {"columns": columns, "rows": [flat(*member) for member in records]}
    return (json.dumps(whole, indent=2, allow_nan=False) + "\n").encode()
