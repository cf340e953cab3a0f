"""What can be said of NVIDIA's counters where there is no driver, or no GPU is to be seen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.simulators import nvml as simulated
from tests.simulators import trace
from tests.simulators.nvml import Driver, Fault, Gpu
from tests.support import python
from wattstar.errors import MeterUnavailable
from wattstar.meters import nvml
from wattstar.types import Level, Method, Scope

try:
    DRIVER = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=20, check=False).returncode == 0
except OSError:
    DRIVER = False

without = pytest.mark.skipif(DRIVER, reason="a driver is here")


@without
def test_without_a_driver_it_is_absent_with_a_reason_and_a_cure() -> None:
    affinity = nvml.affinity()
    assert affinity.level is Level.ABSENT
    assert affinity.domains == ()
    assert "NVIDIA driver" in affinity.reason or "NVML" in affinity.reason
    assert affinity.cure
    assert nvml.gpus() == ()
    with pytest.raises(MeterUnavailable), nvml.reader(Scope(1, "cuda:0", "/nowhere")):
        pass


@without
def test_without_its_package_the_cure_is_the_pip_line() -> None:
    """The package is hidden by a name that cannot be imported."""
    text = "import sys; sys.modules['pynvml'] = None\nfrom wattstar.meters import nvml\nprint(nvml.affinity())"
    done = python(text)
    assert done.returncode == 0, done.stderr
    assert "pip install nvidia-ml-py" in done.stdout
    assert "Level.ABSENT" in done.stdout


def test_it_is_a_counter() -> None:
    assert nvml.method is Method.COUNTER
    assert nvml.plausible_factor is None


BIG = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
TWO = Driver((Gpu(trace.constant(100.0)), Gpu(trace.constant(500.0), uuid=BIG)))
RM_MISMATCH = 18
"""``NVML_ERROR_LIB_RM_VERSION_MISMATCH``: the driver was updated and not loaded anew."""


def seen(folder: Path, driver: Driver, visible: str, hidden: bool = False) -> str:
    """What ``affinity`` says, and the UUID of each domain's GPU."""
    text = f"""
import sys
if {hidden}:
    sys.modules["pynvml"] = None
from wattstar.meters import nvml
found = nvml.affinity()
print(found.level.name, [gpu.uuid[:8] for gpu in nvml.gpus()], found.reason)
"""
    done = python(text, env={**simulated.install(folder, driver), "CUDA_VISIBLE_DEVICES": visible})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("visible", "gpus"),
    [
        ("1", ["GPU-8932"]),
        ("1,0", ["GPU-8932", "GPU-57a7"]),
        ("GPU-8932f937,0", ["GPU-8932", "GPU-57a7"]),
        (BIG, ["GPU-8932"]),
        ("0,7", ["GPU-57a7"]),
        ("0,-1,1", ["GPU-57a7"]),
    ],
)
def test_the_visible_gpus_are_those_that_cuda_shows(tmp_path: Path, visible: str, gpus: list[str]) -> None:
    """In its order; a UUID may be shortened, and what follows a name that is none is not visible."""
    assert seen(tmp_path, TWO, visible).startswith(f"REAL {gpus}")


@pytest.mark.parametrize("visible", ["-1", "", "7", "GPU-", "nonsense"])
def test_where_cuda_shows_no_gpu_there_is_none(tmp_path: Path, visible: str) -> None:
    assert seen(tmp_path, TWO, visible).startswith("ABSENT []")


def test_a_gpu_that_is_here_and_cannot_be_read_is_closed_and_not_absent(tmp_path: Path) -> None:
    """Else its energy would be missing without a word."""
    assert seen(tmp_path, TWO, "0,0").startswith("CLOSED")
    assert "lost" in seen(tmp_path, Driver((simulated.lost(Gpu(trace.constant(100.0)), 0),)), "0")
    assert seen(tmp_path, Driver((simulated.lost(Gpu(trace.constant(100.0)), 0),)), "0").startswith("CLOSED")
    updated = Driver(TWO.gpus, faults=(Fault("nvmlInitWithFlags", RM_MISMATCH),))
    assert seen(tmp_path, updated, "0").startswith("CLOSED")
    unloaded = Driver(TWO.gpus, faults=(Fault("nvmlInitWithFlags", simulated.DRIVER_NOT_LOADED),))
    assert seen(tmp_path, unloaded, "0").startswith("ABSENT")
    assert seen(tmp_path, TWO, "0", hidden=True).startswith("CLOSED"), "a driver without our package"
