"""What holds for every test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TIMED = ("measuring", "meters", "simulators")
"""Tests that measure against the machine's own clock. A neighbour can starve one of them for a second, and then it says
rightly that a reading was late; so it may be held once more. What is wrong is wrong twice, and a second try is told."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark them."""
    for item in items:
        if item.path.relative_to(HERE).parts[0] in TIMED:
            item.add_marker(pytest.mark.flaky(reruns=1))
