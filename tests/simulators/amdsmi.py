"""ROCm without a GPU: a real ``libamd_smi.so`` whose sensors show power traces, and a package ``amdsmi`` over it.

``install`` returns the environment of a subprocess that finds both. The package is our stand-in of its interface, or
the vendor's own where it is installed: the library then has every symbol that the vendor's binding wants.

Sources: amdsmi 7.0.2; ROCm's rocm_smi.cc: the resolution is 15.3 µJ on every GPU.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from tests.simulators import compiler
from tests.simulators.trace import Following, Trace

NEVER = 2**63 - 1
NOT_SUPPORTED, NO_PERMISSION = 2, 10
"""Codes of ``amdsmi_status_t``."""
UPTIME = 600_000_000_000
STAND_IN = Path(__file__).with_name("amdsmi_stand_in.py")
VENDOR = importlib.util.find_spec("amdsmi")
NO_VENDOR = "pip install amdsmi: the vendor's own package is not installed"


@dataclass(frozen=True)
class Fault:
    """A call about a GPU answers with an error from a moment on."""

    function: str
    code: int
    begin: int = 0


@dataclass(frozen=True)
class Gpu:
    """One GPU; an MI300X unless said otherwise. Moments are nanoseconds of CLOCK_MONOTONIC, durations seconds."""

    trace: Trace | Following
    hip_id: int = -1
    """-1: its place among the GPUs; others are found where HIP's order is not that of PCI addresses."""
    uuid: str = ""
    """Empty: made of the place."""
    name: str = "AMD Instinct MI300X OAM"
    partition: str = "SPX"
    """Empty: the GPU cannot be cut."""
    tells_current: bool = True
    tells_average: bool = False
    """MI200 and older tell an average instead."""
    average_seconds: float = 0.5
    step_period: float = 0.001
    resolution: float = 15.3
    """Microjoules of one count."""
    counter_factor: float = 1.0
    """The counter shows so many times the truth."""
    limit_watts: float = 750.0
    """0: it does not say."""
    loaded: int = field(default_factory=lambda: time.monotonic_ns() - UPTIME)
    reset_at: int = NEVER
    stuck_from: int = NEVER
    faults: tuple[Fault, ...] = ()


def install(folder: Path, gpus: tuple[Gpu, ...], vendor: bool = False, rocm: bool = True) -> Mapping[str, str]:
    """Make it all in a folder; returns what a subprocess needs in its environment. Not ``rocm``: the package alone."""
    packages, home = folder / "packages", folder / "rocm" / "lib"
    packages.mkdir(parents=True)
    home.mkdir(parents=True)
    if vendor:
        (packages / "amdsmi").symlink_to(_vendor())
    else:
        shutil.copy(STAND_IN, packages / "amdsmi.py")
    if rocm:
        source = _with_stubs(folder) if vendor else "amdsmi.c"
        (home / "libamd_smi.so").symlink_to(compiler.shared_object(source, "libamd_smi.so"))
    configuration = folder / "amdsmi.conf"
    configuration.write_text("".join(f"{line}\n" for line in _lines(folder, gpus)), encoding="utf-8")
    return {
        "PYTHONPATH": str(packages),
        "ROCM_HOME": str(home.parent),
        "ROCM_PATH": str(home.parent),
        "WATTSTAR_AMDSMI_SIMULATOR": str(configuration),
    }


def _vendor() -> Path:
    assert VENDOR is not None
    assert VENDOR.origin is not None
    return Path(VENDOR.origin).parent


def _with_stubs(folder: Path) -> str:
    """A source with a stub for every other function that the vendor's binding takes from the library at import."""
    wanted = set(re.findall(r"_libraries\['libamd_smi\.so'\]\.(\w+)", (_vendor() / "amdsmi_wrapper.py").read_text()))
    ours = (compiler.SOURCES / "amdsmi.c").read_text(encoding="utf-8")
    stubs = sorted(wanted - set(re.findall(r"\bamdsmi_\w+", ours)))
    made = folder / "libamd_smi.c"
    lines = [
        ours.replace('"trace.h"', f'"{compiler.SOURCES / "trace.h"}"'),
        *(f"int {name}(void) {{ return NOT_SUPPORTED; }}" for name in stubs),
    ]
    made.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(made)


def _lines(folder: Path, gpus: tuple[Gpu, ...]) -> Iterator[str]:
    for place, gpu in enumerate(gpus):
        yield f"gpu {place}"
        yield from (f"fault {fault.function} {fault.code} {fault.begin}" for fault in gpu.faults)
        for name in (entry.name for entry in fields(gpu) if entry.name != "faults"):
            value = getattr(gpu, name)
            if isinstance(value, Trace | Following):
                value = value.write(folder)
            elif isinstance(value, bool):
                value = int(value)
            elif name == "hip_id" and value < 0:
                value = place
            elif name == "uuid" and not value:
                value = f"GPU-{place:016x}"
            yield f"{name} {value}"
