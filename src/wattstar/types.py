"""Every noun that crosses a room, and the Protocols a plug-in fits. Does no work. Read this first.

The flow, with the type on each arrow::

    words ─cli→ Request ─plan→ Job ─run→ Record ─Store→ [Record] ─rating→ [Rating]

A worker process serves a task's samples and says *when* (``Mark``); the parent process reads meters and says *how
much* (``Timeline``). Units inside are joules, seconds and, for moments, nanoseconds of CLOCK_MONOTONIC; watt-hours
appear only in names that say so. ``None`` means unknown and is never read as 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Protocol

SCHEMA_VERSION = 3
"""Of ``Record``. 1: first; 2: with blocks, warm-up, phases of all passes, environment; 3: with sittings."""
READABLE_VERSIONS = frozenset({2, SCHEMA_VERSION})
LEAST_PAIRS = 6
"""Of passes in one sitting, so that two models can be compared pair by pair."""


# ── words with a closed vocabulary ───────────────────────────────────────────────────────────────────────────────────


class Method(StrEnum):
    """Where a reading comes from, best first."""

    COUNTER = "counter"
    """A hardware energy counter: the difference of two totals."""
    SAMPLED = "sampled"
    """Power read many times and integrated."""
    MODELLED = "modelled"
    """Worked out from something else, such as CPU time. Never a measurement, never earns an official star."""


class Boundary(StrEnum):
    """Which parts of the machine a figure contains."""

    GPU = "gpu"
    CPU_DRAM = "cpu+dram"
    GPU_CPU_DRAM = "gpu+cpu+dram"
    SYSTEM = "system"


class Weights(StrEnum):
    """Whether a model knows anything."""

    PRETRAINED = "pretrained"
    RANDOM = "random"
    """True size, random values: time and energy match the architecture, quality means nothing."""


class Approach(StrEnum):
    """How a model came to do the task."""

    FINE_TUNED = "fine-tuned"
    ZERO_SHOT = "zero-shot"


class Source(StrEnum):
    """Where the bytes of a model come from."""

    HUB = "hub"
    FOLDER = "folder"
    PACKAGE = "package"
    ARCHITECTURE = "architecture"
    """Nowhere: built from a named architecture's public configuration, randomly initialised."""


class Kind(StrEnum):
    """The shape of one field of a sample's input, or of an output's value."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    LABEL = "label"
    """A class: a name (str) or an index (int) of the model's own label list."""
    NUMBER = "number"
    LABELS = "labels"
    """The names of the classes to choose from (list of str)."""
    BOXES = "boxes"
    """Objects in an image: a list of ``{"label": str, "score": float, "box": [left, top, right, bottom]}``, best first,
    in pixels of the source image."""


class Status(StrEnum):
    """How an attempt ended. Whether a complete one is valid is said by its findings."""

    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Severity(StrEnum):
    """What a finding does to a record."""

    INVALID = "invalid"
    """Kept, never rated."""
    NOTE = "note"


class Edges(StrEnum):
    """What a window's two ends lie in."""

    INSIDE = "inside"
    """Continuous load: the same work goes on before and after."""
    LOAD_CHANGE = "load-change"
    """Load begins or ends there, as where a program is started and ends."""


class Level(IntEnum):
    """How willing a meter is to serve on this machine."""

    ABSENT = -2
    """There is nothing of the kind on this machine."""
    CLOSED = -1
    """It is here, but cannot be read now; the cure says how. A sum without it is said to be without it."""
    ASKED = 0
    """Works, but only when named by the user."""
    ESTIMATE = 1
    REAL = 2


BYTES: Mapping[str, int] = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
"""Of one number of a ``dtype``; names of other formats are in no such list."""


class Noun:
    """Base of every noun that is written down: unknown fields are refused when it is read back."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sample(Noun):
    """One query of a test set."""

    id: str
    source: str
    """The data set it was drawn from."""
    input: Mapping[str, Any]
    """One value per field of ``Task.inputs``: text as ``str``; once decoded, an image as an RGB ``PIL.Image`` and audio
    as a float32 ``numpy`` array at the task's sampling rate. Before decoding, media are paths."""
    target: Any = None
    """The right answer, or None where the source has none."""


@dataclass(frozen=True)
class Output(Noun):
    """What a model answered to one sample."""

    value: Any
    """Of ``Task.output``'s kind; an image is a ``PIL.Image``, of which the record keeps the digest."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Work really done, such as ``tokens_in``, ``tokens_out``, ``images``, ``pixels``, ``steps``."""


@dataclass(frozen=True)
class Controls(Noun):
    """What fixes the work, so that models are compared on the same work. None: does not apply to the task."""

    batch_size: int = 1
    prompt_tokens: int | None = None
    """Texts are cut to so many tokens of one reference tokenizer (GPT-2's), so that all models read the same words."""
    input_tokens: int | None = None
    """Texts are truncated to so many tokens of the model's own tokenizer."""
    stride: int | None = None
    """A text longer than ``input_tokens`` is read in windows that overlap by so many tokens."""
    new_tokens: int | None = None
    """Exactly so many tokens are generated, or at most where ``stops_early``."""
    stops_early: bool = False
    """Generation ends at the model's own end of text."""
    thinking: str | None = None
    """Of models that reason before they answer: ``off``, ``on``, or an effort (``low``, ``medium``, ``high``)."""
    image_size: int | None = None
    """Height and width in pixels that images are brought to or made in; None: the model's own processor decides."""
    shortest_edge: int | None = None
    """Images are scaled until their shorter side has so many pixels."""
    threshold: float | None = None
    """Objects are named from this score on."""
    sampling_rate: int | None = None
    """Of audio, in hertz."""
    audio_seconds: float | None = None
    """Audio is cut to so many seconds."""
    steps: int | None = None
    """Denoising steps."""
    guidance: float | None = None
    """Scale of classifier-free guidance; over 1 each step takes two forwards."""
    scheduler: str | None = None
    """Of the denoising steps: ``ddim``, ``euler``, ``dpm-solver``."""
    seed: int = 0
    """Of random weights and of anything else that draws."""


@dataclass(frozen=True)
class Phase(Noun):
    """A part of the work on one batch: from its mark to the next phase's mark, or to the end of the batch."""

    name: str
    begins: str
    """Name of the mark: ``batch`` for the first phase, or a name that a backend gives to ``mark``."""


@dataclass(frozen=True)
class Quality(Noun):
    """How good the answers were, on the same samples whose energy was measured."""

    name: str
    value: float
    higher_is_better: bool
    n: int
    """Rows that have a target and were scored."""
    further: Mapping[str, float] = field(default_factory=dict)
    """Other scores of the same rows, by name."""


# ── who is asked, and how ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ModelSpec(Noun):
    """A model, pinned: everything that decides which numbers are multiplied on which device."""

    id: str
    source: Source
    revision: str
    """Hub: commit. Package: ``name==version``. Folder: sha256 of its files. Architecture: sha256 of its config."""
    format: str
    """Of the files: ``transformers``, ``ctranslate2``, …; what backends decide by."""
    weights: Weights = Weights.PRETRAINED
    dtype: str = "float32"
    quantization: str | None = None
    device: str = "cpu"
    """``cpu``, ``cuda:0``, …"""
    approach: Approach = Approach.FINE_TUNED
    family: str | None = None
    """Declared base model, else publisher: its members share one vote in a population."""
    trust_remote_code: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Procedure(Noun):
    """How the measurement is done."""

    edition: str
    """Of the test sets."""
    digest: str
    """sha256 of the test set's rows and media, in order, as many as are used."""
    samples: int
    passes: int = 4
    """The pilot: so many passes tell the scatter, from which their number follows, once (Stein's two-stage rule)."""
    most_passes: int = 10
    """No more than so many; equal to ``passes``: their number is fixed."""
    target_error: float = 0.01
    """Asked half width of the 95 % interval, as a share of the mean."""
    warm_up_seconds: float = 60.0
    """Warm-up ends when time and power are steady, after so long at the latest."""
    idle_seconds: float = 30.0
    """Model loaded, nothing asked; before and after."""
    pass_seconds: float = 10.0
    """All samples are served again inside one pass until the pass has lasted this long."""
    subset: int | None = None
    """So many of the samples, drawn by decile of work, stand for all; None: all are served."""


@dataclass(frozen=True)
class Job(Noun):
    """One cell of the plan, resolved: what resume looks for, by ``job_id`` (sha256 of its canonical JSON)."""

    task: str
    model: ModelSpec
    backend: str
    controls: Controls
    procedure: Procedure
    meters: tuple[str, ...]


# ── when and how much ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Interval(Noun):
    """A value and how sure it is; low and high are None where that is unknown."""

    low: float | None
    mid: float
    high: float | None


@dataclass(frozen=True)
class Mark(Noun):
    """A named moment, stamped by the worker."""

    name: str
    """``pass``, ``pass_end``, ``batch``, ``batch_end``, a phase's mark, or a stage's ``NAME`` and ``NAME_end``."""
    time: int
    """CLOCK_MONOTONIC, nanoseconds."""
    pass_index: int | None = None
    batch: int | None = None


@dataclass(frozen=True)
class Observation:
    """One thing that a device said of itself beside energy."""

    time: int
    """CLOCK_MONOTONIC, nanoseconds."""
    domain: str
    name: str
    """With its unit: ``sm_clock_mhz``, ``temperature_celsius``, ``power_limit_watts``, ``slowdown``, …"""
    value: float


@dataclass(frozen=True)
class Window(Noun):
    """From one moment to another, nanoseconds of CLOCK_MONOTONIC."""

    begin: int
    end: int


@dataclass(frozen=True)
class Timeline:
    """What one meter said of one domain: joules since some moment before the first stamp, never decreasing."""

    domain: str
    """``gpu:0``, ``cpu:0``, ``dram:0``, ``system``."""
    meter: str
    method: Method
    times: Sequence[int]
    """Nanoseconds of CLOCK_MONOTONIC, strictly increasing; a stamp is where the total was seen to change."""
    joules: Sequence[float]
    plausible_factor: float | None = None
    """The truth is plausibly between joules / factor and joules × factor: a range, not 95 %. None for measurements."""
    gaps: Sequence[int] = ()
    """Nanoseconds: the total changed within half of this before or after its stamp. Empty: stamps are exact."""
    most_watts: float | None = None
    """The device's limit; None: not known."""
    lag: Interval | None = None
    """Seconds: a stamp's total is that of so long before it. None: of the stamp itself."""
    quantum: float = 0.0
    """Joules of the counter's smallest step."""
    gain: float | None = None
    """See ``Reading.gain``."""


@dataclass(frozen=True)
class Reading(Noun):
    """The energy of one domain over one window, or over the windows of one phase."""

    domain: str
    meter: str
    method: Method
    joules: float
    bound: float
    """The truth is at most so many joules away, as far as stamps, steps, lag and quantum go (not the gain)."""
    plausible_factor: float | None = None
    gain: float | None = None
    """Systematic, beside the bound: the sensor itself may read so large a share too much or too little, always alike on
    one device. As its maker states it; None: not stated."""


# ── what is written down ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Gpu(Noun):
    """One accelerator of a machine."""

    index: int
    uuid: str
    name: str
    memory_bytes: int | None
    power_limit_watts: float | None
    driver: str | None


@dataclass(frozen=True)
class Machine(Noun):
    """Where it ran."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    """Operating system and kernel."""
    python: str
    gpus: tuple[Gpu, ...]
    packages: Mapping[str, str]
    """Versions of what the job's plug-ins require."""


@dataclass(frozen=True)
class Loaded(Noun):
    """What the worker found when the model was on the device."""

    parameters: int | None
    digest: str | None
    """sha256 over the weight files really read; None for random weights."""
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Stage(Noun):
    """Energy beside the rated one: ``load``, ``preprocess``, ``idle_before``, ``warm_up``, ``first_phase``
    (served alone, to confirm its share), ``idle_after``."""

    name: str
    window: Window
    energy: tuple[Reading, ...]


@dataclass(frozen=True)
class WarmUp(Noun):
    """How the device came to its steady state; see ``measuring.steady`` for the rule."""

    seconds: float
    rounds: int
    """So many times the same work was done."""
    steady: bool
    """Whether time and power had stopped drifting when it ended."""
    drift: float | None
    """Of the last rounds, first to last, the larger of time's and power's, as a share; None: too few to tell."""


@dataclass(frozen=True)
class Block(Noun):
    """A part of a pass: consecutive batches. Those of one place hold the same samples in every pass."""

    window: Window
    queries: int
    energy: tuple[Reading, ...]
    work: float | None = None
    """Mean of ``testsets.work`` over its queries, where a subset stands for all."""


@dataclass(frozen=True)
class PhaseEnergy(Noun):
    """What one phase took of one domain: a modelled share of the passes' energy, never rated."""

    name: str
    """``gap``: what lies between the batches."""
    domain: str
    seconds: float
    """Over all counted passes."""
    watts: Interval
    """Mean power in the phase, 95 %."""
    wh_per_1000: Interval
    """Per 1,000 queries, 95 %; the mid values of all phases add up to the passes' energy."""


@dataclass(frozen=True)
class Pass(Noun):
    """One counted pass over all samples."""

    index: int
    window: Window
    repeats: int
    """How often all samples were served inside the window."""
    queries: int
    """Samples × repeats."""
    energy: tuple[Reading, ...]
    counts: Mapping[str, int]
    """Work done in the window, such as ``tokens_out``."""
    foreign_cpu: float | None
    """Share of all CPU cores that processes other than this job used meanwhile, 0 … 1."""
    blocks: tuple[Block, ...] = ()
    """All of the pass, in order."""
    windows: tuple[Window, ...] = ()
    """What was counted, where the samples were on the device in turns; empty: all of ``window``."""


@dataclass(frozen=True)
class Figure(Noun):
    """Gross energy per 1,000 queries on one boundary."""

    boundary: Boundary
    method: Method
    """The weakest among the boundary's domains."""
    wh_per_1000: Interval
    """Mean over passes with its 95 % repeatability interval (this sitting, this machine, these samples)."""
    bound_wh_per_1000: float
    """Worst error of stamps and steps, for the mean."""
    plausible: Interval | None
    """For modelled figures: a range, not 95 %."""
    passes: int
    coverage: tuple[str, ...] = ()
    """What was added up, and by what it was read: ``gpu:0 by nvml``. Only figures of like coverage compare."""
    net_wh_per_1000: Interval | None = None
    """Above resident idle (model loaded, nothing asked); None where that is not known, drifted, or nothing is left."""
    new_queries: Interval | None = None
    """The same mean for other queries like these: the samples as a random draw, 95 %. None: too few to tell."""
    target_met: bool | None = None
    """Whether the interval is as narrow as ``Procedure.target_error`` asks; None: it is not known how wide it is."""


@dataclass(frozen=True)
class Finding(Noun):
    """What a gate saw."""

    gate: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class LongGap(Noun):
    """Between these moments a meter was not read, much longer than it should be."""

    meter: str
    window: Window


@dataclass(frozen=True)
class Sampling(Noun):
    """What reading the meters cost, and how regular it was."""

    cpu_share: float
    """Of one core, used by the sampling thread."""
    mean_lateness: float
    """Seconds by which the thread woke later than it meant to."""
    worst_lateness: float
    longest_gaps: Mapping[str, float]
    """Meter → seconds between two reads, at most."""
    too_long: tuple[LongGap, ...]
    parent_share: float | None = None
    """Of one core, used by the whole process that holds the meters."""


@dataclass(frozen=True)
class Environment(Noun):
    """What else decides a number, and how to make it again."""

    command: tuple[str, ...]
    """As it was typed."""
    commit: str | None
    """Of wattstar's own working tree, ``-dirty`` where it was changed; None: installed from a package."""
    container: str | None
    """Id or digest of the image, or the name of the kind (``docker``); None: no container was found."""
    seeds: Mapping[str, int]
    """What was drawn with which seed: ``weights``, ``order``, ``subset``."""
    variables: Mapping[str, str]
    """Environment variables that change how libraries compute: threads, visible devices, memory policy."""
    state: Mapping[str, str]
    """Of the machine when it began: ``governor``, ``power``, ``swap_used_bytes``, …, as it was read."""


@dataclass(frozen=True)
class SensorProfile(Noun):
    """What a sensor is like, as ``wattstar probe`` measured it on this very device."""

    device: str
    """UUID of the GPU."""
    name: str
    driver: str | None
    meter: str
    made: str
    """ISO 8601, UTC."""
    step_seconds: Interval
    """Between two steps of the counter: 5th percentile, median, 95th percentile."""
    quantum_joules: float
    lag_seconds: Interval
    """From a change of load to its arrival in the counter: mean, and the range in which 95 % of all changes arrive."""
    duty: Interval | None
    """Share of the time in which the counter's sensor looks; 1: it sees every joule. None: could not be told."""
    averaging_seconds: float
    """What a reading of the power sensor is the average of."""
    counter_to_integral: float
    """Joules of the counter over added-up power, under steady load."""
    idle_watts: float
    busy_watts: float


@dataclass(frozen=True)
class Sitting(Noun):
    """Models that were measured in turns, all of them loaded: what changes with time does so for all of them alike.

    Pass i of each makes the i-th block; two of a block make a pair.
    """

    id: str
    seed: int
    """Draws the order inside each block."""
    jobs: tuple[str, ...]
    """The ``job_id`` of each, this one's too, in the order that the seed shuffles."""


@dataclass(frozen=True)
class Failure(Noun):
    """Why an attempt did not complete."""

    reason: str
    """``died``, ``hung``, ``interrupted``, ``partner`` (another of its sitting failed),
    ``out of memory``, ``model``, ``samples``, ``meter``, ``environment``, …"""
    message: str
    cures: tuple[str, ...] = ()
    exit_code: int | None = None
    """Of the worker process."""
    signal: str | None = None
    stderr: tuple[str, ...] = ()
    """The worker's last lines."""


@dataclass(frozen=True)
class Record(Noun):
    """One attempt at one job, immutable. Its id is the sha256 of its canonical JSON."""

    schema_version: int
    wattstar: str
    job: Job
    job_id: str
    status: Status
    started: str
    """ISO 8601, UTC."""
    seconds: float
    """From start to end of the attempt."""
    machine: Machine
    loaded: Loaded | None
    passes: tuple[Pass, ...]
    stages: tuple[Stage, ...]
    figures: tuple[Figure, ...]
    rated: Boundary | None
    """The boundary whose figure is rated, or None where there is no figure."""
    quality: Quality | None
    findings: tuple[Finding, ...]
    failure: Failure | None
    timelines: str | None
    """sha256 of the Parquet file with the timelines: domain, meter, method, plausible_factor, time, joules."""
    marks: str | None
    """sha256 of the Parquet file with the marks: name, time, pass_index, batch."""
    states: str | None
    """sha256 of the Parquet file with what devices said beside energy, once a second: time, domain, name, value."""
    samples: str | None
    """sha256 of the Parquet file with one row per sample: id, source, seconds, counts, output, target."""
    sampling: Sampling | None = None
    sensors: tuple[SensorProfile, ...] = ()
    """Of the devices whose counters were read, where they were probed."""
    warm_up: WarmUp | None = None
    phases: tuple[PhaseEnergy, ...] = ()
    environment: Environment | None = None
    sitting: Sitting | None = None
    """None: measured by itself."""


# ── what is made of records ──────────────────────────────────────────────────────────────────────────────────────────


class Grade(StrEnum):
    """How firm a population's average and deviation are, by its families."""

    NONE = "none"
    """No stars: only the numbers."""
    PROVISIONAL = "provisional"
    STANDARD = "standard"
    FULL = "full"


class Standing(StrEnum):
    """What a star is worth."""

    OFFICIAL = "official"
    """By an edition of wattstar's own procedure, from a record that meets its conditions."""
    INDICATIVE = "indicative"
    """By an edition made of figures of another procedure or tool; drawn hatched."""
    UNOFFICIAL = "unofficial"
    """Local: an energy that was modelled, random weights, a subset, other controls or hardware; drawn hatched."""


@dataclass(frozen=True)
class Conditions(Noun):
    """What must be equal for energies to stand in one population."""

    task: str
    size_class: str | None
    """``A``, ``B`` or ``C`` by what it takes to serve the model; None for tasks without classes."""
    hardware: str
    boundary: Boundary
    method: str
    """How the energy was read, and what of the boundary was covered."""
    work: str
    """The controls, in words."""
    procedure: str
    """Test set, passes, tool, in words."""


@dataclass(frozen=True)
class Entry(Noun):
    """One energy of a population, and where it comes from."""

    model: str
    family: str
    """Declared base model, else publisher."""
    wh_per_1000: Interval
    source: str
    """A record's id, or where the figure was published."""
    date: str
    """ISO 8601, as exactly as it is known: ``2025-12``."""
    doubts: tuple[str, ...] = ()
    published_stars: int | None = None
    """As its source gives them, by the source's own rule."""
    published_class: str | None = None
    """Its size class by the source's own rule."""


@dataclass(frozen=True)
class Population(Noun):
    """Comparable energies of one task, and the cuts that stars are given by."""

    conditions: Conditions
    entries: tuple[Entry, ...]
    families: int
    removed: tuple[str, ...]
    """Models outside the outer fences; they are still starred."""
    fences: tuple[float, float] | None
    """The least and the greatest energy that count in the average; None: too few families to tell what is far off."""
    mean: float | None
    """Of ln(Wh per 1,000 queries), weighted by family."""
    deviation: float | None
    cuts: tuple[float, ...] | None
    """Upper Wh per 1,000 queries of 5, 4, 3 and 2 stars; None where there are no stars."""
    grade: Grade
    reason: str | None
    """Why there are no stars."""
    doubts: tuple[str, ...] = ()
    """Of the whole population."""
    fresh_share: float | None = None
    """Of the stars, which another population as large from the same market would change."""


@dataclass(frozen=True)
class Edition(Noun):
    """Dated, frozen populations: what makes a star a function of record and edition alone."""

    name: str
    """Its date: ``2025-12``."""
    title: str
    foreign: str | None
    """The procedure or tool that its figures are of; None: wattstar's own."""
    populations: tuple[Population, ...]
    changes: tuple[str, ...]
    """Against the edition before, a line each."""


@dataclass(frozen=True)
class Rating(Noun):
    """A record's place in a population."""

    record: str
    model: str
    wh_per_1000: Interval
    stars: int | None
    chances: tuple[float, ...] | None
    """That the true energy earns 5, 4, 3, 2, 1 stars by these cuts, of what measuring leaves unsure alone."""
    span: tuple[int, int] | None
    """Least and most stars that are shown: one where its chance is at least 0.8, else the two likeliest neighbours."""
    rank: tuple[int, int] | None
    """Best and worst place among the population's entries, where differences that are not shown share places."""
    standing: Standing
    reasons: tuple[str, ...]
    """Why the standing is not official, or why there is no star, in words."""
    edition: str | None
    """None: the store's own records."""
    scheme: str


class Verdict(StrEnum):
    """What a comparison shows."""

    DIFFERENT = "different"
    """The interval, adjusted for the number of comparisons, excludes 1."""
    EQUAL = "equal"
    """It lies within ± 2 %."""
    NOT_SHOWN = "no difference shown"


@dataclass(frozen=True)
class Comparison(Noun):
    """How many times the energy of another model a model takes for the same queries."""

    records: tuple[str, str]
    """The thriftier one's id, and the other's."""
    ratio: Interval
    """Of the other's energy to the thriftier one's; 95 %."""
    pairs: int
    """Interleaved blocks; 0: unpaired, so that the interval also contains what two sittings differ by."""
    verdict: Verdict
    gain: Interval | None
    """The other's quality less the thriftier one's, 95 % by sample where both kept their answers, else of unknown
    width; None where either has none, or another."""
    differs: tuple[str, ...]
    """What else is not alike, in words: batch size, backend, …"""
    of: int = 1
    """So many comparisons were made at once; ``verdict`` is adjusted for that, the interval is not."""


# ── what a user asks for ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Request(Noun):
    """Words of the command line or of one ``[[jobs]]`` table of a plan file, before anything is looked up."""

    task: str
    models: tuple[str, ...]
    backend: str | None = None
    weights: Weights = Weights.PRETRAINED
    revision: str | None = None
    dtype: str | None = None
    device: str = "auto"
    batch_size: int | None = None
    new_tokens: int | None = None
    controls: Mapping[str, int | float | str] = field(default_factory=dict)
    """Other fields of ``Controls`` that are not to be the task's standard ones."""
    approach: Approach | None = None
    """None: found from the model."""
    edition: str | None = None
    samples: int | None = None
    passes: int | None = None
    """A fixed number; None: the procedure's rule."""
    target_error: float = 0.01
    quick: bool = False
    """A part of the samples stands for all."""
    warm_up_seconds: float = 60.0
    idle_seconds: float | None = None
    """None: the procedure's, where a meter sees a machine at rest; an estimate knows nothing of it."""
    pass_seconds: float | None = None
    """None: the procedure's, or the short one of ``quick``."""
    seed: int = 0
    meters: tuple[str, ...] = ("auto",)
    require_measured: bool = False
    trust_remote_code: bool = False
    optional: bool = False
    """Where this machine cannot serve it, it is skipped with a line instead of failing."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For the backend; become ``ModelSpec.options``."""


# ── plug-ins: a module fits one of these ─────────────────────────────────────────────────────────────────────────────


WRITING = (Phase("prefill", begins="batch"), Phase("decode", begins="first_token"))
"""The phases of every model that writes text."""


@dataclass(frozen=True)
class ZeroShot:
    """How a model that was not trained for a task but writes text is asked, and how its words are read."""

    ask: Callable[[Mapping[str, Any]], str]
    """A sample's input → the prompt; images of the input are given beside it."""
    read: Callable[[str, Mapping[str, Any]], Any]
    """What was written, and the sample's input → an answer as a trained model gives it, so that both score alike."""
    new_tokens: int
    """At most so many are written."""
    phases: tuple[Phase, ...] = WRITING


class Task(Protocol):
    """What is asked: ``tasks/<name>.py``."""

    title: str
    """In plain words."""
    tag: str
    """The Hub's pipeline tag: the one word tasks and backends share."""
    inputs: Mapping[str, Kind]
    """The fields of a sample's input."""
    output: Kind
    """The shape of an answer."""
    controls: Controls
    """The standard ones."""
    phases: tuple[Phase, ...]
    """In order; the first begins at ``batch``."""
    zero_shot: ZeroShot | None
    """None: only models that were made for the task can do it."""
    requires: tuple[str, ...]
    """Distributions that ``score`` imports."""

    def score(self, samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
        """Score the outputs against the targets; None where the task or the rows have no right answer."""


@dataclass(frozen=True)
class Batch:
    """Samples that are served together, ready on the device."""

    samples: tuple[Sample, ...]
    data: Any


MarkFunction = Callable[[str], None]
"""Stamps a named moment; costs microseconds."""


@dataclass(frozen=True)
class Session:
    """A model on its device."""

    prepare: Callable[[Sequence[Sample]], Sequence[Batch]]
    """Decoded samples → batches on the device, ``controls.batch_size`` at a time; outside every counted window."""
    predict: Callable[[Batch, MarkFunction], Any]
    """Serves one batch; returns only when the device is done; names phases by ``mark``."""
    finish: Callable[[Batch, Any], Sequence[Output]]
    """What ``predict`` returned → one output per sample, in order."""
    parameters: int | None = None
    now: Callable[[], int] = time.monotonic_ns
    sleep: Callable[[float], None] = time.sleep
    """``now`` and ``sleep`` differ only in a simulated world with a clock of its own."""
    room: Callable[[], int] | None = None
    """Free bytes of a simulated device; None: the machine says it."""


class Backend(Protocol):
    """How a model is served: ``backends/<name>.py``."""

    requires: tuple[str, ...]
    """Distributions to pip-install."""

    def refuses(self, model: ModelSpec, task: Task) -> str | None:
        """The reason why this backend cannot serve this model for this task, or None; loads nothing."""

    def session(self, model: ModelSpec, task: Task, controls: Controls) -> AbstractContextManager[Session]:
        """Load the model; leaving the context frees the device. ``ModelUnavailable`` where the files are unreadable."""


ALL_DEVICES = "all"


@dataclass(frozen=True)
class Scope:
    """What a meter may need to know of the work it watches."""

    pid: int
    """Of the process that does it; its children belong to it."""
    device: str
    """Where it runs, as in ``ModelSpec``; or ``ALL_DEVICES`` that this process can see."""
    folder: str
    """The job's scratch folder, in the worker the environment variable ``WATTSTAR_JOB_FOLDER``."""
    argument: str = ""
    """What followed ``=`` where the meter was named: a command, an address, a file."""


@dataclass(frozen=True)
class Affinity:
    """What a meter can do on this machine."""

    level: Level
    domains: tuple[str, ...]
    reason: str
    """One sentence: what is readable, or why nothing is."""
    cure: str | None = None
    """What to type or change so that it can be read."""


@dataclass(frozen=True)
class Reader:
    """An opened meter."""

    read: Callable[[], Mapping[str, tuple[int, float]]]
    """Domain → (CLOCK_MONOTONIC nanoseconds, joules so far); a domain that cannot be read now is left out."""
    period: float
    """Seconds between two reads that suit this meter; without steps it may be read early, when another one is."""
    stepped: bool = False
    """The total stands still between steps: a change happened somewhere between two reads. Else a read is of now."""
    refresh: float = 0.0
    """Seconds by which a read total may be older than the read, where it is not stepped."""
    jitter: float = 0.0
    """Share of the period by which reads are moved at random, so that a periodic load cannot hide between them."""
    quantum: float = 0.0
    """Joules of the smallest step of a total."""
    lags: Mapping[str, Interval] = field(default_factory=dict)
    """Domain → seconds by which its totals are late, where they are."""
    caveats: Mapping[str, str] = field(default_factory=dict)
    """Domain → what no bound of it contains, in a sentence."""
    factors: Mapping[str, float] = field(default_factory=dict)
    """Domain → plausible factor, where it is not the meter's own: of an estimate that was calibrated."""
    profiles: tuple[SensorProfile, ...] = ()
    """Of the devices that are read, where they were probed."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Domain → the most watts it can draw, where known."""
    state: Callable[[], Sequence[Observation]] | None = None
    """What the device says of itself beside energy; asked once a second."""


class Meter(Protocol):
    """Where joules are read: ``meters/<name>.py``."""

    requires: tuple[str, ...]
    """Distributions to pip-install."""
    method: Method
    """Of every reading."""
    plausible_factor: float | None
    """For modelled readings, see ``Timeline``."""
    gain: float | None
    """See ``Reading.gain``."""
    argument: str | None
    """What has to follow ``=`` where the meter is named, in words (``a file``); None: nothing."""
    confirmed: bool
    """Tried on the hardware it is for; what was tried on a simulator of its interface only says so to users."""

    def affinity(self) -> Affinity:
        """What this meter can do here; quick, opens nothing that stays open."""

    def reader(self, scope: Scope) -> AbstractContextManager[Reader]:
        """Start reading; raises ``MeterUnavailable``."""


RunFunction = Callable[[Job], Record]


class Launcher(Protocol):
    """Where jobs run: ``launchers/<name>.py``."""

    requires: tuple[str, ...]
    """Distributions to pip-install."""

    def launch(self, jobs: Iterable[Job], run: RunFunction) -> Iterator[Record]:
        """Run every job, in any order, and bring the records back as they come."""
