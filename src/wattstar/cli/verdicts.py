"""What comparisons show: a table, a sentence for each, and what their intervals contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from wattstar.cli.output import broken, folded, table, time_per_query, variant, watt_hours
from wattstar.measuring.outstanding import Member
from wattstar.rating.comparisons import BETWEEN_CARDS, OTHER_CARD, REPRODUCIBILITY, conditions
from wattstar.rating.populations import figure
from wattstar.records.words import number
from wattstar.types import Comparison, Interval, Method, Quality, Record, Verdict

CLOSE = 1.2
"""Ratios below it are written with three decimals."""
SURE = "95\N{NO-BREAK SPACE}%"
FEW = 2
"""Of more models sentences speak by letters."""


def show(members: Sequence[Member], found: Sequence[Comparison]) -> None:
    """Print them; ``found`` are all comparisons of these records, the thriftiest record's first."""
    known, names = dict(members), _names(members)
    first = found[0].records[0]
    against = {each.records[1]: _times(each.ratio) for each in found if each.records[0] == first}
    ratios = {first: "1", **against}
    quality = _quality_of(list(known.values()))
    letters = dict(zip(ratios, ascii_uppercase, strict=False)) if FEW < len(ratios) <= len(ascii_uppercase) else {}
    rows = [
        {**({"": letters[id]} if letters else {}), **_row(names[id], known[id], ratio, quality)}
        for id, ratio in ratios.items()
    ]
    title = f"{known[first].job.task}: the same queries, the least energy first"
    table(title, rows, right=("Wh/1,000 queries", "× the least", "time/query"), note=_how(known[first], quality))
    for comparison in found:
        folded(_sentence(comparison, letters or names, known))
        if comparison.differs:
            folded(f"  not alike: {'; '.join(comparison.differs)}")
    folded("")
    for note in _notes(found, list(known.values())):
        folded(note)


def _names(members: Sequence[Member]) -> dict[str, str]:
    """What each is called; those that would be called the same, with their ids."""
    often = Counter(variant(record) for _, record in members)
    return {
        id: variant(record) if often[variant(record)] == 1 else f"{variant(record)} [{id[:8]}]"
        for id, record in members
    }


def _quality_of(records: Sequence[Record]) -> Quality | None:
    """Of one of them, where all are scored alike, over as many rows."""
    kinds = {(each.quality.name, each.quality.n): each.quality for each in records if each.quality}
    return next(iter(kinds.values())) if len(kinds) == 1 else None


def _how(record: Record, quality: Quality | None) -> str:
    """What all of them have in common, and a number must not be shown without."""
    said = conditions(record)
    scored = f" · {quality.name}: n {quality.n}" if quality else ""
    return (
        f"energy: {said['boundary']} {said['read by']} · {said['machine']}\n"
        f"samples: {said['samples']}{scored} · ±: 95 % repeatability of one sitting"
    )


def _row(name: str, record: Record, ratio: str, quality: Quality | None) -> dict[str, str]:
    found = record.quality
    words = "–" if found is None else f"{found.value:.3f}"
    if found is not None and quality is None:
        words = f"{found.name} {words} (n {found.n})"
    return {
        "model": broken(name),
        "Wh/1,000 queries": watt_hours(figure(record)),
        "× the least": ratio,
        "time/query": time_per_query(record),
        quality.name if quality else "quality": words,
    }


def _sentence(comparison: Comparison, names: Mapping[str, str], known: Mapping[str, Record]) -> str:
    """Of energy, then of quality."""
    thrifty, greedy = comparison.records
    times = _times(comparison.ratio, more=f", {comparison.pairs} pairs" if comparison.pairs else ", unpaired")
    if comparison.verdict is Verdict.DIFFERENT:
        text = f"{names[greedy]} takes {times} times the energy of {names[thrifty]}"
    elif comparison.verdict is Verdict.EQUAL:
        text = f"{names[greedy]} and {names[thrifty]} take equal energy within ± 2 %: ratio {times}"
    else:
        text = f"No difference shown between {names[greedy]} and {names[thrifty]}: ratio {times}"
    return f"{text}; {_quality(comparison.gain, known[greedy], names[greedy])}."


def _times(ratio: Interval, more: str = "") -> str:
    """``1.020 (95 %: 1.010 … 1.031)``."""
    if ratio.low is None or ratio.high is None:
        return f"{_ratio(ratio.mid, ratio.mid)} (one pass: no interval{more})"
    low, mid, high = (_ratio(value, ratio.mid) for value in (ratio.low, ratio.mid, ratio.high))
    return f"{mid} ({SURE}: {low} … {high}{more})" if more else f"{mid} ({low}–{high})"


def _ratio(value: float, mid: float) -> str:
    return f"{value:.3f}" if mid < CLOSE else number(value)


def _quality(gain: Interval | None, greedy: Record, name: str) -> str:
    if gain is None or greedy.quality is None:
        return "their quality cannot be compared"
    what, n = greedy.quality.name, greedy.quality.n
    better = "better" if (gain.mid > 0) == greedy.quality.higher_is_better else "worse"
    if gain.low is None or gain.high is None:
        word = "as good" if gain.mid == 0 else better
        return f"{name} is {word}, how surely is not known: {what} {gain.mid:+.3f} (n {n})"
    span = f"{what} {gain.mid:+.3f} ({SURE}: {gain.low:+.3f} … {gain.high:+.3f}, n {n})"
    if gain.low <= 0 <= gain.high:
        return f"no difference in quality shown: {span}"
    return f"{name} is {better}: {span}"


def _notes(found: Sequence[Comparison], records: Sequence[Record]) -> Iterator[str]:
    """What the intervals contain and do not."""
    if any(each.pairs for each in found):
        yield "paired: passes of one sitting in turns; what both went through alike is in no interval"
    unpaired = [OTHER_CARD in each.differs for each in found if not each.pairs]
    if unpaired:
        sittings = [f"{100 * REPRODUCIBILITY:g} % that sittings differ by"] * (not all(unpaired))
        cards = [f"{100 * BETWEEN_CARDS:g} % that cards differ by"] * any(unpaired)
        among = " or ".join([*sittings, *cards])
        yield f"unpaired: the interval contains both repeatabilities and √2 times the {among} (--interleave pairs)"
    if len(found) > 1:
        yield f"which differences are shown is adjusted for {len(found)} comparisons (Holm); intervals are 95 % each"
    if any(made.method is Method.MODELLED for made in map(figure, records) if made):
        yield "modelled, not measured: what an estimate may be wrong by is in no interval"


def flat(comparison: Comparison, known: Mapping[str, Record]) -> dict[str, Any]:
    """One row."""
    thrifty, other = comparison.records
    ratio, gain, quality = comparison.ratio, comparison.gain, known[other].quality
    return {
        "thriftier": thrifty,
        "thriftier_model": known[thrifty].job.model.id,
        "other": other,
        "other_model": known[other].job.model.id,
        "ratio": ratio.mid,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "pairs": comparison.pairs,
        "verdict": str(comparison.verdict),
        "adjusted_for_comparisons": comparison.of,
        "quality": quality.name if quality and gain else None,
        "gain": gain.mid if gain else None,
        "gain_low": gain.low if gain else None,
        "gain_high": gain.high if gain else None,
        "differs": "; ".join(comparison.differs),
    }
