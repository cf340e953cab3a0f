"""Everything a label says, as one value: made of a record and its place, drawn by ``card``, carried inside the file."""

from __future__ import annotations

from dataclasses import dataclass

from wattstar import registry
from wattstar.errors import GateFailed, UsageError, VerificationFailed
from wattstar.rating.comparisons import reproduction
from wattstar.rating.placing import placed
from wattstar.rating.populations import Member, figure, work
from wattstar.rating.schemes import STANDARD
from wattstar.records.codec import canonical, digest
from wattstar.types import (
    Approach,
    Boundary,
    Edition,
    Figure,
    Grade,
    Interval,
    Method,
    Noun,
    Quality,
    Record,
    Standing,
    Weights,
)

QR_CHARACTERS = 62
"""What a QR code of version 4, level M, holds in bytes: ISO/IEC 18004, table 7."""
LEAST_ID, MOST_ID = 12, 40
"""Digits of a record's id in its address."""
SCHEME = "wattstar:"
"""Begins the address of a record that no site is known of."""


@dataclass(frozen=True)
class Place(Noun):
    """Where a record stands in a population, and what its stars are worth."""

    size_class: str | None
    stars: int | None
    span: tuple[int, int] | None
    chances: tuple[float, ...] | None
    rank: tuple[int, int] | None
    standing: Standing
    reasons: tuple[str, ...]
    cuts: tuple[float, ...] | None
    grade: Grade
    models: int
    families: int
    least: float
    """Wh per 1,000 queries of the population's thriftiest model."""
    most: float


@dataclass(frozen=True)
class Facts(Noun):
    """What a label says. Energies in Wh per 1,000 queries."""

    record: str
    address: str
    """Where the record is found; at most 62 characters, for the QR code."""
    wattstar: str
    task: str
    title: str
    model: str
    revision: str
    parameters: int | None
    weights: Weights
    approach: Approach
    dtype: str
    quantization: str | None
    wh_per_1000: Interval
    plausible: Interval | None
    boundary: Boundary
    method: Method
    coverage: tuple[str, ...]
    passes: int
    samples: int
    subset: int | None
    testset: str
    testset_digest: str
    hardware: str
    setup: str
    work: str
    quality: Quality | None
    measured: str
    """Day, ISO 8601, UTC."""
    status: str
    """``self-reported``, ``verified``, ``reproduced``, ``estimated`` or ``superseded``."""
    status_by: str | None
    """The record that it was reproduced or superseded by."""
    edition: str | None
    """None: the record was not rated."""
    edition_digest: str | None
    """sha256 of the edition's canonical JSON."""
    scheme: str | None
    place: Place | None
    """None: not rated, or the edition has nothing that it compares with."""
    no_place: tuple[str, ...]
    """Why."""


@dataclass(frozen=True)
class By:
    """What gives the stars."""

    edition: Edition
    scheme: str = STANDARD


@dataclass(frozen=True)
class Claims:
    """What beyond the record itself a label is to say, and by what."""

    by: By | None = None
    site: str | None = None
    """Address of a site that has the records, for the QR code."""
    verified: bool = False
    """The caller has worked the record out again from its timelines, and it adds up."""
    reproduced_by: Member | None = None
    superseded_by: Member | None = None


def facts(name: str, record: Record, claims: Claims) -> Facts:
    """What the label of the record called ``name`` says.

    Raises ``GateFailed`` where the record has no figure that counts, ``VerificationFailed`` where a claim does not
    hold, ``UsageError`` where the site's address is too long.
    """
    made = figure(record)
    if made is None:
        raise GateFailed(
            f"The record {name[:12]} gets no label: it failed or is invalid.", [f"wattstar show {name[:12]}"]
        )
    job, status = record.job, _status(record, made, claims)
    found, why = _place((name, record), claims.by)
    return Facts(
        record=name,
        address=address(name, claims.site),
        wattstar=record.wattstar,
        task=job.task,
        title=_title(job.task),
        model=job.model.id,
        revision=job.model.revision,
        parameters=record.loaded.parameters if record.loaded else None,
        weights=job.model.weights,
        approach=job.model.approach,
        dtype=job.model.dtype,
        quantization=job.model.quantization,
        wh_per_1000=made.wh_per_1000,
        plausible=made.plausible,
        boundary=made.boundary,
        method=made.method,
        coverage=made.coverage,
        passes=made.passes,
        samples=job.procedure.samples,
        subset=job.procedure.subset,
        testset=job.procedure.edition,
        testset_digest=job.procedure.digest,
        hardware=_hardware(record),
        setup=_setup(record),
        work=work(job.controls),
        quality=record.quality if job.model.weights is Weights.PRETRAINED else None,
        measured=record.started[:10],
        status=status[0],
        status_by=status[1],
        edition=claims.by.edition.name if claims.by else None,
        edition_digest=digest(canonical(claims.by.edition)) if claims.by else None,
        scheme=claims.by.scheme if claims.by else None,
        place=found,
        no_place=why,
    )


def _place(member: Member, by: By | None) -> tuple[Place | None, tuple[str, ...]]:
    """The record's place by an edition, or why there is none."""
    if by is None:
        return None, ("no edition was named",)
    [found] = placed([member], by.edition, by.scheme)
    [rating] = found.ratings
    population = found.population
    if population is None or rating.rank is None:  # a place on a scale of something else would be no place
        return None, (f"nothing in edition {by.edition.name} compares", *rating.reasons)
    energies = [entry.wh_per_1000.mid for entry in population.entries]
    made = Place(
        size_class=population.conditions.size_class,
        stars=rating.stars,
        span=rating.span,
        chances=rating.chances,
        rank=rating.rank,
        standing=rating.standing,
        reasons=rating.reasons,
        cuts=population.cuts,
        grade=population.grade,
        models=len(energies),
        families=population.families,
        least=min(energies),
        most=max(energies),
    )
    return made, ()


def address(name: str, site: str | None) -> str:
    """Where a record is found: on a site, or by the beginning of its id; short enough for the QR code."""
    start = SCHEME if site is None else f"{site.rstrip('/')}/r/"
    room = QR_CHARACTERS - len(start.encode())
    if room < LEAST_ID:
        most = QR_CHARACTERS - LEAST_ID - len("/r/")
        raise UsageError(f"The site's address {site!r} is too long for a QR code.", [f"at most {most} characters"])
    return start + name[: min(room, MOST_ID)]


def site(address: str) -> str | None:
    """The site that an address is on; None where it is on none."""
    return None if address.startswith(SCHEME) else address.rpartition("/r/")[0]


def _status(record: Record, made: Figure, claims: Claims) -> tuple[str, str | None]:
    """The word, and the record it rests on. Every claim is checked, also those that another one outweighs."""
    if claims.superseded_by:
        _check_newer(record, claims.superseded_by)
    if claims.reproduced_by:
        _check_reproduced(record, claims.reproduced_by)
    if claims.superseded_by:
        return "superseded", claims.superseded_by[0]
    if made.method is Method.MODELLED:
        return "estimated", None
    if claims.reproduced_by:
        return "reproduced", claims.reproduced_by[0]
    return "verified" if claims.verified else "self-reported", None


def _check_newer(record: Record, other: Member) -> None:
    if other[1].job_id != record.job_id or other[1].started <= record.started or figure(other[1]) is None:
        raise VerificationFailed(
            f"The record {other[0][:12]} supersedes nothing: it is no newer one of the same job that counts.",
            ["wattstar list"],
        )


def _check_reproduced(record: Record, other: Member) -> None:
    name, again = other
    if again.job_id != record.job_id or again.started == record.started:
        raise VerificationFailed(
            f"The record {name[:12]} reproduces nothing: it is none of the same job at another time.",
            ["wattstar reproduce ID"],
        )
    ratio = reproduction(record, again)
    if ratio.low is None or ratio.high is None or not ratio.low <= 1 <= ratio.high:
        raise VerificationFailed(f"The record {name[:12]} does not agree with this one.", ["wattstar reproduce ID"])


def _title(task: str) -> str:
    """In plain words; a record may come from a machine where another package offered its task."""
    return registry.task(task).title if task in registry.plug_ins("tasks") else task.replace("-", " ")


def _hardware(record: Record) -> str:
    """The devices of the job, with their count."""
    machine, device = record.machine, record.job.model.device
    if device == "cpu":
        return f"{machine.cpu}, {machine.cores} cores"
    _, _, index = device.partition(":")
    used = [gpu.name for gpu in machine.gpus if not index or gpu.index == int(index)]
    counts = {name: used.count(name) for name in dict.fromkeys(used)}
    return ", ".join(f"{count} × {name}" for name, count in counts.items()) or f"unknown device {device}"


def _setup(record: Record) -> str:
    """Precision and engine."""
    model, job = record.job.model, record.job
    packages = record.loaded.packages if record.loaded else record.machine.packages
    engine = f"{job.backend} {packages[job.backend]}" if job.backend in packages else job.backend
    precision = f"{model.dtype}, {model.quantization}" if model.quantization else model.dtype
    return f"{precision} · {engine}"
