"""The error tree. Each error knows the exit code the command line ends with.

WattstarError                 1  internal: a fault of wattstar itself
├── UsageError                2  the words make no sense here; the message says which words do
│   └── UnknownName           2  no such task, model, backend, meter, …; with a suggestion
├── UnfitEnvironment          3  this machine cannot do it now; the message ends with the cure
│   ├── MissingPackage        3  a Python package is not installed; the cure is the pip line
│   ├── ModelUnavailable      3  weights cannot be had: gated, missing, no network, corrupt
│   ├── MeterUnavailable      3  energy cannot be read, or not by measurement where that was asked
│   └── StoreUnusable         3  the folder of records cannot be read or written
├── GateFailed                4  measured, but a quality gate makes the record invalid
├── JobsFailed                5  some jobs of a plan failed; the others are in the store
├── VerificationFailed        6  what is written does not add up
└── Interrupted             130  stopped by the user; finished passes are kept
"""

from __future__ import annotations

from collections.abc import Sequence


class WattstarError(Exception):
    """Something went wrong; ``str`` is one sentence, ``cures`` are things the reader can type or do."""

    exit_code = 1

    def __init__(self, message: str, cures: Sequence[str] = ()) -> None:
        """Keep the sentence and its cures."""
        super().__init__(message)
        self.message = message
        self.cures = tuple(cures)


class UsageError(WattstarError):
    """The words make no sense here."""

    exit_code = 2


class UnknownName(UsageError):
    """No such task, model, backend, meter or record."""


class UnfitEnvironment(WattstarError):
    """This machine cannot do it now."""

    exit_code = 3


class MissingPackage(UnfitEnvironment):
    """A Python package that a plug-in needs is not installed."""


class ModelUnavailable(UnfitEnvironment):
    """The weights cannot be had or cannot be read."""


class MeterUnavailable(UnfitEnvironment):
    """Energy cannot be read, or only by a model where a measurement was asked for."""


class StoreUnusable(UnfitEnvironment):
    """The folder of records cannot be read or written."""


class GateFailed(WattstarError):
    """Measured, but a quality gate makes the record invalid."""

    exit_code = 4


class JobsFailed(WattstarError):
    """Some jobs of a plan failed."""

    exit_code = 5


class VerificationFailed(WattstarError):
    """What is written does not add up."""

    exit_code = 6


class Interrupted(WattstarError):
    """Stopped by the user."""

    exit_code = 130
