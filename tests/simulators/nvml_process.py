"""Python scripts, run in a process of their own, that read a simulated NVIDIA driver through the real nvidia-ml-py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests import support
from tests.simulators import nvml
from tests.simulators.nvml import Driver

LATER = nvml.NEVER - 1
"""Stands for a moment that the process itself chooses once it is under way, by ``begin_in``."""

BEGIN_IN = f"""
import os, time
def begin_in(seconds):
    moment = time.monotonic_ns() + round(seconds * 1e9)
    path = os.environ["WATTSTAR_NVML_SIMULATOR"]
    with open(path) as file: text = file.read()
    with open(path + ".later", "w") as file: file.write(text.replace("{LATER}", str(moment)))
    os.replace(path + ".later", path)
    return moment
"""
"""Defines ``begin_in``."""

POLL = f"""{BEGIN_IN}
import json, sys
import pynvml as n
n.nvmlInit()
gpus = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]
def energy(gpu): return n.nvmlDeviceGetTotalEnergyConsumption(gpu)
def usage(gpu): return n.nvmlDeviceGetPowerUsage(gpu)
def field(gpu, id, scope=0): return n.nvmlDeviceGetFieldValues(gpu, [(id, scope)])[0]
def instant(gpu): return field(gpu, 186).value.uiVal
def rows(gpu, read):
    before = time.monotonic_ns()
    try: value = read(gpu)
    except n.NVMLError as error: value = -error.value
    return before, time.monotonic_ns(), value
def poll(read, seconds):
    found = [[] for _ in gpus]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for gpu, seen in zip(gpus, found): seen.append(rows(gpu, read))
        time.sleep(0.0005)
    return found
"""
"""Defines ``n`` (pynvml), ``gpus``, ways to read one, and ``poll(way, seconds)``, which returns rows for each GPU:
moments before and after a read, and what was read; an error is its code, negative."""


def inside(folder: Path, driver: Driver, text: str, **env: str) -> Any:
    """What a script prints as JSON in a process that finds this driver."""
    result = support.python(text, env={**nvml.install(folder, driver), "CUDA_VISIBLE_DEVICES": "0", **env})
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
