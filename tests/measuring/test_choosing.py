"""Which meters are read on which machine, and what is said of those that are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import nvml, powercap, trace
from tests.simulators.nvml import Driver, Gpu
from tests.simulators.powercap import Zone
from wattstar.errors import MeterUnavailable, UsageError
from wattstar.measuring.choosing import choose

POWER = trace.constant(100.0)
CHOOSE = """
import json, sys
from wattstar.errors import WattstarError
from wattstar.measuring.choosing import choose
try:
    found = choose(sys.argv[1:], require_measured=False)
    print(json.dumps([found.meters, found.left_out]))
except WattstarError as error:
    print(json.dumps([error.message, error.cures]))
"""


def choice(environment: Mapping[str, str]) -> tuple[list[str], str]:
    done = support.python(CHOOSE, env={"CUDA_VISIBLE_DEVICES": "0", **environment})
    assert done.returncode == 0, done.stderr
    meters, left_out = json.loads(done.stdout)
    return meters, " ".join(left_out)


def test_a_gpu_and_a_cpu_with_counters_need_no_estimate_of_what_they_cover(tmp_path: Path) -> None:
    zone = Zone("package-0", POWER, parts=(Zone("dram", POWER),))
    environment = {
        **nvml.install(tmp_path / "gpu", Driver((Gpu(POWER),))),
        **powercap.install(tmp_path / "cpu", [zone]),
    }
    meters, left_out = choice(environment)
    assert set(meters) == {"nvml", "nvml-power", "rapl"}
    assert left_out == ""


def test_what_has_no_counter_is_estimated(tmp_path: Path) -> None:
    meters, _ = choice(powercap.install(tmp_path, [Zone("package-0", POWER)]))
    assert set(meters) == {"rapl", "estimate"}, "this machine does not tell of its memory"


def test_a_denied_counter_is_said_with_the_rule_that_opens_it(tmp_path: Path) -> None:
    meters, left_out = choice(powercap.install(tmp_path, [Zone("package-0", POWER, denied_from=0)]))
    assert meters == ["estimate"]
    assert "udev" in left_out


def test_a_slice_of_a_gpu_is_said(tmp_path: Path) -> None:
    sliced = replace(Gpu(POWER), mig_mode=1, mig_devices=2)
    meters, left_out = choice(nvml.install(tmp_path, Driver((sliced,))))
    assert meters == ["estimate"]
    assert "MIG" in left_out
    assert "nvidia-smi -mig 0" in left_out


def test_the_counter_of_a_grace_module_is_not_taken_for_the_gpu(tmp_path: Path) -> None:
    """The module's counter contains the CPU; the GPU's own power is read instead, and nothing is missing."""
    gpu = nvml.grace_hopper(Gpu(POWER), trace.constant(150.0))
    meters, left_out = choice(nvml.install(tmp_path, Driver((gpu,))))
    assert set(meters) == {"nvml-power", "estimate"}
    assert "nvml:" not in left_out


def test_a_gpu_without_a_counter_is_read_by_its_power(tmp_path: Path) -> None:
    meters, left_out = choice(nvml.install(tmp_path, Driver((nvml.pascal(Gpu(POWER)),))))
    assert set(meters) == {"nvml-power", "estimate"}
    assert "nvml:" not in left_out


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("fake=x", UsageError, "takes no argument"),
        ("command", UsageError, "needs a command"),
        ("command=", UsageError, "needs a command"),
        ("nonsense", UsageError, "no meter 'nonsense'"),
        ("nvml", MeterUnavailable, "cannot read here"),
    ],
)
def test_a_wrong_name_gets_the_cure(
    name: str, error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(error, match=said) as caught:
        choose([name], require_measured=False)
    known: Any = caught.value
    assert known.cures
