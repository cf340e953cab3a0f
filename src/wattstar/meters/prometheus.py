"""Reads the energy counters on a metrics page, of a DCGM exporter (NVIDIA GPUs) or of Kepler, here or elsewhere.

| series | domain | source of name and unit |
|---|---|---|
| ``DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu}``, mJ | ``gpu:N`` | NVIDIA/dcgm-exporter: etc/default-counters.csv |
| ``kepler_node_gpu_joules_total{gpu}`` | ``gpu:N`` | sustainable-computing-io/kepler: docs/user/metrics.md |
| ``kepler_node_cpu_joules_total{zone="package"}`` | ``cpu:N`` | the same; psys, core and uncore overlap with it |
| ``kepler_node_cpu_joules_total{zone="dram"}`` | ``dram:N`` | the same |

Every GPU of the page is read, as the exporter numbers them; Kepler adds the sockets of a machine up into one zone. What
Kepler makes of hwmon is power that it adds up itself, and its fake meter is no meter: neither is read. Kepler before
0.10 may have modelled its joules ("In case RAPL is not available, kepler might estimate this metric", its
docs/design/metrics.md) and is refused.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.meters import _lines, _web
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ("prometheus-client",)
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = "the address of a metrics page (DCGM exporter, Kepler)"
confirmed = False

PERIOD_SECONDS = 0.5
"""Kepler renews what is older than 0.5 s when asked (``staleness`` of its config.go); a DCGM exporter only as often as
it is told to, which is every 30 s if it is told nothing."""
BLANK = 0x7FFFFFFFFFFFFFF0
"""DCGM's values from here on mean that there is none (DCGM_INT64_BLANK of its dcgm_structs.h)."""
NO_COUNTER = re.compile(r"hwmon|/energy_\w+$")
"""In the label ``path`` of Kepler: its hwmon_power_meter.go and fake_cpu_power_meter.go."""

DCGM = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
KEPLER_GPU = "kepler_node_gpu_joules_total"
KEPLER_CPU = "kepler_node_cpu_joules_total"
OLD_KEPLER = ("kepler_node_package_joules_total", "kepler_node_dram_joules_total")
ZONES = {"package": "cpu", "dram": "dram"}
MACHINE = ("Hostname", "hostname", "node_name", "instance")
"""Labels that tell machines apart."""
CURES = (
    "a DCGM exporter: http://HOST:9400/metrics, started with --collect-interval 1000",
    "Kepler 0.10 or later: http://HOST:28282/metrics",
)
PIP = "pip install prometheus-client"


def affinity() -> Affinity:
    """Asks only what was named."""
    if _parser_is_missing():
        return Affinity(Level.ABSENT, (), "the parser of metrics pages is not installed", PIP)
    return Affinity(Level.ASKED, ("gpu:0", "cpu:0", "dram:0"), "what a metrics page counts, by its address")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Ask until it is left."""
    with opened(scope.argument) as found:
        yield found


@contextmanager
def opened(address: str, silence: float = _lines.SILENCE_SECONDS) -> Iterator[Reader]:
    """Ask a page, and wait for its first answer; raises ``MeterUnavailable``."""
    if _parser_is_missing():
        raise MeterUnavailable("The parser of metrics pages is not installed.", [PIP])
    feed = _lines.Feed(f"The metrics page {_lines.shown(address)}", _web.ASK_BY_HAND, silence)
    with _web.polled(address, lambda text: values(text, address), feed, PERIOD_SECONDS):
        yield Reader(feed.read, _lines.READ_SECONDS, stepped=True)


def _parser_is_missing() -> bool:
    return importlib.util.find_spec("prometheus_client") is None


def values(text: str, address: str) -> Sequence[_lines.Value]:
    """Joules of each domain that the page counts; ``MeterUnavailable`` where there is none, or one is ambiguous."""
    samples = _samples(text, address)
    machines = sorted({" ".join(sample.labels.get(name, "") for name in MACHINE).strip() for sample in samples})
    if len(machines) > 1:
        message = f"{address} counts for several machines: {', '.join(machines)}."
        raise MeterUnavailable(message, ["name the page of one machine's exporter"])
    found: dict[str, tuple[str, float]] = {}
    for domain, device, joules in [*_gpus(samples), *_zones(samples)]:
        other, most = found.get(domain, (device, joules))
        if other != device:
            message = f"{address} has two devices that are {domain}: {other} and {device}."
            raise MeterUnavailable(message, ["name the page of one exporter"])
        found[domain] = (device, max(most, joules))  # pods that share a GPU each repeat its total
    if not found:
        raise _nothing(text, address)
    return [_lines.Value(domain, joules, "J") for domain, (_, joules) in found.items()]


def _samples(text: str, address: str) -> list[Any]:
    """Those of the series that are known; only they are parsed, for a page may have thousands of others."""
    from prometheus_client.parser import text_string_to_metric_families

    lines = [line for line in text.splitlines() if line.startswith((DCGM, KEPLER_GPU, KEPLER_CPU))]
    try:
        families = list(text_string_to_metric_families("\n".join(lines) + "\n"))
    except ValueError as error:
        raise MeterUnavailable(f"{address} has a line that cannot be read: {error}.", [_web.ASK_BY_HAND]) from error
    return [sample for family in families for sample in family.samples if 0 <= sample.value < BLANK]


def _gpus(samples: Sequence[Any]) -> Iterator[tuple[str, str, float]]:
    """Domain, UUID and joules of each GPU."""
    for sample in samples:
        labels, number = sample.labels, sample.labels.get("gpu", "")
        if sample.name not in (DCGM, KEPLER_GPU) or not number.isdecimal():
            continue
        if labels.get("GPU_I_ID"):
            message = f"gpu:{number} is cut into MIG slices, and there is no energy counter for a slice."
            raise MeterUnavailable(message, ["use a whole GPU: nvidia-smi -mig 0 (as root)"])
        uuid = labels.get("UUID") or labels.get("uuid") or labels.get("gpu_uuid") or "?"
        yield f"gpu:{number}", uuid, sample.value / 1e3 if sample.name == DCGM else sample.value


def _zones(samples: Sequence[Any]) -> Iterator[tuple[str, str, float]]:
    """Domain, path and joules of each zone that is a counter; several paths are several domains."""
    for zone, kind in ZONES.items():
        found = {
            sample.labels.get("path", ""): sample.value
            for sample in samples
            if sample.name == KEPLER_CPU and sample.labels.get("zone") == zone
        }
        counters = sorted(path for path in found if not NO_COUNTER.search(path))
        yield from ((f"{kind}:{index}", path, found[path]) for index, path in enumerate(counters))


def _nothing(text: str, address: str) -> MeterUnavailable:
    if any(line.startswith(OLD_KEPLER) for line in text.splitlines()):
        message = f"{address} is of a Kepler before 0.10, whose joules may be modelled and do not say so."
        return MeterUnavailable(message, ["upgrade Kepler"])
    zones = " or ".join(f'{KEPLER_CPU}{{zone="{zone}"}}' for zone in ZONES)
    message = f"{address} has no energy counter that is known: no {DCGM}, {KEPLER_GPU}, {zones}."
    return MeterUnavailable(message, CURES)
