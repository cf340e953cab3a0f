"""A row a record with the columns of codecarbon's emissions.csv, for tools that read those."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import kilowatt_hours
from wattstar.publishing.figures import is_estimate, published
from wattstar.publishing.words import cells
from wattstar.rating.populations import Member
from wattstar.records.units import JOULES_PER_WATT_HOUR, queries, seconds
from wattstar.types import Record

suffix = ".emissions.csv"
holds = Holds.RECORDS
figures_only = True
needs = ()

COLUMNS = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate", "cpu_power",
    "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "water_consumed",
    "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version",
    "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude", "ram_total_size",
    "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb",
    "on_cloud", "pue", "wue",
)  # fmt: skip
"""Of ``EmissionsData`` in codecarbon 3.3.2, in order: seconds, kg of CO2e, kg/s, watts, kWh, litres, GB."""
FURTHER = ("wattstar_record", "wattstar_model", "wattstar_queries", "wattstar_boundary", "wattstar_method",
           "wattstar_estimate")  # fmt: skip
"""After those of codecarbon, which has no column for them. ``energy_consumed`` is that of the boundary."""
PARTS = {"cpu": "cpu", "gpu": "gpu", "ram": "dram"}
"""codecarbon's word → kind of domain."""


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """UTF-8; what was not measured or is not known is empty, where codecarbon itself would write 0 or a guess."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=[*COLUMNS, *FURTHER], lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells(_row(member, facts)) for member in records)
    return text.getvalue().encode()


def _row(member: Member, facts: Facts) -> dict[str, Any]:
    name, record = member
    made, duration, machine = published(*member), seconds(record), record.machine
    energy = _by_kind(record)
    return {
        "timestamp": record.started[:19],
        "project_name": record.job.task,
        "run_id": name[:12],
        "duration": duration,
        **_emissions(kilowatt_hours(member), duration, facts),
        **{f"{word}_energy": energy.get(kind) for word, kind in PARTS.items()},
        **{f"{word}_power": _watts(energy.get(kind), duration) for word, kind in PARTS.items()},
        "energy_consumed": kilowatt_hours(member),
        "os": machine.system,
        "python_version": machine.python,
        "cpu_count": machine.cores,
        "cpu_model": machine.cpu,
        "gpu_count": len(machine.gpus) or None,
        "gpu_model": ", ".join(gpu.name for gpu in machine.gpus),
        "ram_total_size": machine.memory_bytes / 1024**3,
        "wattstar_record": name,
        "wattstar_model": record.job.model.id,
        "wattstar_queries": queries(record),
        "wattstar_boundary": str(made.boundary),
        "wattstar_method": str(made.method),
        "wattstar_estimate": is_estimate(made),
    }


def _emissions(energy: float, duration: float, facts: Facts) -> dict[str, Any]:
    grid = facts.grid
    if grid is None:
        return {}
    kilograms = energy * grid.g_co2e_per_kwh / 1000
    return {
        "emissions": kilograms,
        "emissions_rate": kilograms / duration if duration else None,
        "water_consumed": None if grid.water_l_per_kwh is None else energy * grid.water_l_per_kwh,
        "country_name": grid.name if grid.code else None,
        "country_iso_code": grid.code,
    }


def _by_kind(record: Record) -> Mapping[str, float]:
    """Kind of domain → kWh of all counted passes, of those domains that every pass has."""
    readings = [{reading.domain: reading.joules for reading in counted.energy} for counted in record.passes]
    found: dict[str, float] = {}
    for domain in set.intersection(*map(set, readings)) if readings else set():
        kind = domain.partition(":")[0]
        joules = sum(each[domain] for each in readings)
        found[kind] = found.get(kind, 0.0) + joules / JOULES_PER_WATT_HOUR / 1000
    return found


def _watts(energy: float | None, duration: float) -> float | None:
    return None if energy is None or not duration else energy * 1000 * JOULES_PER_WATT_HOUR / duration
