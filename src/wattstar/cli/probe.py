"""``wattstar probe``: what the sensor of a GPU is like."""

from __future__ import annotations

import shlex

import click

from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.errors import UsageError
from wattstar.measuring import machine
from wattstar.measuring.calibrate import calibrate
from wattstar.measuring.loads import Load, own
from wattstar.measuring.probe import probe
from wattstar.meters import _calibration, _profiles
from wattstar.meters._calibration import Calibration
from wattstar.records.codec import encode
from wattstar.types import SensorProfile


@click.command("probe")
@click.option("--gpu", "index", default=0, show_default=True, help="Its number among those that are visible.")
@click.option("--cpu", is_flag=True, help="Calibrate the estimate of CPU energy against the CPU's own counter instead.")
@click.option("--load", help="A program that switches a load on and off; see wattstar.measuring.loads. "
              "Left out: products of matrices, by PyTorch.")  # fmt: skip
@FORMAT
def command(index: int, cpu: bool, load: str | None, style: str) -> None:
    """Characterise a GPU's sensor in about a minute: steps, lag, duty. Later records use and cite what it finds.

    Nothing else should use the GPU meanwhile, or the machine where the CPU is calibrated.
    """
    if cpu:
        _show_calibration(calibrate(watch=_say), style)
        return
    gpus = {gpu.index: gpu for gpu in machine.describe({}).gpus}
    if index not in gpus:
        raise UsageError(f"There is no gpu:{index} here.", ["wattstar doctor"])
    _profiles.check()
    words = shlex.split(load) if load else own(f"cuda:{index}")
    found = probe(gpus[index], Load(words), watch=_say)
    file = _profiles.save(found)
    if style == "json":
        as_json(encode(found))
    elif style == "csv":
        as_csv([encode(found)])
    else:
        rows = [{"": name, " ": value} for name, value in _facts(found).items()]
        table(f"{found.name}, driver {found.driver}", rows, note=f"kept in {file}; measurements use it from now on")


def _say(stage: str) -> None:
    click.echo(f"{stage} …", err=True)


def _show_calibration(found: Calibration, style: str) -> None:
    file = _calibration.save(found)
    if style == "json":
        as_json(encode(found))
    elif style == "csv":
        as_csv([encode(found)])
    else:
        rows = {
            "a CPU second": f"{number(found.watts_per_core)} J above rest, within ×/÷ {found.factor:.2g}",
            "at rest": f"{number(found.watts_at_rest)} W, all packages",
        }
        note = f"kept in {file}; estimates use it from now on, for a year"
        table(found.cpu, [{"": name, " ": value} for name, value in rows.items()], note=note)


def _facts(found: SensorProfile) -> dict[str, str]:
    step, lag, duty = found.step_seconds, found.lag_seconds, found.duty
    return {
        "step of the counter": f"{step.mid * 1e3:.1f} ms (90 % within {_ms(step.low)} … {_ms(step.high)})",
        "quantum": f"{found.quantum_joules * 1e3:g} mJ",
        "lag behind the load": f"{_ms(lag.mid)} (95 % within {_ms(lag.low)} … {_ms(lag.high)})",
        "looks": "could not be told"
        if duty is None
        else f"{duty.mid:.0%} of the time ({duty.low:.0%} … {duty.high:.0%})",
        "power is an average of": _ms(found.averaging_seconds),
        "counter / added-up power": f"{found.counter_to_integral:.4f}",
        "at rest, under load": f"{number(found.idle_watts)} W, {number(found.busy_watts)} W",
    }


def _ms(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1e3:.1f} ms"
