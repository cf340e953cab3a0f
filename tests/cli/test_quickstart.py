"""The quickstart's plan, cut short: what a stranger types first serves all ten tasks."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.support import records, wattstar_command
from wattstar import models, registry
from wattstar.measuring.phases import phases_of
from wattstar.types import Approach, Severity, Status, Weights

SHORT = ("--samples", 2, "--passes", 1, "--idle-seconds", 0, "--pass-seconds", 0, "--warm-up-seconds", 1,
         "--meter", "estimate")  # fmt: skip
PACKAGED = ("HuggingFaceTB/SmolLM2-135M-Instruct", "sentence-transformers/all-MiniLM-L6-v2")


@pytest.mark.skipif(
    any(not models.installed(models.catalogue()[id]) for id in PACKAGED),
    reason="the packages with the quickstart's weights and tokenizers are not installed: make quickstart",
)
def test_every_task_is_served_by_two_models_and_leaves_whole_records(tmp_path: Path) -> None:
    done = wattstar_command("run", "--plan", "quickstart", *SHORT, "-o", tmp_path, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    by_task = defaultdict(list)
    for record in records(tmp_path):
        by_task[record.job.task].append(record)
        assert record.status is Status.COMPLETE
        assert not [finding for finding in record.findings if finding.severity is Severity.INVALID]
        assert record.quality is None or record.job.model.weights is Weights.PRETRAINED
        [counted] = record.passes
        assert counted.queries == 2
        assert {each.name for each in record.phases} <= {"gap", *(phase.name for phase in phases_of(record.job))}
    assert set(by_task) == set(registry.plug_ins("tasks"))
    few = {task: [record.job.model.id for record in found] for task, found in by_task.items() if len(found) < 2}
    skipped = [line for line in done.stderr.splitlines() if "skipped" in line]
    assert not few or skipped, few
    assert any(record.job.model.approach is Approach.ZERO_SHOT for record in by_task["summarization"])
