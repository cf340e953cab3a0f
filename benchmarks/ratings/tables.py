"""The results as Markdown, and which promises were not kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.ratings.calibration import Bin, Cell, World, pooled
from benchmarks.ratings.claims import Spread, ZeroShot
from benchmarks.ratings.example import Example
from benchmarks.ratings.many import Timed
from benchmarks.ratings.published import Board, Field
from benchmarks.ratings.stability import JOINED, SIZES, Fresh
from benchmarks.ratings.stability import Cell as Joined

ASKED = (0.8, 0.9)
"""Of stars said with such a chance …"""
KEPT = (0.78, 0.92)
"""… such a share is to be the star that the true energy earns."""
Results = Mapping[str, Any]


def sections(results: Results) -> Iterator[str]:
    """A section each."""
    yield _boards(results["boards"])
    yield _fields(results["fields"])
    yield _example(results["example"])
    yield _claims(results["spreads"], results["zero_shot"])
    yield _joining(results["joining"])
    yield _fresh(results["fresh"])
    yield _calibration(results["calibration"], promised(results))
    yield _many(results["many"])


def broken(results: Results) -> Iterator[str]:
    """Promises that were not kept, in words."""
    for board in results["boards"]:
        yield from (f"another star: {row}" for row in board.wrong)
    moved = [cell for cell in results["joining"] if cell.frozen]
    yield from (f"stars moved within an edition: {cell.scheme}, {cell.families} families" for cell in moved)
    for cell in results["calibration"]:
        if _is_broken(cell):
            yield f"chances of {_asked(cell.bins).true:.1%} said with 80 to 90 %: {cell.world}"


def promised(results: Results) -> tuple[Bin, ...]:
    """How chances kept their word in all worlds where that is promised."""
    return pooled([cell for cell in results["calibration"] if cell.world.promised])


def _is_broken(cell: Cell) -> bool:
    true = _asked(cell.bins).true
    return cell.world.promised and true is not None and not KEPT[0] <= true <= KEPT[1]


def _asked(bins: Sequence[Bin]) -> Bin:
    return next(each for each in bins if each.low == ASKED[0])


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _energy(energy: float | None) -> str:
    """To three digits."""
    if energy is None:
        return "–"
    return f"{energy:,.0f}" if energy >= 100 else f"{energy:#.3g}"


def _boards(boards: Sequence[Board]) -> str:
    total, wrong = sum(each.models for each in boards), sum(len(each.wrong) for each in boards)
    rows = (
        [each.source.partition(" via ")[0], each.size_class or "–", str(each.models), "; ".join(each.wrong) or "none"]
        for each in boards
    )
    return "\n\n".join(
        [
            "## Published stars, again",
            f"`aes-equal-width`, from the energies alone: {total - wrong} of {total} published stars.",
            _table(["table", "class", "rows", "other stars"], rows),
        ]
    )


def _fields(fields: Sequence[Field]) -> str:
    heads = ["task", "work", "models", "families", "most / least", "average, Wh", "× or ÷", "cuts of 5, 4, 3, 2 ★, Wh"]
    return "\n\n".join(
        [
            "## The first edition",
            "Energies are Wh per 1,000 queries; stars are counts of models with 5/4/3/2/1. Where there are fewer than "
            "8 families, no stars are given: what the rule would say of the few stands in brackets.",
            _table([*heads, *(f"`{name}`" for name in fields[0].given)], map(_field, fields)),
        ]
    )


def _field(each: Field) -> list[str]:
    task = f"{each.conditions.task} {each.conditions.size_class or ''}".strip()
    spread = f"{each.spread:.0f}×" if each.spread >= 10 else f"{each.spread:.1f}×"
    cuts = ", ".join(map(_energy, each.cuts)) if each.cuts else "–"
    factor = f"{each.factor:.2f}" if each.factor else "–"
    counts = [
        "–" if given is None else "/".join(map(str, given)) if each.reason is None or name == "aes-equal-width" else
        f"({'/'.join(map(str, given))})"
        for name, given in each.given.items()
    ]  # fmt: skip
    numbers = [str(each.models), str(each.families), spread, _energy(each.mean), factor]
    return [task, each.conditions.work, *numbers, f"({cuts})" if each.reason and each.cuts else cuts, *counts]


def _example(example: Example) -> str:
    lines = [
        f"{example.population}: {example.families} families, average {_energy(example.mean)} Wh, "
        f"× or ÷ {example.factor:.3f}.",
        f"Cuts: {', '.join(map(_energy, example.cuts))} Wh.",
        f"A model that takes {example.energy:g} ± {example.half:g} Wh has {example.stars} stars: z = {example.z:.3f}.",
        f"u = {example.error:.4f}, r = u/sd = {example.ratio:.4f}; the truth lies around {example.place:.3f} Wh, "
        f"× or ÷ {example.width:.4f}.",
        f"Chances of 5, 4, 3, 2 and 1 stars: {', '.join(f'{chance:.1%}' for chance in example.chances)}; "
        f"shown: {'–'.join(map(str, dict.fromkeys(example.span)))}.",
    ]
    return "\n\n".join(["## One star, step by step", "\n".join(f"- {line}" for line in lines)])


def _claims(spreads: Mapping[str, Sequence[Spread]], zero_shot: Sequence[ZeroShot]) -> str:
    rows = (
        [task, each.where, str(each.models), _of(each.least), _of(each.most), f"{each.factor:,.1f}×"]
        for task, found in spreads.items()
        for each in found
    )
    return "\n\n".join(
        [
            "## What was claimed",
            "*About 5× between image classifiers, 50× between text generators.* Wh per 1,000 queries; what stands in "
            "one line was measured on one kind of machine by one program.",
            _table(["task", "where", "models", "least", "most", "most / least"], rows),
            "*Zero-shot models take orders of magnitude more than models made for the task.* On one node of 8× A100 in "
            "2023, its GPUs, seven of them idle all the time.",
            _table(
                [
                    "task",
                    "made, zero-shot",
                    "medians",
                    "hungriest made, thriftiest zero-shot",
                    "hungriest / median made",
                ],
                map(_asked_and_made, zero_shot),
            ),
        ]
    )


def _asked_and_made(each: ZeroShot) -> list[str]:
    medians = f"{_energy(each.made_median)} and {_energy(each.asked_median)}"
    nearest = f"{_of(each.made_most)} and {_of(each.asked_least)}"
    return [
        each.task,
        f"{each.made}, {each.asked}",
        f"{medians}: {each.asked_median / each.made_median:.1f}×",
        f"{nearest}: {each.asked_least[1] / each.made_most[1]:.1f}×",
        f"{_of(each.asked_most)}: {each.asked_most[1] / each.made_median:.0f}×",
    ]


def _of(figure: tuple[str, float]) -> str:
    return f"{figure[0]} {_energy(figure[1])}"


def _joining(cells: Sequence[Joined]) -> str:
    by = {(each.scheme, each.what, each.families): each for each in cells}
    named = [
        (scheme, what, [by[scheme, what, size] for size in SIZES])
        for scheme in dict.fromkeys(each.scheme for each in cells)
        for what in JOINED
    ]
    rows = [[scheme, what, *(_share(each.anew) for each in found)] for scheme, what, found in named]
    later = [
        [f"{scheme}, held near", what, *(_share(each.next) for each in found)]
        for scheme, what, found in named
        if found[0].next is not None
    ]
    most = max(each.frozen for each in cells)
    return "\n\n".join(
        [
            "## Who joins",
            "Share of the stars of those who were there before that move when the population is made anew with those "
            f"who joined, by families before. Within an edition, rated again beside them: at most {most:.1%} moved. "
            "*Held near*: the edition of the year after, in which a cut moves by at most 5 % of the range.",
            _table(["scheme", "joined", *map(str, SIZES)], iter([*rows, *later])),
        ]
    )


def _fresh(cells: Sequence[Fresh]) -> str:
    by = {(each.scheme, each.market, each.families): each for each in cells}
    pairs = dict.fromkeys((each.scheme, each.market) for each in cells)
    rows = [[scheme, market, *(_share(by[scheme, market, size].changed) for size in SIZES)] for scheme, market in pairs]
    said = {each.families: each.said for each in cells if each.said is not None}
    rows.append(["what an edition prints", "", *(_share(said.get(size)) for size in SIZES)])
    return "\n\n".join(
        [
            "## Another population of the same market",
            "Share of a population's stars that another one of as many families would change.",
            _table(["scheme", "market", *map(str, SIZES)], iter(rows)),
        ]
    )


def _calibration(cells: Sequence[Cell], bins: Sequence[Bin]) -> str:
    together = (
        [f"{each.low:.0%} to {each.high:.0%}", f"{each.count:,}", _share(each.said), _share(each.true)]
        for each in bins
        if each.count
    )
    rows = ([*_world(cell.world), *_kept(cell), _share(cell.firm)] for cell in cells)
    return "\n\n".join(
        [
            "## Whether chances keep their word",
            "The likeliest star of models that were measured once, under frozen cuts; how often it is the true one. "
            "All promised worlds together:",
            _table(["chance", "stars", "mean chance", "true"], together),
            f"Stars said with 80 to 90 %, by world; promised are {KEPT[0]:.0%} to {KEPT[1]:.0%}, a broken promise is "
            "bold. *firm*: the share of models whose star has 80 % or more. *u/sd*: standard error over the market's "
            "deviation.",
            _table(["market", "families", "u", "u/sd", "stars", "mean chance", "true", "promised", "firm"], rows),
        ]
    )


def _world(world: World) -> list[str]:
    return [world.market, str(world.families), "known" if world.known else "of four passes", f"{world.ratio:g}"]


def _kept(cell: Cell) -> list[str]:
    found = _asked(cell.bins)
    true = f"**{_share(found.true)}**" if _is_broken(cell) else _share(found.true)
    return [f"{found.count:,}", _share(found.said), true, "yes" if cell.world.promised else "no"]


def _many(timed: Sequence[Timed]) -> str:
    each = [one.seconds / one.rows for one in timed]
    rows = (
        [one.what, f"{one.rows:,}", f"{one.seconds:.2f}", f"{1e6 * mine:.1f}", f"{mine / each[0]:.1f}×"]
        for one, mine in zip(timed, each, strict=True)
    )
    return "\n\n".join(
        ["## A million", _table(["what", "rows", "seconds of a processor", "µs a row", "over columns"], rows)]
    )
