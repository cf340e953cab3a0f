"""Stands in for ``zeus-apple-silicon`` 1.1 off macOS: cumulative millijoules from power traces.

Names and units as in its README ("API Reference"): int, or None where the chip does not tell; ``RuntimeError`` where
macOS refuses. ``apple.py`` copies it to where it is imported from; what it shows is in ``WATTSTAR_APPLE_SIMULATOR``.
"""

import json
import os
import time
from pathlib import Path

from tests.simulators import trace

FIELDS = ("cpu_total_mj", "gpu_mj", "gpu_sram_mj", "dram_mj", "ane_mj")


class AppleEnergyMetrics:
    def __init__(self, **told):
        for field in FIELDS:
            setattr(self, field, told.get(field))


class AppleEnergyMonitor:
    def __init__(self):
        self._says = json.loads(Path(os.environ["WATTSTAR_APPLE_SIMULATOR"]).read_text(encoding="utf-8"))
        if self._says["refused"]:
            raise RuntimeError("Failed to create IOReport subscription.")
        self._traces = {field: trace.read(Path(path)) for field, path in self._says["traces"].items()}
        self._opened = time.monotonic_ns()

    def get_cumulative_energy(self):
        since = time.monotonic_ns() - self._opened
        if since > self._says["reset_after"] * 1e9:
            return AppleEnergyMetrics(**dict.fromkeys(self._traces, 0))
        step = self._says["step_period"] * 1e9
        seen = self._opened + (int(since // step * step) if step < 1e15 else 0)
        begin = self._says["booted"]
        return AppleEnergyMetrics(
            **{field: int(power.joules(begin, seen) * 1e3) for field, power in self._traces.items()}
        )
