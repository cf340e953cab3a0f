"""What no number may stand without: machine, versions, size."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cost_of_a_rating import rival, works

from wattstar.meters import estimate
from wattstar.meters._processor import processor_name

if TYPE_CHECKING:
    from benchmarks.cost_of_a_rating.run import Size

PACKAGES = ("torch", "transformers", "optimum-benchmark", "codecarbon", "datasets", "diffusers")
VERSIONS = """
import json, sys, importlib.metadata as m
print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))
"""


def describe(size: Size, python: Path) -> dict[str, Any]:
    """Of this run."""
    rate = estimate.rate(processor_name())
    asked = subprocess.run([python, "-c", VERSIONS, *PACKAGES], check=True, capture_output=True, text=True, timeout=60)
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "nice": os.nice(0),
        "system": platform.platform(),
        "python": platform.python_version(),
        "ours": {name: importlib.metadata.version(name) for name in ("wattstar", "torch", "transformers")},
        "theirs": json.loads(asked.stdout),
        "size": asdict(size),
        "seed": works.SEED,
        "watts_per_core": rate.watts_per_core,
        "watts_source": rate.source,
        "changes": dict(rival.CHANGES),
    }
