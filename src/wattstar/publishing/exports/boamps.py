"""A report in the format of BoAmps (Boavizta), the open schema for energy reports of AI tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wattstar import registry
from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import kilowatt_hours, model_url
from wattstar.publishing.figures import is_estimate, published
from wattstar.publishing.words import one_line
from wattstar.rating.populations import Member
from wattstar.records.units import queries, seconds
from wattstar.types import Kind, Machine, Record

suffix = ".boamps.json"
holds = Holds.RECORD
figures_only = True
needs = ("infrastructure",)

SPECIFICATION = "https://github.com/Boavizta/BoAmps/tree/main/model"
"""Read at commit 3bfefec (8 April 2026)."""
DATA = {
    Kind.TEXT: "text",
    Kind.IMAGE: "image",
    Kind.AUDIO: "audio",
    Kind.LABEL: "word",
    Kind.LABELS: "word",
    Kind.NUMBER: "other",
    Kind.BOXES: "object",
}
"""What we ask or get → BoAmps' ``dataType``."""
GIGABYTE = 1e9


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """One report. An estimate says so in ``measurementMethod``, the one field that has room for it."""
    [member] = records
    name, record = member
    report = {
        "header": {
            "formatVersionSpecificationUri": SPECIFICATION,
            "reportId": name,
            "reportDatetime": f"{facts.made:%Y-%m-%d %H:%M:%S}",
        },
        "task": _task(record),
        "measures": [_measure(member)],
        "system": {"os": record.machine.system},
        "software": {"language": "python", "version": record.machine.python},
        "infrastructure": {"infraType": facts.infrastructure, "components": list(_components(record.machine))},
    }
    if facts.grid is not None and facts.grid.code is not None:
        report["environment"] = {
            "country": facts.grid.name,
            "powerSourceCarbonIntensity": facts.grid.g_co2e_per_kwh,
        }
    return (json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _task(record: Record) -> dict[str, Any]:
    quality = record.quality
    accuracy = quality.value if quality and quality.name == "accuracy" else None
    return _known(
        taskStage="inference",
        taskFamily=record.job.task,
        nbRequest=queries(record),
        algorithms=[_algorithm(record)],
        dataset=list(_data(record)),
        measuredAccuracy=accuracy,
    )


def _algorithm(record: Record) -> dict[str, Any]:
    model, loaded = record.job.model, record.loaded
    backend = record.job.backend
    return _known(
        foundationModelName=one_line(model.id),
        foundationModelUri=model_url(record),
        parametersNumber=loaded.parameters / 1e9 if loaded and loaded.parameters else None,
        framework=backend,
        frameworkVersion=loaded.packages.get(backend) if loaded else None,
        quantization=model.quantization or model.dtype,
    )


def _data(record: Record) -> Iterator[dict[str, Any]]:
    """What one query gives and gets; tokens where they were counted. ``UnknownName`` for a task that is not here."""
    task = registry.task(record.job.task)
    for kind in dict.fromkeys(task.inputs.values()):
        yield {"dataUsage": "input", "dataType": DATA[kind]}
    yield {"dataUsage": "output", "dataType": DATA[task.output]}
    for usage, name in (("input", "tokens_in"), ("output", "tokens_out")):
        if record.passes and all(name in counted.counts for counted in record.passes):
            tokens = sum(counted.counts[name] for counted in record.passes) / queries(record)
            yield {"dataUsage": usage, "dataType": "token", "dataQuantity": tokens}


def _measure(member: Member) -> dict[str, Any]:
    record, made = member[1], published(*member)
    meters = _meters(record)
    return _known(
        measurementMethod="wattstar, modelled: an estimate, not a measurement" if is_estimate(made) else "wattstar",
        version=record.wattstar,
        cpuTrackingMode=meters.get("cpu"),
        gpuTrackingMode=meters.get("gpu"),
        powerConsumption=kilowatt_hours(member),
        measurementDuration=seconds(record),
        measurementDateTime=record.started[:19].replace("T", " "),
    )


def _meters(record: Record) -> Mapping[str, str]:
    """Kind of domain → the meter that read it."""
    readings = [reading for counted in record.passes for reading in counted.energy]
    return {reading.domain.partition(":")[0]: reading.meter for reading in readings}


def _components(machine: Machine) -> Iterator[dict[str, Any]]:
    yield {"componentType": "cpu", "componentName": f"{machine.cpu}, counted in cores", "nbComponent": machine.cores}
    for name in dict.fromkeys(gpu.name for gpu in machine.gpus):
        alike = [gpu for gpu in machine.gpus if gpu.name == name]
        size = alike[0].memory_bytes
        yield _known(
            componentType="gpu",
            componentName=name,
            nbComponent=len(alike),
            memorySize=size / GIGABYTE if size else None,
        )
    yield {"componentType": "ram", "nbComponent": 1, "memorySize": machine.memory_bytes / GIGABYTE}


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
