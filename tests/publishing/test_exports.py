"""Records in the formats of others: what schemas ask, nothing that is not known, estimates marked, names harmless."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from tests.publishing import boamps
from tests.publishing.making import estimated, invalid, measured, named, stored
from tests.support import command
from wattstar import registry
from wattstar.errors import UnknownName, UsageError
from wattstar.publishing import exports
from wattstar.publishing.exports import Facts, export
from wattstar.publishing.grids import grid
from wattstar.publishing.rows import COLUMNS
from wattstar.rating.populations import Member

SCHEMAS = Path(__file__).parent / "schemas"
MADE = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
FACTS = Facts(MADE, "Us", "third_party", "onPremise", "org/benchmark")
FORMATS = list(exports.helps())
NASTY = [
    '=HYPERLINK("http://x","y")',
    "@SUM(1)",
    "a/model\nwith: a line\r\n- 1",
    "<script>alert(1)</script>",
    "a|b`c`[d](javascript:e) **f** _g_ &lt;",
    "\x1b[31mred\u202eder",
    "': {x: !!python/object:os.system}",
    "../../../etc/passwd",
]


def text_of(name: str, *members: Member, facts: Facts = FACTS) -> str:
    [file] = export(name, members, facts).files
    return file.data.decode()


def json_of(name: str, *members: Member, facts: Facts = FACTS) -> Any:
    return json.loads(text_of(name, *members, facts=facts))


def rows_of(name: str, *members: Member, facts: Facts = FACTS) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(name, *members, facts=facts), newline="")))


# ── every format ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_formats_that_were_promised_are_there() -> None:
    assert set(FORMATS) == {
        "csv", "parquet", "json", "model-index", "eval-results", "model-card", "boamps", "every-eval-ever",
        "emissions-csv", "gpai",
    }  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_a_file_that_says_what_it_is(name: str) -> None:
    made = exports.export_format(name)
    assert 20 < len(exports.helps()[name]) <= 110
    assert made.suffix.startswith(".")
    assert set(made.needs) <= set(vars(FACTS))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("member", [measured(), estimated()], ids=["measured", "estimated"])
def test_the_same_record_gives_the_same_bytes(name: str, member: Member) -> None:
    first, second = (export(name, [member], FACTS).files for _ in range(2))
    assert first == second
    assert first[0].data


SAYS_ESTIMATE: Mapping[str, Callable[[str], bool]] = {
    "csv": lambda text: next(csv.DictReader(io.StringIO(text)))["estimate"] == "True",
    "json": lambda text: bool(json.loads(text)["rows"][0]["estimate"]),
    "model-index": lambda text: "type: estimated_" in text and "estimate: true" in text,
    "eval-results": lambda text: "ESTIMATE" in text,
    "model-card": lambda text: "**estimate**" in text and "| ~" in text,
    "boamps": lambda text: "an estimate" in json.loads(text)["measures"][0]["measurementMethod"],
    "every-eval-ever": lambda text: "wattstar.estimated_" in text and '"estimate": "true"' in text,
    "emissions-csv": lambda text: next(csv.DictReader(io.StringIO(text)))["wattstar_estimate"] == "True",
    "gpai": lambda text: "**An estimate**" in text and "estimated energy" in text,
}


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "parquet"])
def test_an_estimate_is_marked_in_every_format(name: str) -> None:
    """And a measured one is not; Parquet holds the rows of JSON."""
    says = SAYS_ESTIMATE[name]
    assert says(text_of(name, estimated()))
    assert not says(text_of(name, measured()))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("id", NASTY)
def test_a_name_can_do_nothing(name: str, id: str) -> None:
    [file] = export(name, [named(measured(), id)], FACTS).files
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name)
    if name == "parquet":
        return
    text = file.data.decode()
    assert "\x1b" not in text
    assert "\u202e" not in text
    if name in ("model-card", "gpai"):
        assert not re.search(r"(?<!\\)<script", text)
        assert not re.search(r"(?<!\\)\]\(", text)
        assert text.count("\n") == text_of(name, measured()).count("\n"), "a name makes no lines"
    if name in ("model-index", "eval-results"):
        assert yaml.safe_load(text)


@pytest.mark.parametrize("name", FORMATS)
def test_a_record_without_an_energy_never_gets_one(name: str) -> None:
    if exports.export_format(name).figures_only:
        with pytest.raises(UsageError, match="invalid"):
            export(name, [invalid()], FACTS)
        return
    [file] = export(name, [invalid()], FACTS).files
    rows = {
        "csv": lambda: rows_of("csv", invalid()),
        "json": lambda: json_of("json", invalid())["rows"],
        "parquet": lambda: pyarrow.parquet.read_table(io.BytesIO(file.data)).to_pylist(),
    }[name]()
    assert rows[0]["status"] == "invalid"
    energies = [column for column in COLUMNS if "wh_per" in column or "joules" in column]
    assert all(rows[0][column] in (None, "") for column in energies)


def test_what_is_left_out_of_several_is_said() -> None:
    made = export("emissions-csv", [measured(), invalid("b/other")], FACTS)
    assert len(made.files) == 1
    assert len(made.left_out) == 1
    assert "invalid (power)" in made.left_out[0]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("boamps", "infrastructure"),
        ("every-eval-ever", "publisher"),
        ("every-eval-ever", "relationship"),
        ("eval-results", "dataset"),
    ],
)
def test_what_a_format_cannot_do_without_is_asked_for(name: str, fact: str) -> None:
    with pytest.raises(UsageError, match=fact) as caught:
        export(name, [measured()], replace(FACTS, **{fact: None}))
    assert f"--{fact}" in caught.value.cures[0]


def test_another_format_is_suggested_for_a_slip() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'boamps'"):
        export("boamp", [measured()], FACTS)


@pytest.mark.parametrize(("name", "files"), [("csv", 1), ("model-card", 2), ("boamps", 3)])
def test_a_file_holds_what_its_format_has_room_for(name: str, files: int) -> None:
    members = [measured(1.0, "a/one"), measured(2.0, "a/one"), measured(3.0, "b/other")]
    made = export(name, members, FACTS)
    assert len({file.name for file in made.files}) == len(made.files) == files


def test_models_of_one_file_name_do_not_overwrite_each_other() -> None:
    made = export("model-card", [measured(1.0, "a/b"), measured(2.0, "a--b")], FACTS)
    assert len({file.name for file in made.files}) == 2


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_quantity_has_its_unit_in_its_name() -> None:
    spelt = {"Wh per 1,000 queries": "wh_per_1000_queries", "J": "joules_", "s": "seconds_"}
    numbers = {name: column for name, column in COLUMNS.items() if column.kind in ("double", "int64")}
    bare = {name for name, column in numbers.items() if column.unit is None}
    assert bare == {"passes", "samples", "quality_value", "quality_rows", "batch_size"}, "counts and a score"
    for name, column in numbers.items():
        assert column.unit is None or spelt[column.unit] in name


def test_csv_json_and_parquet_hold_the_same_rows() -> None:
    members = [measured(), estimated(), invalid()]
    from_csv, from_json = rows_of("csv", *members), json_of("json", *members)["rows"]
    [file] = export("parquet", members, FACTS).files
    from_parquet = pyarrow.parquet.read_table(io.BytesIO(file.data)).to_pylist()
    assert from_json == from_parquet
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in from_json]
    assert from_csv == as_text
    assert [row["estimate"] for row in from_json] == [False, True, None]


def test_parquet_keeps_its_columns_when_nothing_is_known() -> None:
    """A column of nulls alone has no kind of its own; readers would lose it."""
    [empty] = export("parquet", [invalid()], FACTS).files
    [full] = export("parquet", [measured()], FACTS).files
    schemas = [pyarrow.parquet.read_schema(io.BytesIO(file.data)) for file in (empty, full)]
    assert schemas[0].equals(schemas[1])
    field = schemas[0].field("joules_per_query")
    assert field.metadata[b"unit"] == b"J"


@pytest.mark.parametrize("id", ["=1+1", "+1", "-1", "@x", " =1", "\t=1"])
def test_no_cell_is_a_formula(id: str) -> None:
    for name in ("csv", "emissions-csv"):
        cells = [value for row in rows_of(name, named(measured(), id)) for value in row.values()]
        assert not [value for value in cells if value and value.lstrip()[0] in "=+-@"]


def test_tokens_have_their_price() -> None:
    """10 Wh per 1,000 queries are 36 J a query; 20 tokens in and 5 out of it."""
    [row] = json_of("json", measured())["rows"]
    assert row["joules_per_query"] == pytest.approx(36)
    assert row["joules_per_input_token"] == pytest.approx(1.8)
    assert row["joules_per_output_token"] == pytest.approx(7.2)
    assert row["joules_per_image"] is None
    assert row["seconds_per_1000_queries"] == pytest.approx(20)


# ── of the Hub ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_card_with_the_model_index_is_read_back_by_the_hub() -> None:
    text = text_of("model-index", measured(), facts=replace(FACTS, url="https://example.org/r"))
    card = ModelCard(f"---\n{text}---\n# A model\n")
    energy, accuracy = card.data.eval_results
    assert (energy.metric_type, energy.metric_value) == ("gpu_energy_wh_per_1000_queries", 10.0)
    args = energy.metric_args
    assert (args["interval_low"], args["interval_high"], args["unit"]) == (9.0, 11.0, "Wh per 1,000 queries")
    assert args["hardware"] == "A Card (cuda)"
    assert (accuracy.metric_type, accuracy.metric_value) == ("accuracy", 0.9)
    assert energy.source_url == "https://example.org/r"
    assert "co2" not in text.lower()


def test_an_estimate_in_the_model_index_is_another_metric() -> None:
    name, [energy] = model_index_to_eval_results(yaml.safe_load(text_of("model-index", estimated()))["model-index"])
    assert name == "some/model"
    assert energy.metric_type == "estimated_cpu_dram_energy_wh_per_1000_queries"
    assert energy.metric_args["plausible_high"] == 20.0
    assert energy.metric_name.startswith("Estimated")


def test_eval_results_are_read_back_by_the_hub() -> None:
    [entry] = parse_eval_result_entries(yaml.safe_load(text_of("eval-results", measured())))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("org/benchmark", "text-classification", 10.0)
    assert entry.notes.startswith("Wh per 1,000 queries, lower is better; 95 % 9 … 11;")
    assert entry.source_url is None
    assert entry.verify_token is None


def test_a_card_shows_number_interval_boundary_hardware_quality_and_record() -> None:
    name, record = measured()
    text = text_of("model-card", (name, record))
    for word in ("10.0", "9.00 … 11.0 (95 %)", "gpu, counter", "A Card", "accuracy 0.900", "higher is better", name):
        assert word in text
    assert "range" not in text


def test_a_card_of_an_estimate_never_says_95_of_it() -> None:
    [row] = [line for line in text_of("model-card", estimated()).splitlines() if "~10.0" in line]
    assert "5.00 … 20.0 (range, not 95 %)" in row
    assert "**estimate**" in text_of("model-card", estimated())


# ── of others ────────────────────────────────────────────────────────────────────────────────────────────────────────


MEMBERS = [measured(), estimated(), named(measured(), NASTY[2])]


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("place", [None, "SE", "100", "world"])
def test_boamps_is_what_its_schemas_ask(member: Member, place: str | None) -> None:
    facts = replace(FACTS, grid=grid(place) if place else None)
    report = json_of("boamps", member, facts=facts)
    jsonschema.validate(report, boamps.REPORT)
    assert ("environment" in report) == (place == "SE"), "a country is named only where one was told"


def test_boamps_has_the_energy_of_all_counted_queries_in_kilowatt_hours() -> None:
    """200 queries at 10 Wh per 1,000 are 2 Wh."""
    report = json_of("boamps", measured())
    [measure] = report["measures"]
    assert measure["powerConsumption"] == pytest.approx(0.002)
    assert measure["measurementDuration"] == pytest.approx(4)
    assert (measure["gpuTrackingMode"], measure["measurementMethod"]) == ("nvml", "wattstar")
    assert "cpuTrackingMode" not in measure
    assert report["task"]["nbRequest"] == 200
    assert report["task"]["measuredAccuracy"] == 0.9
    [algorithm] = report["task"]["algorithms"]
    assert algorithm["parametersNumber"] == 7
    assert algorithm["foundationModelUri"] == "https://huggingface.co/some/model"
    assert {"dataUsage": "output", "dataType": "token", "dataQuantity": 5.0} in report["task"]["dataset"]


def test_only_an_accuracy_is_told_as_one() -> None:
    name, record = measured()
    assert record.quality is not None
    other = replace(record, quality=replace(record.quality, name="word error rate", value=0.2))
    assert "measuredAccuracy" not in json_of("boamps", (name, other))["task"]


@pytest.mark.parametrize("task", list(registry.plug_ins("tasks")))
def test_boamps_has_a_word_for_every_task(task: str) -> None:
    name, record = measured()
    member = name, replace(record, job=replace(record.job, task=task))
    jsonschema.validate(json_of("boamps", member), boamps.REPORT)


@pytest.mark.parametrize("member", MEMBERS)
def test_every_eval_ever_is_what_its_schema_asks(member: Member) -> None:
    schema = json.loads((SCHEMAS / "every_eval_ever-0.3.0.json").read_text("utf-8"))
    jsonschema.validate(json_of("every-eval-ever", member), schema)


def test_every_eval_ever_tells_direction_unit_and_interval() -> None:
    energy, accuracy = json_of("every-eval-ever", measured())["evaluation_results"]
    assert energy["metric_config"]["lower_is_better"] is True
    assert energy["metric_config"]["metric_unit"] == "Wh per 1,000 queries"
    interval = energy["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"], interval["confidence_level"]) == (9.0, 11.0, 0.95)
    assert accuracy["metric_config"]["lower_is_better"] is False


def test_every_eval_ever_takes_no_range_for_an_interval() -> None:
    [energy] = json_of("every-eval-ever", estimated())["evaluation_results"]
    assert "uncertainty" not in energy["score_details"]
    assert energy["score_details"]["details"]["plausible_high"] == "20.0"
    assert energy["score_details"]["details"]["estimate"] == "true"


def test_emissions_have_codecarbons_columns_first_and_kilowatt_hours() -> None:
    """2 Wh in 4 s are 1,800 W; at 100 g per kWh 0.2 g."""
    [row] = rows_of("emissions-csv", measured(), facts=replace(FACTS, grid=grid("100")))
    assert list(row)[:6] == ["timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions"]
    assert float(row["energy_consumed"]) == pytest.approx(0.002)
    assert float(row["gpu_energy"]) == pytest.approx(0.002)
    assert float(row["gpu_power"]) == pytest.approx(1800)
    assert float(row["emissions"]) == pytest.approx(0.0002)
    assert row["wattstar_estimate"] == "False"


def test_emissions_that_are_not_known_are_empty_not_nothing() -> None:
    [row] = rows_of("emissions-csv", measured())
    unknown = ("emissions", "emissions_rate", "water_consumed", "country_name", "cpu_energy", "ram_energy", "cpu_power",
               "longitude", "pue", "wue", "on_cloud", "cpu_utilization_percent")  # fmt: skip
    assert all(row[column] == "" for column in unknown)


def test_the_form_of_the_ai_act_says_what_was_not_measured() -> None:
    text = text_of("gpai", measured())
    for item in ("energy used for training", "computation used for inference"):
        [line] = [line for line in text.splitlines() if item in line]
        assert "N/A" in line
    assert "10.0 Wh per 1,000 queries" in text
    assert "no statement that any obligation is met" in text


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def export_words(folder: Path, *more: object) -> Sequence[object]:
    return ("export", "--store", folder, *more)


def test_a_store_goes_into_one_file(tmp_path: Path) -> None:
    stored(tmp_path / "store", measured(), invalid())
    made = command("export", tmp_path / "store", "--to", "csv", "-o", tmp_path / "new" / "all.csv")
    assert made.returncode == 0
    rows = list(csv.DictReader((tmp_path / "new" / "all.csv").open(newline="")))
    assert sorted(row["status"] for row in rows) == ["complete", "invalid"]


def test_one_record_is_printed(tmp_path: Path) -> None:
    [id] = stored(tmp_path, measured())
    made = command(*export_words(tmp_path, "--to", "model-index", id))
    assert yaml.safe_load(made.stdout)["model-index"][0]["name"] == "some/model"
    assert made.stderr == ""


def test_several_files_go_into_a_folder(tmp_path: Path) -> None:
    stored(tmp_path / "store", measured(1.0), measured(2.0), invalid())
    words = export_words(tmp_path / "store", "--to", "boamps", "--infrastructure", "other")
    nowhere = command(*words)
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "-o FOLDER/" in nowhere.stderr
    assert command(*words, "-o", tmp_path / "one.json").returncode == 2
    assert not (tmp_path / "one.json").exists()
    made = command(*words, "-o", f"{tmp_path}/many/")
    assert made.returncode == 0
    assert len(list((tmp_path / "many").iterdir())) == 2
    assert "left out: record" in made.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "boamps"), "--infrastructure"),
        (("--to", "xml"), "There is no format 'xml'"),
        (("--to", "csv", "ffff"), "There is no record 'ffff'"),
        (("--to", "csv", "no/such/store"), "There is no store"),
        (("--to", "csv", "--grid", "Atlantis"), "There is no grid"),
        ((), "Missing option '--to'"),
    ],
)
def test_bad_words_end_with_code_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    stored(tmp_path, measured())
    made = command(*export_words(tmp_path, *words))
    assert made.returncode == 2
    assert said in made.stderr
    assert made.stdout == ""


def test_an_empty_store_is_no_empty_file(tmp_path: Path) -> None:
    made = command(*export_words(tmp_path, "--to", "csv", "-o", tmp_path / "x.csv"))
    assert made.returncode == 2
    assert not (tmp_path / "x.csv").exists()


def test_where_nothing_can_be_written_the_cure_is_said(tmp_path: Path) -> None:
    stored(tmp_path / "store", measured())
    (tmp_path / "file").write_text("")
    made = command(*export_words(tmp_path / "store", "--to", "csv", "-o", tmp_path / "file" / "x.csv"))
    assert made.returncode == 3
    assert "cannot be written" in made.stderr
    assert "-o FILE" in made.stderr


def test_help_lists_the_formats() -> None:
    text = " ".join(command("export", "--help").stdout.split())
    assert all(name in text for name in FORMATS)
