"""Reads the energy counter of AMD GPUs through AMD SMI, once it agrees with the power they tell.

Joules are ``energy_accumulator`` × ``counter_resolution`` microjoules ("AMD SMI Python API", ROCm documentation). The
library tells one resolution for every GPU, 15.3 (rocm_smi.cc), where its header says 15.259, 10⁶/2¹⁶ (amdsmi.h): what
it says may be 0.27 % too much. AMD states no tolerance, so ``gain`` is unknown.

The counter is not trusted unseen. It stood still on MI100 (ROCm/amdsmi issues 22 and 38, AMDResearch/hpcfund issue 21)
and went backwards before ROCm 7 (ROCm/amdsmi issue 115). So it is compared with the power while the meter opens.
On an MI250 the first of two dies tells the power and energy of both and the second tells nothing (as Zeus found,
zeus/device/gpu/amd.py): the figure of the first is that of the whole card, and the second is refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.types import ALL_DEVICES, Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ("amdsmi",)
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

POLL_SECONDS = 0.004
"""How often the counter steps is not documented: a step is stamped within half of this."""
JITTER = 0.1

RESOLUTION = 15.3e-6
"""Joules of one count on every GPU; what is read is multiplied by the resolution that the library tells."""

CHECK_SECONDS = 0.5
CHECK_POLL_SECONDS = 0.005
CHECKS = 3
"""Power may be an average over the last second or so: where load has just changed, the next look agrees."""
AGREEMENT = 0.15
WATTS_OF_ROUNDING = 1.0
"""Power is told in whole watts."""

KFD = Path("/sys/class/kfd/kfd/topology/nodes")
"""Linux lists the GPUs that ROCm can use here, whether or not its packages are installed."""
INSTALL = "pip install amdsmi, of the version of ROCm that is installed here"
LOOK = "amd-smi metric --power --energy"
OTHERWISE = "choose another meter: wattstar doctor"


@contextmanager
def library() -> Iterator[Any]:
    """The module ``amdsmi``, initialised; its errors become ``MeterUnavailable``."""
    amdsmi = _imported()
    try:
        amdsmi.amdsmi_init(amdsmi.AmdSmiInitFlags.INIT_AMD_GPUS)
    except amdsmi.AmdSmiException as error:
        cure = "install the amdgpu driver, or give the container /dev/kfd and /dev/dri"
        raise MeterUnavailable(f"No AMD driver answers: {_text(error)}.", [cure]) from error
    try:
        yield amdsmi
    except amdsmi.AmdSmiException as error:
        raise MeterUnavailable(f"AMD SMI refused: {_text(error)}.", [LOOK]) from error
    finally:
        with suppress(amdsmi.AmdSmiException):
            amdsmi.amdsmi_shut_down()


def visible(amdsmi: Any) -> dict[int, Any]:
    """HIP's device index → handle, as the environment numbers them; ``MeterUnavailable`` for a part of a GPU.

    AMD SMI orders by PCI address, HIP by its own order: ``hip_id`` tells. ROCR_VISIBLE_DEVICES chooses first, then
    HIP_VISIBLE_DEVICES (else CUDA_VISIBLE_DEVICES) from what is left ("GPU isolation techniques", ROCm documentation).
    A name that is not there ends the list, as for HIP.
    """
    found: dict[int, tuple[str, Any]] = {}
    for handle in amdsmi.amdsmi_get_processor_handles():
        try:
            seen = amdsmi.amdsmi_get_gpu_enumeration_info(handle)
        except AttributeError:
            raise MeterUnavailable("This amdsmi does not tell HIP's index of a GPU.", ["ROCm 6.4 or later"]) from None
        found[seen["hip_id"]] = (seen["hip_uuid"], handle)
    if not all(isinstance(index, int) for index in found):
        raise MeterUnavailable("AMD SMI does not tell which GPU is which for HIP.", ["a newer ROCm", OTHERWISE])
    kept = [found[index] for index in sorted(found)]
    hip = "HIP_VISIBLE_DEVICES" if "HIP_VISIBLE_DEVICES" in os.environ else "CUDA_VISIBLE_DEVICES"
    for variable in ("ROCR_VISIBLE_DEVICES", hip):
        kept = _chosen(kept, os.environ.get(variable))
    handles = {index: handle for index, (_, handle) in enumerate(kept)}
    for index, handle in handles.items():
        _refuse_parts(amdsmi, index, handle)
    return handles


def devices(amdsmi: Any, scope: Scope) -> dict[str, Any]:
    """Domain → handle of the GPUs the work uses, and of no other."""
    handles = visible(amdsmi)
    if scope.device == ALL_DEVICES:
        return {f"gpu:{i}": handle for i, handle in handles.items() if not _second_die(amdsmi, handle)}
    index = int(scope.device.partition(":")[2] or 0)
    if index not in handles:
        raise MeterUnavailable(f"The job runs on {scope.device}, which AMD SMI does not show.", ["amd-smi list"])
    if _second_die(amdsmi, handles[index]):
        message = f"gpu:{index} is the second die of an MI250: the first die tells the power of both."
        raise MeterUnavailable(message, [f"run on the first die: --device cuda:{index - 1}"])
    return {f"gpu:{index}": handles[index]}


def gpus_here(nodes: Path = KFD) -> tuple[str, ...]:
    """Domains of the GPUs that Linux lists for ROCm, installed or not; ``gpu_id`` of a CPU is 0."""
    found = 0
    for file in nodes.glob("*/gpu_id"):
        with suppress(OSError, ValueError):  # a container may not see them all
            found += int(file.read_text()) != 0
    return tuple(f"gpu:{index}" for index in range(found))


def affinity() -> Affinity:
    """Real where AMD SMI answers and every visible GPU has a counter; closed where Linux shows GPUs that it cannot."""
    try:
        with library() as amdsmi:
            handles = devices(amdsmi, Scope(os.getpid(), ALL_DEVICES, ""))
            for handle in handles.values():
                _joules(amdsmi, handle)
    except MeterUnavailable as error:
        here = gpus_here()
        level = Level.CLOSED if here else Level.ABSENT
        return Affinity(level, here, error.message.rstrip("."), "; ".join(error.cures))
    if not handles:
        cure = "check amd-smi list, ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES"
        return Affinity(Level.ABSENT, (), "AMD SMI shows no GPU", cure)
    return Affinity(Level.REAL, tuple(handles), f"energy counter of {len(handles)} AMD GPU(s)")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Read the counters of the GPUs the work uses, after they agreed with the power."""
    with library() as amdsmi:
        handles = devices(amdsmi, scope)
        _check(amdsmi, handles)
        last = dict.fromkeys(handles, 0.0)

        def read() -> Mapping[str, tuple[int, float]]:
            found = {}
            for domain, handle in handles.items():
                began = time.monotonic_ns()
                joules = _total(amdsmi, handle, domain, last[domain])
                last[domain] = joules
                found[domain] = ((began + time.monotonic_ns()) // 2, joules)
            return found

        limits = {domain: _limit(amdsmi, handle) for domain, handle in handles.items()}
        yield Reader(
            read,
            POLL_SECONDS,
            stepped=True,
            jitter=JITTER,
            quantum=RESOLUTION,
            limits={domain: watts for domain, watts in limits.items() if watts is not None},
        )


@dataclass
class _Look:
    """One GPU, watched for a moment: the counter where it was seen to change, and the power all along."""

    steps: list[tuple[int, float]] = field(default_factory=list)
    powers: list[tuple[int, float]] = field(default_factory=list)

    def add(self, moment: int, joules: float, watts: float) -> None:
        if not self.steps or joules != self.steps[-1][1]:
            self.steps.append((moment, joules))
        self.powers.append((moment, watts))

    def verdict(self) -> str | None:
        """What is wrong, with the figures; None where counter and power agree.

        Compared from the first seen step to the last, so that slow steps do not count as disagreement.
        """
        if len(self.steps) < 3:
            mean = sum(watts for _, watts in self.powers) / len(self.powers)
            return f"stood still for {CHECK_SECONDS} s while the power was {mean:.0f} W"
        (begin, first), (end, last) = self.steps[1], self.steps[-1]
        inside = [watts for moment, watts in self.powers if begin <= moment <= end]
        seconds, mean = (end - begin) / 1e9, sum(inside) / len(inside)
        allowed = AGREEMENT * mean + WATTS_OF_ROUNDING + 2 * CHECK_POLL_SECONDS / seconds * mean
        told = (last - first) / seconds
        if abs(told - mean) <= allowed:
            return None
        return f"grew by {told:.1f} W where the power was {mean:.0f} W (± {allowed:.1f} W is allowed)"


def _check(amdsmi: Any, handles: Mapping[str, Any]) -> None:
    """``MeterUnavailable`` with the figures where a counter does not agree with the power in any of some looks."""
    wrong: dict[str, str] = {}
    for _ in range(CHECKS):
        looks = _watched(amdsmi, handles)
        wrong = {domain: said for domain, look in looks.items() if (said := look.verdict()) is not None}
        if not wrong:
            return
    said = "; ".join(f"{domain} {what}" for domain, what in wrong.items())
    raise MeterUnavailable(f"The energy counter cannot be trusted: that of {said}.", [OTHERWISE, LOOK])


def _watched(amdsmi: Any, handles: Mapping[str, Any]) -> dict[str, _Look]:
    looks = {domain: _Look() for domain in handles}
    end = time.monotonic() + CHECK_SECONDS
    while time.monotonic() < end:
        for domain, handle in handles.items():
            watts = _watts(amdsmi, handle)
            if watts is None:
                message = f"{domain} tells no power, so its energy counter cannot be checked."
                raise MeterUnavailable(message, [OTHERWISE, LOOK])
            looks[domain].add(time.monotonic_ns(), _joules(amdsmi, handle), watts)
        time.sleep(CHECK_POLL_SECONDS)
    return looks


def _imported() -> Any:
    """The package; where ROCm's library is missing or older, its import prints and ends in one of several errors."""
    try:
        with redirect_stdout(StringIO()):
            import amdsmi
    except ImportError:
        raise MeterUnavailable("AMD SMI is not installed.", [INSTALL]) from None
    except (KeyError, OSError, AttributeError) as error:
        message = f"The Python package amdsmi finds no libamd_smi.so that fits it: {error!r}."
        raise MeterUnavailable(message, ["install ROCm's amd-smi-lib; set ROCM_PATH", INSTALL]) from error
    return amdsmi


def _chosen(gpus: list[tuple[str, Any]], wanted: str | None) -> list[tuple[str, Any]]:
    """(UUID, handle) of those that a variable names, by index or UUID; a name that is not there ends the list."""
    if wanted is None:
        return gpus
    kept = []
    for name in (name.strip() for name in wanted.split(",")):
        place = int(name) if name.isdecimal() else next((i for i, (uuid, _) in enumerate(gpus) if uuid == name), -1)
        if not 0 <= place < len(gpus):
            break
        kept.append(gpus[place])
    return kept


def _refuse_parts(amdsmi: Any, index: int, handle: Any) -> None:
    """A GPU cut into partitions (``CPX`` and the like) has one counter for all."""
    try:
        partition = amdsmi.amdsmi_get_gpu_compute_partition(handle)
    except amdsmi.AmdSmiLibraryException:
        return  # most GPUs cannot be cut
    if partition not in ("SPX", "N/A", ""):
        message = f"gpu:{index} is a part of a GPU ({partition}), and there is no energy counter for a part."
        raise MeterUnavailable(message, ["use a whole GPU: amd-smi set --compute-partition SPX (as root)"])


def _second_die(amdsmi: Any, handle: Any) -> bool:
    return "MI250" in amdsmi.amdsmi_get_gpu_asic_info(handle)["market_name"] and not _watts(amdsmi, handle)


def _total(amdsmi: Any, handle: Any, domain: str, last: float) -> float:
    """Joules; ``MeterUnavailable`` when the counter fails, or goes backwards and so began anew."""
    try:
        joules = _joules(amdsmi, handle)
    except amdsmi.AmdSmiException as error:
        raise MeterUnavailable(f"The energy counter of {domain} failed: {_text(error)}.", [LOOK]) from error
    if joules < last:
        message = f"The energy counter of {domain} went back from {last:.3f} to {joules:.3f} J."
        raise MeterUnavailable(message, ["measure again, with ROCm 7 or later; nothing of this attempt can be trusted"])
    return joules


def _joules(amdsmi: Any, handle: Any) -> float:
    count = amdsmi.amdsmi_get_energy_count(handle)
    return float(count["energy_accumulator"] * count["counter_resolution"] / 1e6)


def _watts(amdsmi: Any, handle: Any) -> float | None:
    """Power of now where the GPU tells it (MI300 and later), else an average; ``N/A`` where it tells neither."""
    power = amdsmi.amdsmi_get_power_info(handle)
    told = [power.get(name) for name in ("current_socket_power", "average_socket_power")]
    return next((float(watts) for watts in told if isinstance(watts, int)), None)


def _limit(amdsmi: Any, handle: Any) -> float | None:
    """Watts that the device may draw; None where it does not say. AMD SMI tells microwatts."""
    try:
        return float(amdsmi.amdsmi_get_power_cap_info(handle)["power_cap"]) / 1e6 or None
    except amdsmi.AmdSmiLibraryException:
        return None


def _text(error: Exception) -> str:
    """AMD SMI's messages have several lines."""
    return " ".join(str(error).split())
