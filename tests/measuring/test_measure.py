"""``wattstar measure`` and ``with measure()``: on a simulated GPU whose energy is known, and on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import nvml, trace
from tests.simulators.nvml import Driver, Gpu

SQUARE = trace.square(90, 650, 0.73, duty=0.4)
SLEEP = [sys.executable, "-c", "import time; time.sleep(0.8)"]


def measured(environment: Mapping[str, str], *words: str) -> tuple[subprocess.CompletedProcess[str], Any]:
    environment = {"CUDA_VISIBLE_DEVICES": "0", **environment}
    done = support.wattstar_command("measure", "--format", "json", *words, env=environment)
    return done, json.loads(done.stdout) if done.stdout else None


def gpu_of(found: Any, name: str = "gpu:0") -> Any:
    return next(reading for reading in found["energy"] if reading["domain"] == name)


def test_the_true_energy_of_a_command_lies_inside_the_printed_bound(tmp_path: Path) -> None:
    environment = nvml.install(tmp_path, Driver((Gpu(SQUARE, step_period=0.02),)))
    done, found = measured(environment, "--", *SLEEP)
    assert done.returncode == 0, done.stderr
    reading = gpu_of(found)
    truth = SQUARE.joules(found["window"]["begin"], found["window"]["end"])
    assert abs(reading["joules"] - truth) <= reading["bound"]
    assert (reading["method"], reading["meter"]) == ("counter", "nvml")
    assert reading["bound"] < 0.2 * truth


def test_a_gpu_without_a_counter_is_sampled_and_says_so(tmp_path: Path) -> None:
    load = trace.constant(200.0)
    done, found = measured(nvml.install(tmp_path, Driver((nvml.pascal(Gpu(load)),))), "--", *SLEEP)
    assert done.returncode == 0, done.stderr
    reading = gpu_of(found)
    seconds = (found["window"]["end"] - found["window"]["begin"]) / 1e9
    assert (reading["method"], reading["meter"]) == ("sampled", "nvml-power")
    assert reading["joules"] == pytest.approx(200 * seconds, rel=0.01)


def test_only_the_visible_gpu_is_measured(tmp_path: Path) -> None:
    gpus = (Gpu(trace.constant(100.0)), Gpu(trace.constant(500.0)))
    environment = nvml.install(tmp_path, Driver(gpus)) | {"CUDA_VISIBLE_DEVICES": "1"}
    _, found = measured(environment, "--", *SLEEP)
    seconds = (found["window"]["end"] - found["window"]["begin"]) / 1e9
    assert [part["domain"] for part in found["energy"] if part["domain"].startswith("gpu")] == ["gpu:0"]
    assert gpu_of(found)["joules"] == pytest.approx(500 * seconds, rel=0.02)


def test_a_gpu_that_is_lost_meanwhile_is_an_error_and_no_number(tmp_path: Path) -> None:
    gone = time.monotonic_ns() + 2_500_000_000
    environment = nvml.install(tmp_path, Driver((nvml.lost(Gpu(SQUARE), gone),)))
    done, found = measured(environment, "--", sys.executable, "-c", "import time; time.sleep(3.5)")
    assert done.returncode == 3
    assert found is None
    assert "gpu:0 failed" in done.stderr or "sensor failed" in done.stderr


@pytest.mark.parametrize("code", [nvml.NO_PERMISSION, nvml.TIMEOUT])
def test_a_gpu_that_does_not_tell_its_state_is_measured_nevertheless(tmp_path: Path, code: int) -> None:
    """As in a container, where other processes may not be seen."""
    silent = ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetTemperature")
    gpu = replace(Gpu(trace.constant(300.0)), faults=tuple(nvml.Fault(name, code) for name in silent))
    done, found = measured(nvml.install(tmp_path, Driver((gpu,))), "--", *SLEEP)
    assert done.returncode == 0, done.stderr
    assert gpu_of(found)["joules"] > 0


def test_processes_of_another_namespace_are_not_called_foreign(tmp_path: Path) -> None:
    """In a container the driver may number our own process as the host does."""
    nobody = 2**22 + 1
    foreign = {}
    for pid in (nobody, 1):
        gpu = replace(Gpu(trace.constant(300.0)), processes=((pid, 1),))
        done, found = measured(nvml.install(tmp_path / str(pid), Driver((gpu,))), "--", "sleep", "2")
        assert done.returncode == 0, done.stderr
        foreign[pid] = any("other processes" in note["message"] for note in found["notes"])
    assert foreign == {nobody: False, 1: True}


def test_a_power_limit_of_nothing_is_no_limit(tmp_path: Path) -> None:
    gpu = replace(Gpu(trace.constant(300.0)), enforced_watts=0.0)
    done, found = measured(nvml.install(tmp_path, Driver((gpu,))), "--", *SLEEP)
    assert done.returncode == 0, done.stderr
    assert gpu_of(found)["joules"] > 0


def test_a_counter_that_jumps_is_refused_and_no_number(tmp_path: Path) -> None:
    jump = replace(Gpu(SQUARE), jump_at=time.monotonic_ns() + 1_800_000_000, jump_joules=5000.0)
    environment = nvml.install(tmp_path, Driver((jump,)))
    done, found = measured(environment, "--", sys.executable, "-c", "import time; time.sleep(3)")
    assert (done.returncode, found) == (3, None)
    assert "jumped" in done.stderr


def test_a_counter_that_falls_silent_is_not_left_out_of_the_sum(tmp_path: Path) -> None:
    stuck = replace(Gpu(SQUARE), stuck_from=time.monotonic_ns() + 1_800_000_000)
    environment = nvml.install(tmp_path, Driver((stuck,)))
    command = (sys.executable, "-c", "import time; time.sleep(3)")
    done, found = measured(environment, "--meter", "nvml", "--meter", "estimate", "--", *command)
    assert (done.returncode, found) == (3, None)
    assert "gpu:0" in done.stderr


def test_a_slice_of_a_gpu_is_refused_with_the_cure(tmp_path: Path) -> None:
    environment = nvml.install(tmp_path, Driver((Gpu(SQUARE),))) | {"CUDA_VISIBLE_DEVICES": "MIG-1234"}
    done, _ = measured(environment, "--meter", "nvml", "--", "true")
    assert done.returncode == 3
    assert "MIG slice" in done.stderr


def test_a_slice_of_a_gpu_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    environment = nvml.install(tmp_path, Driver((Gpu(SQUARE),))) | {"CUDA_VISIBLE_DEVICES": "MIG-1234"}
    done, found = measured(environment, "--", "true")
    assert done.returncode == 0
    assert [reading["domain"] for reading in found["energy"]] == ["cpu:0", "dram:0"]
    assert "MIG" in " ".join(found["not_read"])
    spoken = support.wattstar_command("measure", "--", "true", env=environment)
    assert "not read: nvml: CUDA_VISIBLE_DEVICES names a MIG slice" in spoken.stderr


def test_the_cpu_of_a_grace_module_is_not_counted_as_the_gpu(tmp_path: Path) -> None:
    """The CPU's part is too small for a cross-check to see."""
    gpu = nvml.grace_hopper(Gpu(trace.constant(350.0)), trace.constant(360.0))
    done, found = measured(nvml.install(tmp_path, Driver((gpu,))), "--", *SLEEP)
    assert done.returncode == 0, done.stderr
    seconds = (found["window"]["end"] - found["window"]["begin"]) / 1e9
    assert gpu_of(found)["meter"] == "nvml-power"
    assert gpu_of(found)["joules"] == pytest.approx(350 * seconds, rel=0.01)


def test_a_counter_that_lags_stays_inside_its_bound(tmp_path: Path) -> None:
    """60 ms late, and not probed."""
    environment = nvml.install(tmp_path, Driver((Gpu(SQUARE, lag=0.06),)))
    done, found = measured(environment, "--", sys.executable, "-c", "import time; time.sleep(1.5)")
    assert done.returncode == 0, done.stderr
    truth = SQUARE.joules(found["window"]["begin"], found["window"]["end"])
    assert abs(gpu_of(found)["joules"] - truth) <= gpu_of(found)["bound"]
    assert "not probed" in " ".join(note["message"] for note in found["notes"])


def test_what_is_estimated_never_stands_in_one_sum_with_what_is_measured(tmp_path: Path) -> None:
    environment = nvml.install(tmp_path, Driver((Gpu(trace.constant(300.0)),))) | {"CUDA_VISIBLE_DEVICES": "0"}
    done = support.wattstar_command(
        "measure", "--", sys.executable, "-c", "import time; time.sleep(2)", env=environment
    )
    measured_part, _, estimated_part = done.stderr.partition("estimated, not measured:")
    assert "measured: " in measured_part
    assert "gpu:0" in measured_part
    assert "its sensor ± 5%" in measured_part
    assert "cpu:0" not in measured_part
    assert "cpu:0" in estimated_part
    assert "range, not 95 %" in estimated_part
    alone = support.wattstar_command("measure", "--require-measured", "--", *SLEEP, env=environment)
    assert "estimate" not in alone.stderr


def test_windows_of_a_long_life_do_not_pile_up(tmp_path: Path) -> None:
    """What lies before all open windows is forgotten, also while none is open; an open one loses nothing."""
    environment = nvml.install(tmp_path, Driver((Gpu(trace.constant(300.0), step_period=0.02),)))
    text = """
import time
from wattstar import measure
from wattstar.measuring.measure import _own_meters
with measure() as outer:
    for _ in range(3):
        with measure() as inner:
            time.sleep(0.3)
    print(inner.joules / inner.seconds, max(len(line.times) for line in _own_meters().sampler.timelines()) > 40)
print(outer.joules / outer.seconds, outer.seconds > 0.9)
time.sleep(2.5)
print(max(len(line.times) for line in _own_meters().sampler.timelines()))
"""
    done = support.python(text, env={"CUDA_VISIBLE_DEVICES": "0", **environment})
    assert done.returncode == 0, done.stderr
    (inner, grown), (outer, whole), (left,) = (line.split() for line in done.stdout.splitlines())
    assert (float(inner), float(outer)) == (pytest.approx(300, rel=0.03), pytest.approx(300, rel=0.02))
    assert (grown, whole) == ("True", "True")
    assert int(left) < 90, "2.5 s are 125 steps"


def test_the_exit_code_and_the_output_are_those_of_the_command() -> None:
    done = support.wattstar_command("measure", "--meter", "estimate", "--", "sh", "-c", "echo out; exit 7")
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "modelled by estimate" in done.stderr


def test_a_command_begins_however_many_files_are_open() -> None:
    text = """
import os
files = [os.open(os.devnull, os.O_RDONLY) for _ in range(12)]
from wattstar.measuring.measure import measure_command
print(measure_command(["sh", "-c", "exit 7"], ["estimate"]).exit_code)
"""
    done = support.python(text)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_a_command_that_is_ended_by_ctrl_c_is_measured_to_its_end() -> None:
    """As a server is."""
    text = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.3), sys.exit(9)))
print("here", flush=True)
time.sleep(60)
"""
    words = [*support.WATTSTAR, "measure", "--meter", "estimate", "--", sys.executable, "-c", text]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 9
    assert "modelled by estimate" in errors


def test_an_exit_code_is_kept_where_nobody_collects_children() -> None:
    """Some who start us ignore SIGCHLD, and that is inherited."""
    text = f"""
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv({support.WATTSTAR[0]!r}, {[*support.WATTSTAR, "measure", "--meter", "estimate", "--", "sh", "-c", "exit 7"]!r})
"""
    done = support.python(text)
    assert done.returncode == 7, done.stderr


def test_a_command_gets_our_standard_input() -> None:
    words = [*support.WATTSTAR, "measure", "--meter", "estimate", "--", "cat"]
    done = subprocess.run(words, input="in\n", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "in\n")


def test_a_command_that_is_not_there_ends_like_in_a_shell() -> None:
    done = support.wattstar_command("measure", "--meter", "estimate", "--", "no-such-command-at-all")
    assert done.returncode == 127


def test_where_only_an_estimate_is_to_be_had_a_measurement_is_refused() -> None:
    done = support.wattstar_command("measure", "--require-measured", "--meter", "estimate", "--", "true")
    assert done.returncode == 3
    assert "only be estimated" in done.stderr


def test_a_block_and_a_function_are_measured() -> None:
    text = """
import wattstar
from wattstar import measure, measured

def burn():
    return sum(range(20_000_000))

with measure() as window:
    burn()
print(window.estimated_joules > 0, {str(part.method) for part in window.energy}, window.seconds > 0)
result, taken = measured(burn)()
print(result == sum(range(20_000_000)), taken.estimated_joules > 0)
try:
    window.joules
except wattstar.WattstarError as error:
    print(error)
"""
    done = support.python(text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "True {'modelled'} True",
        "True True",
        "Nothing was measured, energy could only be estimated.",
    ]


def test_what_works_after_it_has_returned_is_refused_and_so_is_an_open_window() -> None:
    text = """
import wattstar
from wattstar import measure, measured

async def later():
    pass

def bit_by_bit():
    yield

for function in (later, bit_by_bit):
    try:
        measured(function)
    except wattstar.WattstarError as error:
        print(error)
with measure() as window:
    for name in ("joules", "estimated_joules", "seconds"):
        try:
            getattr(window, name)
        except wattstar.WattstarError as error:
            print(error)
"""
    done = support.python(text)
    assert done.returncode == 0, done.stderr
    works = "does its work when it is awaited or iterated over, not when it is called."
    open_window = ["The window has not ended yet."] * 3
    assert done.stdout.splitlines() == [f"later {works}", f"bit_by_bit {works}", *open_window]


def test_a_forked_child_measures_with_meters_of_its_own() -> None:
    """The sampling thread does not live in the child; a block that a child leaves is the parent's alone."""
    text = """
import os, wattstar
from wattstar import measure

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(7)
        except wattstar.WattstarError as error:
            print(error, flush=True)
            os._exit(8)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def measuring():
    with measure() as window:
        sum(range(10_000_000))
    assert window.estimated_joules > 0

measuring()
print(child(measuring), flush=True)
block = measure()
with block as window:
    print(child(lambda: block.__exit__(None, None, None)), flush=True)
print(window.estimated_joules > 0)
"""
    done = support.python(text)
    assert done.returncode == 0, done.stderr
    fork = "The block that is measured was entered in another process, before a fork."
    assert done.stdout.splitlines() == ["7", fork, "8", "True"]


def test_what_a_block_raises_comes_before_what_its_meters_raise_and_they_are_opened_anew(tmp_path: Path) -> None:
    """The driver is loaded anew in the middle of the first block."""
    text = f"""
import time, wattstar
from dataclasses import replace
from pathlib import Path
from tests.simulators import nvml, trace
from tests.simulators.nvml import Driver, Gpu
from wattstar import measure

gpu = Gpu(trace.constant(300.0), step_period=0.02)
nvml.write(Path({str(tmp_path)!r}), Driver((gpu,)))
for block in range(3):
    try:
        with measure() as window:
            if block < 2:
                nvml.write(Path({str(tmp_path)!r}), Driver((replace(gpu, reset_at=time.monotonic_ns()),)))
            time.sleep(0.5)
            if block == 0:
                raise ValueError("of the block")
        print(round(window.joules / window.seconds / 10))
    except (ValueError, wattstar.WattstarError) as error:
        print(error)
"""
    environment = nvml.install(tmp_path, Driver((Gpu(trace.constant(300.0), step_period=0.02),)))
    root = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = support.python(text, env={"CUDA_VISIBLE_DEVICES": "0", **root, **environment})
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "of the block"
    assert "the driver was loaded anew" in second
    assert third == "30"


def test_threads_that_measure_at_once_share_the_meters() -> None:
    text = """
import threading
from wattstar import measure

def work():
    with measure() as window:
        sum(range(3_000_000))
    assert window.estimated_joules > 0

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print([thread.name for thread in threading.enumerate()].count("meters"))
"""
    done = support.python(text)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_a_meter_that_cannot_be_opened_keeps_nobody_waiting_and_starts_nothing(tmp_path: Path) -> None:
    started = tmp_path / "started"
    words = ("measure", "--meter", "command=echo nonsense", "--", "touch", str(started))
    done = support.wattstar_command(*words, timeout=30)
    assert done.returncode == 3
    assert "nonsense" in done.stderr
    assert not started.exists()


def test_a_domain_that_was_read_from_the_middle_on_is_not_left_out_of_the_sum() -> None:
    """As a counter that steps every half minute, and had not stepped when the window began."""
    script = "i=0; while echo cpu:0 200 W; do i=$((i + 1)); [ $i -gt 8 ] && echo gpu:0 500 W; sleep 0.1; done"
    done, found = measured({}, "--meter", f"command=sh -c '{script}'", "--", "sleep", "2")
    assert (done.returncode, found) == (3, None)
    assert "gpu:0" in done.stderr


def test_any_program_is_a_meter_of_the_whole_system() -> None:
    words = ("--meter", "command=sh -c 'while echo 200 W; do sleep 0.1; done'", "--meter", "estimate")
    done, found = measured({}, *words, "--", "sleep", "1.5")
    assert done.returncode == 0, done.stderr
    reading = gpu_of(found, "system")
    assert reading["joules"] == pytest.approx(200 * 1.5, rel=0.1)
    assert (reading["method"], reading["meter"].partition("=")[0]) == ("sampled", "command")
