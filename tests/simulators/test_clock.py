"""The quick clock: what shows it, what waits by it, and what stays real."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import clock, compiler, nvml, powercap
from tests.simulators import trace as traces
from tests.simulators.clock import Clock

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)

FACTOR = 50
SECOND = 1_000_000_000

WAYS = """
import ctypes, json, os, queue, select, threading, time
libc = ctypes.CDLL(None)
pipe, _ = os.pipe()
poll, epoll, held, semaphore = select.poll(), select.epoll(), threading.Lock(), ctypes.create_string_buffer(64)
poll.register(pipe, select.POLLIN), epoll.register(pipe, select.EPOLLIN), held.acquire(), libc.sem_init(semaphore, 0, 0)
class Time(ctypes.Structure): _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]
def get(seconds):
    try: queue.Queue().get(timeout=seconds)
    except queue.Empty: pass
def until(seconds): return ctypes.byref(Time(int(time.time() + seconds), int((time.time() + seconds) % 1 * 1e9)))
ways = {
    "time.sleep": time.sleep,
    "threading.Event": lambda seconds: threading.Event().wait(seconds),
    "threading.Condition": lambda seconds: (c := threading.Condition()).acquire() and c.wait(seconds),
    "threading.Lock": lambda seconds: held.acquire(timeout=seconds),
    "queue.Queue": get,
    "select": lambda seconds: select.select([pipe], [], [], seconds),
    "poll": lambda seconds: poll.poll(seconds * 1000),
    "epoll": epoll.poll,
    "nanosleep": lambda seconds: libc.nanosleep(ctypes.byref(Time(seconds, 0)), None),
    "usleep": lambda seconds: [libc.usleep(500_000) for _ in range(2 * seconds)],
    "sem_timedwait, CLOCK_REALTIME": lambda seconds: libc.sem_timedwait(semaphore, until(seconds)),
}
def timed(wait):
    began, real = time.monotonic(), time.time()
    wait(3)
    return time.monotonic() - began, time.time() - real
"""


def inside(text: str, environment: Mapping[str, str] | None = None, made: Clock | None = None) -> Any:
    """What a script prints as JSON in a process with a quick clock, by default far ahead of the real one."""
    made = made or Clock(FACTOR, time.monotonic_ns() - 100 * SECOND)
    result = support.python(text, env=clock.install(made, environment or {}))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_every_wait_lasts_as_long_as_asked_on_the_quick_clock_and_less_on_the_real_one() -> None:
    """3 s of the quick clock are 60 ms; a noisy machine may make a second of that."""
    for way, (seconds, real) in inside(f"{WAYS}\nprint(json.dumps({{n: timed(w) for n, w in ways.items()}}))").items():
        assert seconds >= 2.99, way
        assert real < 1.5, way


def test_all_processes_see_the_same_time() -> None:
    made = Clock(FACTOR)
    ask = "import time; print(time.monotonic_ns())"
    began = time.monotonic_ns()
    own, child = inside(
        f"import json, subprocess, sys, time\n"
        f"print(json.dumps([time.monotonic_ns(), int(subprocess.check_output([sys.executable, '-c', {ask!r}]))]))",
        made=made,
    )
    assert made.shown(began) < own < child < made.shown(time.monotonic_ns())


def test_both_directions_agree() -> None:
    made = Clock(7, origin=1000)
    assert [made.shown(moment) for moment in (0, 1000, 1001, 1010)] == [0, 1000, 1007, 1070]
    for shown in (0, 1000, 1001, 1007, 1008, 99_999):
        assert made.shown(made.moment(shown) - 1) < shown <= made.shown(made.moment(shown))


def test_it_runs_as_fast_as_the_real_one_until_its_origin() -> None:
    made = Clock(FACTOR, origin=time.monotonic_ns() + 3600 * SECOND)
    began = time.monotonic_ns()
    shown, slept = inside(
        "import json, time\nbegan = time.monotonic_ns(); time.sleep(0.05)\n"
        "print(json.dumps([began, time.monotonic_ns() - began]))",
        made=made,
    )
    assert began < shown < time.monotonic_ns()
    assert slept >= 50_000_000


def test_cpu_time_and_the_time_of_day_stay_real() -> None:
    began = time.time()
    quick, cpu, day = inside("""
import json, time
began = time.monotonic()
while time.process_time() < 0.2: pass
print(json.dumps([time.monotonic() - began, time.process_time(), time.time()]))
""")
    assert quick > FACTOR * 0.05, "the start-up takes a part of the CPU time"
    assert cpu < 5
    assert began < day < time.time()


def test_a_wait_can_be_ended_before_its_time() -> None:
    text = """
import json, threading, time
event, began = threading.Event(), time.monotonic()
threading.Timer(1, event.set).start()
print(json.dumps([event.wait(3000), time.monotonic() - began]))
"""
    happened, seconds = inside(text)
    assert happened
    assert 1 <= seconds < 2900


def test_a_busy_thread_lets_others_have_the_interpreter() -> None:
    text = """
import json, threading, time
seen = []
def work():
    time.sleep(1)
    seen.append(1)
threading.Thread(target=work).start()
while not seen: pass
print(json.dumps(seen))
"""
    assert inside(text) == [1]


def test_simulated_sensors_see_it_too(tmp_path: Path) -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    load, made = traces.constant(100.0), Clock(FACTOR)
    gpu = nvml.Gpu(load, step_period=0.0)
    package = powercap.Zone("package-0", load, refresh=0.0)
    environment = {**nvml.install(tmp_path / "gpu", nvml.Driver((gpu,)))}
    environment |= powercap.install(tmp_path / "cpu", [package])
    rows = inside(
        """
import json, pynvml, time
from pathlib import Path
pynvml.nvmlInit()
gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
def row():
    began = time.monotonic_ns()
    joules = pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3
    raw = int(Path("/sys/class/powercap/intel-rapl:0/energy_uj").read_text())
    return began, time.monotonic_ns(), joules, raw
first = row()
time.sleep(60)
print(json.dumps([first, row()]))
""",
        environment,
        made,
    )
    for began, ended, joules, raw in rows:
        assert (began - gpu.loaded) / 1e7 - 1e-3 <= joules <= (ended - gpu.loaded) / 1e7
        assert package.microjoules(began) <= raw <= package.microjoules(ended)
    assert rows[1][2] - rows[0][2] >= 6000, "60 s of 100 W"


def test_what_is_no_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="at least as fast"):
        Clock(0)
    words = {**os.environ, **clock.install(Clock(1), {}), "WATTSTAR_CLOCK_SIMULATOR": "now 1"}
    result = support.python("print()", env=words)
    assert result.returncode != 0
    assert "not a clock" in result.stderr
