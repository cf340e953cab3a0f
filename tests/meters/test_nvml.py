"""What can be said of NVIDIA's counters where there is no driver, or no GPU is to be seen."""

from __future__ import annotations

import subprocess

import pytest

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
