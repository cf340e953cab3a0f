"""Which meters are read: the named ones, or every real one and estimates for what these leave open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wattstar import registry
from wattstar.errors import MeterUnavailable, UsageError
from wattstar.types import Affinity, Level, Method

NOTHING_ELSE = "wattstar doctor says what each meter would need; virtual machines rarely show any counter"


@dataclass(frozen=True)
class Choice:
    """Meters by the name they were called by, and what is here but cannot be read."""

    meters: tuple[str, ...]
    left_out: tuple[str, ...]
    """Sentences: what is on this machine, why it is not read, and the cure."""


def choose(names: Sequence[str], require_measured: bool, gpu: bool = True) -> Choice:
    """The named meters, or by themselves those that suit; without ``gpu`` those that read nothing but GPUs do not.

    Raises ``MeterUnavailable`` where a named one cannot read here, or where only an estimate is to be had and a
    measurement was asked for; ``UsageError`` for a wrong argument.
    """
    every = affinities()
    chosen = _named(names, every) if names else dict(_automatic(every, gpu))
    if require_measured:
        chosen = {name: affinity for name, affinity in chosen.items() if not _modelled(name)}
        if not chosen:
            raise MeterUnavailable("A measurement was asked for, but energy can only be estimated here.", cures(every))
    if not chosen:
        raise MeterUnavailable("No meter can read here.", cures(every))
    return Choice(tuple(chosen), () if names else tuple(left_out(every, chosen, gpu)))


def affinities() -> dict[str, Affinity]:
    """What every meter can do here."""
    return {name: registry.meter(name).affinity() for name in registry.plug_ins("meters")}


def cures(every: Mapping[str, Affinity]) -> list[str]:
    """What would have to change so that energy can be measured."""
    closed = [_sentence(name, found) for name, found in every.items() if found.level is Level.CLOSED]
    return [*closed, NOTHING_ELSE]


def _named(names: Sequence[str], every: Mapping[str, Affinity]) -> dict[str, Affinity]:
    chosen = {}
    for name in names:
        plain, equals, argument = name.partition("=")
        meter = registry.meter(name)
        if meter.argument is None and equals:
            raise UsageError(f"The meter {plain!r} takes no argument.", [f"--meter {plain}"])
        if meter.argument is not None and not argument:
            raise UsageError(f"The meter {plain!r} needs {meter.argument}.", [f"--meter '{plain}=…'"])
        affinity = every[plain]
        if affinity.level < Level.ASKED:
            message = f"The meter {plain!r} cannot read here: {affinity.reason}."
            raise MeterUnavailable(message, [affinity.cure] if affinity.cure else [])
        chosen[name] = affinity
    return chosen


def _automatic(every: Mapping[str, Affinity], gpu: bool) -> Iterator[tuple[str, Affinity]]:
    """Every real meter of the device's domains: two of one domain check each other. Estimates fill what is left."""
    covered: set[str] = set()
    for name, affinity in sorted(every.items(), key=lambda item: -item[1].level):
        domains = {domain for domain in affinity.domains if gpu or not domain.startswith("gpu")}
        if (affinity.level is Level.REAL and domains) or (affinity.level is Level.ESTIMATE and domains - covered):
            covered |= domains
            yield name, affinity


def left_out(every: Mapping[str, Affinity], chosen: Iterable[str], gpu: bool) -> Iterator[str]:
    """What is closed, unless another meter measures the same: sentences with the cure."""
    names = [name for name in chosen if not _modelled(name)]
    measured = {domain for name in names for domain in every[name.partition("=")[0]].domains}
    for name, found in every.items():
        concerned = gpu or not all(domain.startswith("gpu") for domain in found.domains)
        if found.level is Level.CLOSED and concerned and not (found.domains and set(found.domains) <= measured):
            yield _sentence(name, found)


def _modelled(name: str) -> bool:
    return registry.meter(name).method is Method.MODELLED


def _sentence(name: str, found: Affinity) -> str:
    return f"{name}: {found.reason}" + (f"; {found.cure}" if found.cure else "")
