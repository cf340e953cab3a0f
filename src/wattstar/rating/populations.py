"""Which records may be compared, and the average and deviations of their energies."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from statistics import NormalDist, quantiles

from wattstar.types import Controls, Figure, Population, Procedure, Record, Severity, Status, Weights

LEAST_FAMILIES = 8
GRADES = ((50, "full"), (20, "standard"), (LEAST_FAMILIES, "provisional"))
"""Families a population needs for each grade."""
LEAST_FOR_FENCES = 12
LEAST_SPREAD = 2.0
"""max/min below which models do not differ enough for stars."""
LEAST_SIGNAL = 3.0
"""Deviation over measurement uncertainty below which stars would be noise."""
CUTS = tuple(NormalDist().inv_cdf(share) for share in (0.2, 0.4, 0.6, 0.8))
"""z of the upper ends of 5, 4, 3, 2 stars: −0.8416, −0.2533, 0.2533, 0.8416, equal shares of a log-normal market."""


def figure(record: Record) -> Figure | None:
    """The figure that is rated; None for a record that must not be: failed, invalid, without a boundary or an energy.

    Records may come from elsewhere: a figure of 0 would win every ranking, and one below has no logarithm.
    """
    invalid = any(finding.severity is Severity.INVALID for finding in record.findings)
    if record.status is not Status.COMPLETE or invalid:
        return None
    made = next((made for made in record.figures if made.boundary is record.rated), None)
    return made if made is not None and 0 < made.wh_per_1000.mid < math.inf else None


def key(record: Record, made: Figure) -> tuple[str, ...]:
    """What must be equal for two records to be compared: task, hardware, boundary and method, work, procedure."""
    job = record.job
    gpus = {gpu.name for gpu in record.machine.gpus}
    hardware = record.machine.cpu if job.model.device == "cpu" else ", ".join(sorted(gpus))
    procedure = job.procedure
    return (
        job.task,
        f"{hardware} ({job.model.device.partition(':')[0]})",
        f"{made.boundary} {made.method}: {', '.join(made.coverage or job.meters)}",
        work(job.controls),
        f"edition {procedure.edition} ({procedure.digest[:8]}), {_served(procedure)}, {_stopping(procedure)} "
        f"of ≥ {procedure.pass_seconds:g} s",
    )


def _served(procedure: Procedure) -> str:
    if procedure.subset is None:
        return f"{procedure.samples} samples"
    return f"a subset of {procedure.subset} for {procedure.samples} samples"


def _stopping(procedure: Procedure) -> str:
    """How many passes, or what decides it."""
    if procedure.passes >= procedure.most_passes:
        return f"{procedure.passes} passes"
    return f"{procedure.passes} to {procedure.most_passes} passes for ± {100 * procedure.target_error:g} %"


CAPS = ("prompt_tokens", "input_tokens", "audio_seconds")
"""Controls that are a limit, not an amount."""


def work(controls: Controls) -> str:
    """The controls that apply, in words."""
    caps = (*CAPS, "new_tokens") if controls.stops_early else CAPS
    return ", ".join(
        f"{field.name.replace('_', ' ')} {'≤ ' if field.name in caps else ''}"
        f"{value if isinstance(value, str) else format(value, 'g')}"
        for field in fields(controls)
        if field.name not in ("seed", "stops_early") and (value := getattr(controls, field.name)) is not None
    )


def family(record: Record) -> str:
    """Declared base model, else publisher."""
    return record.job.model.family or record.job.model.id


def newest(records: Iterable[tuple[str, Record]]) -> dict[tuple[str, ...], list[tuple[str, Record]]]:
    """Records that may be rated, by key; of several attempts at one job the newest counts."""
    found: dict[tuple[str, ...], dict[str, tuple[str, Record]]] = defaultdict(dict)
    for name, record in records:
        made = figure(record)
        if made is not None:
            found[key(record, made)][record.job_id] = (name, record)
    return {group: list(members.values()) for group, members in sorted(found.items())}


def populations(records: Iterable[tuple[str, Record]]) -> list[tuple[Population, list[tuple[str, Record]]]]:
    """The populations of the records, each with its members."""
    return [(population(group, members), members) for group, members in newest(records).items()]


def population(group: tuple[str, ...], members: Sequence[tuple[str, Record]]) -> Population:
    """Average and deviation of x = ln(Wh per 1,000 queries), one vote per family, and the cuts that follow."""
    energies = {name: _energy(record) for name, record in members}
    families = {name: family(record) for name, record in members}
    kept = _inside_fences(energies) if len(set(families.values())) >= LEAST_FOR_FENCES else set(energies)
    removed = tuple(sorted(record.job.model.id for name, record in members if name not in kept))
    mean, deviation = _moments({name: math.log(energies[name]) for name in kept}, families)
    count = len({families[name] for name in kept})
    reason = _no_stars(count, [energies[name] for name in kept], deviation, members)
    cuts = None
    if reason is None and mean is not None and deviation is not None:
        cuts = tuple(math.exp(mean + z * deviation) for z in CUTS)
    grade = "none" if reason else next(word for least, word in GRADES if count >= least)
    return Population(group, len(members), count, removed, mean, deviation, cuts, grade, reason)


def unofficial(record: Record) -> tuple[str, ...]:
    """Why the record's stars hold only here; there is no dated edition yet, so none is official."""
    made = figure(record)
    reasons = ["no dated edition, only this store"]
    if made is not None and made.method == "modelled":
        reasons.append("modelled energy")
    if record.job.model.weights is Weights.RANDOM:
        reasons.append("random weights")
    if record.job.procedure.subset is not None:
        reasons.append("subset")
    return tuple(reasons)


def _energy(record: Record) -> float:
    made = figure(record)
    assert made is not None, "only records that may be rated are members"
    return made.wh_per_1000.mid


def _inside_fences(energies: Mapping[str, float]) -> set[str]:
    """Tukey's outer fences on x: Q1 − 3·IQR … Q3 + 3·IQR, linear quantiles, applied once."""
    values = {name: math.log(energy) for name, energy in energies.items()}
    low, _, high = quantiles(values.values(), n=4, method="inclusive")
    reach = 3 * (high - low)
    return {name for name, value in values.items() if low - reach <= value <= high + reach}


def _moments(values: Mapping[str, float], families: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Mean and deviation in which each family has weight 1, shared by its members.

    The deviation is that of n families (divisor n − 1): Σ w (x − mean)² / (Σ w − 1).
    """
    members = Counter(families[name] for name in values)
    total = len(members)
    if total < 2:
        return None, None
    weights = {name: 1.0 / members[families[name]] for name in values}
    mean = sum(weights[name] * value for name, value in values.items()) / total
    square = sum(weights[name] * (value - mean) ** 2 for name, value in values.items())
    return mean, math.sqrt(square / (total - 1))


def _no_stars(
    count: int, energies: Sequence[float], deviation: float | None, members: Sequence[tuple[str, Record]]
) -> str | None:
    if count < LEAST_FAMILIES:
        return f"{count} of the {LEAST_FAMILIES} families that stars need"
    if max(energies) / min(energies) < LEAST_SPREAD:
        return f"the most is less than {LEAST_SPREAD:g} times the least"
    if deviation is not None and deviation < LEAST_SIGNAL * _uncertainty(members):
        return f"models differ by less than {LEAST_SIGNAL:g} times the measurement's uncertainty"
    return None


def _uncertainty(members: Sequence[tuple[str, Record]]) -> float:
    """Typical standard error of x: a quarter of the relative width of the 95 % intervals, root mean square."""
    widths = []
    for _, record in members:
        made = figure(record)
        if made is not None and made.wh_per_1000.low is not None and made.wh_per_1000.high is not None:
            widths.append((made.wh_per_1000.high - made.wh_per_1000.low) / made.wh_per_1000.mid / 4)
    return math.sqrt(sum(width**2 for width in widths) / len(widths)) if widths else 0.0
