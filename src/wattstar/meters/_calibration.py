"""Watts per core of this machine's processor, measured once against a hardware counter, and the file that keeps them.

Whoever has a counter loads the processor at 0, 25, 50, 75 and 100 % of its CPUs, notes a ``Point`` of each, and calls
``save(fit(processor, points, now))``. What estimates then asks ``load``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.meters import _profiles

NAME = "cpu_calibration.json"
OLDEST = timedelta(days=365)
REST_SHARE = 0.05
"""A load of less than so much of the greatest is rest: nothing but what reads the counter ran."""
LEAST_LEVELS = 3
LEAST_FACTOR = 1.2
"""A convention, not a finding: other instructions than the loads' draw another power for the same CPU second."""
MOST_FACTOR = 2.0
"""That of an estimate without calibration: a worse one is of no use."""
CURE = "calibrate again while nothing else runs: wattstar probe --cpu"


@dataclass(frozen=True)
class Point:
    """One load, held for some seconds."""

    busy_cores: float
    """CPU seconds that the load's processes used, a second; as the estimate counts them."""
    watts: float
    """Mean of the counter meanwhile; of all packages of the machine together."""


@dataclass(frozen=True)
class Calibration:
    """What ``fit`` found."""

    cpu: str
    """As ``_processor.processor_name`` says it."""
    watts_per_core: float
    """Joules that one more CPU second costs, above rest."""
    watts_at_rest: float
    factor: float
    """The loads lay within watts per core × busy cores, times or divided by this; at least ``LEAST_FACTOR``."""
    made: datetime
    """With a time zone."""


def fit(cpu: str, points: Sequence[Point], made: datetime) -> Calibration:
    """The line through rest that comes nearest to the loads.

    Rest is the mean power of the points at rest. watts = rest + slope × busy cores; the slope has the least sum of
    squares: Σ b·(w − rest) / Σ b². The line is laid through rest, not beside it, because the estimate charges nothing
    for rest: what waking a package costs is in the slope, and makes the factor greater.
    Factor: the worst ratio, either way, of a load's power above rest to slope × busy cores, at least 1.2.

    Raises ``MeterUnavailable`` where there is no point at rest, fewer than three levels of load, a load that draws no
    more than rest, or a factor over 2.
    """
    numbers = [number for point in points for number in (point.busy_cores, point.watts)]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise _unfit("a reading is negative or no number")
    most = max((point.busy_cores for point in points), default=0.0)
    loads = [point for point in points if point.busy_cores > REST_SHARE * most]
    rests = [point.watts for point in points if point.busy_cores <= REST_SHARE * most]
    levels = {round(point.busy_cores / most, 1) for point in loads}
    if not rests or len(levels) < LEAST_LEVELS:
        raise _unfit(f"it needs the power at rest and at {LEAST_LEVELS} levels of load, and has {len(levels)}")
    rest = sum(rests) / len(rests)
    if any(point.watts <= rest for point in loads):
        raise _unfit("a load drew no more than rest")
    slope = sum(p.busy_cores * (p.watts - rest) for p in loads) / sum(p.busy_cores**2 for p in loads)
    ratios = [(point.watts - rest) / (slope * point.busy_cores) for point in loads]
    factor = max(LEAST_FACTOR, *(max(ratio, 1 / ratio) for ratio in ratios))
    if factor > MOST_FACTOR:
        raise _unfit(f"power does not follow the busy cores: wrong by a factor of {factor:.1f}")
    return Calibration(cpu, slope, rest, factor, made)


def calibration_file() -> Path:
    """Where it lies."""
    return _profiles.home() / NAME


def save(calibration: Calibration) -> Path:
    """Write it, in place of an older one; ``MeterUnavailable`` where that is not possible."""
    file = calibration_file()
    text = json.dumps({**asdict(calibration), "made": calibration.made.isoformat()}, indent=1)
    partial = file.with_suffix(".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        message = f"The calibration cannot be written: {error}."
        raise MeterUnavailable(message, [f"set {_profiles.HOME} to a folder that can be written"]) from error
    return file


def load(cpu: str, now: datetime | None = None) -> Calibration | None:
    """The calibration of this processor; None where there is no file.

    Raises ``MeterUnavailable`` with the reason where the file is unreadable, of another processor, or over a year old.
    """
    file = calibration_file()
    try:
        found = _parsed(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _ignored(file, f"it cannot be read ({type(error).__name__}: {error})") from error
    if found.cpu != cpu:
        raise _ignored(file, f"it is of {found.cpu!r}, and this is {cpu!r}")
    age = (now or datetime.now(UTC)) - found.made
    if not timedelta(minutes=-5) <= age <= OLDEST:
        raise _ignored(file, f"it is of {found.made:%Y-%m-%d}, more than a year ago or in the future")
    return found


def _parsed(raw: dict[str, Any]) -> Calibration:
    found = Calibration(
        cpu=raw["cpu"],
        watts_per_core=float(raw["watts_per_core"]),
        watts_at_rest=float(raw["watts_at_rest"]),
        factor=float(raw["factor"]),
        made=datetime.fromisoformat(raw["made"]),
    )
    if not (
        isinstance(found.cpu, str)
        and found.made.tzinfo is not None
        and 0 < found.watts_per_core < math.inf
        and 0 <= found.watts_at_rest < math.inf
        and LEAST_FACTOR <= found.factor <= MOST_FACTOR
    ):
        raise ValueError("a value is impossible")
    return found


def _unfit(reason: str) -> MeterUnavailable:
    return MeterUnavailable(f"The estimate cannot be calibrated: {reason}.", [CURE])


def _ignored(file: Path, reason: str) -> MeterUnavailable:
    return MeterUnavailable(f"The calibration {file} is ignored: {reason}.", [CURE, f"rm {file}"])
