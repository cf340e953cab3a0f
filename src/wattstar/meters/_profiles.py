"""What ``wattstar probe`` has found of this machine's sensors: a small JSON a device, kept with the user's data."""

from __future__ import annotations

import os
from pathlib import Path

from wattstar.types import SensorProfile

HOME = "WATTSTAR_DATA_HOME"
"""Environment variable: another folder than the user's data folder."""


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
    if not file.exists():
        return None
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(SensorProfile).validate_json(file.read_bytes())
    except ValidationError:
        return None  # of another version of wattstar: as good as none, and doctor shows that there is none
    return found if found.driver == driver else None


def save(profile: SensorProfile) -> Path:
    """Keep it; an older one of the device is replaced."""
    from pydantic import TypeAdapter

    file = path(profile.device, profile.meter)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_bytes(TypeAdapter(SensorProfile).dump_json(profile, indent=1) + b"\n")
    temporary.replace(file)
    return file
