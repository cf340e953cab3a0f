"""Lets wattstar's sampler run freely until a moment and writes its timelines: ``reader.py UNTIL OUTPUT``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from wattstar import registry
from wattstar.measuring.sampler import Sampler
from wattstar.records.tables import timelines_to_parquet
from wattstar.types import ALL_DEVICES, Scope

METERS = ("nvml", "nvml-power", "rapl")


def main() -> None:
    """Read until the moment (nanoseconds of CLOCK_MONOTONIC)."""
    until, output = int(sys.argv[1]), Path(sys.argv[2])
    with Sampler({name: registry.meter(name) for name in METERS}, Scope(0, ALL_DEVICES, "")) as sampler:
        sampler.ready(2.0)
        began, cpu = time.monotonic(), time.process_time()
        time.sleep(max(0.0, until / 1e9 - time.monotonic()))
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        sampler.cover(time.monotonic_ns())
        lines = sampler.timelines()
    output.with_suffix(".parquet").write_bytes(timelines_to_parquet(lines))
    output.write_text(json.dumps({"cpu_share": share}))


if __name__ == "__main__":
    main()
