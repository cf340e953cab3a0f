"""How many times more energy one model takes than another for the same queries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wattstar.errors import UsageError
from wattstar.rating.populations import figure
from wattstar.types import Comparison, Figure, Interval, Record, Verdict

REPRODUCIBILITY = 0.01
"""By so much, as a standard deviation, the same model differs from sitting to sitting on one card: design §6.8, a
convention until it is measured here."""
BETWEEN_CARDS = 0.08
"""The same on another card or machine: design §6.8, likewise."""
Z_975 = 1.96


def compare(one: tuple[str, Record], other: tuple[str, Record]) -> Comparison:
    """Two records of the same queries, each with its id, least energy first in the answer.

    The ratio's interval, on ln, is made of both repeatability intervals and √2 times the reproducibility, because two
    records are two sittings. Raises ``UsageError`` where the two cannot be compared, with the reason.
    """
    thrifty, greedy = sorted((one, other), key=lambda member: _figure(member).wh_per_1000.mid)
    _check(thrifty[1], greedy[1])
    ratio = _ratio(_figure(thrifty).wh_per_1000, _figure(greedy).wh_per_1000)
    return Comparison(
        records=(thrifty[0], greedy[0]),
        ratio=ratio,
        pairs=0,
        verdict=Verdict.DIFFERENT if ratio.low is not None and ratio.low > 1 else Verdict.NOT_SHOWN,
        gain=_gain(thrifty[1], greedy[1]),
        differs=_differences(thrifty[1], greedy[1]),
    )


def reproduction(then: Record, again: Record) -> Interval:
    """How many times the first record's energy the second one took, for the same job; 95 %.

    The interval, on ln, is made of both repeatability intervals and √2 times what two sittings differ by; of another
    card or machine, what two of these differ by. ``UsageError`` where one record has no figure that counts on the
    other's boundary.
    """
    one, other = figure(then), figure(again)
    if one is None or other is None or one.boundary is not other.boundary:
        raise UsageError(
            "One of the records has no figure that the other could be compared with.", ["wattstar show ID"]
        )
    return _ratio(one.wh_per_1000, other.wh_per_1000, REPRODUCIBILITY if same_machine(then, again) else BETWEEN_CARDS)


def same_machine(one: Record, other: Record) -> bool:
    """Whether both ran on one card, or on processors of one kind, which is all that is known of processors."""
    first, second = one.machine, other.machine
    cards = [{gpu.uuid for gpu in machine.gpus} for machine in (first, second)]
    alike = (first.cpu, first.cores, first.memory_bytes) == (second.cpu, second.cores, second.memory_bytes)
    return bool(cards[0] & cards[1]) if one.job.model.device != "cpu" else alike


def _figure(member: tuple[str, Record]) -> Figure:
    made = figure(member[1])
    if made is None:
        message = f"The record {member[0][:12]} of {member[1].job.model.id} has no figure that counts."
        raise UsageError(message, [f"wattstar show {member[0][:12]}"])
    return made


def _check(one: Record, other: Record) -> None:
    """The same question, on the same machine, read in the same way."""
    first, second = _conditions(one), _conditions(other)
    for name, value in first.items():
        if value != second[name]:
            message = (
                f"{one.job.model.id} and {other.job.model.id} cannot be compared: {name}: {value}, {second[name]}."
            )
            raise UsageError(message, ["measure both with the same words: wattstar compare -t TASK -m ONE -m OTHER"])


def _conditions(record: Record) -> Mapping[str, Any]:
    job = record.job
    made = figure(record)
    assert made is not None, "asked before"
    gpu = [gpu.name for gpu in record.machine.gpus] if job.model.device != "cpu" else []
    return {
        "task": job.task,
        "samples": f"{job.procedure.samples} of {job.procedure.edition} ({job.procedure.digest[:8]})",
        "machine": ", ".join([record.machine.cpu, *gpu]),
        "boundary": str(made.boundary),
        "read by": f"{made.method}: {', '.join(made.coverage)}",
    }


def _ratio(thrifty: Interval, greedy: Interval, between: float = REPRODUCIBILITY) -> Interval:
    """``between``: the standard deviation of one sitting, or card, from another, as a share."""
    mid = greedy.mid / thrifty.mid
    if thrifty.high is None or greedy.high is None:
        return Interval(None, mid, None)
    shares = [(interval.high - interval.mid) / interval.mid for interval in (thrifty, greedy) if interval.high]
    sittings = Z_975 * math.sqrt(2) * between
    half = math.sqrt(sum(share**2 for share in shares) + sittings**2)
    return Interval(mid * math.exp(-half), mid, mid * math.exp(half))


def _gain(thrifty: Record, greedy: Record) -> Interval | None:
    first, second = thrifty.quality, greedy.quality
    if first is None or second is None or first.name != second.name:
        return None
    return Interval(None, second.value - first.value, None)


def _differences(one: Record, other: Record) -> tuple[str, ...]:
    """What a reader has to know: these make a difference too."""
    pairs = [
        ("approach", one.job.model.approach, other.job.model.approach),
        ("weights", one.job.model.weights, other.job.model.weights),
        ("batch size", one.job.controls.batch_size, other.job.controls.batch_size),
        ("dtype", one.job.model.dtype, other.job.model.dtype),
        ("backend", one.job.backend, other.job.backend),
        ("passes of", f"{one.job.procedure.pass_seconds:g} s", f"{other.job.procedure.pass_seconds:g} s"),
    ]
    return tuple(f"{name} {first} and {second}" for name, first, second in pairs if first != second)
