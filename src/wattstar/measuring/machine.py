"""What this machine is, for the record. Nothing that names its owner: no host name, no address, no serial number."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil

from wattstar.meters.nvml import gpus
from wattstar.types import Machine

CPUINFO = Path("/proc/cpuinfo")


def describe(packages: Mapping[str, str]) -> Machine:
    """This machine, with the versions of the packages that the job used."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        gpus=gpus(),
        packages=packages,
    )


def _cpu() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
