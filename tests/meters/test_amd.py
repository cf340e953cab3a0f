"""AMD GPUs on a simulated ``libamd_smi.so``, through our stand-in for the package ``amdsmi`` and the vendor's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import amdsmi, compiler, trace
from tests.simulators.amdsmi import Fault, Gpu
from wattstar.meters import amd

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)
BUSY = trace.square(90, 650, 0.037, duty=0.4)
STEADY = trace.constant(300.0)

SAY = """
import json, os, time
from wattstar.errors import MeterUnavailable
from wattstar.meters import amd
from wattstar.types import Scope
def said(error): return {"message": error.message, "cures": error.cures}
"""
LATER = amdsmi.NEVER - 1
SOON = f"""
path = os.environ["WATTSTAR_AMDSMI_SIMULATOR"]
with open(path) as file: text = file.read()
with open(path, "w") as file: file.write(text.replace("{LATER}", str(time.monotonic_ns() + 2_000_000_000)))
"""
"""Two seconds from now the moment LATER has come."""
AFFINITY = (
    f"{SAY}found = amd.affinity(); print(json.dumps([found.level.name, found.domains, found.reason, found.cure]))"
)
OPEN = f"""{SAY}
try:
    with amd.reader(Scope(os.getpid(), DEVICE, "")) as reader:
        begin, found, rows = time.monotonic(), [], {{}}
        while time.monotonic() - begin < SECONDS:
            found.append(reader.read())
            time.sleep(reader.period)
        for domain in found[0]: rows[domain] = [row[domain] for row in found]
        print(json.dumps(dict(rows=rows, limits=reader.limits, stepped=reader.stepped, quantum=reader.quantum)))
except MeterUnavailable as error: print(json.dumps(said(error)))
"""


def inside(environment: Mapping[str, str], text: str, **variables: str) -> Any:
    """What a script prints as its only output."""
    done = support.python(text, env={**environment, "HIP_VISIBLE_DEVICES": "0,1,2,3", **variables})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def opened(
    folder: Path, *gpus: Gpu, device: str = "cuda:0", seconds: float = 0.5, vendor: bool = False, **variables: str
) -> Any:
    text = f"DEVICE, SECONDS = {device!r}, {seconds}\n{OPEN}"
    return inside(amdsmi.install(folder, gpus, vendor), text, **variables)


def energy(rows: list[tuple[int, float]], power: trace.Trace) -> tuple[float, float]:
    """Joules that were read between the first change of the total and the last, and the truth."""
    changes = [late for early, late in pairwise(rows) if late[1] != early[1]]
    (begin, first), (end, last) = changes[0], changes[-1]
    return last - first, power.joules(begin, end)


@pytest.mark.parametrize(
    "vendor",
    [False, pytest.param(True, marks=pytest.mark.skipif(amdsmi.VENDOR is None, reason=amdsmi.NO_VENDOR))],
    ids=["stand-in", "vendor"],
)
def test_joules_are_those_of_the_trace_and_only_of_the_job_s_gpu(tmp_path: Path, vendor: bool) -> None:
    """Within 5 %: half a second of a load that jumps between 90 and 650 W, each edge stamped within a poll."""
    said = opened(tmp_path, Gpu(STEADY), Gpu(BUSY), device="cuda:1", vendor=vendor)
    [(domain, rows)] = said["rows"].items()
    assert domain == "gpu:1"
    joules, truth = energy(rows, BUSY)
    assert joules == pytest.approx(truth, rel=0.05)
    assert said["limits"] == {"gpu:1": 750}
    assert said["stepped"]
    assert said["quantum"] == pytest.approx(15.3e-6)


def test_a_counter_in_slow_steps_and_an_averaged_power_are_no_disagreement(tmp_path: Path) -> None:
    """The check compares from step to step; two GPUs are read as such, each by its own power."""
    slow = Gpu(BUSY, step_period=0.1, tells_current=False, tells_average=True)
    said = opened(tmp_path, slow, Gpu(STEADY, limit_watts=0), device="all")
    assert set(said["rows"]) == {"gpu:0", "gpu:1"}
    assert said["limits"] == {"gpu:0": 750}


@pytest.mark.parametrize(
    ("variables", "device", "watts"),
    [
        ({"HIP_VISIBLE_DEVICES": "1"}, "cuda:0", 200),
        ({"HIP_VISIBLE_DEVICES": "2,0"}, "cuda:1", 100),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, "cuda:0", 400),
        ({"ROCR_VISIBLE_DEVICES": "GPU-c,GPU-a", "HIP_VISIBLE_DEVICES": "0,1"}, "cuda:0", 400),
    ],
)
def test_the_environment_numbers_gpus_in_hip_s_order(
    tmp_path: Path, variables: Mapping[str, str], device: str, watts: int
) -> None:
    """PCI's order here is the reverse of HIP's."""
    gpus = [
        Gpu(trace.constant(power), hip_id=place, uuid=uuid)
        for place, power, uuid in ((2, 400.0, "GPU-c"), (1, 200.0, "GPU-b"), (0, 100.0, "GPU-a"))
    ]
    said = opened(tmp_path, *gpus, device=device, seconds=0.2, **variables)
    [rows] = said["rows"].values()
    joules, truth = energy(rows, trace.constant(watts))
    assert joules == pytest.approx(truth, rel=0.15)


def test_a_gpu_that_is_not_visible_is_said(tmp_path: Path) -> None:
    said = opened(tmp_path, Gpu(STEADY), Gpu(STEADY), device="cuda:1", HIP_VISIBLE_DEVICES="0")
    assert "cuda:1" in said["message"]
    found = inside(amdsmi.install(tmp_path / "none", (Gpu(STEADY),)), AFFINITY, HIP_VISIBLE_DEVICES="")
    assert found[0] == "ABSENT"
    assert "HIP_VISIBLE_DEVICES" in found[3]


@pytest.mark.parametrize(
    ("gpu", "figures"),
    [
        (Gpu(STEADY, stuck_from=0), ("stood still", "300 W")),
        (Gpu(STEADY, tells_current=False), ("no power",)),
        (Gpu(STEADY, partition="CPX"), ("CPX",)),
        (Gpu(STEADY, faults=(Fault("amdsmi_get_energy_count", amdsmi.NO_PERMISSION),)), ("10",)),
    ],
    ids=["frozen", "no power", "partition", "denied"],
)
def test_a_counter_that_cannot_be_trusted_is_refused_with_the_figures(
    tmp_path: Path, gpu: Gpu, figures: tuple[str, ...]
) -> None:
    said = opened(tmp_path, gpu)
    assert [figure for figure in figures if figure not in said["message"]] == []
    assert said["cures"]


@pytest.mark.parametrize("factor", [2.0, 0.75], ids=["both dies", "too little"])
def test_a_counter_at_odds_with_the_power_is_refused_with_both_figures(tmp_path: Path, factor: float) -> None:
    said = opened(tmp_path, Gpu(STEADY, counter_factor=factor))
    figures = re.search(r"gpu:0 grew by ([\d.]+) W where the power was (\d+) W", said["message"])
    assert figures is not None
    assert float(figures[1]) == pytest.approx(300 * factor, rel=0.1)
    assert float(figures[2]) == 300
    assert said["cures"]


def test_the_second_die_of_an_mi250_is_refused_and_the_first_is_read(tmp_path: Path) -> None:
    """The first tells the power and energy of both, the second 0."""
    name = "AMD Instinct MI250X"
    dies = (Gpu(STEADY, name=name), Gpu(trace.constant(0.0), name=name))
    environment = amdsmi.install(tmp_path, dies)
    assert inside(environment, AFFINITY)[1] == ["gpu:0"]
    said = inside(environment, f"DEVICE, SECONDS = 'cuda:1', 0.1\n{OPEN}")
    assert "second die" in said["message"]
    assert said["cures"] == ["run on the first die: --device cuda:0"]
    assert set(inside(environment, f"DEVICE, SECONDS = 'cuda:0', 0.1\n{OPEN}")["rows"]) == {"gpu:0"}


@pytest.mark.parametrize("change", ["reset_at", "fault"])
def test_a_counter_that_goes_back_or_fails_under_way_is_an_error(tmp_path: Path, change: str) -> None:
    """The process itself sets the moment, when it is under way: after the check of the opening."""
    gpu = Gpu(STEADY, reset_at=LATER)
    if change == "fault":
        gpu = Gpu(STEADY, faults=(Fault("amdsmi_get_energy_count", amdsmi.NOT_SUPPORTED, LATER),))
    environment = amdsmi.install(tmp_path, (gpu,))
    said = inside(environment, f"DEVICE, SECONDS = 'cuda:0', 20\n{SAY}{SOON}{OPEN}")
    assert ("went back" if change == "reset_at" else "failed") in said["message"]
    assert "gpu:0" in said["message"]


def test_what_it_can_do_is_real_here_and_says_how_many(tmp_path: Path) -> None:
    found = inside(amdsmi.install(tmp_path, (Gpu(STEADY), Gpu(BUSY))), AFFINITY)
    assert found == ["REAL", ["gpu:0", "gpu:1"], "energy counter of 2 AMD GPU(s)", None]


def test_without_rocm_the_package_prints_nothing_and_the_cure_is_said(tmp_path: Path) -> None:
    """The package prints and raises KeyError at import: ``inside`` would choke on anything else on standard output."""
    level, domains, reason, cure = inside(amdsmi.install(tmp_path, (), rocm=False), AFFINITY)
    assert (level, domains) == ("ABSENT", [])
    assert "libamd_smi.so" in reason
    assert "pip install amdsmi" in cure


def test_without_its_package_the_cure_is_the_pip_line() -> None:
    level, _, reason, cure = inside({}, f"import sys; sys.modules['amdsmi'] = None\n{AFFINITY}")
    assert level == "ABSENT"
    assert "not installed" in reason
    assert cure.startswith("pip install amdsmi")


def test_gpus_that_linux_lists_are_here_though_nothing_is_installed(tmp_path: Path) -> None:
    """A CPU's ``gpu_id`` is 0; one that a container may not see is unreadable."""
    for node, text in {"0": "0\n", "1": "51234\n", "2": "34512\n", "3": ""}.items():
        (tmp_path / node).mkdir()
        (tmp_path / node / "gpu_id").write_text(text)
    assert amd.gpus_here(tmp_path) == ("gpu:0", "gpu:1")
    assert amd.gpus_here(tmp_path / "missing") == ()
