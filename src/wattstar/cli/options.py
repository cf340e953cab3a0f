"""Options that several commands share, each declared once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from wattstar.cli.grids import check_count, expanded
from wattstar.errors import UsageError
from wattstar.types import Approach, Request, Weights

Command = TypeVar("Command", bound=Callable[..., Any])

FORMAT = click.option(
    "--format", "style", type=click.Choice(["human", "json", "csv"]), default="human", help="Of what is printed."
)
DEFAULT_STORE = Path("results")
STORE = click.option(
    "--out",
    "-o",
    "out",
    type=click.Path(path_type=Path),
    default=DEFAULT_STORE,
    show_default=True,
    help="The store: a folder of records.",
)


INTERLEAVE = click.option(
    "--interleave", type=int, is_flag=False, flag_value=0, metavar="[SEED]",
    help="Measure the models of each task in turns, all of them loaded: what compare can pair. "
    "The seed draws the order; 0 if left out.",
)  # fmt: skip


def _known_scheme(context: click.Context, option: click.Parameter, name: str) -> str:
    from wattstar.rating.schemes import scheme

    scheme(name)
    return name


SCHEME = click.option(
    "--scheme",
    default="deviation",
    show_default=True,
    callback=_known_scheme,
    help="The rule that makes cuts: deviation, aes-equal-width, quantile.",
)


def _words(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> tuple[str, ...]:
    """Of an option that may be repeated, and whose values may have commas between them."""
    parts = tuple(part for text in texts for part in text.split(","))
    if not all(parts):
        raise click.BadParameter("a value is empty.", context, option)
    return parts


def _whole_numbers(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(_whole_number(part, option, context) for part in _words(context, option, texts))


def _whole_number(text: str, option: click.Parameter, context: click.Context) -> int:
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a valid integer.", context, option) from None


SEVERAL = ("task", "backend", "dtype", "device", "batch_size")
"""Flags that take several values."""


class _Share(click.ParamType[float]):
    """Of a whole: ``0.01``, or ``1%``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails with what one looks like."""
        text = str(value)
        try:
            return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{text!r} is no share, such as 0.01 or 1%.", param, ctx)


_REQUEST = (
    click.option("--plan", "plan_file", metavar="FILE.toml", help="Several jobs; or an embedded plan: quickstart."),
    click.option("-t", "--task", multiple=True, callback=_words, help="See: wattstar tasks; may be repeated."),
    click.option("-m", "--model", "models", multiple=True, help="A Hub id or a folder; may be repeated."),
    click.option("--backend", multiple=True, callback=_words,
                 help="See: wattstar backends. Left out: the first that serves the model."),
    click.option("--weights", type=click.Choice([str(weights) for weights in Weights]), help="random: true size."),
    click.option("--revision", help="Of a Hub model: a branch, tag or commit."),
    click.option("--dtype", multiple=True, callback=_words, help="float32, bfloat16, float16, int8, …"),
    click.option("--device", multiple=True, callback=_words,
                 help="cpu, cuda:0, …; auto takes a GPU where there is one."),
    click.option("--batch-size", multiple=True, callback=_whole_numbers, metavar="INTEGER",
                 help="Several, as 1,8,32, are measured one after the other; so with tasks, dtypes, …"),
    click.option("--new-tokens", type=int, help="For generating tasks."),
    click.option("--control", "controls", multiple=True, metavar="NAME=VALUE",
                 help="Of the work, such as steps=4 or thinking=on; may be repeated. See: wattstar tasks."),
    click.option("--approach", type=click.Choice([str(approach) for approach in Approach]),
                 help="Left out: found from the model. zero-shot: asked in words."),
    click.option("--edition", help="Of the test sets."),
    click.option("--samples", type=int, help="Fewer than the whole test set."),
    click.option("--passes", type=int, help="A fixed number of counted passes. Left out: 4, and from their scatter so "
                 "many as --target-error takes, 10 at most."),
    click.option("--target-error", type=_Share(), help="Half of the 95 % interval: 0.01, or 1%."),
    click.option("--quick", is_flag=True, help="A fifth of the samples, drawn by decile of work, stands for all; short "
                 "passes. Earns no official star."),
    click.option("--warm-up-seconds", type=float, help="At most; it ends when time and power are steady."),
    click.option("--idle-seconds", type=float, help="At rest before and after, with the model loaded."),
    click.option("--pass-seconds", type=float, help="Short work is repeated inside a pass until it lasts this long."),
    click.option("--seed", type=int),
    click.option("--meter", "meters", multiple=True, help="See: wattstar meters; may be repeated. Left out: auto."),
    click.option("--require-measured", is_flag=True, help="Fail where energy could only be estimated."),
    click.option("--trust-remote-code", is_flag=True, help="Run code from the model's repository."),
    click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="For the backend; may be repeated."),
)  # fmt: skip


@dataclass(frozen=True)
class PlanFile:
    """A name, defaults, and one table per group of jobs."""

    name: str
    requests: tuple[Request, ...]
    note: str = ""


def request_options(command: Command) -> Command:
    """Add the options that make a ``Request``."""
    for option in reversed(_REQUEST):
        command = option(command)
    return command


def requests(words: Mapping[str, Any]) -> PlanFile:
    """The words of a command line as requests; flags win over a plan file."""
    given = {name: value for name, value in words.items() if value is not None and value is not False and value != ()}
    plan_file = given.pop("plan_file", None)
    for name in ("options", "controls"):
        if name in given:
            given[name] = _pairs(given[name], name)
    for name in SEVERAL:
        if name in given:
            given[name] = _one_or_list(given[name])
    if "models" in given:
        given["models"] = list(given["models"])
    if plan_file is not None:
        return read_plan(plan_file, given)
    if "task" not in given or "models" not in given:
        raise UsageError(
            "Nothing to measure: name a task and a model.", ["wattstar run -t TASK -m MODEL", "wattstar tasks"]
        )
    where = "the command line"
    return PlanFile("command line", tuple(_request(one, where) for one in expanded(given, where)))


def read_plan(name: str, flags: Mapping[str, Any]) -> PlanFile:
    """A plan file, or the embedded plan of that name. ``[defaults]`` holds for every ``[[jobs]]`` table."""
    embedded = Path(__file__).parent.parent / "plans" / f"{name}.toml"
    file = embedded if embedded.exists() and not Path(name).exists() else Path(name)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The plan {name!r} cannot be read: {error.strerror}.", ["embedded plans: quickstart"]
        ) from error
    except ValueError as error:
        raise UsageError(f"The plan {name!r} is not TOML: {error}.") from error
    tables = data.get("jobs", [])
    surplus = set(data) - {"name", "note", "defaults", "jobs"}
    if surplus or not tables:
        wrong = f"unknown: {', '.join(sorted(surplus))}" if surplus else "no [[jobs]] table"
        raise UsageError(f"The plan {name!r} has {wrong}.", ["name, note, [defaults] and [[jobs]] are known"])
    defaults = data.get("defaults", {})
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in [defaults, *tables]):
        raise UsageError(f"In the plan {name!r}, jobs are [[jobs]] tables and defaults one [defaults] table.")
    places = [f"[[jobs]] table {i + 1}" for i in range(len(tables))]
    grids = [expanded({**defaults, **table, **flags}, where) for table, where in zip(tables, places, strict=True)]
    check_count(sum(map(len, grids)), f"The plan {name!r}")
    made = tuple(_request(one, where) for grid, where in zip(grids, places, strict=True) for one in grid)
    return PlanFile(str(data.get("name", file.stem)), made, str(data.get("note", "")).strip())


def _request(table: Mapping[str, Any], where: str) -> Request:
    from pydantic import ValidationError

    from wattstar.records.codec import adapter, first_problem

    try:
        made: Request = adapter(Request).validate_python(dict(table))
    except ValidationError as error:
        known = ", ".join(field.name for field in fields(Request))
        raise UsageError(f"{where}: {first_problem(error)}.", [f"known: {known}"]) from error
    return made


def _pairs(texts: Sequence[str], name: str) -> dict[str, Any]:
    """``NAME=VALUE`` …; a name that is repeated has several values."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, value = _pair(text, name)
        found.setdefault(key, []).append(value)
    return {key: _one_or_list(values) for key, values in found.items()}


def _one_or_list(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _pair(text: str, name: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--{name.removesuffix('s')} {text!r} is not NAME=VALUE.")
    return key, value
