"""A processor is known by its exact name or not at all, and a container's share of it bounds what is estimated."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from wattstar.meters._processor import TABLE, cpu_quota, processor_name, specification, specifications, usable_cpus

# As /proc/cpuinfo says them.
NAMES = {
    "AMD EPYC 7763 64-Core Processor": "EPYC 7763",
    "AMD EPYC 9654 96-Core Processor": "EPYC 9654",
    "AMD EPYC 7713P 64-Core Processor": "EPYC 7713P",
    "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz": "Xeon E5-2690 v4",
    "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz": "Xeon E5-2680 v3",
    "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz": "Xeon Gold 6248",
    "Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz": "Xeon Gold 6248R",
    "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz": "Xeon Platinum 8380",
    "Intel(R) Xeon(R) Platinum 8480+": "Xeon Platinum 8480+",
    "INTEL(R) XEON(R) PLATINUM 8592+": "Xeon Platinum 8592+",
    "Intel(R) Xeon(R) 6980P": "Xeon 6980P",
    "Intel(R) Xeon(R) W-2145 CPU @ 3.70GHz": "Xeon W-2145",
    "Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz": "Core i7-8700K",
    "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz": "Core i7-8700",
    "12th Gen Intel(R) Core(TM) i9-12900K": "Core i9-12900K",
    "AMD Ryzen 7 1700 Eight-Core Processor": "Ryzen 7 1700",
    "AMD Ryzen 7 1700X Eight-Core Processor": "Ryzen 7 1700X",
    "AMD Ryzen 9 5950X 16-Core Processor": "Ryzen 9 5950X",
    "AMD Ryzen 7 5800H with Radeon Graphics": "Ryzen 7 5800H",
    "AMD Ryzen 9 7950X3D 16-Core Processor": "Ryzen 9 7950X3D",
    "AMD Ryzen Threadripper PRO 5995WX 64-Cores": "Ryzen Threadripper PRO 5995WX",
}
# Near to a row, in the cloud, or something else.
STRANGERS = [
    "AMD EPYC",
    "AMD EPYC Processor",
    "AMD EPYC-Milan Processor",
    "AMD EPYC 7302P 16-Core Processor",
    "AMD EPYC 7R13 Processor",
    "AMD EPYC 7B12",
    "AMD EPYC 77634 64-Core Processor",
    "Intel(R) Xeon(R) Processor @ 2.60GHz",
    "Intel(R) Xeon(R) CPU @ 2.20GHz",
    "Intel(R) Xeon(R) CPU E5-2690 v2 @ 3.00GHz",
    "Intel(R) Xeon(R) CPU E5-2690 0 @ 2.90GHz",
    "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz",
    "Intel(R) Xeon(R) Platinum 8480C",
    "Intel(R) Core(TM) i7-8700T CPU @ 2.40GHz",
    "13th Gen Intel(R) Core(TM) i9-13900K",
    "AMD Ryzen 7 PRO 1700 Eight-Core Processor",
    "Apple M2 Max",
    "CPU implementer 0x41 part 0xd0c",
    "x86_64",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_processor_is_found_by_the_name_it_gives_itself(name: str) -> None:
    found = specification(name)
    assert found is not None
    assert found.name == NAMES[name]


@pytest.mark.parametrize("name", STRANGERS)
def test_a_like_name_is_another_processor(name: str) -> None:
    assert specification(name) is None


def test_no_two_rows_match_one_name() -> None:
    rows = specifications()
    assert [specification(row.name) for row in rows] == list(rows)
    assert [specification(row.name) for row in reversed(rows)] == list(reversed(rows))
    assert len({row.name.lower() for row in rows}) == len(rows)


def test_every_row_is_complete_and_says_who_says_so() -> None:
    rows = specifications()
    assert len(rows) > 100
    for row in rows:
        assert 10 <= row.watts <= 500, row
        assert 2 <= row.cores <= 192, row
        assert 1 < row.watts_per_core < 25, row
        assert row.source.startswith("AMD " if row.name.startswith(("EPYC", "Ryzen")) else "Intel ARK"), row
    with TABLE.open("rb") as file:
        assert all(series["cross_checked"] for series in tomllib.load(file)["series"])


def test_the_name_is_that_of_cpuinfo_or_on_arm_the_numbers_of_maker_and_core(tmp_path: Path) -> None:
    intel, arm = tmp_path / "intel", tmp_path / "arm"
    intel.write_text("processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz\n")
    arm.write_text("processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n")
    assert processor_name(intel) == "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz"
    assert processor_name(arm) == "CPU implementer 0x41 part 0xd0c"
    assert processor_name(tmp_path / "none")


class Groups:
    """Control groups as files, and one process in them."""

    def __init__(self, folder: Path, line: str) -> None:
        self.proc, self.cgroups = folder / "proc", folder / "cgroup"
        (self.proc / "7").mkdir(parents=True)
        (self.proc / "7" / "cgroup").write_text(line)
        self.cgroups.mkdir()

    def write(self, file: str, text: str) -> None:
        path = self.cgroups / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    @property
    def quota(self) -> float | None:
        return cpu_quota(7, self.proc, self.cgroups)


def test_the_quota_of_a_v2_group_is_read(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "0::/user.slice/job.scope\n")
    assert groups.quota is None
    groups.write("user.slice/job.scope/cpu.max", "max 100000")
    assert groups.quota is None
    groups.write("user.slice/job.scope/cpu.max", "250000 100000")
    assert groups.quota == 2.5
    groups.write("user.slice/cpu.max", "150000 100000")
    assert groups.quota == 1.5, "a group above bounds those in it"


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct"])
def test_the_quota_of_a_v1_group_is_read(tmp_path: Path, controllers: str) -> None:
    groups = Groups(tmp_path, f"9:cpuset:/other\n4:{controllers}:/docker/abc\n0::/\n")
    groups.write(f"{controllers}/docker/abc/cpu.cfs_period_us", "100000")
    groups.write(f"{controllers}/docker/abc/cpu.cfs_quota_us", "-1")
    assert groups.quota is None
    groups.write(f"{controllers}/docker/abc/cpu.cfs_quota_us", "50000")
    assert groups.quota == 0.5


@pytest.mark.parametrize("path", ["/docker/abc", "/../other", "/"])
def test_in_a_container_the_root_is_its_own_group(tmp_path: Path, path: str) -> None:
    v2 = Groups(tmp_path / "two", f"0::{path}\n")
    v2.write("cpu.max", "400000 100000")
    assert v2.quota == 4
    v1 = Groups(tmp_path / "one", f"4:cpu,cpuacct:{path}\n0::/\n")
    v1.write("cpu/cpu.cfs_period_us", "100000")
    v1.write("cpu/cpu.cfs_quota_us", "300000")
    assert v1.quota == 3


def test_the_quota_of_a_group_outside_the_container_is_not_taken_for_its_own(tmp_path: Path) -> None:
    groups = Groups(tmp_path, "0::/../other\n")
    groups.write("../other/cpu.max", "100000 100000")
    assert groups.quota is None


def test_a_process_can_use_no_more_cpus_than_there_are() -> None:
    cpus = usable_cpus(os.getpid())
    assert cpus is not None
    assert 0 < cpus <= (os.cpu_count() or 0)
