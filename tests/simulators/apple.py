"""Apple silicon without a Mac: a stand-in for the package ``zeus_apple_silicon`` whose totals follow power traces.

``install`` returns the environment of a subprocess that finds it. What IOReport does beneath is not simulated.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from tests.simulators.trace import Trace

STAND_IN = Path(__file__).with_name("zeus_apple_silicon_stand_in.py")
FOREVER = 1e9
"""Seconds."""


def install(
    folder: Path,
    traces: Mapping[str, Trace],
    *,
    step_period: float = 0.002,
    reset_after: float = FOREVER,
    refused: bool = False,
) -> Mapping[str, str]:
    """Totals by field of ``AppleEnergyMetrics``; the others are None. ``step_period`` FOREVER: they stand still."""
    packages = folder / "packages"
    packages.mkdir(parents=True)
    shutil.copy(STAND_IN, packages / "zeus_apple_silicon.py")
    says = {
        "traces": {field: str(power.write(folder)) for field, power in traces.items()},
        "booted": time.monotonic_ns() - 600_000_000_000,
        "step_period": step_period,
        "reset_after": reset_after,
        "refused": refused,
    }
    file = folder / "apple.json"
    file.write_text(json.dumps(says), encoding="utf-8")
    path = os.pathsep.join([str(packages), str(Path(__file__).parents[2])])  # the stand-in reads traces as we do
    return {"PYTHONPATH": path, "WATTSTAR_APPLE_SIMULATOR": str(file)}
