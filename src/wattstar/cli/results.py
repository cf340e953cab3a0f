"""Tables of results: one per population, with stars, cuts and everything a number must not be shown without."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from wattstar import registry
from wattstar.cli.output import broken, number, quality_value, table, time_per_query, variant, watt_hours
from wattstar.publishing.rows import status
from wattstar.rating.classes import SERVED, need_of, published_class
from wattstar.rating.placing import Placed, placed
from wattstar.rating.populations import Member, figure
from wattstar.rating.schemes import STANDARD
from wattstar.types import Conditions, Edition, Grade, Population, Rating, Record, Standing, Status

STAR, NO_STAR = "★", "☆"
EARLIER = "†"
"""Of a record that was in the store before the command was given."""
MARKS = {Standing.OFFICIAL: ("", ""), Standing.INDICATIVE: ("[", "]"), Standing.UNOFFICIAL: ("(", ")")}
"""Around stars, where a label is hatched."""


def show(
    records: Sequence[Member],
    earlier: Collection[str] = (),
    edition: Edition | None = None,
    scheme: str = STANDARD,
) -> None:
    """Rated records by population; then those that are not rated, with the reason. Those in ``earlier`` are marked."""
    known = dict(records)
    for each in placed(records, edition, scheme):
        rated = [known[rating.record] for rating in each.ratings]
        names = {record.quality.name for record in rated if record.quality}
        quality = names.pop() if len(names) == 1 else "quality"
        rows = [_row(rating, known[rating.record], quality, rating.record in earlier) for rating in each.ratings]
        if len(rows) == 1 or not any(rating.rank for rating in each.ratings):
            rows = [{name: value for name, value in row.items() if name != "rank"} for row in rows]
        note = [
            *_of_records(each, rated),
            *_of_population(each, edition, scheme),
            *_of_stars(each),
        ]
        if any(record.findings for record in rated):
            note.append("!: something was noted while it was measured, see wattstar show")
        if any(rating.record in earlier for rating in each.ratings):
            note.append(f"{EARLIER}: measured before this command")
        table(heading(each.conditions), rows, right=("rank", "Wh/1,000 queries", "time/query"), note="\n".join(note))
    rest = [_unrated(name, record) for name, record in records if figure(record) is None]
    if rest:
        table("not rated", rest)


def _row(rating: Rating, record: Record, quality: str, earlier: bool) -> dict[str, str]:
    return {
        "rank": rank(rating.rank),
        "model": broken(variant(record)) + f" {EARLIER}" * earlier,
        "Wh/1,000 queries": watt_hours(figure(record)) + ("!" if record.findings else ""),
        "time/query": time_per_query(record),
        quality: quality_value(record),
        "stars": stars(rating),
    }


def rank(place: tuple[int, int] | None) -> str:
    """``3``, or ``3–5`` where the difference to neighbours is not shown."""
    if place is None:
        return "–"
    best, worst = place
    return str(best) if best == worst else f"{best}–{worst}"


def stars(rating: Rating) -> str:
    """Five signs, or both numbers where none is firm; marked where not official; a dash where there are none."""
    if rating.stars is None or rating.span is None:
        return "–"
    least, most = rating.span
    signs = STAR * most + NO_STAR * (5 - most) if least == most else f"{least}–{most} {STAR}"
    before, after = MARKS[rating.standing]
    return f"{before}{signs}{after}"


def heading(conditions: Conditions) -> str:
    """Task and hardware."""
    task = conditions.task
    # A record may come from a machine where another package offered its task.
    words = registry.task(task).title if task in registry.plug_ins("tasks") else task
    size = f", class {conditions.size_class}" if conditions.size_class else ""
    return f"{words}{size} · {conditions.hardware}"


def _of_records(each: Placed, rated: Sequence[Record]) -> list[str]:
    """Boundary, method, work and procedure, and how sure the energies are."""
    ours = each.conditions
    lines = [
        f"energy: {ours.boundary} {ours.method} · {ours.work}",
        ours.procedure,
        "±: 95 % repeatability interval of this sitting, not of other machines",
    ]
    if ours.size_class:
        lines.append(_classes(ours.size_class, rated))
    first = figure(rated[0])
    if first is not None and first.plausible is not None:
        factor = first.plausible.mid / (first.plausible.low or first.plausible.mid)
        lines.append(f"modelled, not measured: the truth is plausibly within ×/÷ {factor:g} (a range, not 95 %)")
    return lines


def _classes(size_class: str, rated: Sequence[Record]) -> str:
    """What serving takes, and what the public formula says, which knows the number of parameters alone."""
    needs = [need.total for record in rated if (need := need_of(record))]
    sizes = [record.loaded.parameters for record in rated if record.loaded and record.loaded.parameters]
    least, most = (f"{bytes / 1e9:.1f}" for bytes in (min(needs), max(needs)))
    theirs = "/".join(sorted({published_class(size) for size in sizes}))
    between = least if least == most else f"{least} to {most}"
    return (
        f"class {size_class}: weights and cache take {between} GB, which {SERVED[size_class]}; by AI Energy Score's "
        f"formula {theirs}"
    )


def _of_population(each: Placed, edition: Edition | None, scheme: str) -> list[str]:
    """Edition, scheme, hardware, n, grade, cuts; or why there are none."""
    if each.population is None:
        return []
    where = "this store" if edition is None else f"edition {edition.name}"
    theirs = f" on {each.population.conditions.hardware}" if edition else ""
    lines = [f"{where}{theirs}, scheme {scheme}: {firmness(each.population)}"]
    if each.population.cuts and any(rating.stars for rating in each.ratings):
        lines.append(cuts(each.population))
    if each.population.removed and edition is None:
        lines.append(f"outside the fences, not in the average: {', '.join(each.population.removed)}")
    return lines


def firmness(population: Population) -> str:
    """Models, families, grade, and what another population would change."""
    words = f"{_count(len(population.entries), 'model')}, n {_count(population.families, 'family')}"
    if population.grade is not Grade.NONE:
        words += f", {population.grade}"
    if population.fresh_share is not None:
        words += f"; another as large would change {population.fresh_share:.0%} of the stars"
    return words


def _count(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else what.removesuffix('y') + 'ies' if what[-1] == 'y' else what + 's'}"


def cuts(population: Population) -> str:
    """The most Wh that earn 5, 4, 3 and 2 stars."""
    assert population.cuts is not None, "asked before"
    return "cuts in Wh: " + " · ".join(f"{5 - i}{STAR} ≤ {number(cut)}" for i, cut in enumerate(population.cuts))


def _of_stars(each: Placed) -> Iterator[str]:
    """Why they are not official, or missing."""
    for standing in Standing:
        starred = [rating for rating in each.ratings if rating.stars and rating.standing is standing]
        if reasons := "; ".join(dict.fromkeys(reason for rating in starred for reason in rating.reasons)):
            yield f"{STAR.join(MARKS[standing])} {standing}: {reasons}"
    few = each.population.reason if each.population else None
    bare = [rating.reasons for rating in each.ratings if not rating.stars]
    shown = (reasons[:1] if reasons[0] == few else reasons for reasons in bare)
    if missing := "; ".join(dict.fromkeys(reason for reasons in shown for reason in reasons)):
        yield f"no stars: {missing}"


def _unrated(name: str, record: Record) -> dict[str, str]:
    reasons = [finding.message for finding in record.findings if finding.severity == "invalid"]
    if record.failure:
        reasons.insert(0, record.failure.message)
    if not reasons:
        whole = record.status is Status.COMPLETE
        reasons.append("its figure is no positive number" if whole else f"{len(record.passes)} passes")
    return {"record": name[:12], "task": record.job.task, "model": record.job.model.id, "status": status(record),
            "reason": " ".join(reasons)}  # fmt: skip
