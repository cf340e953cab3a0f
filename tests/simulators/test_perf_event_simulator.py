"""The simulated PMU against the closed form of its traces and the rules of the kernel, by bare system calls."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulators import compiler, perf_event
from tests.simulators import trace as traces
from tests.simulators.powercap import Zone
from tests.simulators.powercap_process import BUSY, LATER, PRELUDE, about_to_wrap, printed

pytestmark = [
    pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the test makes system calls by x86-64's number"),
]

PACKAGE = Zone("package-0", BUSY, (Zone("dram", traces.ramp(5, 30, 0.2), unit=15300),))
OPEN = f"""{PRELUDE}
import ctypes, errno, struct
library = ctypes.CDLL(None, use_errno=True)
def opened(type={perf_event.TYPE}, size=64, config=2, period=0, read_format=0, flags=0, pid=-1, cpu=0, cloexec=8):
    attributes = struct.pack("=IIQQQQQIIQ", type, size, config, period, 0, read_format, flags, 0, 0, 0)
    numbers = [ctypes.c_long(number) for number in (pid, cpu, -1, cloexec)]
    file = library.syscall(ctypes.c_long(298), attributes, *numbers)
    return file if file >= 0 else errno.errorcode[ctypes.get_errno()]
def row(file):
    before = time.monotonic_ns()
    count = int.from_bytes(os.read(file, 8), "little")
    return before, time.monotonic_ns(), count
"""


def inside(folder: Path, packages: Sequence[Zone], expression: str, before: str = "") -> Any:
    """The value of an expression in a process that sees this PMU."""
    return printed(f"{OPEN}\n{before}\nprint(json.dumps({expression}))", perf_event.install(folder, packages))


def test_each_read_shows_what_was_drawn_since_the_event_was_opened(tmp_path: Path) -> None:
    before = """
begin = time.monotonic_ns()
files = {name: opened(config=config) for name, config in (("pkg", 2), ("ram", 3))}
end = time.monotonic_ns()
rows = {name: [] for name in files}
until = time.monotonic() + 0.2
while time.monotonic() < until:
    for name, file in files.items(): rows[name].append(row(file))
    time.sleep(0.002)
"""
    begin, end, rows = inside(tmp_path, [PACKAGE], "[begin, end, rows]", before)
    for name, zone in (("pkg", PACKAGE), ("ram", PACKAGE.parts[0])):
        assert len({count for _, _, count in rows[name]}) > 20
        refresh, unit = round(zone.refresh * 1e9), zone.unit / 1e9
        for early, late, count in rows[name]:
            joules = math.ldexp(count, -32)
            assert isinstance(zone.trace, traces.Trace)
            assert joules >= zone.trace.joules(end, early - refresh) - unit
            assert joules <= zone.trace.joules(begin - refresh, late) + unit


def test_the_folder_says_what_the_kernel_says(tmp_path: Path) -> None:
    before = """
pmu = Path("/sys/bus/event_source/devices/power")
said = {str(file.relative_to(pmu)): file.read_text() for file in pmu.glob("**/*") if file.is_file()}
cpus = [Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id").read_text() for cpu in (0, 8)]
"""
    packages = [PACKAGE, replace(PACKAGE, name="package-1")]
    said, cpus = inside(tmp_path, packages, "[said, cpus]", before)
    assert (said["type"], said["cpumask"], said["format/event"]) == (f"{perf_event.TYPE}\n", "0,8\n", "config:0-7\n")
    assert (said["events/energy-pkg"], said["events/energy-ram"]) == ("event=0x02\n", "event=0x03\n")
    assert float(said["events/energy-ram.scale"]) == 2.0**-32
    assert cpus == ["0\n", "1\n"]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("size=32", "E2BIG"),
        ("config=0x102", "EINVAL"),
        ("config=9", "EINVAL"),
        ("period=1000", "EINVAL"),
        ("flags=1 << 5", "EINVAL"),
        ("pid=0", "EINVAL"),
        ("cpu=-1", "EINVAL"),
        ("cpu=1000", "EINVAL"),
    ],
)
def test_what_the_kernel_refuses_is_refused(wrong: str, name: str, tmp_path: Path) -> None:
    """Sampling, filters, unknown bits and events, events of a process or of any CPU."""
    assert inside(tmp_path, [PACKAGE], f"opened({wrong})") == name


def test_two_packages_count_for_themselves(tmp_path: Path) -> None:
    packages = [Zone("package-0", traces.constant(100.0)), Zone("package-1", traces.constant(300.0))]
    before = "files = [opened(cpu=0), opened(cpu=8)]; time.sleep(0.1)"
    first, second = inside(tmp_path, packages, "[row(file)[2] for file in files]", before)
    assert second == pytest.approx(3 * first, rel=0.1)
    assert inside(tmp_path / "no", packages, "opened(config=3)") == "EINVAL", "without memory there is no such event"


def test_denied_and_denied_later(tmp_path: Path) -> None:
    denied = replace(PACKAGE, denied_from=0)
    assert inside(tmp_path / "denied", [denied], "[opened(), type(opened(config=3)).__name__]") == ["EACCES", "int"]
    before = "file = opened(); begin_in(0.0)"
    later = inside(
        tmp_path / "later", [replace(PACKAGE, denied_from=LATER)], "[opened(), len(os.read(file, 8))]", before
    )
    assert later == ["EACCES", 8], "an open event goes on"


def test_an_event_does_not_wrap_where_the_hardware_does(tmp_path: Path) -> None:
    load, package = about_to_wrap(tmp_path / "power")
    before = f"""
file = opened()
draw({str(load.path)!r}, {load.origin}, 300.0)
rows = [row(file)]; time.sleep(0.15); rows.append(row(file))
"""
    first, last = inside(tmp_path / "tree", [package], "rows", before)
    assert package.microjoules(last[1]) < package.microjoules(first[0]), "powercap's counter of the same has wrapped"
    assert math.ldexp(last[2] - first[2], -32) == pytest.approx((last[0] - first[0]) / 1e9 * 300, rel=0.05)


def test_a_number_that_is_used_again_is_no_event_any_more_and_other_calls_go_through(tmp_path: Path) -> None:
    before = f"""
file = opened()
short = None
try: os.read(file, 4)
except OSError as error: short = errno.errorcode[error.errno]
inherited = os.get_inheritable(file)
os.close(file)
again = os.open({str(__file__)!r}, os.O_RDONLY)
"""
    expression = "[file == again, os.read(again, 3).decode(), short, inherited, library.syscall(39) == os.getpid()]"
    assert inside(tmp_path, [PACKAGE], expression, before) == [True, '"""', "ENOSPC", False, True]
