"""What ``wattstar probe`` has found of this machine's sensors: a small JSON a device, kept with the user's data."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from wattstar.errors import StoreUnusable
from wattstar.types import Interval, SensorProfile

HOME = "WATTSTAR_DATA_HOME"
"""Environment variable: another folder than the user's data folder."""

LONGEST_LAG = 1.0
"""Seconds; more is no sensor's, but a damaged file's."""


def home() -> Path:
    """The folder of what wattstar has learnt of this machine."""
    from platformdirs import user_data_path

    return Path(os.environ.get(HOME) or user_data_path("wattstar"))


def path(device: str, meter: str) -> Path:
    """Where the profile of a device's sensor is kept; ``device``: its UUID."""
    return home() / "sensors" / f"{device}-{meter}.json"


def load(device: str, meter: str, driver: str | None) -> SensorProfile | None:
    """The profile, if there is one of this device under this driver; another driver may read the sensor otherwise."""
    file = path(device, meter)
    if not os.path.exists(file):  # unlike Path.exists, False where the folder is closed to this user
        return None
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(SensorProfile).validate_json(file.read_bytes())
    except (ValidationError, OSError):
        return None  # of another version of wattstar, or damaged: as good as none, and doctor shows that there is none
    is_own = (found.device, found.meter, found.driver) == (device, meter, driver)
    return found if is_own and _is_range(found.lag_seconds) else None


def _is_range(lag: Interval) -> bool:
    """Whether a lag can be that of a sensor: without its ends it bounds nothing."""
    if lag.low is None or lag.high is None:
        return False
    return -LONGEST_LAG <= lag.low <= lag.mid <= lag.high <= LONGEST_LAG


def save(profile: SensorProfile) -> Path:
    """Keep it; an older one of the device is replaced. Raises ``StoreUnusable``."""
    from pydantic import TypeAdapter

    file = path(profile.device, profile.meter)
    temporary = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(TypeAdapter(SensorProfile).dump_json(profile, indent=1) + b"\n")
        temporary.replace(file)
    except OSError as error:
        raise _unusable(error) from error
    return file


def check() -> None:
    """Whether profiles can be kept: asked before a minute is spent on one. Raises ``StoreUnusable``."""
    folder = home() / "sensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(error) from error
    if not os.access(folder, os.W_OK):
        raise _unusable(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _unusable(error: OSError) -> StoreUnusable:
    return StoreUnusable(f"Profiles cannot be kept in {home()}: {error.strerror}.", [f"{HOME}=FOLDER"])
