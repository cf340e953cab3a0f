"""wattstar rates the energy of AI models: a thousand queries measured, how sure that is, and one to five stars."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Circumstances": "wattstar.measuring.run",
    "Record": "wattstar.types",
    "Request": "wattstar.types",
    "Store": "wattstar.records.store",
    "WattstarError": "wattstar.errors",
    "measure": "wattstar.measuring.measure",
    "measured": "wattstar.measuring.measure",
    "plan": "wattstar.measuring.plan",
    "populations": "wattstar.rating",
    "rate": "wattstar.rating",
    "run": "wattstar.measuring.run",
}
__all__ = [
    "Circumstances",
    "Record",
    "Request",
    "Store",
    "WattstarError",
    "__version__",
    "measure",
    "measured",
    "plan",
    "populations",
    "rate",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that ``import wattstar`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'wattstar' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
