"""Simulated machines with one quirk each, the truth, and the words by which a tool can be seen to know the quirk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.simulators import nvml, powercap
from tests.simulators.trace import Trace, constant, idle_busy_idle, square

SECONDS = 3.0
"""Of the window."""
SECOND = 1_000_000_000
HALF = round(SECONDS / 2 * SECOND)


@dataclass(frozen=True)
class Machine:
    """A simulated machine, and the truth."""

    gpus: tuple[nvml.Gpu, ...]
    zones: tuple[powercap.Zone, ...]
    gpu: Trace | None
    """Of the GPU that the job uses; None: there is no true value to be had."""
    cpu: Sequence[Trace]
    """Of all packages."""
    visible: str = "0"


@dataclass(frozen=True)
class Quirk:
    """What is odd of a machine."""

    make: Callable[[int], Machine]
    """From the middle of the window, nanoseconds of CLOCK_MONOTONIC."""
    domain: str = ""
    """Whose sensor is odd: ``gpu`` or ``cpu``."""
    words: tuple[str, ...] = ()
    """A refusal or a remark in which one of these occurs gives the reason; capitals do not matter."""


def plain(middle: int) -> Machine:
    """Nothing special: GPU 500 W, CPU 150 W."""
    gpu, cpu = constant(500), constant(150)
    return Machine((nvml.Gpu(gpu),), (powercap.Zone("package-0", cpu),), gpu, (cpu,))


def _gpu(change: Callable[[nvml.Gpu, int], nvml.Gpu], *words: str) -> Quirk:
    def make(middle: int) -> Machine:
        machine = plain(middle)
        return replace(machine, gpus=(change(machine.gpus[0], middle),))

    return Quirk(make, "gpu", words)


def _zone(change: Callable[[powercap.Zone, int], powercap.Zone], *words: str) -> Quirk:
    def make(middle: int) -> Machine:
        machine = plain(middle)
        return replace(machine, zones=(change(machine.zones[0], middle),))

    return Quirk(make, "cpu", words)


def _load(
    trace: Callable[[int], Trace], change: Callable[[nvml.Gpu], nvml.Gpu] | None = None, *words: str, **settings: Any
) -> Quirk:
    """A GPU with a load of its own."""

    def make(middle: int) -> Machine:
        load = trace(middle)
        gpu = nvml.Gpu(load, **settings)
        return replace(plain(middle), gpus=(change(gpu) if change else gpu,), gpu=load)

    return Quirk(make, "gpu", words)


def _swinging(middle: int) -> Trace:
    return square(90, 650, 0.7)


def _with_the_window(middle: int) -> Trace:
    """Load begins and ends where the window does."""
    return idle_busy_idle(90, 650, middle - HALF, middle + HALF)


def _two_gpus(visible: str) -> Quirk:
    """The job sees the second alone, as its device 0."""

    def make(middle: int) -> Machine:
        other, own = constant(100), constant(500)
        return replace(plain(middle), gpus=(nvml.Gpu(other), nvml.Gpu(own)), gpu=own, visible=visible)

    return Quirk(make)


def _mig(middle: int) -> Machine:
    """The job has a slice; its energy cannot be told from the whole's."""
    machine = plain(middle)
    sliced = replace(machine.gpus[0], mig_mode=1, mig_devices=2)
    return replace(machine, gpus=(sliced,), gpu=None, visible="MIG-57a75717-4e57-4a77-9a57-000000000000")


def _grace_hopper(gpu_watts: float, *words: str) -> Quirk:
    """The energy counter shows the module of 500 W, CPU included."""

    def make(middle: int) -> Machine:
        own = constant(gpu_watts)
        return replace(plain(middle), gpus=(nvml.grace_hopper(nvml.Gpu(own), constant(500)),), gpu=own)

    return Quirk(make, "gpu", words)


def _packages(first: float, second: float, *words: str) -> Quirk:
    """Both counters began at one moment: of equal power they are equal to the microjoule, as mirrors would be."""

    def make(middle: int) -> Machine:
        traces = (constant(first), constant(second))
        zones = tuple(
            powercap.Zone(f"package-{number}", trace, loaded=middle - 600 * SECOND)
            for number, trace in enumerate(traces)
        )
        return replace(plain(middle), zones=zones, cpu=traces)

    return Quirk(make, "cpu", words)


def _psys(middle: int) -> Machine:
    """Psys shows 300 W and contains the package."""
    machine = plain(middle)
    return replace(machine, zones=(*machine.zones, powercap.Zone("psys", constant(300))))


RESTART = ("went back", "backward", "restart", "anew", "reset")
DISAGREE = ("nvml-power", "disagree", "cross-check")
NO_COUNTER = ("not supported", "no energy counter")
DENIED = ("permission", "denied", "may not read", "cannot read", "cannot be read", "estimate")

QUIRKS: Mapping[str, Quirk] = {
    "none": Quirk(plain),
    "GPU counter steps every 20 ± 5 ms, square 0.7 s": _load(_swinging, step_period=0.02, step_jitter=0.005),
    "GPU counter lags 60 ms, square 0.7 s": _load(_swinging, lag=0.06),
    "GPU counter lags 60 ms, load with the window": _load(_with_the_window, lag=0.06),
    "GPU counter counts whole joules (1,000 mJ)": _gpu(lambda gpu, at: replace(gpu, quantum_millijoules=1000.0)),
    "GPU counter restarts at 0": _gpu(lambda gpu, at: replace(gpu, reset_at=at), *RESTART),
    "GPU counter stuck from mid window": _gpu(
        lambda gpu, at: replace(gpu, stuck_from=at), "stuck", "stopped", "to the end", "silent", *DISAGREE
    ),
    "GPU counter 1,000 J backwards": _gpu(
        lambda gpu, at: replace(gpu, jump_at=at, jump_joules=-1000.0), *RESTART, "negative"
    ),
    "GPU counter jumps by 5,000 J": _gpu(
        lambda gpu, at: replace(gpu, jump_at=at, jump_joules=5000.0), "jump", "limit", *DISAGREE
    ),
    "no GPU counter (NOT_SUPPORTED)": _gpu(lambda gpu, at: nvml.no_counter(gpu), *NO_COUNTER, "sampled"),
    "no counter, power averaged over 1 s alone, square 0.7 s": _load(_swinging, nvml.averaged_power_only, *NO_COUNTER),
    "no counter, power averaged over 1 s alone, load with the window": _load(
        _with_the_window, nvml.averaged_power_only, *NO_COUNTER, "averaged", "average over"
    ),
    "no counter, sensor looks 25 % of the time, square 0.7 s": _load(
        _swinging, nvml.no_counter, *NO_COUNTER, sensor_duty=0.25
    ),
    "counter sees 25 % of the time, square 10 Hz": _load(
        lambda middle: square(90, 650, 0.1, phase=0.3), None, "in step", sensor_duty=0.25, counter_sees_sensor=True
    ),
    "GPU lost in mid window": _gpu(nvml.lost, "lost"),
    "two GPUs, CUDA_VISIBLE_DEVICES=1": _two_gpus("1"),
    "two GPUs, CUDA_VISIBLE_DEVICES=GPU-…": _two_gpus("GPU-57a75717-4e57-4a77-9a57-000000000001"),
    "MIG slice": Quirk(_mig, "gpu", ("mig",)),
    "Grace Hopper, GPU 350 W of the module's 500 W": _grace_hopper(350, "module", "grace", *DISAGREE),
    "Grace Hopper, GPU 485 W of the module's 500 W": _grace_hopper(485, "module", "grace"),
    "RAPL wraps in mid window": _zone(lambda zone, at: zone.wrapping_at(at)),
    "RAPL wraps 0.2 s before the end": _zone(lambda zone, at: zone.wrapping_at(at + HALF - SECOND // 5)),
    "RAPL restarts at 0": _zone(lambda zone, at: replace(zone, reset_at=at), *RESTART),
    "two packages, 100 and 120 W": _packages(100, 120),
    "two packages, 100 W each": _packages(100, 100, "alike", "mirror", "identical", "same counter", "twice"),
    "dram 60 W beside": _zone(lambda zone, at: replace(zone, parts=(powercap.Zone("dram", constant(60)),))),
    "psys": Quirk(_psys),
    "RAPL denied": _zone(lambda zone, at: replace(zone, denied_from=0), *DENIED),
    "RAPL denied from mid window": _zone(lambda zone, at: replace(zone, denied_from=at), *DENIED),
}
