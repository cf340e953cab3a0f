"""A page for every model: where it stands in each task, its label, its records, and how to measure it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from wattstar.publishing.site import labels, paths
from wattstar.publishing.site.alternatives import Alternatives
from wattstar.publishing.site.axis import Axis, around
from wattstar.publishing.site.board import Board, Group, Kept, Row
from wattstar.publishing.site.commands import again, standard
from wattstar.publishing.site.labels import Label
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.pages.task import BOUNDARIES, Zone, zones
from wattstar.publishing.site.text import capital, many
from wattstar.rating.stars import stars
from wattstar.types import Edition, Entry, Population

MOST_RELATIVES = 16
PLACES = 2.0
"""Marks of a strip that are closer than half a per cent are drawn as one."""


@dataclass(frozen=True)
class Scene:
    """What all rows of a group stand before."""

    group: Group
    path: str
    title: str
    """Of the task."""
    axis: Axis
    zones: tuple[Zone, ...]
    marks: str
    """Path data, 100 wide and high."""
    alternatives: Alternatives


@dataclass(frozen=True)
class Standing:
    """A model in one group."""

    scene: Scene
    row: Row


@dataclass(frozen=True)
class Then:
    """What an edition says of a model."""

    edition: Edition
    population: Population
    entry: Entry
    stars: int | None


@dataclass
class Known:
    """All that the board holds of one model."""

    standings: list[Standing] = field(default_factory=list)
    records: list[tuple[str, Kept]] = field(default_factory=list)
    history: list[Then] = field(default_factory=list)
    families: set[str] = field(default_factory=set)


def pages(board: Board, options: Options) -> Iterator[Page]:
    """Of every model that a row or a record is of."""
    known = _known(board)
    titles = {each.task: capital(each.title) for each in board.fields}
    members: dict[str, list[str]] = defaultdict(list)
    for name in board.models:
        for family in known[name].families:
            members[family].append(name)
    drawings = labels.labels(board, options)
    for name in board.models:
        families = [members[family] for family in sorted(known[name].families)]
        made = _page(name, known[name], Relatives.of(name, families), titles)
        yield replace(made, context={**made.context, "labels": _labels(known[name], drawings)})


@dataclass(frozen=True)
class Relatives:
    """Other models of its family, or families."""

    shown: tuple[tuple[str, str], ...]
    """The path of each one's page, and its name."""
    more: int
    """So many further ones."""

    @staticmethod
    def of(name: str, families: Sequence[Sequence[str]]) -> Relatives:
        """The first of each family, which may have thousands."""
        first = dict.fromkeys(one for family in families for one in family[: MOST_RELATIVES + 1] if one != name)
        shown = list(first)[:MOST_RELATIVES]
        most = max((len(family) for family in families), default=1) - 1
        return Relatives(tuple((paths.model(one), one) for one in shown), max(0, most - len(shown)))


def _known(board: Board) -> dict[str, Known]:
    known: dict[str, Known] = defaultdict(Known)
    for each in board.fields:
        for group in each.groups:
            scene = _scene(group, paths.task(each, group), capital(each.title))
            for row in group.rows:
                known[row.model].standings.append(Standing(scene, row))
                known[row.model].families.add(row.family)
    for name, kept in board.records.items():
        model = kept.record.job.model
        known[model.id].records.append((name, kept))
        known[model.id].families.add(model.family or model.id)
    for edition in board.editions:
        for population in edition.populations:
            for entry in population.entries:
                earned = stars(entry.wh_per_1000.mid, population.cuts) if population.cuts else None
                known[entry.model].history.append(Then(edition, population, entry, earned))
    return known


def _scene(group: Group, path: str, title: str) -> Scene:
    axis = around(group.rows)
    places = sorted({round(axis.at(row.wh_per_1000.mid) * PLACES) / PLACES for row in group.rows})
    marks = "".join(f"M{place:g} 26V74" for place in places)
    shown = tuple(zones(axis, group.population.cuts)) if group.population.cuts else ()
    return Scene(group, path, title, axis, shown, marks, Alternatives(group))


def _page(name: str, found: Known, relatives: Relatives, titles: dict[str, str]) -> Page:
    tasks = list(dict.fromkeys(standing.scene.title for standing in found.standings))
    return Page(
        path=paths.model(name),
        kind="model",
        title=name,
        description=f"The energy that {name} takes for a thousand queries, how sure that is, and how to check it.",
        context={
            "name": name,
            "found": found,
            "tasks": tasks,
            "lede": _lede(found, tasks),
            "published": any(not standing.row.record for standing in found.standings),
            "boundaries": BOUNDARIES,
            "titles": titles,
            "families": sorted(found.families),
            "relatives": relatives,
            "commands": partial(_commands, name, found),
            "compare": paths.COMPARE,
        },
    )


def _labels(found: Known, drawings: Mapping[str, Label]) -> list[tuple[Standing, Label]]:
    """Of the newest records, one for each task."""
    newest = sorted(found.standings, key=lambda standing: standing.row.date)
    by_task = {each.scene.title: (each, drawings[each.row.source]) for each in newest if each.row.source in drawings}
    return list(by_task.values())


def _lede(found: Known, tasks: list[str]) -> str:
    """What there is, in a sentence."""
    if not found.standings:
        return f"{capital(many(len(found.records), 'record'))}, and none that counts."
    listed = tasks[0].lower() if len(tasks) == 1 else f"{', '.join(tasks[:-1])} and {tasks[-1]}".lower()
    places = len(found.standings)
    more = f", under {places} sets of conditions" if places > len(tasks) else ""
    return f"What it takes for a thousand queries of {listed}{more}."


def _commands(name: str, found: Known) -> list[tuple[str, str]]:
    """Task → the words that measure it: as a record was measured, else by the standard procedure."""
    made = {(kept.record.job.task, again(kept.record.job)) for _, kept in found.records}
    measured = {task for task, _ in made}
    tasks = {standing.scene.group.task for standing in found.standings} - measured
    return sorted(made | {(task, standard(task, name)) for task in tasks})
