"""The tools, each behind ``begin`` and ``end``; runs in a tool's own environment, so only the tool is imported."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol

JOULES_PER_KWH = 3.6e6
Joules = tuple[float | None, float | None]
"""GPU and CPU of one window; None where the tool tells nothing."""


class Tool(Protocol):
    """A tool that is set up."""

    def begin(self) -> None:
        """Open a window."""

    def end(self) -> Joules:
        """Close it."""


class Zeus:
    """ZeusMonitor of one GPU and one package."""

    def __init__(self) -> None:
        self._monitor: Any = import_module("zeus.monitor").ZeusMonitor(gpu_indices=[0])

    def begin(self) -> None:
        """Open a window."""
        self._monitor.begin_window("window", sync_execution=False)

    def end(self) -> Joules:
        """Close it."""
        found = self._monitor.end_window("window", sync_execution=False)
        cpu = found.cpu_energy
        return _sum(found.gpu_energy), _sum(cpu) if cpu else None


class PyJoules:
    """EnergyMeter over every domain that pyJoules finds."""

    def __init__(self) -> None:
        factory = import_module("pyJoules.device.device_factory").DeviceFactory
        self._meter: Any = import_module("pyJoules.energy_meter").EnergyMeter(factory.create_devices())

    def begin(self) -> None:
        """Open a window."""
        self._meter.start("window")

    def end(self) -> Joules:
        """Close it."""
        self._meter.stop()
        energy: dict[str, float] = self._meter.get_trace()[0].energy
        gpu = [value / 1e3 for name, value in energy.items() if name.startswith("nvidia_gpu")]
        cpu = [value / 1e6 for name, value in energy.items() if name.startswith("package")]
        return sum(gpu) if gpu else None, sum(cpu) if cpu else None


class CodeCarbon:
    """A new offline tracker a window, one measurement a second."""

    def begin(self) -> None:
        """Open a window."""
        self._tracker = _tracker(1)
        self._tracker.start()

    def end(self) -> Joules:
        """Close it."""
        self._tracker.stop()
        found = self._tracker.final_emissions_data
        return found.gpu_energy * JOULES_PER_KWH, found.cpu_energy * JOULES_PER_KWH


class CodeCarbonTasks:
    """One offline tracker, a task a window."""

    def __init__(self) -> None:
        self._tracker = _tracker(15)
        self._count = 0

    def begin(self) -> None:
        """Open a window."""
        self._count += 1
        self._tracker.start_task(str(self._count))

    def end(self) -> Joules:
        """Close it."""
        found = self._tracker.stop_task(str(self._count))
        return found.gpu_energy * JOULES_PER_KWH, found.cpu_energy * JOULES_PER_KWH


class OptimumBenchmark:
    """optimum-benchmark's tracker of one GPU; ``device="cuda"`` lets it read NVML.

    The backend is not named ``pytorch`` because with that it would wait for CUDA before and after each window, which
    fails where PyTorch has none; nothing else in the tracker depends on the backend.
    """

    def __init__(self) -> None:
        make = import_module("optimum_benchmark.trackers.energy").EnergyTracker
        self._tracker: Any = make(device="cuda", backend="onnxruntime", device_ids=0)
        self._count = 0

    def begin(self) -> None:
        """Open a window."""
        self._count += 1
        self._context = self._tracker.track(f"window-{self._count}")
        self._context.__enter__()

    def end(self) -> Joules:
        """Close it."""
        self._context.__exit__(None, None, None)
        found = self._tracker.get_energy()
        return found.gpu * JOULES_PER_KWH, found.cpu * JOULES_PER_KWH


class CarbonTracker:
    """An epoch a window, one measurement a second; energy of the components, before carbontracker's PUE of 1.58."""

    def __init__(self) -> None:
        make = import_module("carbontracker.tracker").CarbonTracker
        self._tracker: Any = make(epochs=10**6, epochs_before_pred=0, update_interval=1, verbose=0)

    def begin(self) -> None:
        """Open a window."""
        self._tracker.epoch_start()

    def end(self) -> Joules:
        """Close it."""
        self._tracker.epoch_end()
        thread = self._tracker.tracker
        found = {c.name: float(c.energy_usage(thread.epoch_times)[-1]) * JOULES_PER_KWH for c in thread.components}
        return found.get("gpu"), found.get("cpu")


class Wattstar:
    """The free-running sampler with its NVIDIA and RAPL meters."""

    def __init__(self) -> None:
        registry, types = import_module("wattstar.registry"), import_module("wattstar.types")
        meters = {name: registry.meter(name) for name in ("nvml", "nvml-power", "rapl")}
        sampler = import_module("wattstar.measuring.sampler").Sampler(meters, types.Scope(0, types.ALL_DEVICES, ""))
        self._timeline: Any = import_module("wattstar.measuring.timeline")
        self._window: Any = types.Window
        self._sampler: Any = sampler.__enter__()
        self._sampler.ready(2.0)

    def begin(self) -> None:
        """Open a window."""
        self._begin = time.monotonic_ns()

    def end(self) -> Joules:
        """Close it: waits until the counters have stepped twice."""
        end = time.monotonic_ns()
        self._sampler.cover(end)
        domains = [self._timeline.Domain(line) for line in self._sampler.timelines()]
        found = self._timeline.best(self._timeline.readings(domains, [self._window(self._begin, end)]))
        joules = {reading.domain: reading.joules for reading in found}
        return joules.get("gpu:0"), joules.get("cpu:0")


class WattstarMeasure:
    """``wattstar.measure()`` as users have it: whatever meters can read here, estimates for the rest, each marked."""

    words: str | None = None
    bounds: Mapping[str, float] | None = None
    """Kind of domain → joules by which the reading may be off, as wattstar itself says."""

    def __init__(self) -> None:
        self._measure: Any = import_module("wattstar.measuring.measure").measure
        with self._measure():
            pass

    def begin(self) -> None:
        """Open a window."""
        self._context = self._measure()
        self._found = self._context.__enter__()

    def end(self) -> Joules:
        """Close it; ``words`` says which domains are not read from a counter, and what is read beside the two.

        What the command ``wattstar measure`` would say beside the figures is printed.
        """
        self._context.__exit__(None, None, None)
        print(*self._found.left_out, *(note.message for note in self._found.notes), sep="\n")
        sums: dict[str, float] = {}
        bounds: dict[str, float] = {}
        for reading in self._found.energy:
            kind = reading.domain.partition(":")[0]
            sums[kind] = sums.get(kind, 0.0) + reading.joules
            bounds[kind] = bounds.get(kind, 0.0) + reading.bound
        self.bounds = bounds
        marks = {"modelled": "estimated", "sampled": "sampled", "counter": ""}
        words = {f"{r.domain.partition(':')[0]} {marks[r.method]}" for r in self._found.energy if marks[r.method]}
        words |= {f"{kind} {joules:.0f}" for kind, joules in sums.items() if kind not in ("gpu", "cpu")}
        self.words = ", ".join(sorted(words)) or None
        return sums.get("gpu"), sums.get("cpu")


class Entry(NamedTuple):
    """A tool, and what it takes to run it."""

    make: type[Tool]
    module: str
    """Whose import is timed."""
    distribution: str
    requirements: str | None = "requirements.txt"
    """File of what is installed for it, in an environment of that file's own; None: runs where wattstar does."""


TOOLS: dict[str, Entry] = {
    "wattstar": Entry(Wattstar, "wattstar.measuring.sampler", "wattstar", None),
    "wattstar.measure": Entry(WattstarMeasure, "wattstar.measuring.measure", "wattstar", None),
    "zeus": Entry(Zeus, "zeus.monitor", "zeus"),
    "pyJoules": Entry(PyJoules, "pyJoules.energy_meter", "pyJoules"),
    "codecarbon": Entry(CodeCarbon, "codecarbon", "codecarbon"),
    "codecarbon tasks": Entry(CodeCarbonTasks, "codecarbon", "codecarbon"),
    "carbontracker": Entry(CarbonTracker, "carbontracker.tracker", "carbontracker"),
    "optimum-benchmark": Entry(
        OptimumBenchmark,
        "optimum_benchmark.trackers.energy",
        "optimum-benchmark",
        "requirements-optimum-benchmark.txt",
    ),
}


def _tracker(seconds: int) -> Any:
    make = import_module("codecarbon").OfflineEmissionsTracker
    return make(
        country_iso_code="FRA",
        measure_power_secs=seconds,
        save_to_file=False,
        log_level="warning",
        allow_multiple_runs=True,
    )


def _sum(energies: dict[int, float | None]) -> float:
    return float(sum(value or 0.0 for value in energies.values()))
