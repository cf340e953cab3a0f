"""Tables of results: one per population, with stars, cuts and everything a number must not be shown without."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wattstar import registry
from wattstar.cli.output import broken, number, quality_value, status, table, time_per_query, variant, watt_hours
from wattstar.rating import populations, rate
from wattstar.rating.populations import figure
from wattstar.types import Population, Rating, Record, Standing, Status

STAR, NO_STAR = "★", "☆"
EARLIER = "†"
"""Of a record that was in the store before the command was given."""


def show(records: Sequence[tuple[str, Record]], earlier: Collection[str] = ()) -> None:
    """Rated records by population; then those that are not rated, with the reason. Those in ``earlier`` are marked."""
    known = dict(records)
    for population, members in populations(records):
        ratings = rate(population, members)
        names = {record.quality.name for _, record in members if record.quality}
        quality = names.pop() if len(names) == 1 else "quality"
        rows = [_row(rating, known[rating.record], quality, rating.record in earlier) for rating in ratings]
        note = _note(population, ratings, known)
        if any(rating.record in earlier for rating in ratings):
            note += f"\n{EARLIER}: measured before this command"
        table(_title(population), rows, right=("Wh/1,000 queries", "time/query"), note=note)
    rest = [_unrated(name, record) for name, record in records if figure(record) is None]
    if rest:
        table("not rated", rest)


def _row(rating: Rating, record: Record, quality: str, earlier: bool) -> dict[str, str]:
    return {
        "model": broken(variant(record)) + f" {EARLIER}" * earlier,
        "Wh/1,000 queries": watt_hours(figure(record)) + ("!" if record.findings else ""),
        "time/query": time_per_query(record),
        quality: quality_value(record),
        "stars": stars(rating),
    }


def stars(rating: Rating) -> str:
    """Five signs, or the span that the interval holds; in brackets where unofficial; a dash where there are none."""
    if rating.stars is None or rating.span is None:
        return "–"
    least, most = rating.span
    signs = STAR * rating.stars + NO_STAR * (5 - rating.stars) if least == most else f"{least}–{most} {STAR}"
    return f"({signs})" if rating.standing is Standing.UNOFFICIAL else signs


def _title(population: Population) -> str:
    task = population.conditions.task
    # A record may come from a machine where another package offered its task.
    title = registry.task(task).title if task in registry.plug_ins("tasks") else task
    return f"{title} · {population.conditions.hardware}"


def _note(population: Population, ratings: Sequence[Rating], known: dict[str, Record]) -> str:
    """Boundary, method, work, n, cuts, edition, and why stars are missing or unofficial."""
    first = figure(known[ratings[0].record])
    alike = population.conditions
    lines = [
        f"energy: {alike.boundary} {alike.method} · {alike.work}",
        alike.procedure,
        "±: 95 % repeatability interval of this sitting, not of other machines",
    ]
    if first is not None and first.plausible is not None:
        factor = first.plausible.mid / (first.plausible.low or first.plausible.mid)
        lines.append(f"modelled, not measured: the truth is plausibly within ×/÷ {factor:g} (a range, not 95 %)")
    if population.cuts is None:
        lines.append(f"no stars: {population.reason}")
    else:
        cuts = " · ".join(f"{5 - i}{STAR} ≤ {number(cut)}" for i, cut in enumerate(population.cuts))
        lines.append(f"{population.grade}: {len(population.entries)} models, n {population.families} families")
        lines.append(f"cuts in Wh: {cuts}")
        reasons = sorted({reason for rating in ratings for reason in rating.reasons})
        if reasons:
            lines.append(f"({STAR}) unofficial: {'; '.join(reasons)}")
    if any(known[rating.record].findings for rating in ratings):
        lines.append("!: something was noted while it was measured, see wattstar show")
    if population.removed:
        lines.append(f"outside the fences, not in the average: {', '.join(population.removed)}")
    return "\n".join(lines)


def _unrated(name: str, record: Record) -> dict[str, str]:
    reasons = [finding.message for finding in record.findings if finding.severity == "invalid"]
    if record.failure:
        reasons.insert(0, record.failure.message)
    if not reasons:
        whole = record.status is Status.COMPLETE
        reasons.append("its figure is no positive number" if whole else f"{len(record.passes)} passes")
    return {"record": name[:12], "task": record.job.task, "model": record.job.model.id, "status": status(record),
            "reason": " ".join(reasons)}  # fmt: skip
