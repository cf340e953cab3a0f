"""What a record's figures depend on, in words: model, work, machine, surroundings, meters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wattstar.publishing.site.text import count, number, seconds
from wattstar.rating.populations import work
from wattstar.types import Gpu, Record

Facts = list[tuple[str, str]]


def of(record: Record) -> list[tuple[str, Facts]]:
    """Heading → name and value; what is not known is left out, but where that itself is news."""
    found = [
        ("The model", list(_model(record))),
        ("The work", list(_work(record))),
        ("The machine", list(_machine(record))),
        ("Its surroundings", list(_surroundings(record))),
        ("The meters", list(_meters(record))),
    ]
    return [(heading, facts) for heading, facts in found if facts]


def _model(record: Record) -> Iterator[tuple[str, str]]:
    model, loaded = record.job.model, record.loaded
    yield "Revision", f"{model.revision} ({model.source})"
    yield "Weights", f"{model.weights}: true size, no knowledge" if model.weights == "random" else str(model.weights)
    if loaded and loaded.digest:
        yield "Weights' digest", loaded.digest
    yield "Parameters", count(loaded.parameters) if loaded and loaded.parameters else "not known"
    yield "Precision", " ".join(word for word in (model.dtype, model.quantization) if word)
    yield "Approach", str(model.approach)
    if model.family:
        yield "Family", model.family
    if model.trust_remote_code:
        yield "Code", "from the model's own repository was allowed to run"
    if model.options:
        yield "Options", _pairs(model.options)


def _work(record: Record) -> Iterator[tuple[str, str]]:
    job, procedure = record.job, record.job.procedure
    yield "Served by", f"{job.backend} on {job.model.device}"
    yield "Controls", work(job.controls)
    yield "Test set", f"{procedure.samples} samples of {procedure.edition} (sha256 {procedure.digest[:16]}…)"
    if procedure.subset is not None:
        yield "Subset", f"{procedure.subset} of them stand for all"
    fixed = procedure.passes >= procedure.most_passes
    passes = f"{procedure.passes}" if fixed else f"{procedure.passes} to {procedure.most_passes}, by their scatter"
    yield "Passes", f"{passes}, each of at least {procedure.pass_seconds:g} s"
    yield "Asked error", f"± {100 * procedure.target_error:g} %"
    for counted in record.passes[:1]:
        for name, many in counted.counts.items():
            yield f"{name.replace('_', ' ').capitalize()} a query", number(many / counted.queries)
    if record.warm_up:
        found = record.warm_up
        drift = "" if found.drift is None else f", {100 * found.drift:+.1f} % over the last"
        steady = "steady" if found.steady else "not steady"
        yield "Warm-up", f"{seconds(found.seconds)}, {found.rounds} rounds{drift}: {steady}"


def _machine(record: Record) -> Iterator[tuple[str, str]]:
    machine = record.machine
    yield "Processor", f"{machine.cpu}, {machine.cores} cores"
    yield "Memory", f"{number(machine.memory_bytes / 1e9)} GB"
    for gpu in machine.gpus:
        yield f"GPU {gpu.index}", _gpu(gpu)
    yield "System", machine.system
    yield "Python", machine.python
    packages = {**machine.packages, **(record.loaded.packages if record.loaded else {})}
    if packages:
        yield "Packages", _pairs(packages, " ")
    yield "wattstar", record.wattstar


def _gpu(gpu: Gpu) -> str:
    known = [
        gpu.name,
        f"{number(gpu.memory_bytes / 1e9)} GB" if gpu.memory_bytes else None,
        f"limit {number(gpu.power_limit_watts)} W" if gpu.power_limit_watts else None,
        f"driver {gpu.driver}" if gpu.driver else None,
        gpu.uuid,
    ]
    return ", ".join(word for word in known if word)


def _surroundings(record: Record) -> Iterator[tuple[str, str]]:
    found = record.environment
    if found is None:
        return
    yield "Command", " ".join(found.command)
    yield "Commit", found.commit or "of an installed package"
    yield "Container", found.container or "none was found"
    if found.seeds:
        yield "Seeds", _pairs(found.seeds)
    if found.variables:
        yield "Variables", _pairs(found.variables, "=")
    if found.state:
        yield "When it began", _pairs({name.replace("_", " "): value for name, value in found.state.items()})


def _meters(record: Record) -> Iterator[tuple[str, str]]:
    yield "Meters", ", ".join(record.job.meters)
    if sampling := record.sampling:
        yield "Reading them took", f"{100 * sampling.cpu_share:.1f} % of a core"
        for meter, longest in sampling.longest_gaps.items():
            yield f"Longest pause, {meter}", seconds(longest)
        if sampling.too_long:
            yield "Not read", f"{len(sampling.too_long)} times longer than it should be"
    for sensor in record.sensors:
        lag = sensor.lag_seconds.mid
        yield f"Sensor of {sensor.name}", f"{sensor.meter}, probed {sensor.made[:10]}, {1000 * lag:.0f} ms late"


def _pairs(found: Mapping[str, object], between: str = " ") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in sorted(found.items()))
