"""Data cards: what a test set is made of, for people and for the Hub."""

from __future__ import annotations

from wattstar.testsets.recipe import DataSource, Recipe
from wattstar.types import Kind, Task

UNITS = {Kind.IMAGE: "pixels", Kind.AUDIO: "seconds"}

BODY = """\
# {edition} for {title}

{count} rows, made by `wattstar testset build {tag} --edition {edition}` on {date}. {note}

| column | what it holds |
|---|---|
| `id` | of the row |
| `source` | the data set it was drawn from |
| `input` | {inputs}{media} |
| `target` | the right answer in the shape that the task's score reads; null where the source has none |

{method}

Digest: `{digest}`. Rebuild: `wattstar testset build --from-lock recipe.lock.toml`; check:
`wattstar testset verify {tag} --edition {edition}`. Built with {packages}.

## Sources

{sources}
Each source keeps its own licence, which binds whoever uses or passes on its rows.
"""

DRAWN = """\
Of each source the usable rows were cut into ten groups of equal size by length ({unit}), and each group gave its
share, chosen by the hash of seed {seed} and content. At most {pool} usable rows of a source were looked at, from parts
of all its files in random order."""

WHOLE = "All usable rows were taken, in their order."


def unit(task: Task) -> str:
    """Of a row's length."""
    return next((UNITS[kind] for kind in task.inputs.values() if kind in UNITS), "characters")


def card(lock: Recipe, task: Task, count: int) -> str:
    """Markdown with the front matter that the Hub reads."""
    assert lock.made is not None
    drawn = any(source.rows is not None for source in lock.sources)
    kept = {
        Kind.IMAGE: "; images are the source's bytes",
        Kind.AUDIO: "; clips were made WAV, mono, 16 bit, 16 kHz, once",
    }
    body = BODY.format(
        edition=lock.edition,
        title=task.title,
        tag=lock.task,
        count=f"{count:,}",
        date=lock.made.date[:10],
        note=lock.note,
        inputs=", ".join(f"`{name}`" for name in task.inputs),
        media="".join(text for kind, text in kept.items() if kind in task.inputs.values()),
        method=DRAWN.format(unit=unit(task), seed=lock.seed, pool=f"{lock.pool:,}") if drawn else WHOLE,
        digest=lock.made.digest,
        packages=", ".join(f"{name} {number}" for name, number in lock.made.packages.items()),
        sources="\n".join(_source(source, unit(task)) for source in lock.sources),
    )
    return _front_matter(lock, count) + body


def _front_matter(lock: Recipe, count: int) -> str:
    size = "n<1K" if count < 1000 else "1K<n<10K" if count < 10_000 else "10K<n<100K"
    lines = [
        "license: other",
        "license_name: that-of-each-source",
        "license_link: README.md",
        f"task_categories: [{lock.task}]",
        f"size_categories: [{size}]",
        "configs: [{config_name: default, data_files: [{split: test, path: rows.jsonl}]}]",
    ]
    return "\n".join(["---", *lines, "---", ""])


def _source(source: DataSource, measure: str) -> str:
    lines = [
        f"### {source.name}",
        "",
        f"- data set: `{source.id}`, {_part(source)}, commit `{source.revision}`",
        f"- licence: {source.licence}",
    ]
    if source.drawn is not None:
        drawn = source.drawn
        rows = source.rows if source.rows is not None else drawn.usable
        lines.append(f"- rows: {rows} of {drawn.usable} usable; {drawn.left_out} were looked at and left out")
        lines.append(f"- {measure}: {drawn.shortest:g} to {drawn.longest:g}, median {drawn.median:g}")
    if source.stands_for:
        lines.append(f"- taken instead of {source.stands_for}")
    if source.closed:
        lines.append(f"- not open to everybody: {source.closed}")
    if source.note:
        lines.append(f"- {source.note}")
    return "\n".join([*lines, ""])


def _part(source: DataSource) -> str:
    named = [f"configuration `{source.config}`"] if source.config else []
    files = [f"files `{source.files}`"] if source.files else []
    return ", ".join([*named, f"split `{source.split}`", *files])
