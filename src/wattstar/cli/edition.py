"""``wattstar edition``: dated, frozen populations that stars are given by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli import results
from wattstar.cli.options import FORMAT, SCHEME, STORE
from wattstar.cli.output import as_csv, as_json, folded, number, table, undamaged
from wattstar.errors import UsageError
from wattstar.rating import editions
from wattstar.rating.building import build, changes, groups
from wattstar.rating.moments import LEAST_FAMILIES
from wattstar.rating.placing import under
from wattstar.rating.stars import stars
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.types import Edition, Entry, Population

NAME = click.argument("name", metavar="[NAME]", required=False)
TASK = click.option("-t", "--task", help="Only this one.")


@click.group("edition")
def command() -> None:
    """List, show, build and compare editions: dated, frozen populations that stars are given by.

    A star depends on the record and the edition alone: a new model never moves another one's star, a new edition may,
    and says so. An edition is named by its date, or by the folder of one of your own.
    """


@command.command("list")
@FORMAT
def list_command(style: str) -> None:
    """List the editions that ship with wattstar, oldest first."""
    found = [editions.load(name) for name in editions.names()]
    rows = [_summary(edition) for edition in found]
    if style == "json":
        as_json(rows)
    elif style == "csv":
        as_csv(rows)
    else:
        titles = "\n".join(f"{edition.name}: {edition.title}" for edition in found)
        table("editions", [{name: str(value) for name, value in row.items()} for row in rows],
              right=("populations", "with stars", "energies"), note=titles)  # fmt: skip


@command.command("show")
@NAME
@TASK
@SCHEME
@FORMAT
def show_command(name: str | None, task: str | None, scheme: str, style: str) -> None:
    """Show an edition's populations, or with --task their models too; left out: the newest edition."""
    edition = editions.load(name or editions.names()[-1])
    found = [under(each, scheme) for each in edition.populations if task in (None, each.conditions.task)]
    if not found:
        known = {each.conditions.task for each in edition.populations}
        raise registry.unknown(f"task in the edition {edition.name}:", str(task), known)
    if style == "json":
        as_json(encode(edition) if task is None else [encode(each) for each in found])
    elif style == "csv":
        as_csv([row for each in found for row in _energies(edition, each)])
    elif task is None:
        _overview(edition, found, scheme)
    else:
        for each in found:
            _show(edition, each, scheme)


@command.command("diff")
@click.argument("one")
@click.argument("other")
def diff_command(one: str, other: str) -> None:
    """Say what has changed from the edition ONE to the edition OTHER."""
    lines = list(changes(editions.load(one), editions.load(other)))
    for line in lines or [f"{one} and {other} hold the same."]:
        folded(line)


@command.command("build")
@click.argument("name", metavar="DATE")
@STORE
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True, help="The edition's folder; a new one.")
@click.option("--title", "words", default="Records of one's own store", help="In words.")
@click.option("--after", help="The edition before, whose cuts hold these ones near.")
def build_command(name: str, out: Path, folder: Path, words: str, after: str | None) -> None:
    """Freeze the store's records into an edition of your own, named by its DATE, such as 2026-12.

    Its stars stay unofficial: only editions that ship with wattstar give others.
    """
    records = undamaged(Store(out))
    before = editions.load(after) if after else None
    made = build(Edition(name, words, foreign=None, populations=(), changes=()), groups(records), before)
    if not made.populations:
        raise UsageError(f"No record in {out} can be rated.", ["wattstar list", "another folder: --out"])
    editions.write(made, folder)
    _overview(made, made.populations, "deviation")
    folded(f"Frozen in {folder}. Next: wattstar rate --edition {folder}")


def _summary(edition: Edition) -> dict[str, Any]:
    return {
        "edition": edition.name,
        "populations": len(edition.populations),
        "with stars": sum(each.cuts is not None for each in edition.populations),
        "energies": sum(len(each.entries) for each in edition.populations),
        "figures of": edition.foreign or "wattstar",
    }


def _overview(edition: Edition, found: Sequence[Population], scheme: str) -> None:
    note = [
        f"{edition.title}; scheme {scheme}",
        "stars: Wh per 1,000 queries up to which there are 5, 4, 3 and 2; n: families, of which stars need "
        f"{LEAST_FAMILIES}; spread: the most over the least",
    ]
    if edition.foreign:
        note.append(f"foreign: figures of {edition.foreign}; stars by them are indicative at best")
    note.append(f"energies, doubts: wattstar edition show {edition.name} -t TASK")
    rows = [_line(each) for each in found]
    table(f"edition {edition.name}", rows, right=("models", "n", "spread"), note="\n".join(note))


def _line(each: Population) -> dict[str, str]:
    energies = [entry.wh_per_1000.mid for entry in each.entries]
    conditions = each.conditions
    size = f", class {conditions.size_class}" if conditions.size_class else ""
    return {
        "task and work": f"{conditions.task}{size}:\n{conditions.work}",
        "models": str(len(each.entries)),
        "n": str(each.families),
        "spread": f"{number(max(energies) / min(energies))}×",
        "stars": f"{' · '.join(map(number, each.cuts))}\n{each.grade}" if each.cuts else _none(each),
    }


def _none(each: Population) -> str:
    return f"none: n < {LEAST_FAMILIES}" if each.families < LEAST_FAMILIES else f"none: {each.reason}"


def _show(edition: Edition, each: Population, scheme: str) -> None:
    conditions = each.conditions
    note = [
        f"energy: {conditions.boundary} {conditions.method} · {conditions.work}",
        conditions.procedure,
        f"edition {edition.name}, scheme {scheme}: {results.firmness(each)}",
        results.cuts(each) if each.cuts else f"no stars: {each.reason}",
        *_statistics(each),
        "published: stars, and size class, by the source's own rules" if _is_published(each) else "",
        *(f"doubt: {doubt}" for doubt in each.doubts),
    ]
    rows = [_row(entry, each) for entry in each.entries]
    if not _is_published(each):
        rows = [{name: value for name, value in row.items() if name != "published"} for row in rows]
    table(results.heading(conditions), rows, right=("Wh/1,000 queries",), note="\n".join(filter(None, note)))


def _row(entry: Entry, each: Population) -> dict[str, str]:
    publisher = entry.model.partition("/")[0].lower()
    of = "" if entry.family == publisher else f"\n  of {entry.family}"
    theirs = f"{entry.published_stars}{results.STAR} {entry.published_class or ''}" if entry.published_stars else "–"
    return {
        "model": entry.model + " ?" * bool(entry.doubts) + of,
        "Wh/1,000 queries": number(entry.wh_per_1000.mid),
        "stars": results.STAR * stars(entry.wh_per_1000.mid, each.cuts) if each.cuts else "–",
        "published": theirs.strip(),
    }


def _is_published(each: Population) -> bool:
    return any(entry.published_stars for entry in each.entries)


def _statistics(each: Population) -> Iterator[str]:
    """Average, deviation and fences, of the energies themselves and of their logarithms."""
    if each.mean is not None and each.deviation is not None:
        yield (
            f"average of ln(Wh) {each.mean:.4f}, a geometric mean of {number(math.exp(each.mean))} Wh; deviation "
            f"{each.deviation:.4f}, a factor of {number(math.exp(each.deviation))}"
        )
    if each.fences:
        out = ", ".join(each.removed) or "none"
        yield f"fences {number(each.fences[0])} … {number(each.fences[1])} Wh; outside, not in the average: {out}"
    if any(entry.doubts for entry in each.entries):
        yield f"?: {'; '.join(sorted({doubt for entry in each.entries for doubt in entry.doubts}))}"


def _energies(edition: Edition, each: Population) -> Iterator[dict[str, Any]]:
    """Rows of a table for programs."""
    conditions = {name: value and str(value) for name, value in vars(each.conditions).items()}
    for entry in each.entries:
        yield {
            "edition": edition.name,
            **conditions,
            "model": entry.model,
            "family": entry.family,
            "wh_per_1000_queries": entry.wh_per_1000.mid,
            "stars": stars(entry.wh_per_1000.mid, each.cuts) if each.cuts else None,
            "published_stars": entry.published_stars,
            "published_class": entry.published_class,
            "families": each.families,
            "grade": str(each.grade),
            "date": entry.date,
            "source": entry.source,
            "doubts": "; ".join((*entry.doubts, *each.doubts)),
        }
