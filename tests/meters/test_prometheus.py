"""The counters of a metrics page: which series are counters of what, and what is none."""

from __future__ import annotations

import os
import time

import pytest

from tests.simulators import trace
from tests.simulators.server import Answer, serving
from tests.support import python, wait_for
from wattstar.errors import MeterUnavailable
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.meters import _lines, _web, prometheus
from wattstar.types import Level, Method, Scope, Window

pytest.importorskip("prometheus_client", reason="the parser is not installed: pip install prometheus-client")

# As DCGM exporter 4.5 writes it (internal/pkg/rendermetrics/render_metrics.go), and Kepler 0.11.
DCGM = """# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",pci_bus_id="00:1",device="nvidia0",modelName="H100"} 120.5
# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Total energy consumption since boot (in mJ).
# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-a",pci_bus_id="00:1",device="nvidia0",modelName="H100"} 1500250
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="1",UUID="GPU-b",pci_bus_id="00:2",device="nvidia1",modelName="H100"} 7e6
"""
KEPLER = """# TYPE kepler_node_cpu_joules_total counter
kepler_node_cpu_joules_total{node_name="n",path="/sys/class/powercap/intel-rapl:0",zone="package"} 100.5
kepler_node_cpu_joules_total{node_name="n",path="/sys/class/powercap/intel-rapl:0:0",zone="core"} 60
kepler_node_cpu_joules_total{node_name="n",path="/sys/class/powercap/intel-rapl:0:1",zone="dram"} 20.25
kepler_node_cpu_joules_total{node_name="n",path="/sys/class/powercap/intel-rapl:1",zone="psys"} 300
# TYPE kepler_node_cpu_active_joules_total counter
kepler_node_cpu_active_joules_total{node_name="n",path="/sys/class/powercap/intel-rapl:0",zone="package"} 44
# TYPE kepler_node_gpu_joules_total counter
kepler_node_gpu_joules_total{gpu="3",gpu_name="H100",gpu_uuid="GPU-a",node_name="n",vendor="nvidia"} 1.5e+06
"""
PAGE = "http://host/metrics"


def joules(text: str) -> dict[str, float]:
    found = prometheus.values(text, PAGE)
    assert {value.unit for value in found} <= {"J"}
    return {value.domain: value.number for value in found}


def series(gpu: str = "0", value: str = "1", more: str = "") -> str:
    return f'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu="{gpu}",UUID="GPU-{gpu}"{more}}} {value}\n'


def zone(path: str, value: float, name: str = "package", node: str = "n") -> str:
    return f'kepler_node_cpu_joules_total{{node_name="{node}",path="{path}",zone="{name}"}} {value}\n'


def scope(address: str) -> Scope:
    return Scope(os.getpid(), "cpu", "/nowhere", address)


def test_it_is_asked_for_and_a_counter() -> None:
    assert prometheus.affinity().level is Level.ASKED
    assert prometheus.method is Method.COUNTER


def test_a_dcgm_exporter_counts_millijoules_of_each_gpu() -> None:
    assert joules(DCGM) == {"gpu:0": 1500.25, "gpu:1": 7000.0}


def test_kepler_counts_joules_of_packages_memory_and_gpus_and_overlapping_zones_are_left_out() -> None:
    assert joules(KEPLER) == {"cpu:0": 100.5, "dram:0": 20.25, "gpu:3": 1.5e6}


def test_sockets_that_kepler_keeps_apart_are_apart() -> None:
    assert joules(zone("/sys/b", 2) + zone("/sys/a", 1)) == {"cpu:0": 1.0, "cpu:1": 2.0}
    assert joules(zone("aggregated-package", 3)) == {"cpu:0": 3.0}


def test_a_gpu_that_pods_share_is_counted_once() -> None:
    text = series(value="5000", more=',pod="a"') + series(value="5000", more=',pod="b"')
    assert joules(text) == {"gpu:0": 5.0}


@pytest.mark.parametrize("blank", ["9223372036854775794", "NaN", "-1"])
def test_what_dcgm_does_not_know_is_left_out_and_never_0(blank: str) -> None:
    assert joules(series(value="5000") + series("1", blank)) == {"gpu:0": 5.0}


HWMON = zone("/sys/class/hwmon/hwmon3/power1_average", 5)
FAKE = zone("/sys/class/powercap/intel-rapl/energy_package", 5)
OLD = 'kepler_node_package_joules_total{instance="n",mode="dynamic",package="0",source="trained_power_model"} 5\n'
WRONG = [
    (
        "",
        "no energy counter that is known: no DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION, kepler_node_gpu_joules",
        "9400/metrics",
    ),
    ("<html>hello</html>", 'kepler_node_cpu_joules_total{zone="dram"}', "28282/metrics"),
    ('DCGM_FI_DEV_POWER_USAGE{gpu="0"} 5\n', "no energy counter", "--collect-interval"),
    (series(value="9223372036854775794"), "no energy counter", "9400"),
    (HWMON, "no energy counter", "Kepler 0.10"),
    (FAKE, "no energy counter", "Kepler 0.10"),
    (OLD, "a Kepler before 0.10, whose joules may be modelled", "upgrade"),
    (series(more=',GPU_I_PROFILE="1g.10gb",GPU_I_ID="7"'), "gpu:0 is cut into MIG slices", "-mig 0"),
    (series(more=',Hostname="a"') + series("1", more=',Hostname="b"'), "several machines: a, b", "one machine's"),
    (zone("/sys/a", 1, node="a") + zone("/sys/b", 1, node="b"), "several machines: a, b", "one machine's"),
    (series() + series().replace("GPU-0", "GPU-9"), "two devices that are gpu:0: GPU-0 and GPU-9", "one exporter"),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=0} 5\n", "a line that cannot be read", "curl"),
    ('DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} many\n', "a line that cannot be read", "curl"),
]


@pytest.mark.parametrize(("text", "message", "cure"), WRONG)
def test_a_page_without_counters_or_with_ambiguous_ones_is_refused_with_the_cure(
    text: str, message: str, cure: str
) -> None:
    said = pytest.raises(MeterUnavailable)
    with serving(lambda _: Answer(text)) as server, said as error, prometheus.reader(scope(server.address)):
        pass
    assert message in error.value.message
    assert server.address in error.value.message or "MIG" in message
    assert cure in " ".join(error.value.cures)


def test_a_page_that_cannot_be_had_is_said_with_the_cure() -> None:
    with serving(lambda _: Answer("", 404)) as server:
        said = pytest.raises(MeterUnavailable, match=r"it answered 404")
        with said as error, prometheus.reader(scope(server.address)):
            pass
    assert "curl" in error.value.cures[0]


def test_the_energy_of_a_window_is_right_within_its_bound() -> None:
    """Through the real sampler: the exporter renews its total every 0.3 s, and between that it stands still."""
    truth = trace.sine(100.0, 300.0, 1.7)

    def answer(_: str) -> Answer:
        renewed = time.monotonic_ns() // 300_000_000 * 300_000_000
        return Answer(series(value=str(int(1e9 + 1e3 * truth.joules(truth.origin, renewed)))))

    with serving(answer) as server, Sampler({f"prometheus={server.address}": prometheus}, scope("")) as sampler:
        sampler.ready(20.0)
        begin = time.monotonic_ns()
        time.sleep(1.5)
        end = time.monotonic_ns()
        assert sampler.cover(end, patience=20.0) == ()
        [line] = sampler.timelines()
    assert (line.domain, line.method) == ("gpu:0", Method.COUNTER)
    assert all(gap >= 0.9 * prometheus.PERIOD_SECONDS * 1e9 for gap in line.gaps)
    reading = Domain(line).reading([Window(begin, end)])
    assert reading is not None
    assert abs(reading.joules - truth.joules(begin, end)) <= reading.bound
    assert reading.joules == pytest.approx(truth.joules(begin, end), rel=0.3)


def watch(answers: list[Answer], last: Answer, silence: float = 10.0) -> None:
    """Ask every 20 ms until the GPU's total is 9 J; raises what the meter does."""
    rest = iter(answers)
    with serving(lambda _: next(rest, last)) as server:
        feed = _lines.Feed("The page", _web.ASK_BY_HAND, silence)
        with _web.polled(server.address, lambda text: prometheus.values(text, server.address), feed, 0.02):
            wait_for(lambda: feed.read()["gpu:0"][1] == 9.0, "the last answer")


def test_a_scrape_that_fails_is_forgiven() -> None:
    watch([Answer(series(value="5000")), Answer("", 503), Answer("", 500)], Answer(series(value="9000")))


def test_scrapes_that_fail_too_long_are_an_error_with_the_reason() -> None:
    with pytest.raises(MeterUnavailable, match=r"nothing was said for 0\.3 s\. it answered 503"):
        watch([Answer(series(value="5000"))], Answer("", 503), silence=0.3)


def test_a_counter_that_begins_anew_is_an_error() -> None:
    with pytest.raises(MeterUnavailable, match=r"the total of gpu:0 went back from 5\.0 to 4\.999 J") as error:
        watch([Answer(series(value="5000"))], Answer(series(value="4999")))
    assert "measure again" in error.value.cures[0]


def test_without_the_parser_the_cure_is_the_pip_line() -> None:
    """The package is hidden by a name that cannot be imported."""
    text = """
import sys
sys.modules["prometheus_client"] = None
from wattstar.errors import MeterUnavailable
from wattstar.meters import prometheus
from wattstar.types import Scope
print(prometheus.affinity())
try:
    with prometheus.reader(Scope(1, "cpu", "", "http://127.0.0.1:1/metrics")): pass
except MeterUnavailable as error:
    print(error.cures)
"""
    done = python(text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install prometheus-client") == 2
    assert "Level.ABSENT" in done.stdout
