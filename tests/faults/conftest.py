"""An installed package whose plug-ins have one fault each, and jobs that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import fake_job, other_package
from wattstar import registry
from wattstar.measuring.nursery import Nursery
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.run import run
from wattstar.records.store import Store
from wattstar.types import Job, Record

POINTS = """
[wattstar.backends]
odd = tests.faults.odd_backend
[wattstar.meters]
odd = tests.faults.odd_meter
"""
Measure = Callable[[Job, Path], Record]


@pytest.fixture(scope="package")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The backend and the meter ``odd`` are known here, and in processes with this environment."""
    folder = tmp_path_factory.mktemp("odd")
    other_package(folder, "oddities", {}, POINTS)
    environment = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", environment["PYTHONPATH"], prepend=":")
        registry.plug_ins.cache_clear()
        yield environment
    registry.plug_ins.cache_clear()


@pytest.fixture(scope="package")
def measure(odd: Mapping[str, str]) -> Iterator[Measure]:
    """Run a job; the workers are forked."""
    with Nursery(["tests.faults.odd_backend", "tests.faults.odd_meter"]) as nursery:
        yield lambda job, store: run(job, Circumstances(Store(store), silence=30.0, start=nursery.start))


def job_of(how: str | None = None, meter: str = "fake", **more: object) -> Job:
    """Four samples of half a second; ``how``: the backend's fault; ``more``: as of ``fake_job``."""
    more = {"seconds": "0.5", **more}
    procedure = {"samples": 4, "idle_seconds": 0.0, **dict(more.pop("procedure", {}))}  # type: ignore[call-overload]
    job = fake_job(procedure=procedure, **more)  # type: ignore[arg-type]
    if how is not None:
        job = replace(job, backend="odd", model=replace(job.model, options={**job.model.options, "how": how}))
    return replace(job, meters=(meter,))
