"""How many times more energy one model takes than another for the same queries, and whether that is more than chance.

Two records of one sitting, whose passes alternate, are paired: Student's t on the ln ratios of the pairs (design §7).
What both share, such as a room that grows warmer, falls out. Any two others are two sittings, however alike their
samples: to both repeatability intervals comes √2 times what one model differs by from sitting to sitting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, pairwise
from statistics import fmean, stdev
from typing import Any

from wattstar.errors import UsageError
from wattstar.rating.gains import Scores, gain
from wattstar.rating.moments import Z_975
from wattstar.rating.populations import Member, figure
from wattstar.records.intervals import STUDENT_T_975, student, two_sided
from wattstar.types import LEAST_PAIRS, Comparison, Controls, Figure, Interval, Pass, Record, Verdict

REPRODUCIBILITY = 0.01
"""By so much, as a standard deviation, the same model differs from sitting to sitting on one card: design §6.8, a
convention until it is measured here."""
BETWEEN_CARDS = 0.08
"""The same on another card or machine: design §6.8, likewise."""
LEVEL = 0.05
ALIKE = 0.02
"""Two energies whose ratio is no further from 1 are called equal."""
OTHER_CARD = "another card or machine of the same kind"


@dataclass(frozen=True)
class _Difference:
    """What two energies tell."""

    ratio: Interval
    pairs: int
    chance: float | None
    """That equals would differ so much, or more; None: it cannot be told from one pass."""


def compare(one: Member, other: Member) -> Comparison:
    """Two records of the same queries, least energy first in the answer.

    Raises ``UsageError`` where the two cannot be compared, with the reason.
    """
    [made] = comparisons([one, other])
    return made


def comparisons(members: Sequence[Member], known: Mapping[str, Scores] | None = None) -> tuple[Comparison, ...]:
    """Every two of the records, the thriftiest ones first; ``known``: id → how its answers scored, sample by sample.

    A verdict of ``DIFFERENT`` is adjusted for the number of comparisons by Holm's rule (Scandinavian Journal of
    Statistics 6, 1979, 65-70). Raises ``UsageError`` where two cannot be compared, with the reason.
    """
    ordered = sorted(members, key=lambda member: _figure(member).wh_per_1000.mid)
    twos = list(combinations(ordered, 2))
    for thrifty, greedy in twos:
        _check(thrifty, greedy)
    found = [_difference(thrifty[1], greedy[1]) for thrifty, greedy in twos]
    shown = holm([each.chance for each in found])
    scores = known or {}
    return tuple(
        Comparison(
            records=(thrifty[0], greedy[0]),
            ratio=each.ratio,
            pairs=each.pairs,
            verdict=_verdict(each.ratio, is_shown),
            gain=gain(thrifty[1].quality, greedy[1].quality, scores.get(thrifty[0]), scores.get(greedy[0])),
            differs=_differences(thrifty[1], greedy[1]),
            of=len(twos),
        )
        for (thrifty, greedy), each, is_shown in zip(twos, found, shown, strict=True)
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
    return _unpaired(then, again).ratio


def same_machine(one: Record, other: Record) -> bool:
    """Whether both ran on one card, or on processors of one kind, which is all that is known of processors."""
    first, second = one.machine, other.machine
    cards = [{gpu.uuid for gpu in machine.gpus} for machine in (first, second)]
    alike = (first.cpu, first.cores, first.memory_bytes) == (second.cpu, second.cores, second.memory_bytes)
    return bool(cards[0] & cards[1]) if one.job.model.device != "cpu" else alike


def holm(chances: Sequence[float | None]) -> list[bool]:
    """Which of so many differences are shown, at 5 % for all of them together; an unknown chance never is."""
    shown = [False] * len(chances)
    order = sorted((chance, place) for place, chance in enumerate(chances) if chance is not None)
    for number, (chance, place) in enumerate(order):
        if chance > LEVEL / (len(chances) - number):
            break
        shown[place] = True
    return shown


def paired(one: Record, other: Record) -> bool:
    """Whether their passes alternate: one sitting, one card, whole passes, pair after pair without an overlap."""
    if one.sitting is None or other.sitting is None or one.sitting.id != other.sitting.id:
        return False
    whole = one.job.procedure.subset is None and other.job.procedure.subset is None
    enough = len(one.passes) == len(other.passes) >= LEAST_PAIRS
    return whole and enough and same_machine(one, other) and _alternate(one.passes, other.passes)


def _alternate(left: Sequence[Pass], right: Sequence[Pass]) -> bool:
    """Whether each pair lies before the next, one of its passes before the other."""
    pairs = [sorted((a.window, b.window), key=lambda window: window.begin) for a, b in zip(left, right, strict=True)]
    moments = [window for pair in pairs for window in pair]
    return all(early.end <= late.begin for early, late in pairwise(moments))


def _difference(thrifty: Record, greedy: Record) -> _Difference:
    return _paired(thrifty, greedy) if paired(thrifty, greedy) else _unpaired(thrifty, greedy)


def _paired(thrifty: Record, greedy: Record) -> _Difference:
    """Student's t on ln(greedy / thrifty) of each pair of passes."""
    energies = (_per_query(thrifty), _per_query(greedy))
    logs = [math.log(more / less) for less, more in zip(*energies, strict=True)]
    mid, error, freedom = fmean(logs), stdev(logs) / math.sqrt(len(logs)), len(logs) - 1
    half = student(freedom) * error
    ratio = Interval(math.exp(mid - half), math.exp(mid), math.exp(mid + half))
    return _Difference(ratio, len(logs), _chance(mid, error, freedom))


def _per_query(record: Record) -> list[float]:
    """Joules of a query in each pass, by the meters that speak for the rated figure; ``UsageError`` where one is 0."""
    made = figure(record)
    assert made is not None, "asked before"
    found = [
        sum(r.joules for r in counted.energy if f"{r.domain} by {r.meter}" in made.coverage) / counted.queries
        for counted in record.passes
    ]
    if not all(0 < value < math.inf for value in found):
        raise UsageError(f"A pass of {record.job.model.id} took no energy that counts.", ["wattstar verify"])
    return found


def _unpaired(thrifty: Record, greedy: Record) -> _Difference:
    """Of two sittings: both half widths and √2 times what sittings differ by, added in squares on ln."""
    figures = [_figure(("", record)) for record in (thrifty, greedy)]
    less, more = (made.wh_per_1000 for made in figures)
    mid = more.mid / less.mid
    if less.high is None or more.high is None:
        return _Difference(Interval(None, mid, None), 0, None)
    shares = [(less.high - less.mid) / less.mid, (more.high - more.mid) / more.mid]
    between = REPRODUCIBILITY if same_machine(thrifty, greedy) else BETWEEN_CARDS
    half = math.hypot(*shares, Z_975 * math.sqrt(2) * between)
    pilots = [min(r.job.procedure.passes, made.passes) for r, made in zip((thrifty, greedy), figures, strict=True)]
    freedom = _freedom([share / half for share in shares], [max(pilot - 1, 1) for pilot in pilots])
    ratio = Interval(mid * math.exp(-half), mid, mid * math.exp(half))
    return _Difference(ratio, 0, _chance(math.log(mid), half / student(freedom), freedom))


def _freedom(parts: Sequence[float], freedoms: Sequence[int]) -> int:
    """Of a sum of which these parts are known so well and the rest exactly (Welch, Biometrika 34, 1947, 28-35)."""
    inverse = sum(part**4 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    return min(max(math.floor(1 / inverse), 1), len(STUDENT_T_975)) if inverse else len(STUDENT_T_975)


def _chance(mid: float, error: float, freedom: int) -> float:
    """Of a mean of ln ratios so far from 0 or farther, where it is 0."""
    if not error:
        return float(not mid)
    return two_sided(mid / error, freedom)


def _verdict(ratio: Interval, shown: bool) -> Verdict:
    if shown:
        return Verdict.DIFFERENT
    if ratio.low is None or ratio.high is None:
        return Verdict.NOT_SHOWN
    inside = 1 - ALIKE <= ratio.low <= ratio.high <= 1 + ALIKE
    return Verdict.EQUAL if inside else Verdict.NOT_SHOWN


def _figure(member: Member) -> Figure:
    made = figure(member[1])
    if made is None:
        message = f"The record {member[0][:12]} of {member[1].job.model.id} has no figure that counts."
        raise UsageError(message, [f"wattstar show {member[0][:12]}"])
    return made


def _check(one: Member, other: Member) -> None:
    """Two records, of the same question, on the same machine, read in the same way."""
    names = [member[1].job.model.id for member in (one, other)]
    if one[0] == other[0]:
        raise UsageError(f"The record {one[0][:12]} of {names[0]} is named twice.", ["name another one"])
    first, second = conditions(one[1]), conditions(other[1])
    for name, value in first.items():
        if value != second[name]:
            message = f"{names[0]} and {names[1]} cannot be compared: {name}: {value}, {second[name]}."
            raise UsageError(message, ["measure both with the same words: wattstar compare -t TASK -m ONE -m OTHER"])


def conditions(record: Record) -> Mapping[str, str]:
    """What must be alike in records that are compared, in words; of a record with a figure that counts."""
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


def _differences(one: Record, other: Record) -> tuple[str, ...]:
    """What a reader has to know: these make a difference too."""
    first, second = _setup(one), _setup(other)
    found = [
        f"{name} {_said(first.get(name))} and {_said(second.get(name))}"
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    ]
    return (*found, *([] if same_machine(one, other) else [OTHER_CARD]))


def _setup(record: Record) -> dict[str, Any]:
    job, procedure = record.job, record.job.procedure
    controls = {each.name.replace("_", " "): getattr(job.controls, each.name) for each in fields(Controls)}
    packages = record.loaded.packages if record.loaded else {}
    return {
        "approach": job.model.approach,
        "weights": job.model.weights,
        "dtype": job.model.dtype,
        "quantization": job.model.quantization,
        "backend": job.backend,
        "device": job.model.device,
        **controls,
        "subset": procedure.subset,
        "passes of": f"{procedure.pass_seconds:g} s",
        **{name: version for name, version in packages.items() if name != "wattstar"},
        "wattstar": record.wattstar,
        "driver": ", ".join(sorted({gpu.driver or "?" for gpu in record.machine.gpus})) or None,
    }


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
