"""What a label says, in words: the strings of the card, the figure and the snippet, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.publishing.label.facts import SCHEME, Facts, Place
from wattstar.rating.schemes import STANDARD
from wattstar.records.words import number
from wattstar.types import Approach, Boundary, Interval, Method, Standing, Weights

BOUNDARIES: Mapping[Boundary, str] = {
    Boundary.GPU: "GPU",
    Boundary.CPU_DRAM: "Processor and memory",
    Boundary.GPU_CPU_DRAM: "GPU, processor and memory",
    Boundary.SYSTEM: "Whole machine",
}
METHODS: Mapping[Method, str] = {
    Method.COUNTER: "energy counter",
    Method.SAMPLED: "sampled power",
    Method.MODELLED: "estimated",
}
STATUSES: Mapping[str, str] = {
    "self-reported": "Measured by whoever made this label.",
    "verified": "Worked out again from the record's timelines.",
    "reproduced": "Measured again, and both agree: record {by}.",
    "estimated": "Modelled from use, not measured.",
    "superseded": "There is a newer record: {by}.",
}
UNIT = "Wh"


def heading(facts: Facts) -> str:
    """What the number is of: ``GPU energy per 1,000 queries``."""
    what = BOUNDARIES[facts.boundary]
    return f"{what} energy per 1,000 queries{', estimated' if facts.method is Method.MODELLED else ''}"


def value(facts: Facts) -> str:
    """The number, with ``~`` where it is an estimate."""
    return "~" * (facts.method is Method.MODELLED) + number(facts.wh_per_1000.mid)


def doubt(facts: Facts) -> tuple[str, str]:
    """What stands beside the number: the range, and what kind of range it is."""
    if facts.plausible is not None:
        return _edges(facts.plausible), "range, not 95 %"
    passes = "1 pass" if facts.passes == 1 else f"{facts.passes} passes"
    if facts.wh_per_1000.low is None or facts.wh_per_1000.high is None:
        return "interval unknown", passes
    return _edges(facts.wh_per_1000), f"95 % · {passes}"


def _edges(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "range unknown"
    return f"{number(interval.low)} – {number(interval.high)} {UNIT}"


def stars(place: Place) -> str:
    """``4 of 5 stars``, or ``3–4 of 5 stars`` where measuring leaves both likely."""
    return f"{count(place)} of 5 stars"


def count(place: Place) -> str:
    """``4`` or ``3–4``."""
    least, most = place.span or (place.stars, place.stars)
    return str(least) if least == most else f"{least}–{most}"


def chance(place: Place) -> str:
    """How likely what is shown is, by these cuts."""
    if place.chances is None or place.span is None:
        return "not said how sure"
    least, most = place.span
    share = sum(place.chances[5 - most : 5 - least + 1])
    return f"{'> 99' if share > 0.99 else f'{100 * share:.0f}'} % sure by these cuts"


def edition(facts: Facts, place: Place) -> str:
    """Which edition, and how large it is."""
    scheme = "" if facts.scheme == STANDARD else f", scheme {facts.scheme}"
    group = f", class {place.size_class}" if place.size_class else ""
    models = f"{place.models} model{'s' if place.models != 1 else ''}"
    families = f"{place.families} famil{'ies' if place.families != 1 else 'y'}"
    grade = place.grade if place.cuts else "no cuts"
    return f"edition {facts.edition}{scheme}{group}: {models}, {families}, {grade}"


def standing(place: Place) -> str | None:
    """Why the stars are hatched; None where they are official."""
    if place.standing is Standing.OFFICIAL:
        return None
    return _sentences([str(place.standing), *place.reasons])


def no_stars(facts: Facts) -> str:
    """Why there are none, in sentences."""
    reasons = facts.no_place if facts.place is None else facts.place.reasons
    return _sentences(reasons)


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)


def size(facts: Facts) -> str:
    """Parameters, precision, revision: what tells this model from its namesakes."""
    parts = [
        parameters(facts.parameters),
        "random weights" if facts.weights is Weights.RANDOM else "",
        "zero-shot" if facts.approach is Approach.ZERO_SHOT else "",
        f"revision {revision(facts.revision)}",
    ]
    return " · ".join(part for part in parts if part)


def parameters(count: int | None) -> str:
    """``22.7 M parameters``."""
    if count is None:
        return "size unknown"
    for least, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= least:
            return f"{number(count / least)} {letter} parameters"
    return f"{count} parameters"


def revision(text: str) -> str:
    """The first digits of a commit or digest; a version as it is."""
    long = len(text) >= 40 and all(sign in "0123456789abcdef" for sign in text)
    return text[:8] if long else text


def rows(facts: Facts) -> Mapping[str, str]:
    """The conditions: name → value."""
    subset = "" if facts.subset is None else f" by a subset of {facts.subset}"
    passes = f"{facts.passes} pass{'es' if facts.passes != 1 else ''} of {facts.samples:,} queries"
    quality = facts.quality
    return {
        "Work": _whole(facts.work, ", "),
        "Hardware": facts.hardware,
        "Set-up": _whole(facts.setup, " · "),
        "Boundary": f"{BOUNDARIES[facts.boundary].lower().replace('gpu', 'GPU')}, {METHODS[facts.method]}",
        "Test set": f"edition {facts.testset} ({facts.testset_digest[:8]})",
        "Measured": f"{facts.measured}, {passes}{subset}",
        "Quality": f"{quality.name} {number(quality.value)} (n {quality.n:,})" if quality else "not scored",
    }


def _whole(text: str, between: str) -> str:
    """Lines may break between its items, not inside one."""
    return between.join(item.replace(" ", "\u00a0") for item in text.split(between))


def status(facts: Facts) -> str:
    """What the status means."""
    return STATUSES[facts.status].format(by=(facts.status_by or "")[:12])


def locator(facts: Facts) -> str:
    """The address as people read or type it."""
    if facts.address.startswith(SCHEME):
        return f"wattstar show {facts.record[:12]}"
    return facts.address.partition("://")[2] or facts.address


def short(facts: Facts) -> str:
    """For a badge: ``2.37 Wh/1k · 4/5``; what is not official says so."""
    parts = [f"{value(facts)} {UNIT}/1k"]
    place = facts.place
    if place is not None and place.stars is not None:
        worth = "" if place.standing is Standing.OFFICIAL else f" {place.standing}"
        parts.append(f"{count(place)}/5{worth}")
    if facts.status in ("estimated", "superseded"):
        parts.append(facts.status)
    return " · ".join(parts)


def listing(facts: Facts) -> Mapping[str, str]:
    """Everything that the card says: name → value, in its order."""
    edges, kind = doubt(facts)
    return {
        "Model": facts.model,
        "Version": size(facts),
        "Task": facts.title,
        heading(facts): f"{value(facts)} {UNIT}",
        "Range": f"{edges} ({kind})",
        **_placed(facts),
        **rows(facts),
        "Status": f"{facts.status}: {status(facts)}",
        "Record": facts.record,
        "Address": facts.address,
    }


def _placed(facts: Facts) -> Mapping[str, str]:
    place = facts.place
    if place is None:
        return {"Stars": f"none. {no_stars(facts)}"}
    ends = {"Least and most": f"{number(place.least)} and {number(place.most)} {UNIT}"}
    if place.stars is None or place.cuts is None:
        return {"Stars": f"none. {no_stars(facts)}", "Population": edition(facts, place)} | ends
    cuts = ", ".join(f"{5 - i}: up to {number(cut)} {UNIT}" for i, cut in enumerate(place.cuts))
    said = {"Stars": f"{stars(place)}, {chance(place)}", "Population": edition(facts, place), "Stars by energy": cuts}
    why = standing(place)
    return {**said, **ends, **({"Standing": why} if why else {})}


def sentence(facts: Facts) -> str:
    """The whole label in words, for those who cannot see it."""
    edges, kind = doubt(facts)
    said = f"{facts.model}, {facts.title}: {value(facts)} {UNIT}. {heading(facts)}; {edges} ({kind})."
    if facts.place is not None and facts.place.stars is not None:
        hatched = standing(facts.place)
        said += f" {stars(facts.place)}, {edition(facts, facts.place)}." + (f" {hatched}" if hatched else "")
    else:
        said += f" No stars. {no_stars(facts)}"
    return f"{said} {facts.hardware}. {facts.setup}. Measured {facts.measured}, {facts.status}. Record {facts.record}."
